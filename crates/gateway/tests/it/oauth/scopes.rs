//! What a token may do: the scopes of each operation, and asking for more when they are not enough.

use serde_json::{Value, json};

use super::world;
use crate::harness::{OAuthClient, Tokens, Visitor, World, meta};

async fn token(client: &OAuthClient<'_>, visitor: &Visitor<'_>, scope: &str) -> String {
    let code = client.code_of(visitor, &client.ask("own").with("scope", scope)).await;
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    assert_eq!(tokens.answer["scope"], scope);
    tokens.access
}

/// A request for each operation that a scope is needed for.
fn operations() -> [(&'static str, Value, &'static str); 8] {
    [
        ("tools/list", json!({}), "mcp:read"),
        ("prompts/list", json!({}), "mcp:read"),
        ("resources/list", json!({}), "mcp:read"),
        ("resources/templates/list", json!({}), "mcp:read"),
        ("resources/read", json!({ "uri": "test://static-text" }), "mcp:read"),
        ("prompts/get", json!({ "name": "greet" }), "mcp:read"),
        ("subscriptions/listen", json!({ "notifications": {} }), "mcp:read"),
        ("tools/call", json!({ "name": "echo", "arguments": {} }), "mcp:call"),
    ]
}

#[tokio::test]
async fn each_operation_needs_its_scope() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let metadata = format!(
        r#"resource_metadata="{}/.well-known/oauth-protected-resource/mcp/own""#,
        world.gateway.url()
    );
    for scope in ["mcp:read", "mcp:call"] {
        let token = token(&client, &visitor, scope).await;
        for (method, params, needed) in operations() {
            let stream = world.gateway.modern("own", method, params).bearer(&token).stream().await;
            if needed == scope {
                assert_eq!(stream.status, 200, "{method}");
                continue;
            }
            let answer = stream.rest().await;
            assert_eq!(answer.status, 403, "{method}: {}", answer.text());
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
            assert!(challenge.contains(r#"scope="mcp:read mcp:call""#), "{challenge}");
            assert!(challenge.contains(&metadata), "{challenge}");
            let record = world.gateway.last_record().await;
            assert_eq!((&record["reason"], &record["subject"]), (&json!("scope_missing"), &json!("alice")));
        }
    }
    let refused = |record: &Value| record["reason"] == "scope_missing";
    assert_eq!(world.gateway.records().await.iter().filter(|record| refused(record)).count(), 8);
    world.finish().await;
}

#[tokio::test]
async fn a_client_steps_up_when_it_is_told_to() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let call = |token: &str| {
        let params = json!({ "name": "echo", "arguments": {}, "_meta": meta() });
        let call = world.gateway.modern("own", "tools/call", params).bearer(token);
        async { call.send().await }
    };
    let narrow = token(&client, &visitor, "mcp:read").await;
    let refused = call(&narrow).await;
    assert_eq!(refused.status, 403);
    assert!(world.recorder.requests_of("tools/call").is_empty(), "the upstream heard nothing");
    let challenge = refused.header("www-authenticate").unwrap_or_default();
    let scope =
        challenge.split(r#" scope=""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let wider = token(&client, &visitor, &scope).await;
    assert_eq!(call(&wider).await.status, 200);
    assert_eq!(call(&narrow).await.status, 403, "the first token is what it was");
    world.finish().await;
}

/// Sessions of 2025-11-25 are judged request by request too.
#[tokio::test]
async fn a_session_does_not_lend_its_scopes() {
    let world: World = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let (read, both) =
        (token(&client, &visitor, "mcp:read").await, token(&client, &visitor, "mcp:read mcp:call").await);
    let session = world.gateway.session("own", Some(&both)).await;
    let call = |token: &str| {
        let params = json!({ "name": "echo", "arguments": {} });
        let call = world.gateway.legacy("own", Some(&session), "tools/call", &params).bearer(token);
        async { call.send().await.status }
    };
    assert_eq!((call(&both).await, call(&read).await), (200, 403));
    world.finish().await;
}
