//! Addresses, files and servers: what opens, what is refused, and what errors show.

use std::{error::Error as _, path::Path};

use super::*;
use crate::harness::{Database, on_each_engine};

/// Everything that an error may show to a log.
fn shown(error: &StoreError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text} {cause} {cause:?}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn opening_twice_finds_the_same_tables() {
    on_each_engine(async |database| {
        let first = database.store().await;
        first.end_session("a", doorward_model::Timestamp::from_secs(10)).await.unwrap();
        first.close().await;
        let second = database.store().await;
        assert!(!second.end_session("a", doorward_model::Timestamp::from_secs(10)).await.unwrap());
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn processes_that_start_together_all_find_the_tables() {
    on_each_engine(async |database| {
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let url = database.url.clone();
            opening.spawn(async move { Store::open(&url).await });
        }
        for store in opening.join_all().await {
            store.unwrap().close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused() {
    on_each_engine(async |database| {
        database.store().await.close().await;
        let newer = if database.is_sqlite() { "x''" } else { "''" };
        database
            .run(&format!(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, {newer}, 0)"
            ))
            .await;
        assert!(matches!(Store::open(&database.url).await, Err(StoreError::Migration(_))));
    })
    .await;
}

#[tokio::test]
async fn the_chain_is_main_on_a_file_and_new_on_a_server() {
    let database = Database::sqlite();
    let store = database.store().await;
    assert_eq!(store.claim_chain().unwrap(), "main");
    if let Some(database) = Database::postgres().await {
        let store = database.store().await;
        let (one, other) = (store.claim_chain().unwrap(), store.claim_chain().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|b| b.is_ascii_hexdigit()), "{one}");
        database.drop_schema().await;
    }
}

#[tokio::test]
async fn sqlite_is_set_up_to_keep_what_it_acknowledged() {
    let database = Database::sqlite();
    let Engine::Sqlite { writer, readers, .. } = database.store().await.engine else { panic!("not SQLite") };
    for (pool, query_only) in [(&writer, 0), (&readers, 1)] {
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.unwrap();
        assert_eq!(mode, "wal");
        let expected = [
            ("PRAGMA synchronous", 2),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA busy_timeout", 5000),
            ("PRAGMA query_only", query_only),
        ];
        for (pragma, value) in expected {
            let found: i64 = sqlx::query_scalar(pragma).fetch_one(pool).await.unwrap();
            assert_eq!(found, value, "{pragma}");
        }
    }
    assert_eq!(writer.options().get_max_connections(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_directory_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/deep/100% own #1.db");
    let store = Store::open(&format!("sqlite:{}", path.display())).await.unwrap();
    store.end_session("a", doorward_model::Timestamp::from_secs(10)).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("db-wal")), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    store.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    std::fs::write(&path, "not a database, and longer than the hundred bytes of a header ".repeat(4))
        .unwrap();
    let refused = Store::open(&format!("sqlite:{}", path.display())).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = Store::open(&format!("sqlite:{}/below/store.db", file.display())).await;
    assert!(matches!(&refused, Err(StoreError::File { path, .. }) if path.starts_with(&file)), "{refused:?}");
}

#[tokio::test]
async fn other_addresses_are_refused() {
    for url in [
        "",
        "sqlite:",
        "sqlite://",
        "sqlite::memory:",
        "sqlite:file:x.db",
        "sqlite:x.db?mode=ro",
        "sqlite:a\0b",
        "mysql://u:p@127.0.0.1/db",
        "doorward.db",
        "postgres://127.0.0.1:notaport/db",
    ] {
        let refused = Store::open(url).await;
        assert!(matches!(refused, Err(StoreError::Address(_))), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn no_error_shows_the_password() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut urls = vec![
        format!("postgres://doorward:hunter2@127.0.0.1:{unused}/db"),
        format!("postgres://127.0.0.1:{unused}/db?user=doorward&password=hunter2"),
        "postgres://doorward:hunter2@127.0.0.1:hunter2/db".to_owned(),
        "postgres://doorward:hunter2@127.0.0.1/db?sslmode=hunter2".to_owned(),
        "postgres://doorward:hunter2@[::1/db".to_owned(),
        "postgresql://doorward:hunter2@/db?host=/nowhere".to_owned(),
        "https://doorward:hunter2@127.0.0.1/db".to_owned(),
    ];
    if let Ok(server) = std::env::var("DOORWARD_TEST_POSTGRES") {
        let (user, place) = server.split_once('@').unwrap();
        let user = user.rsplit_once(':').unwrap().0;
        urls.push(format!("{user}:hunter2@{place}"));
    }
    for url in urls {
        let error = Store::open(&url).await.unwrap_err();
        assert!(!shown(&error).contains("hunter2"), "{url}: {}", shown(&error));
    }
}
