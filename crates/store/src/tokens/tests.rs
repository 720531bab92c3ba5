//! Tokens: what opens, until when, and what is in the file.

use sqlx::AssertSqlSafe;

use super::*;
use crate::{
    NewBrowserSession, NewCode, RevocationCursor, Revoked,
    harness::{
        Database, on_each_engine,
        samples::{NOW, access, code, dynamic, grant, hash, refresh},
    },
};

#[tokio::test]
async fn an_access_token_is_read_with_its_grant() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let narrow = "mcp:read".parse().unwrap();
        let token = NewAccessToken { scopes: narrow, ..access("a") };
        store.put_client_grant(&grant("g"), &token).await.unwrap();
        let found = store.access_token(&token.hash, NOW).await.unwrap().unwrap();
        assert_eq!((&found.grant, found.scopes), (&grant("g"), narrow));
        assert_eq!((found.issued, found.expires), (token.issued, token.expires));
        assert_eq!(store.access_token("a", NOW).await.unwrap(), None, "the token itself is no key");
    })
    .await;
}

#[tokio::test]
async fn an_access_token_opens_until_it_expires_or_its_grant_ends_or_is_revoked() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_client_grant(&grant("long"), &access("a")).await.unwrap();
        let ending = ClientGrant { expires: NOW.plus_secs(60), ..grant("short") };
        store.put_client_grant(&ending, &access("b")).await.unwrap();
        let found = store.access_token(&hash("b"), NOW).await.unwrap().unwrap();
        assert_eq!(found.expires, NOW.plus_secs(60));
        assert!(store.opens("b", NOW.plus_secs(59)).await && !store.opens("b", NOW.plus_secs(60)).await);
        assert!(store.opens("a", NOW.plus_secs(3_599)).await);
        assert!(!store.opens("a", NOW.plus_secs(3_600)).await);
        store.revoke_client_grant("long", NOW).await.unwrap();
        assert!(!store.opens("a", NOW).await);
    })
    .await;
}

#[tokio::test]
async fn one_access_token_is_revoked_without_the_others() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_tokens(grant("g")).await;
        assert!(store.revoke_access_token(&hash("g-access"), NOW).await.unwrap());
        assert!(!store.revoke_access_token(&hash("g-access"), NOW).await.unwrap());
        assert!(!store.revoke_access_token(&hash("none"), NOW).await.unwrap());
        assert!(!store.opens("g-access", NOW).await);
        assert!(store.refresh_token(&hash("g-refresh")).await.unwrap().is_some_and(|token| !token.revoked));
        let told = store.revocations_since(RevocationCursor::default()).await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].what, Revoked::AccessToken(hash("g-access")));
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_read_whatever_became_of_it() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.put_tokens(grant("g")).await;
        let found = store.refresh_token(&hash("g-refresh")).await.unwrap().unwrap();
        assert_eq!((found.grant, found.expires), (grant("g"), refresh("r").expires));
        assert_eq!((found.used, found.revoked), (None, false));
        store.revoke_client_grant("g", NOW).await.unwrap();
        assert!(store.refresh_token(&hash("g-refresh")).await.unwrap().unwrap().revoked);
        assert_eq!(store.refresh_token(&hash("none")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_token_in_clear_is_refused_by_the_tables() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let clear = |word: &str| format!("dw{word}_8tWtz0vW0mQ4mIYv5Gvnd9wJlcLZfCYBz1KJrLmcx4A1b2c3d");
        let token = NewAccessToken { hash: clear("at"), ..access("a") };
        assert!(store.put_client_grant(&grant("g"), &token).await.is_err());
        assert!(store.put_code(&NewCode { hash: clear("ac"), ..code("c") }).await.is_err());
        assert!(store.add_client(&dynamic("d"), Some(&clear("cs"))).await.is_err());
        assert!(store.use_once("jti", "4711", NOW).await.is_err());
        store.put_code(&code("c")).await.unwrap();
        let bad = NewRefreshToken { hash: clear("rt"), ..refresh("r") };
        assert!(store.redeem_code(&hash("c"), &access("a"), Some(&bad), NOW).await.is_err());
        assert!(!store.code(&hash("c")).await.unwrap().unwrap().redeemed, "nothing of it is stored");
        assert_eq!(store.client_grant("c-grant").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_file_holds_hashes_and_no_secret() {
    const SECRETS: [&str; 7] =
        ["dwac_one", "dwat_two", "dwrt_three", "dwcs_four", "dwss_five", "jti-six", "dwrt_7"];
    let database = Database::sqlite();
    let store = database.store().await;
    let [code_secret, access_secret, refresh_secret, client_secret, cookie, jti, next] = SECRETS;
    store.register_client(&dynamic("editor"), Some(&hash(client_secret)), 10).await.unwrap();
    store.put_code(&NewCode { grant: grant("g"), ..code(code_secret) }).await.unwrap();
    let (first, second) = (refresh(refresh_secret), refresh(next));
    store.redeem_code(&hash(code_secret), &access(access_secret), Some(&first), NOW).await.unwrap();
    store.rotate_refresh_token(&first.hash, &second, &access("again"), None, 30, NOW).await.unwrap();
    store.use_once("jti", &hash(jti), NOW).await.unwrap();
    let session = NewBrowserSession {
        hash: hash(cookie),
        person: doorward_model::Person {
            subject: "alice".to_owned(),
            name: "Alice".to_owned(),
            groups: Vec::new(),
            domain: Some("example.com".to_owned()),
            administrator: false,
        },
        provider: None,
        created: NOW,
        expires: NOW.plus_secs(60),
    };
    store.start_browser_session(&session).await.unwrap();
    let path = database.url.strip_prefix("sqlite:").unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    bytes.extend(std::fs::read(format!("{path}-wal")).unwrap_or_default());
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for secret in SECRETS {
        assert!(holds(&hash(secret)), "the search finds what is there: {secret}");
        assert!(!holds(secret), "{secret}");
    }
    store.close().await;
}

#[tokio::test]
async fn what_comes_with_every_request_is_found_by_indexes_alone() {
    let database = Database::sqlite();
    let store = database.store().await;
    let crate::engine::Engine::Sqlite { readers, .. } = &store.engine else { panic!("not SQLite") };
    for sql in [ACCESS_TOKEN, REFRESH_TOKEN] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                .fetch_all(readers)
                .await
                .unwrap();
        let steps: Vec<_> = plan.into_iter().map(|(.., step)| step).collect();
        assert!(steps.iter().all(|step| step.starts_with("SEARCH")), "{steps:?}");
    }
}
