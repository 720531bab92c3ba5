//! Rotation: lost answers, shared files, thieves, and two at once.

use super::*;
use crate::{
    RevocationCursor, Revoked,
    harness::{
        at_once, on_each_engine,
        samples::{NOW, access, dynamic, grant, hash, refresh},
    },
};

const GRACE: i64 = 30;

/// Presents the token of one word for those of another.
async fn rotate(store: &Store, old: &str, new: &str, now: Timestamp) -> Rotation {
    let access =
        NewAccessToken { issued: now, expires: now.plus_secs(3_600), ..access(&format!("{new}-access")) };
    let refresh = NewRefreshToken { issued: now, expires: now.plus_secs(14 * 24 * 3_600), ..refresh(new) };
    store.rotate_refresh_token(&hash(old), &refresh, &access, None, GRACE, now).await.unwrap()
}

#[tokio::test]
async fn a_token_is_replaced_by_the_next() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_client(&dynamic("editor"), None).await.unwrap();
        store.put_tokens(grant("g")).await;
        let later = NOW.plus_secs(7_200);
        assert_eq!(rotate(&store, "g-refresh", "r1", later).await, Rotation::Done);
        assert!(store.opens("r1-access", later).await);
        let old = store.refresh_token(&hash("g-refresh")).await.unwrap().unwrap();
        let new = store.refresh_token(&hash("r1")).await.unwrap().unwrap();
        assert_eq!((old.used, new.used), (Some(later), None));
        assert_eq!((new.grant, new.expires), (grant("g"), later.plus_secs(14 * 24 * 3_600)));
        assert_eq!(store.client("editor").await.unwrap().unwrap().used, Some(later));
        let seen = store.client_grants_of("alice", later.plus_secs(14 * 24 * 3_600 - 1)).await.unwrap();
        assert_eq!(seen[0].last_used, Some(later), "the grant lives as long as its last token");
        assert_eq!(rotate(&store, "r1", "r2", later.plus_secs(3_600)).await, Rotation::Done);
    })
    .await;
}

#[tokio::test]
async fn the_persons_groups_of_now_come_with_it() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_tokens(grant("g")).await;
        let groups = ["ops".to_owned()];
        let outcome = store
            .rotate_refresh_token(
                &hash("g-refresh"),
                &refresh("r1"),
                &access("a1"),
                Some(&groups),
                GRACE,
                NOW,
            )
            .await;
        assert_eq!(outcome.unwrap(), Rotation::Done);
        let found = store.access_token(&hash("a1"), NOW).await.unwrap().unwrap();
        assert_eq!(found.grant.groups, groups);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_may_be_asked_for_again_within_the_grace() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_tokens(grant("g")).await;
        assert_eq!(rotate(&store, "g-refresh", "lost", NOW).await, Rotation::Done);
        assert_eq!(rotate(&store, "g-refresh", "lost too", NOW.plus_secs(29)).await, Rotation::Done);
        assert_eq!(rotate(&store, "g-refresh", "kept", NOW.plus_secs(GRACE)).await, Rotation::Done);
        assert_eq!(rotate(&store, "kept", "next", NOW.plus_secs(3_600)).await, Rotation::Done);
        assert!(store.opens("next-access", NOW.plus_secs(3_600)).await);
    })
    .await;
}

/// What is presented last, and after how many seconds, once `g-refresh` became `r1` at [`NOW`].
async fn is_a_replay(database: &crate::harness::Database, steps: &[(&str, &str)], last: &str, secs: i64) {
    let store = database.store().await;
    let id = format!("g{}", database.number("SELECT COUNT(*) FROM client_grant").await);
    let word = |word: &str| format!("{id}-{word}");
    store.put_tokens(grant(&id)).await;
    store.put_client_grant(&grant(&word("other")), &access(&word("other"))).await.unwrap();
    let cursor = store.newest_revocation().await.unwrap();
    for (old, new) in [("refresh", "r1")].iter().chain(steps) {
        assert_eq!(rotate(&store, &word(old), &word(new), NOW).await, Rotation::Done, "{old} → {new}");
    }
    let now = NOW.plus_secs(secs);
    assert_eq!(rotate(&store, &word(last), &word("stolen"), now).await, Rotation::Replayed, "{last}");
    for dead in ["access", "r1-access", "stolen-access"] {
        assert!(!store.opens(&word(dead), NOW).await, "{dead}");
    }
    assert_eq!(store.refresh_token(&hash(&word("stolen"))).await.unwrap(), None);
    assert_eq!(rotate(&store, &word("r1"), &word("r9"), now).await, Rotation::Expired, "the family is dead");
    assert!(store.opens(&word("other"), NOW).await, "other grants of the person are not touched");
    let told = store.revocations_since(cursor).await.unwrap();
    assert_eq!(told.into_iter().map(|told| told.what).collect::<Vec<_>>(), [Revoked::Grant(id)]);
}

#[tokio::test]
async fn any_other_second_use_revokes_the_grant() {
    on_each_engine(async |database| {
        // after the grace
        is_a_replay(database, &[], "refresh", GRACE + 1).await;
        // within the grace, when the next token was used
        is_a_replay(database, &[("r1", "r2")], "refresh", 1).await;
        // the token that a second use within the grace took the place of, when it turns up after all
        is_a_replay(database, &[("refresh", "r2")], "r1", GRACE + 1).await;
        is_a_replay(database, &[("refresh", "r2"), ("r2", "r3")], "r1", 1).await;
        // one from long before
        is_a_replay(database, &[("r1", "r2"), ("r2", "r3")], "refresh", 3_600).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_good_any_more_is_refused_and_revokes_nothing() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_tokens(grant("idle")).await;
        let late = refresh("r").expires;
        assert_eq!(rotate(&store, "none", "n", NOW).await, Rotation::Unknown);
        assert_eq!(rotate(&store, "idle-refresh", "n", late).await, Rotation::Expired);
        let ending = doorward_model::ClientGrant { expires: NOW.plus_secs(10), ..grant("ended") };
        store.put_tokens(ending).await;
        assert_eq!(rotate(&store, "ended-refresh", "n", NOW.plus_secs(10)).await, Rotation::Expired);
        store.put_tokens(grant("gone")).await;
        store.revoke_client_grant("gone", NOW).await.unwrap();
        let cursor = store.newest_revocation().await.unwrap();
        assert_ne!(cursor, RevocationCursor::default());
        assert_eq!(rotate(&store, "gone-refresh", "n", NOW).await, Rotation::Expired);
        assert_eq!(store.newest_revocation().await.unwrap(), cursor);
        assert_eq!(store.refresh_token(&hash("n")).await.unwrap(), None);
        assert_eq!(rotate(&store, "idle-refresh", "n", NOW).await, Rotation::Done, "it is still good");
    })
    .await;
}

#[tokio::test]
async fn of_two_rotations_at_once_one_token_is_left() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            let id = format!("g{round}");
            stores[0].put_tokens(grant(&id)).await;
            let outcomes = at_once(&stores, |store, which| {
                let (old, new) = (format!("{id}-refresh"), format!("{id}-{which}"));
                async move { rotate(&store, &old, &new, NOW).await }
            })
            .await;
            assert_eq!(outcomes, [Rotation::Done; 2], "round {round}");
            let good = format!("SELECT COUNT(*) FROM refresh_token WHERE grant_id = '{id}' AND used IS NULL");
            assert_eq!(database.number(&good).await, 1, "round {round}");
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_rotations_at_once_without_grace_one_wins_and_the_grant_ends() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..50 {
            let id = format!("g{round}");
            stores[0].put_tokens(grant(&id)).await;
            let outcomes = at_once(&stores, |store, which| {
                let (old, new) = (hash(&format!("{id}-refresh")), format!("{id}-{which}"));
                async move {
                    let (access, refresh) = (access(&format!("a{new}")), refresh(&new));
                    store.rotate_refresh_token(&old, &refresh, &access, None, -1, NOW).await.unwrap()
                }
            })
            .await;
            let mut names = outcomes.map(|outcome| format!("{outcome:?}"));
            names.sort();
            assert_eq!(names, ["Done", "Replayed"], "round {round}");
            for which in 0..2 {
                assert!(!stores[0].opens(&format!("a{id}-{which}"), NOW).await);
            }
        }
    })
    .await;
}
