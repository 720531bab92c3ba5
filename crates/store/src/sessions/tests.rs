//! Ended sessions as replicas see them.

use std::collections::BTreeSet;

use super::*;
use crate::harness::on_each_engine;

const NOW: Timestamp = Timestamp::from_secs(1_000);

#[tokio::test]
async fn a_session_is_ended_once() {
    on_each_engine(async |database| {
        let store = database.store().await;
        assert!(store.end_session("a", NOW.plus_secs(60)).await.unwrap());
        assert!(!store.end_session("a", NOW.plus_secs(60)).await.unwrap());
        let ended = store.ended_sessions_since(SessionCursor::default(), NOW).await.unwrap();
        assert_eq!(ended.len(), 1);
        assert_eq!((ended[0].id_hash.as_str(), ended[0].expires), ("a", NOW.plus_secs(60)));
    })
    .await;
}

#[tokio::test]
async fn a_cursor_goes_on_where_it_stopped() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let other = database.store().await;
        store.end_session("a", NOW.plus_secs(60)).await.unwrap();
        let first = store.ended_sessions_since(SessionCursor::default(), NOW).await.unwrap();
        let cursor = first.last().unwrap().cursor;
        assert!(store.ended_sessions_since(cursor, NOW).await.unwrap().is_empty());
        other.end_session("c", NOW.plus_secs(60)).await.unwrap();
        other.end_session("b", NOW.plus_secs(60)).await.unwrap();
        let then = store.ended_sessions_since(cursor, NOW).await.unwrap();
        let ids: Vec<_> = then.iter().map(|ended| ended.id_hash.as_str()).collect();
        assert_eq!(ids, ["c", "b"]);
    })
    .await;
}

#[tokio::test]
async fn what_has_expired_is_neither_told_nor_kept() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.end_session("old", NOW).await.unwrap();
        store.end_session("young", NOW.plus_secs(1)).await.unwrap();
        let ended = store.ended_sessions_since(SessionCursor::default(), NOW).await.unwrap();
        assert_eq!(ended.iter().map(|e| e.id_hash.as_str()).collect::<Vec<_>>(), ["young"]);
        assert_eq!(store.forget_expired_sessions(NOW).await.unwrap(), 1);
        assert_eq!(store.forget_expired_sessions(NOW).await.unwrap(), 0);
        let cursor = ended[0].cursor;
        store.forget_expired_sessions(NOW.plus_secs(1)).await.unwrap();
        store.end_session("new", NOW.plus_secs(60)).await.unwrap();
        let ended = store.ended_sessions_since(cursor, NOW).await.unwrap();
        assert_eq!(ended.len(), 1, "a cursor outlives the rows that it came from");
    })
    .await;
}

#[tokio::test]
async fn a_poller_misses_nothing_that_others_end_meanwhile() {
    on_each_engine(async |database| {
        let mut enders = tokio::task::JoinSet::new();
        for replica in 0..4 {
            let store = database.store().await;
            enders.spawn(async move {
                for session in 0..25 {
                    store.end_session(&format!("{replica}-{session}"), NOW.plus_secs(60)).await.unwrap();
                }
            });
        }
        let store = database.store().await;
        let (mut cursor, mut seen) = (SessionCursor::default(), BTreeSet::new());
        loop {
            let finished = enders.is_empty();
            for ended in store.ended_sessions_since(cursor, NOW).await.unwrap() {
                assert!(ended.cursor > cursor);
                cursor = ended.cursor;
                seen.insert(ended.id_hash);
            }
            if finished {
                break;
            }
            while let Some(ender) = enders.try_join_next() {
                ender.unwrap();
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(seen.len(), 100);
    })
    .await;
}
