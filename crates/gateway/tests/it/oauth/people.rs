//! People who sign in with a name and a password, browsers that are known again, and the first administrator.

use doorward_model::Secret;
use doorward_store::UserChange;
use serde_json::json;

use super::{now, until, world};
use crate::harness::{Answer, PASSWORD};

/// Everything that can be seen of a page, but for what is sealed anew each time and what the person typed.
fn seen(answer: &Answer, typed: &str) -> (u16, Vec<(String, String)>, String) {
    let (status, mut headers, mut text) = answer.observable();
    headers
        .retain(|(name, _)| !matches!(name.to_ascii_lowercase().as_str(), "content-length" | "set-cookie"));
    let form = answer.form("/sign-in");
    for name in ["csrf", "request"] {
        text = text.replace(form.value(name), "");
    }
    (status, headers, text.replace(&format!("value=\"{typed}\""), ""))
}

#[tokio::test]
async fn nobody_learns_which_users_there_are() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let visitor = world.gateway.visitor();
    let page = visitor.get("/sign-in").await;
    let wrong = visitor.try_sign_in(&page, "alice", "a wrong password").await;
    let record = world.gateway.last_record().await;
    for name in ["nobody", "ALICE", "../alice", "x"] {
        let unknown = visitor.try_sign_in(&page, name, "a wrong password").await;
        assert_eq!(seen(&unknown, name), seen(&wrong, "alice"), "{name}");
        let other = world.gateway.last_record().await;
        for member in ["reason", "decision", "fault", "status", "detail", "subject"] {
            assert_eq!(other[member], record[member], "{member}");
        }
    }
    assert_eq!((wrong.status, &record["reason"]), (403, &json!("sign_in_failed")));
    assert!(visitor.cookie("doorward_session").is_none());
    world.finish().await;
}

#[tokio::test]
async fn guessing_a_password_is_throttled_for_one_name_and_address() {
    let world = world().await;
    world.gateway.clock.stop();
    world.gateway.add_user("alice", &[]).await;
    world.gateway.add_user("bob", &[]).await;
    let visitor = world.gateway.visitor();
    let page = visitor.get("/sign-in").await;
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(visitor.try_sign_in(&page, "alice", "a wrong password").await.status);
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 403, 403, 403, 429, 429]);
    let right = visitor.try_sign_in(&page, "alice", PASSWORD).await;
    assert_eq!(right.status, 429, "not even the right one");
    assert!(right.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok_and(|wait| wait > 0)));
    assert_eq!(world.gateway.last_record().await["reason"], "sign_in_throttled");
    assert_eq!(visitor.try_sign_in(&page, "bob", PASSWORD).await.status, 303, "nobody else is locked out");
    world.gateway.clock.advance(60);
    assert_eq!(visitor.try_sign_in(&page, "alice", PASSWORD).await.status, 303);
    world.finish().await;
}

/// Session fixation: what was there before somebody signed in is nothing afterwards.
#[tokio::test]
async fn signing_in_begins_a_new_session() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let attacker = world.gateway.signed_in("mallory").await;
    let planted = attacker.cookie("doorward_session").unwrap();
    let visitor = world.gateway.visitor();
    let page = visitor.get("/sign-in").await;
    visitor.set_cookie("doorward_session", &planted);
    let answer = visitor.try_sign_in(&page, "alice", PASSWORD).await;
    assert_eq!(answer.status, 303);
    assert_ne!(visitor.cookie("doorward_session").unwrap(), planted);
    let own = attacker.get("/console/access").await;
    assert!(own.find_form("/sign-out").is_some() && !own.text().contains("alice"));
    for made_up in ["dwss_x", "", "a"] {
        attacker.set_cookie("doorward_session", made_up);
        assert!(attacker.get("/console/access").await.find_form("/sign-in").is_some(), "{made_up:?}");
    }
    world.finish().await;
}

/// Login CSRF: a sign-in form counts where it was given out, so nobody is signed in as somebody else.
#[tokio::test]
async fn a_sign_in_form_counts_in_its_own_browser() {
    let world = world().await;
    world.gateway.add_user("mallory", &[]).await;
    let (attacker, victim) = (world.gateway.visitor(), world.gateway.visitor());
    let page = attacker.get("/sign-in").await;
    victim.get("/sign-in").await;
    assert_eq!(victim.try_sign_in(&page, "mallory", PASSWORD).await.status, 400);
    let own = page.form("/sign-in").set("username", "mallory").set("password", PASSWORD);
    for bad in [
        own.clone().set("request", "x"),
        own.clone().set("csrf", "x"),
        own.clone().set("request", own.value("csrf")),
    ] {
        assert_eq!(attacker.submit(&bad).await.status, 400);
    }
    assert_eq!(attacker.submit(&own).await.status, 303);
    world.finish().await;
}

#[tokio::test]
async fn signing_out_ends_the_session_everywhere() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let stolen = visitor.cookie("doorward_session").unwrap();
    let page = visitor.get("/console/access").await;
    let foreign = world.gateway.signed_in("bob").await;
    assert_eq!(foreign.submit(&page.form("/sign-out")).await.status, 400, "nobody signs others out");
    let out = visitor.submit(&page.form("/sign-out")).await;
    assert_eq!((out.status, out.heading()), (200, "You are signed out".to_owned()));
    assert!(visitor.cookie("doorward_session").is_none());
    let thief = world.gateway.visitor();
    thief.set_cookie("doorward_session", &stolen);
    assert!(thief.get("/console/access").await.find_form("/sign-in").is_some());
    world.finish().await;
}

#[tokio::test]
async fn a_session_ends_when_nobody_comes_and_after_a_week() {
    let world = world().await;
    let (idle, busy) = (world.gateway.signed_in("alice").await, world.gateway.signed_in("bob").await);
    for _ in 0..23 {
        world.gateway.clock.advance(7 * 3600);
        assert!(busy.get("/console/access").await.find_form("/sign-out").is_some());
    }
    assert!(idle.get("/console/access").await.find_form("/sign-in").is_some());
    world.gateway.clock.advance(8 * 3600 - 60);
    assert!(busy.get("/console/access").await.find_form("/sign-in").is_some(), "a week is over");
    world.finish().await;
}

/// `doorward user password` while `serve` runs.
#[tokio::test]
async fn a_new_password_ends_sessions() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let visitor = world.gateway.visitor();
    let page = visitor.get("/sign-in").await;
    visitor.sign_in(&page, "alice").await;
    let hashed = doorward_auth::keys::password::hash(&Secret::new("another password".into())).unwrap();
    let change = UserChange { password_hash: Some(hashed), ..UserChange::default() };
    world.gateway.store().change_user("alice", &change, now(&world)).await.unwrap();
    let page = visitor.get("/console/access").await;
    assert_eq!(visitor.try_sign_in(&page, "alice", PASSWORD).await.status, 403);
    assert_eq!(visitor.try_sign_in(&page, "alice", "another password").await.status, 303);
    world.finish().await;
}

/// `doorward user` takes the administrator's rights away while `serve` runs.
#[tokio::test]
async fn who_is_no_longer_an_administrator_sees_only_their_own() {
    let world = world().await;
    let link = world.gateway.app.first_administrator_link().await.unwrap().unwrap();
    world.gateway.plant_link(&link);
    let root = world.gateway.visitor();
    let form = root.get(&link).await.form("/first-administrator");
    world.gateway.plant(PASSWORD);
    let form = form.set("username", "root").set("password", PASSWORD).set("password_again", PASSWORD);
    root.submit(&form).await;
    let alice = world.gateway.signed_in("alice").await;
    world.gateway.native().await.tokens(&alice, "own").await;
    assert!(root.get("/console/access").await.text().contains("alice"));
    let change = UserChange { administrator: Some(false), ..UserChange::default() };
    world.gateway.store().change_user("root", &change, now(&world)).await.unwrap();
    until(|| async { !root.get("/console/access").await.text().contains("alice") }).await;
    world.finish().await;
}

#[tokio::test]
async fn the_first_administrators_link_works_once() {
    let world = world().await;
    let older = world.gateway.app.first_administrator_link().await.unwrap().unwrap();
    let link = world.gateway.app.first_administrator_link().await.unwrap().unwrap();
    world.gateway.plant_link(&older);
    world.gateway.plant_link(&link);
    let visitor = world.gateway.visitor();
    for bad in [older.as_str(), "/first-administrator", "/first-administrator?token=dwfa_x"] {
        assert_eq!(visitor.get(bad).await.status, 404, "{bad}");
    }
    world.gateway.plant(PASSWORD);
    let form = visitor.get(&link).await.form("/first-administrator").set("username", "root");
    let form = form.set("password", PASSWORD).set("password_again", PASSWORD);
    for bad in [
        form.clone().set("username", "Not A Name"),
        form.clone().set("username", ""),
        form.clone().set("password", "short").set("password_again", "short"),
        form.clone().set("password_again", "something else"),
    ] {
        assert_eq!(visitor.submit(&bad).await.status, 422);
    }
    assert_eq!(world.gateway.visitor().submit(&form).await.status, 400, "another browser");
    let second = world.gateway.visitor();
    let late = second.get(&link).await.form("/first-administrator").set("username", "eve");
    let late = late.set("password", PASSWORD).set("password_again", PASSWORD);
    assert_eq!(visitor.submit(&form).await.header("location"), Some("/console/access"));
    assert_eq!(second.submit(&late).await.status, 404);
    assert_eq!(visitor.get(&link).await.status, 404);
    assert!(world.gateway.store().user("root").await.unwrap().is_some_and(|user| user.administrator));
    assert!(world.gateway.store().user("eve").await.unwrap().is_none());
    assert_eq!(world.gateway.app.first_administrator_link().await.unwrap(), None, "never again");
    world.finish().await;
}
