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

/// What goes, and how many seconds after the time in its column. Tokens go before their grants.
const EXPIRED: [(&str, i64); 7] = [
    (
        "DELETE FROM access_token WHERE hash IN (
             SELECT hash FROM access_token WHERE expires <= $1 ORDER BY expires LIMIT $2)",
        0,
    ),
    (
        "DELETE FROM refresh_token WHERE hash IN (
             SELECT hash FROM refresh_token WHERE expires <= $1 ORDER BY expires LIMIT $2)",
        0,
    ),
    (
        "DELETE FROM client_grant WHERE grant_id IN (
             SELECT grant_id FROM client_grant WHERE expires <= $1 ORDER BY expires LIMIT $2)",
        0,
    ),
    (
        "DELETE FROM authorization_code WHERE hash IN (
             SELECT hash FROM authorization_code WHERE expires <= $1 ORDER BY expires LIMIT $2)",
        CODE_SECS,
    ),
    (
        "DELETE FROM browser_session WHERE hash IN (
             SELECT hash FROM browser_session WHERE seen <= $1 ORDER BY seen LIMIT $2)",
        IDLE_SECS,
    ),
    (
        "DELETE FROM used_once WHERE (kind, id_hash) IN (
             SELECT kind, id_hash FROM used_once WHERE expires <= $1 ORDER BY expires LIMIT $2)",
        0,
    ),
    (
        "DELETE FROM revocation WHERE change IN (
             SELECT change FROM revocation WHERE expires <= $1 ORDER BY expires LIMIT $2)",
        0,
    ),
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
