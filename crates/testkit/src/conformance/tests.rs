//! What the official suite does not look at: the eras one by one, and who hears of a changed resource.

use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;

const SESSION: &str = "mcp-session-id";

async fn send(
    upstream: &ConformanceUpstream,
    method: Method,
    session: &str,
    body: &Value,
) -> Response<Incoming> {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method.clone()).uri(upstream.url());
    let modern = body["params"]["_meta"].is_object();
    let headers = [
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", if modern { "2026-07-28" } else { "2025-11-25" }),
        ("mcp-method", body["method"].as_str().unwrap_or_default()),
        ("mcp-name", body["params"]["name"].as_str().unwrap_or_default()),
        (SESSION, session),
    ];
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    let body = if method == Method::GET { String::new() } else { body.to_string() };
    client.request(request.body(Full::from(body)).unwrap()).await.unwrap()
}

/// Reads until `needle` comes by; what came after the last call is seen by the next.
async fn read_to(response: &mut Response<Incoming>, needle: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(needle) {
        let frame = timeout(Duration::from_secs(10), response.body_mut().frame()).await;
        let frame = frame.expect("in time").expect("more to come").unwrap();
        seen.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    seen
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the parameters in place")]
fn legacy(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn modern(id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    });
    legacy(id, method, params)
}

fn initialize() -> Value {
    let client = json!({"name": "test", "version": "1"});
    legacy(
        1,
        "initialize",
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}),
    )
}

async fn open_session(upstream: &ConformanceUpstream) -> String {
    let mut answer = send(upstream, Method::POST, "", &initialize()).await;
    let session = answer.headers()[SESSION].to_str().unwrap().to_owned();
    read_to(&mut answer, "serverInfo").await;
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert!(send(upstream, Method::POST, &session, &initialized).await.status().is_success());
    session
}

#[tokio::test]
async fn each_era_refuses_the_other() {
    let old = ConformanceUpstream::start(Eras::Legacy).await.unwrap();
    let refused = send(&old, Method::POST, "", &modern(1, "server/discover", json!({}))).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    open_session(&old).await;

    let new = ConformanceUpstream::start(Eras::Modern).await.unwrap();
    let mut found = send(&new, Method::POST, "", &modern(1, "server/discover", json!({}))).await;
    assert!(read_to(&mut found, "supportedVersions").await.contains(r#"["2026-07-28"]"#));
    let mut refused = send(&new, Method::POST, "", &initialize()).await;
    read_to(&mut refused, "-32022").await;
}

#[tokio::test]
async fn a_changed_resource_reaches_those_who_watch_it() {
    let upstream = ConformanceUpstream::start(Eras::Both).await.unwrap();
    let session = open_session(&upstream).await;
    let mut stream = send(&upstream, Method::GET, &session, &Value::Null).await;
    let watched = json!({"uri": "test://watched-resource"});
    let mut done =
        send(&upstream, Method::POST, &session, &legacy(2, "resources/subscribe", watched.clone())).await;
    read_to(&mut done, r#""id":2"#).await;

    let wanted = json!({"notifications": {"resourceSubscriptions": ["test://watched-resource"]}});
    let mut listening = send(&upstream, Method::POST, "", &modern(3, "subscriptions/listen", wanted)).await;
    read_to(&mut listening, "notifications/subscriptions/acknowledged").await;

    let trigger = modern(4, "tools/call", json!({"name": "test_trigger_resource_update", "arguments": {}}));
    let mut done = send(&upstream, Method::POST, "", &trigger).await;
    read_to(&mut done, "Announced").await;
    for told in [&mut stream, &mut listening] {
        assert!(read_to(told, "notifications/resources/updated").await.contains("test://watched-resource"));
    }

    // Nobody watches any more: the next thing on the stream is the change of the tools.
    let mut done =
        send(&upstream, Method::POST, &session, &legacy(5, "resources/unsubscribe", watched)).await;
    read_to(&mut done, r#""id":5"#).await;
    for (id, tool) in [(6, "test_trigger_resource_update"), (7, "test_trigger_tool_change")] {
        let trigger = modern(id, "tools/call", json!({"name": tool, "arguments": {}}));
        read_to(&mut send(&upstream, Method::POST, "", &trigger).await, "Announced").await;
    }
    let next = read_to(&mut stream, "notifications/tools/list_changed").await;
    assert!(!next.contains("notifications/resources/updated"), "{next}");
}
