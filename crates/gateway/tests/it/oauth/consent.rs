//! Consent: after sign-in, before anything is given, by the person and in the browser that was asked.

use serde_json::json;

use super::{world, world_with};
use crate::harness::{NATIVE, OAuthClient, STATE, Visitor, World};

/// A client of each kind, and whether a yes to it may be remembered.
async fn clients(world: &World) -> Vec<(OAuthClient<'_>, bool)> {
    let gateway = &world.gateway;
    let https = |method: &str| {
        json!({
            "redirect_uris": ["https://app.example.com/callback"],
            "token_endpoint_auth_method": method,
            "grant_types": ["authorization_code", "refresh_token"],
        })
    };
    let mut operators_native = gateway.operators("desktop", "none").await;
    let mut stored = gateway.store().client("desktop").await.unwrap().unwrap().client;
    gateway.store().remove_client("desktop", super::now(world)).await.unwrap();
    stored.redirect_uris = vec![NATIVE.to_owned()];
    gateway.store().add_client(&stored, None).await.unwrap();
    gateway.may_lead_to(NATIVE);
    NATIVE.clone_into(&mut operators_native.redirect_uri);
    vec![
        (gateway.operators("web", "basic").await, true),
        (gateway.operators("page", "none").await, true),
        (gateway.registered(https("client_secret_post")).await, true),
        (gateway.registered(https("none")).await, false),
        (gateway.native().await, false),
        (operators_native, false),
    ]
}

#[tokio::test]
async fn nobody_is_asked_before_they_say_who_they_are_and_nothing_is_given_before_they_say_yes() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let client = world.gateway.native().await;
    let visitor = world.gateway.visitor();
    let page = visitor.get(&client.ask("own").target()).await;
    assert_eq!((page.status, page.heading()), (200, "Sign in".to_owned()));
    assert!(page.text().contains("A native program") && page.text().contains("own"), "it says for whom");
    assert!(page.find_form("/consent").is_none());
    let consent = visitor.sign_in(&page, "alice").await;
    assert_eq!(consent.heading(), "Allow access to own?");
    for said in ["A native program", "Nobody.", "http://127.0.0.1", &world.gateway.resource("own"), "alice"] {
        assert!(consent.text().contains(said), "{said}");
    }
    assert!(world.gateway.store().client_grants_of("alice", super::now(&world)).await.unwrap().is_empty());
    let answer = visitor.decide(&consent, "approve").await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.told("state").as_deref(), Some(STATE), "verbatim");
    assert_eq!(answer.told("iss"), Some(world.gateway.url()));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    world.finish().await;
}

#[tokio::test]
async fn a_no_is_told_to_the_client() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    for (client, _) in clients(&world).await {
        for decision in ["deny", "", "Approve", "approve "] {
            let page = visitor.get(&client.ask("own").target()).await;
            let answer = visitor.decide(&page, decision).await;
            assert_eq!(answer.told("error").as_deref(), Some("access_denied"), "{decision:?}");
            assert_eq!((answer.told("code"), answer.told("iss")), (None, Some(world.gateway.url())));
            assert_eq!(answer.told("state").as_deref(), Some(STATE));
            assert_eq!(world.gateway.last_record().await["reason"], "access_denied");
        }
    }
    world.finish().await;
}

async fn remember(client: &OAuthClient<'_>, visitor: &Visitor<'_>, scope: &str) {
    let page = visitor.get(&client.ask("own").with("scope", scope).target()).await;
    let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
    assert!(visitor.submit(&form).await.told("code").is_some());
}

/// RFC 9700 section 4.15 and OAuth 2.1 section 7.3.1: a program that anybody can imitate is asked about each time, whatever its
/// form says.
#[tokio::test]
async fn a_yes_is_remembered_only_for_clients_that_can_be_told_apart() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    for (client, may_remember) in clients(&world).await {
        let target = client.ask("own").target();
        let page = visitor.get(&target).await;
        assert_eq!(page.text().contains("name=\"remember\""), may_remember, "{}", client.id);
        remember(&client, &visitor, "mcp:read").await;
        let again = visitor.get(&client.ask("own").with("scope", "mcp:read").target()).await;
        assert_eq!(again.told("code").is_some(), may_remember, "{}", client.id);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_yes_without_the_tick_is_not_remembered() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    client.code(&visitor, "own").await;
    assert_eq!(visitor.get(&client.ask("own").target()).await.heading(), "Allow access to own?");
    world.finish().await;
}

#[tokio::test]
async fn what_is_remembered_is_for_this_person_client_address_server_and_no_more_scopes() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let other = world.gateway.operators("other", "basic").await;
    remember(&client, &visitor, "mcp:read offline_access").await;
    let same = client.ask("own").with("scope", "mcp:read");
    assert!(visitor.get(&same.target()).await.told("code").is_some());
    for ask in [
        client.ask("own").with("scope", "mcp:read mcp:call"),
        client.ask("own"),
        client.ask("second").with("scope", "mcp:read"),
        other.ask("own").with("scope", "mcp:read"),
        same.clone().with("prompt", "consent"),
    ] {
        assert!(visitor.get(&ask.target()).await.find_form("/consent").is_some(), "{}", ask.target());
    }
    let bob = world.gateway.signed_in("bob").await;
    assert!(bob.get(&same.target()).await.find_form("/consent").is_some());
    world.finish().await;
}

/// Another name, another address, or other keys: the person said yes to something else.
#[tokio::test]
async fn a_client_that_changed_is_asked_about_again() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "none").await;
    let store = world.gateway.store();
    remember(&client, &visitor, "mcp:read").await;
    let ask = client.ask("own").with("scope", "mcp:read").target();
    let open_page = visitor.get(&client.ask("own").target()).await;
    let consent = store
        .consent("alice", "web", &client.redirect_uri, &world.gateway.resource("own"))
        .await
        .unwrap()
        .unwrap();
    let mut changed = store.client("web").await.unwrap().unwrap().client;
    store.remove_client("web", super::now(&world)).await.unwrap();
    changed.name = Some("Something else".into());
    store.add_client(&changed, None).await.unwrap();
    store.remember_consent(&consent).await.unwrap();
    assert!(visitor.get(&ask).await.find_form("/consent").is_some());
    let late = visitor.decide(&open_page, "approve").await;
    assert_eq!((late.status, late.header("location")), (400, None), "the page was about another client");
    world.finish().await;
}

/// RFC 9700 section 4.7: a form counts in the browser and for the person that it was given to.
#[tokio::test]
async fn a_form_counts_for_its_person_in_its_browser() {
    let world = world().await;
    let (alice, bob) = (world.gateway.signed_in("alice").await, world.gateway.signed_in("bob").await);
    let elsewhere = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let page = alice.get(&client.ask("own").target()).await;
    for visitor in [&bob, &elsewhere, &world.gateway.visitor()] {
        visitor.get("/sign-in").await;
        let answer = visitor.decide(&page, "approve").await;
        assert_eq!((answer.status, answer.heading()), (400, "Please begin again".to_owned()));
    }
    // The same browser, another person.
    let session = bob.cookie("doorward_session").unwrap();
    let borrowed = alice.cookie("doorward_session").unwrap();
    alice.set_cookie("doorward_session", &session);
    assert_eq!(alice.decide(&page, "approve").await.status, 400);
    alice.set_cookie("doorward_session", &borrowed);
    assert!(alice.decide(&page, "approve").await.told("code").is_some());
    world.finish().await;
}

#[tokio::test]
async fn a_form_that_was_tampered_with_is_none_of_ours() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let page = visitor.get(&client.ask("own").target()).await;
    let form = page.form("/consent").set("decision", "approve");
    let (request, csrf) = (form.value("request").to_owned(), form.value("csrf").to_owned());
    let mut flipped = request.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let sign_out = page.form("/sign-out").value("csrf").to_owned();
    for bad in [
        form.clone().set("csrf", ""),
        form.clone().set("csrf", &request),
        form.clone().set("request", ""),
        form.clone().set("request", &csrf),
        form.clone().set("request", &sign_out),
        form.clone().set("request", &flipped),
        form.clone().set("request", &request[..request.len() - 1]),
        form.clone().set("request", &"A".repeat(20_000)),
    ] {
        let answer = visitor.submit(&bad).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
        assert_eq!(world.gateway.last_record().await["reason"], "form_stale");
    }
    world.gateway.clock.advance(601);
    assert_eq!(visitor.submit(&form).await.status, 400, "ten minutes are over");
    world.finish().await;
}

#[tokio::test]
async fn other_pages_cannot_press_our_buttons() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let page = visitor.get(&client.ask("own").target()).await;
    let form = page.form("/consent").set("decision", "approve");
    for origin in ["https://evil.example", "http://127.0.0.1:1", "http://localhost", ""] {
        let answer = visitor.send(visitor.call(&form).set("Origin", origin)).await;
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(world.gateway.last_record().await["reason"], "origin_not_allowed");
    }
    for origin in [world.gateway.url(), "null".to_owned()] {
        let page = visitor.get(&client.ask("own").target()).await;
        let form = page.form("/consent").set("decision", "approve");
        let answer = visitor.send(visitor.call(&form).set("Origin", &origin)).await;
        assert_eq!(answer.status, 303, "{origin}");
    }
    world.finish().await;
}

#[tokio::test]
async fn prompt_none_shows_no_page() {
    let world = world().await;
    let client = world.gateway.operators("web", "basic").await;
    let ask = client.ask("own").with("prompt", "none").with("scope", "mcp:read").target();
    let nobody = world.gateway.visitor();
    assert_eq!(nobody.get(&ask).await.told("error").as_deref(), Some("login_required"));
    let visitor = world.gateway.signed_in("alice").await;
    assert_eq!(visitor.get(&ask).await.told("error").as_deref(), Some("consent_required"));
    remember(&client, &visitor, "mcp:read").await;
    assert!(visitor.get(&ask).await.told("code").is_some());
    world.finish().await;
}

/// OpenID Connect Core section 3.1.2.1: the client wants the person to show again who they are, once.
#[tokio::test]
async fn prompt_login_asks_again_who_it_is() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let visitor = world.gateway.signed_in("bob").await;
    let client = world.gateway.operators("web", "basic").await;
    remember(&client, &visitor, "mcp:read mcp:call").await;
    for prompt in ["login", "select_account", "login consent"] {
        let page = visitor.get(&client.ask("own").with("prompt", prompt).target()).await;
        assert_eq!(
            page.heading(),
            "Sign in",
            "{prompt}: though somebody is signed in, and has said yes before"
        );
        let consent = visitor.sign_in(&page, "alice").await;
        assert_eq!(consent.heading(), "Allow access to own?", "{prompt}");
    }
    world.finish().await;
}

/// "Not you?" signs out and leads back to the same request.
#[tokio::test]
async fn a_person_may_be_somebody_else() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    world.gateway.add_user("bob", &[]).await;
    let client = world.gateway.native().await;
    let page = visitor.get(&client.ask("own").target()).await;
    let answer = visitor.submit(&page.form("/sign-out")).await;
    assert_eq!(answer.status, 303);
    let sign_in = visitor.follow(&answer).await;
    let consent = visitor.sign_in(&sign_in, "bob").await;
    let code = visitor.decide(&consent, "approve").await.told("code").unwrap();
    client.redeem(&code).send().await;
    assert_eq!(world.gateway.last_record().await["subject"], "bob");
    world.finish().await;
}

/// The words of the page name what is curated.
#[tokio::test]
async fn the_page_says_what_could_be_done() {
    let narrow = "[[server]]\nname = \"narrow\"\nupstreams = [\"notes\"]\ntools = [\"echo\"]";
    let world = world_with(narrow).await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let page = visitor.get(&client.ask("narrow").target()).await.text();
    assert!(page.contains("echo"), "{page}");
    assert!(page.contains("any program on this computer could receive the answer"), "{page}");
    let web = world.gateway.operators("web", "basic").await;
    let page = visitor.get(&web.ask("narrow").target()).await.text();
    assert!(page.contains("Your operator") && !page.contains("any program on this computer"));
    world.finish().await;
}
