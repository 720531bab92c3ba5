//! Tokens that are taken back: by their client, by a person, by a command, and at every gateway at once.

use serde_json::json;

use super::{SERVERS, ends, listen, now, opens, until, world};
use crate::harness::{Tokens, World};

/// From the list of workers-oauth-provider: revoking an access token keeps the refresh token, revoking a refresh token
/// ends the grant.
#[tokio::test]
async fn an_access_token_ends_alone_and_a_refresh_token_ends_all() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    let answer = client.revoke(&tokens.access).with("token_type_hint", "refresh_token").send().await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(opens(&world, "own", &tokens.access).await, 401);
    let tokens = Tokens::of(&client.refresh(&tokens.refresh).send().await);
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(client.revoke(&tokens.refresh).send().await.status, 200);
    assert_eq!(opens(&world, "own", &tokens.access).await, 401);
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    world.finish().await;
}

/// From the same list: another client's tokens cannot be revoked. Nor can anybody find out that they exist.
#[tokio::test]
async fn another_clients_tokens_stay_and_nobody_learns_of_them() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let (client, other) = (world.gateway.native().await, world.gateway.operators("other", "basic").await);
    let tokens = client.tokens(&visitor, "own").await;
    let code = client.code(&visitor, "own").await;
    let unknown = other.revoke("unknown").send().await.observable();
    for token in [&tokens.access, &tokens.refresh, &code] {
        assert_eq!(other.revoke(token).send().await.observable(), unknown);
        let asked = other.form("/introspect").with("token", token).send().await;
        assert_eq!(asked.json(), json!({ "active": false }));
    }
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(client.refresh(&tokens.refresh).send().await.status, 200);
    assert_eq!(client.redeem(&code).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_client_may_ask_about_its_own_tokens() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let tokens = client.tokens(&visitor, "own").await;
    let ask = |token: &str| client.form("/introspect").with("token", token).send();
    let said = ask(&tokens.access).await.json();
    assert_eq!(said["active"], true);
    assert_eq!((&said["sub"], &said["client_id"]), (&json!("alice"), &json!("web")));
    assert_eq!(
        (&said["aud"], &said["iss"]),
        (&json!(world.gateway.resource("own")), &json!(world.gateway.url()))
    );
    assert_eq!(said["scope"], "mcp:read mcp:call");
    assert_eq!(ask(&tokens.refresh).await.json(), json!({ "active": false }));
    client.revoke(&tokens.access).send().await;
    assert_eq!(ask(&tokens.access).await.json(), json!({ "active": false }));
    let public = world.gateway.native().await;
    let own = public.tokens(&visitor, "own").await;
    assert_eq!(public.form("/introspect").with("token", &own.access).error().await, "invalid_client");
    world.finish().await;
}

#[tokio::test]
async fn revocation_cuts_a_stream_that_never_ends() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    for by in ["access", "refresh", "page"] {
        let tokens = client.tokens(&visitor, "own").await;
        let mut stream = listen(&world, "own", &tokens.access).stream().await;
        assert!(stream.next_json().await.is_some());
        match by {
            "access" => client.revoke(&tokens.access).send().await,
            "refresh" => client.revoke(&tokens.refresh).send().await,
            _ => {
                let page = visitor.get("/console/access").await;
                visitor.submit(&page.form("/console/access/revoke")).await
            }
        };
        ends(stream).await;
        assert_eq!(listen(&world, "own", &tokens.access).send().await.status, 401);
    }
    world.finish().await;
}

/// Another process revokes: a command, or another gateway of the deployment.
#[tokio::test]
async fn what_one_gateway_takes_back_is_nothing_at_the_other() {
    let world = world().await;
    two_gateways(world).await;
}

/// The same on PostgreSQL, where `DOORWARD_TEST_POSTGRES` names a server.
#[tokio::test]
async fn what_one_gateway_takes_back_is_nothing_at_the_other_on_postgres() {
    two_gateways(World::planned(crate::harness::Plan::default().postgres(), SERVERS).await).await;
}

async fn two_gateways(world: World) {
    let other = world.gateway.replica(&format!("{}{SERVERS}", world.toml())).await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let at_other = |token: &str| {
        let call = world.gateway.modern("own", "tools/list", json!({})).bearer(token).at(&other);
        async { call.send().await.status }
    };
    let kept = client.tokens(&visitor, "own").await;
    for by in ["access", "refresh"] {
        let tokens = client.tokens(&visitor, "own").await;
        assert_eq!(at_other(&tokens.access).await, 200, "known and remembered there");
        let mut stream = listen(&world, "own", &tokens.access).at(&other).stream().await;
        assert!(stream.next_json().await.is_some());
        let token = if by == "access" { &tokens.access } else { &tokens.refresh };
        assert_eq!(client.revoke(token).send().await.status, 200);
        ends(stream).await;
        until(|| async { at_other(&tokens.access).await == 401 }).await;
    }
    assert_eq!(at_other(&kept.access).await, 200, "nothing else ended");
    let refreshed = client.refresh(&kept.refresh).call(|call| call.at(&other)).send().await;
    assert_eq!(opens(&world, "own", &Tokens::of(&refreshed).access).await, 200);
    other.finish().await;
    world.finish().await;
}

#[tokio::test]
async fn people_take_back_what_they_gave_and_nothing_else() {
    let world = world().await;
    let (alice, bob) = (world.gateway.signed_in("alice").await, world.gateway.signed_in("bob").await);
    let client = world.gateway.native().await;
    let (of_alice, of_bob) = (client.tokens(&alice, "own").await, client.tokens(&bob, "own").await);
    let page = alice.get("/console/access").await;
    let form = page.form("/console/access/revoke");
    assert_eq!(page.text().matches("/console/access/revoke").count(), 1, "only her own");
    let grant_of_bob =
        bob.get("/console/access").await.form("/console/access/revoke").value("grant").to_owned();
    assert_eq!(alice.submit(&form.clone().set("grant", &grant_of_bob)).await.status, 404);
    assert_eq!(bob.submit(&form).await.status, 400, "her form in his browser");
    assert_eq!(opens(&world, "own", &of_bob.access).await, 200);
    assert_eq!(alice.submit(&form).await.status, 200);
    assert_eq!(opens(&world, "own", &of_alice.access).await, 401);
    assert_eq!(opens(&world, "own", &of_bob.access).await, 200);
    world.finish().await;
}

#[tokio::test]
async fn an_administrator_sees_all_and_may_take_all_back() {
    let world = world().await;
    let alice = world.gateway.signed_in("alice").await;
    let tokens = world.gateway.native().await.tokens(&alice, "own").await;
    let root = doorward_model::Person {
        subject: "root".into(),
        name: "root".into(),
        groups: Vec::new(),
        domain: None,
        administrator: true,
    };
    let root = world.gateway.session_of(root).await;
    let page = root.get("/console/access").await;
    assert!(page.text().contains("alice"));
    assert_eq!(root.submit(&page.form("/console/access/revoke")).await.status, 200);
    assert_eq!(opens(&world, "own", &tokens.access).await, 401);
    world.finish().await;
}

#[tokio::test]
async fn a_grant_that_a_person_takes_back_is_asked_for_again() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let page = visitor.get(&client.ask("own").target()).await;
    let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
    let code = visitor.submit(&form).await.told("code").unwrap();
    client.redeem(&code).send().await;
    assert!(visitor.get(&client.ask("own").target()).await.told("code").is_some(), "remembered");
    let access = visitor.get("/console/access").await;
    visitor.submit(&access.form("/console/access/revoke")).await;
    assert_eq!(visitor.get(&client.ask("own").target()).await.status, 200, "asked again");
    world.finish().await;
}

/// `doorward user remove` while `serve` runs.
#[tokio::test]
async fn a_removed_user_is_out_within_a_second() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let pending = client.code(&visitor, "own").await;
    let mut stream = listen(&world, "own", &tokens.access).stream().await;
    assert!(stream.next_json().await.is_some());
    assert!(world.gateway.store().remove_user("alice", now(&world)).await.unwrap());
    ends(stream).await;
    until(|| async { opens(&world, "own", &tokens.access).await == 401 }).await;
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    assert_eq!(client.redeem(&pending).error().await, "invalid_grant");
    assert!(visitor.get("/console/access").await.find_form("/sign-in").is_some(), "signed out");
    world.finish().await;
}
