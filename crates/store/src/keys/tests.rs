//! Keys: who is first, and all or none.

use super::*;
use crate::harness::{at_once, on_each_engine, samples::NOW};

fn data_key(id: &str, wrapped: &str) -> StoredDataKey {
    StoredDataKey { id: id.to_owned(), purpose: "seal".to_owned(), wrapped: wrapped.to_owned(), created: NOW }
}

fn rewrapped(id: &str, old: &str, new: &str) -> RewrappedDataKey {
    RewrappedDataKey { id: id.to_owned(), old: old.to_owned(), new: new.to_owned() }
}

fn signing_key(kid: &str, algorithm: &str, state: SigningKeyState) -> StoredSigningKey {
    StoredSigningKey {
        kid: kid.to_owned(),
        algorithm: algorithm.to_owned(),
        sealed: format!("sealed {kid}"),
        state,
        created: NOW,
        since: NOW,
    }
}

#[tokio::test]
async fn of_two_first_starts_one_stores_its_data_keys() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            let outcomes = at_once(&stores, |store, which| async move {
                let keys = ["a", "b"].map(|id| data_key(&format!("{which}{id}"), "w"));
                store.add_first_data_keys(&keys).await.unwrap()
            })
            .await;
            let winner = outcomes.iter().position(|added| *added).unwrap();
            assert!(!outcomes[1 - winner], "round {round}");
            let ids: Vec<_> = stores[0].data_keys().await.unwrap().into_iter().map(|key| key.id).collect();
            assert_eq!(ids, [format!("{winner}a"), format!("{winner}b")]);
            database.run("DELETE FROM data_key").await;
        }
    })
    .await;
}

#[tokio::test]
async fn data_keys_are_rewrapped_all_or_none() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let keys = [data_key("a", "a1"), data_key("b", "b1")];
        assert!(store.add_first_data_keys(&keys).await.unwrap());
        assert_eq!(store.data_keys().await.unwrap(), keys);
        let refused = [
            vec![rewrapped("a", "a1", "a2")],
            vec![rewrapped("a", "a1", "a2"), rewrapped("b", "b0", "b2")],
            vec![rewrapped("a", "a1", "a2"), rewrapped("c", "b1", "b2")],
            vec![rewrapped("a", "a1", "a2"), rewrapped("b", "b1", "b2"), rewrapped("c", "c1", "c2")],
        ];
        for partly in refused {
            assert!(!store.rewrap_data_keys(&partly).await.unwrap(), "{partly:?}");
            assert_eq!(store.data_keys().await.unwrap(), keys);
        }
        let all = [rewrapped("a", "a1", "a2"), rewrapped("b", "b1", "b2")];
        assert!(store.rewrap_data_keys(&all).await.unwrap());
        assert_eq!(store.data_keys().await.unwrap(), [data_key("a", "a2"), data_key("b", "b2")]);
        assert!(!store.rewrap_data_keys(&all).await.unwrap());
        store.add_data_key(&data_key("c", "c1")).await.unwrap();
        assert!(store.add_data_key(&data_key("c", "c2")).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn no_data_key_stays_behind_when_one_comes_during_a_rewrap() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            stores[0].add_data_key(&data_key("a", "old")).await.unwrap();
            let rewrapped_all = at_once(&stores, |store, which| async move {
                if which == 0 {
                    store.rewrap_data_keys(&[rewrapped("a", "old", "new")]).await.unwrap()
                } else {
                    store.add_data_key(&data_key("b", "old")).await.unwrap();
                    true
                }
            })
            .await[0];
            // whoever rewraps second reads again and sees both, so it is enough that none is half done
            let wrapped = stores[0].data_keys().await.unwrap();
            let expected = if rewrapped_all { "new" } else { "old" };
            assert_eq!(wrapped, [data_key("a", expected), data_key("b", "old")], "round {round}");
            database.run("DELETE FROM data_key").await;
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_first_starts_one_stores_its_signing_keys() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let added = at_once(&stores, |store, which| async move {
            let keys = [
                signing_key(&format!("{which}c"), "ES256", SigningKeyState::Current),
                signing_key(&format!("{which}n"), "ES256", SigningKeyState::Next),
            ];
            store.add_first_signing_keys(&keys).await.unwrap()
        })
        .await;
        assert!(added[0] != added[1], "{added:?}");
        assert_eq!(stores[0].signing_keys().await.unwrap().len(), 2);
        let other = [signing_key("e", "EdDSA", SigningKeyState::Current)];
        assert!(stores[0].add_first_signing_keys(&other).await.unwrap(), "another algorithm");
    })
    .await;
}

#[tokio::test]
async fn signing_keys_move_up_together() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let store = &stores[0];
        let first = [
            signing_key("k1", "ES256", SigningKeyState::Current),
            signing_key("k2", "ES256", SigningKeyState::Next),
            signing_key("e1", "EdDSA", SigningKeyState::Current),
        ];
        assert!(store.add_first_signing_keys(&first).await.unwrap());
        let later = NOW.plus_secs(60);
        let rotated = at_once(&stores, |store, which| async move {
            let next = StoredSigningKey {
                created: later,
                since: later,
                ..signing_key(&format!("k3-{which}"), "ES256", SigningKeyState::Next)
            };
            store.rotate_signing_keys("k1", &next, later).await.unwrap()
        })
        .await;
        assert!(rotated[0] != rotated[1], "{rotated:?}");
        let states = async || {
            let keys = store.signing_keys().await.unwrap();
            keys.into_iter().map(|key| (key.kid, key.state, key.since)).collect::<Vec<_>>()
        };
        let third = format!("k3-{}", usize::from(rotated[1]));
        let expected = [
            ("e1".to_owned(), SigningKeyState::Current, NOW),
            ("k1".to_owned(), SigningKeyState::Retired, later),
            ("k2".to_owned(), SigningKeyState::Current, later),
            (third, SigningKeyState::Next, later),
        ];
        assert_eq!(states().await, expected);
        assert_eq!(store.forget_retired_signing_keys(NOW).await.unwrap(), 0);
        assert_eq!(store.forget_retired_signing_keys(later).await.unwrap(), 1);
        assert_eq!(states().await.len(), 3);
    })
    .await;
}
