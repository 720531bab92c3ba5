//! What a browser on another origin gets to see.

use serde_json::json;

use crate::harness::{Answer, World};

const PAGE: &str = "http://localhost:6274";

/// The answer may be read by this page, and by no other through a shared cache.
#[track_caller]
fn assert_readable(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert!(answer.all("vary").iter().any(|vary| vary.eq_ignore_ascii_case("origin")));
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        None,
        "tokens travel in headers, never by itself"
    );
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_credential() {
    let world = World::start().await;
    for server in ["open", "jwt", "own"] {
        let call = world.gateway.call("OPTIONS", &format!("/mcp/{server}"));
        let call = call
            .header("Origin", PAGE)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version");
        let answer = call.send().await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{server}");
        assert_readable(&answer);
        let allowed = |name: &str| {
            let list = answer.header(name).unwrap_or_default().to_ascii_lowercase();
            list.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>()
        };
        let methods = allowed("access-control-allow-methods");
        for method in ["get", "post", "delete"] {
            assert!(methods.contains(&method.to_owned()), "{method}");
        }
        let headers = allowed("access-control-allow-headers");
        for header in [
            "authorization",
            "content-type",
            "accept",
            "mcp-protocol-version",
            "mcp-session-id",
            "mcp-method",
            "mcp-name",
            "last-event-id",
            "traceparent",
        ] {
            assert!(headers.contains(&header.to_owned()), "{header}");
        }
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_page_that_may_not_call_gets_no_preflight_and_no_readable_answer() {
    let world = World::start().await;
    for method in ["OPTIONS", "GET", "POST", "DELETE"] {
        for target in ["/mcp/open", "/mcp/jwt", "/mcp/nowhere"] {
            let call = world.gateway.call(method, target).header("Origin", "http://evil.example");
            let answer = call.header("Access-Control-Request-Method", "POST").send().await;
            assert_eq!(answer.status, 403, "{method} {target}");
            for header in ["access-control-allow-origin", "access-control-allow-methods"] {
                assert_eq!(answer.header(header), None, "{method} {target}");
            }
            assert!(
                answer.headers.iter().all(|(name, _)| !name.starts_with("doorward-")),
                "{:?}",
                answer.headers
            );
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn under_another_hosts_name_no_page_reads_anything() {
    let world = World::start().await;
    for origin in ["http://evil.example", PAGE] {
        let call = world.gateway.call("POST", "/mcp/open").set("Host", "evil.example");
        let answer = call.header("Origin", origin).send().await;
        assert_eq!(answer.status, 421);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
    }
    let plain = world.gateway.call("POST", "/mcp/open").set("Host", "evil.example").send().await;
    let names: Vec<_> = plain.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "cache-control", "content-length", "date"], "nothing of ours leaks");
    world.finish().await;
}

#[tokio::test]
async fn answers_and_refusals_are_readable_by_a_page_that_may_call() {
    let world = World::start().await;
    let good = world.gateway.modern("open", "tools/list", json!({})).header("Origin", PAGE).send().await;
    assert_eq!(good.status, 200);
    let challenge = world.gateway.modern("jwt", "tools/list", json!({})).header("Origin", PAGE).send().await;
    assert_eq!(challenge.status, 401);
    let broken = world.gateway.post("open", "{").header("Origin", PAGE).send().await;
    assert_eq!(broken.status, 400);
    let session = world.gateway.initialize("open").header("Origin", PAGE).send().await;
    assert!(session.header("mcp-session-id").is_some());
    let unknown = world.gateway.call("GET", "/nowhere").header("Origin", PAGE).send().await;
    assert_eq!(unknown.status, 404);
    for answer in [good, challenge, broken, session, unknown] {
        assert_readable(&answer);
        let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_ascii_lowercase();
        for header in ["www-authenticate", "mcp-session-id", "retry-after"] {
            assert!(exposed.contains(header), "{header} in {exposed}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn without_an_origin_nothing_is_said_about_origins() {
    let world = World::start().await;
    let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
    assert!(answer.headers.iter().all(|(name, _)| !name.to_ascii_lowercase().starts_with("access-control-")));
    world.finish().await;
}
