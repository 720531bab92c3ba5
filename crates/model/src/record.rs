//! One entry of the audit log.

use serde::Serialize;

/// What happened to one request. Never holds a credential; content only when a server asks for it.
///
/// The serialised form is public: `docs/reference/audit-record.md`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// When the request arrived: RFC 3339, UTC, microseconds.
    pub time: String,
    /// Names the request in this record, in logs and in error data: 128 random bits in hex.
    pub request_id: String,
    /// W3C trace id: the caller's, or one of ours.
    pub trace_id: String,
    /// The caller's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// HTTP method, or `COMMAND`.
    pub http_method: String,
    /// HTTP path without query, or the command.
    pub path: String,
    /// The issuer that vouches for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The caller's subject at that issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The caller's OAuth client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The virtual server, once the route is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The agent, once the route is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The upstream, once one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// MCP revision, or A2A version, of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<String>,
    /// A2A binding that the caller uses: `jsonrpc`, `http+json` or `grpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// A2A binding and version that the agent was asked in, such as `grpc 1.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_interface: Option<String>,
    /// JSON-RPC method, as the message names it; for A2A the operation's name of 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The tool, prompt or resource that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
    /// The A2A task that was asked about, or that the answer is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Its context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The states that the task was seen in, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// What became of each message of a batch, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batch: Vec<BatchMessage>,
    /// Whether it was let through.
    pub decision: Decision,
    /// Why, as a stable code: `ok` or a refusal of `docs/reference/refusals.md`.
    pub reason: String,
    /// What the refusal's author would tell the operator, never the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whose fault a failure is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// HTTP status of the answer.
    pub status: u16,
    /// JSON-RPC error code of the answer, when it was an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc_error: Option<i64>,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body.
    pub response_bytes: u64,
    /// Capabilities that the filter took out of a list.
    #[serde(skip_serializing_if = "is_zero")]
    pub filtered: u64,
    /// Whether the answer was a stream of events.
    pub streamed: bool,
    /// Whether the caller went away before the answer was complete.
    pub aborted: bool,
    /// Microseconds spent in Doorward until the answer's head.
    pub gateway_us: u64,
    /// Microseconds of waiting for the upstream until its answer's head.
    pub upstream_us: u64,
    /// Microseconds from arrival to the first event of a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event_us: Option<u64>,
    /// Microseconds from arrival to the last byte of the answer.
    pub total_us: u64,
    /// Redacted `params`, when the server asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// Redacted `result`, when the server asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// One message of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BatchMessage {
    /// JSON-RPC method, as the message names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The tool, prompt or resource that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
    /// What became of it, as a stable code.
    pub reason: String,
    /// JSON-RPC error code of the answer, when it was an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpc_error: Option<i64>,
    /// Redacted `params`, when the server asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// Redacted `result`, when the server asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether a request was let through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Nothing was decided: the caller vanished, or we failed. The default, so that nothing counts as allowed by omission.
    #[default]
    Undecided,
    /// Every check passed and the upstream was asked, or the answer is public.
    Allowed,
    /// A check failed.
    Refused,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// The caller's.
    Caller,
    /// Doorward's own.
    Gateway,
    /// The upstream's.
    Upstream,
}
