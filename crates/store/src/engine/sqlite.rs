//! The SQLite file: how it is made, opened and set up.

use std::{
    fs::{DirBuilder, OpenOptions},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{ACQUIRE, Engine};
use crate::StoreError;

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

/// Connections that only read.
const READERS: u32 = 4;

/// The page cache of the connection that writes, in KiB as SQLite wants it, negative: it appends, and would keep two
/// MiB of records that nobody reads.
const WRITER_CACHE: &str = "-512";

/// The same once tasks are noted: their ids are random, and what is folded in several transactions comes back to the
/// same pages of the indexes.
const SCATTERED_CACHE: &str = "PRAGMA cache_size = -4096";

/// After how many pages the log is copied into the file: 16 MiB. A page that was changed several times is copied once.
const CHECKPOINT_PAGES: &str = "4000";

/// Attempts at migrating while another process does the same.
const MIGRATION_ATTEMPTS: u32 = 5;

/// Opens the file named in the address, after `sqlite:`.
pub(super) async fn open(address: &str) -> Result<Engine, StoreError> {
    let path = file_of(address)?;
    create(&path)?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // functions in a schema that someone else wrote do not run
        .pragma("trusted_schema", "OFF");
    let writer = pool(1).connect_with(options.clone().pragma("cache_size", WRITER_CACHE)).await?;
    // A write that strays to a reader fails instead of competing with the writer.
    let readers = pool(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Engine::Sqlite { writer, readers, recent: Arc::default() })
}

/// Makes room for writes that are scattered over the file.
pub(super) async fn expect_scattered_writes(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query(SCATTERED_CACHE).execute(writer).await?;
    Ok(())
}

/// SQLite's migrations take no lock of their own: of two processes that start on a new file, one finds the tables
/// half-way there, fails cleanly, and sees them complete at its next attempt.
pub(super) async fn migrate(writer: &SqlitePool, migrations: &Migrator) -> Result<(), MigrateError> {
    let mut attempt = 1;
    loop {
        match migrations.run(writer).await {
            Err(MigrateError::Execute(_) | MigrateError::ExecuteMigration(..))
                if attempt < MIGRATION_ATTEMPTS =>
            {
                tokio::time::sleep(Duration::from_millis(50) * attempt).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(None)
        .max_lifetime(None)
        // a file does not hang up
        .test_before_acquire(false)
}

/// The path in the address. `sqlite://path` is taken as `sqlite:path`.
fn file_of(address: &str) -> Result<PathBuf, StoreError> {
    let path = address.strip_prefix("//").unwrap_or(address);
    if path.is_empty() || path.starts_with(':') {
        return Err(StoreError::Address("a file is needed, not a database in memory"));
    }
    // SQLite would read `file:` as a URI, and others expect `?` to start options.
    if path.starts_with("file:") || path.contains(['?', '\0']) {
        return Err(StoreError::Address("a plain path is needed, without `file:` and `?`"));
    }
    Ok(PathBuf::from(path))
}

/// Makes directory and file for the owner alone. SQLite gives its side files the mode of the main file.
fn create(path: &Path) -> Result<(), StoreError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::File { path, source }
    };
    let mut directories = DirBuilder::new();
    directories.recursive(true);
    let mut file = OpenOptions::new();
    file.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        directories.mode(0o700);
        file.mode(0o600);
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        directories.create(parent).map_err(failed(parent))?;
    }
    file.open(path).map_err(failed(path))?;
    Ok(())
}
