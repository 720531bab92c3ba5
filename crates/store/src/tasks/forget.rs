//! Forgetting tasks, with their webhooks, and contexts: a little at a time.

use doorward_model::Timestamp;

use super::DAY_SECS;
use crate::{
    Store, StoreError,
    engine::{Statements, raise, values, writing},
};

/// How many rows one transaction forgets.
const BATCH: i64 = 1_000;

const ENDED: &str = "DELETE FROM task WHERE (agent, task) IN
     (SELECT agent, task FROM task WHERE phase = 2 AND noted <= $1 ORDER BY noted LIMIT $2)";

const IDLE: &str = "DELETE FROM task WHERE (agent, task) IN
     (SELECT agent, task FROM task WHERE phase < 2 AND noted <= $1 LIMIT $2)";

const CONTEXTS: &str = "DELETE FROM context WHERE noted <= $1 AND (agent, context) IN
     (SELECT agent, context FROM context WHERE noted <= $1 LIMIT $2)";

impl Store {
    /// Forgets tasks that ended and were last noted by `ended_before`, any that were last noted by `idle_before`, and
    /// contexts that were last mentioned a day before that; says how many. Webhooks go with their tasks.
    ///
    /// What is forgotten belongs to nobody: its owner cannot come back to it, and a context is that of the next who
    /// names it. So `idle_before` is long ago, longer than agents remember. A task that is noted while it is forgotten stays,
    /// without its webhooks.
    ///
    /// # Errors
    /// When the database fails; what was forgotten before stays forgotten.
    pub async fn forget_tasks(
        &self,
        ended_before: Timestamp,
        idle_before: Timestamp,
    ) -> Result<u64, StoreError> {
        self.settle_tasks().await?;
        let mut forgotten = 0;
        for (sql, before) in
            [(ENDED, ended_before), (IDLE, idle_before), (CONTEXTS, idle_before.plus_secs(-DAY_SECS))]
        {
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
