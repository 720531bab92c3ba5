//! What goes, what stays, and how much at once.

use super::*;
use crate::harness::{
    on_each_engine,
    samples::{NOW, access, code, grant, hash, refresh},
};

const DAY: i64 = 24 * 3_600;

#[tokio::test]
async fn everything_goes_in_its_time_and_nothing_before() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_tokens(grant("refreshable")).await;
        store.put_client_grant(&grant("single"), &access("single")).await.unwrap();
        store.put_code(&code("unredeemed")).await.unwrap();
        store.use_once("jti", &hash("jti"), NOW.plus_secs(60)).await.unwrap();
        let counts = async || {
            let mut counts = Vec::new();
            for table in ["access_token", "refresh_token", "client_grant", "authorization_code", "used_once"]
            {
                counts.push(database.number(&format!("SELECT COUNT(*) FROM {table}")).await);
            }
            counts
        };
        assert_eq!(counts().await, [2, 1, 2, 2, 1]);
        for (secs, forgotten, left) in [
            (59, 0, [2, 1, 2, 2, 1]),
            (60, 1, [2, 1, 2, 2, 0]),
            // both access tokens, and the grant that had no other
            (3_600, 3, [0, 1, 1, 2, 0]),
            (DAY + 60, 2, [0, 1, 1, 0, 0]),
            (14 * DAY, 2, [0, 0, 0, 0, 0]),
        ] {
            assert_eq!(store.forget_expired_tokens(NOW.plus_secs(secs)).await.unwrap(), forgotten, "{secs}");
            assert_eq!(counts().await, left, "{secs}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_used_refresh_token_is_known_until_it_expires() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_tokens(grant("g")).await;
        let next = crate::NewRefreshToken { expires: NOW.plus_secs(30 * DAY), ..refresh("next") };
        let old = hash("g-refresh");
        store.rotate_refresh_token(&old, &next, &access("a"), None, 30, NOW).await.unwrap();
        store.forget_expired_tokens(NOW.plus_secs(14 * DAY - 1)).await.unwrap();
        assert!(store.refresh_token(&old).await.unwrap().is_some());
        store.forget_expired_tokens(NOW.plus_secs(14 * DAY)).await.unwrap();
        assert!(store.refresh_token(&old).await.unwrap().is_none());
        assert!(store.refresh_token(&next.hash).await.unwrap().is_some(), "the family lives on");
    })
    .await;
}

#[tokio::test]
async fn any_number_goes_and_only_what_has_expired() {
    on_each_engine(async |database| {
        let store = database.store().await;
        database
            .run(
                "INSERT INTO used_once (kind, id_hash, expires)
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
                 SELECT 'kind' || i, '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', i FROM n",
            )
            .await;
        let now = Timestamp::from_micros(3_000);
        assert_eq!(store.forget_expired_tokens(now).await.unwrap(), 3_000);
        assert_eq!(database.number("SELECT MIN(expires) FROM used_once").await, 3_001);
        assert_eq!(database.number("SELECT COUNT(*) FROM used_once").await, 500);
    })
    .await;
}

#[tokio::test]
async fn replicas_that_forget_at_once_do_not_get_in_each_others_way() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        for round in 0..10 {
            for number in 0..20 {
                stores[0].put_tokens(grant(&format!("{round}-{number}"))).await;
            }
            let forgotten = crate::harness::at_once(&stores, |store, _| async move {
                store.forget_expired_tokens(NOW.plus_secs(90 * DAY)).await.unwrap()
            })
            .await;
            // a grant, its code and its two tokens
            assert_eq!(forgotten.iter().sum::<u64>(), 80, "round {round}: {forgotten:?}");
        }
    })
    .await;
}
