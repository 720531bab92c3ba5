//! "My connections".

use doorward_model::Clock as _;
use doorward_testkit::recorder::Reply;

use super::World;

#[tokio::test]
async fn a_person_sees_renews_and_ends_their_own_connections() {
    let world = World::start().await;
    let (alice, bob) = (world.gateway.signed_in("alice").await, world.gateway.signed_in("bob").await);
    let before = alice.get("/console/connections").await;
    assert!(before.text().contains("not connected") && before.text().contains("href=\"/connect/notes\""));
    assert!(before.find_form("/console/connections/disconnect").is_none());
    world.connect(&alice, "notes").await;
    let page = alice.get("/console/connections").await;
    assert!(page.text().contains(world.authority.url()) && page.text().contains("Renew"));
    assert!(!bob.get("/console/connections").await.text().contains(world.authority.url()), "hers alone");
    let tokens: Vec<_> =
        world.authority.secrets().into_iter().filter(|it| world.authority.is_live(it)).collect();
    assert_eq!(tokens.len(), 2);
    let answer = alice.submit(&page.form("/console/connections/disconnect")).await;
    assert!(answer.text().contains("here and there"), "{}", answer.text());
    assert!(tokens.iter().all(|token| !world.authority.is_live(token)), "revoked at the other side");
    assert!(!world.is_connected("upstream:notes", "alice").await);
    let detail = format!("disconnected upstream:notes of alice, revoked at {}", world.authority.url());
    assert_eq!(world.gateway.last_record().await["detail"], detail.as_str());
    let again = alice.submit(&page.form("/console/connections/disconnect")).await;
    assert_eq!((again.status, world.last_reason().await.as_str()), (404, "connection_unknown"));
    for dead_end in
        [again, alice.get("/oauth/callback?state=old&code=x").await, alice.get("/connect/nothing").await]
    {
        assert!(
            (400..500).contains(&dead_end.status)
                && dead_end.text().contains("href=\"/console/connections\"")
        );
    }
    world.finish().await;
}

#[tokio::test]
async fn only_what_is_connected_is_said_to_be() {
    let world = World::start().await;
    let alice = world.gateway.signed_in("alice").await;
    let target = |place: &str| format!("/console/connections?connected={place}");
    for place in ["upstream:nosuch", "upstream:notes", "upstream:plain", "agent:notes", "nonsense"] {
        let page = alice.get(&target(place)).await;
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("is connected."), "{place}");
    }
    world.connect(&alice, "notes").await;
    assert!(alice.get(&target("upstream:notes")).await.text().contains("is connected."));
    let bob = world.gateway.signed_in("bob").await;
    assert!(!bob.get(&target("upstream:notes")).await.text().contains("is connected."), "hers alone");
    let version = world.gateway.store().connection("upstream:notes", "alice").await.unwrap().unwrap().version;
    let (store, now) = (world.gateway.store(), world.gateway.clock.now());
    assert!(store.break_connection("upstream:notes", "alice", version, "gone", now).await.unwrap());
    assert!(!alice.get(&target("upstream:notes")).await.text().contains("is connected."), "not any more");
    world.finish().await;
}

#[tokio::test]
async fn what_broke_says_since_when_and_why_and_stays_text() {
    let world = World::start().await;
    let alice = world.gateway.signed_in("alice").await;
    world.connect(&alice, "notes").await;
    let day = |text: &str, after: &str| {
        let (_, rest) = text.split_once(after).unwrap_or_else(|| panic!("{after}: {text}"));
        rest.split([':', '<', ',']).next().unwrap().to_owned()
    };
    let connected = day(&alice.get("/console/connections").await.text(), "connected on ");
    let (store, later) = (world.gateway.store(), world.gateway.clock.now().plus_secs(3 * 86_400));
    let version = store.connection("upstream:notes", "alice").await.unwrap().unwrap().version;
    let why = "notes refused <b>it</b> \u{202e}(invalid_grant)";
    assert!(store.break_connection("upstream:notes", "alice", version, why, later).await.unwrap());
    let text = alice.get("/console/connections").await.text();
    assert_ne!(day(&text, "ended on "), connected, "not the day of the last renewal");
    assert!(text.contains("invalid_grant") && !text.contains("<b>") && !text.contains('\u{202e}'), "{text}");
    world.finish().await;
}

#[tokio::test]
async fn nobody_ends_what_is_somebody_elses_but_an_administrator() {
    let world = World::start().await;
    let (alice, bob) = (world.gateway.signed_in("alice").await, world.gateway.signed_in("bob").await);
    let root = world.administrator().await;
    world.connect(&alice, "notes").await;
    world.connect(&bob, "notes").await;
    let path = "/console/connections/disconnect";
    let hers = alice.get("/console/connections").await.form(path);
    let his = bob.get("/console/connections").await.form(path);
    let stolen = his.clone().set("connection", hers.value("connection"));
    for form in [hers.clone(), stolen, his.clone().set("connection", ""), his.clone().set("csrf", "")] {
        assert_eq!(bob.submit(&form).await.status, 400);
    }
    // In her own browser, where somebody else is signed in now.
    let same_browser = world.gateway.signed_in("bob").await;
    same_browser.set_cookie("doorward_browser", &alice.cookie("doorward_browser").unwrap());
    assert_eq!(same_browser.submit(&hers).await.status, 404);
    assert!(world.is_connected("upstream:notes", "alice").await);
    let page = root.get("/console/connections").await;
    for person in ["alice", "bob"] {
        assert!(page.text().contains(person), "{person}");
    }
    let answer = root.submit(&page.form(path)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!world.is_connected("upstream:notes", "alice").await, "the first of the list");
    assert!(world.is_connected("upstream:notes", "bob").await);
    world.finish().await;
}

#[tokio::test]
async fn an_other_side_that_does_not_listen_keeps_no_connection_alive_here() {
    let world = World::start().await;
    let alice = world.gateway.signed_in("alice").await;
    for broken in [true, false] {
        world.connect(&alice, "notes").await;
        if broken {
            world.authority.always("/revoke", Reply::empty(500));
        } else {
            world.authority.behave();
            world.authority.set(|manners| manners.revokes = false);
            world.gateway.clock.advance(700);
        }
        let form = alice.get("/console/connections").await.form("/console/connections/disconnect");
        let answer = alice.submit(&form).await;
        assert!(answer.text().contains("could not be told"), "{}", answer.text());
        assert!(!world.is_connected("upstream:notes", "alice").await);
        let detail = world.gateway.last_record().await["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("not revoked"), "{detail}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_console_leads_from_access_to_connections_and_back() {
    let world = World::start().await;
    let alice = world.gateway.signed_in("alice").await;
    assert!(alice.get("/console/access").await.text().contains("href=\"/console/connections\""));
    assert!(alice.get("/console/connections").await.text().contains("href=\"/console/access\""));
    let visitor = world.gateway.visitor();
    assert_eq!(visitor.get("/console/connections").await.heading(), "Sign in");
    world.finish().await;
}
