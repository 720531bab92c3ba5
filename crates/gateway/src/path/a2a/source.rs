//! What an agent answers: one message, or the events of a stream, whichever binding carries it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use doorward_egress::{BodyError, read_capped};
use doorward_model::Binding;
use doorward_protocol::{
    a2a::{ErrorKind, Failure, GrpcCode, Operation, proto},
    grpc::{FrameReader, Status},
    json::{Document, Value},
    sse::{Event, EventReader},
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{
    super::{Refusal, refusal::UpstreamFailure},
    send::{Talk, failed},
};

/// A unary answer.
pub(super) enum Heard {
    /// The result, in the interface's dialect, and the whole JSON-RPC message that it stands in, if it answers ours.
    Result(Document, Option<Bytes>),
    /// An error of the agent's.
    Error(Failure),
}

/// The events of a stream.
pub(super) struct Source {
    body: Incoming,
    reader: Reader,
    pub(super) heard: Instant,
    operation: Operation,
    depth: usize,
    limit: usize,
    interface: (Binding, doorward_protocol::a2a::Version),
    /// The JSON text of the request's id.
    id: Bytes,
}

enum Reader {
    Events(EventReader),
    Messages(FrameReader, Option<HeaderMap>),
}

/// One piece of a stream.
pub(super) enum Piece {
    /// Something that the agent says, in the interface's dialect, and the event as it came, if it answers our request.
    Said(Document, Option<Event>),
    /// An error of the agent's, after which nothing comes.
    Error(Failure),
}

/// Why a stream stopped before its end.
#[derive(Debug)]
pub(super) struct Cut(pub(super) UpstreamFailure, pub(super) String);

impl Talk {
    /// Reads a unary answer whole.
    pub(super) async fn hear(
        &self,
        operation: Operation,
        response: Response<Incoming>,
    ) -> Result<Heard, Refusal> {
        match self.interface.binding {
            Binding::JsonRpc => self.hear_json_rpc(response).await,
            Binding::HttpJson => self.hear_http_json(operation, response).await,
            Binding::Grpc => self.hear_grpc(operation, response).await,
        }
    }

    async fn hear_json_rpc(&self, response: Response<Incoming>) -> Result<Heard, Refusal> {
        let status = response.status();
        let is_json = media(response.headers()) == Some("application/json".to_owned());
        if !is_json && !status.is_success() {
            return Err(failed(&self.call, UpstreamFailure::Status(status.as_u16())));
        }
        let text = self.read(response.into_body()).await?;
        let message = self.parse(text)?;
        match of_json_rpc(&message) {
            Ok(Outcome::Error(failure)) => self.judged(failure).map(Heard::Error),
            Ok(Outcome::Result(result)) => {
                let whole = answers(&message, &self.call.face.rpc_id()).then(|| message.bytes().clone());
                Ok(Heard::Result(result.to_document(&message), whole))
            }
            Err(_) if !status.is_success() => {
                Err(failed(&self.call, UpstreamFailure::Status(status.as_u16())))
            }
            Err(wrong) => Err(self.invalid(wrong)),
        }
    }

    async fn hear_http_json(
        &self,
        operation: Operation,
        response: Response<Incoming>,
    ) -> Result<Heard, Refusal> {
        let status = response.status();
        let text = self.read(response.into_body()).await?;
        if status.is_success() {
            let text = if text.is_empty() { Bytes::from_static(b"{}") } else { text };
            return Ok(Heard::Result(self.parse(text)?, None));
        }
        let body = self.parse(text).ok();
        let body = body.as_ref().and_then(|body| body.root().as_object());
        // A page of something in between is no error of the agent's.
        if body.is_none_or(|body| body.get("error").is_none()) && status.is_server_error() {
            return Err(failed(&self.call, UpstreamFailure::Status(status.as_u16())));
        }
        self.judged(Failure::of_http(operation, status.as_u16(), body)).map(Heard::Error)
    }

    async fn hear_grpc(&self, operation: Operation, response: Response<Incoming>) -> Result<Heard, Refusal> {
        let mut source = self.listen(operation, response)?;
        let limit = self.call.agent.agent.timeout;
        let mut said = None;
        let read = tokio::time::timeout(limit, async {
            while let Some(piece) = source.next().await? {
                match piece {
                    Piece::Said(document, _) => said = Some(document),
                    Piece::Error(failure) => return Ok(Some(failure)),
                }
            }
            Ok(None)
        });
        match read.await {
            Err(_) => Err(failed(&self.call, UpstreamFailure::Timeout)),
            Ok(Err(Cut(failure, detail))) => Err(failed(&self.call, failure).detail(detail)),
            Ok(Ok(Some(failure))) => self.judged(failure).map(Heard::Error),
            Ok(Ok(None)) => {
                let said = said.ok_or_else(|| self.invalid("an answer without a message"))?;
                Ok(Heard::Result(said, None))
            }
        }
    }

    /// Begins to read a stream.
    pub(super) fn listen(
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

    /// An error that the agent answers. That it does not take our credential is not for the caller to mend.
    pub(super) fn judged(&self, failure: Failure) -> Result<Failure, Refusal> {
        match failure.kind {
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => {
                Err(failed(&self.call, UpstreamFailure::Unauthorized).detail(failure.message))
            }
            _ => Ok(failure),
        }
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let limit: Duration = self.call.agent.agent.timeout;
        let most = self.call.agent.entrance.limits.response_body;
        match tokio::time::timeout(limit, read_capped(body, most)).await {
            Err(_) => Err(failed(&self.call, UpstreamFailure::Timeout)),
            Ok(Err(BodyError::TooLarge(_))) => Err(failed(&self.call, UpstreamFailure::TooLarge)),
            Ok(Err(BodyError::Broken)) => Err(failed(&self.call, UpstreamFailure::Broken)),
            Ok(Ok(text)) => Ok(text),
        }
    }

    fn parse(&self, text: Bytes) -> Result<Document, Refusal> {
        Document::parse(text, self.call.agent.entrance.limits.depth)
            .map_err(|error| self.invalid(error.to_string()))
    }

    /// The agent sent something that is not a valid answer.
    pub(super) fn invalid(&self, detail: impl Into<String>) -> Refusal {
        failed(&self.call, UpstreamFailure::Invalid).detail(detail)
    }
}

impl Source {
    /// The next piece; none at the end. May be dropped while it waits: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, Cut> {
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
                let document = Document::parse(text.into(), usize::from(u8::MAX));
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
        return match of_json_rpc(&document).map_err(|wrong| invalid(wrong.to_owned()))? {
            Outcome::Error(failure) => Ok(Piece::Error(failure)),
            Outcome::Result(result) => {
                let event = answers(&document, id).then_some(event);
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

/// Whether a JSON-RPC response names the request that it answers; its result is written anew where it does not.
fn answers(message: &Document, id: &[u8]) -> bool {
    message.root().as_object().and_then(|message| message.get("id")).is_some_and(|named| named.raw() == id)
}

/// What a JSON-RPC response says.
enum Outcome<'a> {
    Result(Value<'a>),
    Error(Failure),
}

fn of_json_rpc(message: &Document) -> Result<Outcome<'_>, &'static str> {
    let object = message.root().as_object().ok_or("the answer is not an object")?;
    match (object.get("result"), object.get("error").filter(|error| !error.is_null())) {
        (_, Some(error)) => {
            let error = error.as_object().ok_or("the error is not an object")?;
            Ok(Outcome::Error(Failure::of_json_rpc(error)))
        }
        (Some(result), None) => Ok(Outcome::Result(result)),
        (None, None) => Err("neither a result nor an error"),
    }
}

fn media(headers: &HeaderMap) -> Option<String> {
    // Nothing was asked to be compressed: what is compressed all the same cannot be examined.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return None;
    }
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether an answer is a stream of events.
pub(super) fn is_stream(response: &Response<Incoming>) -> bool {
    media(response.headers())
        .is_some_and(|media| media == "text/event-stream" || media.starts_with("application/grpc"))
}
