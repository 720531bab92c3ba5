//! What a scripted agent is to answer, written for the interface at which it will be asked, gRPC included.

use doorward_protocol::{a2a::GrpcCode, grpc::Status};
use doorward_testkit::agent::{Answer, Binding, Dialect, Fault, GrpcReply, Stream, payload};
use serde_json::{Value, json};

use super::{Face, dialect, encode};

/// A task in answer to a message.
pub(crate) fn task(interface: Face, id: &str, context: &str, state: &str) -> Answer {
    let task = payload::task(dialect(interface), id, context, state);
    match interface.0 {
        Binding::Grpc => {
            Answer::grpc(GrpcReply::of([encode(interface.1, "SendMessage", &json!({ "task": task }))]))
        }
        _ => Answer::task(task),
    }
}

/// A message in answer to a message.
pub(crate) fn message(interface: Face, id: &str, text: &str) -> Answer {
    let message = payload::agent_message(dialect(interface), id, text);
    match interface.0 {
        Binding::Grpc => {
            Answer::grpc(GrpcReply::of([encode(interface.1, "SendMessage", &json!({ "message": message }))]))
        }
        _ => Answer::message(message),
    }
}

/// A result of this operation, in the interface's dialect.
pub(crate) fn result(interface: Face, operation: &str, value: &Value) -> Answer {
    match interface.0 {
        Binding::Grpc => Answer::grpc(GrpcReply::of([encode(interface.1, operation, value)])),
        _ => Answer::result(value.clone()),
    }
}

/// A stream of these events, which ends well.
pub(crate) fn stream(interface: Face, events: impl Fn(Dialect) -> Vec<Value>) -> Answer {
    let events = events(dialect(interface));
    match interface.0 {
        Binding::Grpc => {
            let messages = events.iter().map(|event| encode(interface.1, "SendStreamingMessage", event));
            Answer::grpc(GrpcReply::of(messages))
        }
        _ => Answer::stream(Stream::of(events)),
    }
}

/// An error with its `ErrorInfo`, where the binding has one.
pub(crate) fn fault(interface: Face, fault: Fault, reason: &str) -> Answer {
    match interface.0 {
        Binding::Grpc => Answer::grpc(grpc_fault(GrpcReply::of([]), fault, reason)),
        _ => Answer::error(fault),
    }
}

/// These messages, and then this error.
pub(crate) fn grpc_fault(reply: GrpcReply, fault: Fault, reason: &str) -> GrpcReply {
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "a2a-protocol.org",
    });
    let code = GrpcCode::of_number(u64::from(fault.grpc())).unwrap();
    let mut status = Status::new(code, reason.to_lowercase().replace('_', " "));
    status.details.push(info.to_string().into());
    status.encode_trailers().into_iter().fold(reply, |reply, (name, value)| reply.trailer(name, &value))
}

/// The response message of an operation, as protobuf.
pub(crate) fn encoded(interface: Face, operation: &str, value: &Value) -> bytes::Bytes {
    encode(interface.1, operation, value)
}
