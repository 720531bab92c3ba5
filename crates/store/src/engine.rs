//! Addresses, connections and transactions on either engine.
//!
//! Statements are written once, inside [`reading!`] or [`writing!`], which the compiler checks for each engine.
//! There is no layer that translates SQL: what does not run on both engines is not written.

mod many;
mod sqlite;
mod statements;

use std::{
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::rand;
use sqlx::{
    ConnectOptions, Connection, PgPool, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{StoreError, tasks::Recent};

/// The tables, from the first version to this one.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long an operation waits for a free connection, and [`Store::open`] for the first answer.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Connections of one process to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;

/// The store. Clones share the same connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) engine: Engine,
}

/// The connections, per engine.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    /// One connection writes, so that writers queue here and not in SQLite's busy handler; several read.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
        /// What was noted about tasks and is not in their tables yet.
        recent: Arc<Mutex<Recent>>,
    },
    /// PostgreSQL takes as many writers as there are connections.
    Postgres(PgPool),
}

/// Evaluates an expression with `$pool` bound to the connections that read, once per engine.
macro_rules! reading {
    ($store:expr, $pool:ident => $body:expr) => {
        match &$store.engine {
            $crate::engine::Engine::Sqlite { readers: $pool, .. } => $body,
            $crate::engine::Engine::Postgres($pool) => $body,
        }
    };
}

/// Evaluates an expression inside a write transaction `$tx` and commits; leaving by `?` or `return` rolls back.
///
/// SQLite takes its write lock at the beginning: a transaction that reads first and writes later can fail at once
/// with "database is locked", whatever the busy time-out says.
macro_rules! writing {
    ($store:expr, $tx:ident => $body:expr) => {
        match &$store.engine {
            $crate::engine::Engine::Sqlite { writer, .. } => {
                let mut $tx = writer.begin_with("BEGIN IMMEDIATE").await?;
                let outcome = $body;
                $tx.commit().await?;
                outcome
            }
            $crate::engine::Engine::Postgres(pool) => {
                let mut $tx = pool.begin().await?;
                let outcome = $body;
                $tx.commit().await?;
                outcome
            }
        }
    };
}

pub(crate) use many::ManyRows;
pub(crate) use statements::{Places, Row, Statements, Value, raise, values};
pub(crate) use {reading, writing};

impl Store {
    /// Opens the store at `url` and brings its tables to this version.
    ///
    /// `sqlite:PATH` is a file, created with mode 0600 when missing, as is its directory with mode 0700; a relative
    /// path is relative to the current directory. `postgres://user:password@host:port/database` is a server.
    ///
    /// # Errors
    /// When the address is not understood, the file or server cannot be opened within seconds, or the tables
    /// belong to a newer program. No error contains the address.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let engine = if let Some(path) = url.strip_prefix("sqlite:") {
            sqlite::open(path).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            open_postgres(url).await?
        } else {
            return Err(StoreError::Address("it starts with neither"));
        };
        let store = Self { engine };
        store.migrate().await?;
        Ok(store)
    }

    /// Closes all connections, of clones too, once running statements have ended.
    pub async fn close(self) {
        match self.engine {
            Engine::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }

    /// The audit chain for the one long-running process on this store.
    ///
    /// With SQLite there is one such process, and its chain goes on from run to run: `main`. With PostgreSQL there
    /// may be any number, so each start gets a chain of its own: 128 random bits in hex.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn claim_chain(&self) -> Result<String, StoreError> {
        match self.engine {
            Engine::Sqlite { .. } => Ok("main".to_owned()),
            Engine::Postgres(_) => Self::fresh_chain(),
        }
    }

    /// A chain that nobody else writes, for a command that runs beside the long-running process.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn fresh_chain() -> Result<String, StoreError> {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).map_err(|_| StoreError::NoRandomness)?;
        Ok(hex(&bytes))
    }

    /// Whether statements run in this process.
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.engine, Engine::Sqlite { .. })
    }

    /// Says that writes to random places begin. Whoever never writes so is spared the memory.
    pub(crate) async fn expect_scattered_writes(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => Ok(sqlite::expect_scattered_writes(writer).await?),
            Engine::Postgres(_) => Ok(()),
        }
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite { writer, .. } => sqlite::migrate(writer, &MIGRATIONS).await,
            Engine::Postgres(pool) => MIGRATIONS.run(pool).await,
        }
        .map_err(|error| match error {
            MigrateError::Execute(cause) => StoreError::Database(cause),
            other => StoreError::Migration(other),
        })
    }
}

/// Connects once by hand, because a pool would only say that time ran out, then leaves the rest to a pool.
async fn open_postgres(url: &str) -> Result<Engine, StoreError> {
    // The parser's error may quote what it could not read.
    let options =
        PgConnectOptions::from_str(url).map_err(|_| StoreError::Address("this URL cannot be understood"))?;
    let options = options.application_name("doorward");
    let first = tokio::time::timeout(ACQUIRE, options.connect())
        .await
        .map_err(|_| StoreError::Unreachable(ACQUIRE.as_secs()))??;
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE)
        .connect_lazy_with(options);
    Ok(Engine::Postgres(pool))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests;
