//! Ways round that reviewers found, and that are no more.

use doorward_store::UserChange;
use futures_util::future::join_all;
use serde_json::json;

use super::{now, opens, world};
use crate::harness::PASSWORD;

#[tokio::test]
async fn guessing_many_passwords_at_once_is_no_way_round_the_throttle() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let visitor = world.gateway.visitor();
    let page = visitor.get("/sign-in").await;
    let guesses = (0..24).map(|_| visitor.try_sign_in(&page, "alice", "a wrong password"));
    let statuses: Vec<_> = join_all(guesses).await.iter().map(|answer| answer.status).collect();
    let count = |status| statuses.iter().filter(|&&found| found == status).count();
    assert_eq!((count(403), count(429)), (8, 16));
    world.finish().await;
}

#[tokio::test]
async fn signing_in_again_and_again_is_never_throttled() {
    let world = world().await;
    world.gateway.add_user("alice", &[]).await;
    let visitor = world.gateway.visitor();
    let page = visitor.get("/sign-in").await;
    for _ in 0..12 {
        assert_eq!(visitor.try_sign_in(&page, "alice", PASSWORD).await.status, 303);
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_asked_by_head_is_asked_by_nobody() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let target = client.ask("own").target();
    let page = visitor.get(&target).await;
    let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
    assert_eq!(visitor.submit(&form).await.status, 303);
    assert_eq!(visitor.get(&target).await.status, 303, "a code at once");
    assert_eq!(visitor.send(world.gateway.call("HEAD", &target)).await.status, 200, "no code");
    world.finish().await;
}

#[tokio::test]
async fn an_address_that_only_takes_forms_leads_on() {
    let world = world().await;
    let visitor = world.gateway.visitor();
    for path in [
        "/consent",
        "/sign-out",
        "/sign-in/corp",
        "/console/access/revoke",
        "/console/connections/disconnect",
    ] {
        let answer = visitor.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/console/access")), "{path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_code_is_no_good_for_somebody_who_lost_a_group_meanwhile() {
    let world = world().await;
    let visitor = world.gateway.signed_in_with("alice", &["eng"]).await;
    let client = world.gateway.native().await;
    let code = client.code(&visitor, "own").await;
    let change = UserChange { password_hash: None, administrator: None, groups: Some(Vec::new()) };
    assert!(world.gateway.store().change_user("alice", &change, now(&world)).await.expect("changed"));
    assert_eq!(client.redeem(&code).error().await, "invalid_grant");
    world.finish().await;
}

#[tokio::test]
async fn access_that_was_taken_back_is_asked_for_again() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.operators("web", "basic").await;
    let ask = client.ask("own");
    let page = visitor.get(&ask.target()).await;
    let form = page.form("/consent").set("decision", "approve").set("remember", "yes");
    let answer = visitor.submit(&form).await;
    let code = answer.told("code").expect("a code");
    let tokens = crate::harness::Tokens::of(&client.redeem(&code).send().await);
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(visitor.get(&ask.target()).await.status, 303, "remembered");
    assert_eq!(client.revoke(&tokens.refresh).send().await.status, 200);
    assert_eq!(visitor.get(&ask.target()).await.status, 200, "asked again");
    world.finish().await;
}

#[tokio::test]
async fn nobody_learns_of_the_network_from_an_unusable_document() {
    let world = world().await;
    let visitor = world.gateway.visitor();
    let mut pages = Vec::new();
    for host in ["no-such-host.invalid", "169.254.169.254", "10.0.0.1", "127.0.0.1:9"] {
        let target = format!("/authorize?client_id=https%3A%2F%2F{host}%2Fclient&response_type=code");
        let page = visitor.get(&target).await;
        let id = world.gateway.last_record().await["request_id"].as_str().unwrap_or_default().to_owned();
        pages.push((page.status, page.text().replace(&id, "")));
        assert!(world.gateway.last_record().await["detail"].is_string(), "the operator learns why");
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
    assert_eq!(pages[0].0, 400);
    world.finish().await;
}

#[tokio::test]
async fn the_style_of_the_pages_is_the_same_for_every_browser() {
    let world = world().await;
    let answer = world.gateway.call("GET", "/console/assets/app.css").send().await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    world.finish().await;
}

#[tokio::test]
async fn a_public_client_is_not_kept_out_by_somebody_who_guesses_for_it() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let code = client.code(&visitor, "own").await;
    for _ in 0..25 {
        let guess = client.redeem(&code).with("client_secret", "x").send().await;
        assert!(matches!(guess.status, 401 | 429), "{}", guess.text());
        if guess.status == 429 {
            assert!(guess.header("retry-after").is_some());
        }
    }
    assert_eq!(client.redeem(&code).send().await.status, 200);
    assert_eq!(world.gateway.last_record().await["reason"], json!("ok"));
    world.finish().await;
}

#[tokio::test]
async fn the_record_of_access_that_was_taken_back_says_by_whom_and_whose() {
    let world = world().await;
    let alice = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    client.tokens(&alice, "own").await;
    let person = doorward_model::Person {
        subject: "root".into(),
        name: "root".into(),
        groups: Vec::new(),
        domain: None,
        administrator: true,
    };
    let root = world.gateway.session_of(person).await;
    let page = root.get("/console/access").await;
    assert_eq!(root.submit(&page.form("/console/access/revoke")).await.status, 200);
    let record = world.gateway.last_record().await;
    assert_eq!((&record["subject"], &record["client"]), (&json!("root"), &json!(client.id)));
    assert!(record["detail"].as_str().is_some_and(|detail| detail.ends_with(" of alice")), "{record}");
    world.finish().await;
}
