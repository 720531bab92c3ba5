//! Webhooks: whose, how many, and what they are bound to.

use super::*;
use crate::{
    TaskIndex, TaskNote,
    harness::{
        Database, at_once, on_each_engine,
        samples::{NOW, agent, hash, owner, task},
    },
};

mod queue;

/// The webhook `id` of a task of `alice`'s, with a callback of its own.
fn push(task: &str, id: &str) -> PushConfig {
    PushConfig {
        callback_hash: hash(&format!("{task}/{id}")),
        agent: agent(),
        task: Some(task.to_owned()),
        config: id.to_owned(),
        owner: owner("alice"),
        url: "https://hook.example/".to_owned(),
        sealed: "sealed".to_owned(),
        dialect: "1.0".to_owned(),
        created: NOW,
    }
}

fn unbound(id: &str) -> PushConfig {
    PushConfig { task: None, callback_hash: hash(&format!("unbound {id}")), ..push("", id) }
}

/// A store with tasks of `alice`'s.
async fn with_tasks(database: &Database, ids: &[&str]) -> Store {
    let store = database.store().await;
    note(&store, ids).await;
    store
}

async fn note(store: &Store, ids: &[&str]) {
    let index = TaskIndex::open(store.clone());
    for id in ids {
        index.note(task(id)).await.unwrap();
    }
}

async fn ids(store: &Store, task: &str) -> Vec<String> {
    let all = store.push_configs(&agent(), task).await.unwrap();
    all.into_iter().map(|push| push.config.config).collect()
}

#[tokio::test]
async fn a_webhook_reads_back_by_its_id_and_by_its_callback() {
    on_each_engine(async |database| {
        let store = with_tasks(database, &["t"]).await;
        let push = push("t", "c");
        assert_eq!(store.put_push_config(&push, 1).await.unwrap(), PutPush::Done);
        let stored = Some(StoredPushConfig { config: push.clone(), stopped: None, last_error: None });
        assert_eq!(store.push_config(&agent(), "t", "c").await.unwrap(), stored);
        assert_eq!(store.push_config_of(&push.callback_hash).await.unwrap(), stored);
        assert_eq!(store.push_config(&agent(), "t", "d").await.unwrap(), None);
        assert_eq!(store.push_config(&Name::parse("other").unwrap(), "t", "c").await.unwrap(), None);
        assert_eq!(store.push_config_of(&hash("another")).await.unwrap(), None);
        assert!(store.remove_push_config(&agent(), "t", "c").await.unwrap());
        assert!(!store.remove_push_config(&agent(), "t", "c").await.unwrap());
        assert!(!store.remove_push_config(&agent(), "t", "c\0").await.unwrap());
        assert_eq!(store.push_config_of(&push.callback_hash).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn only_the_owner_of_a_task_registers_for_it() {
    on_each_engine(async |database| {
        let store = with_tasks(database, &["t"]).await;
        let theirs = PushConfig { owner: owner("mallory"), ..push("t", "c") };
        assert_eq!(store.put_push_config(&theirs, 9).await.unwrap(), PutPush::Unknown);
        assert_eq!(store.put_push_config(&push("none", "c"), 9).await.unwrap(), PutPush::Unknown);
        let theirs = PushConfig { owner: owner("mallory"), ..unbound("c") };
        assert_eq!(store.put_push_config(&theirs, 9).await.unwrap(), PutPush::Done);
        assert_eq!(store.bind_push_config(&theirs.callback_hash, "t", 9).await.unwrap(), PutPush::Unknown);
        assert!(ids(&store, "t").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_webhook_of_the_same_id_takes_the_place_of_the_one_before() {
    on_each_engine(async |database| {
        let store = with_tasks(database, &["t"]).await;
        store.put_push_config(&push("t", "c"), 1).await.unwrap();
        let next = PushConfig {
            callback_hash: hash("next"),
            url: "https://next.example/".to_owned(),
            ..push("t", "c")
        };
        assert_eq!(store.put_push_config(&next, 1).await.unwrap(), PutPush::Done);
        let stored = store.push_configs(&agent(), "t").await.unwrap();
        assert_eq!(stored.into_iter().map(|push| push.config).collect::<Vec<_>>(), [next]);
        assert_eq!(
            store.push_config_of(&push("t", "c").callback_hash).await.unwrap(),
            None,
            "its callback is dead"
        );
    })
    .await;
}

#[tokio::test]
async fn a_task_has_as_many_webhooks_as_it_may_have() {
    on_each_engine(async |database| {
        let store = with_tasks(database, &["t", "u"]).await;
        for (id, expected) in [("a", PutPush::Done), ("b", PutPush::Done), ("c", PutPush::TooMany)] {
            assert_eq!(store.put_push_config(&push("t", id), 2).await.unwrap(), expected, "{id}");
        }
        let again = PushConfig { callback_hash: hash("again"), ..push("t", "b") };
        assert_eq!(
            store.put_push_config(&again, 2).await.unwrap(),
            PutPush::Done,
            "in the place of the other"
        );
        assert_eq!(
            store.put_push_config(&push("u", "c"), 2).await.unwrap(),
            PutPush::Done,
            "each task for itself"
        );
        store.put_push_config(&unbound("c"), 2).await.unwrap();
        let callback_hash = unbound("c").callback_hash;
        assert_eq!(store.bind_push_config(&callback_hash, "t", 2).await.unwrap(), PutPush::TooMany);
        assert_eq!(ids(&store, "t").await, ["a", "b"]);
    })
    .await;
}

#[tokio::test]
async fn callers_who_register_at_once_do_not_get_past_the_limit() {
    on_each_engine(async |database| {
        let stores = database.replicas().await;
        for round in 0..20 {
            let task = format!("t{round}");
            note(&stores[0], &[&task]).await;
            let outcomes = at_once(&stores, |store, which| {
                let push = push(&task, &which.to_string());
                async move { store.put_push_config(&push, 1).await.unwrap() }
            })
            .await;
            assert!(
                outcomes.contains(&PutPush::Done) && outcomes.contains(&PutPush::TooMany),
                "{outcomes:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_webhook_that_came_with_a_message_is_bound_by_the_answer() {
    on_each_engine(async |database| {
        let store = with_tasks(database, &["t", "u"]).await;
        let push = unbound("c");
        assert_eq!(store.put_push_config(&push, 1).await.unwrap(), PutPush::Done);
        assert_eq!(store.push_config_of(&push.callback_hash).await.unwrap().unwrap().config, push);
        assert!(ids(&store, "t").await.is_empty());
        for _ in 0..2 {
            assert_eq!(store.bind_push_config(&push.callback_hash, "t", 1).await.unwrap(), PutPush::Done);
        }
        assert_eq!(ids(&store, "t").await, ["c"]);
        assert_eq!(
            store.bind_push_config(&push.callback_hash, "u", 1).await.unwrap(),
            PutPush::Unknown,
            "for good"
        );
        assert_eq!(store.bind_push_config(&hash("none"), "t", 1).await.unwrap(), PutPush::Unknown);
    })
    .await;
}

#[tokio::test]
async fn a_webhook_without_an_id_of_its_own_gets_the_tasks() {
    on_each_engine(async |database| {
        let store = with_tasks(database, &["t"]).await;
        let nameless = |which: &str| {
            let push = unbound(which);
            PushConfig { config: push.callback_hash.clone(), ..push }
        };
        for which in ["1", "2"] {
            let push = nameless(which);
            assert_eq!(store.put_push_config(&push, 1).await.unwrap(), PutPush::Done);
            for _ in 0..2 {
                assert_eq!(store.bind_push_config(&push.callback_hash, "t", 1).await.unwrap(), PutPush::Done);
            }
            let bound = store.push_config(&agent(), "t", "t").await.unwrap().unwrap();
            assert_eq!(bound.config.callback_hash, push.callback_hash, "the last one stands");
        }
        assert_eq!(ids(&store, "t").await, ["t"]);
        assert!(store.remove_push_config_of(&nameless("2").callback_hash).await.unwrap());
        assert!(!store.remove_push_config_of(&nameless("2").callback_hash).await.unwrap());
        assert!(ids(&store, "t").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn webhooks_go_with_their_tasks_and_without_a_task_in_a_day() {
    on_each_engine(async |database| {
        let store = with_tasks(database, &["t"]).await;
        for push in [push("t", "c"), unbound("c")] {
            store.put_push_config(&push, 9).await.unwrap();
        }
        assert_eq!(store.forget_pushes(NOW.plus_secs(UNBOUND_SECS - 1)).await.unwrap(), 0);
        assert_eq!(store.forget_pushes(NOW.plus_secs(UNBOUND_SECS)).await.unwrap(), 1);
        assert_eq!(ids(&store, "t").await, ["c"]);
        let index = TaskIndex::open(store.clone());
        index.note(TaskNote { phase: crate::TaskPhase::Ended, ..task("t") }).await.unwrap();
        store.forget_tasks(NOW, NOW).await.unwrap();
        assert_eq!(database.number("SELECT COUNT(*) FROM push_config").await, 0);
    })
    .await;
}
