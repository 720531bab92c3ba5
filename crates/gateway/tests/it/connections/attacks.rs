//! Attacks on the way there and back, by the numbers of the threat catalogue.

use doorward_model::Clock as _;
use doorward_testkit::{
    authority::{Iss, ScriptedAuthority},
    recorder::{Gate, Reply},
};

use super::World;
use crate::harness::parameter;

/// A1: somebody hands the address at the other side to a victim whose session there is live. What the victim brings back
/// belongs to nobody.
#[tokio::test]
async fn a01_a_handed_over_address_connects_nothing() {
    let world = World::start().await;
    let (attacker, victim) =
        (world.gateway.signed_in("mallory").await, world.gateway.signed_in("alice").await);
    victim.get("/console/connections").await;
    let page = attacker.get("/connect/notes").await;
    let handed = world.sent(&attacker, &page, "/connect/notes").await;
    let back = world.there(&handed).await;
    for browser in [&victim, &world.gateway.visitor()] {
        let answer = browser.get(&back).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
    assert!(world.authority.token_requests("authorization_code").is_empty(), "the code is not redeemed");
    for person in ["alice", "mallory"] {
        assert!(!world.is_connected("upstream:notes", person).await);
    }
    world.finish().await;
}

/// Who is removed while their code is redeemed leaves nothing behind.
#[tokio::test]
async fn who_is_removed_on_the_way_back_connects_nothing() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let page = visitor.get("/connect/notes").await;
    let back = world.there(&world.sent(&visitor, &page, "/connect/notes").await).await;
    let gate = Gate::default();
    world.authority.hold("/token", &gate);
    let removed = async {
        world.authority.wait_for("/token", 1).await.unwrap();
        let now = world.gateway.clock.now();
        assert!(world.gateway.store().remove_user("alice", now).await.unwrap());
        gate.end();
    };
    let (answer, ()) = tokio::join!(visitor.get(&back), removed);
    assert_eq!((answer.status, answer.header("location")), (400, None), "{}", answer.text());
    assert_eq!(world.gateway.store().connections_of("alice").await.unwrap(), []);
    world.finish().await;
}

/// A1, the page itself: nobody is sent anywhere by opening an address, or by a form that is not of this browser.
#[tokio::test]
async fn a01_nobody_is_sent_there_without_saying_so() {
    let world = World::start().await;
    let (mallory, alice) = (world.gateway.signed_in("mallory").await, world.gateway.signed_in("alice").await);
    let form = mallory.get("/connect/notes").await.form("/connect/notes");
    alice.get("/connect/notes").await;
    for form in [form.clone(), form.clone().set("csrf", ""), form.clone().set("request", "x")] {
        let answer = alice.submit(&form).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
    // A form for one place is none for another.
    let elsewhere = mallory.call(&form);
    assert_eq!(mallory.send(elsewhere).await.status, 303);
    assert_eq!(world.authority.asked("/authorize").len(), 0);
    world.finish().await;
}

/// A3: an answer that is not of the server that was asked is not used, errors included (RFC 9207, RFC 9700 section 4.4).
#[tokio::test]
async fn a03_only_the_server_that_was_asked_can_answer() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let other = |text: &str| Iss::Other(text.to_owned());
    let slash = format!("{}/", world.authority.url());
    for (announces, iss) in [
        (true, Iss::Absent),
        (true, other("https://evil.example")),
        (false, other("https://evil.example")),
        (true, other(&slash)),
        (true, other(&world.authority.url().to_uppercase())),
    ] {
        world.gateway.clock.advance(700);
        world.authority.set(|manners| {
            manners.announces_iss = announces;
            manners.iss = iss.clone();
        });
        let page = visitor.get("/connect/notes").await;
        let answer = world.through(&visitor, &page, "/connect/notes").await;
        assert_eq!((answer.status, world.last_reason().await.as_str()), (400, "connect_mixed_up"), "{iss:?}");
        world.authority.set(|manners| manners.refuses = Some("server_error".to_owned()));
        let page = visitor.get("/connect/notes").await;
        let answer = world.through(&visitor, &page, "/connect/notes").await;
        assert_eq!(world.last_reason().await, "connect_mixed_up");
        assert!(!answer.text().contains("server_error"), "nothing of a stranger's is told");
        world.authority.set(|manners| manners.refuses = None);
    }
    assert!(world.authority.token_requests("authorization_code").is_empty());
    world.authority.set(|manners| (manners.announces_iss, manners.iss) = (false, Iss::Absent));
    world.gateway.clock.advance(700);
    world.connect(&visitor, "notes").await;
    world.finish().await;
}

/// A3: metadata in the name of another issuer, and metadata of another resource, are believed of nobody.
#[tokio::test]
async fn a03_documents_are_believed_about_those_who_were_asked() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let refused = async || {
        world.gateway.clock.advance(120);
        let page = visitor.get("/connect/notes").await;
        assert_eq!((page.status, world.last_reason().await.as_str()), (502, "connect_unusable"));
        assert!(page.find_form("/connect/notes").is_none());
    };
    world.authority.set(|manners| manners.issuer = Some("https://evil.example".to_owned()));
    refused().await;
    world.authority.set(|manners| manners.issuer = None);
    world.authority.set(|manners| manners.resource = Some("https://evil.example/mcp".to_owned()));
    refused().await;
    world.authority.set(|manners| manners.resource = None);
    world.authority.set(|manners| manners.challenge_methods.clear());
    refused().await;
    assert!(world.authority.asked("/register").is_empty(), "nothing is said to them");
    world.finish().await;
}

/// A3: the page says where one is sent; another address that its server names meanwhile is not gone to.
#[tokio::test]
async fn a03_nobody_is_sent_elsewhere_than_the_page_said() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    let page = visitor.get("/connect/notes").await;
    world.authority.set(|manners| {
        manners.authorization_endpoint = Some("https://evil.example/authorize".to_owned());
    });
    world.gateway.clock.advance(120);
    let answer = visitor.submit(&page.form("/connect/notes")).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
    assert_eq!(world.last_reason().await, "form_stale");
    let page = visitor.get("/connect/notes").await;
    assert!(page.text().contains("https://evil.example"), "it is said anew");
    world.finish().await;
}

/// A12: an upstream that names another authorization server gets nothing sent there, until somebody approves it.
#[tokio::test]
async fn a12_a_changed_authorization_server_is_sent_nothing() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    world.connect(&visitor, "notes").await;
    let evil = ScriptedAuthority::start().await.unwrap();
    world.authority.set(|manners| manners.authorities = Some(vec![evil.url().to_owned()]));
    world.gateway.clock.advance(120);
    for _ in 0..2 {
        let page = visitor.get("/connect/notes").await;
        assert_eq!((page.status, page.find_form("/connect/notes").is_none()), (409, true));
        assert!(page.text().contains(evil.url()) && page.text().contains(world.authority.url()));
        let record = world.gateway.last_record().await;
        assert_eq!(record["reason"], "authorization_server_changed");
        assert!(record["detail"].as_str().unwrap().contains(evil.url()));
    }
    assert!(evil.requests().is_empty(), "{:?}", evil.requests());
    // Nor is it told when the connection ends.
    let form = visitor.get("/console/connections").await.form("/console/connections/disconnect");
    assert!(visitor.submit(&form).await.text().contains("could not be told"));
    assert!(evil.requests().is_empty());
    // Another that is listed beside the approved one changes nothing.
    let both = vec![evil.url().to_owned(), world.authority.url().to_owned()];
    world.authority.set(|manners| manners.authorities = Some(both));
    world.gateway.clock.advance(120);
    world.connect(&visitor, "notes").await;
    assert!(evil.requests().is_empty());
    // The operator says yes: what the old one gave ends, and people are sent to the new one.
    world.authority.set(|manners| manners.authorities = Some(vec![evil.url().to_owned()]));
    let now = doorward_model::Clock::now(&*world.gateway.clock);
    assert!(
        world.gateway.store().approve_authority("upstream:notes", evil.url(), "test", now).await.unwrap()
    );
    assert!(!world.is_connected("upstream:notes", "alice").await);
    world.gateway.clock.advance(120);
    let page = visitor.get("/connect/notes").await;
    assert!(page.text().contains(evil.url()), "{}", page.text());
    world.finish().await;
}

/// A13: an attacker cannot connect an account of theirs to a victim, nor a victim's to themselves: who comes back is who
/// went, in the browser that went, once.
#[tokio::test]
async fn a13_who_comes_back_is_who_went() {
    let world = World::start().await;
    let alice = world.gateway.signed_in("alice").await;
    let page = alice.get("/connect/notes").await;
    let back = world.there(&world.sent(&alice, &page, "/connect/notes").await).await;
    // Somebody else signs in, in the very same browser.
    let bob = world.gateway.signed_in("bob").await;
    bob.set_cookie("doorward_browser", &alice.cookie("doorward_browser").unwrap());
    let answer = bob.get(&back).await;
    assert_eq!((answer.status, world.last_reason().await.as_str()), (403, "connect_other_person"));
    // The way back is used up for her, too.
    assert_eq!(alice.get(&back).await.status, 400);
    // Nobody is signed in any more.
    let page = alice.get("/connect/notes").await;
    let back = world.there(&world.sent(&alice, &page, "/connect/notes").await).await;
    let nobody = world.gateway.visitor();
    nobody.set_cookie("doorward_browser", &alice.cookie("doorward_browser").unwrap());
    assert_eq!(nobody.get(&back).await.status, 400);
    assert!(world.authority.token_requests("authorization_code").is_empty());
    // Twice is once too often.
    let page = alice.get("/connect/notes").await;
    let back = world.there(&world.sent(&alice, &page, "/connect/notes").await).await;
    assert_eq!(alice.get(&back).await.status, 303);
    assert_eq!(alice.get(&back).await.status, 400);
    assert_eq!(world.authority.token_requests("authorization_code").len(), 1);
    // And a changed one, or an old one, is none.
    let page = alice.get("/connect/notes").await;
    let back = world.there(&world.sent(&alice, &page, "/connect/notes").await).await;
    let state = parameter(&back, "state").unwrap();
    let mut changed = state.clone();
    changed.replace_range(40..41, if &state[40..41] == "A" { "B" } else { "A" });
    assert_eq!(alice.get(&back.replace(&state, &changed)).await.status, 400);
    world.gateway.clock.advance(601);
    assert_eq!(alice.get(&back).await.status, 400);
    world.finish().await;
}

/// A14: no page of a connection can be framed, and none runs a program. That every answer has the headers is checked by the
/// harness; here it is every page.
#[tokio::test]
async fn a14_pages_cannot_be_framed() {
    let world = World::start().await;
    let (alice, root) = (world.gateway.signed_in("alice").await, world.administrator().await);
    let pages = [
        alice.get("/connect/notes").await,
        alice.get("/connect/team").await,
        alice.get("/connect/nothing").await,
        alice.get("/console/connections").await,
        root.get("/console/connections").await,
        alice.get("/oauth/callback?state=x&code=y").await,
        alice.get("/authorize/continue?request=x").await,
    ];
    for page in pages {
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{}", page.text());
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script-src"), "{policy}");
    }
    world.finish().await;
}

/// A15, CVE-2025-6514: an authorization endpoint that is no web address leads nowhere, and one with a query keeps it.
#[tokio::test]
async fn a15_people_are_sent_to_web_addresses_only() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    for endpoint in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://other.example/authorize",
        "a:$(calc.exe)",
        "https://user:pw@other.example/",
        "//evil.example",
        "",
    ] {
        world.gateway.clock.advance(120);
        world.authority.set(|manners| manners.authorization_endpoint = Some(endpoint.to_owned()));
        let page = visitor.get("/connect/notes").await;
        assert_eq!(
            (page.status, world.last_reason().await.as_str()),
            (502, "connect_unusable"),
            "{endpoint}"
        );
        assert!(page.find_form("/connect/notes").is_none());
    }
    let endpoint = format!("{}/authorize?tenant=1", world.authority.url());
    world.authority.set(|manners| manners.authorization_endpoint = Some(endpoint.clone()));
    world.gateway.clock.advance(120);
    let page = visitor.get("/connect/notes").await;
    let sent = world.sent(&visitor, &page, "/connect/notes").await;
    assert!(sent.starts_with(&format!("{endpoint}&")), "{sent}");
    world.finish().await;
}

/// What documents lead to is guarded: without the operator's word nobody is asked on this computer.
#[tokio::test]
async fn documents_lead_nowhere_inside() {
    let world = World::start().await;
    let visitor = world.gateway.signed_in("alice").await;
    for address in ["http://169.254.169.254/latest", "https://10.0.0.1/as", "https://[fd00:ec2::254]/"] {
        let metadata =
            serde_json::json!({ "resource": world.recorder.url(), "authorization_servers": [address] });
        world.recorder.behave();
        world.recorder.always("GET", Reply::json(metadata));
        world.gateway.clock.advance(120);
        let page = visitor.get("/connect/notes").await;
        assert_eq!(page.status, 502, "{address}");
        assert!(matches!(world.last_reason().await.as_str(), "connect_away" | "connect_unusable"));
        assert!(!page.text().contains("10.0.0.1"), "what is around Doorward is nobody's to find out");
    }
    // What turned out to be no authorization server is not the first one.
    assert!(world.gateway.store().authority("upstream:notes").await.unwrap().is_none());
    world.recorder.behave();
    world.gateway.clock.advance(120);
    world.connect(&visitor, "notes").await;
    world.finish().await;
}
