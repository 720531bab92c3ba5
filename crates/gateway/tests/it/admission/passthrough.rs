//! A11: nothing of the caller's travels but the message. [`World::finish`] looks at every header that the
//! upstream saw; these tests send what must not travel by every way there is.

use doorward_testkit::recorder::Reply;
use serde_json::{Value, json};

use crate::harness::{CREDENTIAL, Call, World};

/// Headers that say who the caller is, where they come from, or what they want of something behind us.
const BAGGAGE: [(&str, &str); 31] = [
    ("Cookie", "session=cookie-c1d2e3f4; theme=dark-theme-cookie"),
    ("Proxy-Authorization", "Basic cHJveHk6cHJveHktc2VjcmV0"),
    ("DPoP", "dpop-proof-0a1b2c3d"),
    ("X-Api-Key", "callers-api-key-77aa"),
    ("Api-Key", "callers-api-key-77aa"),
    ("X-Auth-Token", "callers-auth-token-9911"),
    ("X-Goog-Iap-Jwt-Assertion", "callers-assertion-5522"),
    ("X-Amzn-Oidc-Data", "callers-assertion-5522"),
    ("X-Forwarded-Access-Token", "callers-forwarded-token-1"),
    ("X-Forwarded-For", "203.0.113.77"),
    ("X-Forwarded-Host", "forwarded-host.example"),
    ("X-Forwarded-Proto", "forwarded-proto"),
    ("X-Forwarded-User", "forwarded-user-root"),
    ("X-Real-Ip", "203.0.113.78"),
    ("Forwarded", "for=203.0.113.79;host=forwarded.example"),
    ("Via", "1.1 via.example"),
    ("Origin", "http://localhost:4999"),
    ("Referer", "http://localhost:4999/referer-page"),
    ("User-Agent", "callers-user-agent/7"),
    ("Accept-Language", "tlh-callers"),
    ("Accept-Encoding", "gzip, callers-br"),
    ("Mcp-Init-Host", "evil-init-host.example"),
    ("Router-Key", "callers-router-key"),
    ("X-Doorward-Upstream", "http://evil.example/"),
    ("Doorward-Refused-Origin", "callers-refused-origin"),
    ("X-Original-Url", "/callers-original-url"),
    ("Upgrade", "callers-upgrade"),
    ("Te", "trailers"),
    ("Keep-Alive", "timeout=77"),
    ("Baggage", "callers-baggage=1"),
    ("X-Unknown", "callers-unknown-header"),
];

/// What must not be anywhere in what the upstream saw.
pub(crate) const WORDS: [&str; 14] = [
    "cookie-c1d2e3f4",
    "dark-theme-cookie",
    "dpop-proof",
    "callers-",
    "forwarded",
    "203.0.113.",
    "via.example",
    "4999",
    "evil",
    "timeout=77",
    "trailers",
    "cHJveHk6",
    "gzip",
    "Bearer",
];

/// A call of somebody, with everything that must not travel.
pub(crate) fn laden<'g>(call: Call<'g>, token: &str) -> Call<'g> {
    BAGGAGE.into_iter().fold(call.bearer(token), |call, (name, value)| call.header(name, value))
}

/// The upstream got the request, Doorward's credential, and nothing of the baggage.
fn nothing_travelled(world: &World, token: &str) {
    let requests = world.recorder.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        let keys: Vec<_> =
            request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-api-key")).collect();
        assert_eq!(keys.len(), 1, "{:?}", request.headers);
        assert_eq!(keys[0].1, CREDENTIAL);
        for name in
            ["authorization", "cookie", "origin", "referer", "dpop", "forwarded", "proxy-authorization"]
        {
            assert_eq!(request.header(name), None, "{:?}", request.headers);
        }
    }
    assert!(!world.recorder.saw(token));
    for word in WORDS {
        assert!(!world.recorder.saw(word), "{word} travelled");
    }
}

#[tokio::test]
async fn nothing_travels_with_a_modern_request() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("tools/call", json!({ "name": "echo", "arguments": { "text": "hello" } })),
        ("resources/list", json!({})),
        ("resources/read", json!({ "uri": "note:///first" })),
        ("resources/templates/list", json!({})),
        ("prompts/list", json!({})),
        ("prompts/get", json!({ "name": "greeting" })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "greeting" }, "argument": { "name": "a", "value": "" } }),
        ),
    ] {
        let answer = laden(world.gateway.modern("jwt", method, params), &token).send().await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.text());
    }
    nothing_travelled(&world, &token);
    assert_eq!(world.recorder.requests().len(), 9);
    world.finish().await;
}

#[tokio::test]
async fn nothing_travels_within_a_session() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    let initialized = laden(world.gateway.initialize("jwt"), &token).send().await;
    let session = initialized.header("mcp-session-id").unwrap().to_owned();
    let notified = world.gateway.notify("jwt", Some(&session), "notifications/initialized", &json!({}));
    assert_eq!(laden(notified, &token).send().await.status, 202);
    let call = json!({ "name": "echo", "arguments": { "text": "hello" } });
    let called = world.gateway.legacy("jwt", Some(&session), "tools/call", &call);
    assert_eq!(laden(called, &token).send().await.status, 200);
    let cancelled = json!({ "requestId": 1, "reason": "bored" });
    let cancelled = world.gateway.notify("jwt", Some(&session), "notifications/cancelled", &cancelled);
    assert_eq!(laden(cancelled, &token).send().await.status, 202);
    let response = json!({ "jsonrpc": "2.0", "id": "from-the-server", "result": {} }).to_string();
    let response = world.gateway.post("jwt", response).header("Mcp-Session-Id", &session);
    assert_eq!(laden(response, &token).send().await.status, 202);
    let in_session = |method| {
        let call = world.gateway.call(method, "/mcp/jwt").header("Mcp-Session-Id", &session);
        laden(call.header("Accept", "text/event-stream"), &token)
    };
    world.recorder.once("GET", Reply::events([]));
    assert_eq!(in_session("GET").header("Last-Event-Id", "event-7").send().await.status, 200);
    assert_eq!(in_session("DELETE").send().await.status, 200);
    nothing_travelled(&world, &token);
    let requests = world.recorder.requests();
    assert_eq!(requests.len(), 7);
    assert_eq!(requests[5].header("last-event-id"), Some("event-7"), "what belongs to the protocol travels");
    assert!(!world.recorder.saw(&session), "the upstream has its own session id");
    world.finish().await;
}

#[tokio::test]
async fn nothing_travels_when_templates_are_looked_up() {
    let world = World::with(
        r#"
        [[server]]
        name = "judged"
        upstreams = ["notes"]
        access = "jwt"
        resources = []
        "#,
    )
    .await;
    let token = world.token("alice", "judged");
    let read = json!({ "uri": "note:///anything" });
    let answer = laden(world.gateway.modern("judged", "resources/read", read.clone()), &token).send().await;
    assert_eq!(answer.status, 200);
    let session = world.gateway.session("judged", Some(&token)).await;
    let answer = world.gateway.legacy("judged", Some(&session), "resources/read", &read);
    assert_eq!(laden(answer, &token).send().await.status, 200);
    assert_eq!(world.recorder.requests_of("resources/templates/list").len(), 2);
    nothing_travelled(&world, &token);
    world.finish().await;
}

#[tokio::test]
async fn nothing_travels_with_a_request_for_a_stream() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    world
        .recorder
        .once("tools/call", Reply::result_after([], json!({ "content": [], "resultType": "complete" })));
    let call = world.gateway.modern("jwt", "tools/call", json!({ "name": "echo", "arguments": {} }));
    assert_eq!(laden(call, &token).send().await.events().len(), 1);
    let listen = world.gateway.modern("jwt", "subscriptions/listen", json!({ "notifications": {} }));
    let mut stream = laden(listen, &token).stream().await;
    assert!(stream.next_json().await.is_some());
    drop(stream);
    nothing_travelled(&world, &token);
    world.finish().await;
}

#[tokio::test]
async fn headers_that_belong_to_the_protocol_are_made_anew() {
    let world = World::start().await;
    let call = world.gateway.modern(
        "open",
        "tools/call",
        json!({ "name": "echo", "arguments": { "region": "eu" } }),
    );
    let call = call
        .set("Mcp-Name", " echo\t")
        .header("Mcp-Param-Region", "eu")
        .header("Mcp-Evil", "evil-mcp-header");
    assert_eq!(call.header("Mcp-Session-Id", "evil-session").send().await.status, 200);
    let request = world.recorder.requests().remove(0);
    assert_eq!(request.header("mcp-name"), Some("echo"));
    assert_eq!(request.header("mcp-param-region"), Some("eu"));
    assert_eq!(request.header("mcp-session-id"), None, "there are no sessions in 2026-07-28");
    assert!(!world.recorder.saw("evil"));
    world.finish().await;
}

#[tokio::test]
async fn the_credential_is_bearer_where_it_is_configured_so() {
    let world = World::start().await;
    let bearer = world
        .toml()
        .replace(r#"{ kind = "header", name = "x-api-key", value"#, r#"{ kind = "bearer", value"#);
    world.gateway.replace(&bearer);
    let token = world.token("alice", "jwt");
    let answer = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).send().await;
    assert_eq!(answer.status, 200);
    let requests = world.recorder.requests();
    assert_eq!(requests[0].header("authorization"), Some(&*format!("Bearer {CREDENTIAL}")));
    assert!(!world.recorder.saw(&token));
    // What follows holds for the usual credential only.
    world.gateway.finish().await;
}

#[tokio::test]
async fn a_credential_is_never_sent_where_a_redirect_leads() {
    let world = World::start().await;
    let target = doorward_testkit::recorder::Recorder::start().await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        world.recorder.once("tools/list", Reply::empty(status).header("location", target.url()));
        let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
        let error = &answer.json()["error"];
        assert_eq!(error["data"]["reason"], "upstream_redirect", "{status}: {}", answer.text());
        assert_eq!(answer.header("location"), None);
    }
    assert!(target.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn what_the_upstream_says_in_headers_does_not_reach_the_caller() {
    let world = World::start().await;
    let reply = Reply::result(json!({ "tools": [], "resultType": "complete" }))
        .header("set-cookie", "upstream=1")
        .header("www-authenticate", "Bearer realm=\"upstream\"")
        .header("mcp-session-id", "upstream-session")
        .header("access-control-allow-origin", "*")
        .header("location", "http://upstream.example/")
        .header("x-powered-by", "upstream")
        .header("server", "upstream");
    world.recorder.once("tools/list", reply);
    let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
    assert_eq!(answer.status, 200);
    let shown: Vec<_> = answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    assert!(
        shown.iter().all(|name| matches!(name.as_str(), "content-type" | "content-length" | "date")),
        "{shown:?}"
    );
    assert_eq!(answer.json()["result"]["tools"], Value::Array(Vec::new()));
    world.finish().await;
}
