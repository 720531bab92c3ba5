//! Users: names, the first administrator, and what goes with them.

use super::*;
use crate::{
    Consent, NewBrowserSession, RevocationCursor, Revoked,
    harness::{
        at_once, on_each_engine,
        samples::{NOW, code, grant, hash, user},
    },
};

fn session(cookie: &str, user: &User, provider: Option<&str>) -> NewBrowserSession {
    NewBrowserSession {
        hash: hash(cookie),
        person: doorward_model::Person {
            subject: user.name.clone(),
            name: user.name.clone(),
            groups: user.groups.clone(),
            domain: Some("example.com".to_owned()),
            administrator: user.administrator,
        },
        provider: provider.map(str::to_owned),
        created: NOW,
        expires: NOW.plus_secs(7 * 24 * 3_600),
    }
}

#[tokio::test]
async fn a_name_is_taken_once() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let alice = User { administrator: true, ..user("alice") };
        assert!(store.add_user(&alice).await.unwrap());
        let usurper = User { password_hash: "$argon2id$other".to_owned(), ..user("alice") };
        assert!(!store.add_user(&usurper).await.unwrap());
        assert!(store.add_user(&User { groups: Vec::new(), ..user("bob") }).await.unwrap());
        assert_eq!(store.user("alice").await.unwrap(), Some(alice.clone()));
        for nobody in ["carol", "Alice", "", "alice\0"] {
            assert_eq!(store.user(nobody).await.unwrap(), None, "{nobody:?}");
        }
        let names: Vec<_> = store.users().await.unwrap().into_iter().map(|user| user.name).collect();
        assert_eq!(names, ["alice", "bob"]);
        assert!(!format!("{alice:?}").contains("argon2"), "{alice:?}");
    })
    .await;
}

#[tokio::test]
async fn a_password_in_clear_is_refused_by_the_table() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let clear = User { password_hash: "correct horse".to_owned(), ..user("alice") };
        assert!(store.add_user(&clear).await.is_err());
        store.add_user(&user("alice")).await.unwrap();
        let change = UserChange { password_hash: Some("correct horse".to_owned()), ..UserChange::default() };
        assert!(store.change_user("alice", &change, NOW).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_first_administrator_is_one_of_those_who_come_at_once() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            assert!(!stores[0].has_administrator().await.unwrap());
            let outcomes = at_once(&stores, |store, which| async move {
                store.add_first_administrator(&user(&format!("admin{which}"))).await.unwrap()
            })
            .await;
            let mut names = outcomes.map(|outcome| format!("{outcome:?}"));
            names.sort();
            assert_eq!(names, ["Added", "Exists"], "round {round}");
            let users = stores[0].users().await.unwrap();
            assert!(users.len() == 1 && users[0].administrator, "{users:?}");
            assert!(stores[0].has_administrator().await.unwrap());
            stores[0].remove_user(&users[0].name, NOW).await.unwrap();
        }
        stores[0].add_user(&user("alice")).await.unwrap();
        let taken = stores[0].add_first_administrator(&user("alice")).await.unwrap();
        assert_eq!(taken, FirstAdministrator::Taken);
        assert!(!stores[0].has_administrator().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_change_holds_for_sessions_and_tokens_that_exist() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_user(&user("alice")).await.unwrap();
        store.put_tokens(grant("g")).await;
        store.start_browser_session(&session("c", &user("alice"), None)).await.unwrap();
        let change = UserChange {
            administrator: Some(true),
            groups: Some(vec!["ops".to_owned()]),
            ..UserChange::default()
        };
        assert!(store.change_user("alice", &change, NOW).await.unwrap());
        let changed = store.user("alice").await.unwrap().unwrap();
        assert_eq!((changed.administrator, &changed.groups[..]), (true, &["ops".to_owned()][..]));
        assert_eq!(changed.password_hash, user("alice").password_hash);
        let person = store.browser_session(&hash("c"), NOW).await.unwrap().unwrap().person;
        assert_eq!((person.administrator, person.groups), (true, changed.groups.clone()));
        let token = store.access_token(&hash("g-access"), NOW).await.unwrap().unwrap();
        assert_eq!(token.grant.groups, changed.groups);
        let told = store.revocations_since(RevocationCursor::default()).await.unwrap();
        assert_eq!(told[0].what, Revoked::Grant("g".to_owned()), "replicas ask again");
        assert!(store.change_user("alice", &UserChange::default(), NOW).await.unwrap());
        assert_eq!(store.user("alice").await.unwrap(), Some(changed));
        assert!(!store.change_user("nobody", &change, NOW).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_sessions_and_keeps_grants() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_user(&user("alice")).await.unwrap();
        store.put_tokens(grant("g")).await;
        store.start_browser_session(&session("c", &user("alice"), None)).await.unwrap();
        let password_hash = Some("$argon2id$new".to_owned());
        let change = UserChange { password_hash: password_hash.clone(), ..UserChange::default() };
        assert!(store.change_user("alice", &change, NOW).await.unwrap());
        assert_eq!(store.browser_session(&hash("c"), NOW).await.unwrap(), None);
        assert_eq!(store.user("alice").await.unwrap().map(|user| user.password_hash), password_hash);
        assert!(store.opens("g-access", NOW).await);
        assert!(!format!("{change:?}").contains("argon2"), "{change:?}");
    })
    .await;
}

#[tokio::test]
async fn whoever_is_removed_leaves_nothing_behind() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_user(&user("alice")).await.unwrap();
        store.put_tokens(grant("g")).await;
        store.put_code(&code("pending")).await.unwrap();
        store.start_browser_session(&session("c", &user("alice"), None)).await.unwrap();
        let consent = Consent {
            subject: "alice".to_owned(),
            client: "editor".to_owned(),
            redirect_uri: "https://editor.example/callback".to_owned(),
            resource: grant("g").resource,
            scopes: grant("g").scopes,
            client_digest: "d".to_owned(),
            created: NOW,
        };
        store.remember_consent(&consent).await.unwrap();
        store.remember_consent(&Consent { subject: "bob".to_owned(), ..consent }).await.unwrap();
        store.put_tokens(doorward_model::ClientGrant { subject: "bob".to_owned(), ..grant("b") }).await;
        assert!(store.remove_user("alice", NOW).await.unwrap());
        assert!(!store.remove_user("alice", NOW).await.unwrap());
        assert_eq!(store.user("alice").await.unwrap(), None);
        assert!(!store.opens("g-access", NOW).await);
        assert!(store.refresh_token(&hash("g-refresh")).await.unwrap().unwrap().revoked);
        assert_eq!(store.code(&hash("pending")).await.unwrap(), None);
        assert_eq!(store.browser_session(&hash("c"), NOW).await.unwrap(), None);
        assert_eq!(database.number("SELECT COUNT(*) FROM consent").await, 1, "the other person's stays");
        assert!(store.opens("b-access", NOW).await);
    })
    .await;
}
