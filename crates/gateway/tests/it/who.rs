//! Who is calling: open doors, tokens of issuers, and everything that is no token for here.

mod allowed;
mod api_keys;
mod forged;
mod keys;
mod matrix;
mod metadata;

use serde_json::json;

use crate::harness::{Answer, Gateway, World};

/// The HTTP methods of an MCP endpoint: each must ask who is calling.
const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];

/// The challenge of a virtual server that asks for no scope.
fn challenge(gateway: &Gateway, server: &str, error: &str) -> String {
    let origin = gateway.url();
    format!(r#"Bearer {error}resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp/{server}""#)
}

/// A 401 to somebody who sent a token that is none for here.
#[track_caller]
fn assert_invalid_token(answer: &Answer, context: &str) {
    assert_eq!(answer.status, 401, "{context}: {}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(
        challenge.starts_with(r#"Bearer error="invalid_token", resource_metadata="#),
        "{context}: {challenge}"
    );
    assert_eq!(answer.json()["error"]["message"], "the access token is not valid here", "{context}");
}

#[tokio::test]
async fn an_open_server_asks_nobody() {
    let world = World::start().await;
    let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
    assert_eq!(answer.result()["tools"].as_array().map(Vec::len), Some(3));
    let record = world.gateway.last_record().await;
    assert_eq!(record["decision"], "allowed");
    assert_eq!(record["reason"], "ok");
    assert!(record.get("subject").is_none() && record.get("issuer").is_none(), "{record}");
    world.finish().await;
}

#[tokio::test]
async fn an_open_server_takes_a_token_for_nothing() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    let answer = world.gateway.modern("open", "tools/list", json!({})).bearer(&token).send().await;
    assert_eq!(answer.status, 200);
    assert!(world.gateway.last_record().await.get("subject").is_none(), "nobody was asked");
    world.finish().await;
}

#[tokio::test]
async fn a_token_of_the_issuer_gets_in_and_the_record_says_who() {
    let world = World::start().await;
    let mut claims = world.claims("alice", "jwt");
    claims["client_id"] = "laptop".into();
    let token = world.issuer.mint(claims).unwrap();
    let call = world.gateway.modern("jwt", "tools/call", json!({ "name": "echo", "arguments": {} }));
    assert_eq!(call.bearer(&token).send().await.status, 200);
    let record = world.gateway.last_record().await;
    assert_eq!(record["issuer"], world.issuer.url());
    assert_eq!(record["subject"], "alice");
    assert_eq!(record["client"], "laptop");
    assert_eq!(record["capability"], "echo");
    world.finish().await;
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case_and_spacing() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let call = world.gateway.modern("jwt", "tools/list", json!({}));
        let answer = call.header("Authorization", &format!("{scheme} {token}")).send().await;
        assert_eq!(answer.status, 200, "{scheme:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn without_a_token_there_is_a_challenge_without_an_error() {
    let world = World::strict("").await;
    for method in METHODS {
        let answer = world.gateway.call(method, "/mcp/jwt").send().await;
        assert_eq!(answer.status, 401, "{method}");
        let expected = challenge(&world.gateway, "jwt", "");
        assert_eq!(answer.header("www-authenticate"), Some(&*expected), "{method}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], "credential_missing");
        assert_eq!(record["decision"], "refused");
        assert_eq!(record["fault"], "caller");
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_bad_token_is_called_invalid() {
    let world = World::strict("").await;
    for method in METHODS {
        let answer = world.gateway.call(method, "/mcp/jwt").bearer("not-a-token-at-all").send().await;
        assert_invalid_token(&answer, method);
        assert_eq!(world.gateway.last_record().await["reason"], "token_malformed");
    }
    world.finish().await;
}

#[tokio::test]
async fn doorwards_own_tokens_are_asked_for_and_no_other_is_one() {
    let world = World::start().await;
    let origin = world.gateway.url();
    let answer = world.gateway.modern("own", "tools/list", json!({})).send().await;
    assert_eq!(answer.status, 401);
    let expected = format!(
        r#"Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp/own", scope="mcp:read mcp:call""#
    );
    assert_eq!(answer.header("www-authenticate"), Some(&*expected));
    for token in [world.token("alice", "own"), world.token("alice", "jwt"), "opaque-0123456789".to_owned()] {
        for method in METHODS {
            let answer = world.gateway.call(method, "/mcp/own").bearer(&token).send().await;
            assert_invalid_token(&answer, method);
        }
    }
    assert_eq!(world.issuer.fetches().jwks, 0, "the issuer has no say there");
    world.finish().await;
}

#[tokio::test]
async fn a_token_in_the_address_is_refused_even_beside_a_good_one() {
    let world = World::strict("").await;
    let token = world.token("alice", "jwt");
    let target = format!("/mcp/jwt?x=1&access_token={token}");
    for method in METHODS {
        let call = world.gateway.call(method, &target);
        for call in [call.clone(), call.bearer(&world.token("alice", "jwt"))] {
            let answer = call.send().await;
            assert_eq!(answer.status, 400, "{method}");
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.contains(r#"error="invalid_request""#), "{challenge}");
            assert_eq!(world.gateway.last_record().await["reason"], "credential_in_query");
        }
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn an_encoded_name_hides_no_token_in_the_address() {
    let world = World::start().await;
    let answer = world.gateway.call("POST", "/mcp/jwt?acc%65ss_token=abcdefgh").send().await;
    assert_eq!(answer.status, 400);
    world.finish().await;
}

#[tokio::test]
async fn two_credentials_are_one_too_many() {
    let world = World::strict("").await;
    let (one, two) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    for method in METHODS {
        for (one, two) in [(&one, &two), (&one, &one)] {
            let answer = world.gateway.call(method, "/mcp/jwt").bearer(one).bearer(two).send().await;
            assert_eq!(answer.status, 400, "{method}");
            assert_eq!(world.gateway.last_record().await["reason"], "credential_ambiguous");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_bearer_token_gets_nobody_in() {
    let world = World::start().await;
    let good = world.token("alice", "jwt");
    for value in [
        "Basic YWxpY2U6d29uZGVybGFuZA==".to_owned(),
        format!("DPoP {good}"),
        format!("Token {good}"),
        good.clone(),
        format!("Bearer {good}, Bearer {good}"),
        format!("Bearer {good} {good}"),
        format!("Bearer \"{good}\""),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
    ] {
        let call = world.gateway.modern("jwt", "tools/list", json!({}));
        let answer = call.header("Authorization", &value).send().await;
        assert_eq!(answer.status, 401, "{value:?}");
        assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("Bearer ")));
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn who_is_calling_is_asked_before_what_for() {
    let world = World::start().await;
    // Each of these is refused for another reason once the caller is known.
    for body in ["{", r#"{"jsonrpc":"2.0","jsonrpc":"2.0"}"#, "[]", ""] {
        let answer = world.gateway.post("jwt", body).send().await;
        assert_eq!(answer.status, 401, "{body:?}");
    }
    let answer =
        world.gateway.call("POST", "/mcp/jwt").header("Content-Type", "text/plain").body("x").send().await;
    assert_eq!(answer.status, 401);
    let hidden = world.gateway.modern("jwt", "tools/call", json!({ "name": "no-such-tool" })).send().await;
    assert_eq!(hidden.status, 401);
    world.finish().await;
}
