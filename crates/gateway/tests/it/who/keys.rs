//! The issuer's keys: fetched when they are needed, no more often than that, and never done without.

use std::time::Duration;

use doorward_testkit::issuer::Failure;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::assert_invalid_token;
use crate::harness::{Answer, PATIENCE, World};

async fn list(world: &World, token: &str) -> Answer {
    world.gateway.modern("jwt", "tools/list", json!({})).bearer(token).send().await
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_who_wait() {
    let world = World::start().await;
    assert_eq!(world.issuer.fetches().jwks, 0, "nothing is fetched before it is needed");
    let tokens: Vec<_> = (0..12).map(|number| world.token(&format!("caller-{number}"), "jwt")).collect();
    let answers = tokens.iter().map(|token| list(&world, token));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(world.issuer.fetches().jwks, 1);
    assert_eq!(world.issuer.fetches().metadata(), 1);
    world.finish().await;
}

#[tokio::test]
async fn made_up_key_ids_make_one_fetch_a_minute() {
    let world = World::strict("").await;
    assert_eq!(list(&world, &world.token("alice", "jwt")).await.status, 200);
    assert_eq!(world.issuer.fetches().jwks, 1);
    let made_up = |number: usize| {
        let header = json!({ "alg": "ES256", "kid": format!("made-up-{number}"), "typ": "at+jwt" });
        world.issuer.mint_with(&header, &world.claims("alice", "jwt")).unwrap()
    };
    for round in 0..3 {
        for number in 0..8 {
            assert_invalid_token(&list(&world, &made_up(round * 8 + number)).await, "made up");
            assert_eq!(world.gateway.last_record().await["reason"], "token_key_unknown");
        }
        assert_eq!(world.issuer.fetches().jwks, 2 + round, "round {round}");
        world.gateway.clock.advance(61);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_forgotten() {
    let world = World::start().await;
    let old = world.token("alice", "jwt");
    assert_eq!(list(&world, &old).await.status, 200);
    world.issuer.rotate().unwrap();
    assert_eq!(list(&world, &world.token("alice", "jwt")).await.status, 200, "found at once");
    assert_eq!(world.issuer.fetches().jwks, 2);
    assert_eq!(list(&world, &old).await.status, 200, "verified before, and not expired");
    // One that was signed with the old key and never seen before.
    world.gateway.clock.advance(61);
    let header = json!({ "alg": "ES256", "kid": "key-1", "typ": "at+jwt" });
    let late = world.issuer.mint_with(&header, &world.claims("bob", "jwt")).unwrap();
    assert_invalid_token(&list(&world, &late).await, "the old key");
    world.finish().await;
}

#[tokio::test]
async fn everybody_with_a_new_key_gets_in_while_it_is_being_fetched() {
    let world = World::start().await;
    assert_eq!(list(&world, &world.token("alice", "jwt")).await.status, 200);
    world.issuer.rotate().unwrap();
    world.issuer.fail(Failure::Slow(Duration::from_millis(100)));
    let tokens: Vec<_> = (0..10).map(|number| world.token(&format!("caller-{number}"), "jwt")).collect();
    let answers = futures_util::future::join_all(tokens.iter().map(|token| list(&world, token))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(world.issuer.fetches().jwks, 2, "one fetch for all of them");
    world.finish().await;
}

#[tokio::test]
async fn a_key_that_was_added_works_beside_the_first() {
    let world = World::start().await;
    let first = world.token("alice", "jwt");
    world.issuer.add_key().unwrap();
    let second = world.token("alice", "jwt");
    for token in [&second, &first, &second] {
        assert_eq!(list(&world, token).await.status, 200);
    }
    assert_eq!(world.issuer.fetches().jwks, 1);
    world.finish().await;
}

/// A18: whatever is wrong with the issuer, nobody gets in, and nobody is taken for somebody else.
#[tokio::test]
async fn without_keys_nobody_gets_in() {
    for failure in [
        Failure::Down,
        Failure::Garbage,
        Failure::Unauthorized,
        Failure::Huge(300 << 10),
        Failure::Redirect("http://169.254.169.254/latest/meta-data".into()),
        Failure::WrongIssuer("https://evil.example".into()),
    ] {
        let world = World::strict("").await;
        world.issuer.fail(failure.clone());
        let token = world.token("alice", "jwt");
        for _ in 0..3 {
            assert_invalid_token(&list(&world, &token).await, &format!("{failure:?}"));
            let record = world.gateway.last_record().await;
            assert_eq!(record["reason"], "token_key_unknown", "{failure:?}");
            assert!(record["detail"].is_string(), "the operator is told why: {record}");
            assert!(record.get("subject").is_none(), "{record}");
        }
        assert!(world.recorder.requests().is_empty(), "{failure:?}");
        world.issuer.fail(None);
        world.gateway.clock.advance(60);
        assert_eq!(list(&world, &token).await.status, 200, "{failure:?}: it is over");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_leave_the_others_without_keys() {
    let world = World::start().await;
    world.issuer.fail(Failure::Slow(Duration::from_millis(300)));
    let made_up = json!({ "alg": "ES256", "kid": "made-up", "typ": "at+jwt" });
    let made_up = world.issuer.mint_with(&made_up, &world.claims("mallory", "jwt")).unwrap();
    let bytes = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&made_up).bytes();
    world.gateway.expect_record("POST /mcp/jwt");
    let mut leaving = world.gateway.connect().await;
    leaving.write_all(&bytes).await.unwrap();
    wait_until(|| world.issuer.fetches().metadata() > 0).await;
    drop(leaving);
    assert_eq!(world.gateway.records_of(1).await[0]["aborted"], true);
    // The fetch goes on without the one who asked for it.
    wait_until(|| world.issuer.fetches().jwks > 0).await;
    world.issuer.fail(None);
    let get_in = async {
        while list(&world, &world.token("alice", "jwt")).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, get_in).await.expect("the keys come");
    assert_eq!(world.issuer.fetches().metadata(), 1, "it was that fetch which brought the keys");
    world.finish().await;
}

async fn wait_until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to that");
}

#[tokio::test]
async fn a_failing_issuer_is_asked_ever_more_rarely() {
    let world = World::start().await;
    world.issuer.fail(Failure::Garbage);
    let token = world.token("alice", "jwt");
    for _ in 0..10 {
        assert_eq!(list(&world, &token).await.status, 401);
    }
    let first = world.issuer.fetches().metadata();
    world.gateway.clock.advance(2);
    for _ in 0..10 {
        assert_eq!(list(&world, &token).await.status, 401);
    }
    let second = world.issuer.fetches().metadata();
    assert!(first <= 2 && second <= 2 * first, "{first}, then {second}: one attempt each");
    world.finish().await;
}

#[tokio::test]
async fn keys_outlive_an_outage_but_a_wrong_token_does_not_pass_in_it() {
    let world = World::start().await;
    assert_eq!(list(&world, &world.token("alice", "jwt")).await.status, 200);
    world.issuer.fail(Failure::Down);
    // The keys are stale by now.
    world.gateway.clock.advance(4000);
    let mut claims = world.claims("bob", "jwt");
    claims["exp"] = (claims["iat"].as_i64().unwrap() + 9000).into();
    let token = world.issuer.mint(claims.clone()).unwrap();
    assert_eq!(list(&world, &token).await.status, 200, "stale keys are still keys");
    claims["aud"] = "elsewhere".into();
    let token = world.issuer.mint(claims).unwrap();
    assert_invalid_token(&list(&world, &token).await, "for elsewhere");
    // After a day they are of no use any more.
    world.gateway.clock.advance(25 * 3600);
    let mut claims = world.claims("carol", "jwt");
    claims["exp"] = (claims["iat"].as_i64().unwrap() + 2 * 24 * 3600).into();
    let token = world.issuer.mint(claims).unwrap();
    assert_invalid_token(&list(&world, &token).await, "a day later");
    world.finish().await;
}

#[tokio::test]
async fn a_slow_issuer_holds_up_its_own_callers_only() {
    let world = World::start().await;
    world.issuer.fail(Failure::Slow(Duration::from_millis(300)));
    let token = world.token("alice", "jwt");
    let (slow, open) = tokio::join!(list(&world, &token), async {
        world.gateway.modern("open", "tools/list", json!({})).send().await
    });
    assert_eq!((slow.status, open.status), (200, 200));
    let records = world.gateway.records().await;
    assert_eq!(records[0]["server"], "open", "who need not wait is answered first");
    world.finish().await;
}

#[tokio::test]
async fn a_token_that_was_verified_expires_all_the_same() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    for _ in 0..3 {
        assert_eq!(list(&world, &token).await.status, 200);
    }
    world.gateway.clock.advance(300 + 60);
    let answer = list(&world, &token).await;
    assert_invalid_token(&answer, "expired");
    assert_eq!(world.gateway.last_record().await["reason"], "token_expired");
    world.finish().await;
}
