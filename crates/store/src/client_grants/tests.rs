//! Grants: what is live, and what taking them back takes along.

use super::*;
use crate::{
    RevocationCursor, Revoked,
    harness::{
        at_once, on_each_engine,
        samples::{NOW, access, dynamic, grant},
    },
};

#[tokio::test]
async fn a_grant_is_read_as_it_was_put_and_its_client_counts_as_used() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_client(&dynamic("editor"), None).await.unwrap();
        let bare = ClientGrant {
            client_name: None,
            redirect: None,
            groups: Vec::new(),
            scopes: "a2a:send offline_access".parse().unwrap(),
            ..grant("bare")
        };
        for (put, token) in [(grant("full"), "a"), (bare, "b")] {
            store.put_client_grant(&put, &access(token)).await.unwrap();
            assert_eq!(store.client_grant(&put.id).await.unwrap(), Some(put));
        }
        assert_eq!(store.client_grant("none").await.unwrap(), None);
        assert_eq!(store.client("editor").await.unwrap().unwrap().used, Some(NOW));
        assert!(store.put_client_grant(&grant("full"), &access("c")).await.is_err());
        assert!(!store.opens("c", NOW).await);
    })
    .await;
}

#[tokio::test]
async fn people_see_their_live_grants_newest_first() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for (age, id) in ["old", "middle", "new", "revoked"].into_iter().enumerate() {
            let created = NOW.plus_secs(i64::try_from(age).unwrap());
            store.put_client_grant(&ClientGrant { created, ..grant(id) }, &access(id)).await.unwrap();
        }
        let foreign = ClientGrant { subject: "bob".to_owned(), ..grant("foreign") };
        store.put_client_grant(&foreign, &access("foreign")).await.unwrap();
        store.revoke_client_grant("revoked", NOW).await.unwrap();
        store.put_tokens(ClientGrant { created: NOW.plus_secs(9), ..grant("refreshable") }).await;
        let ids = |seen: Vec<GrantSeen>| seen.into_iter().map(|seen| seen.grant.id).collect::<Vec<_>>();
        let mine = store.client_grants_of("alice", NOW).await.unwrap();
        assert_eq!(mine[0].last_used, Some(NOW));
        assert_eq!(ids(mine), ["refreshable", "new", "middle", "old"]);
        let later = store.client_grants_of("alice", NOW.plus_secs(3_600)).await.unwrap();
        assert_eq!(ids(later), ["refreshable"], "the others' tokens have expired");
        assert!(store.client_grants_of("alice", grant("g").expires).await.unwrap().is_empty());

        let first = store.client_grants(None, 3, NOW).await.unwrap();
        assert_eq!(ids(first.clone()), ["refreshable", "new", "middle"]);
        let last = &first[2].grant;
        let rest = store.client_grants(Some((last.created, &last.id)), 3, NOW).await.unwrap();
        assert_eq!(ids(rest), ["old", "foreign"]);
    })
    .await;
}

#[tokio::test]
async fn a_grant_is_revoked_once_and_the_replicas_are_told() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..20 {
            let id = format!("g{round}");
            stores[0].put_tokens(grant(&id)).await;
            let cursor = stores[0].newest_revocation().await.unwrap();
            let revoked = at_once(&stores, |store, _| {
                let id = id.clone();
                async move { store.revoke_client_grant(&id, NOW).await.unwrap() }
            })
            .await;
            assert!(revoked[0] != revoked[1], "{revoked:?}");
            assert!(!stores[1].opens(&format!("{id}-access"), NOW).await);
            let told = stores[1].revocations_since(cursor).await.unwrap();
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].what, Revoked::Grant(id));
        }
        assert!(!stores[0].revoke_client_grant("none", NOW).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn removing_a_client_and_a_person_at_once_revokes_each_grant_once() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..20 {
            stores[0].add_user(&crate::harness::samples::user("alice")).await.unwrap();
            stores[0].add_client(&dynamic("editor"), None).await.unwrap();
            let cursor = stores[0].newest_revocation().await.unwrap();
            for number in 0..8 {
                let id = format!("{round}-{number}");
                stores[0].put_client_grant(&grant(&id), &access(&id)).await.unwrap();
            }
            at_once(&stores, |store, which| async move {
                if which == 0 {
                    assert!(store.remove_client("editor", NOW).await.unwrap());
                } else {
                    assert!(store.remove_user("alice", NOW).await.unwrap());
                }
            })
            .await;
            assert_eq!(stores[0].revocations_since(cursor).await.unwrap().len(), 8);
            assert!(stores[0].client_grants_of("alice", NOW).await.unwrap().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn a_row_that_this_program_did_not_write_is_an_error() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_client_grant(&grant("g"), &access("a")).await.unwrap();
        for broken in ["scopes = 'mcp:everything'", "groups = 'eng'", "groups = '[1]'"] {
            database.run(&format!("UPDATE client_grant SET {broken}")).await;
            let outcome = store.access_token(&access("a").hash, NOW).await;
            assert!(matches!(outcome, Err(StoreError::Unreadable(_))), "{broken}: {outcome:?}");
        }
        assert!(store.revocations_since(RevocationCursor::default()).await.unwrap().is_empty());
    })
    .await;
}
