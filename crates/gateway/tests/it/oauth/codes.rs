//! The token endpoint with codes: once, for the client, the redirect URI, the verifier and the resource of the code, and
//! nothing is used up by trying.

use serde_json::json;

use super::{opens, world};
use crate::harness::{Tokens, VERIFIER};

/// From the list of workers-oauth-provider: a failed redirect URI check, wrong client authentication or a bad resource
/// at the token endpoint does not consume the code.
#[tokio::test]
async fn a_failed_attempt_leaves_the_code_as_good_as_it_was() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let other = world.gateway.operators("other", "post").await;
    let code = client.code(&visitor, "own").await;
    let good = client.redeem(&code);
    let second = world.gateway.resource("second");
    for (attempt, error) in [
        (good.clone().with("redirect_uri", "https://web.example.com/callback/"), "invalid_grant"),
        (good.clone().with("redirect_uri", "https://web.example.com/other"), "invalid_grant"),
        (good.clone().with("code_verifier", &VERIFIER.to_uppercase()), "invalid_grant"),
        (good.clone().with("code_verifier", "short"), "invalid_grant"),
        (good.clone().without("code_verifier"), "invalid_request"),
        (good.clone().with("resource", &second), "invalid_target"),
        (good.clone().with("resource", &format!("{second}#x")), "invalid_target"),
        (good.clone().and("resource", &second).and("resource", &second), "invalid_target"),
        (good.clone().and("code", &code), "invalid_request"),
        (good.clone().with("grant_type", "password"), "unsupported_grant_type"),
        (good.clone().without("grant_type"), "invalid_request"),
        (good.clone().header("Authorization", "Basic d2ViOndyb25n"), "invalid_client"),
        (good.clone().call(|call| call.without("Authorization")), "invalid_client"),
        (good.clone().with("client_id", "other"), "invalid_request"),
        (good.clone().header("Content-Type", "application/json"), "invalid_request"),
        (other.redeem(&code), "invalid_grant"),
        (other.redeem(&code).with("redirect_uri", &client.redirect_uri), "invalid_grant"),
    ] {
        let answer = attempt.send().await;
        assert_eq!(answer.json()["error"], error, "{}", answer.text());
        assert_eq!(answer.status, if error == "invalid_client" { 401 } else { 400 }, "{}", answer.text());
    }
    let tokens = Tokens::of(&good.send().await);
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    world.finish().await;
}

#[tokio::test]
async fn the_answer_says_what_was_given() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let said = &tokens.answer;
    assert_eq!(said["token_type"], "Bearer");
    assert_eq!(said["expires_in"], 3600);
    assert_eq!(said["scope"], "mcp:read mcp:call");
    assert_eq!(said["resource"], world.gateway.resource("own"));
    assert!(tokens.access.starts_with("dwat_") && tokens.refresh.starts_with("dwrt_"), "scanners know them");
    world.finish().await;
}

/// From the same list: replaying a code invalidates the tokens that came of it.
#[tokio::test]
async fn a_code_that_comes_twice_takes_its_tokens_back() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let code = client.code(&visitor, "own").await;
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(client.redeem(&code).error().await, "invalid_grant");
    assert_eq!(opens(&world, "own", &tokens.access).await, 401, "at once, though it was remembered");
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    world.finish().await;
}

/// OAuth 2.1 section 4.1.3: else anybody who saw a code could end what came of it.
#[tokio::test]
async fn a_replay_that_would_not_have_been_good_takes_nothing_back() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let (client, other) = (world.gateway.native().await, world.gateway.native().await);
    let code = client.code(&visitor, "own").await;
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    for attempt in [
        client.redeem(&code).with("code_verifier", &"b".repeat(50)),
        client.redeem(&code).with("redirect_uri", "http://127.0.0.1/elsewhere"),
        client.redeem(&code).with("resource", &world.gateway.resource("second")),
        other.redeem(&code),
    ] {
        attempt.error().await;
        assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    }
    assert_eq!(client.refresh(&tokens.refresh).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_code_waits_for_a_minute() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let code = client.code(&visitor, "own").await;
    world.gateway.clock.advance(61);
    assert_eq!(client.redeem(&code).error().await, "invalid_grant");
    world.finish().await;
}

#[tokio::test]
async fn an_access_token_lives_as_long_as_the_operator_says() {
    let world = world().await;
    world.gateway.replace(&format!("{}{}\n[tokens]\naccess_ttl = \"90s\"", world.toml(), super::SERVERS));
    let visitor = world.gateway.signed_in("alice").await;
    let tokens = world.gateway.native().await.tokens(&visitor, "own").await;
    assert_eq!(tokens.answer["expires_in"], 90);
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    world.gateway.clock.advance(91);
    assert_eq!(opens(&world, "own", &tokens.access).await, 401, "also when it was remembered");
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_may_not_refresh_gets_nothing_to_refresh_with() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let metadata = json!({ "redirect_uris": [crate::harness::NATIVE], "token_endpoint_auth_method": "none" });
    let client = world.gateway.registered(metadata).await;
    let tokens = client.tokens(&visitor, "own").await;
    assert!(tokens.answer.get("refresh_token").is_none());
    world.finish().await;
}

#[tokio::test]
async fn the_endpoints_for_programs_take_posts_only() {
    let world = world().await;
    for path in ["/token", "/revoke", "/introspect", "/register"] {
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
            let answer = world.gateway.call(method, &format!("{path}?grant_type=x&code=y")).send().await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path}");
        }
    }
    world.finish().await;
}

/// From the same list: a malformed Content-Type crashed a server.
#[tokio::test]
async fn a_malformed_content_type_is_refused_and_breaks_nothing() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let code = client.code(&visitor, "own").await;
    for kind in [
        "",
        ";",
        "/",
        "form",
        "application/x-www-form-urlencoded2",
        "multipart/form-data; boundary=x",
        "\u{e9}",
    ] {
        let attempt = client.redeem(&code).header("Content-Type", kind);
        assert_eq!(attempt.error().await, "invalid_request", "{kind:?}");
    }
    let twice =
        client.redeem(&code).call(|call| call.header("Content-Type", "application/x-www-form-urlencoded"));
    assert_eq!(twice.error().await, "invalid_request");
    let odd =
        client.redeem(&code).header("Content-Type", "APPLICATION/X-WWW-Form-URLEncoded ; charset=\"utf-8");
    assert_eq!(odd.send().await.status, 200);
    world.finish().await;
}
