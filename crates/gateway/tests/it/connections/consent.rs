//! Between consent and code: what a client's person connects first, or does without.

use super::World;
use crate::harness::{Answer, OAuthClient, Visitor};

/// Says yes to a client; what comes then.
async fn allowed(client: &OAuthClient<'_>, visitor: &Visitor<'_>, server: &str) -> Answer {
    let page = visitor.get(&client.ask(server).target()).await;
    visitor.decide(&page, "approve").await
}

#[tokio::test]
async fn a_person_is_led_through_connecting_after_consent_and_before_the_code() {
    let world = World::start().await;
    let (visitor, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    let led = allowed(&client, &visitor, "own").await;
    assert!(led.told("code").is_none());
    assert!(led.header("location").unwrap().starts_with("/connect/notes?onward="));
    let page = visitor.follow(&led).await;
    assert_eq!(page.heading(), "Connect your account");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(world.authority.url()) && policy.contains("http://127.0.0.1"), "{policy}");
    let back = world.through(&visitor, &page, "/connect/notes").await;
    let answer = visitor.follow(&back).await;
    let code = answer.told("code").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text()));
    assert_eq!(client.redeem(&code).send().await.status, 200);
    // What let her go on counts once.
    assert_eq!(visitor.follow(&back).await.status, 400);
    // And nothing is asked that is there already.
    assert!(allowed(&client, &visitor, "twin").await.told("code").is_some());
    world.finish().await;
}

#[tokio::test]
async fn a_remembered_consent_leads_there_too() {
    let world = World::start().await;
    let (visitor, client) =
        (world.gateway.signed_in("alice").await, world.gateway.operators("web", "basic").await);
    let page = visitor.get(&client.ask("own").target()).await;
    let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
    visitor.submit(&form).await;
    let target = client.ask("own").target();
    let led = visitor.get(&target).await;
    assert!(led.header("location").unwrap().starts_with("/connect/notes?onward="), "{}", led.text());
    // Where nothing may be shown, it gets what it can have.
    let silent = visitor.get(&client.ask("own").with("prompt", "none").target()).await;
    assert!(silent.told("code").is_some());
    let page = visitor.follow(&led).await;
    let back = world.through(&visitor, &page, "/connect/notes").await;
    assert!(visitor.follow(&back).await.told("code").is_some());
    assert!(visitor.get(&target).await.told("code").is_some());
    world.finish().await;
}

#[tokio::test]
async fn nobody_has_to_connect_anything() {
    let world = World::start().await;
    let (visitor, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    let led = allowed(&client, &visitor, "own").await;
    let page = visitor.follow(&led).await;
    let says = page.text();
    assert!(
        says.contains("“<bdi>A native program</bdi>” waits for you.")
            && says.contains("calls to <strong>notes</strong> will ask"),
        "{says}"
    );
    let form = page.form("/authorize/continue").set("decision", "skip");
    let answer = visitor.submit(&form).await;
    assert!(answer.told("code").is_some(), "{} {}", answer.status, answer.text());
    assert_eq!(visitor.submit(&form).await.status, 400, "once");
    let page = visitor.follow(&allowed(&client, &visitor, "own").await).await;
    let answer = visitor.submit(&page.form("/authorize/continue").set("decision", "cancel")).await;
    assert_eq!(answer.told("error").as_deref(), Some("access_denied"));
    assert!(answer.told("code").is_none());
    for decision in ["skip", "cancel"] {
        let again = page.form("/authorize/continue").set("decision", decision);
        assert_eq!(visitor.submit(&again).await.status, 400, "a no counts, and once: {decision}");
    }
    assert_eq!(world.authority.asked("/authorize").len(), 0);
    assert!(!world.is_connected("upstream:notes", "alice").await);
    world.finish().await;
}

/// A page that is opened anew makes another ticket, and no more time.
#[tokio::test]
async fn a_yes_does_not_live_longer_by_opening_pages() {
    let world = World::start().await;
    let (visitor, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    let led = allowed(&client, &visitor, "own").await;
    world.gateway.clock.advance(400);
    let page = visitor.follow(&led).await;
    let form = page.form("/authorize/continue").set("decision", "skip");
    world.gateway.clock.advance(250);
    let answer = visitor.submit(&form).await;
    assert_eq!((answer.status, answer.told("code")), (400, None));
    world.finish().await;
}

#[tokio::test]
async fn who_is_refused_there_or_finds_nobody_there_still_gets_on() {
    let world = World::start().await;
    let (visitor, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    world.authority.set(|manners| manners.refuses = Some("access_denied".to_owned()));
    let page = visitor.follow(&allowed(&client, &visitor, "own").await).await;
    let refused = world.through(&visitor, &page, "/connect/notes").await;
    assert_eq!((refused.status, world.last_reason().await.as_str()), (400, "connect_refused"));
    assert!(refused.text().contains("access_denied") && !refused.text().contains("as the test wants it"));
    let policy = refused.header("content-security-policy").unwrap();
    assert!(policy.contains("http://127.0.0.1"), "its form leads to the client: {policy}");
    let answer = visitor.submit(&refused.form("/authorize/continue").set("decision", "skip")).await;
    assert!(answer.told("code").is_some());
    // The upstream is away.
    world.recorder.always("*", doorward_testkit::recorder::Reply::close());
    world.gateway.clock.advance(120);
    let away = visitor.follow(&allowed(&client, &visitor, "own").await).await;
    assert_eq!((away.status, world.last_reason().await.as_str()), (502, "connect_away"));
    let answer = visitor.submit(&away.form("/authorize/continue").set("decision", "skip")).await;
    assert!(answer.told("code").is_some());
    world.finish().await;
}

#[tokio::test]
async fn who_is_somebody_else_signs_in_and_the_client_still_waits() {
    let world = World::start().await;
    let (visitor, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    world.gateway.add_user("bob", &[]).await;
    let page = visitor.follow(&allowed(&client, &visitor, "own").await).await;
    let out = visitor.submit(&page.form("/sign-out")).await;
    assert!(out.header("location").unwrap().starts_with("/authorize?"), "{:?}", out.header("location"));
    let page = visitor.follow(&out).await;
    assert_eq!(page.heading(), "Sign in");
    let page = visitor.sign_in(&page, "bob").await;
    assert_eq!(page.heading(), "Allow access to own?", "he is asked himself");
    let page = visitor.follow(&visitor.decide(&page, "approve").await).await;
    let back = world.through(&visitor, &page, "/connect/notes").await;
    assert!(visitor.follow(&back).await.told("code").is_some());
    assert!(world.is_connected("upstream:notes", "bob").await);
    assert!(!world.is_connected("upstream:notes", "alice").await);
    // Where nobody waits, it goes on with the place.
    let out = visitor.submit(&visitor.get("/connect/notes").await.form("/sign-out")).await;
    assert_eq!(out.header("location"), Some("/connect/notes"));
    world.finish().await;
}

#[tokio::test]
async fn a_client_is_not_forgotten_when_another_person_comes_to_the_page_or_none_in_time() {
    let world = World::start().await;
    let (alice, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    let led = allowed(&client, &alice, "own").await;
    let bob = world.gateway.signed_in("bob").await;
    bob.get("/console/access").await;
    assert_eq!(bob.follow(&led).await.status, 400, "another browser");
    assert_eq!(world.last_reason().await, "form_stale");
    bob.set_cookie("doorward_browser", &alice.cookie("doorward_browser").unwrap());
    let again = bob.follow(&led).await;
    assert!(again.header("location").unwrap().starts_with("/authorize?"), "{}", again.text());
    assert_eq!(bob.follow(&again).await.heading(), "Allow access to own?");
    for target in ["/connect/notes?onward=dw1.nonsense", "/connect/notes?onward=%00"] {
        assert_eq!(alice.get(target).await.status, 400, "{target}");
    }
    world.gateway.clock.advance(601);
    assert_eq!(alice.follow(&led).await.status, 400, "too late");
    world.finish().await;
}

#[tokio::test]
async fn what_is_not_the_persons_to_connect_holds_nobody_up() {
    let world = World::start().await;
    let (visitor, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    for server in ["plain", "crew"] {
        assert!(allowed(&client, &visitor, server).await.told("code").is_some(), "{server}");
    }
    world.finish().await;
}

/// What a person said yes to stays theirs, in their browser, and for what they said yes to.
#[tokio::test]
async fn a_yes_that_waits_is_nobody_elses() {
    let world = World::start().await;
    let (alice, client) = (world.gateway.signed_in("alice").await, world.gateway.native().await);
    let led = allowed(&client, &alice, "own").await;
    let page = alice.follow(&led).await;
    let form = page.form("/authorize/continue").set("decision", "skip");
    let bob = world.gateway.signed_in("bob").await;
    bob.get("/sign-in").await;
    assert_eq!(bob.submit(&form).await.status, 400, "another browser");
    let same_browser = world.gateway.signed_in("bob").await;
    let browser = alice.cookie("doorward_browser").unwrap();
    same_browser.set_cookie("doorward_browser", &browser);
    assert_eq!(same_browser.submit(&form).await.status, 400, "another person");
    assert_eq!(alice.submit(&form.clone().set("csrf", "")).await.status, 400, "no proof");
    let get = format!("/authorize/continue?request={}", form.value("request"));
    assert_eq!(world.gateway.visitor().get(&get).await.status, 400, "nobody");
    assert!(alice.submit(&form).await.told("code").is_some());
    world.finish().await;
}
