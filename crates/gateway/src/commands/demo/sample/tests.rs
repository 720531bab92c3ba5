use doorward_protocol::rpc::code;
use http::{HeaderMap, HeaderName, Method};
use serde_json::{Value, json};

use super::{
    Notebook,
    protocol::{Reply, Sessions, answer},
};

/// A server without sockets.
struct Server {
    notebook: Notebook,
    sessions: Sessions,
}

impl Server {
    fn new() -> Self {
        Self { notebook: Notebook::new(), sessions: Sessions::default() }
    }

    fn ask(&mut self, verb: &Method, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        answer(&mut self.notebook, &mut self.sessions, verb, &map, body.as_bytes())
    }

    fn post(&mut self, headers: &[(&'static str, &str)], body: &Value) -> Reply {
        self.ask(&Method::POST, headers, &body.to_string())
    }

    fn modern(&mut self, method: &str, mut params: Value) -> Reply {
        params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
        let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        self.post(&headers, &json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
    }

    fn begin(&mut self) -> String {
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {} });
        let reply =
            self.post(&[], &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }));
        assert_eq!(reply.body.unwrap()["result"]["protocolVersion"], "2025-06-18");
        reply.session.unwrap()
    }
}

fn error_code(reply: &Reply) -> Option<i64> {
    reply.body.as_ref()?["error"]["code"].as_i64()
}

#[test]
fn the_dangerous_tool_really_deletes() {
    let mut server = Server::new();
    assert_eq!(server.notebook.titles().len(), 3);
    let reply = server.modern("tools/call", json!({ "name": "delete_all_notes" }));
    assert_eq!(reply.body.unwrap()["result"]["content"][0]["text"], "deleted 3 notes");
    assert!(server.notebook.titles().is_empty());
}

#[test]
fn a_note_is_added_once_and_read_back() {
    let mut server = Server::new();
    let note = json!({ "name": "add_note", "arguments": { "title": "t", "text": "x" } });
    assert_eq!(server.modern("tools/call", note.clone()).body.unwrap()["result"]["isError"], false);
    assert_eq!(server.modern("tools/call", note).body.unwrap()["result"]["isError"], true);
    let read = server.modern("resources/read", json!({ "uri": "note:///t" }));
    assert_eq!(read.body.unwrap()["result"]["contents"][0]["text"], "x");
    let missing = server.modern("resources/read", json!({ "uri": "note:///none" }));
    assert_eq!(error_code(&missing), Some(code::RESOURCE_NOT_FOUND));
}

#[test]
fn sessions_are_demanded_given_and_ended() {
    let mut server = Server::new();
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    assert_eq!(server.post(&[], &list).status, 404);
    assert_eq!(server.post(&[("mcp-session-id", "guessed")], &list).status, 404);
    let session = server.begin();
    let reply = server.post(&[("mcp-session-id", &session)], &list);
    assert_eq!(reply.body.unwrap()["result"]["tools"].as_array().map(Vec::len), Some(4));
    let said = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(server.post(&[("mcp-session-id", &session)], &said).status, 202);
    assert_eq!(server.ask(&Method::DELETE, &[("mcp-session-id", &session)], "").status, 204);
    assert_eq!(server.post(&[("mcp-session-id", &session)], &list).status, 404);
}

#[test]
fn a_modern_request_is_complete_and_says_the_same_twice() {
    let mut server = Server::new();
    let found = server.modern("server/discover", json!({})).body.unwrap();
    assert_eq!(found["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(found["result"]["resultType"], "complete");
    let prompt = server.modern("prompts/get", json!({ "name": "summarise" })).body.unwrap();
    assert_eq!(prompt["result"]["messages"][0]["role"], "user");
    let meta = |version: &str| json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": version } });
    let body =
        |version| json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": meta(version) });
    let other = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call")];
    assert_eq!(error_code(&server.post(&other, &body("2026-07-28"))), Some(code::HEADER_MISMATCH));
    let future = [("mcp-protocol-version", "2030-01-01"), ("mcp-method", "tools/list")];
    assert_eq!(error_code(&server.post(&future, &body("2030-01-01"))), Some(code::UNSUPPORTED_VERSION));
}

#[test]
fn what_is_no_request_is_refused() {
    let mut server = Server::new();
    assert_eq!(error_code(&server.ask(&Method::POST, &[], "{")), Some(code::PARSE_ERROR));
    for body in ["[]", "{}", "null", r#"{"method":1}"#] {
        assert_eq!(error_code(&server.ask(&Method::POST, &[], body)), Some(code::INVALID_REQUEST), "{body}");
    }
    assert_eq!(server.ask(&Method::GET, &[], "").status, 405);
    assert_eq!(server.modern("no/such", json!({})).status, 404);
    let unknown = server.modern("tools/call", json!({ "name": "no_such_tool" }));
    assert_eq!(error_code(&unknown), Some(code::INVALID_PARAMS));
}
