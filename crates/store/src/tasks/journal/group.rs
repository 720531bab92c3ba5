//! A group of notes as it stands in the journal: JSON, arrays instead of objects for there are many.

use doorward_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        Owner, StoredTask, TaskPhase,
        recent::{Facts, Mention},
    },
    agent,
};
use crate::StoreError;

const UNREADABLE: StoreError = StoreError::Unreadable("task_journal.notes");

/// Its texts are borrowed when it is written.
#[derive(Serialize, Deserialize)]
struct Group<T> {
    contexts: Vec<ContextLine<T>>,
    tasks: Vec<TaskLine<T>>,
}

/// Agent, context, owner, when it was mentioned.
#[derive(Serialize, Deserialize)]
struct ContextLine<T>(T, T, T, i64);

/// As the columns of the table.
#[derive(Serialize, Deserialize)]
struct TaskLine<T>(T, T, Option<T>, T, T, i64, i64, T, T, i64, i64);

/// A group of notes as it is written.
pub(super) fn text(facts: &Facts) -> Result<String, StoreError> {
    let contexts = facts.contexts.iter().map(|((agent, context), Mention { owner, noted })| {
        ContextLine(agent.as_str(), context.as_str(), owner.as_str(), noted.as_micros())
    });
    let tasks = facts.tasks.iter().map(|((agent, _), task)| {
        TaskLine(
            agent.as_str(),
            task.task.as_str(),
            task.context.as_deref(),
            task.owner.as_str(),
            task.state.as_str(),
            task.phase.number(),
            task.state_time.as_micros(),
            task.version.as_str(),
            task.binding.as_str(),
            task.created.as_micros(),
            task.noted.as_micros(),
        )
    });
    let group = Group { contexts: contexts.collect(), tasks: tasks.collect() };
    serde_json::to_string(&group).map_err(|_| UNREADABLE)
}

/// Adds what a group says; the later word counts. One that is empty says nothing any more.
pub(super) fn read(notes: &str, facts: &mut Facts) -> Result<(), StoreError> {
    if notes.is_empty() {
        return Ok(());
    }
    let group: Group<String> = serde_json::from_str(notes).map_err(|_| UNREADABLE)?;
    for ContextLine(of, context, owner, mentioned) in group.contexts {
        let mention = Mention { owner: Owner::stored(owner), noted: Timestamp::from_micros(mentioned) };
        facts.contexts.insert((agent(&of)?, context), mention);
    }
    for line in group.tasks {
        let TaskLine(of, task, context, owner, state, phase, since, version, binding, created, changed) =
            line;
        let stored = StoredTask {
            task,
            context,
            owner: Owner::stored(owner),
            state,
            phase: TaskPhase::stored(phase).ok_or(UNREADABLE)?,
            state_time: Timestamp::from_micros(since),
            version,
            binding,
            created: Timestamp::from_micros(created),
            noted: Timestamp::from_micros(changed),
        };
        facts.tasks.insert((agent(&of)?, stored.task.clone()), stored);
    }
    Ok(())
}
