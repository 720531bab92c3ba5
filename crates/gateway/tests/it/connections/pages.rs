//! The page that leads to the other side, who may open it, and what is asked for there.

use serde_json::json;

use super::World;
use crate::harness::parameter;

#[tokio::test]
async fn a_person_connects_their_own_account_and_calls_are_made_with_it() {
    let world = World::start().await;
    world.authority.set(|manners| manners.challenge_scope = Some("notes:read notes:write".to_owned()));
    let visitor = world.gateway.signed_in("alice").await;
    let page = visitor.get("/connect/notes").await;
    assert_eq!((page.status, page.heading().as_str()), (200, "Connect your account"));
    for said in [world.authority.url(), "notes:write", "twin", "alice"] {
        assert!(page.text().contains(said), "{said}");
    }
    assert_eq!(world.authority.asked("/authorize").len(), 0, "nobody is sent before they say yes");
    let sent = world.sent(&visitor, &page, "/connect/notes").await;
    for (name, value) in [
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("resource", world.recorder.url()),
        ("scope", "notes:read notes:write"),
        ("redirect_uri", &format!("{}/oauth/callback", world.gateway.url())),
    ] {
        assert_eq!(parameter(&sent, name).as_deref(), Some(value), "{name}");
    }
    let back = visitor.get(&world.there(&sent).await).await;
    assert_eq!(back.header("location"), Some("/console/connections?connected=upstream:notes"));
    let record = world.gateway.last_record().await;
    let detail = format!("connected upstream:notes of alice at {}", world.authority.url());
    assert_eq!(record["detail"], detail.as_str());
    assert_eq!((&record["upstream"], &record["subject"]), (&json!("notes"), &json!("alice")));
    let mine = visitor.follow(&back).await;
    assert!(
        mine.text().contains("is connected. You can go back") && mine.text().contains(world.authority.url())
    );
    let redeemed = &world.authority.token_requests("authorization_code")[0];
    assert_eq!(redeemed.field("resource"), Some(world.recorder.url()));
    // And now a client of hers calls with it.
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let answer = world.gateway.modern("own", "tools/list", json!({})).bearer(&tokens.access).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = world.recorder.requests_of("tools/list");
    let presented = seen.last().unwrap().header("authorization").unwrap().to_owned();
    assert!(world.authority.is_live(presented.strip_prefix("Bearer ").unwrap()));
    assert!(!world.recorder.saw(&tokens.access), "never the caller's own");
    world.finish().await;
}

#[tokio::test]
async fn who_is_not_signed_in_signs_in_first_and_comes_to_the_page() {
    let world = World::start().await;
    world.gateway.add_user("alice", &[]).await;
    let visitor = world.gateway.visitor();
    let page = visitor.get("/connect/notes").await;
    assert_eq!(page.heading(), "Sign in");
    assert!(
        world.recorder.requests_of("initialize").is_empty(),
        "nobody outside is asked for somebody who is not here"
    );
    let page = visitor.sign_in(&page, "alice").await;
    assert_eq!(page.heading(), "Connect your account");
    world.finish().await;
}

#[tokio::test]
async fn a_client_registers_once_at_each_authorization_server() {
    let world = World::start().await;
    for name in ["alice", "carol"] {
        let visitor = world.gateway.signed_in(name).await;
        world.connect(&visitor, "notes").await;
        world.connect(&visitor, "notes").await;
    }
    assert_eq!(world.authority.asked("/register").len(), 1);
    let codes = world.authority.token_requests("authorization_code");
    assert_eq!(codes.len(), 4);
    assert!(codes.iter().all(|asked| asked.client() == codes[0].client()));
    world.finish().await;
}

#[tokio::test]
async fn the_operators_client_comes_before_registration() {
    let world = World::with(
        "kind = \"oauth\", $issuer, client_id = \"ours\", client_secret = { env = \"OVER_THERE\" }, scope = \"a b\"",
    )
    .await;
    world.authority.register("ours", Some("doorwards-secret-over-there-77aa"));
    let visitor = world.gateway.signed_in("alice").await;
    world.connect(&visitor, "notes").await;
    assert!(world.authority.asked("/register").is_empty());
    let asked = world.authority.asked("/authorize");
    assert_eq!((asked[0].field("client_id"), asked[0].field("scope")), (Some("ours"), Some("a b")));
    world.finish().await;
}

#[tokio::test]
async fn one_account_for_all_is_an_administrators_to_connect() {
    let world = World::start().await;
    let alice = world.gateway.signed_in("alice").await;
    let page = alice.get("/connect/team").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("only an administrator") && page.find_form("/connect/team").is_none());
    assert_eq!(world.last_reason().await, "administrators_only");
    let root = world.administrator().await;
    let page = root.get("/connect/team").await;
    assert_eq!(page.heading(), "Connect an account for everybody");
    // Nor does somebody else's page do it for her.
    let refused = alice.submit(&page.form("/connect/team")).await;
    assert_eq!(refused.status, 400);
    world.connect(&root, "team").await;
    assert!(world.is_connected("upstream:team", "").await);
    world.finish().await;
}

#[tokio::test]
async fn an_account_is_connected_for_an_agent_too() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let path = "/connect/agent/helper";
    let page = visitor.get(path).await;
    assert!(page.text().contains("The agent <strong>helper</strong>"), "{}", page.text());
    let back = world.through(&visitor, &page, path).await;
    assert_eq!(back.header("location"), Some("/console/connections?connected=agent:helper"));
    assert!(world.is_connected("agent:helper", "alice").await);
    assert_eq!(world.gateway.last_record().await["agent"], "helper");
    let origin = world.recorder.url().replace("/mcp", "/");
    assert_eq!(world.authority.asked("/authorize")[0].field("resource"), Some(&*origin));
    world.finish().await;
}

#[tokio::test]
async fn nobody_learns_of_what_they_may_not_use() {
    let world = World::start().await;
    let (alice, bob) = (world.gateway.signed_in("alice").await, world.gateway.signed_in("bob").await);
    let nothing = alice.get("/connect/nothing").await;
    for path in ["/connect/closed", "/connect/plain", "/connect/agent/notes"] {
        let answer = alice.get(path).await;
        assert_eq!((answer.status, answer.heading()), (nothing.status, nothing.heading()), "{path}");
        assert_eq!(answer.status, 404);
    }
    assert!(world.recorder.requests_of("initialize").is_empty(), "and nobody outside was asked");
    assert_eq!(bob.get("/connect/closed").await.status, 200);
    assert!(!alice.get("/console/connections").await.text().contains("closed"));
    assert!(bob.get("/console/connections").await.text().contains("closed"));
    world.finish().await;
}

#[tokio::test]
async fn doorward_has_a_client_document_of_its_own() {
    let world = World::start().await;
    let path = "/client-metadata.json";
    let answer = world.gateway.call("GET", path).send().await;
    let (document, url) = (answer.json(), world.gateway.url());
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(document["client_id"], format!("{url}{path}"));
    assert_eq!(document["redirect_uris"], json!([format!("{url}/oauth/callback")]));
    assert_eq!(document["jwks_uri"], format!("{url}/.well-known/jwks.json"));
    assert_eq!(document["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(document["application_type"], "web");
    world.finish().await;
}
