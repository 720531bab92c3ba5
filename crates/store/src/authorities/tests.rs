//! Which authorization server stands, what waits, and what ends with the old one.

use super::*;
use crate::{
    LONGEST_ID, NewConnection,
    harness::{at_once, on_each_engine, samples::NOW},
};

const PLACE: &str = "upstream:mail";
const OLD: &str = "https://old.example";
const NEW: &str = "https://new.example";

async fn note(store: &Store, issuer: &str, secs: i64) -> Observed {
    store.note_authority(PLACE, issuer, NOW.plus_secs(secs)).await.unwrap().0
}

async fn connect(store: &Store, place: &str, person: &str, issuer: &str) -> Option<i64> {
    let new = NewConnection {
        place: place.to_owned(),
        person: person.to_owned(),
        issuer: issuer.to_owned(),
        client: "doorward".to_owned(),
        resource: "https://mail.example/mcp".to_owned(),
        scopes: String::new(),
        sealed: "dw1.sealed".to_owned(),
        expires: None,
        now: NOW,
    };
    store.put_connection(&new).await.unwrap()
}

#[tokio::test]
async fn the_first_one_is_kept_to_whatever_comes() {
    on_each_engine(async |database| {
        let store = database.store().await;
        assert_eq!(store.authority(PLACE).await.unwrap(), None);
        let (observed, first) = store.note_authority(PLACE, OLD, NOW).await.unwrap();
        let expected = Authority {
            place: PLACE.to_owned(),
            issuer: OLD.to_owned(),
            approved_at: NOW,
            approved_by: None,
            waiting: None,
            rejected: None,
        };
        assert_eq!((observed, &first), (Observed::First, &expected));
        assert_eq!(note(&store, OLD, 1).await, Observed::Approved);
        assert_eq!(note(&store, NEW, 2).await, Observed::New);
        assert_eq!(note(&store, NEW, 3).await, Observed::Waiting);
        let waiting = WaitingAuthority {
            issuer: NEW.to_owned(),
            first_seen: NOW.plus_secs(2),
            last_seen: NOW.plus_secs(3),
        };
        let found = store.authority(PLACE).await.unwrap().unwrap();
        assert_eq!(found, Authority { waiting: Some(waiting), ..expected });
        assert_eq!(store.authorities().await.unwrap(), [found]);
        // issuers are compared as they are written (RFC 8414 section 3.3)
        assert_eq!(note(&store, "https://old.example/", 4).await, Observed::New);
    })
    .await;
}

#[tokio::test]
async fn approval_ends_what_was_connected_at_the_old_one() {
    on_each_engine(async |database| {
        let store = database.store().await;
        note(&store, OLD, 0).await;
        for person in ["alice", "bob", ""] {
            assert!(connect(&store, PLACE, person, OLD).await.is_some());
        }
        assert!(connect(&store, "upstream:other", "alice", OLD).await.is_some());
        note(&store, NEW, 1).await;
        assert_eq!(connect(&store, PLACE, "carol", NEW).await, None, "nobody has approved it");
        let cursor = store.newest_connection_change().await.unwrap();
        let approve =
            async |issuer| store.approve_authority(PLACE, issuer, "admin", NOW.plus_secs(2)).await.unwrap();
        assert!(!approve("https://third.example").await);
        assert_eq!(store.connections(None, 10).await.unwrap().len(), 4);
        assert!(approve(NEW).await);
        assert!(!approve(NEW).await, "it waits no more");
        let left = store.connections(None, 10).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].place, "upstream:other");
        let mut told = store.connections_changed(cursor).await.unwrap().0;
        told.sort();
        assert_eq!(told, ["", "alice", "bob"].map(|person| (PLACE.to_owned(), person.to_owned())));
        assert_eq!(connect(&store, PLACE, "alice", OLD).await, None, "a connection under way comes too late");
        assert!(connect(&store, PLACE, "alice", NEW).await.is_some());
        let found = store.authority(PLACE).await.unwrap().unwrap();
        assert_eq!((&*found.issuer, found.approved_by.as_deref()), (NEW, Some("admin")));
        assert_eq!((found.approved_at, found.waiting), (NOW.plus_secs(2), None));
    })
    .await;
}

#[tokio::test]
async fn no_connection_at_the_old_one_survives_an_approval_that_comes_at_the_same_time() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..10 {
            let place = format!("upstream:{round}");
            stores[0].note_authority(&place, OLD, NOW).await.unwrap();
            stores[0].note_authority(&place, NEW, NOW).await.unwrap();
            at_once(&stores, |store, which| {
                let place = place.clone();
                async move {
                    match which {
                        0 => drop(connect(&store, &place, "alice", OLD).await),
                        _ => assert!(store.approve_authority(&place, NEW, "admin", NOW).await.unwrap()),
                    }
                }
            })
            .await;
            assert_eq!(stores[0].connection(&place, "alice").await.unwrap(), None, "round {round}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_rejected_one_waits_again_only_after_another_one() {
    on_each_engine(async |database| {
        let store = database.store().await;
        note(&store, OLD, 0).await;
        note(&store, NEW, 1).await;
        assert!(!store.reject_authority(PLACE, OLD).await.unwrap());
        assert!(store.reject_authority(PLACE, NEW).await.unwrap());
        assert!(!store.reject_authority(PLACE, NEW).await.unwrap());
        assert_eq!(note(&store, NEW, 2).await, Observed::Rejected);
        assert!(!store.approve_authority(PLACE, NEW, "admin", NOW).await.unwrap());
        assert_eq!(note(&store, "https://third.example", 3).await, Observed::New);
        assert_eq!(note(&store, NEW, 4).await, Observed::New);
    })
    .await;
}

#[tokio::test]
async fn what_the_operator_names_stands_at_once() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let declare = async |issuer| {
            store.declare_authority(PLACE, issuer, "configuration", NOW.plus_secs(5)).await.unwrap()
        };
        assert!(declare(OLD).await);
        assert!(!declare(OLD).await);
        assert!(connect(&store, PLACE, "alice", OLD).await.is_some());
        note(&store, "https://third.example", 6).await;
        assert!(declare(NEW).await);
        assert_eq!(store.connection(PLACE, "alice").await.unwrap(), None);
        let found = store.authority(PLACE).await.unwrap().unwrap();
        assert_eq!((&*found.issuer, found.approved_by.as_deref()), (NEW, Some("configuration")));
        assert_eq!(found.waiting, None);
    })
    .await;
}

#[tokio::test]
async fn of_two_that_are_seen_first_at_once_one_is_approved() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let observed =
            at_once(&stores, |store, which| async move { note(&store, [OLD, NEW][which], 0).await }).await;
        assert!(observed.contains(&Observed::First) && observed.contains(&Observed::New), "{observed:?}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let long = "x".repeat(LONGEST_ID + 1);
        for (place, issuer) in [("", NEW), (PLACE, ""), (&*long, NEW), (PLACE, &*long)] {
            assert!(matches!(store.note_authority(place, issuer, NOW).await, Err(StoreError::BadId)));
            let declared = store.declare_authority(place, issuer, "configuration", NOW).await;
            assert!(matches!(declared, Err(StoreError::BadId)));
        }
        assert!(matches!(store.note_authority("a\0", NEW, NOW).await, Err(StoreError::Nul)));
        assert_eq!(store.authority("a\0").await.unwrap(), None);
        assert!(store.authorities().await.unwrap().is_empty());
    })
    .await;
}
