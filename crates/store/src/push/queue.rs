//! Deliveries that survive the process, in the order of each webhook.
//!
//! The turn is the webhook's: `push_config.due` says when its oldest delivery may be tried, and while one is under way
//! that is when the lease ends. So a webhook has one delivery under way at most, a process that dies holds nobody up
//! for longer than the lease, and one that comes back late finds that its claim is no longer its own.
//!
//! Rows are locked in one order: the counter, webhooks, deliveries.

use doorward_model::Timestamp;
use sqlx::FromRow;

use super::{PushRow, Shares, StoredPushConfig, count, push_query};
use crate::{
    Store, StoreError,
    engine::{Statements, raise, values, writing},
};

/// Something to deliver to one or several webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The body of the request.
    pub body: String,
    /// Its SHA-256 in hex, if the same is not to be delivered to one webhook twice until it expires.
    pub digest: Option<String>,
    /// Whether its webhook takes no more after it.
    pub last: bool,
    /// The present.
    pub now: Timestamp,
    /// When there is no point in delivering it any more.
    pub expires: Timestamp,
}

/// What came of queueing for one webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// It waits.
    Yes,
    /// The same was queued before.
    Again,
    /// As many wait as may.
    Full,
    /// There is no such webhook, or it takes no more.
    Gone,
}

/// A delivery that the caller of [`Store::claim_pushes`] has to attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which one it is.
    pub id: i64,
    /// Which attempt it is, from 1: proves that the claim still stands.
    pub attempt: i64,
    /// Where it goes.
    pub push: StoredPushConfig,
    /// The body of the request.
    pub body: String,
    /// When it was queued.
    pub created: Timestamp,
    /// When there is no point in it any more.
    pub expires: Timestamp,
}

#[derive(FromRow)]
struct ClaimedRow {
    id: i64,
    attempts: i64,
    body: String,
    created: i64,
    expires: i64,
}

/// Webhooks whose turn it is, oldest first, without those of four owners and four hosts.
const DUE: &str = push_query!(
    "WHERE due <= $1 AND owner NOT IN ($2, $3, $4, $5)
         AND substr(url || '/', 1, length($6)) <> $6 AND substr(url || '/', 1, length($7)) <> $7
         AND substr(url || '/', 1, length($8)) <> $8 AND substr(url || '/', 1, length($9)) <> $9
     ORDER BY due LIMIT $10"
);

/// How many webhooks are looked at for one claim.
const LOOKED_AT: i64 = 128;

/// Four of those, and what is none of them for who is missing. Of more, the rest is found to be full when it is counted.
fn some<'s>(mut full: impl Iterator<Item = &'s str>) -> [&'s str; 4] {
    std::array::from_fn(|_| full.next().unwrap_or("-"))
}

impl Store {
    /// Queues a delivery for each of these webhooks, in one transaction; says for each what came of it. Fewer than
    /// `most` may wait for a webhook already.
    ///
    /// # Errors
    /// When the database fails; trying again is safe with a digest.
    pub async fn enqueue_push(
        &self,
        callback_hashes: &[String],
        delivery: &NewDelivery,
        most: u32,
    ) -> Result<Vec<Queued>, StoreError> {
        Ok(writing!(self, tx => {
            let mut queued = Vec::with_capacity(callback_hashes.len());
            for callback_hash in callback_hashes {
                queued.push(enqueue(&mut *tx, callback_hash, delivery, most).await?);
            }
            queued
        }))
    }

    /// Claims the oldest delivery of at most `limit` webhooks whose turn it is, for so many seconds, beside what is
    /// under way: whose share is full is passed over, and keeps its turn. Each is the caller's alone until the lease
    /// ends, of all replicas. Nothing is claimed only if there is nothing that could be. Costs one read then.
    ///
    /// # Errors
    /// When the database fails; what was claimed then comes again when the lease has ended.
    pub async fn claim_pushes(
        &self,
        now: Timestamp,
        lease_secs: i64,
        limit: u32,
        under_way: &Shares,
    ) -> Result<Vec<Claimed>, StoreError> {
        const TURN: &str = "UPDATE push_config SET due = $1 WHERE callback_hash = $2 AND due <= $3";
        let (of, at) = (some(under_way.full_owners()), some(under_way.full_hosts()));
        let due = values![now, of[0], of[1], of[2], of[3], at[0], at[1], at[2], at[3], LOOKED_AT];
        if limit == 0 || self.rows::<PushRow>(DUE, due).await?.is_empty() {
            return Ok(Vec::new());
        }
        let (lease, mut shares) = (now.plus_secs(lease_secs), under_way.clone());
        Ok(writing!(self, tx => {
            raise(&mut *tx, "push_delivery").await?;
            let mut claimed = Vec::new();
            for found in tx.rows::<PushRow>(DUE, due).await? {
                let push = found.read()?;
                if claimed.len() >= limit as usize {
                    break;
                }
                let turn = values![lease, &push.config.callback_hash, now];
                if shares.enter(&push.config) && tx.run(TURN, turn).await? > 0 {
                    claimed.extend(claim_oldest(&mut *tx, push, now).await?);
                }
            }
            claimed
        }))
    }

    /// A claimed delivery has arrived; the next one of its webhook may be claimed. False when the claim no longer
    /// stood: somebody else attempts it, or has.
    ///
    /// # Errors
    /// When the database fails; it is then attempted once more when the lease has ended.
    pub async fn push_delivered(&self, id: i64, attempt: i64, now: Timestamp) -> Result<bool, StoreError> {
        const DONE: &str = "UPDATE push_delivery SET delivered = $1, body = '' WHERE id = $2";
        Ok(writing!(self, tx => {
            let webhook = hold(&mut *tx, id, attempt).await?;
            if let Some(callback_hash) = &webhook {
                tx.run(DONE, values![now, id]).await?;
                give_turn(&mut *tx, callback_hash, None, now).await?;
            }
            webhook.is_some()
        }))
    }

    /// A claimed delivery failed with `error` and is to be attempted again `at` a moment. Nothing overtakes it. False
    /// as for [`Self::push_delivered`].
    ///
    /// # Errors
    /// As [`Self::push_delivered`].
    pub async fn retry_push(
        &self,
        id: i64,
        attempt: i64,
        at: Timestamp,
        error: &str,
    ) -> Result<bool, StoreError> {
        const LATER: &str = "UPDATE push_config SET due = $1, last_error = $2 WHERE callback_hash = $3";
        Ok(writing!(self, tx => {
            let webhook = hold(&mut *tx, id, attempt).await?;
            if let Some(callback_hash) = &webhook {
                tx.run(LATER, values![at, &storable(error), callback_hash]).await?;
            }
            webhook.is_some()
        }))
    }

    /// A claimed delivery failed with `error` and is given up; the next one of its webhook may be claimed. False as
    /// for [`Self::push_delivered`].
    ///
    /// # Errors
    /// As [`Self::push_delivered`].
    pub async fn drop_push(
        &self,
        id: i64,
        attempt: i64,
        now: Timestamp,
        error: &str,
    ) -> Result<bool, StoreError> {
        const DROP: &str = "DELETE FROM push_delivery WHERE id = $1";
        Ok(writing!(self, tx => {
            let webhook = hold(&mut *tx, id, attempt).await?;
            if let Some(callback_hash) = &webhook {
                tx.run(DROP, values![id]).await?;
                give_turn(&mut *tx, callback_hash, Some(&storable(error)), now).await?;
            }
            webhook.is_some()
        }))
    }

    /// A claimed delivery failed with `error`, and the webhook is given up: what waits for it goes, and it takes no
    /// more. False as for [`Self::push_delivered`].
    ///
    /// # Errors
    /// As [`Self::push_delivered`].
    pub async fn stop_push(
        &self,
        id: i64,
        attempt: i64,
        now: Timestamp,
        error: &str,
    ) -> Result<bool, StoreError> {
        const STOP: &str =
            "UPDATE push_config SET stopped = $1, due = NULL, last_error = $2 WHERE callback_hash = $3";
        const REST: &str = "DELETE FROM push_delivery WHERE callback_hash = $1";
        Ok(writing!(self, tx => {
            let webhook = hold(&mut *tx, id, attempt).await?;
            if let Some(callback_hash) = &webhook {
                tx.run(STOP, values![now, &storable(error), callback_hash]).await?;
                tx.run(REST, values![callback_hash]).await?;
            }
            webhook.is_some()
        }))
    }
}

async fn enqueue(
    tx: &mut impl Statements,
    callback_hash: &str,
    delivery: &NewDelivery,
    most: u32,
) -> Result<Queued, StoreError> {
    const WAKE: &str = "UPDATE push_config SET due = COALESCE(due, $1)
         WHERE callback_hash = $2 AND stopped IS NULL AND ended IS NULL";
    const END: &str = "UPDATE push_config SET ended = $1 WHERE callback_hash = $2";
    const EXPIRED: &str = "DELETE FROM push_delivery WHERE callback_hash = $1 AND expires <= $2";
    const SAME: &str = "SELECT COUNT(*) FROM push_delivery WHERE callback_hash = $1 AND digest = $2";
    const WAITING: &str = "SELECT COUNT(*) FROM push_delivery WHERE callback_hash = $1 AND delivered IS NULL";
    const INSERT: &str =
        "INSERT INTO push_delivery (id, callback_hash, body, digest, attempts, created, expires)
         VALUES ($1, $2, $3, $4, 0, $5, $6)";
    let NewDelivery { body, digest, last, now, expires } = delivery;
    // Numbers are given out in the order of commits.
    let id = raise(tx, "push_delivery").await?;
    if tx.run(WAKE, values![*now, callback_hash]).await? == 0 {
        return Ok(Queued::Gone);
    }
    tx.run(EXPIRED, values![callback_hash, *now]).await?;
    if count(tx, SAME, values![callback_hash, digest]).await? > 0 {
        return Ok(Queued::Again);
    }
    if count(tx, WAITING, values![callback_hash]).await? >= i64::from(most) {
        return Ok(Queued::Full);
    }
    tx.run(INSERT, values![id, callback_hash, body, digest, *now, *expires]).await?;
    if *last {
        tx.run(END, values![*now, callback_hash]).await?;
    }
    Ok(Queued::Yes)
}

/// Claims the oldest delivery of a webhook that has its turn. None when nothing waits after all.
async fn claim_oldest(
    tx: &mut impl Statements,
    push: StoredPushConfig,
    now: Timestamp,
) -> Result<Option<Claimed>, StoreError> {
    const CLAIM: &str = "UPDATE push_delivery SET attempts = attempts + 1 WHERE id =
             (SELECT MIN(id) FROM push_delivery WHERE callback_hash = $1 AND delivered IS NULL AND expires > $2)
         RETURNING id, attempts, body, created, expires";
    let callback_hash = &push.config.callback_hash;
    let Some(row) = tx.row::<ClaimedRow>(CLAIM, values![callback_hash, now]).await? else {
        tx.run("UPDATE push_config SET due = NULL WHERE callback_hash = $1", values![callback_hash]).await?;
        return Ok(None);
    };
    Ok(Some(Claimed {
        id: row.id,
        attempt: row.attempts,
        push,
        body: row.body,
        created: Timestamp::from_micros(row.created),
        expires: Timestamp::from_micros(row.expires),
    }))
}

/// Locks the webhook of a claimed delivery, and says which it is if the claim stands.
async fn hold(tx: &mut impl Statements, id: i64, attempt: i64) -> Result<Option<String>, StoreError> {
    const LOCK: &str = "UPDATE push_config SET due = due
         WHERE callback_hash = (SELECT callback_hash FROM push_delivery WHERE id = $1) RETURNING callback_hash";
    const STANDS: &str =
        "SELECT COUNT(*) FROM push_delivery WHERE id = $1 AND attempts = $2 AND delivered IS NULL";
    let webhook: Option<(String,)> = tx.row(LOCK, values![id]).await?;
    let stands = count(tx, STANDS, values![id, attempt]).await? > 0;
    Ok(webhook.filter(|_| stands).map(|(callback_hash,)| callback_hash))
}

/// Gives a webhook its next turn, if anything waits.
async fn give_turn(
    tx: &mut impl Statements,
    callback_hash: &str,
    error: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE push_config SET last_error = $1, due = CASE WHEN EXISTS
             (SELECT 1 FROM push_delivery WHERE callback_hash = $2 AND delivered IS NULL) THEN $3 END
         WHERE callback_hash = $2";
    tx.run(SQL, values![error, callback_hash, now]).await?;
    Ok(())
}

/// An error with what PostgreSQL would not take left out.
fn storable(error: &str) -> String {
    error.replace('\0', "")
}
