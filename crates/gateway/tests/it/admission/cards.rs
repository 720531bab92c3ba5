//! Where agents' cards stand, and whose pages may read them.

use bytes::Bytes;
use doorward_testkit::agent::ScriptedAgent;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use crate::harness::World;

const CARD: &str = "/.well-known/agent-card.json";
const BELOW: &str = "/a2a/helper/.well-known/agent-card.json";

/// The usual world with an agent whose card stands at `helper.example` too.
async fn world() -> (World, ScriptedAgent) {
    let agent = ScriptedAgent::start().await.unwrap();
    let more = format!(
        "[records]\ndurability = \"strict\"\n[[agent]]\nname = \"helper\"\ncard = \"{}\"\naccess = \"jwt\"\nhost = \"helper.example\"",
        agent.card_url()
    );
    (World::with(&more).await, agent)
}

#[tokio::test]
async fn a_card_stands_at_the_root_of_the_agents_own_host() {
    let (world, _agent) = world().await;
    let call = |path: &str| world.gateway.call("GET", path);
    let below = call(BELOW).send().await;
    assert_eq!(below.status, 200);
    for host in ["helper.example", "helper.example:8443", "HELPER.Example"] {
        let at_root = call(CARD).set("Host", host).send().await;
        assert_eq!((at_root.status, &at_root.body), (200, &below.body), "{host}");
        for header in ["etag", "last-modified", "cache-control", "vary", "content-type"] {
            assert_eq!(at_root.header(header), below.header(header), "{header}");
        }
        let record = world.gateway.last_record().await;
        assert_eq!((&record["agent"], &record["reason"]), (&json!("helper"), &json!("ok")));
    }
    let root = |method: &str| world.gateway.call(method, CARD).set("Host", "helper.example");
    let absolute = call(&format!("http://helper.example{CARD}")).send().await;
    assert_eq!(absolute.body, below.body);
    let pure = root("GET").header("A2A-Version", "1.0").send().await;
    assert_eq!(pure.body, call(BELOW).header("A2A-Version", "1.0").send().await.body);
    assert_ne!(pure.body, below.body);
    let known = root("GET").header("If-None-Match", below.header("etag").unwrap()).send().await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = root("HEAD").send().await;
    assert_eq!((head.status, head.header("etag")), (200, below.header("etag")));
    world.finish().await;
}

#[tokio::test]
async fn there_is_nothing_else_under_that_host() {
    let (world, agent) = world().await;
    let refused = async |method: &str, path: &str, host: &str| {
        let answer = world.gateway.call(method, path).set("Host", host).send().await;
        assert_eq!(answer.status, 421, "{method} {path} at {host}");
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], "host_not_allowed");
        assert!(record.get("agent").is_none(), "{record}");
        answer
    };
    let other = refused("GET", CARD, "evil.example").await;
    for path in [
        "/",
        BELOW,
        "/a2a/helper",
        "/mcp/open",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/agent-card.json/",
        "//.well-known/agent-card.json",
        "/.well-known/agent-card%2ejson",
        "/.well-known/agent-card.json%00",
        "/.WELL-KNOWN/agent-card.json",
        "/x/../.well-known/agent-card.json",
    ] {
        let answer = refused("GET", path, "helper.example").await;
        assert_eq!(answer.body, other.body, "as under any other name");
    }
    for method in ["POST", "PUT", "DELETE"] {
        refused(method, CARD, "helper.example").await;
    }
    for host in [
        "helper.example.",
        "sub.helper.example",
        "xhelper.example",
        "helper.example.evil.example",
        "a@helper.example",
        "helper.example:x",
        "helper.example:",
        "helper.example:1:2",
        "helper.example/x",
        "helper.exampl",
        "",
    ] {
        refused("GET", CARD, host).await;
    }
    let two = world.gateway.call("GET", CARD).set("Host", "helper.example").header("Host", "helper.example");
    assert_eq!(two.send().await.status, 421);
    assert!(agent.requests().iter().all(|asked| asked.operation == "card"), "the agent heard of nothing");
    world.finish().await;
}

#[tokio::test]
async fn http_2_finds_the_card_by_its_authority() {
    let (world, _agent) = world().await;
    for (authority, path, expected) in
        [("helper.example", CARD, 200), ("helper.example:1", CARD, 200), ("helper.example", BELOW, 421)]
    {
        let stream = world.gateway.connect().await;
        world.gateway.expect_record(&format!("GET {path}"));
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        let driver = tokio::spawn(connection);
        let request = Request::get(format!("http://{authority}{path}")).body(Full::<Bytes>::default());
        let answer = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), expected, "{authority} {path}");
        drop((sender, answer));
        driver.abort();
    }
    world.finish().await;
}

#[tokio::test]
async fn without_a_name_the_right_address_is_told() {
    let (world, _agent) = world().await;
    for path in [CARD, "/a2a/.well-known/agent-card.json"] {
        let answer = world.gateway.call("GET", path).send().await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("/a2a/<name>/.well-known/agent-card.json"), "{}", answer.text());
    }
    let missing = world.gateway.call("GET", "/a2a/other/.well-known/agent-card.json").send().await;
    assert_eq!(missing.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn pages_of_any_origin_may_read_cards_and_nothing_more_of_an_agent() {
    let (world, agent) = world().await;
    let own = world.gateway.authority();
    let page = "https://somebody.example";
    let list = |value: Option<&str>| {
        let text = value.unwrap_or_default().to_ascii_lowercase();
        text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>()
    };
    for (host, path) in [(own.as_str(), BELOW), ("helper.example", CARD)] {
        let call = |method: &str| world.gateway.call(method, path).set("Host", host).header("Origin", page);
        let answer = call("GET").send().await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
        let exposed = list(answer.header("access-control-expose-headers"));
        for header in ["etag", "last-modified", "a2a-version", "a2a-extensions", "www-authenticate"] {
            assert!(exposed.contains(&header.to_owned()), "{header}");
        }
        let preflight = call("OPTIONS")
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "a2a-version")
            .send()
            .await;
        assert_eq!(preflight.status, 204);
        assert_eq!(preflight.header("access-control-allow-origin"), Some(page));
        let allowed = list(preflight.header("access-control-allow-headers"));
        for header in ["a2a-version", "a2a-extensions", "x-a2a-extensions", "x-api-key", "if-none-match"] {
            assert!(allowed.contains(&header.to_owned()), "{header}");
        }
    }
    for path in ["/a2a/helper", "/a2a/helper/tasks", "/a2a/helper/x/.well-known/agent-card.json"] {
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = world.gateway.call(method, path).header("Origin", page).send().await;
            assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None), "{path}");
        }
    }
    assert!(agent.requests().iter().all(|asked| asked.operation == "card"));
    world.finish().await;
}
