//! Floods, repeats and garbage: bounded in memory and store, never a failure of ours, and never a way out.

use doorward_auth::server::registration;
use doorward_model::{Client, ClientAuthentication, ClientKind, GrantTypes};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use serde_json::json;

use super::{now, world};
use crate::harness::{NATIVE, World};

async fn unused_clients(world: &World) -> usize {
    let (mut count, mut last) = (0, None::<String>);
    loop {
        let page = world.gateway.store().clients(last.as_deref(), 1_000).await.unwrap();
        let Some(client) = page.last() else { return count };
        last = Some(client.client.id.clone());
        count += page.iter().filter(|stored| stored.used.is_none()).count();
    }
}

#[tokio::test]
async fn registrations_are_thirty_a_minute_and_address() {
    let world = world().await;
    world.gateway.clock.stop();
    let metadata = json!({ "redirect_uris": [NATIVE] });
    for _ in 0..30 {
        assert_eq!(world.gateway.register(&metadata).await.status, 201);
    }
    let refused = world.gateway.register(&metadata).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("2")));
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
    assert_eq!(world.gateway.last_record().await["reason"], "too_often");
    assert_eq!(world.gateway.form("/token").error().await, "invalid_client", "other endpoints are open");
    assert_eq!(world.gateway.visitor().get("/sign-in").await.status, 200);
    world.gateway.clock.advance(4);
    assert_eq!(world.gateway.register(&metadata).await.status, 201);
    world.finish().await;
}

/// A9: more clients than there may be, put there beside the endpoint, which would be asked for hours; its next
/// registration makes room.
#[tokio::test]
async fn a09_a_flood_of_registrations_leaves_five_thousand_clients_at_most() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let used = world.gateway.native().await;
    let tokens = used.tokens(&visitor, "own").await;
    let store = world.gateway.store();
    let created = now(&world);
    for number in 0..5_200 {
        let client = Client {
            id: registration::new_id(),
            kind: ClientKind::Dynamic,
            name: None,
            redirect_uris: vec![NATIVE.to_owned()],
            authentication: ClientAuthentication::None,
            grant_types: GrantTypes { authorization_code: true, ..GrantTypes::default() },
            resource: None,
            created: created.plus_secs(number / 500),
        };
        assert!(store.add_client(&client, None).await.unwrap());
    }
    world.gateway.clock.advance(60);
    for _ in 0..10 {
        world.gateway.native().await;
        assert_eq!(unused_clients(&world).await, 5_000);
    }
    assert_eq!(used.refresh(&tokens.refresh).send().await.status, 200, "who is used stays");
    world.gateway.clock.advance(25 * 3600);
    store.forget_unused_clients(now(&world)).await.unwrap();
    assert_eq!(unused_clients(&world).await, 0, "a day later");
    world.finish().await;
}

#[tokio::test]
async fn a_registration_is_bounded() {
    let world = world().await;
    let many: Vec<_> = (0..11).map(|number| format!("https://app.example.com/{number}")).collect();
    let long = format!("https://app.example.com/{}", "x".repeat(2048));
    for body in [
        json!({ "redirect_uris": many }).to_string(),
        json!({ "redirect_uris": [long] }).to_string(),
        json!({ "redirect_uris": [NATIVE], "client_name": "x".repeat(129) }).to_string(),
        json!({ "redirect_uris": [NATIVE], "padding": "x".repeat(17 << 10) }).to_string(),
        format!("{}{}", "[".repeat(200), "]".repeat(200)),
        r#"{"redirect_uris":["http://127.0.0.1/a"],"redirect_uris":["https://evil.example/"]}"#.to_owned(),
    ] {
        let call = world.gateway.call("POST", "/register").header("Content-Type", "application/json");
        let answer = call.body(body.clone()).send().await;
        world.gateway.notice(&answer);
        assert_eq!(answer.status, 400, "{}", &body[..body.len().min(80)]);
    }
    world.finish().await;
}

const PATHS: [&str; 22] = [
    "/authorize",
    "/consent",
    "/token",
    "/register",
    "/revoke",
    "/introspect",
    "/sign-in",
    "/sign-in/corp",
    "/sign-in/callback/corp",
    "/sign-out",
    "/first-administrator",
    "/console",
    "/console/access",
    "/console/access/revoke",
    "/console/connections",
    "/console/connections/disconnect",
    "/authorize/continue",
    "/connect/notes",
    "/connect/agent/helper",
    "/oauth/callback",
    "/console/assets/app.css",
    "/.well-known/oauth-authorization-server",
];

const TYPES: [&str; 6] = [
    "application/x-www-form-urlencoded",
    "application/json",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data",
    "text/html",
    ",",
];

/// Names that mean something somewhere, with values that mean something elsewhere.
fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = [
        "client_id",
        "client_secret",
        "redirect_uri",
        "response_type",
        "response_mode",
        "state",
        "scope",
        "resource",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "refresh_token",
        "token",
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "prompt",
        "request",
        "request_uri",
        "csrf",
        "decision",
        "remember",
        "username",
        "password",
        "grant",
        "iss",
        "error",
    ];
    let values = prop_oneof![
        prop::sample::select(vec![
            "",
            "code",
            "S256",
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "approve",
            "none",
            "login",
            "mcp:read",
            "https://evil.example/cb",
            "javascript:alert(1)",
            "http://127.0.0.1/callback",
            "https://127.0.0.1/x",
            "dwat_",
            "dwac_",
            "\0",
            "'; DROP TABLE client; --",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "a.b.c",
            "\r\nLocation: https://evil.example",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    prop::collection::vec((prop::sample::select(names.to_vec()).prop_map(str::to_owned), values), 0..8)
}

/// Whatever comes: an answer that is no failure of ours, and leads nowhere. What `Gateway::notice` looks at, it looks
/// at here.
#[tokio::test]
async fn garbage_breaks_no_endpoint_and_leads_nowhere() {
    let world = world().await;
    let client = world.gateway.native().await;
    let visitor = world.gateway.signed_in("alice").await;
    let mut runner = TestRunner::new(Config::default());
    let strategy = (
        prop::sample::select(PATHS.to_vec()),
        prop::sample::select(vec!["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY"]),
        prop::sample::select(TYPES.to_vec()),
        pairs(),
        prop::collection::vec(any::<u8>(), 0..60),
        any::<(bool, bool)>(),
    );
    for number in 0..400 {
        let (path, method, kind, mut pairs, bytes, (knows, raw)) =
            strategy.new_tree(&mut runner).unwrap().current();
        if knows {
            pairs.retain(|(name, _)| name != "client_id");
            pairs.push(("client_id".to_owned(), client.id.clone()));
        }
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        // Half of the requests are posts: there is more to get wrong.
        let method = if number % 2 == 0 { "POST" } else { method };
        let target = if method == "POST" { path.to_owned() } else { format!("{path}?{text}") };
        let body = if raw { bytes } else { text.into_bytes() };
        let call = world.gateway.call(method, &target).header("Content-Type", kind).body(body);
        let answer = visitor.send(call).await;
        assert!(answer.status < 500, "{method} {target} {}", answer.text());
        if number % 20 == 0 {
            world.gateway.clock.advance(30);
        }
    }
    world.finish().await;
}

/// Everything that is sent twice is answered twice, and does no more than once what may be done once.
#[tokio::test]
async fn repeats_do_nothing_more() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    for _ in 0..2 {
        assert_eq!(client.revoke(&tokens.refresh).send().await.status, 200);
    }
    let page = visitor.get("/console/access").await;
    assert!(page.find_form("/console/access/revoke").is_none());
    let other = client.tokens(&visitor, "own").await;
    let form = visitor.get("/console/access").await.form("/console/access/revoke");
    let statuses = [visitor.submit(&form).await.status, visitor.submit(&form).await.status];
    assert_eq!(statuses[0], 200);
    assert!(matches!(statuses[1], 200 | 404));
    assert_eq!(client.refresh(&other.refresh).error().await, "invalid_grant");
    let out = visitor.get("/console/access").await.form("/sign-out");
    assert_eq!(visitor.submit(&out).await.status, 200);
    assert_eq!(visitor.submit(&out).await.header("location"), Some("/sign-in"));
    world.finish().await;
}
