//! Every token at every other door: what Doorward issued for one virtual server opens nothing else.

use serde_json::json;

use super::{opens, world};
use crate::harness::Tokens;

/// The HTTP methods of an MCP endpoint.
const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];

/// A2 (CVE-2025-69196 among others): the resource that a token was issued for is the only one that it opens.
#[tokio::test]
async fn a02_a_token_opens_one_virtual_server_and_no_other() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let agent = world.gateway.operators("robot", "post").await;
    let servers = ["own", "second", "third"];
    for issued_for in servers {
        let person = client.tokens(&visitor, issued_for).await;
        let credentials = agent.form("/token").with("grant_type", "client_credentials");
        let credentials = credentials.with("resource", &world.gateway.resource(issued_for)).send().await;
        for token in [&person.access, &Tokens::of(&credentials).access] {
            for server in servers.into_iter().chain(["jwt", "twin"]) {
                for method in METHODS {
                    if server == issued_for && method == "POST" {
                        assert_eq!(opens(&world, server, token).await, 200);
                    } else if server != issued_for {
                        let answer =
                            world.gateway.call(method, &format!("/mcp/{server}")).bearer(token).send().await;
                        assert_eq!(answer.status, 401, "{issued_for} at {server}: {}", answer.text());
                        let challenge = answer.header("www-authenticate").unwrap_or_default();
                        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
                    }
                }
            }
        }
    }
    assert_eq!(world.recorder.requests().len(), servers.len() * 2, "one for each token at home");
    world.finish().await;
}

/// Nothing but a virtual server looks at an access token at all.
#[tokio::test]
async fn a02_a_token_opens_no_page_and_no_unknown_route() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let tokens = world.gateway.native().await.tokens(&visitor, "own").await;
    for (method, target, status) in [
        ("GET", "/console/access", 200),
        ("POST", "/console/access/revoke", 400),
        ("GET", "/console/connections", 200),
        ("POST", "/console/connections/disconnect", 400),
        ("GET", "/connect/notes", 200),
        ("POST", "/connect/notes", 400),
        ("GET", "/oauth/callback", 400),
        ("GET", "/authorize/continue", 400),
        ("POST", "/introspect", 400),
        ("GET", "/admin", 404),
        ("POST", "/mcp/", 404),
        ("POST", "/mcp/own/", 404),
        ("POST", "/mcp/unknown", 404),
        ("POST", "/a2a/own", 404),
    ] {
        let with = world.gateway.call(method, target).bearer(&tokens.access).send().await;
        let without = world.gateway.call(method, target).send().await;
        assert_eq!((with.status, without.status), (status, status), "{method} {target}: {}", with.text());
        assert!(with.find_form("/console/access/revoke").is_none(), "the page is the sign-in page");
    }
    world.finish().await;
}

/// Only access tokens are access tokens.
#[tokio::test]
async fn a02_nothing_else_that_was_issued_opens_a_virtual_server() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "post").await;
    let code = client.code(&visitor, "own").await;
    let session = visitor.cookie("doorward_session").unwrap_or_default();
    let tokens = Tokens::of(&client.redeem(&client.code(&visitor, "own").await).send().await);
    let end = if tokens.access.ends_with('x') { 'y' } else { 'x' };
    let flipped = format!("{}{end}", &tokens.access[..tokens.access.len() - 1]);
    let other = format!("dwat_{}", &tokens.refresh["dwrt_".len()..]);
    for credential in [&code, &session, &tokens.refresh, client.secret.as_ref().unwrap(), &flipped, &other] {
        assert_eq!(opens(&world, "own", credential).await, 401);
        assert_eq!(world.gateway.last_record().await["decision"], "refused");
    }
    let list = world
        .gateway
        .modern("own", "tools/list", json!({}))
        .header("Cookie", &format!("doorward_session={session}"));
    assert_eq!(list.send().await.status, 401, "being signed in opens nothing");
    world.finish().await;
}

/// Who tried it is in the record.
#[tokio::test]
async fn the_record_of_a_token_at_another_server_says_whose_it_is() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    assert_eq!(opens(&world, "second", &tokens.access).await, 401);
    let record = world.gateway.last_record().await;
    assert_eq!(record["reason"], "token_audience");
    assert_eq!(
        (&record["subject"], &record["client"], &record["server"]),
        (&json!("alice"), &json!(client.id), &json!("second"))
    );
    world.finish().await;
}
