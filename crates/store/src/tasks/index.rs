//! The face of the index to the request path: a note is handed to the one task that writes, and waited for.

use tokio::sync::{mpsc, oneshot};

use super::{
    ContextNote, Noted, Owner, TaskNote,
    writer::{Answer, Submitted, Writer},
};
use crate::{Store, StoreError, columns::check_id};

/// How many notes may wait for the writer; who comes later waits for a place.
const WAITING: usize = 1_024;

/// The index of tasks, open for writing. Clones share one writer, which ends when the last of them is gone and what
/// was noted is written.
///
/// A note that is under way when its caller goes away is written all the same.
#[derive(Debug, Clone)]
pub struct TaskIndex {
    inbox: mpsc::Sender<Submitted>,
}

impl TaskIndex {
    /// Starts the writer, on the runtime that this is called in.
    pub fn open(store: Store) -> Self {
        let (inbox, received) = mpsc::channel(WAITING);
        tokio::spawn(Writer::new(store, received).run());
        Self { inbox }
    }

    /// Notes a task and its context; resolves once both are stored, or neither is because of what was stored before.
    ///
    /// A task that has ended stays as it ended. Otherwise an end is always taken, and any other state unless a later
    /// one stands.
    ///
    /// # Errors
    /// [`StoreError::BadId`] and [`StoreError::Nul`] for ids that cannot be stored, before anything is written;
    /// [`StoreError::Group`] when the database failed, after which trying again is safe.
    pub async fn note(&self, note: TaskNote) -> Result<Noted, StoreError> {
        check_id(&note.task)?;
        note.context.as_deref().map_or(Ok(()), check_id)?;
        self.submit(|answer| Submitted::Task(note, answer)).await
    }

    /// Notes a context; resolves with the owner that stands, once that is stored.
    ///
    /// # Errors
    /// As [`Self::note`].
    pub async fn note_context(&self, note: ContextNote) -> Result<Owner, StoreError> {
        check_id(&note.context)?;
        self.submit(|answer| Submitted::Context(note, answer)).await
    }

    async fn submit<T>(&self, note: impl FnOnce(Answer<T>) -> Submitted) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.inbox.send(note(answer)).await.map_err(|_| StoreError::Stopped)?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }
}
