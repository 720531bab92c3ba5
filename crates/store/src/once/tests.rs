//! Once is once, for everybody.

use crate::harness::{
    at_once, on_each_engine,
    samples::{NOW, hash},
};

#[tokio::test]
async fn an_identifier_counts_once_in_its_kind() {
    on_each_engine(async |database| {
        let store = database.store().await;
        assert!(store.use_once("assertion", &hash("1"), NOW).await.unwrap());
        assert!(!store.use_once("assertion", &hash("1"), NOW.plus_secs(60)).await.unwrap());
        assert!(store.use_once("assertion", &hash("2"), NOW).await.unwrap());
        assert!(store.use_once("sign-in", &hash("1"), NOW).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn of_two_uses_at_once_one_counts() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            let used = at_once(&stores, |store, _| {
                let id = hash(&round.to_string());
                async move { store.use_once("assertion", &id, NOW).await.unwrap() }
            })
            .await;
            assert!(used[0] != used[1], "round {round}: {used:?}");
        }
    })
    .await;
}
