//! OAuth clients: the operator's, and those that registered themselves.
//!
//! Anybody can register, so what registered itself is kept within a bound: a client that was never used goes after a
//! day, or sooner when many others come; one that is no longer used goes after a month.

mod row;

use doorward_model::{Client, Timestamp};

use crate::{
    Store, StoreError,
    client_grants::revoke_of_client,
    codes::forget_codes_of_client,
    consents::forget_consents_of_client,
    engine::{Statements, Value, raise, values, writing},
};
use row::{ClientRow, client_columns, insert};

/// The most clients of one answer.
const PAGE: u32 = 1_000;

/// The most clients that one transaction forgets.
const BATCH: i64 = 250;

/// How long a client that registered itself may take until something is granted to it.
const FIRST_USE_SECS: i64 = 24 * 3_600;

/// How long it may then go unused.
const NEXT_USE_SECS: i64 = 30 * 24 * 3_600;

/// How exactly the last use is known: a row is not written for every token.
const USE_STEP_SECS: i64 = 3_600;

/// A client as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredClient {
    /// The client.
    pub client: Client,
    /// SHA-256 of its secret, in hex.
    pub secret_hash: Option<String>,
    /// When something was last granted to it, to the hour.
    pub used: Option<Timestamp>,
}

impl Store {
    /// Stores a client. False, and nothing is stored, when there is one of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_client(&self, client: &Client, secret_hash: Option<&str>) -> Result<bool, StoreError> {
        Ok(writing!(self, tx => insert(&mut *tx, client, secret_hash).await?))
    }

    /// Stores a client that registered itself. False, and nothing is stored, when there is one of this id.
    ///
    /// With it, at most `most_unused` clients are left that registered themselves and were never used: the oldest
    /// others make room, up to 250 at a time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register_client(
        &self,
        client: &Client,
        secret_hash: Option<&str>,
        most_unused: u32,
    ) -> Result<bool, StoreError> {
        const SURPLUS: &str = "SELECT id FROM client WHERE kind = 'dynamic' AND used IS NULL AND id <> $1
             ORDER BY created DESC, id DESC LIMIT $2 OFFSET $3";
        let others = i64::from(most_unused.saturating_sub(1));
        Ok(writing!(self, tx => {
            raise(&mut *tx, "registration").await?;
            let added = insert(&mut *tx, client, secret_hash).await?;
            forget(&mut *tx, SURPLUS, values![&client.id, BATCH, others]).await?;
            added
        }))
    }

    /// The client of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn client(&self, id: &str) -> Result<Option<StoredClient>, StoreError> {
        const SQL: &str = concat!("SELECT ", client_columns!(), " FROM client WHERE id = $1");
        self.row::<ClientRow>(SQL, values![id]).await?.map(ClientRow::read).transpose()
    }

    /// Clients in the order of their ids: those after an id, or the first. At most `limit`, and at most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clients(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoredClient>, StoreError> {
        const SQL: &str =
            concat!("SELECT ", client_columns!(), " FROM client WHERE id > $1 ORDER BY id LIMIT $2");
        let values = values![after.unwrap_or_default(), i64::from(limit.min(PAGE))];
        self.rows::<ClientRow>(SQL, values).await?.into_iter().map(ClientRow::read).collect()
    }

    /// Removes a client with its codes, and revokes what it was granted; also for a client that is known by its
    /// document only. True when there was one.
    ///
    /// # Errors
    /// When the database fails; removing again is safe.
    pub async fn remove_client(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(writing!(self, tx => {
            forget_codes_of_client(&mut *tx, id).await?;
            let revoked = revoke_of_client(&mut *tx, id, now).await?;
            forget_consents_of_client(&mut *tx, id).await?;
            let removed = tx.run("DELETE FROM client WHERE id = $1", values![id]).await?;
            revoked + removed > 0
        }))
    }

    /// Marks a client as used; nothing when it is not stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn client_used(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        writing!(self, tx => mark_used(&mut *tx, id, now).await?);
        Ok(())
    }

    /// Forgets clients that registered themselves and were not used within a day, or not for 30 days while nothing
    /// that they hold is good; says how many. One transaction forgets 250 at most.
    ///
    /// # Errors
    /// When the database fails; what was forgotten before stays forgotten.
    pub async fn forget_unused_clients(&self, now: Timestamp) -> Result<u64, StoreError> {
        const NEVER: &str =
            "SELECT id FROM client WHERE kind = 'dynamic' AND used IS NULL AND created <= $1 LIMIT $2";
        const NO_LONGER: &str = "SELECT c.id FROM client c WHERE c.kind = 'dynamic' AND c.used <= $1
             AND NOT EXISTS (SELECT 1 FROM client_grant g WHERE g.client = c.id AND g.revoked IS NULL
                 AND g.expires > $3 AND g.ends > $3) LIMIT $2";
        let never = values![now.plus_secs(-FIRST_USE_SECS), BATCH];
        let no_longer = values![now.plus_secs(-NEXT_USE_SECS), BATCH, now];
        Ok(self.forget_all(NEVER, never).await? + self.forget_all(NO_LONGER, no_longer).await?)
    }

    /// Forgets the clients that a query names, batch by batch, until it names fewer; says how many.
    async fn forget_all(&self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let batch = writing!(self, tx => {
                raise(&mut *tx, "registration").await?;
                forget(&mut *tx, sql, values).await?
            });
            forgotten += batch;
            if batch < BATCH.unsigned_abs() {
                return Ok(forgotten);
            }
        }
    }
}

/// Marks a client as used, unless it was within the hour. Locks its row, after all rows but those of clients.
pub(crate) async fn mark_used(tx: &mut impl Statements, id: &str, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE client SET used = $1 WHERE id = $2 AND (used IS NULL OR used <= $3)";
    tx.run(SQL, values![now, id, now.plus_secs(-USE_STEP_SECS)]).await?;
    Ok(())
}

/// Forgets the clients that a query names, and what people agreed to for them; says how many.
async fn forget(
    tx: &mut impl Statements,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<u64, StoreError> {
    let ids: Vec<(String,)> = tx.rows(sql, values).await?;
    for (id,) in &ids {
        forget_consents_of_client(tx, id).await?;
        tx.run("DELETE FROM client WHERE id = $1", values![id]).await?;
    }
    Ok(ids.len() as u64)
}

#[cfg(test)]
mod tests;
