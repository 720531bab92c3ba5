//! Vulnerabilities that were published of gateways like this one and that no other test is about. `SECURITY.md` says
//! where the tests of all of them are.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::{Gateway, Plan, World};

/// What stands in the sources for a path, an example of it, and the methods that are answered without a credential:
/// with a document, a page to sign in, or, for `/register`, a client that nobody has allowed anything yet. For all
/// other methods there is a refusal.
const ROUTES: [(&str, &str, &[&str]); 35] = [
    ("/authorize", "/authorize", &[]),
    ("/consent", "/consent", &["GET"]),
    ("/token", "/token", &[]),
    ("/register", "/register", &["POST"]),
    ("/revoke", "/revoke", &[]),
    ("/introspect", "/introspect", &[]),
    ("/sign-in", "/sign-in", &["GET"]),
    ("/sign-in/", "/sign-in/nobody", &["GET"]),
    ("/sign-in/callback/", "/sign-in/callback/nobody", &[]),
    ("/sign-out", "/sign-out", &["GET"]),
    ("/first-administrator", "/first-administrator", &[]),
    ("/console", "/console", &["GET"]),
    ("/console/access", "/console/access", &["GET"]),
    ("/console/access/revoke", "/console/access/revoke", &["GET"]),
    ("/console/connections", "/console/connections", &["GET"]),
    ("/console/connections/disconnect", "/console/connections/disconnect", &["GET"]),
    ("/authorize/continue", "/authorize/continue", &[]),
    ("/connect/", "/connect/nobody", &["GET"]),
    ("/connect/agent/", "/connect/agent/nobody", &["GET"]),
    ("/oauth/callback", "/oauth/callback", &[]),
    ("/client-metadata.json", "/client-metadata.json", &["GET"]),
    ("/api/v1/openapi.json", "/api/v1/openapi.json", &["GET"]),
    ("/api/v1/secrets", "/api/v1/secrets", &[]),
    ("/api/v1/secrets/", "/api/v1/secrets/mail", &[]),
    ("/console/assets/", "/console/assets/app.css", &["GET"]),
    ("/mcp/", "/mcp/jwt", &[]),
    ("/a2a/", "/a2a/nobody", &[]),
    ("/a2a/.well-known/agent-card.json", "/a2a/.well-known/agent-card.json", &[]),
    ("/healthz", "/healthz", &["GET"]),
    ("/readyz", "/readyz", &["GET"]),
    ("/metrics", "/metrics", &["GET"]),
    ("/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server", &["GET"]),
    ("/.well-known/openid-configuration", "/.well-known/openid-configuration", &["GET"]),
    ("/.well-known/jwks.json", "/.well-known/jwks.json", &["GET"]),
    ("/.well-known/oauth-protected-resource/", "/.well-known/oauth-protected-resource/mcp/jwt", &["GET"]),
];

/// The sources in which paths are compared.
const SOURCES: [&str; 5] = [
    include_str!("../../../src/endpoint.rs"),
    include_str!("../../../src/path/route.rs"),
    include_str!("../../../src/listen/admin.rs"),
    include_str!("../../../src/signer.rs"),
    include_str!("../../../../auth/src/client/registration.rs"),
];

/// Obot (`/mcp-connect/{id}`), CVE-2026-33032 (nginx-ui), CVE-2025-5071, CVE-2026-32211: one route without the check.
/// A route that is not in the list fails this test.
#[tokio::test]
async fn every_route_is_public_by_this_list_or_refuses_strangers() {
    let known: BTreeSet<&str> = ROUTES.iter().map(|(text, ..)| *text).collect();
    let in_sources: BTreeSet<&str> = SOURCES
        .iter()
        .flat_map(|source| source.split("mod tests {").next().unwrap_or_default().split('"'))
        .filter(|text| text.starts_with('/') && !text.contains(char::is_whitespace))
        .collect();
    assert_eq!(in_sources, known);
    let world = World::strict("").await;
    let register = json!({ "redirect_uris": ["http://127.0.0.1/"], "token_endpoint_auth_method": "none" });
    for (_, target, public) in ROUTES {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let call = world.gateway.call(method, target).header("Content-Type", "application/json");
            let answer = call.body(register.to_string()).send().await;
            let context = format!("{method} {target}: {} {}", answer.status, answer.text());
            if public.contains(&method) {
                assert!((200..304).contains(&answer.status), "{context}");
                assert!(answer.find_form("/console/access/revoke").is_none(), "{context}");
            } else {
                assert!(matches!(answer.status, 400 | 401 | 403 | 404 | 405 | 415), "{context}");
            }
        }
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

/// CVE-2026-48710 (`BadHost`) and its kin: the check sees another path than the router.
#[tokio::test]
async fn no_spelling_of_an_address_gets_past_the_question_who_is_calling() {
    let world = World::strict("").await;
    let own = world.gateway.authority();
    let list = || world.gateway.modern("jwt", "tools/list", json!({})).bytes();
    let head = "POST /mcp/jwt HTTP/1.1\r\n";
    for (target, recorded) in [
        (format!("http://{own}/mcp/jwt"), "/mcp/jwt"),
        (format!("http://{own}//mcp/jwt"), "//mcp/jwt"),
        (format!("http://{own}/mcp/open/../jwt"), "/mcp/open/../jwt"),
        ("//mcp/jwt".to_owned(), "//mcp/jwt"),
        ("/mcp//jwt".to_owned(), "/mcp//jwt"),
        ("/mcp/./jwt".to_owned(), "/mcp/./jwt"),
        ("/mcp/open/../jwt".to_owned(), "/mcp/open/../jwt"),
        ("/mcp/open/%2e%2e/jwt".to_owned(), "/mcp/open/%2e%2e/jwt"),
        ("/mcp/open%2f..%2fjwt".to_owned(), "/mcp/open%2f..%2fjwt"),
        ("/mcp%2fjwt".to_owned(), "/mcp%2fjwt"),
        ("/mcp/%6awt".to_owned(), "/mcp/%6awt"),
        ("/mcp/jwt/".to_owned(), "/mcp/jwt/"),
        ("/mcp/jwt;/healthz".to_owned(), "/mcp/jwt;/healthz"),
        ("/healthz/../mcp/jwt".to_owned(), "/healthz/../mcp/jwt"),
        ("/mcp/jwt?/healthz".to_owned(), "/mcp/jwt"),
    ] {
        let request =
            String::from_utf8(list()).unwrap().replacen(head, &format!("POST {target} HTTP/1.1\r\n"), 1);
        assert!(request.starts_with(&format!("POST {target} ")));
        let answer = world.gateway.raw(request.as_bytes(), Some(&format!("POST {recorded}"))).await.unwrap();
        let expected = if recorded == "/mcp/jwt" { 401 } else { 404 };
        assert_eq!(answer.status, expected, "{target}: {}", answer.text());
    }
    for host in
        [format!("{own}/mcp/open?"), format!("{own}/healthz#"), format!("{own}./"), "127.0.0.1./".into()]
    {
        let answer = world.gateway.modern("jwt", "tools/list", json!({})).set("Host", &host).send().await;
        assert_eq!(answer.status, 421, "{host}");
    }
    for (host, status) in [("localhost.", 421), ("127.0.0.1.", 401), ("evil.example.", 421)] {
        let answer = world.gateway.modern("jwt", "tools/list", json!({})).set("Host", host).send().await;
        assert_eq!(answer.status, status, "{host}");
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

/// GHSA-g53w-w6mj-hrpp (Kuadrant): headers by which the parts of a gateway talk to one another, believed from outside.
#[tokio::test]
async fn no_header_but_authorization_says_who_is_calling_and_none_says_where_to() {
    let world = World::strict("").await;
    let token = world.token("alice", "jwt");
    world.gateway.plant_callers(&token);
    for (name, value) in [
        ("X-Forwarded-User", "alice"),
        ("X-Forwarded-Email", "alice@corp.example"),
        ("X-Forwarded-Access-Token", &*token),
        ("X-Remote-User", "alice"),
        ("X-Auth-Request-User", "alice"),
        ("X-Pomerium-Jwt-Assertion", &token),
        ("X-Doorward-Subject", "alice"),
        ("Doorward-Caller", "alice"),
        ("X-Api-Key", &token),
        ("Router-Key", &token),
        ("X-Original-Url", "/mcp/open"),
        ("X-Rewrite-Url", "/mcp/open"),
        ("X-Http-Method-Override", "OPTIONS"),
        ("Mcp-Init-Host", "evil.example"),
    ] {
        let call = world.gateway.modern("jwt", "tools/list", json!({})).header(name, value);
        assert_eq!(call.send().await.status, 401, "{name}");
        assert_eq!(world.gateway.last_record().await["reason"], "credential_missing", "{name}");
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

/// GHSA-wvr4-3wq4-gpc5 (MCP Connect): what is not configured is open.
#[tokio::test]
async fn an_empty_configuration_opens_nothing() {
    let gateway: Gateway = Plan::default().start("").await;
    for server in ["default", "open", "bridge", "*", "%2a"] {
        let answer = gateway.modern(server, "tools/list", json!({})).send().await;
        assert_eq!(answer.status, 404, "{server}");
    }
    for target in ["/authorize", "/token", "/register", "/.well-known/oauth-authorization-server", "/bridge"]
    {
        for method in ["GET", "POST"] {
            assert_eq!(gateway.call(method, target).send().await.status, 404, "{method} {target}");
        }
    }
    gateway.finish().await;
}
