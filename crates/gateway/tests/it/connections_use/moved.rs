//! Names that come to stand for something else: what was granted for an address, by a server, goes nowhere else.

use doorward_testkit::{authority::ScriptedAuthority, conformance::Eras, recorder::Recorder};
use serde_json::json;

use super::tool_error;
use crate::harness::{ConnectedWorld, Replica};

/// A call of Alice's at another gateway.
async fn told(world: &ConnectedWorld, replica: &Replica) -> String {
    tool_error(&world.echo("alice").at(replica).send().await)
}

#[tokio::test]
async fn what_was_granted_for_an_address_is_not_presented_at_another() {
    let world = ConnectedWorld::start().await;
    let account = world.connect("alice").await;
    let moved = Recorder::start_as(Eras::Both).await.unwrap();
    let toml = world.toml().replace(world.recorder.url(), moved.url());
    let replica = world.gateway.replica(&toml).await;
    let text = told(&world, &replica).await;
    assert!(
        text.contains("the address of notes is another one") && text.contains(&world.link("notes")),
        "{text}"
    );
    let listed = world.modern("alice", "tools/list", json!({})).at(&replica).send().await;
    assert_eq!(listed.result()["tools"][0]["name"], "connect_notes", "{}", listed.text());

    // As if somebody who writes to the store had made the row fit.
    let row = world.gateway.store().connection("upstream:notes", "corp:alice").await.unwrap().unwrap();
    let bent = doorward_store::NewConnection {
        place: row.place,
        person: "corp:bob".to_owned(),
        issuer: row.issuer,
        client: row.client,
        resource: moved.url().to_owned(),
        scopes: row.scopes,
        sealed: row.sealed,
        expires: row.expires,
        now: row.created,
    };
    for person in ["corp:bob", "corp:alice"] {
        let bent = doorward_store::NewConnection { person: person.to_owned(), ..bent.clone() };
        world.gateway.store().put_connection(&bent).await.unwrap();
    }
    world.until_heard().await;
    assert!(told(&world, &replica).await.contains("connect it at"));
    assert!(moved.requests_of("tools/call").is_empty() && !moved.saw(&account.access));

    world.connect("alice").await;
    world.until_heard().await;
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete", "where it is for");
    replica.finish().await;
    world.finish().await;
}

#[tokio::test]
async fn what_one_server_granted_is_not_presented_where_another_one_is_declared() {
    let world = ConnectedWorld::start().await;
    let account = world.connect("alice").await;
    let other = ScriptedAuthority::start().await.unwrap();
    let toml = world.toml().replace(world.authority.url(), other.url());
    let replica = world.gateway.replica(&toml).await;
    let text = told(&world, &replica).await;
    assert!(text.contains("the authorization server of notes is another one"), "{text}");
    assert!(!world.recorder.saw(&account.access) && other.requests().is_empty());
    assert_eq!(world.echo("alice").send().await.result()["resultType"], "complete", "nothing was broken");
    replica.finish().await;
    world.finish().await;
}
