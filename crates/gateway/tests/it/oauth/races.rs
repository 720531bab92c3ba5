//! Races: of those that come at once, as many win as may. On SQLite, and on PostgreSQL where `DOORWARD_TEST_POSTGRES`
//! names a server.

use std::collections::BTreeMap;

use doorward_auth::server::token;
use futures_util::future::join_all;
use serde_json::json;

use super::{SERVERS, opens};
use crate::harness::{Answer, PASSWORD, Plan, TokenCall, Tokens, World};

/// The world on each engine that there is.
async fn worlds() -> [World; 2] {
    let more = format!("[records]\ndurability = \"strict\"\n{SERVERS}");
    [World::planned(Plan::default(), &more).await, World::planned(Plan::default().postgres(), &more).await]
}

async fn at_once(calls: impl IntoIterator<Item = TokenCall<'_>>) -> Vec<Answer> {
    join_all(calls.into_iter().map(TokenCall::send)).await
}

fn count(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut outcomes = BTreeMap::new();
    for answer in answers {
        let outcome = answer.json()["error"].as_str().unwrap_or("ok").to_owned();
        *outcomes.entry(outcome).or_default() += 1;
    }
    outcomes
}

/// A7: exactly one of two redemptions wins; and since a code that comes twice was stolen, what it won is taken back.
#[tokio::test]
async fn a07_of_two_redemptions_at_once_exactly_one_wins() {
    for world in worlds().await {
        let visitor = world.gateway.signed_in("alice").await;
        let client = world.gateway.native().await;
        for at_a_time in [2, 2, 2, 8] {
            let code = client.code(&visitor, "own").await;
            let answers = at_once((0..at_a_time).map(|_| client.redeem(&code))).await;
            assert_eq!(
                count(&answers),
                BTreeMap::from([("ok".into(), 1), ("invalid_grant".into(), at_a_time - 1)])
            );
            let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
            assert_eq!(opens(&world, "own", &Tokens::of(winner).access).await, 401);
        }
        world.finish().await;
    }
}

/// Processes that share a file refresh at once: each gets an answer that is good by itself, or is told no, and one
/// refresh token is left at most.
#[tokio::test]
async fn of_twenty_refreshes_at_once_one_is_the_last() {
    for world in worlds().await {
        let visitor = world.gateway.signed_in("alice").await;
        let client = world.gateway.native().await;
        let tokens = client.tokens(&visitor, "own").await;
        let answers = at_once((0..20).map(|_| client.refresh(&tokens.refresh))).await;
        assert_eq!(count(&answers), BTreeMap::from([("ok".into(), 20)]), "within the grace all are answered");
        let mut live = Vec::new();
        for answer in &answers {
            let tokens = Tokens::of(answer);
            assert_eq!(opens(&world, "own", &tokens.access).await, 200);
            let stored =
                world.gateway.store().refresh_token(&token::hash(&tokens.refresh)).await.unwrap().unwrap();
            live.extend(stored.used.is_none().then_some(tokens.refresh));
        }
        assert_eq!(live.len(), 1);
        let next = Tokens::of(&client.refresh(&live[0]).send().await);
        assert_eq!(opens(&world, "own", &next.access).await, 200);
        world.finish().await;
    }
}

/// A thief and the client come at once with a token whose successor was used: nobody goes on.
#[tokio::test]
async fn of_replays_at_once_none_wins() {
    for world in worlds().await {
        let visitor = world.gateway.signed_in("alice").await;
        let client = world.gateway.native().await;
        let old = client.tokens(&visitor, "own").await;
        let first = Tokens::of(&client.refresh(&old.refresh).send().await);
        let second = Tokens::of(&client.refresh(&first.refresh).send().await);
        let answers = at_once((0..8).map(|_| client.refresh(&old.refresh))).await;
        assert_eq!(count(&answers), BTreeMap::from([("invalid_grant".into(), 8)]));
        assert_eq!(opens(&world, "own", &second.access).await, 401);
        assert_eq!(client.refresh(&second.refresh).error().await, "invalid_grant");
        world.finish().await;
    }
}

/// Refreshing and revoking at once: in the end the grant is gone, in whatever order.
#[tokio::test]
async fn a_revocation_is_not_outrun() {
    for world in worlds().await {
        let visitor = world.gateway.signed_in("alice").await;
        let client = world.gateway.native().await;
        for _ in 0..3 {
            let tokens = client.tokens(&visitor, "own").await;
            let calls = [
                client.refresh(&tokens.refresh),
                client.revoke(&tokens.refresh),
                client.refresh(&tokens.refresh),
            ];
            for answer in at_once(calls).await {
                if answer.status == 200 && answer.json()["access_token"].is_string() {
                    let newer = Tokens::of(&answer);
                    assert_eq!(opens(&world, "own", &newer.access).await, 401);
                    assert_eq!(client.refresh(&newer.refresh).error().await, "invalid_grant");
                }
            }
            assert_eq!(opens(&world, "own", &tokens.access).await, 401);
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn there_is_one_first_administrator() {
    for world in worlds().await {
        let link = world.gateway.app.first_administrator_link().await.unwrap().unwrap();
        world.gateway.plant_link(&link);
        world.gateway.plant(PASSWORD);
        let mut visitors = Vec::new();
        for name in ["one", "two", "three"] {
            let visitor = world.gateway.visitor();
            let form = visitor.get(&link).await.form("/first-administrator").set("username", name);
            visitors.push((visitor, form.set("password", PASSWORD).set("password_again", PASSWORD)));
        }
        join_all(visitors.iter().map(|(visitor, form)| visitor.submit(form))).await;
        let users = world.gateway.store().users().await.unwrap();
        assert_eq!(users.len(), 1, "{:?}", users.iter().map(|user| &user.name).collect::<Vec<_>>());
        let signed_in = visitors.iter().filter(|(visitor, _)| visitor.cookie("doorward_session").is_some());
        assert_eq!(signed_in.count(), 1);
        world.finish().await;
    }
}

/// What may be used once is used once, at whichever gateway.
#[tokio::test]
async fn of_one_client_assertion_at_once_exactly_one_counts() {
    for world in worlds().await {
        let other = world.gateway.replica(&format!("{}{SERVERS}", world.toml())).await;
        let jwks = world.issuer_keys().await;
        let metadata = json!({
            "redirect_uris": [crate::harness::NATIVE], "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
        });
        let client = world.gateway.registered(metadata).await;
        let mut claims = world.issuer.claims(&client.id, &world.gateway.url());
        claims["iss"] = client.id.clone().into();
        let header = json!({ "alg": world.issuer.algorithm(), "kid": world.issuer.key_id(), "typ": "JWT" });
        let assertion = world.issuer.mint_with(&header, &claims).unwrap();
        let calls = (0..10).map(|number| {
            let call = world.gateway.form("/revoke").with("token", "x").with("client_assertion", &assertion);
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let call = call.with("client_assertion_type", kind);
            if number % 2 == 0 { call } else { call.call(|call| call.at(&other)) }
        });
        let answers = at_once(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        other.finish().await;
        world.finish().await;
    }
}
