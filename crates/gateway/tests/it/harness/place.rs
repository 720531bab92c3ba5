//! Where a gateway keeps what it remembers: a directory of its own, and a database of its own.

use std::{env, path::Path};

use doorward_store::Store;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

/// A directory and a database that nobody else uses.
pub(super) struct Place {
    /// What [`Store::open`] takes.
    pub(super) url: String,
    directory: TempDir,
    schema: Option<(String, String)>,
}

impl Place {
    /// Makes a place: SQLite, or a schema on the PostgreSQL server of `DOORWARD_TEST_POSTGRES` where that is
    /// wanted and set.
    #[expect(clippy::print_stdout, reason = "what a test did not try should show")]
    pub(super) async fn make(postgres: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = env::var("DOORWARD_TEST_POSTGRES").ok().filter(|_| postgres);
        let Some(server) = server else {
            if postgres {
                println!("DOORWARD_TEST_POSTGRES is not set: this test ran on SQLite only");
            }
            let url = format!("sqlite:{}", directory.path().join("doorward.db").display());
            return Self { url, directory, schema: None };
        };
        let schema = format!("test_{}", Store::fresh_chain().unwrap());
        on_server(&server, format!("CREATE SCHEMA {schema}")).await;
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options[search_path]={schema}");
        Self { url, directory, schema: Some((server, schema)) }
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Leaves nothing on the server.
    pub(super) async fn clear(&self) {
        if let Some((server, schema)) = &self.schema {
            on_server(server, format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

async fn on_server(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}
