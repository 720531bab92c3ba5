//! What is left of a flow: one record for each request, with who, for whom, for what, and why.

use serde_json::{Value, json};

use super::{opens, world};
use crate::harness::Tokens;

#[tokio::test]
async fn a_flow_can_be_read_from_its_records() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let client = world.gateway.native().await;
    let visitor = world.gateway.visitor();
    let page = visitor.get(&client.ask("own").target()).await;
    let consent = visitor.sign_in(&page, "alice").await;
    let code = visitor.decide(&consent, "approve").await.told("code").unwrap();
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    opens(&world, "own", &tokens.access).await;
    let tokens = Tokens::of(&client.refresh(&tokens.refresh).send().await);
    client.revoke(&tokens.refresh).send().await;
    let records = world.gateway.records().await;
    let line = |record: &Value| {
        let text = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
        [text("http_method"), text("path"), text("subject"), text("client"), text("server"), text("reason")]
            .join(" ")
    };
    let id = &client.id;
    let expected = [
        format!("POST /register - {id} - ok"),
        format!("GET /authorize - {id} own ok"),
        "POST /sign-in alice - - ok".to_owned(),
        format!("GET /authorize alice {id} own ok"),
        format!("POST /consent alice {id} own ok"),
        format!("POST /token alice {id} own ok"),
        format!("POST /mcp/own alice {id} own ok"),
        format!("POST /token alice {id} own ok"),
    ];
    let lines: Vec<_> = records.iter().map(line).collect();
    assert_eq!(lines[..8], expected);
    assert!(lines[8].starts_with("POST /revoke ") && lines[8].ends_with(" ok"), "{}", lines[8]);
    assert_eq!(records[8]["client"], **id);
    let granted: Vec<_> = records.iter().filter_map(|record| record["detail"].as_str()).collect();
    assert!(granted.iter().all(|detail| *detail == granted[0]), "one client grant: {granted:?}");
    assert!(records.iter().all(|record| record["decision"] == "allowed"));
    world.finish().await;
}

#[tokio::test]
async fn a_refusal_says_why() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let native = world.gateway.native().await;
    let tokens = native.tokens(&visitor, "own").await;
    let last = async |expected: &str| {
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], expected, "{record}");
        assert_eq!(
            (&record["decision"], &record["fault"]),
            (&json!("refused"), &json!("caller")),
            "{record}"
        );
        record
    };
    client.form("/token").header("Authorization", "Basic d2ViOndyb25n").error().await;
    assert_eq!(last("client_secret").await["client"], "web");
    native.form("/token").with("client_id", "nobody").error().await;
    assert_eq!(last("client_unknown").await["client"], "nobody");
    native.form("/token").with("client_id", "web").error().await;
    last("client_method").await;
    native.redeem("dwac_x").error().await;
    assert_eq!(last("invalid_grant").await["client"], native.id);
    native.refresh(&tokens.refresh).with("resource", &world.gateway.resource("third")).error().await;
    last("invalid_target").await;
    native.form("/token").with("grant_type", "x").error().await;
    last("unsupported_grant_type").await;
    world.gateway.register(&json!({ "redirect_uris": ["javascript:x"] })).await;
    last("invalid_redirect_uri").await;
    visitor.get("/authorize?client_id=nobody").await;
    last("client_unknown").await;
    visitor.get("/authorize").await;
    last("authorization_malformed").await;
    visitor.get(&native.ask("own").with("code_challenge_method", "plain").target()).await;
    assert_eq!(last("invalid_request").await["client"], native.id);
    visitor.get("/first-administrator").await;
    last("first_link_unknown").await;
    world.finish().await;
}

/// Content that belongs to nobody else stays out of the records; `finish` looks for it.
#[tokio::test]
async fn no_query_and_no_form_is_recorded() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    for planted in ["planted-in-state", "planted-in-scope", "planted-in-verifier", "planted-in-secret"] {
        world.gateway.plant(planted);
    }
    let ask = client.ask("own").with("scope", "mcp:read planted-in-scope");
    let page = visitor.get(&ask.target()).await;
    assert_eq!(page.status, 200);
    client.redeem("dwac_x").with("code_verifier", "planted-in-verifier").error().await;
    client.form("/token").with("client_secret", "planted-in-secret").error().await;
    let native = client.ask("own").with("state", "planted-in-state").with("response_type", "");
    let records = world.gateway.records().await;
    assert!(!json!(records).to_string().contains("planted"), "{native:?}", native = native.target());
    world.finish().await;
}
