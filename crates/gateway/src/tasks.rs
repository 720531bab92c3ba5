//! Whose tasks and contexts are whose at agents.
//!
//! The store's index decides; memory only spares asking it again. Who owns a task and its context never changes; that it
//! has ended does not either. A state that another replica saw change is stale here until the task is noted again, and
//! then only the agent's own answer says so: nothing is let through by it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_model::{CallerKey, Name, Quotas, Timestamp};
use doorward_protocol::a2a::TaskState;
use doorward_store::{
    ContextNote, Noted, Owner, Store, StoreError, StoredTask, TaskIndex, TaskNote, TaskPhase,
};
use lru::LruCache;

use crate::bounded;

/// How many tasks, and how many contexts, are remembered.
const CAPACITY: usize = 20_000;

/// An agent and an id of its making.
type Key = (Name, String);

/// An agent and a caller.
type Holder = (Name, Owner);

/// The index, with what is remembered of it.
pub(crate) struct Tasks {
    index: TaskIndex,
    store: Store,
    memory: Mutex<Memory>,
    streams: Arc<Mutex<Holds>>,
    /// Messages that may begin a task which the agent has not told yet.
    begun: Arc<Mutex<Holds>>,
}

struct Memory {
    tasks: LruCache<Key, Arc<KnownTask>>,
    contexts: LruCache<Key, Owner>,
    counts: LruCache<Holder, Counted>,
}

/// What is known of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownTask {
    pub(crate) owner: Owner,
    pub(crate) context: Option<String>,
    pub(crate) state: TaskState,
    pub(crate) state_time: Timestamp,
}

/// What a caller is about to be told of a task.
#[derive(Debug, Clone)]
pub(crate) struct Telling<'a> {
    pub(crate) agent: &'a Name,
    pub(crate) owner: &'a Owner,
    pub(crate) task: &'a str,
    pub(crate) context: Option<&'a str>,
    pub(crate) state: TaskState,
    /// As the agent writes it.
    pub(crate) timestamp: Option<Timestamp>,
    /// The interface that told it.
    pub(crate) version: &'static str,
    pub(crate) binding: &'static str,
    pub(crate) now: Timestamp,
}

/// How many tasks a caller holds at an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TasksHeld {
    /// That have not ended.
    pub(crate) open: u64,
    /// That wait for the caller.
    pub(crate) interrupted: u64,
}

impl TasksHeld {
    /// With so many that are about to begin. What becomes of them is not known: they may wait for the caller, too.
    fn with(self, more: u64) -> Self {
        Self { open: self.open + more, interrupted: self.interrupted + more }
    }
}

/// How many were counted, and when.
struct Counted {
    held: TasksHeld,
    at: Timestamp,
}

/// Something that a caller holds; counted out when it is dropped.
pub(crate) struct Hold {
    counts: Arc<Mutex<Holds>>,
    key: Holder,
}

/// How much of something is held, by who holds it.
type Holds = HashMap<Holder, usize>;

/// What is somebody else's, and was about to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign;

impl Tasks {
    /// Starts the index's writer.
    pub(crate) fn new(store: Store) -> Self {
        let memory = Memory {
            tasks: bounded::cache(CAPACITY),
            contexts: bounded::cache(CAPACITY),
            counts: bounded::cache(CAPACITY),
        };
        let (streams, begun) = Default::default();
        Self { index: TaskIndex::open(store.clone()), store, memory: Mutex::new(memory), streams, begun }
    }

    /// What is known of a task, whoever it belongs to.
    pub(crate) async fn task(&self, agent: &Name, task: &str) -> Result<Option<Arc<KnownTask>>, StoreError> {
        let key = (agent.clone(), task.to_owned());
        if let Some(known) = self.memory().tasks.get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        // Boxed, here and below, so that a request that finds everything in memory does not carry the room of a query.
        let found = Box::pin(self.store.task(agent, task)).await?;
        let found = found.map(|stored| Arc::new(KnownTask::of(stored)));
        if let Some(found) = &found {
            self.memory().tasks.put(key, Arc::clone(found));
        }
        Ok(found)
    }

    /// Whose a context is, if it is anybody's.
    pub(crate) async fn context_owner(
        &self,
        agent: &Name,
        context: &str,
    ) -> Result<Option<Owner>, StoreError> {
        let key = (agent.clone(), context.to_owned());
        if let Some(owner) = self.memory().contexts.get(&key) {
            return Ok(Some(owner.clone()));
        }
        let found = Box::pin(self.store.context_owner(agent, context)).await?;
        if let Some(owner) = &found {
            self.memory().contexts.put(key, owner.clone());
        }
        Ok(found)
    }

    /// Writes down what a caller is about to be told of a task: whoever is told of it first owns it. Returns once that
    /// is stored, with the state that stands.
    pub(crate) async fn tell(&self, telling: &Telling<'_>) -> Result<Result<TaskState, Foreign>, StoreError> {
        let key = (telling.agent.clone(), telling.task.to_owned());
        let known = self.memory().tasks.get(&key).map(Arc::clone);
        let told =
            known.as_ref().filter(|known| known.owner == *telling.owner && telling.adds_nothing_to(known));
        if let Some(known) = told {
            return Ok(Ok(known.state));
        }
        let said = KnownTask {
            owner: telling.owner.clone(),
            context: telling
                .context
                .map(ToOwned::to_owned)
                .or_else(|| known.and_then(|known| known.context.clone())),
            state: telling.state,
            state_time: telling.timestamp.unwrap_or(telling.now),
        };
        let stands = match self.index.note(telling.note(&said)).await? {
            Noted::AsNoted => said,
            Noted::ContextOf(_) => return Ok(Err(Foreign)),
            Noted::Stands(stored) => KnownTask::of(*stored),
        };
        if stands.owner != *telling.owner {
            return Ok(Err(Foreign));
        }
        let state = stands.state;
        self.memory().tasks.put(key, Arc::new(stands));
        Ok(Ok(state))
    }

    /// Writes down a context that a caller is about to be told of without a task.
    pub(crate) async fn tell_context(
        &self,
        agent: &Name,
        context: &str,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<Result<(), Foreign>, StoreError> {
        let key = (agent.clone(), context.to_owned());
        let known = self.memory().contexts.get(&key).cloned();
        let stands = if let Some(known) = known {
            known
        } else {
            let note =
                ContextNote { agent: agent.clone(), context: context.to_owned(), owner: owner.clone(), now };
            self.index.note_context(note).await?
        };
        let is_theirs = stands == *owner;
        self.memory().contexts.put(key, stands);
        Ok(if is_theirs { Ok(()) } else { Err(Foreign) })
    }

    /// Counts in a task that is about to begin, unless the caller holds too many: then says how many. Until the agent has
    /// told it, the hold stands for it. What is stored is counted anew at most once a second, and whenever what was
    /// counted would be too many; other replicas' holds are not known here.
    pub(crate) async fn begin(
        &self,
        agent: &Name,
        owner: &Owner,
        quotas: Quotas,
        now: Timestamp,
    ) -> Result<Result<Hold, TasksHeld>, StoreError> {
        let key = (agent.clone(), owner.clone());
        let fits = |held: TasksHeld| {
            held.open < quotas.tasks as u64 && held.interrupted < quotas.input_required as u64
        };
        {
            let mut memory = self.memory();
            let counted = memory.counts.get_mut(&key).filter(|counted| now < counted.at.plus_secs(1));
            if let Some(counted) = counted.filter(|counted| fits(counted.held)) {
                counted.held = counted.held.with(1);
                return Ok(Ok(Hold::enter(&self.begun, key)));
            }
        }
        let counts = Box::pin(self.store.task_counts(agent, owner)).await?;
        // One at a time from here on: what another has just begun counts.
        let mut memory = self.memory();
        let begun = locked(&self.begun).get(&key).copied().unwrap_or_default();
        let held = TasksHeld { open: counts.open, interrupted: counts.interrupted }.with(begun as u64);
        if !fits(held) {
            return Ok(Err(held));
        }
        memory.counts.put(key.clone(), Counted { held: held.with(1), at: now });
        Ok(Ok(Hold::enter(&self.begun, key)))
    }

    /// Counts a stream of a caller in, unless there are too many.
    pub(crate) fn hold_stream(&self, agent: &Name, owner: &Owner, most: usize) -> Option<Hold> {
        let key = (agent.clone(), owner.clone());
        let mut streams = locked(&self.streams);
        let count = streams.entry(key.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Hold { counts: Arc::clone(&self.streams), key })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn locked(holds: &Mutex<Holds>) -> MutexGuard<'_, Holds> {
    holds.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hold {
    fn enter(counts: &Arc<Mutex<Holds>>, key: Holder) -> Self {
        *locked(counts).entry(key.clone()).or_default() += 1;
        Self { counts: Arc::clone(counts), key }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut counts = locked(&self.counts);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

impl Telling<'_> {
    fn adds_nothing_to(&self, known: &KnownTask) -> bool {
        let is_same_context = self.context.is_none_or(|context| known.context.as_deref() == Some(context));
        let is_same_time = self.timestamp.is_none_or(|time| time == known.state_time);
        is_same_context && (known.state.is_terminal() || (known.state == self.state && is_same_time))
    }

    fn note(&self, said: &KnownTask) -> TaskNote {
        TaskNote {
            agent: self.agent.clone(),
            task: self.task.to_owned(),
            context: said.context.clone(),
            owner: said.owner.clone(),
            state: said.state.name(),
            phase: phase(said.state),
            state_time: said.state_time,
            version: self.version,
            binding: self.binding,
            now: self.now,
        }
    }
}

impl KnownTask {
    fn of(stored: StoredTask) -> Self {
        Self {
            state: TaskState::parse(&stored.state).unwrap_or(TaskState::Unspecified),
            owner: stored.owner,
            context: stored.context,
            state_time: stored.state_time,
        }
    }
}

/// Who a caller is to the index.
pub(crate) fn owner(caller: &CallerKey) -> Owner {
    Owner::of(caller)
}

fn phase(state: TaskState) -> TaskPhase {
    if state.is_terminal() {
        TaskPhase::Ended
    } else if state.is_interrupted() {
        TaskPhase::Interrupted
    } else {
        TaskPhase::Open
    }
}
