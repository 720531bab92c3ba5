//! Upstreams that answer wrongly: an error that names them, and whose fault it is.

use doorward_testkit::recorder::Reply;
use serde_json::{Value, json};

use crate::harness::{Answer, World};

/// Limits that are small enough to exceed.
const SMALL: &str = "[limits]\nresponse_body = \"4KiB\"\n";

/// Answers that are none, and the reason that caller and operator read.
fn wrong() -> Vec<(&'static str, Reply, &'static str)> {
    let json = |document: Value| Reply::json(document);
    let result = || json!({ "content": [] });
    // `gzip -n` of `{}` and a line feed.
    let gzip: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\xe5\x02\0\x06\xb0\xa1\xdd\x03\0\0\0";
    vec![
        ("another id", json(json!({ "jsonrpc": "2.0", "id": 99, "result": result() })), "upstream_invalid"),
        (
            "the caller's id",
            json(json!({ "jsonrpc": "2.0", "id": 1, "result": result() })),
            "upstream_invalid",
        ),
        ("no JSON", Reply::raw("application/json", "{"), "upstream_invalid"),
        ("two documents", Reply::raw("application/json", "{}{}"), "upstream_invalid"),
        ("an empty body", Reply::raw("application/json", ""), "upstream_invalid"),
        ("a list", json(json!([{ "jsonrpc": "2.0", "id": "$id", "result": {} }])), "upstream_invalid"),
        ("no JSON-RPC", json(json!({ "id": "$id", "result": {} })), "upstream_invalid"),
        (
            "a result that is no object",
            json(json!({ "jsonrpc": "2.0", "id": "$id", "result": 7 })),
            "upstream_invalid",
        ),
        ("a notification", json(json!({ "jsonrpc": "2.0", "method": "x" })), "upstream_invalid"),
        ("a request", json(json!({ "jsonrpc": "2.0", "id": "$id", "method": "ping" })), "upstream_invalid"),
        (
            "a member twice",
            Reply::raw("application/json", r#"{"jsonrpc":"2.0","id":"$id","result":{"a":1,"a":2}}"#),
            "upstream_invalid",
        ),
        ("HTML", Reply::raw("text/html", "<h1>Welcome</h1>"), "upstream_invalid"),
        ("text", Reply::raw("text/plain", r#"{"jsonrpc":"2.0","id":"$id","result":{}}"#), "upstream_invalid"),
        ("no content type", Reply::empty(200), "upstream_invalid"),
        ("204", Reply::empty(204), "upstream_invalid"),
        ("202", Reply::empty(202), "upstream_invalid"),
        (
            "compressed though nobody asked",
            Reply::raw("application/json", gzip).header("content-encoding", "gzip"),
            "upstream_invalid",
        ),
        ("401", Reply::empty(401).header("www-authenticate", "Bearer x=\"y\""), "upstream_unauthorized"),
        ("403", Reply::raw("text/html", "no").status(403), "upstream_unauthorized"),
        ("401 with JSON-RPC", Reply::error(-32000, "who are you").status(401), "upstream_unauthorized"),
        ("301", Reply::empty(301).header("location", "/elsewhere"), "upstream_redirect"),
        ("307", Reply::empty(307).header("location", "http://127.0.0.1:1/"), "upstream_redirect"),
        ("304", Reply::empty(304), "upstream_redirect"),
        ("500", Reply::empty(500), "upstream_status"),
        ("500 with JSON-RPC", Reply::error(-32603, "oops").status(500), "upstream_status"),
        (
            "429",
            Reply::raw("text/plain", "slow down").status(429).header("retry-after", "9"),
            "upstream_status",
        ),
        ("503", Reply::raw("text/html", "<h1>busy</h1>").status(503), "upstream_status"),
        ("nothing at all", Reply::close(), "upstream_broken"),
        ("no HTTP", Reply::wire("SSH-2.0-OpenSSH\r\n"), "upstream_broken"),
        ("half an answer", Reply::result(result()).cut_after(20), "upstream_broken"),
        ("too much", Reply::result(json!({ "x": "y".repeat(5000) })), "upstream_too_large"),
        ("a stream that just ends", Reply::event_bytes(": hello\n\n"), "upstream_broken"),
        ("a stream of garbage", Reply::event_bytes("data: {\n\n"), "upstream_invalid"),
        (
            "a stream with a foreign answer",
            Reply::events([json!({ "jsonrpc": "2.0", "id": 1, "result": {} })]),
            "upstream_invalid",
        ),
        (
            "a stream with a huge event",
            Reply::event_bytes(format!("data: {}", "x".repeat(9000))),
            "upstream_too_large",
        ),
    ]
}

/// The one JSON-RPC message of an answer, whole or streamed.
fn message(answer: &Answer) -> Value {
    if answer.header("content-type") == Some("text/event-stream") {
        let mut events = answer.events();
        assert_eq!(events.len(), 1, "{}", answer.text());
        return events.remove(0);
    }
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.text());
    answer.json()
}

/// Checks what the caller got. What the operator reads is compared at the end: records are written in groups.
fn check(case: &str, answer: &Answer, reason: &str) -> Value {
    assert_eq!(answer.status, 200, "{case}: {}", answer.text());
    assert!(!answer.cut, "{case}");
    for header in ["www-authenticate", "location", "retry-after", "content-encoding"] {
        assert_eq!(answer.header(header), None, "{case}");
    }
    let message = message(answer);
    assert_eq!(message["id"], 1, "{case}");
    let error = &message["error"];
    assert_eq!(error["code"], -32603, "{case}: {message}");
    assert!(error["message"].as_str().unwrap().contains("`notes`"), "{case}: {message}");
    let request_id = error["data"]["requestId"].clone();
    let wanted =
        json!({ "upstream": "notes", "fault": "upstream", "reason": reason, "requestId": request_id });
    assert_eq!(error["data"], wanted, "{case}");
    request_id
}

/// Checks that each record says the same as the answer to its request.
async fn check_records(world: &World, told: &[(Value, &str)]) {
    let records = world.gateway.records().await;
    for (request_id, reason) in told {
        let record = records.iter().find(|record| record["request_id"] == *request_id).expect("its record");
        assert_eq!((&record["reason"], &record["fault"]), (&json!(reason), &json!("upstream")), "{record}");
        assert_eq!(
            (&record["decision"], &record["upstream"]),
            (&json!("allowed"), &json!("notes")),
            "{record}"
        );
    }
}

#[tokio::test]
async fn wrong_answers_to_modern_requests_become_errors_that_name_the_upstream() {
    let world = World::with(SMALL).await;
    let mut told = Vec::new();
    for (case, reply, reason) in wrong() {
        world.recorder.once("tools/call", reply);
        let params = json!({ "name": "echo", "arguments": {} });
        let answer = world.gateway.modern("open", "tools/call", params).send().await;
        told.push((check(case, &answer, reason), reason));
    }
    check_records(&world, &told).await;
    assert_eq!(
        world.recorder.requests().len(),
        wrong().len(),
        "no redirect was followed, nothing was repeated"
    );
    world.finish().await;
}

#[tokio::test]
async fn wrong_answers_in_sessions_become_errors_that_name_the_upstream() {
    let world = World::with(SMALL).await;
    let session = world.gateway.session("open", None).await;
    let mut told = Vec::new();
    for (case, reply, reason) in wrong() {
        world.recorder.once("tools/call", reply);
        let params = json!({ "name": "echo", "arguments": {} });
        let answer = world.gateway.legacy("open", Some(&session), "tools/call", &params).send().await;
        told.push((check(case, &answer, reason), reason));
    }
    check_records(&world, &told).await;
    world.finish().await;
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_named_too() {
    let world = World::with(
        r#"
        [[upstream]]
        name = "absent"
        url = "http://127.0.0.1:1/mcp"
        [[server]]
        name = "nowhere"
        upstreams = ["absent"]
        access = "open"
        "#,
    )
    .await;
    let answer = world.gateway.modern("nowhere", "tools/list", json!({})).send().await;
    assert_eq!((answer.status, answer.error_code()), (200, -32603));
    let data = &answer.json()["error"]["data"];
    assert_eq!((&data["upstream"], &data["reason"]), (&json!("absent"), &json!("upstream_unreachable")));
    assert!(world.gateway.modern("open", "tools/list", json!({})).send().await.result()["tools"].is_array());
    world.finish().await;
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_given_up() {
    let world = World::start().await;
    let slow = world.toml().replace("name = \"notes\"\n", "name = \"notes\"\ntimeout = \"1s\"\n");
    world.gateway.replace(&slow);
    world.recorder.once("tools/call", Reply::never());
    let params = json!({ "name": "echo", "arguments": {} });
    let answer = world.gateway.modern("open", "tools/call", params).send().await;
    let told = check("silence", &answer, "upstream_timeout");
    check_records(&world, &[(told, "upstream_timeout")]).await;
    world.finish().await;
}

#[tokio::test]
async fn of_two_answers_only_the_first_counts() {
    let world = World::start().await;
    let answer = |text: &str| json!({ "jsonrpc": "2.0", "id": "$id", "result": { "text": text } });
    world.recorder.once("tools/call", Reply::events([answer("first"), answer("second")]));
    let params = json!({ "name": "echo", "arguments": {} });
    let heard = world.gateway.modern("open", "tools/call", params).send().await;
    assert_eq!(heard.events(), [json!({ "jsonrpc": "2.0", "id": 1, "result": { "text": "first" } })]);
    world.finish().await;
}

#[tokio::test]
async fn errors_of_the_upstream_pass_with_their_status() {
    let world = World::start().await;
    let errors = [(200, -32602), (400, -32602), (404, -32601), (400, -32021), (200, -32042), (200, 7)];
    for (status, code) in errors {
        world.recorder.once("tools/call", Reply::error(code, "its own words").status(status));
        let params = json!({ "name": "echo", "arguments": {} });
        let answer = world.gateway.modern("open", "tools/call", params).send().await;
        let wanted =
            json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": code, "message": "its own words" } });
        assert_eq!((answer.status, answer.json()), (status, wanted));
    }
    let records = world.gateway.records().await;
    let codes: Vec<_> = records.iter().map(|record| record["rpc_error"].as_i64().unwrap()).collect();
    assert_eq!(codes, errors.map(|(_, code)| code));
    // Without an id it is about the only request there was.
    let parse_error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32700, "message": "?" } });
    world.recorder.once("tools/list", Reply::json(parse_error).status(400));
    let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
    assert_eq!((answer.status, answer.error_code(), &answer.json()["id"]), (400, -32700, &json!(1)));
    world.finish().await;
}
