//! Every refusal, in one place: its code in records, its HTTP status, its JSON-RPC error, whose fault it is,
//! what the caller may know and what only the operator may.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use doorward_guard::Denied;
use doorward_model::{Fault, Kind};
use doorward_protocol::{
    a2a::Failure,
    json::quote,
    mcp::{Era, modern::ModernError},
    rpc::{self, code},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

pub(super) use connect::{Manner, tool_result};
pub(crate) use upstream::UpstreamFailure;

use super::{Answer, admit::REFUSED_ORIGIN, record::OpenRecord};
use crate::{App, connections::NotConnected, routes::Entrance};

mod a2a;
mod connect;
mod row;
mod upstream;

#[cfg(test)]
mod tests;

/// Why a request is not served. Closed: a new way to refuse is a new variant, with its answer.
#[derive(Debug, Clone)]
pub(crate) enum Reason {
    HostNotAllowed,
    OriginNotAllowed,
    NotFound,
    MethodNotAllowed(&'static str),
    CredentialMissing(Arc<Entrance>),
    CredentialInvalid(Arc<Entrance>, &'static str),
    CredentialInQuery(Arc<Entrance>),
    CredentialAmbiguous(Arc<Entrance>),
    ApiKeyUnknown(Arc<Entrance>),
    NotAllowed,
    ScopeMissing(Arc<Entrance>, String),
    NotAcceptable,
    UnsupportedMediaType,
    BodyTooLarge,
    BodyTimeout,
    BodyBroken,
    MalformedJson,
    TooDeep,
    DuplicateKey,
    NotJsonRpc(String),
    BatchTooLong(usize),
    NotAPage(&'static str),
    Modern(ModernError),
    UnknownMethod(Era),
    UnknownNotification,
    HiddenName(Kind),
    HiddenUri(Era, String),
    InvalidParams(String),
    HandleInvalid(&'static str),
    SessionUnknown,
    SessionMissing,
    TooManySessions,
    TooManyStreams,
    RateExceeded(Duration),
    OtherEra(String),
    Upstream(UpstreamFailure, String),
    NotConnected(Box<NotConnected>),
    /// In A2A's own words.
    A2a(Box<Failure>),
    Agent(UpstreamFailure, String),
    AgentNotNamed,
    NotGrpc,
    CardElsewhere,
    DelegationLoop,
    DelegationTooDeep(usize),
    TooManyTasks(&'static str, usize),
    TooManyDeliveries,
    NotAnEvent,
    Internal,
}

/// A refusal on its way to becoming an answer.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    reason: Reason,
    detail: Option<Box<str>>,
    /// The JSON text of the request's id, once it is known.
    id: Option<Bytes>,
    /// Which message of a batch is refused.
    place: Option<Box<Place>>,
    /// How the client can follow, where something is to be done before it tries again.
    manner: Manner,
}

/// Which message of a batch: counted from 0, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(pub(super) usize, pub(super) usize);

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: None, id: None, place: None, manner: Manner::Error }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Reason::A2a(Box::new(failure)).into()
    }
}

impl Refusal {
    /// What the guard denied.
    pub(super) fn denied(denied: Denied, entrance: &Arc<Entrance>) -> Self {
        match denied {
            Denied::Scope(scope) => Reason::ScopeMissing(Arc::clone(entrance), scope).into(),
            Denied::NotAllowed => Reason::NotAllowed.into(),
        }
    }

    /// Whether an agent could be asked, and only what was asked for cannot be said or had.
    pub(super) fn is_about_one_answer(&self) -> bool {
        use UpstreamFailure::{Invalid, Status, TooLarge};
        matches!(self.reason, Reason::A2a(_) | Reason::Agent(Invalid | TooLarge | Status(500), _))
    }

    /// Whether an agent may have what it was sent, although no answer came.
    pub(super) fn may_have_arrived(&self) -> bool {
        use UpstreamFailure::{Broken, Timeout};
        matches!(self.reason, Reason::Agent(Broken | Timeout, _))
    }

    /// Adds what only the operator may know.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into().into_boxed_str());
        self
    }

    /// Adds the id of the request that is refused, as JSON text.
    pub(super) fn of(mut self, id: Option<&Bytes>) -> Self {
        self.id = id.cloned();
        self
    }

    /// Refuses a batch for one of its messages. The batch is one request without an id.
    pub(super) fn for_all(self, place: Place) -> Self {
        Self { place: Some(Box::new(place)), id: None, manner: Manner::Error, ..self }
    }

    /// The JSON-RPC error as text, for streams that have already begun.
    pub(super) fn event(&self, record: &mut OpenRecord) -> Vec<u8> {
        self.note(record);
        self.text(record)
    }

    /// The answer, noted in the record.
    pub(super) fn into_answer(self, _app: &App, record: &mut OpenRecord) -> Answer {
        let row = self.reason.row();
        self.note(record);
        let mut answer = match row.status {
            // A batch that is not taken is an error of HTTP, whatever its message would have been alone.
            StatusCode::ACCEPTED | StatusCode::OK if self.place.is_some() => {
                Answer::json(StatusCode::BAD_REQUEST, self.text(record))
            }
            StatusCode::ACCEPTED => Answer::empty(row.status),
            StatusCode::NOT_ACCEPTABLE if matches!(self.reason, Reason::NotAPage(_)) => {
                Answer::whole(row.status, "text/plain; charset=utf-8", self.reason.message())
            }
            // A failure that answers no request cannot be told in-band.
            StatusCode::OK if self.id.is_none() => Answer::json(StatusCode::BAD_GATEWAY, self.text(record)),
            status => Answer::json(status, self.text(record)),
        };
        answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.reason.headers() {
            // There may be a challenge for each way in.
            answer.headers.append(name, value);
        }
        answer
    }

    /// Notes the refusal in a record.
    pub(super) fn note(&self, record: &mut OpenRecord) {
        let row = self.reason.row();
        record.failed(row.reason, self.detail.as_deref().map(str::to_owned), row.fault);
        if let Some(code) = self.code() {
            record.rpc_error(code);
        }
    }

    /// The answer as text: an error, unless the client can follow a result better.
    fn text(&self, record: &OpenRecord) -> Vec<u8> {
        match (self.result(), self.code()) {
            (Some(result), _) => rpc::response(self.id.as_deref(), result.as_bytes()),
            (None, code) => self.error_text(code.unwrap_or(code::INTERNAL_ERROR), record),
        }
    }

    fn error_text(&self, code: i64, record: &OpenRecord) -> Vec<u8> {
        let mut message = self.reason.message();
        let mut data = self.elicitations(record).or_else(|| self.reason.data(&record.id.hex()));
        if let Some(Place(position, count)) = self.place.as_deref() {
            message = format!(
                "message {} of {count} in the batch: {message}; nothing of it was sent",
                position + 1
            );
            let rest = data.as_deref().and_then(|data| data.strip_prefix('{')).filter(|rest| *rest != "}");
            data = Some(rest.map_or_else(
                || format!(r#"{{"index":{position}}}"#),
                |rest| format!(r#"{{"index":{position},{rest}"#),
            ));
        }
        rpc::error_response(self.id.as_deref(), code, &message, data.as_deref())
    }
}

impl Reason {
    /// What the caller is told. Never more than the stage that refused may reveal.
    fn message(&self) -> String {
        match self {
            Self::HostNotAllowed => "this host name is not served here".into(),
            Self::OriginNotAllowed => "this origin may not call".into(),
            Self::NotFound | Self::NotAllowed => "not found".into(),
            Self::MethodNotAllowed(_) => "this HTTP method is not allowed here".into(),
            Self::CredentialMissing(_) => "authentication is required".into(),
            Self::CredentialInvalid(..) => "the access token is not valid here".into(),
            Self::CredentialInQuery(_) => "an access token belongs in a header, never in a URL".into(),
            Self::CredentialAmbiguous(_) => "send exactly one credential, in one header".into(),
            Self::ApiKeyUnknown(_) => "the API key is not valid here".into(),
            Self::ScopeMissing(_, scope) => format!("this needs an access token with scope {scope}"),
            Self::NotAcceptable => "Accept must allow application/json and text/event-stream".into(),
            Self::UnsupportedMediaType => "Content-Type must be application/json".into(),
            Self::BodyTooLarge => "the request body is too large".into(),
            Self::BodyTimeout => "the request body took too long".into(),
            Self::BodyBroken => "the request body broke off".into(),
            Self::MalformedJson => "the body is not valid JSON".into(),
            Self::TooDeep => "the JSON is nested too deeply".into(),
            Self::DuplicateKey => "an object has two members of the same name".into(),
            Self::NotJsonRpc(text) | Self::InvalidParams(text) => text.clone(),
            Self::BatchTooLong(most) => format!("a batch has at most {most} messages here"),
            Self::NotAPage(what) => (*what).into(),
            Self::Modern(error) => error.message.clone(),
            Self::UnknownMethod(_) | Self::UnknownNotification => "Method not found".into(),
            Self::HiddenName(Kind::Prompt) => "this server has no such prompt".into(),
            Self::HiddenName(_) => "this server has no such tool".into(),
            Self::HiddenUri(..) => "Resource not found".into(),
            Self::HandleInvalid(what) => format!("{what} is unknown, expired or not yours"),
            Self::SessionUnknown => "Session not found".into(),
            Self::SessionMissing => "Mcp-Session-Id is missing: begin with initialize".into(),
            Self::TooManySessions => "too many sessions at this upstream".into(),
            Self::TooManyStreams => "too many open streams".into(),
            Self::RateExceeded(wait) => format!("too many requests: try again in {} s", whole_secs(*wait)),
            Self::OtherEra(name) => format!("upstream `{name}` does not speak this protocol version"),
            Self::Upstream(failure, name) => failure.message("upstream", name),
            Self::NotConnected(missing) => missing.message(),
            Self::A2a(failure) => failure.message.clone(),
            Self::Agent(failure, name) => failure.message("agent", name),
            Self::AgentNotNamed => {
                "which agent is meant? name it as `tenant`, or bring a token for it".into()
            }
            Self::NotGrpc => "gRPC is a POST over HTTP/2".into(),
            Self::CardElsewhere => "an agent's card is at /a2a/<name>/.well-known/agent-card.json".into(),
            Self::DelegationLoop => "this request has been at this agent before".into(),
            Self::DelegationTooDeep(most) => {
                format!("this request has come through {most} agents already, and more are not allowed here")
            }
            Self::TooManyTasks(which, most) => format!("at most {most} tasks that {which} are allowed here"),
            Self::TooManyDeliveries => "too many notifications wait for the receiver".into(),
            Self::NotAnEvent => "this is not a push notification about a task".into(),
            Self::Internal => "internal error".into(),
        }
    }

    /// JSON text of the error's `data`.
    fn data(&self, request_id: &str) -> Option<String> {
        match self {
            Self::Modern(error) => error.data.clone(),
            Self::HiddenUri(_, uri) => Some(format!(r#"{{"uri":{}}}"#, quote(uri))),
            Self::Upstream(failure, name) => Some(format!(
                r#"{{"upstream":{},"fault":"{}","reason":"{}","requestId":"{request_id}"}}"#,
                quote(name),
                if failure.fault() == Fault::Gateway { "gateway" } else { "upstream" },
                self.row().reason,
            )),
            Self::NotConnected(missing) => Some(connect::data(missing, request_id)),
            Self::Internal => Some(format!(r#"{{"fault":"gateway","requestId":"{request_id}"}}"#)),
            _ => None,
        }
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::CredentialMissing(entrance) | Self::ApiKeyUnknown(entrance) => entrance.challenges(""),
            Self::CredentialInvalid(entrance, _) => entrance.challenges(r#"error="invalid_token", "#),
            Self::CredentialInQuery(entrance) | Self::CredentialAmbiguous(entrance) => {
                entrance.challenges(r#"error="invalid_request", "#)
            }
            Self::ScopeMissing(entrance, scope) => vec![entrance.scope_challenge(scope)],
            Self::MethodNotAllowed(allow) => vec![(header::ALLOW, HeaderValue::from_static(allow))],
            Self::TooManyStreams
            | Self::TooManySessions
            | Self::TooManyTasks(..)
            | Self::TooManyDeliveries => {
                vec![(header::RETRY_AFTER, HeaderValue::from_static("5"))]
            }
            Self::RateExceeded(wait) => vec![(header::RETRY_AFTER, whole_secs(*wait).into())],
            // Under another host's name the origin was never judged.
            Self::OriginNotAllowed | Self::HostNotAllowed => {
                vec![(REFUSED_ORIGIN.clone(), HeaderValue::from_static("1"))]
            }
            _ => Vec::new(),
        }
    }
}

/// As many seconds as suffice: who comes back then is not too early.
fn whole_secs(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
