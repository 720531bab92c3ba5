//! One client for each authorization server and redirect URI.

use super::*;
use crate::{
    LONGEST_ID,
    harness::{at_once, on_each_engine, samples::NOW},
};

const ISSUER: &str = "https://issuer.example";
const CALLBACK: &str = "https://door.example/oauth/callback";

fn registration(client: &str) -> OwnRegistration {
    OwnRegistration {
        issuer: ISSUER.to_owned(),
        redirect_uri: CALLBACK.to_owned(),
        client_id: client.to_owned(),
        sealed_secret: Some("dw1.sealed".to_owned()),
        method: "client_secret_basic".to_owned(),
        secret_expires: Some(NOW.plus_secs(60)),
        created: NOW,
    }
}

#[tokio::test]
async fn all_replicas_use_what_the_first_stored() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        assert_eq!(stores[0].own_registration(ISSUER, CALLBACK).await.unwrap(), None);
        let stands = at_once(&stores, |store, which| async move {
            store.put_own_registration(&registration(["one", "other"][which])).await.unwrap()
        })
        .await;
        assert_eq!(stands[0], stands[1]);
        assert_eq!(stores[0].own_registration(ISSUER, CALLBACK).await.unwrap().as_ref(), Some(&stands[0]));
        assert_eq!(stands[0], registration(&stands[0].client_id));
        assert!(!format!("{:?}", stands[0]).contains("sealed"));
    })
    .await;
}

#[tokio::test]
async fn only_the_client_that_is_meant_is_forgotten() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let public = OwnRegistration { sealed_secret: None, secret_expires: None, ..registration("one") };
        assert_eq!(store.put_own_registration(&public).await.unwrap(), public);
        let forget = async |client| store.forget_own_registration(ISSUER, CALLBACK, client).await.unwrap();
        assert!(!forget("other").await);
        assert!(forget("one").await);
        assert!(!forget("one").await);
        assert_eq!(store.put_own_registration(&registration("two")).await.unwrap().client_id, "two");
        assert!(!forget("one").await, "somebody registered anew");
        assert!(store.own_registration(ISSUER, CALLBACK).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let long = "x".repeat(LONGEST_ID + 1);
        let long_issuer = OwnRegistration { issuer: long.clone(), ..registration("one") };
        let long_callback = OwnRegistration { redirect_uri: long, ..registration("one") };
        let no_issuer = OwnRegistration { issuer: String::new(), ..registration("one") };
        for refused in [long_issuer, long_callback, no_issuer] {
            assert!(matches!(store.put_own_registration(&refused).await, Err(StoreError::BadId)));
        }
        let nul = registration("o\0ne");
        assert!(matches!(store.put_own_registration(&nul).await, Err(StoreError::Nul)));
        assert_eq!(store.own_registration("a\0", CALLBACK).await.unwrap(), None);
    })
    .await;
}
