//! Two people at one upstream: whatever one of them has, the other sees nothing of it.

use serde_json::json;

use super::tool_error;
use crate::harness::ConnectedWorld;
use doorward_testkit::recorder::Reply;

#[tokio::test]
async fn everybody_is_served_with_their_own_account() {
    let world = ConnectedWorld::start().await;
    let (alice, bob) = (world.connect("alice").await, world.connect("bob").await);
    for (person, account) in [("alice", &alice), ("bob", &bob), ("alice", &alice)] {
        assert_eq!(world.echo(person).send().await.status, 200);
        let requests = world.recorder.requests();
        let seen = requests.last().unwrap().header("authorization");
        assert_eq!(seen, Some(&*format!("Bearer {}", account.access)), "{person}");
    }
    assert!(tool_error(&world.echo("carol").send().await).contains(&world.link("notes")));
    world.finish().await;
}

#[tokio::test]
async fn lists_that_are_kept_are_kept_for_one_account() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    let list = |name: &str| {
        json!({ "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public",
                "tools": [{ "name": name, "inputSchema": { "type": "object" } }] })
    };
    let names = |answer: &crate::harness::Answer| answer.result()["tools"][0]["name"].clone();
    world.recorder.once("tools/list", Reply::result(list("of-alice")));
    assert_eq!(names(&world.modern("alice", "tools/list", json!({})).send().await), "of-alice");
    assert_eq!(names(&world.modern("alice", "tools/list", json!({})).send().await), "of-alice");
    assert_eq!(world.recorder.requests_of("tools/list").len(), 1, "it is kept");
    assert_eq!(names(&world.modern("bob", "tools/list", json!({})).send().await), "connect_notes");
    world.connect("bob").await;
    world.recorder.once("tools/list", Reply::result(list("of-bob")));
    assert_eq!(names(&world.modern("bob", "tools/list", json!({})).send().await), "of-bob");

    world.disconnect("alice").await;
    assert_eq!(names(&world.modern("alice", "tools/list", json!({})).send().await), "connect_notes");
    world.connect("alice").await;
    world.recorder.once("tools/list", Reply::result(list("of-another-account")));
    let answer = world.modern("alice", "tools/list", json!({})).send().await;
    assert_eq!(
        names(&answer),
        "of-another-account",
        "what the first account showed is not shown for the second"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_session_is_of_the_account_that_it_began_with() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    let token = world.token("alice", "jwt");
    let session = world.gateway.session("jwt", Some(&token)).await;
    let list = || world.gateway.legacy("jwt", Some(&session), "tools/list", &json!({})).bearer(&token);
    assert_eq!(list().send().await.result()["tools"].as_array().map(Vec::len), Some(3));
    world.disconnect("alice").await;
    assert_eq!(list().send().await.result()["tools"][0]["name"], "connect_notes");
    world.connect("alice").await;
    let before = world.recorder.requests().len();
    assert_eq!(list().send().await.status, 404, "another account, another session");
    assert_eq!(
        world.recorder.requests().len(),
        before,
        "the upstream's session was not named with another token"
    );
    world.finish().await;
}

#[tokio::test]
async fn sessions_of_two_people_are_two() {
    let world = ConnectedWorld::start().await;
    world.connect("alice").await;
    world.connect("bob").await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let session = world.gateway.session("jwt", Some(&alice)).await;
    let stolen = world.gateway.legacy("jwt", Some(&session), "tools/list", &json!({})).bearer(&bob);
    assert_eq!(stolen.send().await.status, 404);
    world.finish().await;
}
