//! The one task that writes the index. While a transaction runs, notes pile up; all of them go into the next one.
//!
//! A transaction holds each task once, and each context with one owner, for a statement cannot meet one row twice:
//! what comes in between waits for the next transaction, in its order.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use doorward_model::Name;
use tokio::sync::{mpsc, oneshot};

use super::{
    ContextNote, Noted, Owner, TaskNote,
    journal::Journal,
    recent::Key,
    write::{Outcome, write},
};
use crate::{Store, StoreError, engine::writing};

/// The most notes of one transaction.
const MOST: usize = 64;

/// How many notes may wait for a later transaction than the next one.
const MOST_LEFT: usize = 256;

/// After how long without a note the journal is folded.
const QUIET: Duration = Duration::from_secs(1);

/// The longest that one transaction may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Where the outcome of a note goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A note on its way.
#[derive(Debug)]
pub(super) enum Submitted {
    Task(TaskNote, Answer<Noted>),
    Context(ContextNote, Answer<Owner>),
}

/// Who writes.
pub(super) struct Writer {
    store: Store,
    received: mpsc::Receiver<Submitted>,
    /// What the last transaction could not take.
    left: VecDeque<Submitted>,
}

/// What is written together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) tasks: Vec<TaskNote>,
    pub(super) contexts: Vec<ContextNote>,
}

/// Who waits for what is written together, in the order of the batch.
#[derive(Default)]
struct Waiting {
    tasks: Vec<Answer<Noted>>,
    contexts: Vec<Answer<Owner>>,
}

/// The rows that a note is about.
struct Rows<'a> {
    agent: &'a Name,
    task: Option<&'a str>,
    context: Option<&'a str>,
    owner: &'a Owner,
}

impl Writer {
    pub(super) const fn new(store: Store, received: mpsc::Receiver<Submitted>) -> Self {
        Self { store, received, left: VecDeque::new() }
    }

    /// Writes until all handles are gone and nothing is left.
    pub(super) async fn run(mut self) {
        let mut begun = false;
        loop {
            if self.left.is_empty() {
                let Some(first) = self.next().await else { return };
                self.left.push_back(first);
            }
            if !begun {
                begun = true;
                if let Err(error) = self.store.expect_scattered_writes().await {
                    tracing::warn!(%error, "noting tasks costs more than it should");
                }
            }
            // Those who were just answered may have the next note: a transaction for one costs nearly what one for
            // all of them does.
            tokio::task::yield_now().await;
            let (batch, waiting) = self.gather();
            self.write(batch, waiting).await;
            if let Some(journal) = self.store.task_journal() {
                self.fold(journal.fold_some()).await;
            }
            self.scan();
        }
    }

    /// Has it read in the background what the tables hold, so that most questions need not be asked.
    fn scan(&self) {
        let Some(filter) = self.store.task_journal().and_then(Journal::begin_scan) else { return };
        let store = self.store.clone();
        tokio::spawn(async move {
            let Some(journal) = store.task_journal() else { return };
            if let Err(error) = journal.scan(&store, filter).await {
                tracing::warn!(%error, "noting tasks costs more than it should");
                journal.give_up_scan(filter);
            }
        });
    }

    /// The next note. Where none comes for a while, what was noted before is brought into its tables.
    async fn next(&mut self) -> Option<Submitted> {
        if let Ok(next) = tokio::time::timeout(QUIET, self.received.recv()).await {
            return next;
        }
        while let Some(journal) = self.store.task_journal() {
            if let Ok(next) = self.received.try_recv() {
                return Some(next);
            }
            if !self.fold(journal.fold_rest()).await {
                break;
            }
        }
        self.received.recv().await
    }

    /// Folds a little. Says whether something is left; what fails is tried again later.
    async fn fold(&self, folding: impl Future<Output = Result<bool, StoreError>>) -> bool {
        match tokio::time::timeout(ATTEMPT, folding).await {
            Ok(Ok(is_left)) => return is_left,
            Ok(Err(error)) => tracing::warn!(%error, "noted tasks wait in the journal"),
            Err(_) => tracing::warn!("noted tasks wait in the journal: the database is slow"),
        }
        false
    }

    /// Takes what waits, as far as one transaction can hold it.
    fn gather(&mut self) -> (Batch, Waiting) {
        let (mut batch, mut waiting) = (Batch::default(), Waiting::default());
        let mut older = std::mem::take(&mut self.left);
        while batch.len() < MOST && self.left.len() < MOST_LEFT {
            let Some(next) = older.pop_front().or_else(|| self.received.try_recv().ok()) else { break };
            if self
                .left
                .iter()
                .map(Submitted::rows)
                .chain(batch.rows())
                .any(|rows| rows.exclude(&next.rows()))
            {
                self.left.push_back(next);
            } else {
                batch.add(next, &mut waiting);
            }
        }
        self.left.append(&mut older);
        (batch, waiting)
    }

    /// Writes a batch and tells those who wait for it.
    async fn write(&self, batch: Batch, waiting: Waiting) {
        let written = match tokio::time::timeout(ATTEMPT, self.attempt(&batch)).await {
            Ok(written) => written,
            Err(_) => Err(StoreError::Unreachable(ATTEMPT.as_secs())),
        };
        // Whoever waited may have gone away.
        match written {
            Ok(Outcome { tasks, contexts }) => {
                for (answer, noted) in waiting.tasks.into_iter().zip(tasks) {
                    let _ = answer.send(Ok(noted));
                }
                for (answer, owner) in waiting.contexts.into_iter().zip(contexts) {
                    let _ = answer.send(Ok(owner));
                }
            }
            Err(error) => {
                tracing::error!(%error, notes = batch.len(), "tasks could not be noted");
                let error = Arc::new(error);
                for answer in waiting.tasks {
                    let _ = answer.send(Err(StoreError::Group(error.clone())));
                }
                for answer in waiting.contexts {
                    let _ = answer.send(Err(StoreError::Group(error.clone())));
                }
            }
        }
    }

    async fn attempt(&self, batch: &Batch) -> Result<Outcome, StoreError> {
        match self.store.task_journal() {
            Some(journal) => journal.write(batch).await,
            None => Ok(writing!(self.store, tx => write(&mut *tx, batch).await?)),
        }
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.tasks.len() + self.contexts.len()
    }

    fn rows(&self) -> impl Iterator<Item = Rows<'_>> {
        self.tasks.iter().map(TaskNote::rows).chain(self.contexts.iter().map(ContextNote::rows))
    }

    /// The contexts that it names, some of them twice.
    pub(super) fn context_keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.rows().filter_map(|rows| Some((rows.agent.clone(), rows.context?.to_owned())))
    }

    /// The tasks that it names.
    pub(super) fn task_keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.tasks.iter().map(|note| (note.agent.clone(), note.task.clone()))
    }

    fn add(&mut self, submitted: Submitted, waiting: &mut Waiting) {
        match submitted {
            Submitted::Task(note, answer) => {
                self.tasks.push(note);
                waiting.tasks.push(answer);
            }
            Submitted::Context(note, answer) => {
                self.contexts.push(note);
                waiting.contexts.push(answer);
            }
        }
    }
}

impl Submitted {
    fn rows(&self) -> Rows<'_> {
        match self {
            Self::Task(note, _) => note.rows(),
            Self::Context(note, _) => note.rows(),
        }
    }
}

impl TaskNote {
    fn rows(&self) -> Rows<'_> {
        let Self { agent, task, context, owner, .. } = self;
        Rows { agent, task: Some(task), context: context.as_deref(), owner }
    }
}

impl ContextNote {
    fn rows(&self) -> Rows<'_> {
        let Self { agent, context, owner, .. } = self;
        Rows { agent, task: None, context: Some(context), owner }
    }
}

impl Rows<'_> {
    /// Whether one transaction cannot write both: the same task, or two owners for one context.
    fn exclude(&self, other: &Self) -> bool {
        let same = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
        (same(self.task, other.task) || same(self.context, other.context) && self.owner != other.owner)
            && self.agent == other.agent
    }
}
