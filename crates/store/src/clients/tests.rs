//! Clients: what is kept of them, and how many.

use doorward_model::{ClientAuthentication, ClientKeys, ClientKind, GrantTypes, SecretMethod};

use super::*;
use crate::{
    NewAccessToken,
    harness::{
        Database, on_each_engine,
        samples::{NOW, access, code, dynamic, grant, hash},
    },
};

const DAY: i64 = 24 * 3_600;

#[tokio::test]
async fn every_kind_of_client_is_read_as_it_was_put() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let keys = |keys| ClientAuthentication::PrivateKeyJwt(keys);
        let authentications = [
            ClientAuthentication::None,
            ClientAuthentication::Secret(SecretMethod::Basic),
            ClientAuthentication::Secret(SecretMethod::Post),
            ClientAuthentication::Secret(SecretMethod::Either),
            keys(ClientKeys::Inline(r#"{"keys":[]}"#.to_owned())),
            keys(ClientKeys::Uri("https://editor.example/jwks?v=1".parse().unwrap())),
        ];
        let kinds = [ClientKind::Registered, ClientKind::Dynamic, ClientKind::Document];
        for (number, authentication) in authentications.into_iter().enumerate() {
            let bit = |bit: usize| number & bit != 0;
            let client = Client {
                kind: kinds[number % 3],
                name: bit(1).then(|| "Ein \"Editor\"".to_owned()),
                redirect_uris: vec!["cursor://callback/é".to_owned(); number],
                grant_types: GrantTypes {
                    authorization_code: bit(1),
                    refresh_token: bit(2),
                    client_credentials: bit(4),
                    jwt_bearer: !bit(1),
                },
                resource: bit(2).then(|| grant("g").resource),
                authentication,
                ..dynamic(&format!("client{number}"))
            };
            let secret = client.is_confidential().then(|| hash("secret"));
            assert!(store.add_client(&client, secret.as_deref()).await.unwrap());
            let found = store.client(&client.id).await.unwrap();
            assert_eq!(found, Some(StoredClient { client, secret_hash: secret, used: None }));
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_is_taken_once() {
    on_each_engine(async |database| {
        let store = database.store().await;
        assert!(store.add_client(&dynamic("ci"), None).await.unwrap());
        let other = Client { name: None, ..dynamic("ci") };
        assert!(!store.add_client(&other, None).await.unwrap());
        assert!(!store.register_client(&other, None, 10).await.unwrap());
        assert_eq!(store.client("ci").await.unwrap().unwrap().client, dynamic("ci"));
        for unknown in ["", "c", "CI", "ci\0", "https://editor.example/client"] {
            assert_eq!(store.client(unknown).await.unwrap(), None, "{unknown:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn clients_are_listed_page_by_page() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for id in ["b", "c", "a"] {
            store.add_client(&dynamic(id), None).await.unwrap();
        }
        let page = async |after: Option<&str>, limit| {
            let clients = store.clients(after, limit).await.unwrap();
            clients.into_iter().map(|stored| stored.client.id).collect::<Vec<_>>()
        };
        assert_eq!(page(None, 2).await, ["a", "b"]);
        assert_eq!(page(Some("b"), 2).await, ["c"]);
        assert!(page(Some("c"), u32::MAX).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_removed_client_takes_its_grants_and_codes_with_it() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_client(&dynamic("editor"), None).await.unwrap();
        store.put_tokens(grant("g")).await;
        store.put_code(&code("pending")).await.unwrap();
        let other = doorward_model::ClientGrant { client: "other".to_owned(), ..grant("o") };
        store.put_tokens(other).await;
        assert!(store.remove_client("editor", NOW).await.unwrap());
        assert!(!store.remove_client("editor", NOW).await.unwrap());
        assert_eq!(store.client("editor").await.unwrap(), None);
        assert!(!store.opens("g-access", NOW).await && store.opens("o-access", NOW).await);
        assert_eq!(store.code(&hash("pending")).await.unwrap(), None);
        assert!(store.remove_client("other", NOW).await.unwrap(), "known by its document only");
        assert!(!store.opens("o-access", NOW).await);
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_known_to_the_hour() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store.add_client(&dynamic("editor"), None).await.unwrap();
        let used = async || store.client("editor").await.unwrap().unwrap().used;
        for (secs, expected) in [(0, 0), (3_599, 0), (3_600, 3_600), (1_800, 3_600)] {
            store.client_used("editor", NOW.plus_secs(secs)).await.unwrap();
            assert_eq!(used().await, Some(NOW.plus_secs(expected)), "after {secs}");
        }
        store.client_used("nobody", NOW).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn registrations_make_room_among_those_that_were_never_used() {
    on_each_engine(async |database| {
        let store = database.store().await;
        store
            .add_client(&Client { kind: ClientKind::Registered, ..dynamic("operators") }, None)
            .await
            .unwrap();
        store.register_client(&dynamic("in-use"), None, 3).await.unwrap();
        store.client_used("in-use", NOW).await.unwrap();
        for (number, secs) in [5, 3, 4, 3, 9, 2].into_iter().enumerate() {
            let client = Client { created: NOW.plus_secs(secs), ..dynamic(&format!("d{number}-{secs}")) };
            assert!(store.register_client(&client, None, 3).await.unwrap());
            assert!(store.client(&client.id).await.unwrap().is_some(), "the new one stays, however old");
        }
        let left = store.clients(None, 100).await.unwrap();
        let ids: Vec<_> = left.iter().map(|stored| stored.client.id.as_str()).collect();
        assert_eq!(ids, ["d0-5", "d4-9", "d5-2", "in-use", "operators"]);
        store.register_client(&dynamic("last"), None, 0).await.unwrap();
        let left = database.number("SELECT COUNT(*) FROM client").await;
        assert_eq!(left, 3, "a lower bound takes hold at once, and the new one stays");
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_registrations_leaves_a_bounded_number_of_rows() {
    const MOST: u32 = 500;
    on_each_engine(async |database| {
        let store = database.store().await;
        store.register_client(&dynamic("in-use"), None, MOST).await.unwrap();
        store.client_used("in-use", NOW).await.unwrap();
        // as if nothing had been bounded until now; fewer where each takes its way over a socket
        put_many(database, if database.is_sqlite() { 9_000 } else { 1_000 }).await;
        let mut registering = tokio::task::JoinSet::new();
        for replica in 0..4_i64 {
            let store = if replica % 2 == 0 { store.clone() } else { database.store().await };
            registering.spawn(async move {
                for number in 0..250_i64 {
                    let created = NOW.plus_secs(number + 1);
                    let client = Client { created, ..dynamic(&format!("dcr_{replica}-{number}")) };
                    assert!(store.register_client(&client, Some(&hash("s")), MOST).await.unwrap());
                }
            });
        }
        registering.join_all().await;
        assert_eq!(database.number("SELECT COUNT(*) FROM client").await, i64::from(MOST) + 1);
        assert!(store.client("in-use").await.unwrap().is_some(), "who is in use is not driven out");
        assert!(store.client("dcr_0-249").await.unwrap().is_some());
    })
    .await;
}

/// Puts clients that registered themselves at [`NOW`] behind the store's back.
async fn put_many(database: &Database, clients: i64) {
    let now = NOW.as_micros();
    database
        .run(&format!(
            "INSERT INTO client (id, kind, redirect_uris, authentication, grant_types, created)
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {clients})
             SELECT 'dcr_' || i, 'dynamic', '[]', 'none', '[]', {now} FROM n"
        ))
        .await;
}

#[tokio::test]
async fn what_registered_itself_and_is_not_used_is_forgotten() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let operators = Client { kind: ClientKind::Registered, ..dynamic("operators") };
        store.add_client(&operators, None).await.unwrap();
        for id in ["never", "once", "editor"] {
            store.register_client(&dynamic(id), None, 100).await.unwrap();
        }
        store.client_used("once", NOW).await.unwrap();
        let long = NewAccessToken { expires: NOW.plus_secs(40 * DAY), ..access("a") };
        store.put_client_grant(&grant("g"), &long).await.unwrap();
        let mut gone = Vec::new();
        for secs in [DAY - 1, DAY, 30 * DAY - 1, 30 * DAY, 40 * DAY - 1, 40 * DAY] {
            gone.push(store.forget_unused_clients(NOW.plus_secs(secs)).await.unwrap());
        }
        assert_eq!(gone, [0, 1, 0, 1, 0, 1], "never; once; and editor, when its token has expired");
        let left = store.clients(None, 10).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].client, operators);
    })
    .await;
}

#[tokio::test]
async fn any_number_is_forgotten() {
    on_each_engine(async |database| {
        let store = database.store().await;
        put_many(database, 1_000).await;
        assert_eq!(store.forget_unused_clients(NOW.plus_secs(DAY)).await.unwrap(), 1_000);
        assert_eq!(database.number("SELECT COUNT(*) FROM client").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_this_program_did_not_write_is_an_error() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for (number, broken) in [
            "kind = 'other'",
            "redirect_uris = 'https://a.example'",
            "authentication = 'tls_client_auth'",
            "authentication = 'private_key_jwt'",
            "jwks = '{}'",
            "grant_types = '[\"implicit\"]'",
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("client{number}");
            store.add_client(&dynamic(&id), None).await.unwrap();
            database.run(&format!("UPDATE client SET {broken} WHERE id = '{id}'")).await;
            let outcome = store.client(&id).await;
            assert!(matches!(outcome, Err(StoreError::Unreadable(_))), "{broken}: {outcome:?}");
        }
    })
    .await;
}
