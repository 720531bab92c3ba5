//! Webhooks that callers register for their tasks, and what waits to be delivered to them.
//!
//! The agent is given a callback of Doorward's with a secret in it, one for each webhook. The hash of that secret is
//! what a webhook is known by here, for it exists before the task does: a webhook that comes with a message is stored
//! before the agent hears of it, and bound to its task by the answer.
//!
//! The caller's own secrets are sealed by whoever writes them; this module cannot read them.

mod queue;
mod shares;

use doorward_model::{Name, Timestamp};
use sqlx::FromRow;

pub use queue::{Claimed, NewDelivery, Queued};
pub use shares::Shares;

use crate::{
    Owner, Store, StoreError,
    columns::{check_id, read_time},
    engine::{Statements, Value, raise, values, writing},
};

/// Selects webhooks.
macro_rules! push_query {
    ($which:literal) => {
        concat!(
            "SELECT callback_hash, agent, task, config, owner, url, sealed, dialect, created, stopped, last_error
             FROM push_config ",
            $which
        )
    };
}

use push_query;

/// How many webhooks one transaction forgets.
const BATCH: i64 = 1_000;

/// How long a webhook is kept whose message was never answered with a task.
const UNBOUND_SECS: i64 = 24 * 3_600;

/// A webhook (A2A 1.0.1 section 4.3.1: push notification configuration).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushConfig {
    /// The SHA-256, in hex, of the secret in the callback that the agent is given.
    pub callback_hash: String,
    /// The agent that calls back.
    pub agent: Name,
    /// The task that it is about; absent until the agent has answered with one.
    pub task: Option<String>,
    /// Its id among those of the task. One that has none of its own has `callback_hash` here, until it is bound.
    pub config: String,
    /// Who registered it.
    pub owner: Owner,
    /// Where deliveries go.
    pub url: String,
    /// What deliveries carry to prove where they come from, sealed.
    pub sealed: String,
    /// The name of the form in which deliveries are written.
    pub dialect: String,
    /// When it was registered.
    pub created: Timestamp,
}

/// A webhook, and how it fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPushConfig {
    /// The webhook.
    pub config: PushConfig,
    /// When it was given up.
    pub stopped: Option<Timestamp>,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
}

/// What came of registering a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutPush {
    /// It is stored.
    Done,
    /// The task has as many others as it may have.
    TooMany,
    /// Its owner has no such task, or there is no such webhook.
    Unknown,
}

#[derive(FromRow)]
struct PushRow {
    callback_hash: String,
    agent: String,
    task: Option<String>,
    config: String,
    owner: String,
    url: String,
    sealed: String,
    dialect: String,
    created: i64,
    stopped: Option<i64>,
    last_error: Option<String>,
}

impl Store {
    /// Stores a webhook, in the place of the one of the same id, whose deliveries go. Of those of other ids the task
    /// may have fewer than `most`, also when several come at once. The task must have been noted as the owner's.
    ///
    /// # Errors
    /// [`StoreError::BadId`] when the id of the webhook cannot be stored, or when the database fails; trying again is
    /// safe then.
    pub async fn put_push_config(&self, push: &PushConfig, most: u32) -> Result<PutPush, StoreError> {
        check_id(&push.config)?;
        if push.task.is_some() {
            self.settle_tasks().await?;
        }
        Ok(writing!(self, tx => {
            let free = match &push.task {
                Some(task) => {
                    lock(&mut *tx).await?;
                    make_room(&mut *tx, push, task, most).await?
                }
                None => PutPush::Done,
            };
            if free == PutPush::Done {
                insert(&mut *tx, push).await?;
            }
            free
        }))
    }

    /// Binds a webhook to its task, now that the agent has told it; otherwise as [`Self::put_push_config`]. One without
    /// an id of its own gets the task's. Binding it to the same task again changes nothing.
    ///
    /// # Errors
    /// When the database fails; trying again is safe.
    pub async fn bind_push_config(
        &self,
        callback_hash: &str,
        task: &str,
        most: u32,
    ) -> Result<PutPush, StoreError> {
        const BIND: &str = "UPDATE push_config SET task = $1, config = $2 WHERE callback_hash = $3";
        check_id(task)?;
        self.settle_tasks().await?;
        Ok(writing!(self, tx => {
            lock(&mut *tx).await?;
            let found: Option<PushRow> =
                tx.row(push_query!("WHERE callback_hash = $1"), values![callback_hash]).await?;
            match found.map(PushRow::read).transpose()? {
                Some(push) if push.config.task.as_deref() == Some(task) => PutPush::Done,
                Some(StoredPushConfig { config: mut push, .. }) if push.task.is_none() => {
                    if push.config == push.callback_hash {
                        task.clone_into(&mut push.config);
                    }
                    let free = make_room(&mut *tx, &push, task, most).await?;
                    if free == PutPush::Done {
                        tx.run(BIND, values![task, &push.config, callback_hash]).await?;
                    }
                    free
                }
                _ => PutPush::Unknown,
            }
        }))
    }

    /// The webhook of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_config(
        &self,
        agent: &Name,
        task: &str,
        config: &str,
    ) -> Result<Option<StoredPushConfig>, StoreError> {
        let sql = push_query!("WHERE agent = $1 AND task = $2 AND config = $3");
        self.row::<PushRow>(sql, values![agent, task, config]).await?.map(PushRow::read).transpose()
    }

    /// The webhook whose callback has the secret of this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_config_of(&self, callback_hash: &str) -> Result<Option<StoredPushConfig>, StoreError> {
        let sql = push_query!("WHERE callback_hash = $1");
        self.row::<PushRow>(sql, values![callback_hash]).await?.map(PushRow::read).transpose()
    }

    /// The webhooks of a task by their ids: a task has only as many as were let in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn push_configs(&self, agent: &Name, task: &str) -> Result<Vec<StoredPushConfig>, StoreError> {
        let sql = push_query!("WHERE agent = $1 AND task = $2 ORDER BY config");
        self.rows::<PushRow>(sql, values![agent, task]).await?.into_iter().map(PushRow::read).collect()
    }

    /// Removes a webhook with its deliveries. True when there was one.
    ///
    /// # Errors
    /// When the database fails; removing again is safe.
    pub async fn remove_push_config(
        &self,
        agent: &Name,
        task: &str,
        config: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM push_config WHERE agent = $1 AND task = $2 AND config = $3";
        if [task, config].iter().any(|id| check_id(id).is_err()) {
            return Ok(false);
        }
        Ok(self.run(SQL, values![agent, task, config]).await? > 0)
    }

    /// Removes the webhook whose callback has the secret of this hash. True when there was one.
    ///
    /// # Errors
    /// When the database fails; removing again is safe.
    pub async fn remove_push_config_of(&self, callback_hash: &str) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM push_config WHERE callback_hash = $1";
        Ok(self.run(SQL, values![callback_hash]).await? > 0)
    }

    /// Forgets deliveries that have expired at `now`, and webhooks that were bound to no task within a day; says how
    /// many of both. Other webhooks go with their tasks.
    ///
    /// # Errors
    /// When the database fails; what was forgotten before stays forgotten.
    pub async fn forget_pushes(&self, now: Timestamp) -> Result<u64, StoreError> {
        const EXPIRED: &str = "DELETE FROM push_delivery WHERE id IN
             (SELECT id FROM push_delivery WHERE expires <= $1 ORDER BY expires LIMIT $2)";
        const UNBOUND: &str = "DELETE FROM push_config WHERE task IS NULL AND callback_hash IN
             (SELECT callback_hash FROM push_config WHERE task IS NULL AND created <= $1 ORDER BY created LIMIT $2)";
        let mut forgotten = 0;
        for (sql, before) in [(EXPIRED, now), (UNBOUND, now.plus_secs(-UNBOUND_SECS))] {
            loop {
                let batch = writing!(self, tx => {
                    raise(&mut *tx, "forgetting").await?;
                    tx.run(sql, values![before, BATCH]).await?
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

/// Lets nobody else register a webhook until the commit.
async fn lock(tx: &mut impl Statements) -> Result<(), StoreError> {
    raise(tx, "push_config").await.map(drop)
}

/// Whether a task takes a webhook of this id, under [`lock`]: then the one in whose place it comes is gone.
async fn make_room(
    tx: &mut impl Statements,
    push: &PushConfig,
    task: &str,
    most: u32,
) -> Result<PutPush, StoreError> {
    const OWNED: &str = "SELECT COUNT(*) FROM task WHERE agent = $1 AND task = $2 AND owner = $3";
    const OTHERS: &str = "SELECT COUNT(*) FROM push_config WHERE agent = $1 AND task = $2 AND config <> $3";
    const REPLACED: &str = "DELETE FROM push_config WHERE agent = $1 AND task = $2 AND config = $3";
    let PushConfig { agent, config, owner, .. } = push;
    if count(tx, OWNED, values![agent, task, owner.as_str()]).await? == 0 {
        return Ok(PutPush::Unknown);
    }
    if count(tx, OTHERS, values![agent, task, config]).await? >= i64::from(most) {
        return Ok(PutPush::TooMany);
    }
    tx.run(REPLACED, values![agent, task, config]).await?;
    Ok(PutPush::Done)
}

/// The only number that a statement gives.
async fn count(tx: &mut impl Statements, sql: &'static str, values: &[Value<'_>]) -> Result<i64, StoreError> {
    Ok(tx.row::<(i64,)>(sql, values).await?.unwrap_or_default().0)
}

async fn insert(tx: &mut impl Statements, push: &PushConfig) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO push_config
             (callback_hash, agent, task, config, owner, url, sealed, dialect, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let PushConfig { callback_hash, agent, task, config, owner, url, sealed, dialect, created } = push;
    let owner = owner.as_str();
    tx.run(SQL, values![callback_hash, agent, task, config, owner, url, sealed, dialect, *created]).await?;
    Ok(())
}

impl PushRow {
    fn read(self) -> Result<StoredPushConfig, StoreError> {
        let config = PushConfig {
            callback_hash: self.callback_hash,
            agent: Name::parse(&self.agent).map_err(|_| StoreError::Unreadable("push_config.agent"))?,
            task: self.task,
            config: self.config,
            owner: Owner::stored(self.owner),
            url: self.url,
            sealed: self.sealed,
            dialect: self.dialect,
            created: Timestamp::from_micros(self.created),
        };
        Ok(StoredPushConfig { config, stopped: read_time(self.stopped), last_error: self.last_error })
    }
}

#[cfg(test)]
mod tests;
