//! Forgetting tasks, with their webhooks, and then contexts without tasks: a little at a time.

use doorward_model::Timestamp;

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

const CONTEXTS: &str = "DELETE FROM context WHERE (agent, context) IN
     (SELECT c.agent, c.context FROM context c WHERE c.noted <= $1 AND NOT EXISTS
         (SELECT 1 FROM task t WHERE t.agent = c.agent AND t.context = c.context)
      LIMIT $2) AND noted <= $1";

impl Store {
    /// Forgets tasks that ended and were last noted by `ended_before`, any that were last noted by `idle_before`, and
    /// contexts that have no task and were last mentioned by `idle_before`; says how many. Webhooks go with their
    /// tasks. What is forgotten belongs to nobody: its owner cannot come back to it, and for an unknown context the
    /// next who brings it is the first. So `idle_before` is at least two days ago, and long before agents forget.
    ///
    /// # Errors
    /// When the database fails; what was forgotten before stays forgotten.
    pub async fn forget_tasks(
        &self,
        ended_before: Timestamp,
        idle_before: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        for (sql, before) in [(ENDED, ended_before), (IDLE, idle_before), (CONTEXTS, idle_before)] {
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
