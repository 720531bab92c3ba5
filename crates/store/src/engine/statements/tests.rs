//! Values in both engines.

use std::{fs, path::Path};

use doorward_model::Scopes;

use crate::{
    Consent, StoreError,
    harness::{
        at_once, on_each_engine,
        samples::{NOW, dynamic, grant},
    },
};

use super::*;

#[tokio::test]
async fn a_text_with_a_nul_is_not_written_and_finds_nothing() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let added = store.add_client(&dynamic("a\0b"), None).await;
        assert!(matches!(added, Err(StoreError::Nul)), "{added:?}");
        store.add_client(&dynamic("a"), None).await.unwrap();
        assert_eq!(store.client("a\0b").await.unwrap(), None);
        assert!(store.clients(Some("\0"), 10).await.unwrap().is_empty());
        let consent = Consent {
            subject: "alice".to_owned(),
            client: "editor".to_owned(),
            redirect_uri: "https://editor.example/\0".to_owned(),
            resource: grant("g").resource,
            scopes: Scopes::MCP,
            client_digest: String::new(),
            created: NOW,
        };
        assert!(matches!(store.remember_consent(&consent).await, Err(StoreError::Nul)));
    })
    .await;
}

#[tokio::test]
async fn texts_come_back_as_they_were() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for text in ["'; DROP TABLE client; --", "$1 ? :a %s \\ \"", "Ångström 😀 \u{202e}\u{1}", " "] {
            let client = doorward_model::Client {
                name: Some(text.to_owned()),
                redirect_uris: vec![text.to_owned(), String::new()],
                ..dynamic(text)
            };
            assert!(store.add_client(&client, None).await.unwrap());
            assert_eq!(store.client(text).await.unwrap().unwrap().client, client);
        }
    })
    .await;
}

#[tokio::test]
async fn a_counter_counts_each_transaction_once() {
    on_each_engine(async |database| {
        let stores = database.stores().await;
        let raised = at_once(&stores, |store, _| async move {
            let mut raised = Vec::new();
            for _ in 0..25 {
                let value: Result<_, StoreError> =
                    async { Ok(writing!(store, tx => raise(&mut *tx, "keys").await?)) }.await;
                raised.push(value.unwrap());
            }
            raised
        })
        .await;
        let mut all = raised.concat();
        all.sort_unstable();
        assert_eq!(all, (1..=50).collect::<Vec<_>>());
        let none: Result<i64, StoreError> =
            async { Ok(writing!(stores[0], tx => raise(&mut *tx, "no such counter").await?)) }.await;
        assert!(none.is_err());
    })
    .await;
}

/// `&'static str` says it already, but a text that is leaked is static too. The texts that are put together are made of
/// numbers of parameters.
#[test]
fn no_statement_is_put_together_from_values() {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let is_for_tests =
                ["tests", "harness"].iter().any(|name| path.file_stem() == Some(name.as_ref()));
            if path.is_dir() && !is_for_tests {
                directories.push(path);
            } else if path.is_file() && !is_for_tests {
                let text = fs::read_to_string(&path).unwrap();
                let texts = ["format!", "write!(", "leak(", "AssertSqlSafe", "QueryBuilder", "raw_sql"];
                let times = texts.iter().map(|text_maker| text.matches(text_maker).count()).sum::<usize>();
                if times > 0 {
                    found.push((path.file_name().unwrap().to_owned(), times));
                }
            }
        }
    }
    found.sort();
    let expected = [("append.rs".into(), 2), ("many.rs".into(), 2), ("statements.rs".into(), 1)];
    assert_eq!(found, expected, "rows of `insert` and of `ManyRows`, places, and nothing else");
}
