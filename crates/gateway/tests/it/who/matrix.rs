//! A token is for one virtual server: every token at every other one.

use serde_json::json;

use super::{METHODS, assert_invalid_token};
use crate::harness::World;

/// A2: nine servers, one of them open, one with an audience of its own; n × n tokens.
#[tokio::test]
async fn every_token_is_refused_at_every_other_server() {
    let world = World::strict(
        r#"
        [[server]]
        name = "jwt2"
        upstreams = ["notes"]
        access = "jwt"
        [[server]]
        name = "jwt-2"
        upstreams = ["notes"]
        access = "jwt"
        [[server]]
        name = "named"
        upstreams = ["notes"]
        access = "jwt"
        audience = "urn:named"
        "#,
    )
    .await;
    let servers = ["jwt", "twin", "jwt2", "jwt-2", "named"];
    let audience = |server: &str| match server {
        "named" => "urn:named".to_owned(),
        server => world.gateway.resource(server),
    };
    for issued_for in servers.into_iter().chain(["own", "open", "no-such-server"]) {
        let token = world.issuer.mint(world.issuer.claims("alice", &audience(issued_for))).unwrap();
        for server in servers {
            let answer = world.gateway.modern(server, "tools/list", json!({})).bearer(&token).send().await;
            if server == issued_for {
                assert_eq!(answer.status, 200, "{issued_for} at {server}: {}", answer.text());
            } else {
                assert_invalid_token(&answer, &format!("{issued_for} at {server}"));
                assert_eq!(world.gateway.last_record().await["reason"], "token_audience");
            }
        }
        let answer = world.gateway.modern("own", "tools/list", json!({})).bearer(&token).send().await;
        assert_invalid_token(&answer, "own");
    }
    assert_eq!(world.recorder.requests().len(), servers.len(), "one for each token at home");
    world.finish().await;
}

#[tokio::test]
async fn an_audience_is_compared_character_for_character() {
    let world = World::start().await;
    let own = world.gateway.resource("jwt");
    let origin = world.gateway.url();
    for audience in [
        format!("{own}/"),
        format!("{own}#x"),
        format!("{own}?x"),
        own.to_uppercase(),
        own.replace("127.0.0.1", "localhost"),
        own.replace("http://", "https://"),
        own.trim_start_matches("http://").to_owned(),
        format!(" {own}"),
        origin.clone(),
        format!("{origin}/"),
        format!("{origin}/mcp"),
        "*".to_owned(),
        String::new(),
    ] {
        let token = world.issuer.mint(world.issuer.claims("alice", &audience)).unwrap();
        for method in METHODS {
            let answer = world.gateway.call(method, "/mcp/jwt").bearer(&token).send().await;
            assert_invalid_token(&answer, &audience);
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn one_of_several_audiences_is_enough_and_an_odd_list_is_none() {
    let world = World::start().await;
    let own = world.gateway.resource("jwt");
    let mut claims = world.claims("alice", "jwt");
    for (audience, status) in [
        (json!(["https://elsewhere.example", own]), 200),
        (json!([own]), 200),
        (json!([]), 401),
        (json!([own, 7]), 401),
        (json!({ own.clone(): own }), 401),
        (json!(null), 401),
        (json!([[own]]), 401),
    ] {
        claims["aud"] = audience.clone();
        let token = world.issuer.mint(claims.clone()).unwrap();
        let answer = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).send().await;
        assert_eq!(answer.status, status, "{audience}");
    }
    claims.as_object_mut().unwrap().remove("aud");
    let token = world.issuer.mint(claims).unwrap();
    assert_eq!(world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).send().await.status, 401);
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_was_verified_at_one_server_is_judged_anew_at_the_next() {
    let world = World::start().await;
    let mut claims = world.claims("alice", "jwt");
    claims["aud"] = json!([world.gateway.resource("jwt"), world.gateway.resource("twin")]);
    let both = world.issuer.mint(claims).unwrap();
    let one = world.token("alice", "jwt");
    for (token, server, status) in [
        (&both, "jwt", 200),
        (&both, "twin", 200),
        (&one, "jwt", 200),
        (&one, "twin", 401),
        (&one, "jwt", 200),
    ] {
        let answer = world.gateway.modern(server, "tools/list", json!({})).bearer(token).send().await;
        assert_eq!(answer.status, status, "{server}");
    }
    world.finish().await;
}
