//! Which pages may call.

use serde_json::json;

use crate::harness::{Plan, World};

async fn status(world: &World, origin: &str) -> u16 {
    let call = world.gateway.modern("open", "tools/list", json!({}));
    let host = world.gateway.resource("open");
    let host = host.split('/').nth(2).unwrap_or_default();
    call.set("Host", host).header("Origin", origin).send().await.status
}

#[tokio::test]
async fn on_loopback_pages_of_loopback_may_call() {
    let world = World::start().await;
    for origin in [
        world.gateway.url().as_str(),
        "http://localhost",
        "http://localhost:6274",
        "https://localhost:1",
        "http://127.0.0.1:5173",
        "http://[::1]:3000",
    ] {
        assert_eq!(status(&world, origin).await, 200, "{origin}");
    }
    world.finish().await;
}

#[tokio::test]
async fn other_pages_may_not_call() {
    let world = World::strict("").await;
    let own = world.gateway.authority();
    for origin in [
        "http://evil.example".to_owned(),
        "https://evil.example".into(),
        "null".into(),
        String::new(),
        "*".into(),
        "file://".into(),
        "chrome-extension://abcdefgh".into(),
        format!("ftp://{own}"),
        own.clone(),
        format!("http://{own}.evil.example"),
        format!("http://{own}@evil.example"),
        format!("http://evil.example@{own}"),
        format!("http://{own}/"),
        format!("http://{own}/path"),
        format!("http://{own}, http://evil.example"),
        format!("http://evil.example http://{own}"),
        "http://localhost.evil.example".into(),
        "http://localhostevil.example".into(),
        "http://192.168.0.1".into(),
        "http://0.0.0.0".into(),
        "http://localhost:99999".into(),
        "http://localhost#".into(),
        "http://".into(),
        "://localhost".into(),
        "http:localhost".into(),
    ] {
        assert_eq!(status(&world, &origin).await, 403, "{origin:?}");
        assert_eq!(world.gateway.last_record().await["reason"], "origin_not_allowed");
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn two_origins_are_one_too_many() {
    let world = World::start().await;
    let own = world.gateway.url();
    for origins in [[own.as_str(), "http://evil.example"], ["http://evil.example", &own], [&own, &own]] {
        let mut call = world.gateway.modern("open", "tools/list", json!({}));
        for origin in origins {
            call = call.header("Origin", origin);
        }
        assert_eq!(call.send().await.status, 403, "{origins:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn behind_a_name_only_the_names_of_the_configuration_may_call() {
    let more = "[listen]\nallowed_origins = [\"https://app.example\", \"http://dev.example:3000\"]\n";
    let world = World::planned(Plan::default().public_url("https://door.example"), more).await;
    for origin in ["https://door.example", "https://app.example", "http://dev.example:3000"] {
        assert_eq!(status(&world, origin).await, 200, "{origin}");
    }
    for origin in [
        "http://door.example",
        "https://door.example:8443",
        "https://app.example.evil.example",
        "https://sub.app.example",
        "http://app.example",
        "http://dev.example",
        "https://APP.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        "null",
    ] {
        assert_eq!(status(&world, origin).await, 403, "{origin}");
    }
    world.finish().await;
}

#[tokio::test]
async fn probes_ask_for_the_origin_and_public_documents_do_not() {
    let world = World::start().await;
    for path in ["/.well-known/oauth-protected-resource/mcp/jwt", "/.well-known/oauth-authorization-server"] {
        let answer = world.gateway.call("GET", path).header("Origin", "http://evil.example").send().await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    for path in ["/healthz", "/readyz", "/nowhere", "/authorize", "/console/access"] {
        let answer = world.gateway.call("GET", path).header("Origin", "http://evil.example").send().await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    world.finish().await;
}
