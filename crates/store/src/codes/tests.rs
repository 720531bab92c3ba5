//! Codes: redeemed once, whoever comes at the same time.

use super::*;
use crate::harness::{
    at_once, on_each_engine,
    samples::{NOW, access, code, dynamic, hash, refresh, user},
};

#[tokio::test]
async fn a_code_is_read_as_it_was_put() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let put = code("c");
        store.put_code(&put).await.unwrap();
        let found = store.code(&put.hash).await.unwrap().unwrap();
        let expected = StoredCode {
            grant: put.grant.clone(),
            redirect_uri: put.redirect_uri.clone(),
            challenge: put.challenge.clone(),
            expires: put.expires,
            redeemed: false,
        };
        assert_eq!(found, expected);
        assert_eq!(store.code(&hash("other")).await.unwrap(), None);
        assert_eq!(store.client_grant("c-grant").await.unwrap(), None, "nothing is granted yet");
        assert!(store.put_code(&put).await.is_err(), "a hash is never used twice");
    })
    .await;
}

#[tokio::test]
async fn redeeming_grants_once_and_marks_the_client_as_used() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_client(&dynamic("editor"), None).await.unwrap();
        let put = code("c");
        store.put_code(&put).await.unwrap();
        let later = NOW.plus_secs(59);
        let first = store.redeem_code(&put.hash, &access("a"), Some(&refresh("r")), later).await.unwrap();
        assert_eq!(first, Redeemed::Now(Box::new(put.grant.clone())));
        assert_eq!(store.client_grant("c-grant").await.unwrap(), Some(put.grant.clone()));
        assert!(store.opens("a", later).await);
        assert!(store.refresh_token(&hash("r")).await.unwrap().is_some());
        assert_eq!(store.client("editor").await.unwrap().unwrap().used, Some(later));
        assert!(store.code(&put.hash).await.unwrap().unwrap().redeemed);
        for moment in [later, NOW.plus_secs(3_000)] {
            let again = store.redeem_code(&put.hash, &access("a2"), None, moment).await.unwrap();
            assert_eq!(again, Redeemed::Already { grant_id: "c-grant".to_owned() });
        }
        assert!(!store.opens("a2", later).await);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_known_or_has_expired_is_not_redeemed() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_code(&code("c")).await.unwrap();
        for (word, moment) in [("none", NOW), ("c", NOW.plus_secs(60))] {
            let refused = store.redeem_code(&hash(word), &access("a"), None, moment).await.unwrap();
            assert_eq!(refused, Redeemed::Unknown);
        }
        assert!(!store.opens("a", NOW).await);
        assert!(!store.code(&hash("c")).await.unwrap().unwrap().redeemed, "a failure burns nothing");
    })
    .await;
}

#[tokio::test]
async fn of_two_redemptions_at_once_exactly_one_wins() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            let put = code(&format!("c{round}"));
            stores[0].put_code(&put).await.unwrap();
            let outcomes = at_once(&stores, |store, which| {
                let (hash, word) = (put.hash.clone(), format!("{round}-{which}"));
                async move {
                    let (access, refresh) = (access(&word), refresh(&format!("r{word}")));
                    store.redeem_code(&hash, &access, Some(&refresh), NOW).await.unwrap()
                }
            })
            .await;
            let winner = outcomes.iter().position(|outcome| matches!(outcome, Redeemed::Now(_))).unwrap();
            let already = Redeemed::Already { grant_id: put.grant.id.clone() };
            assert_eq!(outcomes[1 - winner], already, "round {round}");
            assert!(stores[0].opens(&format!("{round}-{winner}"), NOW).await);
            assert!(!stores[0].opens(&format!("{round}-{}", 1 - winner), NOW).await);
        }
        assert_eq!(database.number("SELECT COUNT(*) FROM client_grant").await, 50);
        assert_eq!(database.number("SELECT COUNT(*) FROM access_token").await, 50);
        assert_eq!(database.number("SELECT COUNT(*) FROM refresh_token").await, 50);
    })
    .await;
}

#[tokio::test]
async fn a_redemption_beside_the_removal_of_the_person_leaves_nothing_that_opens() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            stores[0].add_user(&user("alice")).await.unwrap();
            let put = code(&format!("c{round}"));
            stores[0].put_code(&put).await.unwrap();
            at_once(&stores, |store, which| {
                let (hash, word) = (put.hash.clone(), format!("a{round}"));
                async move {
                    if which == 0 {
                        store.redeem_code(&hash, &access(&word), None, NOW).await.unwrap();
                    } else {
                        assert!(store.remove_user("alice", NOW).await.unwrap());
                    }
                }
            })
            .await;
            assert!(!stores[0].opens(&format!("a{round}"), NOW).await, "round {round}");
            assert_eq!(stores[0].code(&put.hash).await.unwrap(), None);
        }
    })
    .await;
}
