//! Clients as they are: what real ones do although it is not quite what the standards say. Each must work.

use serde_json::json;

use super::{opens, world};
use crate::harness::{NATIVE, OAuthClient, Tokens, basic};

#[tokio::test]
async fn a_client_that_asks_for_no_scope_gets_what_the_server_has() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let ask = client.ask("own");
    for ask in [ask.clone(), ask.clone().with("scope", ""), ask.with("scope", "mcp:tools openid")] {
        let code = client.code_of(&visitor, &ask).await;
        let tokens = Tokens::of(&client.redeem(&code).send().await);
        assert_eq!(tokens.answer["scope"], "mcp:read mcp:call");
        assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    }
    world.finish().await;
}

/// Only `/authorize` insists on the resource.
#[tokio::test]
async fn a_token_request_without_a_resource_keeps_that_of_the_code() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "second").await;
    assert_eq!(tokens.answer["resource"], world.gateway.resource("second"));
    let tokens = Tokens::of(&client.refresh(&tokens.refresh).send().await);
    assert_eq!(opens(&world, "second", &tokens.access).await, 200);
    let told = visitor.get(&client.ask("own").without("resource").target()).await.told("error");
    assert_eq!(told.as_deref(), Some("invalid_target"));
    world.finish().await;
}

/// The official suite's client: registered for one resource by the operator, it names none.
#[tokio::test]
async fn a_client_that_is_bound_to_one_resource_need_not_name_it() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("suite", "none").await;
    let mut stored = world.gateway.store().client("suite").await.unwrap().unwrap().client;
    world.gateway.store().remove_client("suite", super::now(&world)).await.unwrap();
    stored.resource = Some(world.gateway.resource("second"));
    world.gateway.store().add_client(&stored, None).await.unwrap();
    let code = client.code_of(&visitor, &client.ask("own").without("resource")).await;
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    assert_eq!(opens(&world, "second", &tokens.access).await, 200);
    let told = visitor.get(&client.ask("own").target()).await.told("error");
    assert_eq!(told.as_deref(), Some("invalid_target"), "and gets no other");
    world.finish().await;
}

#[tokio::test]
async fn a_registration_may_leave_out_the_method_and_the_type_of_application() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.registered(json!({ "redirect_uris": [NATIVE] })).await;
    assert!(client.secret.is_some());
    // Who did not say how it will prove who it is may do it either way.
    for method in ["basic", "post"] {
        let client = OAuthClient { method, ..client.clone() };
        let tokens = client.tokens(&visitor, "own").await;
        assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    }
    for kind in ["native", "web"] {
        let metadata = json!({ "redirect_uris": [NATIVE], "application_type": kind });
        assert_eq!(world.gateway.register(&metadata).await.json()["application_type"], kind);
    }
    world.finish().await;
}

#[tokio::test]
async fn basic_is_read_in_any_letter_case() {
    let world = world().await;
    let client = world.gateway.operators("web", "basic").await;
    let secret = client.secret.clone().unwrap_or_default();
    for scheme in ["Basic", "basic", "BASIC", "bAsIc", "Basic "] {
        let call = client.revoke("unknown").header("Authorization", &basic(scheme, "web", &secret));
        assert_eq!(call.send().await.status, 200, "{scheme}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_public_client_may_send_its_id_with_an_empty_password() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let code = client.code(&visitor, "own").await;
    let call =
        client.redeem(&code).without("client_id").header("Authorization", &basic("Basic", &client.id, ""));
    assert_eq!(call.send().await.status, 200);
    world.finish().await;
}

/// Some clients look whether the address answers before they open a browser.
#[tokio::test]
async fn a_program_may_fetch_the_address_before_the_person_comes() {
    let world = world().await;
    let client = world.gateway.native().await;
    world.gateway.add_user("alice", &[]).await;
    let ask = client.ask("own");
    for _ in 0..2 {
        let fetched = world.gateway.call("GET", &ask.target()).send().await;
        assert_eq!(fetched.status, 200);
        world.gateway.notice(&fetched);
    }
    let visitor = world.gateway.visitor();
    let page = visitor.get(&ask.target()).await;
    let consent = visitor.sign_in(&page, "alice").await;
    let code = visitor.decide(&consent, "approve").await.told("code").unwrap();
    assert_eq!(client.redeem(&code).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_program_on_this_computer_may_listen_on_any_port() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    for (registered, asked) in [
        ("http://127.0.0.1/callback", "http://127.0.0.1:33418/callback"),
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1:5001/callback"),
        ("http://localhost/callback", "http://localhost:9/callback"),
        ("http://localhost:3334/oauth/callback", "http://localhost:3335/oauth/callback"),
        ("http://[::1]:1/callback", "http://[::1]:65535/callback"),
        ("http://localhost/callback?a=b", "http://localhost:7/callback?a=b"),
    ] {
        let metadata = json!({ "redirect_uris": [registered], "token_endpoint_auth_method": "none" });
        let client =
            OAuthClient { redirect_uri: asked.to_owned(), ..world.gateway.registered(metadata).await };
        let page = visitor.get(&client.ask("own").target()).await;
        let answer = visitor.decide(&page, "approve").await;
        let location = answer.header("location").unwrap_or_default().to_owned();
        assert!(location.starts_with(asked), "{location}");
        let code = answer.told("code").unwrap();
        assert_eq!(client.redeem(&code).send().await.status, 200, "{asked}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_almost_the_registered_address_is_another_one() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    for (registered, asked) in [
        ("http://127.0.0.1/callback", "http://localhost/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.2/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1/callback/"),
        ("http://127.0.0.1/callback", "http://127.0.0.1/Callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1/callback?x=1"),
        ("http://127.0.0.1/callback", "https://127.0.0.1/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1@evil.example/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:80:80/callback"),
        ("https://app.example.com/cb", "https://app.example.com:444/cb"),
        ("https://app.example.com/cb", "https://APP.example.com/cb"),
        ("https://app.example.com/cb", "https://app.example.com/cb/../cb"),
        ("https://app.example.com/cb", "https://app.example.com/%63b"),
        ("https://app.example.com/cb", "https://app.example.com.evil.example/cb"),
        ("https://app.example.com/cb", "https://app.example.com/cb#x"),
        ("https://app.example.com/cb", "//app.example.com/cb"),
        ("cursor://anysphere.cursor/cb", "cursor://anysphere.cursor:1/cb"),
        ("com.example.app:/cb", "com.example.app:/cb2"),
    ] {
        let metadata = json!({ "redirect_uris": [registered], "token_endpoint_auth_method": "none" });
        let client = world.gateway.registered(metadata).await;
        let answer = visitor.get(&client.ask("own").with("redirect_uri", asked).target()).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{registered} {asked}");
        assert_eq!(world.gateway.last_record().await["reason"], "authorization_malformed");
    }
    world.finish().await;
}

#[tokio::test]
async fn clients_may_ask_for_offline_access() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    for (scope, given) in [
        ("mcp:tools offline_access", "mcp:read mcp:call offline_access"),
        ("offline_access", "mcp:read mcp:call offline_access"),
        ("mcp:read offline_access", "mcp:read offline_access"),
    ] {
        let code = client.code_of(&visitor, &client.ask("own").with("scope", scope)).await;
        let tokens = Tokens::of(&client.redeem(&code).send().await);
        assert_eq!(tokens.answer["scope"], given);
        let tokens = Tokens::of(&client.refresh(&tokens.refresh).with("scope", scope).send().await);
        assert_eq!(tokens.answer["scope"], given, "also when refreshing");
    }
    world.finish().await;
}

/// From the list of workers-oauth-provider: `offline_access` is in the metadata of the authorization server, and neither
/// in that of the resource nor in challenges.
#[tokio::test]
async fn offline_access_is_announced_where_it_belongs() {
    let world = world().await;
    let get = |target: &'static str| async { world.gateway.call("GET", target).send().await };
    let server = get("/.well-known/oauth-authorization-server").await.json();
    assert!(server["scopes_supported"].as_array().unwrap().contains(&"offline_access".into()));
    let resource = get("/.well-known/oauth-protected-resource/mcp/own").await.text();
    let challenge = world.gateway.modern("own", "tools/list", json!({})).send().await;
    let challenge = challenge.header("www-authenticate").unwrap_or_default().to_owned();
    assert!(challenge.contains("mcp:read"), "{challenge}");
    assert!(!resource.contains("offline_access") && !challenge.contains("offline_access"));
    world.finish().await;
}

/// From the same list: a bare challenge when there are no credentials, without an error.
#[tokio::test]
async fn without_credentials_the_challenge_is_bare() {
    let world = world().await;
    let answer = world.gateway.modern("second", "tools/list", json!({})).send().await;
    let origin = world.gateway.url();
    let expected = format!(
        r#"Bearer resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp/second", scope="mcp:read mcp:call""#
    );
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some(&*expected)));
    world.finish().await;
}

#[tokio::test]
async fn the_metadata_is_at_the_openid_address_too_and_the_same() {
    let world = world().await;
    let get = |target: &'static str| async { world.gateway.call("GET", target).send().await };
    let document = get("/.well-known/oauth-authorization-server").await;
    let other = get("/.well-known/openid-configuration").await;
    assert_eq!(document.text(), other.text());
    assert_eq!(document.header("access-control-allow-origin"), Some("*"));
    let said = document.json();
    assert_eq!(said["issuer"], world.gateway.url());
    for name in ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] {
        let path = said[name].as_str().unwrap().strip_prefix(&world.gateway.url()).unwrap().to_owned();
        assert_ne!(world.gateway.call("POST", &path).send().await.status, 404, "{name}");
    }
    let resource = get("/.well-known/oauth-protected-resource/mcp/own").await.json();
    assert_eq!(resource["authorization_servers"], json!([world.gateway.url()]));
    assert_eq!(resource["resource"], world.gateway.resource("own"));
    world.finish().await;
}

/// A client id may be shared by every installation of a program: one device does not sign the other out.
#[tokio::test]
async fn two_devices_with_one_client_id_do_not_disturb_each_other() {
    let world = world().await;
    let client = world.gateway.operators("desktop", "none").await;
    let (laptop, phone) = (world.gateway.signed_in("alice").await, world.gateway.signed_in("alice").await);
    let one = client.tokens(&laptop, "own").await;
    let two = client.tokens(&phone, "own").await;
    client.revoke(&one.refresh).send().await;
    assert_eq!(opens(&world, "own", &one.access).await, 401);
    assert_eq!(opens(&world, "own", &two.access).await, 200);
    assert_eq!(client.refresh(&two.refresh).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn programs_on_other_origins_pages_may_use_the_endpoints_for_programs() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let code = client.code(&visitor, "own").await;
    let call = client.redeem(&code).header("Origin", "https://inspector.example.com");
    let answer = call.send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert!(answer.header("access-control-allow-credentials").is_none());
    for path in ["/token", "/register", "/revoke"] {
        let preflight = world.gateway.call("OPTIONS", path).header("Origin", "https://inspector.example.com");
        let preflight = preflight.header("Access-Control-Request-Method", "POST").send().await;
        assert_eq!(preflight.status, 204, "{path}");
    }
    world.finish().await;
}
