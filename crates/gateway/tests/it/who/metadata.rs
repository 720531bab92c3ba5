//! RFC 9728 metadata: what it says, where it is, and that no caller has a say in it.

use serde_json::json;

use crate::harness::{Plan, World};

const ROOT: &str = "/.well-known/oauth-protected-resource";

#[tokio::test]
async fn the_document_names_the_resource_and_who_issues_tokens_for_it() {
    let world = World::with(
        r#"
        [[server]]
        name = "both"
        upstreams = ["notes"]
        access = ["oauth", "jwt"]
        audience = "urn:both"
        "#,
    )
    .await;
    let (origin, issuer) = (world.gateway.url(), world.issuer.url().to_owned());
    for (server, expected) in [
        ("jwt", json!({ "authorization_servers": [issuer] })),
        ("own", json!({ "authorization_servers": [origin], "scopes_supported": ["mcp:read", "mcp:call"] })),
        (
            "both",
            json!({ "authorization_servers": [origin, issuer], "scopes_supported": ["mcp:read", "mcp:call"] }),
        ),
    ] {
        let mut expected = expected;
        expected["resource"] = format!("{origin}/mcp/{server}").into();
        expected["resource_name"] = server.into();
        expected["bearer_methods_supported"] = json!(["header"]);
        let answer = world.gateway.call("GET", &format!("{ROOT}/mcp/{server}")).send().await;
        assert_eq!((answer.status, answer.json()), (200, expected), "{server}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let head = world.gateway.call("HEAD", &format!("{ROOT}/mcp/{server}")).send().await;
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    world.finish().await;
}

#[tokio::test]
async fn there_is_no_document_at_the_root_nor_for_open_or_unknown_servers() {
    let world = World::start().await;
    let target = |rest: &str| format!("{ROOT}{rest}");
    let open = world.gateway.call("GET", &target("/mcp/open")).send().await;
    let unknown = world.gateway.call("GET", &target("/mcp/no-such-server")).send().await;
    assert_eq!(open.status, 404);
    assert_eq!(open.observable(), unknown.observable());
    for rest in
        ["", "/", "/mcp", "/mcp/", "/mcp/jwt/", "/mcp/JWT", "/mcp//jwt", "//mcp/jwt", "/a2a/jwt", "/jwt"]
    {
        let answer = world.gateway.call("GET", &target(rest)).send().await;
        assert_eq!(answer.status, 404, "{rest:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_challenge_leads_to_the_document_and_the_document_to_the_server() {
    let world = World::start().await;
    let answer = world.gateway.call("POST", "/mcp/jwt").send().await;
    let challenge = answer.header("www-authenticate").unwrap_or_default().to_owned();
    let url = challenge.split('"').nth(1).unwrap_or_default();
    let path = url.strip_prefix(&world.gateway.url()).unwrap_or_default();
    let document = world.gateway.call("GET", path).send().await.json();
    assert_eq!(document["resource"], format!("{}/mcp/jwt", world.gateway.url()));
    world.finish().await;
}

/// A16: what a caller says about hosts and proxies changes nothing that is written.
#[tokio::test]
async fn addresses_come_from_the_configuration_whatever_the_caller_says() {
    let plan = Plan::default().public_url("https://door.example");
    let world = World::planned(plan, "").await;
    let port = world.gateway.authority();
    let port = port.rsplit(':').next().unwrap_or_default();
    let metadata = format!("{ROOT}/mcp/jwt");
    let document = world.gateway.call("GET", &metadata).set("Host", "door.example");
    let expected = document.clone().send().await;
    assert_eq!(expected.json()["resource"], "https://door.example/mcp/jwt");
    let challenge = world.gateway.call("POST", "/mcp/jwt").set("Host", "door.example");
    let expected_challenge = challenge.clone().send().await;
    assert!(
        expected_challenge.header("www-authenticate").unwrap_or_default().contains("https://door.example/")
    );

    for (name, value) in [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "666"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Original-URL", "/mcp/open"),
        ("X-Rewrite-URL", "/mcp/open"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("Forwarded", "host=evil.example;proto=http"),
        ("X-Host", "evil.example"),
        ("Referer", "https://evil.example/"),
        ("Via", "1.1 evil.example"),
    ] {
        assert_eq!(
            document.clone().header(name, value).send().await.observable(),
            expected.observable(),
            "{name}"
        );
        let answer = challenge.clone().header(name, value).send().await;
        assert_eq!(answer.observable(), expected_challenge.observable(), "{name}");
    }
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "DOOR.example".into(),
        "door.example:443".into(),
    ] {
        let answer = document.clone().set("Host", &host).send().await;
        assert_eq!(answer.observable(), expected.observable(), "{host}");
    }
    for host in ["evil.example", "door.example.evil.example", "door.example:80", "door.example@evil.example"]
    {
        let answer = document.clone().set("Host", host).send().await;
        assert_eq!(answer.status, 421, "{host}");
        assert!(!answer.text().contains("evil"), "{host}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_keys_are_published_to_everybody_and_every_replica_has_the_same() {
    let world = World::start().await;
    let answer = world.gateway.call("GET", "/.well-known/jwks.json").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "the one that signs, and the one that comes next");
    for key in &keys {
        let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"], "nothing private");
        assert_eq!((&key["alg"], &key["use"]), (&json!("ES256"), &json!("sig")));
    }
    let head = world.gateway.call("HEAD", "/.well-known/jwks.json").send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let replica = world.gateway.replica(&world.toml()).await;
    let other = world.gateway.call("GET", "/.well-known/jwks.json").at(&replica).send().await;
    assert_eq!(other.json(), answer.json());
    replica.finish().await;
    world.finish().await;
}
