//! Browser sessions: how long, and how they end.

use super::*;
use crate::harness::{
    on_each_engine,
    samples::{NOW, hash},
};

fn session(cookie: &str, subject: &str) -> NewBrowserSession {
    NewBrowserSession {
        hash: hash(cookie),
        person: Person {
            subject: subject.to_owned(),
            name: "Alice Ångström".to_owned(),
            groups: vec!["eng".to_owned()],
            domain: Some("example.com".to_owned()),
            administrator: true,
        },
        provider: Some("corp".to_owned()),
        created: NOW,
        expires: NOW.plus_secs(7 * 24 * 3_600),
    }
}

#[tokio::test]
async fn a_session_is_read_as_it_began() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let begun = session("c", "corp:1");
        store.start_browser_session(&begun).await.unwrap();
        let found = store.browser_session(&begun.hash, NOW).await.unwrap().unwrap();
        assert_eq!((found.person, found.provider), (begun.person.clone(), begun.provider.clone()));
        assert_eq!((found.created, found.expires), (begun.created, begun.expires));
        assert_eq!(store.browser_session("c", NOW).await.unwrap(), None);
        assert!(store.start_browser_session(&begun).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_session_goes_on_while_the_browser_comes_back_but_not_for_ever() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let begun = session("c", "corp:1");
        store.start_browser_session(&begun).await.unwrap();
        let mut now = NOW;
        while now < begun.expires {
            assert!(store.browser_session(&begun.hash, now).await.unwrap().is_some(), "{now:?}");
            now = now.plus_secs(IDLE_SECS - 1);
        }
        assert!(store.browser_session(&begun.hash, begun.expires).await.unwrap().is_none());
        let idle = session("idle", "corp:1");
        store.start_browser_session(&idle).await.unwrap();
        assert!(store.browser_session(&idle.hash, NOW.plus_secs(IDLE_SECS)).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_row_is_written_once_a_minute_at_most() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let begun = session("c", "corp:1");
        store.start_browser_session(&begun).await.unwrap();
        let seen = async || database.number("SELECT seen FROM browser_session").await;
        store.browser_session(&begun.hash, NOW.plus_secs(59)).await.unwrap();
        assert_eq!(seen().await, NOW.as_micros());
        store.browser_session(&begun.hash, NOW.plus_secs(60)).await.unwrap();
        assert_eq!(seen().await, NOW.plus_secs(60).as_micros());
        store.browser_session(&begun.hash, NOW).await.unwrap();
        assert_eq!(seen().await, NOW.plus_secs(60).as_micros(), "never back");
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_by_a_word_and_so_do_all_of_a_person() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for (cookie, subject) in [("a", "corp:1"), ("b", "corp:1"), ("c", "corp:1"), ("d", "corp:2")] {
            store.start_browser_session(&session(cookie, subject)).await.unwrap();
        }
        assert!(store.end_browser_session(&hash("a")).await.unwrap());
        assert!(!store.end_browser_session(&hash("a")).await.unwrap());
        assert_eq!(store.browser_session(&hash("a"), NOW).await.unwrap(), None);
        assert_eq!(store.end_browser_sessions_of("corp:1").await.unwrap(), 2);
        assert_eq!(store.end_browser_sessions_of("corp:1").await.unwrap(), 0);
        assert!(store.browser_session(&hash("d"), NOW).await.unwrap().is_some());
    })
    .await;
}
