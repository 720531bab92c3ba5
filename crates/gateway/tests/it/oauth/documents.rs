//! Clients that describe themselves in a document (Client ID Metadata Documents): fetched within bounds, believed as far
//! as their host goes, and asked about again when they changed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{SERVERS, opens};
use crate::harness::{Answer, Document, Documents, OAuthClient, Plan, Tokens, Visitor, World};

/// The world with a host of client documents that it trusts.
async fn world(more: &str) -> (World, Documents) {
    let documents = Documents::start().await;
    let more = format!("[records]\ndurability = \"strict\"\n{SERVERS}\n{}\n{more}", documents.network());
    (World::planned(Plan::default(), &more).await, documents)
}

fn described<'w>(world: &'w World, documents: &Documents) -> OAuthClient<'w> {
    let redirect_uri = "https://described.example.com/callback".to_owned();
    world.gateway.may_lead_to(&redirect_uri);
    OAuthClient {
        gateway: &world.gateway,
        id: documents.id().to_owned(),
        secret: None,
        method: "none",
        redirect_uri,
    }
}

async fn authorize(visitor: &Visitor<'_>, client: &OAuthClient<'_>) -> Answer {
    visitor.get(&client.ask("own").target()).await
}

#[tokio::test]
async fn a_client_may_describe_itself_and_its_host_is_named() {
    let (world, documents) = world("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = described(&world, &documents);
    let page = authorize(&visitor, &client).await;
    assert_eq!(page.heading(), "Allow access to own?");
    for said in ["A described client", "127.0.0.1", "https://described.example.com"] {
        assert!(page.text().contains(said), "{said}");
    }
    let code = visitor.decide(&page, "approve").await.told("code").unwrap();
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(client.refresh(&tokens.refresh).send().await.status, 200);
    assert_eq!(documents.fetches(), 1, "kept");
    world.gateway.clock.advance(2 * 3600);
    authorize(&visitor, &client).await;
    assert_eq!(documents.fetches(), 2, "but not for ever");
    world.finish().await;
}

/// The person said yes to what the document was.
#[tokio::test]
async fn consent_ends_when_the_document_changes() {
    let (world, documents) = world("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = described(&world, &documents);
    let jwks = world.issuer_keys().await;
    let same_but = |changes: Value| {
        let mut document = documents.usual();
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Document::json(&document).header("Cache-Control", "max-age=0")
    };
    for changes in [
        json!({ "client_name": "Another name" }),
        json!({ "redirect_uris": [client.redirect_uri, "https://evil.example/callback"] }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks }),
    ] {
        documents.publish(same_but(json!({})));
        world.gateway.clock.advance(3_601);
        let page = authorize(&visitor, &client).await;
        let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
        assert!(visitor.submit(&form).await.told("code").is_some());
        assert!(authorize(&visitor, &client).await.told("code").is_some(), "remembered");
        documents.publish(same_but(changes.clone()));
        assert!(authorize(&visitor, &client).await.told("code").is_some(), "five minutes at least");
        world.gateway.clock.advance(301);
        assert!(authorize(&visitor, &client).await.find_form("/consent").is_some(), "{changes}");
        // The same client again, but consent was to another.
        documents.publish(same_but(json!({ "client_uri": "https://described.example.com" })));
        world.gateway.clock.advance(301);
        assert!(authorize(&visitor, &client).await.told("code").is_some(), "what people see is the same");
        world.gateway.store().forget_consents("alice", &client.id).await.unwrap();
    }
    world.finish().await;
}

/// A10: what is wrong is said on a page, is never kept, and leads nowhere.
#[tokio::test]
async fn a10_a_document_that_is_wrong_describes_nobody() {
    let (world, documents) = world("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = described(&world, &documents);
    let good = documents.usual();
    let with = |changes: Value| {
        let mut document = good.clone();
        document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Document::json(&document)
    };
    let mut key = world.issuer_keys().await;
    key["keys"][0]["d"] = "private".into();
    let redirect = Document { status: 302, ..Document::json(&good) }.header("Location", documents.id());
    for bad in [
        redirect,
        Document { status: 404, ..Document::json(&good) },
        Document { status: 500, ..Document::json(&good) },
        Document { status: 201, ..Document::json(&good) },
        Document { body: "<!doctype html>".into(), ..Document::json(&good) },
        Document { body: format!("{good}{good}"), ..Document::json(&good) },
        Document { body: "[]".into(), ..Document::json(&good) },
        with(json!({ "padding": "x".repeat(6 << 10) })),
        with(json!({ "client_id": "https://elsewhere.example.com/client.json" })),
        with(json!({ "client_id": documents.id().to_uppercase() })),
        with(json!({ "client_secret": "x" })),
        with(json!({ "client_secret_expires_at": 0 })),
        with(json!({ "token_endpoint_auth_method": "client_secret_basic" })),
        with(json!({ "token_endpoint_auth_method": "private_key_jwt" })),
        with(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key })),
        with(json!({ "redirect_uris": [] })),
        with(json!({ "redirect_uris": ["javascript:alert(1)"] })),
        with(json!({ "redirect_uris": ["http://described.example.com/callback"] })),
        with(json!({ "response_types": ["token"] })),
    ] {
        documents.publish(bad.clone());
        let answer = authorize(&visitor, &client).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{bad:?}");
        assert_eq!(client.refresh("dwrt_x").error().await, "invalid_client");
        world.gateway.clock.advance(60);
    }
    documents.publish(Document::json(&good));
    assert_eq!(authorize(&visitor, &client).await.status, 200, "nothing wrong was kept");
    world.finish().await;
}

/// A10: an address that is not plainly an https address of a document is not asked at all.
#[tokio::test]
async fn a10_what_is_no_plain_address_is_not_fetched() {
    let (world, documents) = world("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = described(&world, &documents);
    let host = documents.id().trim_end_matches("/client.json").to_owned();
    for id in [
        host.clone(),
        format!("{host}/"),
        format!("{host}/a/../client.json"),
        format!("{host}/./client.json"),
        format!("{host}/%2e%2e/client.json"),
        format!("{}#x", documents.id()),
        host.replace("https://", "https://user@") + "/client.json",
        host.replace("https://", "https:\\\\") + "/client.json",
        host.replace("https://", "https:///") + "/client.json",
        host.replace("https://", "HTTPS://") + "/client.json",
        host.replace("https://", "http://") + "/client.json",
        host.replace("127.0.0.1", "127.1") + "/client.json",
        format!(" {}", documents.id()),
        format!("https://{}/client.json", "x".repeat(3_000)),
    ] {
        let client = OAuthClient { id: id.clone(), ..client.clone() };
        assert_eq!(authorize(&visitor, &client).await.status, 400, "{id}");
    }
    assert_eq!(documents.fetches(), 0);
    world.finish().await;
}

/// A10: where Doorward is public, documents are too. Which networks those are is in `doorward_egress`.
#[tokio::test]
async fn a10_no_document_leads_into_private_networks() {
    let documents = Documents::start().await;
    let plan = Plan::default().public_url("https://gw.example.com");
    let world = World::planned(plan, &format!("{SERVERS}\n{}", documents.network())).await;
    let client = described(&world, &documents);
    for id in [
        documents.id(),
        &documents.id().replace("127.0.0.1", "localhost"),
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/client.json",
        "https://192.168.1.1/client.json",
        "https://[::1]/client.json",
        "https://[fd00::1]/client.json",
        "https://[64:ff9b::7f00:1]/client.json",
        "https://[2002:7f00:1::]/client.json",
        "https://0.0.0.0/client.json",
    ] {
        let client = OAuthClient { id: id.to_owned(), ..client.clone() };
        let ask = client.ask("own");
        let answer = world.gateway.call("GET", &ask.target()).set("Host", "gw.example.com").send().await;
        world.gateway.notice(&answer);
        assert_eq!(answer.status, 400, "{id}: {}", answer.text());
        assert!(answer.header("strict-transport-security").is_some(), "a public page");
    }
    assert_eq!(documents.fetches(), 0);
    world.finish().await;
}

/// A10: nobody uses Doorward to flood somebody else.
#[tokio::test]
async fn a10_fetches_are_counted_by_who_wants_them() {
    let (world, documents) = world("").await;
    world.gateway.clock.stop();
    let visitor = world.gateway.signed_in("alice").await;
    let client = described(&world, &documents);
    documents.publish(Document { status: 404, ..Document::json(&json!({})) });
    let mut statuses = Vec::new();
    for _ in 0..25 {
        statuses.push(authorize(&visitor, &client).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 20);
    let late = authorize(&visitor, &client).await;
    assert_eq!(late.status, 429);
    assert!(late.header("retry-after").is_some());
    assert_eq!(documents.fetches(), 20);
    world.finish().await;
}

#[tokio::test]
async fn the_operator_says_whose_documents_count() {
    let (world, documents) = world("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = described(&world, &documents);
    for (rule, status) in
        [("\"off\"", 400), ("[\"client.example.com\"]", 400), ("[\"127.0.0.1\"]", 200), ("\"any\"", 200)]
    {
        world.gateway.replace(&format!(
            "{}{SERVERS}\n{}\n[tokens]\nclient_documents = {rule}",
            world.toml(),
            documents.network()
        ));
        assert_eq!(authorize(&visitor, &client).await.status, status, "{rule}");
        let metadata =
            world.gateway.call("GET", "/.well-known/oauth-authorization-server").send().await.json();
        assert_eq!(metadata["client_id_metadata_document_supported"], rule != "\"off\"");
    }
    world.finish().await;
}

/// Two documents that are out there, as they are but for their addresses.
#[tokio::test]
async fn documents_of_real_clients_are_understood() {
    let (world, documents) = world("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let claude = json!({
        "client_id": documents.id(),
        "client_name": "Claude",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        "grant_types": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let chatgpt = json!({
        "client_id": documents.id(),
        "client_name": "ChatGPT",
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks_uri": documents.id().replace("client.json", "jwks.json"),
    });
    for document in [claude, chatgpt] {
        documents.publish(Document::json(&document));
        world.gateway.clock.advance(3_601);
        let redirect_uri = document["redirect_uris"][0].as_str().unwrap().to_owned();
        world.gateway.may_lead_to(&redirect_uri);
        let client = OAuthClient { redirect_uri, ..described(&world, &documents) };
        let tokens = client.tokens(&visitor, "own").await;
        assert_eq!(opens(&world, "own", &tokens.access).await, 200);
        assert_eq!(client.refresh(&tokens.refresh).send().await.status, 200);
        let jag = client.form("/token").with("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        assert_eq!(jag.with("assertion", "a.b.c").error().await, "unauthorized_client");
    }
    world.finish().await;
}

/// A program's document is public: another program on the same computer can imitate it.
#[tokio::test]
async fn a_described_program_on_this_computer_is_asked_about_each_time() {
    let (world, documents) = world("").await;
    let visitor = world.gateway.signed_in("alice").await;
    let mut document = documents.usual();
    document["redirect_uris"] = json!(["http://127.0.0.1/callback", "http://localhost/callback"]);
    documents.publish(Document { late: Duration::from_millis(5), ..Document::json(&document) });
    world.gateway.may_lead_to("http://127.0.0.1/callback");
    let client = described(&world, &documents);
    let client = OAuthClient { redirect_uri: "http://127.0.0.1:4711/callback".into(), ..client };
    for _ in 0..2 {
        let page = authorize(&visitor, &client).await;
        assert!(page.text().contains("any program on this computer could receive the answer"));
        let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
        assert!(visitor.submit(&form).await.told("code").is_some());
    }
    world.finish().await;
}
