//! What stands, who may change it, and who is told.

use super::*;
use crate::harness::{at_once, on_each_engine, samples::NOW};

const PLACE: &str = "upstream:mail";

/// What `person` connects at [`PLACE`], for an hour.
fn new(person: &str) -> NewConnection {
    NewConnection {
        place: PLACE.to_owned(),
        person: person.to_owned(),
        issuer: "https://issuer.example".to_owned(),
        client: "doorward".to_owned(),
        resource: "https://mail.example/mcp".to_owned(),
        scopes: "read write".to_owned(),
        sealed: "dw1.sealed".to_owned(),
        expires: Some(NOW.plus_secs(3_600)),
        now: NOW,
    }
}

fn refreshed(word: &str) -> Refreshed {
    Refreshed {
        scopes: "read".to_owned(),
        sealed: format!("dw1.{word}"),
        expires: None,
        now: NOW.plus_secs(10),
    }
}

async fn put(store: &Store, person: &str) -> i64 {
    store.put_connection(&new(person)).await.unwrap().unwrap()
}

/// Somebody who is a local user, and signed in under this hash.
async fn signed_in(store: &Store, person: &str) -> String {
    let (session, user) = (crate::harness::samples::hash(person), crate::harness::samples::user(person));
    assert!(store.add_user(&user).await.unwrap());
    let begun = crate::NewBrowserSession {
        hash: session.clone(),
        person: doorward_model::Person {
            subject: person.to_owned(),
            name: person.to_owned(),
            groups: Vec::new(),
            domain: None,
            administrator: false,
        },
        provider: None,
        created: NOW,
        expires: NOW.plus_secs(3_600),
    };
    store.start_browser_session(&begun).await.unwrap();
    session
}

#[tokio::test]
async fn who_was_removed_meanwhile_connects_nothing() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let session = signed_in(&store, "alice").await;
        assert!(store.put_connection_in_session(&new("alice"), &session).await.unwrap().is_some());
        assert!(store.remove_user("alice", NOW).await.unwrap());
        assert_eq!(get(&store, "alice").await, None);
        assert_eq!(store.put_connection_in_session(&new("alice"), &session).await.unwrap(), None);
        assert_eq!(get(&store, "alice").await, None);
        // Whoever connects the one account for all must be there as well.
        let shared = new("");
        assert_eq!(store.put_connection_in_session(&shared, &session).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn of_connecting_and_removing_at_once_nothing_is_left() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..10 {
            let person = format!("alice{round}");
            let session = signed_in(&stores[0], &person).await;
            at_once(&stores, |store, which| {
                let (person, session) = (person.clone(), session.clone());
                async move {
                    if which == 0 {
                        store.remove_user(&person, NOW).await.unwrap();
                    } else {
                        store.put_connection_in_session(&new(&person), &session).await.unwrap();
                    }
                }
            })
            .await;
            assert_eq!(get(&stores[0], &person).await, None);
        }
    })
    .await;
}

async fn get(store: &Store, person: &str) -> Option<Connection> {
    store.connection(PLACE, person).await.unwrap()
}

async fn claim(store: &Store, version: i64, secs: i64) -> Option<RefreshLease> {
    let (now, until) = (NOW.plus_secs(secs), NOW.plus_secs(secs + 30));
    store.claim_refresh(PLACE, "alice", version, now, until).await.unwrap()
}

async fn finish(store: &Store, version: i64, word: &str) -> Option<i64> {
    store.finish_refresh(PLACE, "alice", version, &refreshed(word)).await.unwrap()
}

#[tokio::test]
async fn where_there_is_one_process_its_claims_end_with_it() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let version = put(&store, "alice").await;
        claim(&store, version, 0).await.unwrap();
        store.end_refreshes_of_before().await.unwrap();
        let again = claim(&store, version, 1).await;
        assert_eq!(again.map(|lease| lease.interrupted), database.is_sqlite().then_some(true));
    })
    .await;
}

#[tokio::test]
async fn what_was_connected_is_found_and_only_by_its_person() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let version = put(&store, "alice").await;
        let expected = Connection {
            place: PLACE.to_owned(),
            person: "alice".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            client: "doorward".to_owned(),
            resource: "https://mail.example/mcp".to_owned(),
            scopes: "read write".to_owned(),
            sealed: "dw1.sealed".to_owned(),
            expires: Some(NOW.plus_secs(3_600)),
            broken: None,
            version,
            refreshing_until: None,
            interrupted: false,
            created: NOW,
            refreshed: NOW,
        };
        assert_eq!(get(&store, "alice").await, Some(expected));
        for other in ["", "Alice", "alice ", "bob", "alice\0"] {
            assert_eq!(get(&store, other).await, None, "{other:?}");
        }
        assert_eq!(store.connection("agent:mail", "alice").await.unwrap(), None);
        put(&store, "").await;
        assert_eq!(get(&store, "").await.unwrap().person, "", "a shared one has no person");
        assert!(!format!("{:?}{:?}", get(&store, "alice").await, new("alice")).contains("sealed"));
    })
    .await;
}

#[tokio::test]
async fn lists_are_by_person_and_page_by_page() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for (place, person) in
            [("upstream:b", "bob"), ("agent:a", "alice"), ("upstream:b", "alice"), ("upstream:b", "")]
        {
            let new = NewConnection { place: place.to_owned(), ..new(person) };
            store.put_connection(&new).await.unwrap().unwrap();
        }
        let named = |found: Vec<Connection>| -> Vec<(String, String)> {
            found.into_iter().map(|one| (one.place, one.person)).collect()
        };
        let pair = |place: &str, person: &str| (place.to_owned(), person.to_owned());
        let own = named(store.connections_of("alice").await.unwrap());
        assert_eq!(own, [pair("agent:a", "alice"), pair("upstream:b", "alice")]);
        let mut after: Option<(String, String)> = None;
        let mut all = Vec::new();
        loop {
            let from = after.as_ref().map(|(place, person)| (&**place, &**person));
            let page = named(store.connections(from, 3).await.unwrap());
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            all.extend(page);
        }
        let expected = [
            pair("agent:a", "alice"),
            pair("upstream:b", ""),
            pair("upstream:b", "alice"),
            pair("upstream:b", "bob"),
        ];
        assert_eq!(all, expected);
    })
    .await;
}

#[tokio::test]
async fn names_that_cannot_be_stored_are_refused_and_never_found() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let long = "x".repeat(LONGEST_ID + 1);
        let bad = |change: fn(&mut NewConnection, String), text: &str| {
            let mut new = new("alice");
            change(&mut new, text.to_owned());
            new
        };
        for refused in [
            bad(|new, text| new.place = text, ""),
            bad(|new, text| new.place = text, &long),
            bad(|new, text| new.person = text, &long),
            bad(|new, text| new.issuer = text, &long),
        ] {
            let answer = store.put_connection(&refused).await;
            assert!(matches!(answer, Err(StoreError::BadId)), "{refused:?}: {answer:?}");
        }
        for refused in [
            bad(|new, text| new.place = text, "a\0"),
            bad(|new, text| new.person = text, "a\0"),
            bad(|new, text| new.issuer = text, "a\0"),
            bad(|new, text| new.client = text, "a\0"),
            bad(|new, text| new.scopes = text, "a\0"),
        ] {
            let answer = store.put_connection(&refused).await;
            assert!(matches!(answer, Err(StoreError::Nul)), "{refused:?}: {answer:?}");
        }
        let longest = bad(|new, text| new.person = text, &long[1..]);
        assert!(store.put_connection(&longest).await.unwrap().is_some());
        assert_eq!(store.remove_connection(PLACE, "a\0", NOW).await.unwrap(), None);
        assert_eq!(database.number("SELECT COUNT(*) FROM connection").await, 1);
    })
    .await;
}

#[tokio::test]
async fn of_many_claims_one_wins() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..10 {
            let version = put(&stores[0], "alice").await;
            let mut claims = tokio::task::JoinSet::new();
            for number in 0..20 {
                let store = stores[number % 2].clone();
                claims.spawn(async move { claim(&store, version, 0).await });
            }
            let won: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
            let expected = RefreshLease { version, until: NOW.plus_secs(30), interrupted: false };
            assert_eq!(won, [expected], "round {round}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_refresh_is_finished_once_and_only_of_the_version_that_it_was_of() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let version = put(&store, "alice").await;
        assert_eq!(claim(&store, version - 1, 0).await, None, "not the current version");
        claim(&store, version, 0).await.unwrap();
        let next = finish(&store, version, "second").await.unwrap();
        assert!(next > version);
        assert_eq!(finish(&store, version, "third").await, None);
        let found = get(&store, "alice").await.unwrap();
        assert_eq!((&*found.sealed, &*found.scopes, found.version), ("dw1.second", "read", next));
        assert_eq!((found.expires, found.refreshing_until, found.interrupted), (None, None, false));
        assert_eq!((found.created, found.refreshed), (NOW, NOW.plus_secs(10)));
        assert!(claim(&store, next, 20).await.is_some(), "it may be refreshed again");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_that_was_cut_off_may_be_claimed_again_and_is_remembered_until_one_is_finished() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let version = put(&store, "alice").await;
        assert!(!claim(&store, version, 0).await.unwrap().interrupted);
        assert_eq!(claim(&store, version, 29).await, None);
        let before = get(&store, "alice").await.unwrap();
        assert!(!before.maybe_rotated(NOW.plus_secs(29)) && before.maybe_rotated(NOW.plus_secs(30)));
        let again = claim(&store, version, 30).await.unwrap();
        assert!(again.interrupted, "the first one never said what came of it");
        assert!(store.release_refresh(PLACE, "alice", &again, false).await.unwrap());
        let released = get(&store, "alice").await.unwrap();
        assert!(released.interrupted && released.refreshing_until.is_none());
        assert!(claim(&store, version, 40).await.unwrap().interrupted);
        finish(&store, version, "second").await.unwrap();
        let found = get(&store, "alice").await.unwrap();
        assert!(!found.maybe_rotated(NOW.plus_secs(1_000)));
    })
    .await;
}

#[tokio::test]
async fn of_two_who_refreshed_one_version_the_first_outcome_stands() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let version = put(&store, "alice").await;
        let slow = claim(&store, version, 0).await.unwrap();
        let fast = claim(&store, version, 30).await.unwrap();
        assert!(
            !store.release_refresh(PLACE, "alice", &slow, false).await.unwrap(),
            "it is not its any more"
        );
        assert!(finish(&store, version, "slow").await.is_some(), "tokens that came late are tokens");
        assert_eq!(finish(&store, version, "fast").await, None);
        let broken = store
            .break_connection(PLACE, "alice", version, "invalid_grant", NOW.plus_secs(20))
            .await
            .unwrap();
        assert!(!broken, "what the other's tokens replaced says nothing about them");
        assert!(!store.release_refresh(PLACE, "alice", &fast, true).await.unwrap());
        let found = get(&store, "alice").await.unwrap();
        assert_eq!((&*found.sealed, found.broken, found.interrupted), ("dw1.slow", None, false));
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_remembered_and_a_refusal_is_not() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let version = put(&store, "alice").await;
        for (uncertain, secs) in [(false, 0), (true, 1)] {
            let lease = claim(&store, version, secs).await.unwrap();
            assert!(store.release_refresh(PLACE, "alice", &lease, uncertain).await.unwrap());
            assert!(!store.release_refresh(PLACE, "alice", &lease, uncertain).await.unwrap());
            assert_eq!(get(&store, "alice").await.unwrap().interrupted, uncertain);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_broken_is_broken_once_holds_nothing_and_is_mended_by_connecting() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let version = put(&stores[0], "alice").await;
        let broken = at_once(&stores, move |store, _| async move {
            store.break_connection(PLACE, "alice", version, "invalid_grant", NOW.plus_secs(20)).await.unwrap()
        })
        .await;
        assert_eq!(broken.into_iter().filter(|won| *won).count(), 1);
        let found = get(&stores[0], "alice").await.unwrap();
        assert_eq!((found.broken.as_deref(), &*found.sealed), (Some("invalid_grant"), ""));
        assert_eq!((found.created, found.refreshed), (NOW, NOW.plus_secs(20)), "it says since when");
        assert_eq!(claim(&stores[0], found.version, 0).await, None);
        assert_eq!(finish(&stores[0], found.version, "late").await, None);
        let mended = put(&stores[0], "alice").await;
        let found = get(&stores[0], "alice").await.unwrap();
        assert_eq!((found.broken, &*found.sealed, found.version), (None, "dw1.sealed", mended));
    })
    .await;
}

#[tokio::test]
async fn what_was_removed_does_not_come_back() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..10 {
            let version = put(&stores[0], "alice").await;
            claim(&stores[0], version, 0).await.unwrap();
            let outcomes = at_once(&stores, move |store, which| async move {
                match which {
                    0 => store.remove_connection(PLACE, "alice", NOW).await.unwrap().is_some(),
                    _ => finish(&store, version, "late").await.is_some(),
                }
            })
            .await;
            assert!(outcomes[0], "round {round}");
            assert_eq!(get(&stores[1], "alice").await, None, "round {round}");
        }
        let version = put(&stores[0], "alice").await;
        let lease = claim(&stores[0], version, 0).await.unwrap();
        let removed = stores[1].remove_connection(PLACE, "alice", NOW).await.unwrap().unwrap();
        assert_eq!((&*removed.sealed, removed.version), ("dw1.sealed", version), "to be revoked");
        assert_eq!(stores[1].remove_connection(PLACE, "alice", NOW).await.unwrap(), None);
        put(&stores[1], "alice").await;
        assert_eq!(finish(&stores[0], version, "late").await, None, "it is another connection now");
        assert!(!stores[0].release_refresh(PLACE, "alice", &lease, true).await.unwrap());
        assert!(
            !stores[0].break_connection(PLACE, "alice", version, "late", NOW.plus_secs(20)).await.unwrap()
        );
        let found = get(&stores[0], "alice").await.unwrap();
        assert_eq!((&*found.sealed, found.interrupted, found.broken), ("dw1.sealed", false, None));
    })
    .await;
}

#[tokio::test]
async fn everybody_is_told_what_to_forget_and_nothing_twice() {
    on_each_engine(async |database| {
        let store = database.store().await;
        put(&store, "before").await;
        let mut cursor = store.newest_connection_change().await.unwrap();
        let mut told = async || {
            let (changed, next) = store.connections_changed(cursor).await.unwrap();
            cursor = next;
            changed.into_iter().map(|(place, person)| format!("{place}/{person}")).collect::<Vec<_>>()
        };
        assert!(told().await.is_empty());
        let version = put(&store, "alice").await;
        put(&store, "").await;
        assert_eq!(told().await, [format!("{PLACE}/alice"), format!("{PLACE}/")]);
        claim(&store, version, 0).await.unwrap();
        assert!(told().await.is_empty(), "a claim changes nothing for others");
        let version = finish(&store, version, "second").await.unwrap();
        assert_eq!(told().await, [format!("{PLACE}/alice")]);
        store.break_connection(PLACE, "alice", version, "gone", NOW.plus_secs(20)).await.unwrap();
        assert_eq!(told().await, [format!("{PLACE}/alice")]);
        store.remove_connection(PLACE, "alice", NOW).await.unwrap();
        assert_eq!(told().await, [format!("{PLACE}/alice")]);
        assert_eq!(database.number("SELECT COUNT(*) FROM removed_connection").await, 1);
        put(&store, "alice").await;
        assert_eq!(told().await, [format!("{PLACE}/alice")], "it is told once, as it is now");
        store.remove_connection(PLACE, "alice", NOW).await.unwrap();
        store.forget_expired_tokens(NOW.plus_secs(REMOVED_SECS - 1)).await.unwrap();
        assert_eq!(told().await, [format!("{PLACE}/alice")]);
        store.forget_expired_tokens(NOW.plus_secs(REMOVED_SECS)).await.unwrap();
        assert_eq!(database.number("SELECT COUNT(*) FROM removed_connection").await, 0);
        assert!(told().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn no_change_is_missed_by_those_who_ask_while_others_write() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let writers: Vec<_> = (0..2)
            .map(|which| {
                let store = stores[which].clone();
                tokio::spawn(async move {
                    for number in 0..25 {
                        put(&store, &format!("{which}-{number}")).await;
                    }
                })
            })
            .collect();
        let reader = database.store().await;
        let (mut cursor, mut seen) = (ConnectionCursor::default(), std::collections::BTreeSet::new());
        while seen.len() < 50 {
            let (changed, next) = reader.connections_changed(cursor).await.unwrap();
            seen.extend(changed.into_iter().map(|(_, person)| person));
            cursor = next;
            if changed_all(&writers) && next == reader.newest_connection_change().await.unwrap() {
                break;
            }
        }
        assert_eq!(seen.len(), 50);
    })
    .await;
}

fn changed_all(writers: &[tokio::task::JoinHandle<()>]) -> bool {
    writers.iter().all(tokio::task::JoinHandle::is_finished)
}

#[tokio::test]
async fn a_user_who_is_removed_leaves_no_connection() {
    on_each_engine(async |database| {
        let store = database.store().await;
        assert!(store.add_user(&crate::harness::samples::user("alice")).await.unwrap());
        for person in ["alice", "bob", ""] {
            put(&store, person).await;
        }
        let cursor = store.newest_connection_change().await.unwrap();
        assert!(store.remove_user("alice", NOW).await.unwrap());
        assert_eq!(get(&store, "alice").await, None);
        assert!(get(&store, "bob").await.is_some() && get(&store, "").await.is_some());
        let told = store.connections_changed(cursor).await.unwrap().0;
        assert_eq!(told, [(PLACE.to_owned(), "alice".to_owned())]);
    })
    .await;
}
