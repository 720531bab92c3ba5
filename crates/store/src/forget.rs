//! Forgetting what has expired, a little at a time: writers wait for one batch, never for all.

use doorward_model::Timestamp;

use crate::{
    Store, StoreError,
    browser_sessions::IDLE_SECS,
    connections::REMOVED_SECS,
    engine::{Statements, raise, values, writing},
};

/// How many rows one transaction forgets, but for rows of one moment.
const BATCH: i64 = 1_000;

/// How long a code is known after it has expired: so that a late second redemption shows.
const CODE_SECS: i64 = 24 * 3_600;

/// A statement that forgets the rows of a table up to a time, but not many more than a batch: up to the time of the
/// last row of the batch, with the rows of that same moment. A list of keys instead would be searched again for each
/// row, if PostgreSQL thinks little of the table.
macro_rules! expired {
    ($table:literal, $time:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $time,
            " <= COALESCE((SELECT ",
            $time,
            " FROM ",
            $table,
            " WHERE ",
            $time,
            " <= $1 ORDER BY ",
            $time,
            " LIMIT 1 OFFSET $2), $1)"
        )
    };
}

/// What goes, and how many seconds after the time in its row. Tokens go before their grants.
const EXPIRED: [(&str, i64); 8] = [
    (expired!("access_token", "expires"), 0),
    (expired!("refresh_token", "expires"), 0),
    (expired!("client_grant", "expires"), 0),
    (expired!("authorization_code", "expires"), CODE_SECS),
    (expired!("browser_session", "seen"), IDLE_SECS),
    (expired!("used_once", "expires"), 0),
    (expired!("revocation", "expires"), 0),
    (expired!("removed_connection", "removed"), REMOVED_SECS),
];

impl Store {
    /// Forgets what has expired at `now`: tokens, codes, client grants, browser sessions, identifiers that counted
    /// once, and what replicas were told; says how many rows. One transaction forgets some 1,000, and of several
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
                    tx.run(sql, values![now.plus_secs(-secs), BATCH - 1]).await?
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
