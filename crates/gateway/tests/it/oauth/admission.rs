//! Whom the operator lets in: before consent is shown, whenever a token is issued, and on every call.

use doorward_store::UserChange;
use serde_json::json;

use super::{SERVERS, ends, listen, now, opens, until, world_with};
use crate::harness::{Tokens, World};

/// Servers that let in by group, by name and by client, and one that lets in nobody.
const ALLOW: &str = r#"
    [[server]]
    name = "eng"
    upstreams = ["notes"]
    allow = { groups = ["eng"] }
    [[server]]
    name = "alices"
    upstreams = ["notes"]
    allow = { users = ["alice"] }
    [[server]]
    name = "apps"
    upstreams = ["notes"]
    allow = { clients = ["web"] }
    [[server]]
    name = "nobodys"
    upstreams = ["notes"]
    allow = { groups = [] }
    "#;

#[tokio::test]
async fn who_has_no_access_is_told_so_and_not_asked() {
    let world = world_with(ALLOW).await;
    let gateway = &world.gateway;
    let alice = gateway.signed_in_with("alice", &["sales"]).await;
    let eve = gateway.signed_in_with("eve", &["eng", "alice", "web"]).await;
    let web = gateway.operators("web", "basic").await;
    let native = gateway.native().await;
    for (visitor, client, server, in_there) in [
        (&alice, &native, "eng", false),
        (&alice, &native, "alices", true),
        (&alice, &native, "apps", false),
        (&alice, &web, "apps", true),
        (&alice, &web, "nobodys", false),
        (&eve, &native, "eng", true),
        (&eve, &native, "alices", false),
        (&eve, &native, "apps", false),
        (&eve, &native, "nobodys", false),
    ] {
        let page = visitor.get(&client.ask(server).target()).await;
        let record = gateway.last_record().await;
        if in_there {
            assert_eq!((page.status, page.heading()), (200, format!("Allow access to {server}?")));
            assert_eq!((&record["reason"], &record["decision"]), (&json!("ok"), &json!("allowed")));
        } else {
            assert_eq!((page.status, page.heading()), (403, format!("You have no access to {server}")));
            assert_eq!((&record["reason"], &record["decision"]), (&json!("no_access"), &json!("refused")));
            let back = visitor.decide(&page, "deny").await;
            assert_eq!(back.told("error").as_deref(), Some("access_denied"));
            let forced = visitor.decide(&page, "approve").await;
            assert_eq!(
                (forced.status, forced.header("location")),
                (400, None),
                "the form of the page is no way in"
            );
        }
        assert_eq!((&record["server"], &record["client"]), (&json!(server), &json!(client.id)));
    }
    world.finish().await;
}

/// The configuration as it is, with another `allow` for `own`.
fn own_for(world: &World, allow: &str) -> String {
    let own = format!("name = \"own\"\nallow = {allow}");
    format!("{}{SERVERS}", world.toml().replace("name = \"own\"", &own))
}

#[tokio::test]
async fn what_the_operator_takes_back_counts_on_every_call() {
    let world = world_with("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let pending = client.code(&visitor, "own").await;
    let page = visitor.get(&client.ask("own").target()).await;
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    world.gateway.replace(&own_for(&world, "{ users = [\"bob\"] }"));
    let refused = world.gateway.modern("own", "tools/list", json!({})).bearer(&tokens.access).send().await;
    let unknown =
        world.gateway.modern("unknown", "tools/list", json!({})).bearer(&tokens.access).send().await;
    assert_eq!((refused.status, refused.json()), (404, unknown.json()), "as if it did not exist");
    assert_eq!(client.redeem(&pending).error().await, "invalid_grant");
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    assert_eq!(visitor.decide(&page, "approve").await.header("location"), None, "the open page too");
    // Nothing was used up: the operator may change their mind.
    world.gateway.replace(&format!("{}{SERVERS}", world.toml()));
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(client.refresh(&tokens.refresh).send().await.status, 200);
    assert_eq!(client.redeem(&pending).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_access_of_its_person() {
    let keep_alive = "\n[limits]\nkeep_alive = \"1s\"";
    let world = world_with(keep_alive).await;
    let visitor = world.gateway.signed_in("alice").await;
    let tokens = world.gateway.native().await.tokens(&visitor, "own").await;
    let mut stream = listen(&world, "own", &tokens.access).stream().await;
    assert!(stream.next_json().await.is_some());
    world.gateway.replace(&format!("{}{keep_alive}", own_for(&world, "{ users = [\"bob\"] }")));
    ends(stream).await;
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_takes_no_more_tokens_of_ours_or_is_gone_takes_none() {
    let world = world_with("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "second").await;
    let jwt =
        SERVERS.replace("name = \"second\"", "name = \"second\"\naccess = \"jwt\"\nissuers = [\"corp\"]");
    world.gateway.replace(&format!("{}{jwt}", world.toml()));
    assert_eq!(opens(&world, "second", &tokens.access).await, 401);
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    assert_eq!(
        visitor.get(&client.ask("second").target()).await.told("error").as_deref(),
        Some("invalid_target")
    );
    world.gateway.replace(&world.toml());
    assert_eq!(opens(&world, "second", &tokens.access).await, 404);
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    world.finish().await;
}

/// `doorward user groups` while `serve` runs.
#[tokio::test]
async fn groups_that_change_count_within_a_second() {
    let world = world_with(ALLOW).await;
    let visitor = world.gateway.signed_in_with("alice", &["eng"]).await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "eng").await;
    assert_eq!(opens(&world, "eng", &tokens.access).await, 200);
    let groups = |names: &[&str]| UserChange {
        groups: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..UserChange::default()
    };
    let store = world.gateway.store();
    store.change_user("alice", &groups(&["sales"]), now(&world)).await.unwrap();
    until(|| async { opens(&world, "eng", &tokens.access).await == 404 }).await;
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    assert_eq!(visitor.get(&client.ask("eng").target()).await.status, 403);
    store.change_user("alice", &groups(&["eng"]), now(&world)).await.unwrap();
    until(|| async { opens(&world, "eng", &tokens.access).await == 200 }).await;
    let newer = Tokens::of(&client.refresh(&tokens.refresh).send().await);
    assert_eq!(opens(&world, "eng", &newer.access).await, 200);
    world.finish().await;
}
