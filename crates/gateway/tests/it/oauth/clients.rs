//! Who a client is at the endpoints for programs: one method each, and the one that it is registered with.

use serde_json::{Value, json};

use super::{opens, world};
use crate::harness::{Gateway, NATIVE, OAuthClient, TokenCall, Tokens, World, basic};

/// From the list of workers-oauth-provider: the registered method is enforced at the token and revocation endpoints.
#[tokio::test]
async fn the_registered_method_is_enforced_at_every_endpoint() {
    let world = world().await;
    let gateway = &world.gateway;
    let (by_basic, by_post) =
        (gateway.operators("by-basic", "basic").await, gateway.operators("by-post", "post").await);
    let public = gateway.operators("public", "none").await;
    for path in ["/token", "/revoke", "/introspect"] {
        let call = |client: &OAuthClient<'_>, method: &'static str| {
            let client = OAuthClient { gateway, method, ..OAuthClient::clone(client) };
            full(client.form(path), path)
        };
        for (client, method) in
            [(&by_basic, "post"), (&by_basic, "none"), (&by_post, "basic"), (&by_post, "none")]
        {
            let answer = call(client, method).send().await;
            assert_eq!(answer.json()["error"], "invalid_client", "{path} {method}");
            assert_eq!(answer.status, 401);
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Basic realm="), "{challenge}");
        }
        let with_secret = OAuthClient { secret: Some("made-up-secret".into()), ..public.clone() };
        for method in ["post", "basic"] {
            assert_eq!(call(&with_secret, method).error().await, "invalid_client", "{path}");
        }
        for client in [&by_basic, &by_post] {
            let error = call(client, client.method).send().await.json()["error"].clone();
            assert_ne!(error, "invalid_client", "{path}");
        }
        gateway.clock.advance(120);
    }
    world.finish().await;
}

/// A request that is complete but for what it is about.
fn full<'g>(call: TokenCall<'g>, path: &str) -> TokenCall<'g> {
    match path {
        "/token" => call.with("grant_type", "refresh_token").with("refresh_token", "dwrt_unknown"),
        _ => call.with("token", "unknown"),
    }
}

#[tokio::test]
async fn a_wrong_secret_an_unknown_client_and_a_wrong_method_are_answered_alike() {
    let world = world().await;
    let client = world.gateway.operators("web", "basic").await;
    let good = client.revoke("unknown");
    let mut answers = Vec::new();
    for header in [
        basic("Basic", "web", "wrong"),
        basic("Basic", "nobody", "wrong"),
        basic("Basic", "dcr_AAAAAAAAAAAAAAAAAAAAAA", "wrong"),
        "Basic ???".to_owned(),
        "Bearer abc".to_owned(),
    ] {
        answers.push(good.clone().header("Authorization", &header).send().await.observable());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    world.finish().await;
}

#[tokio::test]
async fn two_ways_of_proving_who_one_is_are_one_too_many() {
    let world = world().await;
    let client = world.gateway.operators("web", "basic").await;
    let secret = client.secret.clone().unwrap_or_default();
    let good = client.revoke("unknown");
    for attempt in [
        good.clone().with("client_secret", &secret),
        good.clone().with("client_assertion", "a.b.c").with("client_assertion_type", "urn:x"),
        good.clone().call(|call| call.header("Authorization", &basic("Basic", "web", &secret))),
        good.clone().with("client_id", "somebody-else"),
    ] {
        assert_eq!(attempt.error().await, "invalid_request");
    }
    assert_eq!(good.with("client_id", "web").send().await.status, 200);
    world.finish().await;
}

/// A20: guessing is counted by client and address.
#[tokio::test]
async fn a20_guessing_a_clients_secret_is_throttled() {
    let world = world().await;
    world.gateway.clock.stop();
    let (client, other) =
        (world.gateway.operators("web", "post").await, world.gateway.operators("other", "post").await);
    let guess = client.revoke("unknown").with("client_secret", "a-wrong-secret");
    let mut errors = Vec::new();
    for _ in 0..25 {
        errors.push(guess.clone().error().await);
    }
    assert_eq!(errors.iter().filter(|error| *error == "invalid_client").count(), 20);
    assert_eq!(
        client.revoke("unknown").error().await,
        "temporarily_unavailable",
        "not even with the right one"
    );
    assert_eq!(other.revoke("unknown").send().await.status, 200, "nobody else is held up");
    world.gateway.clock.advance(60);
    assert_eq!(client.revoke("unknown").send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn client_credentials_open_one_server_in_the_clients_own_name() {
    let world = world().await;
    let client = world.gateway.operators("robot", "basic").await;
    let ask = client.form("/token").with("grant_type", "client_credentials");
    assert_eq!(ask.clone().error().await, "invalid_target", "which one?");
    let tokens = Tokens::of(&ask.with("resource", &world.gateway.resource("own")).send().await);
    assert!(tokens.answer.get("refresh_token").is_none(), "it just asks again");
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    let record = world.gateway.last_record().await;
    assert_eq!((&record["subject"], &record["client"]), (&json!("client:robot"), &json!("robot")));
    world.finish().await;
}

#[tokio::test]
async fn who_proves_nothing_gets_no_token_in_its_own_name() {
    let world = world().await;
    let public = world.gateway.operators("public", "none").await;
    let dynamic = world
        .gateway
        .registered(json!({
            "redirect_uris": [NATIVE],
            "grant_types": ["authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        }))
        .await;
    for client in [&public, &dynamic] {
        let ask = client.form("/token").with("resource", &world.gateway.resource("own"));
        for grant_type in ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"] {
            let attempt = ask.clone().with("grant_type", grant_type).with("assertion", "a.b.c");
            assert_eq!(attempt.error().await, "unauthorized_client");
        }
    }
    world.finish().await;
}

/// A client with a key, and what signs with it.
async fn with_key(world: &World) -> OAuthClient<'_> {
    let jwks = world.issuer_keys().await;
    world
        .gateway
        .registered(json!({
            "redirect_uris": [NATIVE],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": jwks,
        }))
        .await
}

fn assertion(world: &World, client: &OAuthClient<'_>, changes: &Value) -> String {
    let gateway: &Gateway = &world.gateway;
    let mut claims = world.issuer.claims(&client.id, &gateway.url());
    claims["iss"] = client.id.clone().into();
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let header = json!({ "alg": world.issuer.algorithm(), "kid": world.issuer.key_id(), "typ": "JWT" });
    let signed = world.issuer.mint_with(&header, &claims).unwrap();
    gateway.plant_callers(&signed);
    signed
}

fn asserted<'g>(client: &OAuthClient<'g>, assertion: &str) -> TokenCall<'g> {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let call = client.gateway.form("/revoke").with("token", "unknown");
    call.with("client_assertion_type", kind).with("client_assertion", assertion)
}

/// RFC 7523 as rfc7523bis narrows it: our issuer alone is the audience, and an assertion counts once.
#[tokio::test]
async fn an_assertion_proves_a_client_once() {
    let world = world().await;
    let client = with_key(&world).await;
    let good = assertion(&world, &client, &json!({}));
    assert_eq!(asserted(&client, &good).send().await.status, 200);
    assert_eq!(asserted(&client, &good).error().await, "invalid_client", "a second time");
    let token_endpoint = format!("{}/token", world.gateway.url());
    let now = world.issuer.claims("", "")["iat"].as_i64().unwrap();
    for changes in [
        json!({ "aud": token_endpoint }),
        json!({ "aud": [world.gateway.url(), token_endpoint] }),
        json!({ "aud": "https://elsewhere.example.com" }),
        json!({ "sub": "somebody-else" }),
        json!({ "exp": now + 3600 }),
        json!({ "exp": now - 120 }),
        json!({ "exp": null }),
        json!({ "jti": null }),
    ] {
        let bad = assertion(&world, &client, &changes);
        assert_eq!(asserted(&client, &bad).error().await, "invalid_client", "{changes}");
    }
    let again = assertion(&world, &client, &json!({ "jti": "another" }));
    assert_eq!(asserted(&client, &again).send().await.status, 200);
    assert_eq!(client.revoke("unknown").error().await, "invalid_client", "without the assertion");
    world.finish().await;
}

#[tokio::test]
async fn a_removed_client_is_nobody_within_a_second_and_its_tokens_open_nothing() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let pending = client.code(&visitor, "own").await;
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    let now = super::now(&world);
    assert!(world.gateway.store().remove_client(&client.id, now).await.unwrap());
    super::until(|| async { opens(&world, "own", &tokens.access).await == 401 }).await;
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_client");
    assert_eq!(client.redeem(&pending).error().await, "invalid_client");
    assert_eq!(visitor.get(&client.ask("own").target()).await.status, 400);
    world.finish().await;
}

#[tokio::test]
async fn a_registration_says_back_what_it_made() {
    let world = world().await;
    let answer = world
        .gateway
        .register(&json!({
            "redirect_uris": [NATIVE, "https://app.example.com/cb?tenant=1"],
            "client_name": "An \u{202e}app\u{200b}",
            "client_uri": "https://app.example.com",
            "grant_types": ["authorization_code", "refresh_token", "urn:unknown"],
            "scope": "mcp:read something",
            "contacts": ["a@example.com"],
            "unknown": { "ignored": true },
        }))
        .await;
    let said = answer.json();
    assert_eq!(answer.status, 201, "{said}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(said["redirect_uris"], json!([NATIVE, "https://app.example.com/cb?tenant=1"]));
    assert_eq!(said["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(said["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(said["client_name"], "An app");
    assert_eq!(said["client_secret_expires_at"], 0);
    assert!(said["client_id"].as_str().is_some_and(|id| id.starts_with("dcr_")));
    assert!(said["client_secret"].as_str().is_some_and(|secret| secret.starts_with("dwcs_")));
    assert!(said.get("registration_client_uri").is_none(), "RFC 7592 is not served");
    world.finish().await;
}

#[tokio::test]
async fn the_operator_can_switch_registration_off() {
    let world = world().await;
    world.gateway.replace(&format!("{}{}\n[tokens]\nregistration = false", world.toml(), super::SERVERS));
    let answer = world.gateway.register(&json!({ "redirect_uris": [NATIVE] })).await;
    assert_eq!(answer.json()["error"], "access_denied", "{}", answer.status);
    let metadata = world.gateway.call("GET", "/.well-known/oauth-authorization-server").send().await.json();
    assert!(metadata.get("registration_endpoint").is_none());
    world.finish().await;
}
