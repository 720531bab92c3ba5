//! How notes are written with SQLite: appended as one row for all that wait, and folded into the tables later, many at a
//! time and in the order of their indexes.
//!
//! Ids of tasks and contexts are random, so every note that went straight into the tables would change a page of its own
//! in each of their indexes. A group of the journal is one row at the end of one table; thousands of notes that are
//! folded together share their pages.
//!
//! One connection writes, and whoever has it is alone: what is in memory changes only while it is held. What stands is
//! asked of memory first and of the tables then. A note is answered once its group is committed.

mod group;

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use doorward_model::{Name, Timestamp};
use sqlx::{Connection as _, FromRow, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

use super::{
    Owner, StoredTask, TaskCounts,
    known::{Filter, Kind},
    read::{TaskRow, count_tasks},
    recent::{Facts, Fold, Key, Mention, Recent},
    write::{CONTEXTS, Outcome},
    writer::Batch,
};
use crate::{
    Store, StoreError,
    engine::{ManyRows, Statements as _, Value, values},
};

/// How many tasks and contexts wait until they are folded: some 5 MiB of memory, and a start after a crash that takes
/// some hundredths of a second longer.
const FOLD_AT: usize = 8_192;

static STANDING_CONTEXTS: ManyRows<2> = ManyRows::new(
    "SELECT c.agent, c.context AS id, c.owner, c.noted FROM",
    "AS v CROSS JOIN context c ON c.agent = v.column1 AND c.context = v.column2",
);

static STANDING_TASKS: ManyRows<2> = ManyRows::new(
    "SELECT t.agent, t.task, t.context, t.owner, t.state, t.phase, t.state_time, t.version, t.binding, t.created, t.noted FROM",
    "AS v CROSS JOIN task t ON t.agent = v.column1 AND t.task = v.column2",
);

/// Tasks as they stand, which were judged when they were noted. What a second process may have written meanwhile, which
/// there should not be, keeps its owner and its end.
static TASKS: ManyRows<11> = ManyRows::new(
    "INSERT INTO task (agent, task, context, owner, state, phase, state_time, version, binding, created, noted)
     SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, v.column8, v.column9,
         v.column10, v.column11 FROM",
    "AS v WHERE v.column1 IS NOT NULL
     ON CONFLICT (agent, task) DO UPDATE SET state = excluded.state, phase = excluded.phase, noted = excluded.noted,
         state_time = excluded.state_time
     WHERE task.owner = excluded.owner AND task.phase < 2
         AND (excluded.phase = 2 OR excluded.state_time >= task.state_time)",
);

/// Appends a group behind the one that this process knows as the last, and only there: of two processes that append, one
/// finds that there is another.
const APPEND: &str = "INSERT INTO task_journal (id, notes)
     SELECT $1, $2 WHERE $1 = COALESCE((SELECT MAX(id) FROM task_journal), 0) + 1";

/// Forgets groups that stand in the tables. The number of the last one stays, without what it said: see [`APPEND`].
const FORGET: &str = "DELETE FROM task_journal WHERE id <= $1 AND id < (SELECT MAX(id) FROM task_journal)";
const EMPTY: &str = "UPDATE task_journal SET notes = '' WHERE id <= $1";

/// The keys of a table behind one, in their order.
const CONTEXT_KEYS: &str = "SELECT agent, context FROM context WHERE (agent, context) > ($1, $2)
     ORDER BY agent, context LIMIT $3";
const TASK_KEYS: &str =
    "SELECT agent, task FROM task WHERE (agent, task) > ($1, $2) ORDER BY agent, task LIMIT $3";

/// How many keys are read at a time.
const PAGE: i64 = 4_096;

/// The journal of a database, and what of it is not folded.
#[derive(Clone, Copy)]
pub(crate) struct Journal<'a> {
    pub(crate) writer: &'a SqlitePool,
    pub(crate) recent: &'a Mutex<Recent>,
}

#[derive(FromRow)]
struct ContextRow {
    agent: String,
    id: String,
    owner: String,
    noted: i64,
}

#[derive(FromRow)]
struct AgentsTaskRow {
    agent: String,
    #[sqlx(flatten)]
    task: TaskRow,
}

impl Journal<'_> {
    /// Judges the notes of a batch and writes down what changes by them.
    pub(super) async fn write(self, batch: &Batch) -> Result<Outcome, StoreError> {
        let mut alone = self.alone().await?;
        let stands = self.standing(&mut alone, batch).await?;
        let (outcome, changes) = stands.judge(batch);
        if changes.is_empty() {
            return Ok(outcome);
        }
        let group = self.recent().last + 1;
        let text = group::text(&changes)?;
        // Until it is stored, memory may lack what the journal holds: this group, or those of a second process.
        self.recent().is_certain = false;
        // A transaction of its own: beginning and ending one would cost SQLite's thread two more turns.
        if alone.run(APPEND, values![group, &text]).await? == 0 {
            return Err(StoreError::Contended);
        }
        let mut recent = self.recent();
        recent.take(changes, &stands, group);
        recent.is_certain = true;
        Ok(outcome)
    }

    /// Folds a little when much waits, or when a round is under way. Says whether one is.
    pub(super) async fn fold_some(self) -> Result<bool, StoreError> {
        let is_due = {
            let recent = self.recent();
            recent.is_folding() || recent.len() >= FOLD_AT
        };
        if is_due {
            self.fold_next().await?;
        }
        Ok(self.recent().is_folding())
    }

    /// Folds everything that was noted before the call.
    pub(super) async fn settle(self) -> Result<(), StoreError> {
        self.open().await?;
        let last = self.recent().last;
        while self.recent().folded < last {
            self.fold_next().await?;
        }
        Ok(())
    }

    /// Folds a little of what was noted. Says whether something is left.
    pub(super) async fn fold_rest(self) -> Result<bool, StoreError> {
        let is_left = |recent: &Recent| recent.folded < recent.last;
        if is_left(&self.recent()) {
            self.fold_next().await?;
        }
        Ok(is_left(&self.recent()))
    }

    /// Makes sure that what an earlier run left is in the tables.
    async fn open(self) -> Result<(), StoreError> {
        if self.recent().was_certain { Ok(()) } else { self.alone().await.map(drop) }
    }

    /// The task, when it is not folded yet.
    pub(super) async fn task(self, key: &Key) -> Result<Option<StoredTask>, StoreError> {
        self.open().await?;
        Ok(self.recent().task(key).cloned())
    }

    /// The owner of the context, when it is not folded yet.
    pub(super) async fn context_owner(self, key: &Key) -> Result<Option<Owner>, StoreError> {
        self.open().await?;
        Ok(self.recent().context(key).map(|context| context.owner.clone()))
    }

    /// How many tasks `owner` has that have not ended, in the tables and here. Counted alone, for what is folded
    /// meanwhile would count twice.
    pub(super) async fn counts(self, agent: &Name, owner: &Owner) -> Result<TaskCounts, StoreError> {
        let mut alone = self.alone().await?;
        let (open, interrupted) = count_tasks(&mut *alone, agent, owner).await?;
        let more = self.recent().uncounted(agent, owner);
        let sum = |table: i64, more: i64| u64::try_from(table + more).unwrap_or_default();
        Ok(TaskCounts { open: sum(open, more.open), interrupted: sum(interrupted, more.interrupted) })
    }

    /// For the one who is to [`scan`](Self::scan).
    pub(super) fn begin_scan(self) -> Option<Filter> {
        self.recent().known.begin_scan()
    }

    /// Nobody reads on for this filter.
    pub(super) fn give_up_scan(self, filter: Filter) {
        self.recent().known.give_up_scan(filter);
    }

    /// Whether a list of this caller's tasks would lack something.
    pub(super) async fn holds_some_of(self, agent: &Name, owner: &Owner) -> Result<bool, StoreError> {
        self.open().await?;
        Ok(self.recent().holds_some_of(agent, owner))
    }

    /// Reads which tasks and contexts the tables hold.
    pub(super) async fn scan(self, store: &Store, filter: Filter) -> Result<(), StoreError> {
        for (kind, sql) in [(Kind::Context, CONTEXT_KEYS), (Kind::Task, TASK_KEYS)] {
            let mut last = (String::new(), String::new());
            loop {
                let values = values![last.0.as_str(), last.1.as_str(), PAGE];
                let keys: Vec<(String, String)> = store.rows(sql, values).await?;
                let Some(behind) = keys.last() else { break };
                if !self.recent().known.is(filter) {
                    return Ok(());
                }
                last = behind.clone();
                for (of, id) in keys {
                    let key = (agent(&of)?, id);
                    self.recent().known.add(kind, &key);
                }
            }
        }
        self.recent().known.end_scan(filter);
        Ok(())
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that writes, once memory holds what the journal does.
    async fn alone(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        let mut connection = self.writer.acquire().await?;
        if !self.recent().is_certain {
            self.recover(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Folds all that the journal holds: after a start, or when nobody knows what became of a commit.
    async fn recover(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        let rows: Vec<(i64, String)> =
            tx.rows("SELECT id, notes FROM task_journal ORDER BY id", values![]).await?;
        let mut facts = Facts::default();
        for (_, notes) in &rows {
            group::read(notes, &mut facts)?;
        }
        insert(&mut tx, &facts).await?;
        let last = rows.last().map_or(0, |(last, _)| *last);
        forget(&mut tx, last).await?;
        tx.commit().await?;
        self.recent().begin(last);
        Ok(())
    }

    /// What stands of all that a batch names.
    async fn standing(&self, alone: &mut SqliteConnection, batch: &Batch) -> Result<Facts, StoreError> {
        let (mut facts, mut contexts, mut tasks) = (Facts::default(), BTreeSet::new(), BTreeSet::new());
        {
            let recent = self.recent();
            for key in batch.context_keys() {
                if let Some(context) = recent.context(&key) {
                    facts.contexts.insert(key, context.clone());
                } else if recent.known.may_hold(Kind::Context, &key) {
                    contexts.insert(key);
                }
            }
            for key in batch.task_keys() {
                if let Some(task) = recent.task(&key) {
                    facts.tasks.insert(key, task.clone());
                } else if recent.known.may_hold(Kind::Task, &key) {
                    tasks.insert(key);
                }
            }
        }
        for row in STANDING_CONTEXTS.rows::<_, ContextRow>(alone, &key_rows(&contexts)).await? {
            let mention =
                Mention { owner: Owner::stored(row.owner), noted: Timestamp::from_micros(row.noted) };
            facts.contexts.insert((agent(&row.agent)?, row.id), mention);
        }
        for row in STANDING_TASKS.rows::<_, AgentsTaskRow>(alone, &key_rows(&tasks)).await? {
            let task = row.task.read()?;
            facts.tasks.insert((agent(&row.agent)?, task.task.clone()), task);
        }
        Ok(facts)
    }

    /// Folds the next few, in a transaction of their own: notes are not to wait for all of it.
    async fn fold_next(&self) -> Result<(), StoreError> {
        let mut alone = self.alone().await?;
        let fold = {
            let mut recent = self.recent();
            // What fails here is read anew from the journal.
            recent.is_certain = false;
            recent.next_fold()
        };
        let mut tx = alone.begin_with("BEGIN IMMEDIATE").await?;
        let Fold { facts, upto } = &fold;
        insert(&mut tx, facts).await?;
        if let Some(upto) = upto {
            forget(&mut tx, *upto).await?;
        }
        tx.commit().await?;
        let mut recent = self.recent();
        recent.folded(fold);
        recent.is_certain = true;
        Ok(())
    }
}

/// Forgets the groups up to this one, which stand in the tables.
async fn forget(tx: &mut SqliteConnection, upto: i64) -> Result<(), StoreError> {
    tx.run(FORGET, values![upto]).await?;
    tx.run(EMPTY, values![upto]).await?;
    Ok(())
}

/// Writes into the tables what stands, in the order of their keys.
async fn insert(tx: &mut SqliteConnection, facts: &Facts) -> Result<(), StoreError> {
    let mut contexts: Vec<_> = facts.contexts.iter().collect();
    contexts.sort_unstable_by_key(|(key, _)| *key);
    let contexts = contexts.into_iter();
    let contexts: Vec<_> = contexts
        .map(|((agent, context), Mention { owner, noted })| *values![agent, context, owner.as_str(), *noted])
        .collect();
    CONTEXTS.run(tx, &contexts).await?;
    let mut tasks: Vec<_> = facts.tasks.iter().collect();
    tasks.sort_unstable_by_key(|(key, _)| *key);
    let tasks: Vec<_> = tasks.into_iter().map(|((agent, _), task)| task_row(agent, task)).collect();
    TASKS.run(tx, &tasks).await?;
    Ok(())
}

fn task_row<'a>(agent: &'a Name, stored: &'a StoredTask) -> [Value<'a>; 11] {
    let StoredTask { task, context, owner, state, phase, state_time, version, binding, created, noted } =
        stored;
    let phase = phase.number();
    *values![
        agent,
        task,
        context,
        owner.as_str(),
        state,
        phase,
        *state_time,
        version,
        binding,
        *created,
        *noted
    ]
}

fn key_rows(keys: &BTreeSet<Key>) -> Vec<[Value<'_>; 2]> {
    keys.iter().map(|(agent, id)| *values![agent, id]).collect()
}

fn agent(text: &str) -> Result<Name, StoreError> {
    Name::parse(text).map_err(|_| StoreError::Unreadable("task.agent"))
}
