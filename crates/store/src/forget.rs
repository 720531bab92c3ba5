//! Forgetting what has expired, a little at a time: writers wait for one batch, never for all.

use doorward_model::Timestamp;

use crate::{
    Store, StoreError,
    browser_sessions::IDLE_SECS,
    engine::{Statements, raise, values, writing},
};

/// The most rows that one transaction forgets.
const BATCH: i64 = 1_000;

/// How long a code is known after it has expired: so that a late second redemption shows.
const CODE_SECS: i64 = 24 * 3_600;

/// A statement that forgets a batch of a table's rows by a time in them. It is said twice because a row may change
/// between the search and the deletion.
macro_rules! expired {
    ($table:literal, $key:literal, $time:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $time,
            " <= $1 AND (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $time,
            " <= $1 ORDER BY ",
            $time,
            " LIMIT $2)"
        )
    };
}

/// What goes, and how many seconds after the time in its row. Tokens go before their grants.
const EXPIRED: [(&str, i64); 7] = [
    (expired!("access_token", "hash", "expires"), 0),
    (expired!("refresh_token", "hash", "expires"), 0),
    (expired!("client_grant", "grant_id", "expires"), 0),
    (expired!("authorization_code", "hash", "expires"), CODE_SECS),
    (expired!("browser_session", "hash", "seen"), IDLE_SECS),
    (expired!("used_once", "kind, id_hash", "expires"), 0),
    (expired!("revocation", "change", "expires"), 0),
];

impl Store {
    /// Forgets what has expired at `now`: tokens, codes, client grants, browser sessions, identifiers that counted
    /// once, and what replicas were told; says how many rows. One transaction forgets 1,000 at most, and of several
    /// replicas that do this at once, one does at a time.
    ///
    /// # Errors
    /// When the database fails; what was forgotten before stays forgotten.
    pub async fn forget_expired_tokens(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        for (sql, secs) in EXPIRED {
            loop {
                let batch = writing!(self, tx => {
                    raise(&mut *tx, "forgetting").await?;
                    tx.run(sql, values![now.plus_secs(-secs), BATCH]).await?
                });
                forgotten += batch;
                if batch < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests;
