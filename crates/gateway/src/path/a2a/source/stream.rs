//! A stream of an agent's, piece by piece: events of a JSON binding, or messages and a status of gRPC. What a piece means
//! for the task is not looked at here.

use std::time::Instant;

use bytes::Bytes;
use doorward_model::Binding;
use doorward_protocol::{
    a2a::{Failure, GrpcCode, Operation, Version, proto},
    grpc::{FrameReader, Status},
    json::{Document, Value},
    rpc::Reply,
    sse::{Event, EventReader},
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{
    super::{
        super::{Refusal, refusal::UpstreamFailure},
        send::{Talk, failed},
    },
    media,
};

/// The events of a stream.
pub(in crate::path::a2a) struct Source {
    body: Incoming,
    reader: Reader,
    pub(in crate::path::a2a) heard: Instant,
    operation: Operation,
    depth: usize,
    limit: usize,
    interface: (Binding, Version),
    /// The JSON text of the request's id.
    id: Bytes,
}

enum Reader {
    Events(EventReader),
    Messages(FrameReader, Option<HeaderMap>),
}

/// One piece of a stream.
pub(in crate::path::a2a) enum Piece {
    /// Something that the agent says, in the interface's dialect, and the event as it came, if it answers our request.
    Said(Document, Option<Event>),
    /// An error of the agent's, after which nothing comes.
    Error(Failure),
}

/// Why a stream stopped before its end.
#[derive(Debug)]
pub(in crate::path::a2a) struct Cut(
    pub(in crate::path::a2a) UpstreamFailure,
    pub(in crate::path::a2a) String,
);

impl Talk {
    /// Begins to read a stream.
    pub(in crate::path::a2a) fn listen(
        &self,
        operation: Operation,
        response: Response<Incoming>,
    ) -> Result<Source, Refusal> {
        let limits = &self.call.agent.entrance.limits;
        let status = response.status();
        let reader = match self.interface.binding {
            Binding::Grpc if status == StatusCode::OK => {
                let is_grpc =
                    media(response.headers()).is_some_and(|media| media.starts_with("application/grpc"));
                if !is_grpc {
                    return Err(self.invalid("not an answer of gRPC"));
                }
                let ended =
                    response.headers().contains_key("grpc-status").then(|| response.headers().clone());
                Reader::Messages(FrameReader::new(limits.response_body), ended)
            }
            Binding::Grpc => return Err(failed(&self.call, UpstreamFailure::Status(status.as_u16()))),
            _ => Reader::Events(EventReader::new(limits.response_body)),
        };
        Ok(Source {
            body: response.into_body(),
            reader,
            heard: Instant::now(),
            operation,
            depth: limits.depth,
            limit: limits.response_body,
            interface: (self.interface.binding, self.interface.version),
            id: self.call.face.rpc_id(),
        })
    }
}

impl Source {
    /// The next piece; none at the end. May be dropped while it waits: nothing is lost.
    pub(in crate::path::a2a) async fn next(&mut self) -> Result<Option<Piece>, Cut> {
        loop {
            if let Some(piece) = self.buffered()? {
                return Ok(Some(piece));
            }
            if let Reader::Messages(_, Some(ended)) = &self.reader {
                return self.status(&ended.clone());
            }
            match self.body.frame().await {
                None => return self.end(),
                Some(Err(error)) => return Err(Cut(UpstreamFailure::Broken, error.to_string())),
                Some(Ok(frame)) => {
                    self.heard = Instant::now();
                    match frame.into_data() {
                        Ok(data) => self.push(data),
                        Err(frame) => {
                            if let (Ok(trailers), Reader::Messages(_, ended)) =
                                (frame.into_trailers(), &mut self.reader)
                            {
                                *ended = Some(trailers);
                            }
                        }
                    }
                }
            }
        }
    }

    fn push(&mut self, data: Bytes) {
        match &mut self.reader {
            Reader::Events(reader) => reader.push(data),
            Reader::Messages(reader, _) => reader.push(data),
        }
    }

    fn buffered(&mut self) -> Result<Option<Piece>, Cut> {
        match &mut self.reader {
            Reader::Events(reader) => loop {
                let event =
                    reader.next_event().map_err(|error| Cut(UpstreamFailure::TooLarge, error.to_string()))?;
                let Some(event) = event else { return Ok(None) };
                // Comments keep the connection alive; Doorward has its own.
                if let Some(data) = event.data().filter(|data| !data.is_empty()) {
                    let read = (self.operation, self.depth, self.id.as_ref());
                    return said(self.interface.0, read, data, event).map(Some);
                }
            },
            Reader::Messages(reader, _) => {
                let message = reader
                    .next_message()
                    .map_err(|error| Cut(UpstreamFailure::Invalid, error.to_string()))?;
                let Some(message) = message else { return Ok(None) };
                let invalid = |detail: String| Cut(UpstreamFailure::Invalid, detail);
                let schema = proto::response(self.interface.1, self.operation);
                let schema = schema
                    .ok_or_else(|| invalid("an operation that the service does not have".to_owned()))?;
                let limits = proto::Limits::of_message(self.limit);
                let text =
                    proto::decode(schema, &message, limits).map_err(|error| invalid(error.to_string()))?;
                let document = Document::reread(text.into());
                let document = document.map_err(|error| invalid(error.to_string()))?;
                Ok(Some(Piece::Said(document, None)))
            }
        }
    }

    /// What the end of the body means.
    fn end(&self) -> Result<Option<Piece>, Cut> {
        match &self.reader {
            Reader::Events(_) => Ok(None),
            Reader::Messages(..) => Err(Cut(UpstreamFailure::Broken, "no status at the end".to_owned())),
        }
    }

    /// What the status of gRPC says.
    fn status(&self, trailers: &HeaderMap) -> Result<Option<Piece>, Cut> {
        let status = Status::from_headers(|name| trailers.get(name).map(HeaderValue::as_bytes));
        let status = status.ok_or_else(|| Cut(UpstreamFailure::Broken, "no status at the end".to_owned()))?;
        if status.code == GrpcCode::Ok {
            return Ok(None);
        }
        let details: Vec<_> =
            status.details.iter().filter_map(|text| Document::parse(text.clone(), self.depth).ok()).collect();
        let objects = details.iter().filter_map(|document| document.root().as_object());
        Ok(Some(Piece::Error(Failure::of_grpc(self.operation, status.code, &status.message, objects))))
    }
}

/// What an event of a JSON binding says.
fn said(
    binding: Binding,
    (operation, depth, id): (Operation, usize, &[u8]),
    data: Bytes,
    event: Event,
) -> Result<Piece, Cut> {
    let invalid = |detail: String| Cut(UpstreamFailure::Invalid, detail);
    let document = Document::parse(data, depth).map_err(|error| invalid(error.to_string()))?;
    if binding == Binding::JsonRpc {
        return match Reply::read(&document).map_err(|wrong| invalid(wrong.to_string()))? {
            Reply::Error(error) => Ok(Piece::Error(Failure::of_json_rpc(error))),
            Reply::Result(result) => {
                let event = Reply::answers(&document, id).then_some(event);
                Ok(Piece::Said(result.to_document(&document), event))
            }
        };
    }
    let error = document
        .root()
        .as_object()
        .filter(|object| object.get("error").is_some_and(|it| it.as_object().is_some()));
    match error {
        Some(object) => {
            let error = object.get("error").and_then(Value::as_object);
            let code = error.and_then(|error| error.get("code")).and_then(Value::as_i64);
            let status = code.and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
            Ok(Piece::Error(Failure::of_http(operation, status, Some(object))))
        }
        None => Ok(Piece::Said(document, Some(event))),
    }
}
