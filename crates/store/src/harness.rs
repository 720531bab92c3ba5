//! Databases for tests: a SQLite file, and a schema of its own on the PostgreSQL server that
//! `DOORWARD_TEST_POSTGRES` names (`postgres://user:password@127.0.0.1:port/database`).

pub(crate) mod samples;

use std::{env, io, str::FromStr as _, sync::Arc, sync::Mutex};

use doorward_model::{Clock, Timestamp};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection,
    postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;

use crate::Store;

/// An empty database of one test.
pub(crate) struct Database {
    /// What [`Store::open`] takes.
    pub(crate) url: String,
    place: Place,
}

enum Place {
    Sqlite { _directory: TempDir },
    Postgres { server: String, schema: String },
}

/// A connection beside the store, for tampering and for locks.
pub(crate) enum Outsider {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Runs `body` on an empty database of each engine that there is.
pub(crate) async fn on_each_engine(body: impl AsyncFn(&Database)) {
    let sqlite = Database::sqlite();
    body(&sqlite).await;
    if let Some(postgres) = Database::postgres().await {
        body(&postgres).await;
        postgres.drop_schema().await;
    }
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("doorward.db").display());
        Self { url, place: Place::Sqlite { _directory: directory } }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(server) = env::var("DOORWARD_TEST_POSTGRES") else {
            println!("DOORWARD_TEST_POSTGRES is not set: this test ran on SQLite only");
            return None;
        };
        let schema = format!("test_{}", Store::fresh_chain().unwrap());
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options[search_path]={schema}");
        let database = Self { url, place: Place::Postgres { server, schema: schema.clone() } };
        database.on_server(format!("CREATE SCHEMA {schema}")).await;
        Some(database)
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.place, Place::Sqlite { .. })
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Two stores as two processes have them: nothing but the database is shared.
    pub(crate) async fn stores(&self) -> [Store; 2] {
        [self.store().await, self.store().await]
    }

    /// Two stores as two replicas have them. With SQLite there is one process, in which there may be two writers.
    pub(crate) async fn replicas(&self) -> [Store; 2] {
        if !self.is_sqlite() {
            return self.stores().await;
        }
        let store = self.store().await;
        [store.clone(), store]
    }

    /// The only number that a query gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.outsider().await.number(sql).await
    }

    pub(crate) async fn outsider(&self) -> Outsider {
        match &self.place {
            Place::Sqlite { .. } => {
                let path = self.url.strip_prefix("sqlite:").unwrap();
                let options = SqliteConnectOptions::new().filename(path);
                Outsider::Sqlite(options.connect().await.unwrap())
            }
            Place::Postgres { .. } => {
                let options = PgConnectOptions::from_str(&self.url).unwrap();
                Outsider::Postgres(options.connect().await.unwrap())
            }
        }
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn run(&self, sql: &str) {
        self.outsider().await.run(sql).await;
    }

    async fn on_server(&self, sql: String) {
        if let Place::Postgres { server, .. } = &self.place {
            let mut connection = PgConnection::connect(server).await.unwrap();
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Leaves nothing on the server.
    pub(crate) async fn drop_schema(&self) {
        if let Place::Postgres { schema, .. } = &self.place {
            self.on_server(format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

impl Outsider {
    pub(crate) async fn run(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(connection) => drop(sql.execute(connection).await.unwrap()),
            Self::Postgres(connection) => drop(sql.execute(connection).await.unwrap()),
        }
    }

    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
        }
    }

    /// Holds back every write of others until [`Outsider::run`] says `COMMIT`.
    pub(crate) async fn lock_writes(&mut self) {
        match self {
            Self::Sqlite(_) => self.run("BEGIN IMMEDIATE").await,
            Self::Postgres(_) => self.run("BEGIN; LOCK TABLE audit_head IN EXCLUSIVE MODE").await,
        }
    }
}

/// Runs what `attempt` makes of each of two stores on one database at the same time.
pub(crate) async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    stores: &[Store; 2],
    attempt: impl Fn(Store, usize) -> F,
) -> [T; 2] {
    let [one, other] = [0, 1].map(|which| tokio::spawn(attempt(stores[which].clone(), which)));
    [one.await.unwrap(), other.await.unwrap()]
}

/// A clock that stands still.
pub(crate) struct StillClock(pub(crate) Timestamp);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Keeps what is written, and how it was cut.
#[derive(Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<String>>>);

impl Captured {
    pub(crate) fn writes(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
