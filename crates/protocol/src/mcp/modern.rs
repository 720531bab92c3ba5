//! Requests of 2026-07-28: which they are, and whether headers and body agree.
//!
//! Order and codes follow `basic/transports/streamable-http` and `basic/versioning` of that revision.

use std::borrow::Cow;

use super::{Method, header, revision::is_legacy_version, target::Target};
use crate::json::{Kind, Object, Value, differs_only_in_case, quote};
use crate::rpc::{Message, code};

/// `_meta` key of the protocol version.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key of the client's capabilities.
pub const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key of the listen stream that a message belongs to.
pub const META_SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
/// The extension whose methods are `tasks/*`.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// The member `_meta` of requests that Doorward makes of its own accord.
pub const OWN_META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
/// The modern versions that Doorward speaks.
pub const SUPPORTED: [&str; 1] = ["2026-07-28"];

/// The headers that mirror the body. A header that was sent twice, or is not text, counts as malformed.
#[derive(Debug, Clone, Default)]
pub struct Mirror {
    /// `MCP-Protocol-Version`.
    pub version: HeaderText,
    /// `Mcp-Method`.
    pub method: HeaderText,
    /// `Mcp-Name`.
    pub name: HeaderText,
}

/// A header as far as it can be compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeaderText {
    /// Not sent.
    #[default]
    Absent,
    /// Sent once, as text.
    Text(String),
    /// Sent several times, or not visible ASCII.
    Malformed,
}

/// Why a modern request is refused before anything else is looked at. HTTP 400 unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModernError {
    /// JSON-RPC code.
    pub code: i64,
    /// Text for the caller.
    pub message: String,
    /// JSON text of `data`.
    pub data: Option<String>,
}

impl HeaderText {
    /// The text, when there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim_matches([' ', '\t'])),
            _ => None,
        }
    }
}

/// Whether a message belongs to the modern pipeline: its `_meta` names a version, or its header names one
/// that is not legacy. Never decided on the method, nor on a session header.
pub fn is_modern(version_header: &HeaderText, message: Option<&Message<'_>>) -> bool {
    let by_body =
        message.and_then(Message::params).and_then(meta).is_some_and(|meta| meta.get(META_VERSION).is_some());
    let by_header = match version_header {
        HeaderText::Absent => false,
        HeaderText::Malformed => true,
        HeaderText::Text(_) => version_header.text().is_some_and(|text| !is_legacy_version(text)),
    };
    by_body || by_header
}

/// The `_meta` object of parameters.
pub fn meta(params: Object<'_>) -> Option<Object<'_>> {
    params.get("_meta").and_then(Value::as_object)
}

/// Checks `_meta`, then the version header, then whether the version is spoken. Returns the version.
pub fn check_version(mirror: &Mirror, params: Option<Object<'_>>) -> Result<&'static str, ModernError> {
    let version = required_meta(params)?;
    match &mirror.version {
        HeaderText::Absent => return Err(mismatch("MCP-Protocol-Version header is missing")),
        HeaderText::Malformed => return Err(mismatch("MCP-Protocol-Version header is malformed")),
        HeaderText::Text(_) if mirror.version.text() != Some(&*version) => {
            return Err(mismatch("MCP-Protocol-Version header and _meta differ"));
        }
        HeaderText::Text(_) => {}
    }
    SUPPORTED.into_iter().find(|supported| *supported == version).ok_or_else(|| unsupported(&version))
}

/// Checks `Mcp-Method` against the body.
pub fn check_method(mirror: &Mirror, method_name: &str) -> Result<(), ModernError> {
    match &mirror.method {
        HeaderText::Absent => Err(mismatch("Mcp-Method header is missing")),
        HeaderText::Text(_) if mirror.method.text() == Some(method_name) => Ok(()),
        _ => Err(mismatch("Mcp-Method header and method differ")),
    }
}

/// Checks that a request about a task comes from a client that declared the tasks extension in it.
pub fn check_tasks(method: Method, params: Option<Object<'_>>) -> Result<(), ModernError> {
    if !method.is_task() {
        return Ok(());
    }
    let extensions = params
        .and_then(meta)
        .and_then(|meta| meta.get(META_CAPABILITIES))
        .and_then(Value::as_object)
        .and_then(|capabilities| capabilities.get("extensions"))
        .and_then(Value::as_object);
    if extensions.is_some_and(|extensions| extensions.get(TASKS_EXTENSION).is_some()) {
        return Ok(());
    }
    Err(ModernError {
        code: code::MISSING_CAPABILITY,
        message: "this method needs the tasks extension, which the client did not declare".into(),
        data: Some(format!(r#"{{"requiredCapabilities":{{"extensions":{{"{TASKS_EXTENSION}":{{}}}}}}}}"#)),
    })
}

/// Checks `Mcp-Name` against what the request names, where the method mirrors a name.
pub fn check_name(mirror: &Mirror, method: Method, target: &Target<'_>) -> Result<(), ModernError> {
    // Completion references have no header.
    if !(matches!(method, Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead) || method.is_task())
    {
        return Ok(());
    }
    match &mirror.name {
        HeaderText::Absent => Err(mismatch("Mcp-Name header is missing")),
        HeaderText::Text(text) if header::decode(text).as_deref() == target.text() => Ok(()),
        _ => Err(mismatch("Mcp-Name header and body differ")),
    }
}

fn required_meta(params: Option<Object<'_>>) -> Result<Cow<'_, str>, ModernError> {
    let (mut version, mut capabilities, mut has_variant) = (None, None, false);
    for member in params.and_then(meta).into_iter().flat_map(Object::members) {
        match &*member.name {
            META_VERSION => version = Some(member.value),
            META_CAPABILITIES => capabilities = Some(member.value),
            other => {
                let decides = [META_VERSION, META_CAPABILITIES];
                has_variant |= decides.iter().any(|name| differs_only_in_case(other, name));
            }
        }
    }
    let version = version.and_then(Value::as_str).ok_or_else(|| missing(META_VERSION))?;
    if !capabilities.is_some_and(|value| value.kind() == Kind::Object) {
        return Err(missing(META_CAPABILITIES));
    }
    if has_variant {
        return Err(missing("_meta without case variants"));
    }
    Ok(version)
}

fn missing(key: &str) -> ModernError {
    let message = format!("params._meta must have `{key}`");
    ModernError { code: code::INVALID_PARAMS, message, data: None }
}

fn mismatch(what: &str) -> ModernError {
    ModernError { code: code::HEADER_MISMATCH, message: format!("header mismatch: {what}"), data: None }
}

fn unsupported(requested: &str) -> ModernError {
    let data = format!(r#"{{"supported":["{}"],"requested":{}}}"#, SUPPORTED.join("\",\""), quote(requested));
    ModernError {
        code: code::UNSUPPORTED_VERSION,
        message: "unsupported protocol version".into(),
        data: Some(data),
    }
}
