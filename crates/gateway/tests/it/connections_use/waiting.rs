//! Clients that come before the account is connected: they see a server with one tool, which says what to do.

use serde_json::{Value, json};

use super::{initialize, tool_error};
use crate::harness::{Answer, ConnectedWorld};

/// The lists that are empty.
const EMPTY: [(&str, &str); 3] = [
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resourceTemplates"),
];

#[track_caller]
fn shows_the_one_tool(world: &ConnectedWorld, answer: &Answer) {
    let tools = answer.result()["tools"].clone();
    assert_eq!(tools.as_array().map(Vec::len), Some(1), "{}", answer.text());
    assert_eq!(tools[0]["name"], "connect_notes");
    assert!(tools[0]["description"].as_str().unwrap().contains(&world.link("notes")));
    assert_eq!(tools[0]["inputSchema"]["type"], "object");
}

#[tokio::test]
async fn a_modern_client_lists_one_tool_until_the_account_is_connected() {
    let world = ConnectedWorld::start().await;
    let discovered = world.modern("alice", "server/discover", json!({})).send().await;
    let result = discovered.result();
    assert!(result["instructions"].as_str().unwrap().contains(&world.link("notes")), "{}", discovered.text());
    assert_eq!(result["capabilities"], json!({ "tools": {} }));
    assert!(result["supportedVersions"].as_array().unwrap().contains(&"2026-07-28".into()));
    for result in [result, world.modern("alice", "tools/list", json!({})).send().await.result()] {
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
        assert_eq!(result["resultType"], "complete");
    }
    shows_the_one_tool(&world, &world.modern("alice", "tools/list", json!({})).send().await);
    assert_eq!(
        world.gateway.last_record().await["reason"],
        "not_connected",
        "the record says what was shown"
    );
    for (method, member) in EMPTY {
        let answer = world.modern("alice", method, json!({})).send().await;
        assert_eq!(answer.result()[member], json!([]), "{method}");
    }
    let called = world.modern("alice", "tools/call", json!({ "name": "connect_notes" })).send().await;
    assert!(tool_error(&called).contains(&world.link("notes")));
    assert!(world.recorder.requests().is_empty());

    world.connect("alice").await;
    let listed = world.modern("alice", "tools/list", json!({})).send().await;
    assert_eq!(listed.result()["tools"].as_array().map(Vec::len), Some(3), "{}", listed.text());
    let called = world.modern("alice", "tools/call", json!({ "name": "connect_notes" })).send().await;
    assert_eq!(called.result()["isError"], false, "{}", called.text());
    assert!(!world.recorder.saw("connect_notes"), "the tool is Doorward's own");
    world.finish().await;
}

#[tokio::test]
async fn the_tool_is_there_where_tools_are_chosen() {
    let world = ConnectedWorld::start().await;
    let token = world.token("alice", "few");
    let ask =
        |method: &'static str, params: Value| world.gateway.modern("few", method, params).bearer(&token);
    shows_the_one_tool(&world, &ask("tools/list", json!({})).send().await);
    let called = ask("tools/call", json!({ "name": "connect_notes" })).send().await;
    assert!(tool_error(&called).contains(&world.link("notes")));
    let hidden = ask("tools/call", json!({ "name": "delete" })).send().await;
    assert_eq!(hidden.json()["error"]["code"], -32601, "what is hidden stays hidden: {}", hidden.text());
    world.finish().await;
}

#[tokio::test]
async fn a_session_waits_and_ends_when_the_account_is_connected() {
    let world = ConnectedWorld::start().await;
    let token = world.token("alice", "jwt");
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let before = world.recorder.requests().len();
        let hello = initialize(revision, &json!({}));
        let begun = world.gateway.legacy("jwt", None, "initialize", &hello).bearer(&token).send().await;
        let result = begun.result();
        assert_eq!(result["protocolVersion"], revision, "{}", begun.text());
        assert_eq!(result["capabilities"], json!({ "tools": {} }));
        assert_eq!(result["serverInfo"]["name"], "jwt");
        assert!(result["instructions"].as_str().unwrap().contains(&world.link("notes")));
        assert!(result.get("resultType").is_none());
        let session = begun.header("mcp-session-id").unwrap().to_owned();
        let ask = |method: &str, params: &Value| {
            let call = world.gateway.legacy("jwt", Some(&session), method, params).bearer(&token);
            call.set("MCP-Protocol-Version", revision)
        };
        let notified = world.gateway.notify("jwt", Some(&session), "notifications/initialized", &json!({}));
        assert_eq!(notified.bearer(&token).send().await.status, 202);
        assert_eq!(ask("ping", &json!({})).send().await.result(), json!({}));
        shows_the_one_tool(&world, &ask("tools/list", &json!({})).send().await);
        for (method, member) in EMPTY {
            assert_eq!(ask(method, &json!({})).send().await.result()[member], json!([]), "{method}");
        }
        let get = world.gateway.call("GET", "/mcp/jwt").header("Mcp-Session-Id", &session);
        let get = get.header("Accept", "text/event-stream").bearer(&token);
        assert_eq!(get.send().await.status, 405, "there is no stream to wait on");
        let bob = world.token("bob", "jwt");
        let other = world.gateway.legacy("jwt", Some(&session), "tools/list", &json!({})).bearer(&bob);
        assert_eq!(other.send().await.status, 404, "it is Alice's");

        assert_eq!(world.recorder.requests().len(), before, "the upstream was not asked");
        world.connect("alice").await;
        assert_eq!(ask("tools/list", &json!({})).send().await.status, 404, "now the client begins again");
        let begun = world.gateway.legacy("jwt", None, "initialize", &hello).bearer(&token).send().await;
        assert_ne!(begun.result()["serverInfo"]["name"], "jwt", "{}", begun.text());
        world.disconnect("alice").await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_waiting_session_can_be_ended() {
    let world = ConnectedWorld::start().await;
    let token = world.token("alice", "jwt");
    let session = world.gateway.session("jwt", Some(&token)).await;
    let end = || world.gateway.call("DELETE", "/mcp/jwt").header("Mcp-Session-Id", &session).bearer(&token);
    assert_eq!(end().send().await.status, 200);
    assert_eq!(end().send().await.status, 404);
    world.finish().await;
}
