//! MCP as a server speaks it, as a function from a request to a reply; no sockets here.
//!
//! Two eras: 2025-11-25 and before, with `initialize` and sessions, and 2026-07-28, where every request is
//! complete in itself. Answers are single JSON messages; there are no streams, as nothing here takes long.

use std::collections::BTreeSet;

use doorward_auth::keys::hash;
use doorward_protocol::rpc::code;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// What a server offers. All but tools may be left out.
pub(in super::super) trait Contents: Send {
    /// The server's name.
    fn name(&self) -> &'static str;
    /// The `tools` of `tools/list`.
    fn tools(&self) -> Value;
    /// Does what a tool does. The outer error: there is no such tool; the inner one: it did not work.
    fn call(&mut self, tool: &str, arguments: &Value) -> Option<Result<String, String>>;
    /// The `resources` of `resources/list`.
    fn resources(&self) -> Value {
        json!([])
    }
    /// The text of a resource.
    fn read(&self, _uri: &str) -> Option<String> {
        None
    }
    /// The `prompts` of `prompts/list`.
    fn prompts(&self) -> Value {
        json!([])
    }
    /// The text of a prompt.
    fn prompt(&self, _name: &str) -> Option<String> {
        None
    }
}

/// The sessions that are open.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeSet<String>);

/// A reply, as HTTP needs it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) session: Option<String>,
    pub(super) body: Option<Value>,
}

/// A JSON-RPC error: code and message.
type Failure = (i64, &'static str);

impl Sessions {
    /// The ids.
    pub(super) fn open(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    fn begin(&mut self) -> String {
        let session = hash::random_hex::<16>();
        self.0.insert(session.clone());
        session
    }
}

impl Reply {
    /// A status alone.
    pub(super) fn empty(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, session: None, body: None }
    }

    fn result(id: &Value, result: &Value) -> Self {
        let body = json!({ "jsonrpc": "2.0", "id": id, "result": result });
        Self { body: Some(body), ..Self::empty(200) }
    }

    fn error(status: u16, id: &Value, (code, message): Failure) -> Self {
        let body = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
        Self { body: Some(body), ..Self::empty(status) }
    }
}

/// Answers one request.
pub(super) fn answer(
    contents: &mut dyn Contents,
    sessions: &mut Sessions,
    verb: &Method,
    headers: &HeaderMap,
    body: &[u8],
) -> Reply {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let session = text("mcp-session-id");
    match *verb {
        Method::POST => {}
        Method::DELETE => {
            let ended = session.is_some_and(|session| sessions.0.remove(session));
            return Reply::empty(if ended { 204 } else { 404 });
        }
        _ => return Reply::empty(405),
    }
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return Reply::error(400, &Value::Null, (code::PARSE_ERROR, "Parse error"));
    };
    let (id, params) = (&message["id"], &message["params"]);
    let Some(method) = message["method"].as_str() else {
        return Reply::error(400, id, (code::INVALID_REQUEST, "Invalid request"));
    };
    let version = params["_meta"][META_VERSION].as_str();
    if version.is_some() || text("mcp-protocol-version").is_some_and(|version| version >= MODERN) {
        let mirrored = [text("mcp-protocol-version"), text("mcp-method")] == [version, Some(method)];
        return modern(contents, (method, id, params), version, mirrored);
    }
    if method != "initialize" && !session.is_some_and(|session| sessions.0.contains(session)) {
        return Reply::error(404, id, (code::SESSION_NOT_FOUND, "Session not found"));
    }
    legacy(contents, sessions, (method, id, params))
}

fn legacy(
    contents: &mut dyn Contents,
    sessions: &mut Sessions,
    (method, id, params): (&str, &Value, &Value),
) -> Reply {
    if id.is_null() {
        return Reply::empty(202);
    }
    match method {
        "initialize" => {
            let wanted = params["protocolVersion"].as_str().unwrap_or_default();
            let version = LEGACY.into_iter().find(|version| *version == wanted).unwrap_or(LEGACY[0]);
            let result = json!({
                "protocolVersion": version, "capabilities": capabilities(), "serverInfo": info(contents),
            });
            Reply { session: Some(sessions.begin()), ..Reply::result(id, &result) }
        }
        "ping" => Reply::result(id, &json!({})),
        _ => match offer(contents, method, params) {
            Ok(result) => Reply::result(id, &result),
            Err(failure) => Reply::error(200, id, failure),
        },
    }
}

fn modern(
    contents: &mut dyn Contents,
    (method, id, params): (&str, &Value, &Value),
    version: Option<&str>,
    mirrored: bool,
) -> Reply {
    if !mirrored {
        return Reply::error(400, id, (code::HEADER_MISMATCH, "Headers and body differ"));
    }
    if version != Some(MODERN) {
        return Reply::error(400, id, (code::UNSUPPORTED_VERSION, "Unsupported protocol version"));
    }
    let result = match method {
        "server/discover" => Ok(json!({ "supportedVersions": [MODERN], "capabilities": capabilities() })),
        _ => offer(contents, method, params),
    };
    let mut result = match result {
        Ok(result) => result,
        Err(failure @ (code::METHOD_NOT_FOUND, _)) => return Reply::error(404, id, failure),
        Err(failure) => return Reply::error(200, id, failure),
    };
    if method.ends_with("/list") || matches!(method, "resources/read" | "server/discover") {
        result["ttlMs"] = 0.into();
        result["cacheScope"] = "private".into();
    }
    result["resultType"] = "complete".into();
    result["_meta"] = json!({ "io.modelcontextprotocol/serverInfo": info(contents) });
    Reply::result(id, &result)
}

/// What both eras have.
fn offer(contents: &mut dyn Contents, method: &str, params: &Value) -> Result<Value, Failure> {
    let text = |key: &str| params[key].as_str().unwrap_or_default();
    Ok(match method {
        "tools/list" => json!({ "tools": contents.tools() }),
        "tools/call" => {
            let done = contents.call(text("name"), &params["arguments"]);
            let done = done.ok_or((code::INVALID_PARAMS, "Unknown tool"))?;
            let (is_error, text) = (done.is_err(), done.unwrap_or_else(|why| why));
            json!({ "content": [{ "type": "text", "text": text }], "isError": is_error })
        }
        "resources/list" => json!({ "resources": contents.resources() }),
        "resources/templates/list" => json!({ "resourceTemplates": [] }),
        "resources/read" => {
            let uri = text("uri");
            let read = contents.read(uri).ok_or((code::RESOURCE_NOT_FOUND, "Resource not found"))?;
            json!({ "contents": [{ "uri": uri, "mimeType": "text/plain", "text": read }] })
        }
        "prompts/list" => json!({ "prompts": contents.prompts() }),
        "prompts/get" => {
            let prompt = contents.prompt(text("name")).ok_or((code::INVALID_PARAMS, "Unknown prompt"))?;
            json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": prompt } }] })
        }
        _ => return Err((code::METHOD_NOT_FOUND, "Method not found")),
    })
}

fn capabilities() -> Value {
    json!({ "tools": {}, "resources": {}, "prompts": {} })
}

fn info(contents: &dyn Contents) -> Value {
    json!({ "name": contents.name(), "version": "1.0.0" })
}
