//! The JSON-RPC 2.0 envelope: what kind of message a document is, and how errors are written.
//!
//! Views only: nothing is copied and nothing is re-encoded.

use crate::json::{Document, Kind, Object, Value, quote};

/// Longest id that is accepted, in bytes of JSON text.
pub const MAX_ID: usize = 256;
/// Longest id of a response: that of a request as Doorward passes it on, which is a tag and base64.
const MAX_ANSWERED_ID: usize = 2 * MAX_ID;

/// Error codes of JSON-RPC and MCP that Doorward emits.
pub mod code {
    /// Not JSON.
    pub const PARSE_ERROR: i64 = -32700;
    /// Not a JSON-RPC message.
    pub const INVALID_REQUEST: i64 = -32600;
    /// Unknown method, or a tool or prompt that is not there.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// Parameters that do not fit.
    pub const INVALID_PARAMS: i64 = -32602;
    /// Our fault or the upstream's.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// The generic server error of legacy transports.
    pub const SERVER_ERROR: i64 = -32000;
    /// Legacy: the session does not exist.
    pub const SESSION_NOT_FOUND: i64 = -32001;
    /// Legacy: the resource does not exist.
    pub const RESOURCE_NOT_FOUND: i64 = -32002;
    /// 2026-07-28: a header and the body differ.
    pub const HEADER_MISMATCH: i64 = -32020;
    /// 2026-07-28: the client did not declare a capability that the method needs.
    pub const MISSING_CAPABILITY: i64 = -32021;
    /// 2026-07-28: the version is not spoken here.
    pub const UNSUPPORTED_VERSION: i64 = -32022;
    /// 2025-11-25: the person must go to an address first; `data.elicitations` says which.
    pub const URL_ELICITATION_REQUIRED: i64 = -32042;
}

/// One JSON-RPC message.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// Wants an answer.
    Request {
        /// A string or a number.
        id: Value<'a>,
        /// The method's value; its text is [`Message::method`].
        method: Value<'a>,
        /// `params`, an object when present.
        params: Option<Object<'a>>,
    },
    /// Wants none.
    Notification {
        /// The method's value.
        method: Value<'a>,
        /// `params`, an object when present.
        params: Option<Object<'a>>,
    },
    /// Answers a request.
    Response {
        /// The request's id; absent or `null` when the sender could not tell.
        id: Option<Value<'a>>,
        /// `result` or `error`.
        outcome: Outcome<'a>,
    },
}

/// What a response says.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// `result`: an object in MCP.
    Result(Object<'a>),
    /// `error`.
    Error(Object<'a>),
}

/// What answers a request, read as leniently as agents write: any value may be the result, and what else stands in the
/// message is not looked at.
#[derive(Debug, Clone, Copy)]
pub enum Reply<'a> {
    /// `result`.
    Result(Value<'a>),
    /// `error`, also where there is a result beside.
    Error(Object<'a>),
}

impl<'a> Reply<'a> {
    /// Reads the answer in a document.
    ///
    /// # Errors
    /// [`EnvelopeError::NotAnObject`] and [`EnvelopeError::Shape`].
    pub fn read(document: &'a Document) -> Result<Self, EnvelopeError> {
        let message = document.root().as_object().ok_or(EnvelopeError::NotAnObject)?;
        let [result, error] = message.pick(["result", "error"]);
        match (result, error.filter(|error| !error.is_null())) {
            (_, Some(error)) => error.as_object().map(Self::Error).ok_or(EnvelopeError::Shape),
            (Some(result), None) => Ok(Self::Result(result)),
            (None, None) => Err(EnvelopeError::Shape),
        }
    }

    /// Whether a message names the request of this id, a JSON text, as the one that it answers.
    pub fn answers(document: &Document, id: &[u8]) -> bool {
        let message = document.root().as_object();
        message.and_then(|message| message.get("id")).is_some_and(|named| named.raw() == id)
    }
}

/// Why a JSON document is not a JSON-RPC message that Doorward takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// An array.
    #[error("batches are not accepted here")]
    Batch,
    /// Neither object nor array.
    #[error("a message is a JSON object")]
    NotAnObject,
    /// `jsonrpc` is not `"2.0"`.
    #[error("`jsonrpc` must be \"2.0\"")]
    Version,
    /// `id` is null, a fraction, a structure, or longer than [`MAX_ID`].
    #[error("`id` must be a string or an integer of at most {MAX_ID} bytes")]
    Id,
    /// No method and no outcome, both, or members of the wrong type.
    #[error("the message is neither a request, a notification nor a response")]
    Shape,
    /// A member that differs only in case from one that decides.
    #[error("a member name differs only in case from a member of the protocol")]
    CaseVariant,
}

/// Members of the envelope that Doorward decides on.
const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

impl<'a> Message<'a> {
    /// Reads the envelope of a checked document.
    pub fn read(document: &'a Document) -> Result<Self, EnvelopeError> {
        let root = document.root();
        let object = match root.kind() {
            Kind::Object => root.as_object().ok_or(EnvelopeError::NotAnObject)?,
            Kind::Array => return Err(EnvelopeError::Batch),
            _ => return Err(EnvelopeError::NotAnObject),
        };
        Self::read_object(object)
    }

    fn read_object(object: Object<'a>) -> Result<Self, EnvelopeError> {
        let members = Members::collect(object)?;
        if members.jsonrpc.and_then(Value::as_str).as_deref() != Some("2.0") {
            return Err(EnvelopeError::Version);
        }
        match (members.method, members.id) {
            (Some(method), id) => members.call(method, id),
            (None, id) => members.response(id),
        }
    }

    /// The method of a request or notification.
    pub fn method(&self) -> Option<std::borrow::Cow<'a, str>> {
        match self {
            Self::Request { method, .. } | Self::Notification { method, .. } => method.as_str(),
            Self::Response { .. } => None,
        }
    }

    /// The parameters of a request or notification.
    pub fn params(&self) -> Option<Object<'a>> {
        match self {
            Self::Request { params, .. } | Self::Notification { params, .. } => *params,
            Self::Response { .. } => None,
        }
    }

    /// The id of a request, or of a response that has one.
    pub fn id(&self) -> Option<Value<'a>> {
        match self {
            Self::Request { id, .. } => Some(*id),
            Self::Notification { .. } => None,
            Self::Response { id, .. } => *id,
        }
    }
}

/// The envelope's members, found in one pass.
#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<Value<'a>>,
    id: Option<Value<'a>>,
    method: Option<Value<'a>>,
    params: Option<Value<'a>>,
    result: Option<Value<'a>>,
    error: Option<Value<'a>>,
}

impl<'a> Members<'a> {
    fn collect(object: Object<'a>) -> Result<Self, EnvelopeError> {
        let mut found = Self::default();
        for member in object.members() {
            let slot = match &*member.name {
                "jsonrpc" => &mut found.jsonrpc,
                "id" => &mut found.id,
                "method" => &mut found.method,
                "params" => &mut found.params,
                "result" => &mut found.result,
                "error" => &mut found.error,
                other if ENVELOPE.iter().any(|name| crate::json::differs_only_in_case(other, name)) => {
                    return Err(EnvelopeError::CaseVariant);
                }
                _ => continue,
            };
            *slot = Some(member.value);
        }
        Ok(found)
    }

    fn call(&self, method: Value<'a>, id: Option<Value<'a>>) -> Result<Message<'a>, EnvelopeError> {
        if self.result.is_some() || self.error.is_some() || method.as_str().is_none() {
            return Err(EnvelopeError::Shape);
        }
        let params = match self.params {
            Some(params) => Some(params.as_object().ok_or(EnvelopeError::Shape)?),
            None => None,
        };
        match id {
            Some(id) if is_id(id) => Ok(Message::Request { id, method, params }),
            Some(_) => Err(EnvelopeError::Id),
            None => Ok(Message::Notification { method, params }),
        }
    }

    fn response(&self, id: Option<Value<'a>>) -> Result<Message<'a>, EnvelopeError> {
        let id = match id {
            Some(id) if id.is_null() => None,
            Some(id) if !is_id_within(id, MAX_ANSWERED_ID) => return Err(EnvelopeError::Id),
            id => id,
        };
        let object = |value: Value<'a>| value.as_object().ok_or(EnvelopeError::Shape);
        let outcome = match (self.result, self.error) {
            (Some(result), None) => Outcome::Result(object(result)?),
            (None, Some(error)) => Outcome::Error(object(error)?),
            _ => return Err(EnvelopeError::Shape),
        };
        Ok(Message::Response { id, outcome })
    }
}

/// Whether a value may be an id: a string that has a text, or an integer, of at most [`MAX_ID`] bytes.
pub(crate) fn is_id(id: Value<'_>) -> bool {
    is_id_within(id, MAX_ID)
}

fn is_id_within(id: Value<'_>, length: usize) -> bool {
    id.raw().len() <= length
        && match id.kind() {
            Kind::String => id.as_str().is_some(),
            Kind::Number => id.as_i64().is_some(),
            _ => false,
        }
}

/// A request as JSON text. `id` and `params` are JSON texts; `method` is a name that needs no escapes.
pub fn request(id: &[u8], method: &str, params: &[u8]) -> Vec<u8> {
    let method = method.as_bytes();
    [br#"{"jsonrpc":"2.0","id":"#, id, br#","method":""#, method, br#"","params":"#, params, b"}"].concat()
}

/// A response as JSON text. `id` and `result` are JSON texts; no id becomes `null`.
pub fn response(id: Option<&[u8]>, result: &[u8]) -> Vec<u8> {
    [br#"{"jsonrpc":"2.0","id":"#, id.unwrap_or(b"null"), br#","result":"#, result, b"}"].concat()
}

/// An error response as JSON text. `id` and `data` are JSON texts; no id becomes `null`.
pub fn error_response(id: Option<&[u8]>, code: i64, message: &str, data: Option<&str>) -> Vec<u8> {
    let mut text = Vec::with_capacity(128 + message.len());
    text.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    text.extend_from_slice(id.unwrap_or(b"null"));
    text.extend_from_slice(format!(r#","error":{{"code":{code},"message":{}"#, quote(message)).as_bytes());
    if let Some(data) = data {
        text.extend_from_slice(br#","data":"#);
        text.extend_from_slice(data.as_bytes());
    }
    text.extend_from_slice(b"}}");
    text
}

#[cfg(test)]
mod tests;
