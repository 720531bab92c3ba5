//! Consents: for exactly this subject, client, redirect URI and resource.

use super::*;
use crate::harness::{
    on_each_engine,
    samples::{NOW, dynamic, grant},
};

fn consent() -> Consent {
    Consent {
        subject: "alice".to_owned(),
        client: "https://editor.example/client".to_owned(),
        redirect_uri: "https://editor.example/callback".to_owned(),
        resource: grant("g").resource,
        scopes: Scopes::MCP,
        client_digest: "digest".to_owned(),
        created: NOW,
    }
}

async fn find(store: &Store, like: &Consent) -> Option<Consent> {
    store.consent(&like.subject, &like.client, &like.redirect_uri, &like.resource).await.unwrap()
}

#[tokio::test]
async fn a_consent_is_found_for_exactly_what_it_is_for() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let given = consent();
        store.remember_consent(&given).await.unwrap();
        assert_eq!(find(&store, &given).await, Some(given.clone()));
        let others = [
            Consent { subject: "bob".to_owned(), ..given.clone() },
            Consent { client: "https://editor.example/client2".to_owned(), ..given.clone() },
            Consent { redirect_uri: "https://editor.example/callback/".to_owned(), ..given.clone() },
            Consent { resource: format!("{}2", given.resource), ..given.clone() },
            Consent { subject: "alic".to_owned(), client: format!("e{}", given.client), ..given.clone() },
            Consent { subject: "alice\0".to_owned(), ..given.clone() },
        ];
        for other in others {
            assert_eq!(find(&store, &other).await, None, "{other:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_later_consent_takes_the_place_of_the_earlier() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.remember_consent(&consent()).await.unwrap();
        let later = Consent {
            scopes: "mcp:read".parse().unwrap(),
            client_digest: "changed".to_owned(),
            created: NOW.plus_secs(5),
            ..consent()
        };
        store.remember_consent(&later).await.unwrap();
        assert_eq!(find(&store, &consent()).await, Some(later));
        assert_eq!(database.number("SELECT COUNT(*) FROM consent").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_consent_is_forgotten_with_the_client_and_when_the_person_says_so() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let second = Consent { resource: "https://door.example/mcp/other".to_owned(), ..consent() };
        let bobs = Consent { subject: "bob".to_owned(), ..consent() };
        for given in [&consent(), &second, &bobs] {
            store.remember_consent(given).await.unwrap();
        }
        let client = consent().client;
        assert_eq!(store.forget_consents("alice", &client).await.unwrap(), 2);
        assert_eq!(store.forget_consents("alice", &client).await.unwrap(), 0);
        assert_eq!(find(&store, &bobs).await, Some(bobs.clone()));
        store.remove_client(&client, NOW).await.unwrap();
        assert_eq!(find(&store, &bobs).await, None);
        store.register_client(&dynamic("dcr_1"), None, 1).await.unwrap();
        let dynamics = Consent { client: "dcr_1".to_owned(), ..consent() };
        store.remember_consent(&dynamics).await.unwrap();
        store.register_client(&dynamic("dcr_2"), None, 1).await.unwrap();
        assert_eq!(find(&store, &dynamics).await, None, "a client that made room leaves none");
    })
    .await;
}

#[tokio::test]
async fn the_longest_names_can_be_stored() {
    on_each_engine(async |database| {
        let store = database.store().await;
        // not compressible, as a server might hope
        let mut long = String::from("https://editor.example/");
        while long.len() < 2_048 {
            long += &crate::harness::samples::hash(&long);
        }
        long.truncate(2_048);
        let given = Consent { client: long.clone(), redirect_uri: long.clone(), ..consent() };
        store.remember_consent(&given).await.unwrap();
        assert_eq!(find(&store, &given).await, Some(given));
        store.add_client(&dynamic(&long), None).await.unwrap();
        store.put_tokens(doorward_model::ClientGrant { client: long.clone(), ..grant("g") }).await;
        assert!(store.remove_client(&long, NOW).await.unwrap());
    })
    .await;
}
