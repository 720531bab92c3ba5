//! Whose fault it was: the caller's, the upstream's, never unknown.

use std::time::Duration;

use doorward_testkit::recorder::Reply;
use serde_json::{Value, json};

use crate::harness::World;

#[tokio::test]
async fn what_an_upstream_does_wrong_is_the_upstreams_fault() {
    let world = World::strict("[limits]\nresponse_body = \"4KiB\"").await;
    let quick = world.toml().replacen("credential =", "timeout = \"300ms\"\ncredential =", 1);
    world.gateway.replace(&format!("{quick}\n[limits]\nresponse_body = \"4KiB\""));
    let large = json!({ "tools": ["x".repeat(5000)] });
    let answer = |text: &str| Reply::raw("application/json", text.to_owned());
    for (reason, reply) in [
        ("upstream_broken", Reply::close()),
        ("upstream_broken", Reply::wire("HTTP/1.1 nonsense\r\n\r\n")),
        ("upstream_broken", Reply::result(json!({ "tools": [] })).cut_after(10)),
        ("upstream_timeout", Reply::never()),
        ("upstream_timeout", Reply::result(json!({ "tools": [] })).after(Duration::from_secs(2))),
        ("upstream_timeout", Reply::result(json!({ "tools": [] })).hang_after(10)),
        ("upstream_too_large", Reply::result(large.clone())),
        ("upstream_too_large", Reply::result(large).split(100)),
        ("upstream_invalid", answer("<!doctype html>")),
        ("upstream_invalid", answer("")),
        ("upstream_invalid", answer("[]")),
        ("upstream_invalid", answer(r#"{"jsonrpc":"2.0","id":"$id","result":{},"result":{}}"#)),
        ("upstream_invalid", answer(r#"{"jsonrpc":"2.0","id":"$id","result":{}"#)),
        ("upstream_invalid", answer(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#)),
        ("upstream_invalid", answer(r#"{"jsonrpc":"2.0","method":"notifications/message"}"#)),
        ("upstream_invalid", Reply::raw("text/html", "<!doctype html>")),
        ("upstream_invalid", Reply::empty(200)),
        ("upstream_invalid", Reply::result(json!({ "tools": [] })).header("content-encoding", "gzip")),
        ("upstream_unauthorized", Reply::empty(401)),
        ("upstream_unauthorized", Reply::empty(403)),
        ("upstream_redirect", Reply::empty(307).header("location", "http://127.0.0.1:1/")),
        ("upstream_status", Reply::empty(500)),
        ("upstream_status", Reply::raw("text/html", "<h1>Bad gateway</h1>").status(502)),
        ("upstream_status", Reply::empty(418)),
    ] {
        let context = format!("{reason} {reply:?}");
        world.recorder.once("tools/list", reply);
        let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], reason, "{context}: {}", answer.text());
        assert_eq!(record["fault"], "upstream", "{context}");
        assert_eq!(record["decision"], "allowed", "{context}");
        assert_eq!(record["upstream"], "notes", "{context}");
        assert_eq!((answer.status, answer.error_code()), (200, -32603), "{context}");
        let error = &answer.json()["error"];
        assert_eq!(answer.json()["id"], 1, "{context}");
        assert!(error["message"].as_str().unwrap().starts_with("upstream `notes` "), "{context}: {error}");
        let data = json!({
            "upstream": "notes", "fault": "upstream", "reason": reason, "requestId": record["request_id"],
        });
        assert_eq!(error["data"], data, "{context}");
        assert!(!answer.text().contains("doctype"), "{context}: what is broken is not shown");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_fails_alone() {
    let world = World::start().await;
    let gone = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let more = format!(
        r#"
        [[upstream]]
        name = "gone"
        url = "http://{address}/mcp"
        [[server]]
        name = "broken"
        upstreams = ["gone"]
        access = "open"
        "#
    );
    world.gateway.replace(&format!("{}\n{more}", world.toml()));
    let answer = world.gateway.modern("broken", "tools/list", json!({})).send().await;
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_unreachable");
    assert!(!answer.text().contains(&address.to_string()), "inner addresses are not the caller's business");
    let record = world.gateway.last_record().await;
    assert_eq!(record["fault"], "upstream");
    assert!(record["detail"].is_string(), "the operator is told more: {record}");
    assert_eq!(world.gateway.modern("open", "tools/list", json!({})).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn an_error_of_the_upstream_is_its_answer_not_its_fault() {
    let world = World::start().await;
    world.recorder.once("tools/call", Reply::error(-32042, "not today"));
    let answer = world.gateway.modern("open", "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!(answer.json()["error"], json!({ "code": -32042, "message": "not today" }));
    let record = world.gateway.last_record().await;
    assert_eq!((&record["reason"], &record["rpc_error"]), (&json!("ok"), &json!(-32042)));
    assert!(record.get("fault").is_none(), "{record}");
    world.finish().await;
}

#[tokio::test]
async fn what_a_caller_does_wrong_is_the_callers_fault() {
    let world =
        World::strict("[[server]]\nname = \"few\"\nupstreams = [\"notes\"]\naccess = \"open\"\ntools = []")
            .await;
    let gateway = &world.gateway;
    for (call, status, code, reason) in [
        (gateway.post("open", "{"), 400, -32700, "malformed_json"),
        (gateway.post("open", r#"{"a":1,"a":2}"#), 400, -32600, "duplicate_key"),
        (gateway.post("open", "[]"), 400, -32600, "not_json_rpc"),
        (gateway.post("open", "{}").set("Content-Type", "text/plain"), 415, -32000, "unsupported_media_type"),
        (gateway.post("open", "{}").without("Content-Type"), 415, -32000, "unsupported_media_type"),
        (gateway.post("open", "{}").set("Accept", "text/html"), 406, -32000, "not_acceptable"),
        (gateway.modern("open", "no/such", json!({})), 404, -32601, "unknown_method"),
        (gateway.modern("open", "tools/call", json!({})), 200, -32602, "invalid_params"),
        (
            gateway.modern("open", "tools/list", json!({})).without("Mcp-Method"),
            400,
            -32020,
            "header_mismatch",
        ),
        (gateway.modern("open", "tools/list", json!({ "cursor": "made-up" })), 200, -32602, "handle_invalid"),
        (gateway.modern("few", "tools/call", json!({ "name": "echo" })), 200, -32601, "hidden"),
        (gateway.legacy("open", Some("made-up"), "tools/list", &json!({})), 404, -32001, "session_unknown"),
        (gateway.legacy("open", None, "no/such", &json!({})), 200, -32601, "unknown_method"),
        (gateway.call("GET", "/mcp/nowhere"), 404, -32000, "not_found"),
        (gateway.call("PUT", "/mcp/open"), 405, -32000, "method_not_allowed"),
        (gateway.call("GET", "/").set("Host", "evil.example"), 421, -32000, "host_not_allowed"),
    ] {
        let answer = call.send().await;
        assert_eq!((answer.status, answer.error_code()), (status, code), "{reason}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"), "{reason}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{reason}");
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], reason);
        assert_eq!(record["decision"], "refused", "{reason}");
        assert_eq!(record["fault"], "caller", "{reason}");
        assert_eq!(record["status"], status, "{reason}");
        assert_eq!(record["rpc_error"], code, "{reason}");
        assert_eq!(record["response_bytes"], answer.body.len(), "{reason}");
        assert_eq!(record.get("upstream"), None, "{reason}: nobody was asked");
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn what_only_the_operator_may_know_is_in_the_record_alone() {
    let world = World::start().await;
    let answer =
        world.gateway.post("open", r#"{"jsonrpc":"2.0","twice-named":1,"twice-named":2}"#).send().await;
    assert!(!answer.text().contains("twice-named"), "{}", answer.text());
    let record = world.gateway.last_record().await;
    assert!(matches!(&record["detail"], Value::String(detail) if !detail.is_empty()), "{record}");
    world.finish().await;
}
