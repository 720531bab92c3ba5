//! Legacy MCP sessions that their clients ended.
//!
//! Session ids are sealed, so a session needs no row while it lives. One that was ended needs one, until it would
//! have expired, so that every replica answers 404 for it. Replicas poll with a cursor. The cursor counts changes,
//! not time: the counter's row is locked until the commit, so whoever has seen change `n` has seen all before it,
//! and neither a slow commit nor a wrong clock can hide one.

use doorward_model::Timestamp;

use crate::{
    Store, StoreError,
    engine::{raise, reading, writing},
};

/// The most sessions of one answer of [`Store::ended_sessions_since`].
const PAGE: i64 = 10_000;

/// A place in the sequence of ended sessions. The default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionCursor(i64);

/// A session that its client ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// What [`Store::end_session`] was given.
    pub id_hash: String,
    /// When it would have expired.
    pub expires: Timestamp,
    /// Where to go on after this one.
    pub cursor: SessionCursor,
}

impl Store {
    /// Remembers until `expires` that a session was ended. True for the one call that ended it.
    ///
    /// `id_hash` is a hash of the session's id; the id itself is never stored.
    ///
    /// # Errors
    /// When the database fails; the session then may or may not be ended, and ending it again is safe.
    pub async fn end_session(&self, id_hash: &str, expires: Timestamp) -> Result<bool, StoreError> {
        let ended = writing!(self, tx => {
            let change = raise(&mut *tx, "ended_session").await?;
            sqlx::query(
                "INSERT INTO ended_session (id_hash, expires, change) VALUES ($1, $2, $3)
                 ON CONFLICT (id_hash) DO NOTHING",
            )
            .bind(id_hash)
            .bind(expires.as_micros())
            .bind(change)
            .execute(&mut *tx)
            .await?
            .rows_affected()
        });
        Ok(ended > 0)
    }

    /// Sessions that were ended after `cursor` and have not expired at `now`, in the order in which they were ended.
    ///
    /// At most 10,000: ask again from the last one's cursor until the answer is empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ended_sessions_since(
        &self,
        cursor: SessionCursor,
        now: Timestamp,
    ) -> Result<Vec<EndedSession>, StoreError> {
        let rows: Vec<(String, i64, i64)> = reading!(self, pool => {
            sqlx::query_as(
                "SELECT id_hash, expires, change FROM ended_session
                 WHERE change > $1 AND expires > $2 ORDER BY change LIMIT $3",
            )
            .bind(cursor.0)
            .bind(now.as_micros())
            .bind(PAGE)
            .fetch_all(pool)
            .await?
        });
        let ended = |(id_hash, expires, change)| EndedSession {
            id_hash,
            expires: Timestamp::from_micros(expires),
            cursor: SessionCursor(change),
        };
        Ok(rows.into_iter().map(ended).collect())
    }

    /// Forgets sessions that have expired at `now`; says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_expired_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let forgotten = writing!(self, tx => {
            sqlx::query("DELETE FROM ended_session WHERE expires <= $1")
                .bind(now.as_micros())
                .execute(&mut *tx)
                .await?
                .rows_affected()
        });
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests;
