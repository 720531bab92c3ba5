//! Authorization servers that break, dawdle, or give what is of no use.

use doorward_testkit::recorder::Reply;
use serde_json::json;

use super::World;

#[tokio::test]
async fn a_code_that_is_not_redeemed_connects_nothing_and_can_be_tried_again() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let error = |code: &str| {
        Reply::json(json!({ "error": code, "error_description": "<b>secret words</b>" })).status(400)
    };
    let token = json!({ "access_token": "x", "token_type": "N_A" });
    for (answer, reason) in [
        (Reply::empty(500), "connect_away"),
        (Reply::empty(429), "connect_away"),
        (Reply::close(), "connect_away"),
        (error("invalid_grant"), "connect_failed"),
        (error("temporarily_unavailable"), "connect_away"),
        (Reply::json(json!({})), "connect_failed"),
        (Reply::json(token), "connect_failed"),
        (Reply::raw("text/html", "<!doctype html><title>Sign in"), "connect_failed"),
        (Reply::json(json!({ "access_token": "y".repeat(100_000), "token_type": "Bearer" })), "connect"),
        (Reply::empty(302).header("location", "http://127.0.0.1:1/"), "connect"),
    ] {
        world.authority.once("/token", answer);
        let page = visitor.get("/connect/notes").await;
        let answer = world.through(&visitor, &page, "/connect/notes").await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        let said = world.last_reason().await;
        assert!(said.starts_with(reason), "{said} instead of {reason}");
        assert!(!answer.text().contains("secret words"), "nothing that the other side wrote");
        assert!(!world.is_connected("upstream:notes", "alice").await);
    }
    world.connect(&visitor, "notes").await;
    world.finish().await;
}

#[tokio::test]
async fn an_answer_to_one_persons_code_ends_nobodys_registration() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    world.connect(&visitor, "notes").await;
    let gone = Reply::json(json!({ "error": "invalid_client" })).status(401);
    world.authority.once("/token", gone);
    let page = visitor.get("/connect/notes").await;
    assert_eq!(world.through(&visitor, &page, "/connect/notes").await.status, 502);
    world.connect(&visitor, "notes").await;
    assert_eq!(world.authority.asked("/register").len(), 1, "the registration is everybody's");
    world.finish().await;
}

#[tokio::test]
async fn a_registration_that_its_server_has_lost_is_made_anew() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let page = visitor.get("/connect/notes").await;
    let back = world.there(&world.sent(&visitor, &page, "/connect/notes").await).await;
    let gone = Reply::json(json!({ "error": "invalid_client" })).status(401);
    world.authority.always("/token", gone);
    let answer = visitor.get(&back).await;
    assert_eq!((answer.status, world.last_reason().await.as_str()), (502, "connect_failed"));
    assert!(answer.text().contains("registers there anew"), "{}", answer.text());
    let asked = world.authority.token_requests("authorization_code");
    let codes: Vec<_> = asked.iter().map(|asked| asked.field("code").unwrap_or_default()).collect();
    assert_eq!(codes.len(), 2, "{codes:?}");
    assert_ne!(codes[0], codes[1], "the second is nobody's");
    world.authority.behave();
    world.connect(&visitor, "notes").await;
    assert_eq!(world.authority.asked("/register").len(), 2);
    let asked = world.authority.token_requests("authorization_code");
    assert_ne!(asked[0].client(), asked[2].client(), "another client");
    world.finish().await;
}

#[tokio::test]
async fn documents_and_registrations_that_are_of_no_use_are_told_apart_from_those_that_are_late() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let json = |text: &str| Reply::raw("application/json", text.to_owned());
    let metadata = "/.well-known/oauth-authorization-server";
    for (path, answer, reason) in [
        (metadata, json("[]"), "connect_unusable"),
        (metadata, json("{\"issuer\":\"x\",\"issuer\":\"y\"}"), "connect_unusable"),
        (metadata, Reply::json(json!("x".repeat(100_000))), "connect_unusable"),
        ("*", Reply::empty(503), "connect_away"),
        ("*", Reply::close(), "connect_away"),
        ("/register", Reply::empty(403), "connect_unusable"),
        ("/register", Reply::empty(503), "connect_away"),
        ("/register", json("{}"), "connect_unusable"),
    ] {
        world.gateway.clock.advance(120);
        world.authority.always(path, answer);
        let page = visitor.get("/connect/notes").await;
        assert_eq!(page.status, 502, "{path}");
        let said = world.last_reason().await;
        assert!(said.starts_with(reason), "{path}: {said} instead of {reason}");
        world.authority.behave();
    }
    world.gateway.clock.advance(120);
    world.connect(&visitor, "notes").await;
    world.finish().await;
}

#[tokio::test]
async fn an_address_that_opens_the_page_all_the_time_is_asked_to_wait() {
    let world = World::start().await;
    world.gateway.clock.stop();
    let visitor = world.gateway.signed_in("alice").await;
    for _ in 0..30 {
        assert_eq!(visitor.get("/connect/notes").await.status, 200);
    }
    let answer = visitor.get("/connect/notes").await;
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(
        world.recorder.requests_of("initialize").len(),
        1,
        "what is known for a minute is not asked again"
    );
    world.finish().await;
}
