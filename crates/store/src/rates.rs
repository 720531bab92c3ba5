//! How often, shared between replicas: the rule of [`Rate`] as one statement.
//!
//! A replica may take several at once and hand them out by itself, so that not each request costs a transaction; how
//! many that should be, and what becomes of those that it has left, is for it to say.

use std::time::Duration;

use doorward_model::{Rate, Timestamp, TooOften};

use crate::{
    Store, StoreError,
    engine::{Statements, values, writing},
};

/// How many rows one transaction forgets.
const BATCH: i64 = 1_000;

/// Admits as many as fit, [`Rate::admit`] in SQL: `$2` is now, `$3` the interval, `$4` what may be drawn ahead, `$5` the
/// most that are wanted, `$6` how many a new key gets. `due` is when the next one would be without drawing ahead.
const ADMIT: &str = "INSERT INTO rate (key_hash, state, granted) VALUES ($1, $2 + $3 * $6, $6)
     ON CONFLICT (key_hash) DO UPDATE SET (state, granted) =
         (SELECT due + $3 * granted, granted FROM
             (SELECT due, CASE WHEN room < $5 THEN room ELSE $5 END AS granted FROM
                 (SELECT due, ($4 - (due - $2)) / $3 + 1 AS room FROM
                     (SELECT CASE WHEN rate.state > $2 THEN rate.state ELSE $2 END AS due) AS a) AS b) AS c)
     WHERE rate.state - $2 <= $4 RETURNING granted";

/// What came of asking for some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// So many are admitted: at least one, and no more than were asked for.
    Granted(u32),
    /// Not one.
    TooOften(TooOften),
}

impl Store {
    /// Admits at `now` as many as the rule allows, up to `most`, as if they came one after the other. `key_hash` is the
    /// SHA-256, in hex, of what is counted as one; it always comes with the same rate, or after a change with another.
    ///
    /// # Errors
    /// When the database fails; some may have been taken then.
    pub async fn admit_rate(
        &self,
        key_hash: &str,
        rate: Rate,
        now: Timestamp,
        most: u32,
    ) -> Result<Admission, StoreError> {
        let (interval, ahead) = (rate.interval_micros(), rate.ahead_micros());
        let first = (ahead / interval).saturating_add(1).min(i64::from(most));
        let values = values![key_hash, now, interval, ahead, i64::from(most), first];
        Ok(writing!(self, tx => {
            match tx.row::<(i64,)>(ADMIT, values).await? {
                Some((granted,)) => Admission::Granted(u32::try_from(granted).unwrap_or(most)),
                None => refuse(&mut *tx, key_hash, rate, now).await?,
            }
        }))
    }

    /// Forgets what makes no difference any more at `now`; says how many keys.
    ///
    /// # Errors
    /// When the database fails; what was forgotten before stays forgotten.
    pub async fn forget_rates(&self, now: Timestamp) -> Result<u64, StoreError> {
        const SQL: &str = "DELETE FROM rate WHERE state <= $1 AND key_hash IN
             (SELECT key_hash FROM rate WHERE state <= $1 LIMIT $2)";
        let mut forgotten = 0;
        loop {
            let batch = self.run(SQL, values![now, BATCH]).await?;
            forgotten += batch;
            if batch < BATCH.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}

/// Why not, in the transaction that found so: the row is as it was then.
async fn refuse(
    tx: &mut impl Statements,
    key_hash: &str,
    rate: Rate,
    now: Timestamp,
) -> Result<Admission, StoreError> {
    const SQL: &str = "SELECT state FROM rate WHERE key_hash = $1";
    let (state,) = tx.row::<(i64,)>(SQL, values![key_hash]).await?.ok_or(sqlx::Error::RowNotFound)?;
    let too_often = rate.would_admit(Some(Timestamp::from_micros(state)), now).err();
    Ok(Admission::TooOften(too_often.unwrap_or(TooOften { retry_after: Duration::ZERO })))
}

#[cfg(test)]
mod tests;
