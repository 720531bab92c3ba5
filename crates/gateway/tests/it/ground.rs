//! What was allowed under one configuration, or with one credential, does not go on under another.

use doorward_testkit::recorder::Reply;
use serde_json::json;

use crate::harness::{Call, World};

fn listen<'g>(world: &'g World, token: &str) -> Call<'g> {
    world.gateway.modern("jwt", "subscriptions/listen", json!({ "notifications": {} })).bearer(token)
}

#[tokio::test]
async fn a_stream_ends_when_its_caller_is_no_longer_let_in() {
    let world = World::with("[limits]\nkeep_alive = \"1s\"").await;
    let token = world.token("alice", "jwt");
    let mut stream = listen(&world, &token).stream().await;
    assert!(stream.next_json().await.is_some());
    let shut = world.toml().replace("name = \"jwt\"", "name = \"jwt\"\nallow = { users = [\"bob\"] }");
    world.gateway.replace(&format!("{shut}\n[limits]\nkeep_alive = \"1s\""));
    assert!(stream.next_json().await.is_none(), "nothing more is heard");
    assert_eq!(listen(&world, &token).send().await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_does_not_outlive_the_token_that_opened_it() {
    let world = World::with("[limits]\nkeep_alive = \"1s\"").await;
    let token = world.token("alice", "jwt");
    let mut stream = listen(&world, &token).stream().await;
    assert!(stream.next_json().await.is_some());
    world.gateway.clock.advance(48 * 3600);
    assert!(stream.next_json().await.is_none(), "nothing more is heard");
    assert_eq!(listen(&world, &token).send().await.status, 401);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_goes_on_when_something_else_changes() {
    let limits = "[limits]\nkeep_alive = \"1s\"\nstreams = 1";
    let world = World::with(limits).await;
    let token = world.token("alice", "jwt");
    let mut stream = listen(&world, &token).stream().await;
    assert!(stream.next_json().await.is_some());
    world.gateway.replace(&format!("{}\n{limits}\ndepth = 64", world.toml()));
    // Time for the relay to look at its ground again; if it takes longer, the test says less but not wrong.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(listen(&world, &token).send().await.status, 429, "the first one is still open");
    drop(stream);
    world.finish().await;
}

#[tokio::test]
async fn a_kept_list_is_forgotten_with_the_configuration() {
    let world = World::start().await;
    let page = json!({ "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public",
        "tools": [{ "name": "echo", "inputSchema": { "type": "object" } }] });
    world.recorder.always("tools/list", Reply::result(page));
    for _ in 0..2 {
        let list = world.gateway.modern("open", "tools/list", json!({})).send().await;
        assert_eq!(list.result()["tools"][0]["name"], "echo");
    }
    assert_eq!(world.recorder.requests_of("tools/list").len(), 1, "the second came from what was kept");
    let narrowed = world.toml().replace("name = \"open\"", "name = \"open\"\ntools = []");
    world.gateway.replace(&narrowed);
    let list = world.gateway.modern("open", "tools/list", json!({})).send().await;
    assert_eq!(list.result()["tools"], json!([]));
    world.finish().await;
}
