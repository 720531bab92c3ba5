//! Errors as agents give them, by the table of 1.0.1 or that of 1.0.0 (section 5.4 of either).

use serde_json::{Value, json};

use super::{Asked, Binding, Version};
use crate::recorder::Reply;

/// One error with its constants on every binding.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    reason: &'static str,
    json_rpc: i64,
    grpc: (u8, &'static str),
    http: u16,
    /// What 1.0.0 had for gRPC and HTTP.
    older: ((u8, &'static str), u16),
    informed: bool,
}

const INVALID_ARGUMENT: (u8, &str) = (3, "INVALID_ARGUMENT");
const NOT_FOUND: (u8, &str) = (5, "NOT_FOUND");
const FAILED_PRECONDITION: (u8, &str) = (9, "FAILED_PRECONDITION");
const UNIMPLEMENTED: (u8, &str) = (12, "UNIMPLEMENTED");
const INTERNAL: (u8, &str) = (13, "INTERNAL");

impl Fault {
    /// There is no such task.
    pub const TASK_NOT_FOUND: Self = Self::new("TASK_NOT_FOUND", -32001, NOT_FOUND, 404);
    /// The task has ended.
    pub const TASK_NOT_CANCELABLE: Self =
        Self::new("TASK_NOT_CANCELABLE", -32002, FAILED_PRECONDITION, 400).once(FAILED_PRECONDITION, 409);
    /// There are no webhooks.
    pub const PUSH_NOT_SUPPORTED: Self =
        Self::new("PUSH_NOTIFICATION_NOT_SUPPORTED", -32003, FAILED_PRECONDITION, 400)
            .once(UNIMPLEMENTED, 400);
    /// The agent, or the state of the task, does not allow it.
    pub const UNSUPPORTED_OPERATION: Self =
        Self::new("UNSUPPORTED_OPERATION", -32004, FAILED_PRECONDITION, 400).once(UNIMPLEMENTED, 400);
    /// A media type that is not taken.
    pub const CONTENT_TYPE_NOT_SUPPORTED: Self =
        Self::new("CONTENT_TYPE_NOT_SUPPORTED", -32005, INVALID_ARGUMENT, 400).once(INVALID_ARGUMENT, 415);
    /// An agent behind the agent broke the protocol.
    pub const INVALID_AGENT_RESPONSE: Self =
        Self::new("INVALID_AGENT_RESPONSE", -32006, INTERNAL, 500).once(INTERNAL, 502);
    /// There is no extended card.
    pub const NO_EXTENDED_CARD: Self =
        Self::new("EXTENDED_AGENT_CARD_NOT_CONFIGURED", -32007, FAILED_PRECONDITION, 400);
    /// An extension is demanded.
    pub const EXTENSION_REQUIRED: Self =
        Self::new("EXTENSION_SUPPORT_REQUIRED", -32008, FAILED_PRECONDITION, 400);
    /// The version is not spoken.
    pub const VERSION_NOT_SUPPORTED: Self =
        Self::new("VERSION_NOT_SUPPORTED", -32009, FAILED_PRECONDITION, 400).once(UNIMPLEMENTED, 400);
    /// No such method.
    pub const METHOD_NOT_FOUND: Self = Self::new("METHOD_NOT_FOUND", -32601, UNIMPLEMENTED, 404);
    /// Parameters that the method does not take.
    pub const INVALID_PARAMS: Self = Self::new("INVALID_PARAMS", -32602, INVALID_ARGUMENT, 400);
    /// Something failed.
    pub const INTERNAL_ERROR: Self = Self::new("INTERNAL_ERROR", -32603, INTERNAL, 500);

    /// An error of one's own: reason, code on JSON-RPC, code and name on gRPC, HTTP status.
    pub const fn new(reason: &'static str, json_rpc: i64, grpc: (u8, &'static str), http: u16) -> Self {
        Self { reason, json_rpc, grpc, http, older: (grpc, http), informed: true }
    }

    const fn once(mut self, grpc: (u8, &'static str), http: u16) -> Self {
        self.older = (grpc, http);
        self
    }

    /// As the table of 1.0.0 has it.
    #[must_use]
    pub const fn as_in_1_0_0(mut self) -> Self {
        (self.grpc, self.http) = self.older;
        self
    }

    /// Without an `ErrorInfo`: the code is all there is.
    #[must_use]
    pub const fn bare(mut self) -> Self {
        self.informed = false;
        self
    }

    /// The number for `grpc-status`.
    pub const fn grpc(&self) -> u8 {
        self.grpc.0
    }

    /// The words for people.
    fn message(self) -> String {
        self.reason.to_lowercase().replace('_', " ")
    }

    fn details(self) -> Option<Value> {
        let info = json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": self.reason,
            "domain": "a2a-protocol.org",
        }]);
        self.informed.then_some(info)
    }

    /// The member `error` of JSON-RPC.
    pub(super) fn json_rpc_error(self, version: Version) -> Value {
        let mut error = json!({ "code": self.json_rpc, "message": self.message() });
        if let Some(details) = self.details().filter(|_| version == Version::V1_0) {
            error["data"] = details;
        }
        error
    }

    /// The whole body on HTTP+JSON.
    pub(super) fn rest_error(self) -> Value {
        let mut error = json!({ "code": self.http, "status": self.grpc.1, "message": self.message() });
        if let Some(details) = self.details() {
            error["details"] = details;
        }
        json!({ "error": error })
    }

    /// The answer to a request.
    pub(super) fn reply(self, asked: &Asked) -> Reply {
        match asked.binding {
            Binding::JsonRpc => {
                let error = self.json_rpc_error(asked.version);
                Reply::json(json!({ "jsonrpc": "2.0", "id": "$id", "error": error }))
            }
            Binding::HttpJson | Binding::Grpc => Reply::json(self.rest_error()).status(self.http),
        }
    }
}
