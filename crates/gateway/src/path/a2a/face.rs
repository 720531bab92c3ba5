//! How one caller is answered: the binding, the version, and what ties an answer to its request.

use bytes::Bytes;
use doorward_model::Binding;
use doorward_protocol::{
    a2a::{Dialect, Failure, GrpcCode, Operation, Version, proto},
    grpc,
    json::Value,
    rpc,
    sse::write_event,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::{
    super::{Answer, Refusal, record::OpenRecord},
    call::parse,
    internal,
};

/// The content type of HTTP+JSON in 1.0 (section 11.2).
const A2A_JSON: &str = "application/a2a+json";
const JSON: &str = "application/json";
const GRPC: &str = "application/grpc+proto";
const EVENTS: &str = "text/event-stream";

/// How the caller is answered.
#[derive(Debug, Clone)]
pub(super) struct Face {
    pub(super) binding: Binding,
    pub(super) version: Version,
    /// The JSON text of the request's id, on JSON-RPC.
    pub(super) id: Option<Bytes>,
    /// Whether errors of the protocol are told in the body alone, as JSON-RPC does.
    in_band: bool,
    /// Whether what is in the body alone comes as the one event of a stream: clients of 0.3 that asked for a stream over
    /// JSON-RPC read nothing else, and would not learn what was wrong.
    in_stream: bool,
    media: &'static str,
}

impl Face {
    pub(super) fn new(binding: Binding, version: Version) -> Self {
        let in_band = binding == Binding::JsonRpc;
        Self { binding, version, id: None, in_band, in_stream: false, media: JSON }
    }

    /// On HTTP+JSON: 0.3 lives below `/v1/` there. Who says only `application/json` gets that.
    pub(super) fn http_json(path: &str, headers: &HeaderMap) -> Self {
        let version = if path.starts_with("/v1/") { Version::V0_3 } else { Version::V1_0 };
        let says = |name: HeaderName, media: &str| {
            let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.any(|value| value.contains(media))
        };
        let wants_json = says(header::ACCEPT, JSON) || says(header::CONTENT_TYPE, JSON);
        let is_plain = version == Version::V0_3 || (wants_json && !says(header::ACCEPT, A2A_JSON));
        Self { media: if is_plain { JSON } else { A2A_JSON }, ..Self::new(Binding::HttpJson, version) }
    }

    /// The JSON text of the id under which an agent is asked over JSON-RPC.
    pub(super) fn rpc_id(&self) -> Bytes {
        self.id.clone().unwrap_or_else(|| Bytes::from_static(b"1"))
    }

    /// For a document: nothing is in-band there.
    pub(super) fn document() -> Self {
        Self { in_band: false, ..Self::new(Binding::JsonRpc, Version::V1_0) }
    }

    /// What was asked over JSON-RPC, in which version.
    pub(super) fn asked(&mut self, operation: Operation, version: Version) {
        self.version = version;
        self.in_stream = version == Version::V0_3 && operation.streams();
    }

    /// How payloads are written.
    pub(super) fn dialect(&self) -> Dialect {
        Dialect::of(self.version, self.binding)
    }

    /// A unary answer. `result` is JSON in the face's dialect.
    pub(super) fn unary(&self, operation: Operation, result: &[u8]) -> Result<Answer, Refusal> {
        match self.binding {
            Binding::JsonRpc => Ok(Answer::json(StatusCode::OK, self.json_rpc(result))),
            Binding::HttpJson => Ok(Answer::whole(StatusCode::OK, self.media, result.to_vec())),
            Binding::Grpc => {
                let mut answer = Answer::whole(StatusCode::OK, GRPC, self.message(operation, result)?);
                answer.trailers = Some(trailers(&grpc::Status::new(GrpcCode::Ok, "")));
                Ok(answer)
            }
        }
    }

    /// One event of a stream. `result` is JSON in the face's dialect.
    pub(super) fn event(&self, operation: Operation, result: &[u8]) -> Result<Bytes, Refusal> {
        match self.binding {
            Binding::JsonRpc => Ok(write_event(&self.json_rpc(result))),
            Binding::HttpJson => Ok(write_event(result)),
            Binding::Grpc => self.message(operation, result),
        }
    }

    /// The same, of what is read already.
    pub(super) fn event_of(&self, operation: Operation, result: Value<'_>) -> Result<Bytes, Refusal> {
        match self.binding {
            Binding::JsonRpc | Binding::HttpJson => self.event(operation, result.raw()),
            Binding::Grpc => self.encode(operation, result),
        }
    }

    /// The head of a stream.
    pub(super) fn stream(&self, content: super::super::Content) -> Answer {
        let mut answer = Answer::events(content);
        if self.binding == Binding::Grpc {
            answer.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(GRPC));
        }
        answer
    }

    /// An error that the agent answers, or Doorward in its place.
    pub(super) fn failure(&self, failure: &Failure) -> Answer {
        let status = StatusCode::from_u16(failure.kind.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match self.binding {
            Binding::JsonRpc => self.fail(failure, StatusCode::OK),
            Binding::HttpJson | Binding::Grpc => self.fail(failure, status),
        }
    }

    /// The event that stands for an error in a stream, and the trailers where that is how the binding says it.
    pub(super) fn failure_event(&self, failure: &Failure) -> (Option<Bytes>, Option<HeaderMap>) {
        let event = |data: &[u8]| {
            let mut event = b"event: error\n".to_vec();
            event.extend_from_slice(&write_event(data));
            (Some(event.into()), None)
        };
        match self.binding {
            Binding::JsonRpc => event(&failure.json_rpc(self.id.as_deref())),
            Binding::HttpJson => event(&failure.http(failure.kind.http())),
            Binding::Grpc => (None, Some(trailers(&status(failure)))),
        }
    }

    /// The trailers of a stream that ended well.
    pub(super) fn end(&self) -> Option<HeaderMap> {
        (self.binding == Binding::Grpc).then(|| trailers(&grpc::Status::new(GrpcCode::Ok, "")))
    }

    /// The answer to what is refused, noted in the record.
    pub(super) fn refuse(&self, refusal: &Refusal, record: &mut OpenRecord) -> Answer {
        refusal.note(record);
        let (failure, status) = refusal.failure(record);
        record.rpc_error(failure.json_rpc_code());
        let in_http =
            || StatusCode::from_u16(failure.kind.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let status = match self.binding {
            Binding::JsonRpc if self.in_band && refusal.is_of_the_envelope() => StatusCode::OK,
            Binding::JsonRpc if status == StatusCode::OK && !self.in_band => in_http(),
            Binding::HttpJson if status == StatusCode::OK => in_http(),
            _ => status,
        };
        let mut answer = self.fail(&failure, status);
        answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer.headers.extend(refusal.headers());
        answer
    }

    fn fail(&self, failure: &Failure, status: StatusCode) -> Answer {
        match self.binding {
            Binding::JsonRpc if self.in_stream && status == StatusCode::OK => {
                Answer::whole(status, EVENTS, self.failure_event(failure).0.unwrap_or_default())
            }
            Binding::JsonRpc => Answer::json(status, failure.json_rpc(self.id.as_deref())),
            // Section 11.6: errors are `application/json`, whatever results are.
            Binding::HttpJson => Answer::whole(status, JSON, failure.http(status.as_u16())),
            Binding::Grpc => {
                // Trailers only: everything stands in the head.
                let mut answer = Answer::whole(StatusCode::OK, GRPC, Bytes::new());
                answer.headers.extend(trailers(&self::status(failure)));
                answer
            }
        }
    }

    fn json_rpc(&self, result: &[u8]) -> Vec<u8> {
        rpc::response(self.id.as_deref(), result)
    }

    fn message(&self, operation: Operation, result: &[u8]) -> Result<Bytes, Refusal> {
        self.encode(operation, parse(result.to_vec())?.root())
    }

    fn encode(&self, operation: Operation, result: Value<'_>) -> Result<Bytes, Refusal> {
        let schema = proto::response(self.version, operation);
        let schema = schema.ok_or_else(|| internal("the service has no such operation"))?;
        let message = proto::encode(schema, result).map_err(internal)?;
        Ok(grpc::frame(&message))
    }
}

/// An error as gRPC says it.
fn status(failure: &Failure) -> grpc::Status {
    let details = failure.all_details().into_iter().map(Bytes::from).collect();
    grpc::Status { code: failure.kind.grpc(), message: failure.message.clone(), details }
}

fn trailers(status: &grpc::Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    for (name, value) in status.encode_trailers() {
        if let Ok(value) = HeaderValue::from_str(&value) {
            trailers.insert(HeaderName::from_static(name), value);
        }
    }
    trailers
}
