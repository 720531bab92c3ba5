//! How a recorder answers without a script: a minimal MCP server of both eras.
//!
//! It checks sessions, because a client must survive losing one, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Recorded, Reply};
use crate::conformance::Eras;

const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// What the minimal server knows.
#[derive(Debug)]
pub(super) struct Manners {
    pub(super) tools: Vec<Value>,
    /// Whether `initialize` gives a session id.
    pub(super) sessions: bool,
    eras: Eras,
    open: BTreeSet<String>,
    made: usize,
}

impl Default for Manners {
    fn default() -> Self {
        Self::of(Eras::Both)
    }
}

impl Manners {
    pub(super) fn of(eras: Eras) -> Self {
        Self { tools: tools(), sessions: true, eras, open: BTreeSet::new(), made: 0 }
    }

    /// Ends every session without telling anybody.
    pub(super) fn forget_sessions(&mut self) {
        self.open.clear();
    }

    /// The answer to a request that no script covers.
    pub(super) fn answer(&mut self, request: &Recorded) -> Reply {
        let session = request.header("mcp-session-id");
        match request.method.as_str() {
            "POST" => {}
            "DELETE" => {
                let ended = session.is_some_and(|session| self.open.remove(session));
                return Reply::empty(if ended { 200 } else { 404 });
            }
            _ => return Reply::empty(405).header("allow", "POST, DELETE"),
        }
        let message = request.json();
        let Some(method) = message["method"].as_str() else {
            // A response to something that was asked, or nothing that can be understood.
            return if message.is_object() {
                Reply::empty(202)
            } else {
                failure(400, &Value::Null, -32700, "No JSON")
            };
        };
        if is_modern(request, &message) {
            return self.modern(method, &message);
        }
        if self.eras == Eras::Modern {
            return failure(400, &message["id"], -32022, "This server speaks 2026-07-28 only");
        }
        if method != "initialize"
            && let Some(refusal) = self.check_session(session, &message["id"])
        {
            return refusal;
        }
        self.legacy(method, &message)
    }

    fn check_session(&self, session: Option<&str>, id: &Value) -> Option<Reply> {
        match session {
            None if self.sessions => Some(failure(400, id, -32000, "No session id")),
            Some(session) if !self.open.contains(session) => {
                Some(failure(404, id, -32001, "No such session"))
            }
            _ => None,
        }
    }

    fn legacy(&mut self, method: &str, message: &Value) -> Reply {
        let id = &message["id"];
        if id.is_null() {
            return Reply::empty(202);
        }
        match method {
            "initialize" => self.initialize(message),
            "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => {
                success(id, &json!({}))
            }
            _ => match self.common(method, &message["params"]) {
                Ok(result) => success(id, &result),
                Err((code, text)) => failure(200, id, code, text),
            },
        }
    }

    fn initialize(&mut self, message: &Value) -> Reply {
        let wanted = message["params"]["protocolVersion"].as_str().unwrap_or_default();
        let version = if LEGACY.contains(&wanted) { wanted } else { "2025-11-25" };
        let result = json!({
            "protocolVersion": version, "capabilities": capabilities(), "serverInfo": server_info(),
        });
        let reply = success(&message["id"], &result);
        if !self.sessions {
            return reply;
        }
        self.made += 1;
        let session = format!("recorder-{}", self.made);
        self.open.insert(session.clone());
        reply.header("mcp-session-id", &session)
    }

    fn modern(&self, method: &str, message: &Value) -> Reply {
        let id = &message["id"];
        if id.is_null() {
            return Reply::empty(202);
        }
        if self.eras == Eras::Legacy {
            return failure(400, &Value::Null, -32000, "Bad Request: Unsupported protocol version");
        }
        let mut result = match method {
            "server/discover" => json!({
                "supportedVersions": [MODERN], "capabilities": capabilities(), "ttlMs": 0, "cacheScope": "private",
            }),
            "subscriptions/listen" => return listen(id, &message["params"]["notifications"]),
            _ => match self.common(method, &message["params"]) {
                Ok(result) => result,
                Err((-32601, text)) => return failure(404, id, -32601, text),
                Err((code, text)) => return failure(200, id, code, text),
            },
        };
        if method.ends_with("/list") || method == "resources/read" {
            result["ttlMs"] = 0.into();
            result["cacheScope"] = "private".into();
        }
        result["resultType"] = "complete".into();
        result["_meta"] = json!({ "io.modelcontextprotocol/serverInfo": server_info() });
        success(id, &result)
    }

    /// What both eras have.
    fn common(&self, method: &str, params: &Value) -> Result<Value, (i64, &'static str)> {
        Ok(match method {
            "tools/list" => json!({ "tools": self.tools }),
            "tools/call" => {
                let known = self.tools.iter().any(|tool| tool["name"] == params["name"]);
                if !known {
                    return Err((-32602, "There is no such tool"));
                }
                json!({ "content": [{ "type": "text", "text": params["arguments"].to_string() }] })
            }
            "resources/list" => json!({ "resources": [{ "uri": "note:///first", "name": "first" }] }),
            "resources/templates/list" => {
                json!({ "resourceTemplates": [{ "uriTemplate": "note:///{name}", "name": "note" }] })
            }
            "resources/read" => {
                json!({ "contents": [{ "uri": params["uri"], "mimeType": "text/plain", "text": "A note" }] })
            }
            "prompts/list" => json!({ "prompts": [{ "name": "greeting", "description": "Greets" }] }),
            "prompts/get" => {
                json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": "Hello" } }] })
            }
            "completion/complete" => json!({ "completion": { "values": [] } }),
            _ => return Err((-32601, "Method not found")),
        })
    }
}

fn is_modern(request: &Recorded, message: &Value) -> bool {
    let version = message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
    version.or_else(|| request.header("mcp-protocol-version")).is_some_and(|version| version >= MODERN)
}

fn tools() -> Vec<Value> {
    let schema = |properties: Value| json!({ "type": "object", "properties": properties });
    vec![
        json!({
            "name": "echo", "description": "Says what it was told",
            "inputSchema": schema(json!({ "text": { "type": "string" } })),
        }),
        json!({
            "name": "add", "description": "Adds two numbers",
            "inputSchema": schema(json!({ "a": { "type": "number" }, "b": { "type": "number" } })),
        }),
        json!({
            "name": "delete_everything", "description": "Deletes everything",
            "inputSchema": schema(json!({})), "annotations": { "destructiveHint": true },
        }),
    ]
}

fn capabilities() -> Value {
    json!({ "tools": {}, "prompts": {}, "resources": {}, "completions": {}, "logging": {} })
}

fn server_info() -> Value {
    json!({ "name": "recorder", "version": "1" })
}

fn listen(id: &Value, filter: &Value) -> Reply {
    let acknowledged = json!({
        "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
        "params": { "notifications": filter, "_meta": { "io.modelcontextprotocol/subscriptionId": id } },
    });
    Reply::events([acknowledged]).literal().hang_after(usize::MAX)
}

fn success(id: &Value, result: &Value) -> Reply {
    Reply::json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).literal()
}

fn failure(status: u16, id: &Value, code: i64, message: &str) -> Reply {
    let error = json!({ "code": code, "message": message });
    Reply::json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).literal().status(status)
}
