//! What an agent answers, before it is known over which binding it will be asked.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Asked, Binding, Dialect, Fault, GrpcReply, Version};
use crate::recorder::{Gate, Reply};

/// One answer. Values are sent as they are: the test writes the dialect, with [`super::payload`] or by hand.
#[derive(Debug, Clone)]
pub struct Answer {
    kind: Kind,
    pause: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Kind {
    Result(Value),
    Task(Value),
    Message(Value),
    Fault(Fault),
    Stream(Stream),
    Http(Reply),
    Grpc(GrpcReply),
}

/// The events of a stream and how they come.
#[derive(Debug, Clone)]
pub struct Stream {
    events: Vec<Event>,
    every: Option<Duration>,
    gate: Option<Gate>,
    end: End,
}

#[derive(Debug, Clone)]
enum Event {
    Payload(Value),
    Fault(Fault),
    Bytes(Bytes),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Properly,
    Hold,
    Cut,
}

impl Answer {
    fn new(kind: Kind) -> Self {
        Self { kind, pause: None }
    }

    /// A task in answer to a message, wrapped as the binding and the version want it.
    pub fn task(task: Value) -> Self {
        Self::new(Kind::Task(task))
    }

    /// A message in answer to a message, wrapped as the binding and the version want it.
    pub fn message(message: Value) -> Self {
        Self::new(Kind::Message(message))
    }

    /// A result: `result` of JSON-RPC, the body of HTTP+JSON.
    pub fn result(result: Value) -> Self {
        Self::new(Kind::Result(result))
    }

    /// An error.
    pub fn error(fault: Fault) -> Self {
        Self::new(Kind::Fault(fault))
    }

    /// A stream.
    pub fn stream(stream: Stream) -> Self {
        Self::new(Kind::Stream(stream))
    }

    /// This, whatever the binding: `$id` becomes the id of a JSON-RPC request. Not for gRPC.
    pub fn http(reply: Reply) -> Self {
        Self::new(Kind::Http(reply))
    }

    /// These messages and trailers, over gRPC only.
    pub fn grpc(reply: GrpcReply) -> Self {
        Self::new(Kind::Grpc(reply))
    }

    /// With a pause before the first byte.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// The answer over HTTP.
    pub(super) fn reply(self, asked: &Asked) -> Reply {
        let reply = match self.kind {
            Kind::Result(value) => result(value, asked),
            Kind::Task(task) => result(wrapped("task", task, asked.dialect()), asked),
            Kind::Message(message) => result(wrapped("message", message, asked.dialect()), asked),
            Kind::Fault(fault) => fault.reply(asked),
            Kind::Stream(stream) => stream.reply(asked),
            Kind::Http(reply) => reply,
            Kind::Grpc(_) => Fault::INTERNAL_ERROR.reply(asked),
        };
        match self.pause {
            Some(pause) => reply.after(pause),
            None => reply,
        }
    }

    /// The answer over gRPC.
    pub(super) fn grpc_reply(self) -> GrpcReply {
        match self.kind {
            Kind::Grpc(reply) => reply,
            Kind::Fault(fault) => GrpcReply::status(fault.grpc(), "scripted"),
            _ => GrpcReply::status(Fault::METHOD_NOT_FOUND.grpc(), "scripted for another binding"),
        }
    }
}

/// A task or a message where either may stand: 0.3 tells them by their `kind` on JSON-RPC.
fn wrapped(member: &str, value: Value, dialect: Dialect) -> Value {
    match dialect {
        Dialect::V03Rpc => value,
        Dialect::V1 | Dialect::V03Proto => json!({ member: value }),
    }
}

fn media_type(asked: &Asked) -> &'static str {
    match (asked.binding, asked.version) {
        (Binding::HttpJson, Version::V1_0) => "application/a2a+json",
        _ => "application/json",
    }
}

fn result(value: Value, asked: &Asked) -> Reply {
    let body = match asked.binding {
        Binding::JsonRpc => json!({ "jsonrpc": "2.0", "id": "$id", "result": value }),
        Binding::HttpJson | Binding::Grpc => value,
    };
    Reply::raw(media_type(asked), body.to_string())
}

impl Stream {
    /// These events, each as the version has it: `StreamResponse` of 1.0, `result` of 0.3.
    pub fn of(events: impl IntoIterator<Item = Value>) -> Self {
        let events = events.into_iter().map(Event::Payload).collect();
        Self { events, every: None, gate: None, end: End::Properly }
    }

    /// With an error event after those so far.
    #[must_use]
    pub fn then_error(mut self, fault: Fault) -> Self {
        self.events.push(Event::Fault(fault));
        self
    }

    /// With these bytes after the events so far.
    #[must_use]
    pub fn then_bytes(mut self, bytes: impl Into<Bytes>) -> Self {
        self.events.push(Event::Bytes(bytes.into()));
        self
    }

    /// With this event after those so far.
    #[must_use]
    pub fn then(mut self, event: Value) -> Self {
        self.events.push(Event::Payload(event));
        self
    }

    /// With a pause between the events.
    #[must_use]
    pub fn every(mut self, pause: Duration) -> Self {
        self.every = Some(pause);
        self
    }

    /// Each event, and the end, when the gate lets it through.
    #[must_use]
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Stays open after the last event, until the client leaves.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.end = End::Hold;
        self
    }

    /// The connection breaks after the last event.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.end = End::Cut;
        self
    }

    fn reply(self, asked: &Asked) -> Reply {
        let events = self.events.into_iter().map(|event| event.bytes(asked));
        let mut reply = Reply::pieces(events);
        if let Some(pause) = self.every {
            reply = reply.every(pause);
        }
        if let Some(gate) = &self.gate {
            reply = reply.gated(gate);
        }
        match self.end {
            End::Properly => reply,
            End::Hold => reply.hang_after(usize::MAX),
            End::Cut => reply.cut_after(usize::MAX),
        }
    }
}

impl Event {
    fn bytes(self, asked: &Asked) -> Bytes {
        let envelope = |member: &str, value: Value| json!({ "jsonrpc": "2.0", "id": "$id", member: value });
        let text = match (self, asked.binding) {
            (Self::Bytes(bytes), _) => return bytes,
            (Self::Payload(payload), Binding::JsonRpc) => {
                format!("data: {}\n\n", envelope("result", payload))
            }
            (Self::Payload(payload), _) => format!("data: {payload}\n\n"),
            (Self::Fault(fault), Binding::JsonRpc) => {
                format!("event: error\ndata: {}\n\n", envelope("error", fault.json_rpc_error(asked.version)))
            }
            (Self::Fault(fault), _) => format!("event: error\ndata: {}\n\n", fault.rest_error()),
        };
        text.into()
    }
}
