//! What is stored, what is shown, and who is told.

use super::*;
use crate::harness::{at_once, on_each_engine, samples::NOW};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[tokio::test]
async fn a_secret_is_replaced_listed_and_removed() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let put = async |of: &str, sealed: &str, secs| {
            store.put_secret(&name(of), sealed, 2, NOW.plus_secs(secs)).await.unwrap()
        };
        assert_eq!(put("mail", "dw1.first", 0).await, PutSecret::New);
        assert_eq!(put("mail", "dw1.second", 5).await, PutSecret::Changed);
        assert_eq!(put("calendar", "dw1.other", 6).await, PutSecret::New);
        let seen = |of, created, changed| SecretSeen {
            name: name(of),
            created: NOW.plus_secs(created),
            changed: NOW.plus_secs(changed),
        };
        assert_eq!(store.secrets().await.unwrap(), [seen("calendar", 6, 6), seen("mail", 0, 5)]);
        let stored = store.sealed_secrets().await.unwrap();
        assert_eq!(stored[1], StoredSecret { name: name("mail"), sealed: "dw1.second".to_owned() });
        assert!(!format!("{stored:?}").contains("dw1"));
        assert!(store.remove_secret(&name("mail")).await.unwrap());
        assert!(!store.remove_secret(&name("mail")).await.unwrap());
        assert_eq!(store.sealed_secrets().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn every_change_raises_the_number() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let mut last = stores[1].newest_secret_change().await.unwrap();
        let mut raised = async || {
            let now = stores[1].newest_secret_change().await.unwrap();
            let raised = now > last;
            last = now;
            raised
        };
        assert!(!raised().await);
        stores[0].put_secret(&name("mail"), "dw1.first", 9, NOW).await.unwrap();
        assert!(raised().await);
        stores[0].put_secret(&name("mail"), "dw1.second", 9, NOW).await.unwrap();
        assert!(raised().await);
        stores[0].secrets().await.unwrap();
        assert!(!raised().await);
        stores[0].remove_secret(&name("mail")).await.unwrap();
        assert!(raised().await);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_store_one_name_at_once_one_is_new_and_one_stands() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let new = at_once(&stores, |store, which| async move {
            store.put_secret(&name("mail"), ["dw1.one", "dw1.other"][which], 9, NOW).await.unwrap()
        })
        .await;
        assert_eq!(new.into_iter().filter(|put| *put == PutSecret::New).count(), 1);
        assert_eq!(stores[0].secrets().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn there_are_so_many_and_no_more() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let put =
            async |of: &str, sealed: &str| stores[0].put_secret(&name(of), sealed, 3, NOW).await.unwrap();
        assert_eq!(put("one", "dw1.first").await, PutSecret::New);
        assert_eq!(put("two", "dw1.first").await, PutSecret::New);
        // Of two who come at once one gets the last place.
        let mut came = at_once(&stores, |store, which| async move {
            store.put_secret(&name(["three", "four"][which]), "dw1.first", 3, NOW).await.unwrap()
        })
        .await
        .to_vec();
        came.sort_by_key(|put| *put == PutSecret::TooMany);
        assert_eq!(came, [PutSecret::New, PutSecret::TooMany]);
        let change = stores[1].newest_secret_change().await.unwrap();
        assert_eq!(put("five", "dw1.first").await, PutSecret::TooMany);
        assert_eq!(stores[1].newest_secret_change().await.unwrap(), change, "nobody reads again for nothing");
        assert_eq!(put("two", "dw1.second").await, PutSecret::Changed, "one that is there is replaced");
        assert!(stores[1].remove_secret(&name("one")).await.unwrap());
        assert_eq!(put("five", "dw1.first").await, PutSecret::New);
        assert_eq!(stores[1].secrets().await.unwrap().len(), 3);
    })
    .await;
}
