//! Revocations as replicas see them.

use std::collections::BTreeSet;

use super::*;
use crate::harness::{
    on_each_engine,
    samples::{NOW, access, grant, hash},
};

#[tokio::test]
async fn a_cursor_goes_on_where_it_stopped() {
    on_each_engine(async |database| {
        let store = database.store().await;
        assert_eq!(store.newest_revocation().await.unwrap(), RevocationCursor::default());
        for id in ["b", "a", "c"] {
            store.put_tokens(grant(id)).await;
            store.revoke_client_grant(id, NOW).await.unwrap();
        }
        let told = store.revocations_since(RevocationCursor::default()).await.unwrap();
        let grants = ["b", "a", "c"].map(|id| Revoked::Grant(id.to_owned()));
        assert_eq!(told.iter().map(|told| told.what.clone()).collect::<Vec<_>>(), grants);
        assert_eq!(store.revocations_since(told[0].cursor).await.unwrap(), told[1..]);
        assert_eq!(store.newest_revocation().await.unwrap(), told[2].cursor);
        assert!(store.revocations_since(told[2].cursor).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_revocation_is_told_until_its_tokens_have_expired() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let long = crate::NewAccessToken { expires: NOW.plus_secs(10 * 3_600), ..access("a") };
        store.put_client_grant(&grant("g"), &long).await.unwrap();
        store.revoke_client_grant("g", NOW).await.unwrap();
        store.put_client_grant(&grant("h"), &access("b")).await.unwrap();
        store.revoke_access_token(&hash("b"), NOW).await.unwrap();
        let told = async || store.revocations_since(RevocationCursor::default()).await.unwrap().len();
        for (hours, left) in [(1, 2), (2, 1), (10, 1), (11, 0)] {
            store.forget_expired_tokens(NOW.plus_secs(hours * 3_600)).await.unwrap();
            assert_eq!(told().await, left, "after {hours} hours");
        }
        assert_ne!(store.newest_revocation().await.unwrap(), RevocationCursor::default());
    })
    .await;
}

#[tokio::test]
async fn a_poller_misses_nothing_that_others_revoke_meanwhile() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let ids = |replica: usize| (0..25).map(move |number| format!("{replica}-{number}"));
        for id in (0..4).flat_map(ids) {
            store.put_client_grant(&grant(&id), &access(&id)).await.unwrap();
        }
        let mut revokers = tokio::task::JoinSet::new();
        for replica in 0..4 {
            let store = database.store().await;
            revokers.spawn(async move {
                for id in ids(replica) {
                    assert!(store.revoke_client_grant(&id, NOW).await.unwrap());
                }
            });
        }
        let (mut cursor, mut seen) = (RevocationCursor::default(), BTreeSet::new());
        loop {
            let finished = revokers.is_empty();
            for told in store.revocations_since(cursor).await.unwrap() {
                assert!(told.cursor > cursor);
                cursor = told.cursor;
                let Revoked::Grant(id) = told.what else { panic!("{told:?}") };
                assert!(!store.opens(&id, NOW).await, "what is told has happened");
                seen.insert(id);
            }
            if finished {
                break;
            }
            while let Some(revoker) = revokers.try_join_next() {
                revoker.unwrap();
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(seen.len(), 100);
    })
    .await;
}
