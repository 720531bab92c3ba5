//! Reads of the index: one task, the owner of a context, pages of a caller's tasks, and counts for quotas.

use doorward_model::{Name, Timestamp};
use sqlx::FromRow;

use super::{Owner, StoredTask, TaskPhase, journal::Journal};
use crate::{
    Store, StoreError,
    engine::{Engine, Statements, reading, values},
};

/// Selects tasks.
macro_rules! task_query {
    ($which:literal) => {
        concat!(
            "SELECT task, context, owner, state, phase, state_time, version, binding, created, noted FROM task ",
            $which
        )
    };
}

pub(super) use task_query;

/// A row of [`task_query`].
#[derive(FromRow)]
pub(super) struct TaskRow {
    task: String,
    context: Option<String>,
    owner: String,
    state: String,
    phase: i64,
    state_time: i64,
    version: String,
    binding: String,
    created: i64,
    noted: i64,
}

/// Which tasks of a caller; all that is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Those of this context.
    pub context: Option<String>,
    /// Those in the state of this name.
    pub state: Option<String>,
    /// Those in their state since this moment, or since a later one.
    pub since: Option<Timestamp>,
}

/// The last task of a page: the next page goes on behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskCursor {
    /// Its state's time.
    pub state_time: Timestamp,
    /// Its id.
    pub task: String,
}

/// Tasks of a caller, the newest state first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks of this page.
    pub tasks: Vec<StoredTask>,
    /// How many there are on all pages.
    pub total: u64,
    /// Where the next page begins, if there is one.
    pub next: Option<TaskCursor>,
}

/// How many tasks a caller has that have not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// All of them.
    pub open: u64,
    /// Those of them that wait for their owner.
    pub interrupted: u64,
}

impl Store {
    /// The task of that id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn task(&self, agent: &Name, task: &str) -> Result<Option<StoredTask>, StoreError> {
        if let Some(journal) = self.task_journal()
            && let Some(task) = journal.task(&(agent.clone(), task.to_owned())).await?
        {
            return Ok(Some(task));
        }
        let sql = task_query!("WHERE agent = $1 AND task = $2");
        self.row::<TaskRow>(sql, values![agent, task]).await?.map(TaskRow::read).transpose()
    }

    /// Who owns a context.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn context_owner(&self, agent: &Name, context: &str) -> Result<Option<Owner>, StoreError> {
        const SQL: &str = "SELECT owner FROM context WHERE agent = $1 AND context = $2";
        if let Some(journal) = self.task_journal()
            && let Some(owner) = journal.context_owner(&(agent.clone(), context.to_owned())).await?
        {
            return Ok(Some(owner));
        }
        let row = self.row::<(String,)>(SQL, values![agent, context]).await?;
        Ok(row.map(|(owner,)| Owner::stored(owner)))
    }

    /// A page of at most `size` tasks of `owner`, by the time of their state, newest first, then by id (A2A 1.0.1
    /// section 3.1.4). A task whose state changes meanwhile can come twice, or not at all, on later pages.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tasks(
        &self,
        agent: &Name,
        owner: &Owner,
        filter: &TaskFilter,
        after: Option<&TaskCursor>,
        size: u32,
    ) -> Result<TaskPage, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM task WHERE agent = $1 AND owner = $2
             AND ($3 IS NULL OR context = $3) AND ($4 IS NULL OR state = $4) AND state_time >= $5";
        const PAGE: &str = task_query!(
            "WHERE agent = $1 AND owner = $2 AND ($3 IS NULL OR context = $3) AND ($4 IS NULL OR state = $4)
             AND state_time >= $5 AND (state_time, task) < ($6, $7)
             ORDER BY state_time DESC, task DESC LIMIT $8"
        );
        if let Some(journal) = self.task_journal()
            && journal.holds_some_of(agent, owner).await?
        {
            self.settle_tasks().await?;
        }
        let TaskFilter { context, state, since } = filter;
        let since = since.map_or(i64::MIN, Timestamp::as_micros);
        let (time, task) = after.map_or((i64::MAX, ""), |after| (after.state_time.as_micros(), &after.task));
        let values = values![agent, owner.as_str(), context, state, since, time, task, i64::from(size) + 1];
        let total = self.row::<(i64,)>(COUNT, &values[..5]).await?.unwrap_or_default().0;
        let rows = self.rows::<TaskRow>(PAGE, values).await?;
        let mut tasks = rows.into_iter().map(TaskRow::read).collect::<Result<Vec<_>, _>>()?;
        let more = tasks.len() > size as usize;
        tasks.truncate(size as usize);
        let cursor = |last: &StoredTask| TaskCursor { state_time: last.state_time, task: last.task.clone() };
        let next = tasks.last().filter(|_| more).map(cursor);
        Ok(TaskPage { tasks, total: total.unsigned_abs(), next })
    }

    /// How many tasks `owner` has that have not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn task_counts(&self, agent: &Name, owner: &Owner) -> Result<TaskCounts, StoreError> {
        if let Some(journal) = self.task_journal() {
            return journal.counts(agent, owner).await;
        }
        let (open, interrupted) = reading!(self, pool => {
            count_tasks(&mut *pool.acquire().await?, agent, owner).await?
        });
        Ok(TaskCounts { open: open.unsigned_abs(), interrupted: interrupted.unsigned_abs() })
    }

    /// Folds all that was noted into the tables, for statements that read or refer to rows there.
    pub(crate) async fn settle_tasks(&self) -> Result<(), StoreError> {
        if self.task_journal().is_none() {
            return Ok(());
        }
        // To the end, though a caller goes away: what is left half-way is read anew from the journal.
        let store = self.clone();
        let settling = async move {
            match store.task_journal() {
                Some(journal) => journal.settle().await,
                None => Ok(()),
            }
        };
        tokio::spawn(settling).await.map_err(|_| StoreError::Stopped)?
    }

    /// What stands in front of the tables with SQLite.
    pub(super) fn task_journal(&self) -> Option<Journal<'_>> {
        match &self.engine {
            Engine::Sqlite { writer, recent, .. } => Some(Journal { writer, recent }),
            Engine::Postgres(_) => None,
        }
    }
}

/// How many tasks the table counts that have not ended, and how many of those wait for their owner.
pub(super) async fn count_tasks(
    statements: &mut impl Statements,
    agent: &Name,
    owner: &Owner,
) -> Result<(i64, i64), StoreError> {
    const SQL: &str = "SELECT COUNT(*), COUNT(CASE phase WHEN 1 THEN 1 END) FROM task
         WHERE agent = $1 AND owner = $2 AND phase < 2";
    let row = statements.row::<(i64, i64)>(SQL, values![agent, owner.as_str()]).await?;
    Ok(row.unwrap_or_default())
}

impl TaskRow {
    pub(super) fn read(self) -> Result<StoredTask, StoreError> {
        let Self { task, context, owner, state, phase, state_time, version, binding, created, noted } = self;
        Ok(StoredTask {
            task,
            context,
            owner: Owner::stored(owner),
            state,
            phase: TaskPhase::stored(phase).ok_or(StoreError::Unreadable("task.phase"))?,
            state_time: Timestamp::from_micros(state_time),
            version,
            binding,
            created: Timestamp::from_micros(created),
            noted: Timestamp::from_micros(noted),
        })
    }
}
