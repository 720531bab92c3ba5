//! The statements of one transaction of the index: contexts first, then the tasks whose contexts are their owners'.
//!
//! How many rows were touched says whether everything stands as noted, which is the rule; only otherwise is it read
//! what stands instead.

use std::cmp::Reverse;

use doorward_model::{Name, Timestamp};

use super::{
    ContextNote, Noted, Owner, StoredTask, TaskNote, TaskPhase,
    read::{TaskRow, task_query},
    writer::Batch,
};
use crate::{
    StoreError,
    engine::{ManyRows, Statements, Value, values},
};

/// Contexts keep their owner. When one was mentioned is written to the day, for a row need not change with each note.
pub(super) static CONTEXTS: ManyRows<4> = ManyRows::new(
    "INSERT INTO context (agent, context, owner, noted)
     SELECT v.column1, v.column2, v.column3, v.column4 FROM",
    "AS v WHERE v.column1 IS NOT NULL
     ON CONFLICT (agent, context) DO UPDATE SET noted = excluded.noted
     WHERE context.owner = excluded.owner AND context.noted <= excluded.noted - 86400000000",
);

/// Tasks, unless their context is somebody else's. The owner of the context is a subquery and not a join, so that
/// rows are locked in their order here.
static TASKS: ManyRows<10> = ManyRows::new(
    "INSERT INTO task (agent, task, context, owner, state, phase, state_time, version, binding, created, noted)
     SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, v.column8, v.column9,
         v.column10, v.column10 FROM",
    "AS v WHERE v.column1 IS NOT NULL AND (v.column3 IS NULL OR v.column4 =
         (SELECT c.owner FROM context c WHERE c.agent = v.column1 AND c.context = v.column3))
     ON CONFLICT (agent, task) DO UPDATE SET state = excluded.state, phase = excluded.phase, noted = excluded.noted,
         state_time = CASE WHEN excluded.state_time > task.state_time
             THEN excluded.state_time ELSE task.state_time END
     WHERE task.owner = excluded.owner AND (excluded.context IS NULL OR task.context = excluded.context)
         AND task.phase < 2 AND (excluded.phase = 2 OR excluded.state_time >= task.state_time)",
);

/// A context, whose it is, and when it was mentioned.
type Mention<'a> = (&'a Name, &'a str, &'a Owner, Timestamp);

/// What came of each note of a batch, in its order.
pub(super) struct Outcome {
    pub(super) tasks: Vec<Noted>,
    pub(super) contexts: Vec<Owner>,
}

/// Writes a batch.
pub(super) async fn write(tx: &mut impl Statements, batch: &Batch) -> Result<Outcome, StoreError> {
    write_contexts(tx, batch).await?;
    let contexts = read_owners(tx, &batch.contexts).await?;
    let as_noted = write_tasks(tx, &batch.tasks).await? == batch.tasks.len() as u64;
    let mut tasks = Vec::with_capacity(batch.tasks.len());
    for note in &batch.tasks {
        tasks.push(if as_noted { Noted::AsNoted } else { read_noted(tx, note).await? });
    }
    Ok(Outcome { tasks, contexts })
}

async fn write_contexts(tx: &mut impl Statements, batch: &Batch) -> Result<(), StoreError> {
    let of_tasks = batch.tasks.iter().filter_map(context_of);
    let mut contexts: Vec<Mention<'_>> = of_tasks.chain(batch.contexts.iter().map(mention)).collect();
    // Replicas lock rows in one order, and no row may come twice: the latest mention counts. A batch knows one owner of
    // each context.
    contexts.sort_unstable_by_key(|(agent, context, _, now)| (*agent, *context, Reverse(*now)));
    contexts.dedup_by_key(|(agent, context, ..)| (*agent, *context));
    let rows: Vec<_> = contexts
        .into_iter()
        .map(|(agent, context, owner, now)| *values![agent, context, owner.as_str(), now])
        .collect();
    CONTEXTS.run(tx, &rows).await?;
    Ok(())
}

async fn write_tasks(tx: &mut impl Statements, notes: &[TaskNote]) -> Result<u64, StoreError> {
    let mut notes: Vec<&TaskNote> = notes.iter().collect();
    notes.sort_unstable_by_key(|note| (&note.agent, &note.task));
    TASKS.run(tx, &notes.into_iter().map(task_row).collect::<Vec<_>>()).await
}

fn task_row(note: &TaskNote) -> [Value<'_>; 10] {
    let TaskNote { agent, task, context, owner, state, phase, state_time, version, binding, now } = note;
    let phase = phase.number();
    *values![agent, task, context, owner.as_str(), *state, phase, *state_time, *version, *binding, *now]
}

fn context_of(note: &TaskNote) -> Option<Mention<'_>> {
    note.context.as_deref().map(|context| (&note.agent, context, &note.owner, note.now))
}

fn mention(note: &ContextNote) -> Mention<'_> {
    (&note.agent, &note.context, &note.owner, note.now)
}

/// Who owns these contexts now that they are written.
async fn read_owners(tx: &mut impl Statements, notes: &[ContextNote]) -> Result<Vec<Owner>, StoreError> {
    let mut owners = Vec::with_capacity(notes.len());
    for note in notes {
        owners.push(read_owner(tx, &note.agent, &note.context).await?);
    }
    Ok(owners)
}

async fn read_owner(tx: &mut impl Statements, agent: &Name, context: &str) -> Result<Owner, StoreError> {
    const SQL: &str = "SELECT owner FROM context WHERE agent = $1 AND context = $2";
    let (owner,) =
        tx.row::<(String,)>(SQL, values![agent, context]).await?.ok_or(sqlx::Error::RowNotFound)?;
    Ok(Owner::stored(owner))
}

/// What stands where one of several notes does not.
async fn read_noted(tx: &mut impl Statements, note: &TaskNote) -> Result<Noted, StoreError> {
    let sql = task_query!("WHERE agent = $1 AND task = $2");
    let Some(row) = tx.row::<TaskRow>(sql, values![&note.agent, &note.task]).await? else {
        let context = note.context.as_deref().unwrap_or_default();
        return Ok(Noted::ContextOf(read_owner(tx, &note.agent, context).await?));
    };
    let stored = row.read()?;
    Ok(if says(&stored, note) { Noted::AsNoted } else { Noted::Stands(Box::new(stored)) })
}

/// Whether a row says what a note says, be it because of the note or because it did before.
pub(super) fn says(stored: &StoredTask, note: &TaskNote) -> bool {
    let in_time = match note.phase {
        TaskPhase::Ended => stored.state_time >= note.state_time,
        TaskPhase::Open | TaskPhase::Interrupted => stored.state_time == note.state_time,
    };
    stored.owner == note.owner
        && (note.context.is_none() || stored.context == note.context)
        && stored.state == note.state
        && stored.phase == note.phase
        && in_time
}
