//! Which paths and methods there are. Everything else is not there.

use serde_json::json;

use crate::harness::World;

#[tokio::test]
async fn what_is_no_address_is_not_found() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    for target in [
        "/",
        "/mcp",
        "/mcp/",
        "/mcp/nowhere",
        "/mcp/open/",
        "/mcp/open/x",
        "/mcp/open/..",
        "/mcp/./open",
        "/mcp/x/../open",
        "/mcp//open",
        "//mcp/open",
        "/mcp/Open",
        "/MCP/open",
        "/mcp/%6fpen",
        "/mcp%2fopen",
        "/mcp/open%2f",
        "/mcp/open%00",
        "/mcp/open;x",
        "/mcp/open%3f",
        "/mcp/ope",
        "/mcp/openn",
        "/mcp/notes",
        "/x/mcp/open",
        "/mcp/jwt/",
        "/mcp/jwt%20",
        "/mcp/%6awt",
        "/sse",
        "/message",
        "/healthz/",
        "/healthz/x",
        "/Healthz",
        "/readyz/",
        "/metrics/",
        "/.well-known/",
        "/favicon.ico",
        "/index.html",
        "/admin",
        "/debug/pprof",
    ] {
        for method in ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"] {
            let call = world.gateway.call(method, target).bearer(&token);
            let answer = call.send().await;
            assert_eq!(answer.status, 404, "{method} {target}");
            assert_eq!(answer.header("www-authenticate"), None, "{method} {target}");
        }
    }
    assert!(world.recorder.requests().is_empty(), "nothing was asked upstream");
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_does_not_exist_is_the_same_for_everybody() {
    let world = World::start().await;
    let bodies = ["{", "{}", r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#];
    let mut answers = Vec::new();
    for body in bodies {
        for token in [None, Some(world.token("alice", "jwt")), Some("not-a-token-at-all".to_owned())] {
            let answer = world.gateway.post("nowhere", body).maybe_bearer(token.as_deref()).send().await;
            answers.push(answer.observable());
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(world.issuer.fetches().jwks, 0);
    world.finish().await;
}

#[tokio::test]
async fn the_query_is_no_part_of_the_address() {
    let world = World::start().await;
    let call = world.gateway.modern("open", "tools/list", json!({}));
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let asked = world.gateway.call("POST", "/mcp/open?server=jwt&x=%2e%2e").body(body);
    let asked = asked.header("Content-Type", "application/json").send().await;
    assert_eq!((asked.status, call.send().await.status), (400, 200), "the upstream wants a session");
    let record = world.gateway.records().await.remove(0);
    assert_eq!(record["path"], "/mcp/open", "addresses are recorded without their query");
    world.finish().await;
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_there_are() {
    let world = World::strict("").await;
    for (target, allow, methods) in [
        (
            "/mcp/open",
            "GET, POST, DELETE, OPTIONS",
            &["PUT", "PATCH", "HEAD", "TRACE", "PROPFIND", "get"][..],
        ),
        ("/mcp/jwt", "GET, POST, DELETE, OPTIONS", &["PUT", "PATCH", "HEAD", "TRACE"]),
        ("/healthz", "GET, HEAD, OPTIONS", &["POST", "PUT", "DELETE", "PATCH"]),
        ("/readyz", "GET, HEAD, OPTIONS", &["POST"]),
        ("/.well-known/oauth-protected-resource/mcp/jwt", "GET, HEAD, OPTIONS", &["POST", "DELETE"]),
    ] {
        for method in methods {
            let answer = world.gateway.call(method, target).send().await;
            assert_eq!(answer.status, 405, "{method} {target}");
            assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
            let record = world.gateway.last_record().await;
            assert_eq!(record["reason"], "method_not_allowed");
            assert_eq!(record["http_method"], *method);
        }
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn odd_request_targets_are_not_found() {
    let world = World::start().await;
    let own = world.gateway.authority();
    let asterisk = format!("OPTIONS * HTTP/1.1\r\nHost: {own}\r\n\r\n");
    let asterisk = world.gateway.raw(asterisk.as_bytes(), Some("OPTIONS *")).await;
    assert_eq!(asterisk.map(|answer| answer.status), Some(404));
    let connect = format!("CONNECT evil.example:443 HTTP/1.1\r\nHost: {own}\r\n\r\n");
    let connect = world.gateway.raw(connect.as_bytes(), Some("CONNECT ")).await;
    assert_eq!(connect.map(|answer| answer.status), Some(421));
    world.finish().await;
}

#[tokio::test]
async fn requests_on_one_connection_are_judged_one_by_one() {
    let world = World::start().await;
    let own = world.gateway.authority();
    let token = world.token("alice", "jwt");
    world.gateway.plant_callers(&token);
    let one = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).bytes();
    let two = world.gateway.modern("jwt", "tools/list", json!({})).bytes();
    let three = format!("GET /nowhere HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n").into_bytes();
    for line in ["POST /mcp/jwt", "POST /mcp/jwt", "GET /nowhere"] {
        world.gateway.expect_record(line);
    }
    let stream = world.gateway.connect().await;
    let first = world.gateway.answer_on(stream, &[one, two, three].concat()).await;
    assert_eq!(first.map(|answer| answer.status), Some(200));
    let records = world.gateway.records().await;
    let statuses: Vec<_> = records.iter().map(|record| record["status"].as_u64()).collect();
    assert_eq!(
        statuses,
        [Some(200), Some(401), Some(404)],
        "the token of one request says nothing about the next"
    );
    world.finish().await;
}
