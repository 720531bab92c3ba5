//! The queue: order, claims, leases, retries and what is given up.

use super::*;
use crate::{Claimed, NewDelivery, Queued, Shares};

const LEASE: i64 = 30;

fn delivery(body: &str) -> NewDelivery {
    NewDelivery { body: body.to_owned(), digest: None, last: false, now: NOW, expires: NOW.plus_secs(3_600) }
}

/// A store with the webhooks `a`, `b`, … of one task.
async fn with_webhooks(database: &Database, ids: &[&str]) -> Store {
    let store = with_tasks(database, &["t"]).await;
    for id in ids {
        store.put_push_config(&push("t", id), 99).await.unwrap();
    }
    store
}

async fn enqueue(store: &Store, ids: &[&str], delivery: &NewDelivery) -> Vec<Queued> {
    let hashes: Vec<_> = ids.iter().map(|id| push("t", id).callback_hash).collect();
    store.enqueue_push(&hashes, delivery, 100).await.unwrap()
}

async fn claim(store: &Store, secs: i64) -> Vec<Claimed> {
    let mut claimed = store.claim_pushes(NOW.plus_secs(secs), LEASE, 10, &Shares::of(10)).await.unwrap();
    claimed.sort_by_key(|claimed| claimed.id);
    claimed
}

async fn bodies(store: &Store, secs: i64) -> Vec<String> {
    claim(store, secs).await.into_iter().map(|claimed| claimed.body).collect()
}

#[tokio::test]
async fn what_is_queued_is_claimed_and_delivered_once_and_in_order() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a"]).await;
        for body in ["1", "2", "3"] {
            assert_eq!(enqueue(&store, &["a"], &delivery(body)).await, [Queued::Yes]);
        }
        for body in ["1", "2", "3"] {
            let claimed = claim(&store, 0).await;
            assert_eq!(claimed.len(), 1, "one at a time");
            let Claimed { id, attempt, push: stored, .. } = &claimed[0];
            assert_eq!((claimed[0].body.as_str(), *attempt, &stored.config), (body, 1, &push("t", "a")));
            assert!(claim(&store, LEASE - 1).await.is_empty(), "nothing overtakes it");
            assert!(store.push_delivered(*id, *attempt, NOW).await.unwrap());
            assert!(!store.push_delivered(*id, *attempt, NOW).await.unwrap());
        }
        assert!(claim(&store, 3_599).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn one_body_goes_to_several_webhooks_which_do_not_wait_for_each_other() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a", "b"]).await;
        assert_eq!(
            enqueue(&store, &["a", "b", "none"], &delivery("1")).await,
            [Queued::Yes, Queued::Yes, Queued::Gone]
        );
        enqueue(&store, &["b"], &delivery("2")).await;
        assert_eq!(
            store.claim_pushes(NOW, LEASE, 1, &Shares::of(10)).await.unwrap().len(),
            1,
            "no more than asked for"
        );
        let rest = claim(&store, 0).await;
        assert_eq!(rest.len(), 1);
        store.push_delivered(rest[0].id, 1, NOW).await.unwrap();
        let (claimed, hooks) = (claim(&store, LEASE).await, ["a", "b"]);
        assert!(claimed.iter().all(|claimed| hooks.contains(&claimed.push.config.config.as_str())));
        assert_eq!(claimed.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_whose_worker_died_comes_again_and_the_dead_one_cannot_answer_for_it() {
    on_each_engine(async |database| {
        let [dead, alive] = [with_webhooks(database, &["a"]).await, database.store().await];
        enqueue(&dead, &["a"], &delivery("1")).await;
        enqueue(&dead, &["a"], &delivery("2")).await;
        let first = claim(&dead, 0).await.remove(0);
        assert!(claim(&alive, LEASE - 1).await.is_empty());
        let second = claim(&alive, LEASE).await.remove(0);
        assert_eq!((second.id, second.attempt, second.body.as_str()), (first.id, 2, "1"));
        assert!(!dead.push_delivered(first.id, first.attempt, NOW).await.unwrap());
        assert!(!dead.retry_push(first.id, first.attempt, NOW, "late").await.unwrap());
        assert!(!dead.drop_push(first.id, first.attempt, NOW, "late").await.unwrap());
        assert!(!dead.stop_push(first.id, first.attempt, NOW, "late").await.unwrap());
        assert!(claim(&alive, LEASE).await.is_empty(), "it is still under way");
        assert!(alive.push_delivered(second.id, second.attempt, NOW).await.unwrap());
        assert_eq!(bodies(&alive, LEASE).await, ["2"]);
    })
    .await;
}

#[tokio::test]
async fn a_late_answer_counts_while_nobody_else_has_claimed() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a"]).await;
        enqueue(&store, &["a"], &delivery("1")).await;
        let claimed = claim(&store, 0).await.remove(0);
        assert!(store.push_delivered(claimed.id, claimed.attempt, NOW.plus_secs(LEASE + 1)).await.unwrap());
        assert!(claim(&store, LEASE + 2).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_at_its_time_before_what_came_later() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a"]).await;
        enqueue(&store, &["a"], &delivery("1")).await;
        let claimed = claim(&store, 0).await.remove(0);
        assert!(store.retry_push(claimed.id, 1, NOW.plus_secs(60), "HTTP status 500\0").await.unwrap());
        enqueue(&store, &["a"], &delivery("2")).await;
        assert!(claim(&store, 59).await.is_empty());
        let again = claim(&store, 60).await.remove(0);
        assert_eq!((again.body.as_str(), again.attempt), ("1", 2));
        assert_eq!(again.push.last_error.as_deref(), Some("HTTP status 500"));
        store.push_delivered(again.id, 2, NOW.plus_secs(60)).await.unwrap();
        let next = claim(&store, 60).await.remove(0);
        assert_eq!(
            (next.body.as_str(), next.push.last_error),
            ("2", None),
            "an error does not outlive success"
        );
    })
    .await;
}

#[tokio::test]
async fn one_delivery_is_dropped_or_the_webhook_is_stopped() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a", "b"]).await;
        for body in ["1", "2", "3"] {
            enqueue(&store, &["a"], &delivery(body)).await;
        }
        let claimed = claim(&store, 0).await.remove(0);
        assert!(store.drop_push(claimed.id, 1, NOW, "too large").await.unwrap());
        let claimed = claim(&store, 0).await.remove(0);
        assert_eq!((claimed.body.as_str(), claimed.push.last_error.as_deref()), ("2", Some("too large")));
        assert!(store.stop_push(claimed.id, 1, NOW.plus_secs(5), "410 Gone").await.unwrap());
        assert!(claim(&store, 3_000).await.is_empty());
        assert_eq!(enqueue(&store, &["a", "b"], &delivery("4")).await, [Queued::Gone, Queued::Yes]);
        let stopped = store.push_config(&agent(), "t", "a").await.unwrap().unwrap();
        assert_eq!(
            (stopped.stopped, stopped.last_error.as_deref()),
            (Some(NOW.plus_secs(5)), Some("410 Gone"))
        );
        assert_eq!(database.number("SELECT COUNT(*) FROM push_delivery").await, 1);
        let fresh = PushConfig { callback_hash: hash("fresh"), ..push("t", "a") };
        assert_eq!(
            store.put_push_config(&fresh, 99).await.unwrap(),
            PutPush::Done,
            "registering again starts anew"
        );
        assert_eq!(
            store.enqueue_push(&[fresh.callback_hash], &delivery("5"), 1).await.unwrap(),
            [Queued::Yes]
        );
    })
    .await;
}

#[tokio::test]
async fn the_same_body_is_delivered_once_until_it_expires() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a", "b"]).await;
        let twice = NewDelivery { digest: Some(hash("1")), ..delivery("1") };
        assert_eq!(enqueue(&store, &["a"], &twice).await, [Queued::Yes]);
        assert_eq!(enqueue(&store, &["a", "b"], &twice).await, [Queued::Again, Queued::Yes]);
        for claimed in claim(&store, 0).await {
            store.push_delivered(claimed.id, 1, NOW).await.unwrap();
        }
        let at =
            |secs| NewDelivery { now: NOW.plus_secs(secs), expires: NOW.plus_secs(9_999), ..twice.clone() };
        assert_eq!(enqueue(&store, &["a"], &at(3_599)).await, [Queued::Again], "delivered or not");
        assert!(claim(&store, 3_599).await.is_empty());
        assert_eq!(enqueue(&store, &["a"], &at(3_600)).await, [Queued::Yes]);
        assert_eq!(
            enqueue(&store, &["b", "b"], &delivery("1")).await,
            [Queued::Yes; 2],
            "without digest it is another"
        );
    })
    .await;
}

#[tokio::test]
async fn after_the_last_delivery_none_is_taken_and_what_waits_goes_out() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a", "b"]).await;
        enqueue(&store, &["a"], &delivery("1")).await;
        let last = NewDelivery { last: true, digest: Some(hash("2")), ..delivery("2") };
        assert_eq!(enqueue(&store, &["a"], &last).await, [Queued::Yes]);
        for late in [&last, &delivery("3")] {
            assert_eq!(enqueue(&store, &["a", "b"], late).await, [Queued::Gone, Queued::Yes]);
            // Registered anew, it takes more again.
            store.put_push_config(&push("t", "b"), 9).await.unwrap();
        }
        for body in ["1", "2"] {
            let claimed = claim(&store, 0).await.remove(0);
            assert_eq!(claimed.body, body);
            assert!(store.push_delivered(claimed.id, 1, NOW).await.unwrap());
        }
        assert!(claim(&store, 0).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn as_many_wait_as_may() {
    on_each_engine(async |database| {
        let stores = [with_webhooks(database, &["a"]).await, database.store().await];
        let hashes = [push("t", "a").callback_hash];
        for _ in 0..10 {
            let outcomes = at_once(&stores, |store, _| {
                let hashes = hashes.clone();
                async move { store.enqueue_push(&hashes, &delivery("x"), 5).await.unwrap() }
            });
            outcomes.await;
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM push_delivery").await, 5);
        let twice = NewDelivery { digest: Some(hash("x")), ..delivery("x") };
        assert_eq!(stores[0].enqueue_push(&hashes, &twice, 5).await.unwrap(), [Queued::Full]);
        let claimed = claim(&stores[0], 0).await.remove(0);
        stores[0].push_delivered(claimed.id, 1, NOW).await.unwrap();
        assert_eq!(stores[0].enqueue_push(&hashes, &twice, 5).await.unwrap(), [Queued::Yes]);
        assert_eq!(stores[0].enqueue_push(&hashes, &twice, 5).await.unwrap(), [Queued::Again]);
    })
    .await;
}

#[tokio::test]
async fn what_has_expired_is_not_delivered_and_holds_nobody_up() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a", "b"]).await;
        enqueue(&store, &["a", "b"], &NewDelivery { expires: NOW.plus_secs(10), ..delivery("1") }).await;
        enqueue(&store, &["a"], &delivery("2")).await;
        assert_eq!(bodies(&store, 10).await, ["2"]);
        assert_eq!(store.forget_pushes(NOW.plus_secs(9)).await.unwrap(), 0);
        assert_eq!(store.forget_pushes(NOW.plus_secs(10)).await.unwrap(), 2);
        assert_eq!(database.number("SELECT COUNT(*) FROM push_config WHERE due IS NOT NULL").await, 1);
        enqueue(&store, &["b"], &delivery("3")).await;
        assert_eq!(bodies(&store, 10).await, ["3"]);
    })
    .await;
}

#[tokio::test]
async fn removing_a_webhook_takes_back_what_waits() {
    on_each_engine(async |database| {
        let store = with_webhooks(database, &["a"]).await;
        enqueue(&store, &["a"], &delivery("1")).await;
        let claimed = claim(&store, 0).await.remove(0);
        assert!(store.remove_push_config(&agent(), "t", "a").await.unwrap());
        assert!(!store.retry_push(claimed.id, 1, NOW, "late").await.unwrap());
        assert!(claim(&store, 3_000).await.is_empty());
        assert_eq!(database.number("SELECT COUNT(*) FROM push_delivery").await, 0);
    })
    .await;
}

/// A webhook of somebody's that leads to a host, with a delivery that is due in so many seconds.
async fn webhook(store: &Store, id: &str, whose: &str, url: &str, secs: i64) {
    let push = PushConfig { owner: owner(whose), url: url.to_owned(), task: None, ..push("t", id) };
    store.put_push_config(&push, 99).await.unwrap();
    enqueue(store, &[id], &NewDelivery { now: NOW.plus_secs(secs), ..delivery(id) }).await;
}

#[tokio::test]
async fn no_owner_and_no_host_holds_the_places_of_others() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for number in 0..150 {
            let url = format!("https://h{number}.example/");
            webhook(&store, &format!("m{number}"), "mallory", &url, number).await;
        }
        for (after, whose) in ["b", "c", "d"].into_iter().enumerate() {
            for number in 0..3 {
                let secs = 200 + 10 * i64::try_from(after).unwrap() + number;
                webhook(&store, &format!("{whose}{number}"), whose, "https://slow.example/a", secs).await;
            }
        }
        webhook(&store, "last", "last", "https://slow.example.org", 300).await;
        let now = NOW.plus_secs(300);
        let mut shares = Shares::of(2);
        let mut under_way = Vec::new();
        while under_way.len() < 8 {
            let more = store.claim_pushes(now, LEASE, 8, &shares).await.unwrap();
            if more.is_empty() {
                break;
            }
            assert!(more.iter().all(|claimed| shares.enter(&claimed.push.config)), "{more:?}");
            under_way.extend(more);
        }
        let bodies: Vec<_> = under_way.iter().map(|claimed| claimed.body.as_str()).collect();
        assert_eq!(bodies, ["m0", "m1", "b0", "b1", "last"], "two for each, two at the slow host");
        // What has ended makes room for who waited, first come first served.
        let done = under_way.remove(0);
        assert!(store.push_delivered(done.id, done.attempt, now).await.unwrap());
        shares.leave(&done.push.config);
        let next = store.claim_pushes(now, LEASE, 8, &shares).await.unwrap();
        assert_eq!(next.iter().map(|claimed| claimed.body.as_str()).collect::<Vec<_>>(), ["m2"]);
        assert_eq!(next[0].attempt, 1, "being passed over is no attempt");
    })
    .await;
}

/// Claims and delivers until nothing is left; says what it delivered, in its order, by webhook.
async fn work(store: Store) -> Vec<(String, i64)> {
    let mut delivered = Vec::new();
    loop {
        let mut claimed = store.claim_pushes(NOW, LEASE, 3, &Shares::of(3)).await.unwrap();
        if claimed.is_empty() {
            claimed = store.claim_pushes(NOW, LEASE, 3, &Shares::of(3)).await.unwrap();
        }
        if claimed.is_empty() {
            return delivered;
        }
        for Claimed { id, attempt, push, body, .. } in claimed {
            delivered.push((push.config.config, body.parse().unwrap()));
            assert!(store.push_delivered(id, attempt, NOW).await.unwrap());
        }
    }
}

#[tokio::test]
async fn workers_share_the_work_and_each_delivery_has_one_of_them() {
    on_each_engine(async |database| {
        let ids = ["a", "b", "c", "d", "e"];
        let stores = [with_webhooks(database, &ids).await, database.store().await];
        for body in 0..20 {
            enqueue(&stores[0], &ids, &delivery(&body.to_string())).await;
        }
        let shares = at_once(&stores, |store, _| work(store)).await;
        // A worker that found nothing may have left while the other one held a turn.
        let rest = work(stores[0].clone()).await;
        let mut all: Vec<_> = shares.iter().flatten().chain(&rest).cloned().collect();
        for share in &shares {
            for id in ids {
                let mine: Vec<_> = share.iter().filter(|(of, _)| of == id).map(|(_, body)| *body).collect();
                assert!(mine.is_sorted(), "{mine:?}");
            }
        }
        all.sort();
        let mut expected: Vec<_> =
            ids.iter().flat_map(|id| (0..20).map(|body| ((*id).to_owned(), body))).collect();
        expected.sort();
        assert_eq!(all, expected);
    })
    .await;
}
