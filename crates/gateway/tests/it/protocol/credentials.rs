//! Tokens that Doorward presents upstream: its own, or one for the caller, and in no case the caller's.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_auth::keys::KeySet;
use doorward_model::Algorithm;
use doorward_testkit::{
    conformance::Eras,
    issuer::Failure,
    recorder::{Recorder, Reply},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Answer, Gateway, Plan, World};

/// The usual world with two more upstreams at a second recorder, and their virtual servers.
///
/// | virtual server | what Doorward presents |
/// |---|---|
/// | `machine` | a token for itself |
/// | `personal` | a token for the caller |
async fn world() -> (World, Recorder) {
    let plan = Plan::default().secret("CLIENT_SECRET", "doorward-s-secret-at-the-as-77");
    let world = World::planned(plan, "[records]\ndurability = \"strict\"\n").await;
    let agency = Recorder::start_as(Eras::Both).await.unwrap();
    let (endpoint, url) = (world.issuer.token_endpoint(), agency.url());
    let kinds = [("machine", "client-credentials"), ("personal", "token-exchange")];
    let servers = kinds.map(|(name, kind)| {
        format!(
            r#"
            [[upstream]]
            name = "{name}"
            url = "{url}"
            credential = {{ kind = "{kind}", token_endpoint = "{endpoint}", client_id = "doorward", client_secret = {{ env = "CLIENT_SECRET" }}, scope = "notes" }}
            [[server]]
            name = "{name}"
            upstreams = ["{name}"]
            access = "jwt"
            issuers = ["corp"]
            "#
        )
    });
    world.gateway.replace(&format!("{}\n{}", world.toml(), servers.concat()));
    world.issuer.issue_tokens(300);
    (world, agency)
}

async fn list(world: &World, server: &str, token: &str) -> Answer {
    world.gateway.plant_callers(token);
    world.gateway.modern(server, "tools/list", json!({})).bearer(token).send().await
}

/// What was presented upstream, oldest first.
fn presented(agency: &Recorder) -> Vec<String> {
    let requests = agency.requests();
    requests.iter().map(|request| request.header("authorization").unwrap_or_default().to_owned()).collect()
}

/// Stops everything, once it is clear that a caller's token was seen nowhere.
async fn finish(world: World, agency: Recorder, tokens: &[String]) {
    for token in tokens {
        assert!(!agency.saw(token), "the upstream saw a caller's token");
        let signature = token.rsplit('.').next().unwrap();
        let asked = format!("{:?}", world.issuer.token_requests());
        assert!(!asked.contains(token) && !asked.contains(signature), "the authorization server saw it");
    }
    for request in agency.requests() {
        assert!(request.header("x-api-key").is_none(), "a credential of another upstream");
    }
    world.finish().await;
}

#[tokio::test]
async fn all_callers_share_a_token_of_doorwards_own() {
    let (world, agency) = world().await;
    let tokens = ["alice", "bob"].map(|who| world.token(who, "machine"));
    for token in &tokens {
        assert_eq!(list(&world, "machine", token).await.status, 200);
    }
    assert_eq!(presented(&agency), ["Bearer issued-1"; 2]);
    let asked = world.issuer.token_requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].authorization.as_deref(), Some("doorward:doorward-s-secret-at-the-as-77"));
    finish(world, agency, &tokens).await;
}

#[tokio::test]
async fn each_caller_has_a_token_for_doorwards_word() {
    let (world, agency) = world().await;
    let tokens = ["alice", "bob", "alice"].map(|who| world.token(who, "personal"));
    for token in &tokens {
        assert_eq!(list(&world, "personal", token).await.status, 200);
    }
    assert_eq!(presented(&agency), ["Bearer issued-1", "Bearer issued-2", "Bearer issued-1"]);
    let (keys, origin) = (keys(&world.gateway).await, world.gateway.url());
    for (asked, who) in world.issuer.token_requests().iter().zip(["alice", "bob"]) {
        let claims = proven("doorward-caller+jwt", &keys, &asked.field("subject_token").unwrap());
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(origin), &json!(who)));
        assert_eq!(claims["sub_id"], json!({"format": "iss_sub", "iss": world.issuer.url(), "sub": who}));
        assert_eq!(claims["aud"], json!(world.issuer.token_endpoint()));
    }
    finish(world, agency, &tokens).await;
}

/// Doorward's keys: whoever trusts it finds them by its metadata.
pub(super) async fn keys(gateway: &Gateway) -> KeySet {
    let metadata = gateway.call("GET", "/.well-known/oauth-authorization-server").send().await.json();
    let path = metadata["jwks_uri"].as_str().unwrap().strip_prefix(&gateway.url()).unwrap().to_owned();
    KeySet::parse(&gateway.call("GET", &path).send().await.body).unwrap()
}

/// The claims of a JWT of this `typ` that one of these keys verifies.
pub(super) fn proven(typ: &str, keys: &KeySet, token: &str) -> Value {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let [header, claims] = [header, claims]
        .map(|part| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
    assert_eq!((&header["typ"], &header["alg"]), (&json!(typ), &json!("ES256")));
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut candidates = keys.find(header["kid"].as_str(), Algorithm::Es256);
    assert!(candidates.any(|key| key.verifies(Algorithm::Es256, message.as_bytes(), &signature)));
    claims
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_the_record_says_why() {
    let (world, agency) = world().await;
    let token = world.token("alice", "machine");
    let canary = "what-the-server-says-91c4";
    world.gateway.plant(canary);
    for (status, body, reason, detail) in [
        (
            StatusCode::BAD_REQUEST,
            json!({"error": "invalid_scope", "error_description": canary}),
            "upstream_unauthorized",
            "invalid_scope",
        ),
        (StatusCode::BAD_GATEWAY, json!(canary), "upstream_unreachable", "status 502"),
        (
            StatusCode::OK,
            json!({"access_token": canary, "token_type": "mac"}),
            "upstream_unauthorized",
            "token_type",
        ),
    ] {
        world.issuer.refuse_tokens(status, body);
        let answer = list(&world, "machine", &token).await;
        assert!(answer.json()["error"].is_object(), "{}", answer.text());
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], reason);
        assert!(record["detail"].as_str().unwrap().contains(detail), "{record}");
        world.gateway.clock.advance(31);
    }
    world.issuer.fail(Failure::Down);
    list(&world, "machine", &token).await;
    assert_eq!(world.gateway.last_record().await["reason"], "upstream_unreachable");
    assert!(agency.requests().is_empty());

    world.issuer.fail(None);
    world.issuer.issue_tokens(300);
    world.gateway.clock.advance(31);
    assert_eq!(list(&world, "machine", &token).await.status, 200, "it is asked again");
    finish(world, agency, &[token]).await;
}

#[tokio::test]
async fn a_token_that_the_upstream_refuses_is_replaced() {
    let (world, agency) = world().await;
    let token = world.token("alice", "machine");
    assert_eq!(list(&world, "machine", &token).await.status, 200);
    world.gateway.clock.advance(20);
    agency.once("tools/list", Reply::empty(401));
    list(&world, "machine", &token).await;
    assert_eq!(world.gateway.last_record().await["reason"], "upstream_unauthorized");
    assert_eq!(list(&world, "machine", &token).await.status, 200);
    assert_eq!(presented(&agency), ["Bearer issued-1", "Bearer issued-1", "Bearer issued-2"]);
    finish(world, agency, &[token]).await;
}

#[tokio::test]
async fn a_configuration_that_is_read_again_loses_no_tokens() {
    let (world, agency) = world().await;
    let token = world.token("alice", "open");
    let (url, endpoint) = (agency.url(), world.issuer.token_endpoint());
    let toml = |scope: &str| {
        format!(
            r#"{}
            [[upstream]]
            name = "machine"
            url = "{url}"
            credential = {{ kind = "client-credentials", token_endpoint = "{endpoint}", client_id = "doorward", scope = "{scope}" }}
            [[server]]
            name = "shared"
            upstreams = ["machine"]
            access = "open"
            "#,
            world.toml()
        )
    };
    for scope in ["one", "one", "two"] {
        world.gateway.replace(&toml(scope));
        let answer = world.gateway.modern("shared", "tools/list", json!({})).send().await;
        assert_eq!(answer.status, 200, "callers whom nobody asks get what Doorward has for itself");
    }
    assert_eq!(presented(&agency), ["Bearer issued-1", "Bearer issued-1", "Bearer issued-2"]);
    finish(world, agency, &[token]).await;
}
