//! Whose A2A tasks and contexts are whose.
//!
//! Ids of tasks and contexts are the agents' and cross Doorward unchanged, so what a caller may touch is told by rows
//! here: they are written before the caller sees the id. The first owner wins, for good. What tasks hold besides
//! their state is never stored.
//!
//! | module | what |
//! |---|---|
//! | `index` | [`TaskIndex`]: the face to the request path |
//! | `writer` | the one task that writes, and what it puts into one transaction |
//! | `write` | the statements of such a transaction on PostgreSQL |
//! | `journal` | the same with SQLite, which appends first and folds later |
//! | `known` | what need not be asked of the tables |
//! | `recent` | what is appended and not folded, and how a note is judged |
//! | `read` | one task, pages of tasks, counts for quotas |
//! | `forget` | tasks that ended long ago |

mod forget;
mod index;
mod journal;
mod known;
mod read;
mod recent;
mod write;
mod writer;

use aws_lc_rs::digest::{SHA256, digest};
use doorward_model::{CallerKey, Name, Timestamp};

pub use index::TaskIndex;
pub use read::{TaskCounts, TaskCursor, TaskFilter, TaskPage};
pub(crate) use recent::Recent;

use crate::engine::hex;

/// How exactly it is known when a context was mentioned last.
const DAY_SECS: i64 = 24 * 3_600;

/// Who owns a task, a context or a webhook.
///
/// The first 128 bits of the SHA-256 of a [`CallerKey`], in hex: short enough for every index, and it names nobody.
/// Nobody can find another caller's; two callers that share one would both have to be made for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner(String);

impl Owner {
    /// The owner that this caller is.
    pub fn of(caller: &CallerKey) -> Self {
        Self(hex(&digest(&SHA256, caller.as_str().as_bytes()).as_ref()[..16]))
    }

    /// Reads it back.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the state of a task means to who counts tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskPhase {
    /// Not ended, and waiting for nobody.
    Open,
    /// Not ended, and waiting for its owner.
    Interrupted,
    /// Ended, for good.
    Ended,
}

/// A task as an agent's answer shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskNote {
    /// Whose task it is on the other side.
    pub agent: Name,
    /// Its id.
    pub task: String,
    /// The id of its context. A later note need not say it again.
    pub context: Option<String>,
    /// Who asked for it.
    pub owner: Owner,
    /// The name of its state.
    pub state: &'static str,
    /// What the state means.
    pub phase: TaskPhase,
    /// Since when, as the agent says.
    pub state_time: Timestamp,
    /// The version of A2A that the agent was asked in. Kept from the first note.
    pub version: &'static str,
    /// The binding that the agent was asked by. Kept from the first note.
    pub binding: &'static str,
    /// The present.
    pub now: Timestamp,
}

/// A context without a task, as an answer shows it that is a bare message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextNote {
    /// Whose context it is on the other side.
    pub agent: Name,
    /// Its id.
    pub context: String,
    /// Who asked.
    pub owner: Owner,
    /// The present.
    pub now: Timestamp,
}

/// What came of a note about a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// The index says what the note says.
    AsNoted,
    /// The index says this instead: the task is somebody else's or in another context, it has ended, or it is in a
    /// later state.
    Stands(Box<StoredTask>),
    /// The context is somebody else's. Nothing is written about the task.
    ContextOf(Owner),
}

/// A task in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// Its id.
    pub task: String,
    /// Its context, if the first note said it.
    pub context: Option<String>,
    /// Whose it is.
    pub owner: Owner,
    /// The name of its state.
    pub state: String,
    /// What the state means.
    pub phase: TaskPhase,
    /// Since when, as the agent says. Never goes back.
    pub state_time: Timestamp,
    /// The version of A2A in which it was first seen.
    pub version: String,
    /// The binding over which it was first seen.
    pub binding: String,
    /// When it was first noted.
    pub created: Timestamp,
    /// When a note last changed it.
    pub noted: Timestamp,
}

impl TaskPhase {
    /// As it stands in the column.
    const fn number(self) -> i64 {
        match self {
            Self::Open => 0,
            Self::Interrupted => 1,
            Self::Ended => 2,
        }
    }

    fn stored(number: i64) -> Option<Self> {
        [Self::Open, Self::Interrupted, Self::Ended].into_iter().find(|phase| phase.number() == number)
    }
}

#[cfg(test)]
mod tests;
