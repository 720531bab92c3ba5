//! A19: tokens that are not what they say, on every method of an MCP endpoint.

use serde_json::{Value, json};

use super::{METHODS, assert_invalid_token};
use crate::harness::World;

/// A header of the issuer's, with these changes; `null` takes a member out.
fn header(world: &World, changes: &Value) -> Value {
    let mut header = json!({ "alg": "ES256", "kid": world.issuer.key_id(), "typ": "at+jwt" });
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            header.as_object_mut().unwrap().remove(name);
        } else {
            header[name] = value.clone();
        }
    }
    header
}

async fn refused(world: &World, token: &str, reason: &str, context: &str) {
    for method in METHODS {
        let answer = world.gateway.call(method, "/mcp/jwt").bearer(token).send().await;
        assert_invalid_token(&answer, context);
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], reason, "{context}");
        assert!(record.get("subject").is_none(), "{context}: nothing unproven is recorded: {record}");
    }
}

#[tokio::test]
async fn headers_that_ask_for_another_way_to_verify_are_refused() {
    let world = World::strict("").await;
    let claims = world.claims("alice", "jwt");
    let hints = json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" });
    for (changes, reason) in [
        (json!({ "alg": "none" }), "token_algorithm"),
        (json!({ "alg": "None" }), "token_algorithm"),
        (json!({ "alg": "HS256" }), "token_algorithm"),
        (json!({ "alg": "HS512" }), "token_algorithm"),
        (json!({ "alg": "es256" }), "token_algorithm"),
        (json!({ "alg": "" }), "token_algorithm"),
        (json!({ "alg": null }), "token_algorithm"),
        (json!({ "alg": 7 }), "token_algorithm"),
        (json!({ "alg": ["ES256"] }), "token_algorithm"),
        (json!({ "crit": ["exp"] }), "token_critical"),
        (json!({ "crit": [] }), "token_critical"),
        (json!({ "b64": false }), "token_critical"),
        (json!({ "typ": "oauth-id-jag+jwt" }), "token_type"),
        (json!({ "typ": "client-authentication+jwt" }), "token_type"),
        (json!({ "typ": "dpop+jwt" }), "token_type"),
        (json!({ "typ": "logout+jwt" }), "token_type"),
        (json!({ "typ": 7 }), "token_type"),
        (json!({ "kid": 7 }), "token_malformed"),
        // The key fits neither.
        (json!({ "alg": "RS256" }), "token_key_unknown"),
        (json!({ "alg": "EdDSA" }), "token_key_unknown"),
        (json!({ "kid": "another" }), "token_key_unknown"),
        (json!({ "kid": "../../jwks.json" }), "token_key_unknown"),
        (json!({ "kid": "another", "jwk": hints }), "token_key_unknown"),
        (
            json!({ "kid": "another", "jku": format!("{}/jwks.json", world.issuer.url()) }),
            "token_key_unknown",
        ),
        (json!({ "kid": "another", "x5u": "https://evil.example/x" }), "token_key_unknown"),
    ] {
        let token = world.issuer.mint_with(&header(&world, &changes), &claims).unwrap();
        refused(&world, &token, reason, &changes.to_string()).await;
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn kinds_of_access_token_that_issuers_write_are_taken() {
    let world = World::start().await;
    let claims = world.claims("alice", "jwt");
    for changes in [
        json!({}),
        json!({ "typ": "JWT" }),
        json!({ "typ": "application/at+jwt" }),
        json!({ "typ": null }),
        json!({ "kid": null }),
        // Hints are not followed, and do no harm.
        json!({ "jku": "https://evil.example/keys", "x5u": "https://evil.example/x" }),
    ] {
        let token = world.issuer.mint_with(&header(&world, &changes), &claims).unwrap();
        let answer = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token).send().await;
        assert_eq!(answer.status, 200, "{changes}");
    }
    world.finish().await;
}

#[tokio::test]
async fn claims_that_do_not_hold_are_refused() {
    let world = World::strict("").await;
    let claims = world.claims("alice", "jwt");
    let now = claims["iat"].as_i64().unwrap();
    for (changes, reason) in [
        (json!({ "exp": now - 61 }), "token_expired"),
        (json!({ "exp": 0 }), "token_expired"),
        (json!({ "exp": -1 }), "token_expired"),
        (json!({ "exp": null }), "token_claims"),
        (json!({ "exp": (now + 300).to_string() }), "token_claims"),
        (json!({ "nbf": now + 120 }), "token_not_yet"),
        (json!({ "iat": now + 120 }), "token_not_yet"),
        (json!({ "nbf": "soon" }), "token_claims"),
        (json!({ "sub": null }), "token_claims"),
        (json!({ "sub": "" }), "token_claims"),
        (json!({ "sub": 7 }), "token_claims"),
        (json!({ "sub": ["alice"] }), "token_claims"),
        (json!({ "sub": "a".repeat(256) }), "token_claims"),
        (json!({ "groups": "eng" }), "token_claims"),
        (json!({ "groups": [7] }), "token_claims"),
        (json!({ "scope": ["a"] }), "token_claims"),
        (json!({ "client_id": 7 }), "token_claims"),
        (json!({ "iss": null }), "token_issuer"),
        (json!({ "iss": "" }), "token_issuer"),
        (json!({ "iss": "https://evil.example" }), "token_issuer"),
        (json!({ "iss": format!("{}/", world.issuer.url()) }), "token_issuer"),
        (json!({ "iss": world.issuer.url().to_uppercase() }), "token_issuer"),
        (json!({ "iss": [world.issuer.url()] }), "token_issuer"),
        (json!({ "iss": "corp" }), "token_issuer"),
    ] {
        let mut claims = claims.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        if changes.get("exp").is_some_and(Value::is_null) {
            claims.as_object_mut().unwrap().remove("exp");
        }
        let token = world.issuer.mint(claims).unwrap();
        refused(&world, &token, reason, &changes.to_string()).await;
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn texts_that_were_tampered_with_are_refused() {
    let world = World::strict("").await;
    let good = world.token("alice", "jwt");
    let parts: Vec<&str> = good.split('.').collect();
    let [head, payload, signature] = parts[..] else { panic!("{good}") };
    let bobs = world.token("bob", "jwt");
    let bob = bobs.split('.').nth(1).unwrap_or_default();
    let unsigned = world.issuer.mint_with(&json!({ "alg": "none" }), &world.claims("alice", "jwt")).unwrap();
    let unsigned = unsigned.rsplit_once('.').map(|(message, _)| message.to_owned()).unwrap_or_default();
    for (token, reason) in [
        (format!("{head}.{bob}.{signature}"), "token_signature"),
        (format!("{head}.{payload}."), "token_malformed"),
        (format!("{head}.{payload}"), "token_malformed"),
        (format!("{unsigned}."), "token_algorithm"),
        (unsigned.clone(), "token_malformed"),
        (format!("{head}.{payload}.{signature}.{signature}"), "token_malformed"),
        (format!("{head}.{payload}.{signature}="), "token_malformed"),
        (format!("{head}.{payload}.AAAA"), "token_signature"),
        (format!("{head}..{signature}"), "token_malformed"),
        (format!(".{payload}.{signature}"), "token_malformed"),
        (format!("{}.{payload}.{signature}", "A".repeat(20_000)), "token_malformed"),
        ("..".repeat(5), "token_malformed"),
        ("a.b.c".repeat(3), "token_malformed"),
        ("x".repeat(3000), "token_malformed"),
    ] {
        refused(&world, &token, reason, &token[..token.len().min(80)]).await;
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_the_answer_is_the_same() {
    let world = World::start().await;
    let claims = world.claims("alice", "jwt");
    let mut expired = claims.clone();
    expired["exp"] = 1.into();
    let tokens = [
        world.token("alice", "twin"),
        world.issuer.mint(expired).unwrap(),
        world.issuer.mint_with(&header(&world, &json!({ "alg": "none" })), &claims).unwrap(),
        world.issuer.mint_with(&header(&world, &json!({ "kid": "another" })), &claims).unwrap(),
        "not-a-token-at-all".to_owned(),
    ];
    let mut answers = Vec::new();
    for token in &tokens {
        answers.push(
            world.gateway.modern("jwt", "tools/list", json!({})).bearer(token).send().await.observable(),
        );
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    world.finish().await;
}
