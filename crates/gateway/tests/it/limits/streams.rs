//! How many streams may be open.

use doorward_testkit::recorder::Reply;
use serde_json::json;

use super::others_are_served;
use crate::harness::{Call, World};

const TWO: &str = "[limits]\nstreams = 2";

fn listen<'g>(world: &'g World, server: &str) -> Call<'g> {
    let call = world.gateway.modern(server, "subscriptions/listen", json!({ "notifications": {} }));
    call.maybe_bearer((server != "open").then(|| world.token("alice", server)).as_deref())
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_hurts_nobody_else() {
    let world = World::with(TWO).await;
    let mut first = listen(&world, "open").stream().await;
    let mut second = listen(&world, "open").stream().await;
    assert!(first.next_json().await.is_some() && second.next_json().await.is_some());
    for _ in 0..3 {
        let third = listen(&world, "open").send().await;
        assert_eq!((third.status, third.error_code()), (429, -32000), "{}", third.text());
        let retry: u32 = third.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&retry));
        assert_eq!(third.json()["id"], 1);
    }
    others_are_served(&world).await;
    let mut elsewhere = listen(&world, "jwt").stream().await;
    assert!(elsewhere.next_json().await.is_some(), "each virtual server has its own count");

    drop(first);
    // The place is free as soon as the gateway has noticed, which its record shows.
    let mut records = world.gateway.records_of(5).await;
    records.retain(|record| record["reason"] == "too_many_streams");
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record["fault"] == "caller" && record["status"] == 429));
    let mut again = listen(&world, "open").stream().await;
    assert_eq!(again.status, 200);
    assert!(again.next_json().await.is_some());
    drop((second, elsewhere, again));
    world.finish().await;
}

#[tokio::test]
async fn a_stream_that_ended_counts_no_longer() {
    let world = World::with(TWO).await;
    for _ in 0..5 {
        world
            .recorder
            .once("tools/call", Reply::result_after([], json!({ "content": [], "resultType": "complete" })));
        let answer = world.gateway.modern("open", "tools/call", json!({ "name": "echo" })).send().await;
        assert_eq!(answer.events().len(), 1);
    }
    world.finish().await;
}

#[tokio::test]
async fn the_count_lives_on_when_the_configuration_changes() {
    let world = World::with(TWO).await;
    let mut first = listen(&world, "open").stream().await;
    assert!(first.next_json().await.is_some());
    world.gateway.replace(&format!("{}\n[limits]\nstreams = 1", world.toml()));
    assert_eq!(listen(&world, "open").send().await.status, 429);
    world.gateway.replace(&format!("{}\n{TWO}", world.toml()));
    let mut second = listen(&world, "open").stream().await;
    assert!(second.next_json().await.is_some());
    assert_eq!(listen(&world, "open").send().await.status, 429);
    drop((first, second));
    world.finish().await;
}
