//! Records for people: in order for an export, newest first for a page.
//!
//! Only records: `start` and `stop` entries are the business of verification.

use serde::Serialize;

use crate::{Store, StoreError, engine::reading};

/// The most records of one answer.
const PAGE: u32 = 10_000;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredRecord {
    /// The chain that it is in.
    pub chain: String,
    /// Its number in that chain.
    pub seq: i64,
    /// When the request arrived: RFC 3339, UTC, microseconds.
    pub time: String,
    /// The record: a JSON document.
    pub body: String,
}

impl Store {
    /// Records in the order of chains, and of numbers within a chain: those after a chain's number, or the first.
    ///
    /// At most `limit`, and at most 10,000. A chain that appears later may sort before `after`: an export that goes
    /// on for long should begin anew now and then, or read each chain by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read_records(
        &self,
        after: Option<(String, i64)>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let (chain, seq) = after.unwrap_or_default();
        let rows: Vec<(String, i64, String, String)> = reading!(self, pool => {
            sqlx::query_as(
                "SELECT chain, seq, time, body FROM audit
                 WHERE (chain, seq) > ($1, $2) AND kind = 'record' ORDER BY chain, seq LIMIT $3",
            )
            .bind(&chain)
            .bind(seq)
            .bind(i64::from(limit.min(PAGE)))
            .fetch_all(pool)
            .await?
        });
        Ok(records(rows))
    }

    /// The newest records of all chains, newest first. At most `limit`, and at most 10,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recent_records(&self, limit: u32) -> Result<Vec<StoredRecord>, StoreError> {
        let rows: Vec<(String, i64, String, String)> = reading!(self, pool => {
            sqlx::query_as(
                "SELECT chain, seq, time, body FROM audit
                 WHERE kind = 'record' ORDER BY time DESC, chain DESC, seq DESC LIMIT $1",
            )
            .bind(i64::from(limit.min(PAGE)))
            .fetch_all(pool)
            .await?
        });
        Ok(records(rows))
    }
}

fn records(rows: Vec<(String, i64, String, String)>) -> Vec<StoredRecord> {
    let record = |(chain, seq, time, body)| StoredRecord { chain, seq, time, body };
    rows.into_iter().map(record).collect()
}
