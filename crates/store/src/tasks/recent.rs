//! What was noted lately and stands in the journal, not yet in the tables: the newest word about each task and context,
//! and the rules by which the next note is judged. Nothing here reads or writes: [`journal`](super::journal) does.
//!
//! The rules are those of the statements in [`write`](super::write), which judge on PostgreSQL.

use std::collections::HashMap;

use doorward_model::{Name, Timestamp};

use super::{
    DAY_SECS, Noted, Owner, StoredTask, TaskNote, TaskPhase,
    known::{Kind, Known},
    write::{Outcome, says},
    writer::Batch,
};

/// How many tasks, and how many contexts, one transaction folds: a few milliseconds, in which notes wait.
/// So few in tests that a round takes several.
const CHUNK: usize = if cfg!(test) { 2 } else { 256 };

/// An agent and an id of its making.
pub(super) type Key = (Name, String);

/// Whose a context is, and when it was mentioned, to the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) owner: Owner,
    pub(super) noted: Timestamp,
}

/// What is known of some tasks and contexts, or is to be known of them from now on.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) contexts: HashMap<Key, Mention>,
    pub(super) tasks: HashMap<Key, StoredTask>,
}

/// What the tables do not say yet.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    contexts: HashMap<Key, Unfolded<Mention>>,
    tasks: HashMap<Key, RecentTask>,
    /// What the tables count too few or too many, by agent and owner.
    uncounted: HashMap<(Name, Owner), Held>,
    /// The number of the last group in the journal.
    pub(super) last: i64,
    /// Whether this is all that the journal holds. Not at the start, and not when nobody knows what became of a commit.
    pub(super) is_certain: bool,
    /// Whether it ever was: until then the journal of an earlier run may hold more.
    pub(super) was_certain: bool,
    round: Option<Round>,
    /// Which keys may be known beside these.
    pub(super) known: Known,
    /// The last group that stands in the tables, and all before it.
    pub(super) folded: i64,
}

/// Something with the number of the group that said it last.
#[derive(Debug)]
struct Unfolded<T> {
    said: T,
    group: i64,
}

#[derive(Debug)]
struct RecentTask {
    task: Unfolded<StoredTask>,
    /// What the table says of it.
    in_table: Option<TaskPhase>,
}

/// One walk over all that is not folded, in the order of the tables' indexes.
#[derive(Debug)]
struct Round {
    /// The last group that it folds whole.
    upto: i64,
    /// What is left of it, the first at the end.
    contexts: Vec<Key>,
    tasks: Vec<Key>,
}

/// What one transaction is to fold.
pub(super) struct Fold {
    pub(super) facts: Facts,
    /// The last group that stands in the tables with this transaction, when it is the last of its round.
    pub(super) upto: Option<i64>,
}

/// How many tasks have not ended, and how many of them wait for their owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) open: i64,
    pub(super) interrupted: i64,
}

impl Facts {
    pub(super) fn is_empty(&self) -> bool {
        self.contexts.is_empty() && self.tasks.is_empty()
    }

    /// What becomes of the notes of a batch, when this is what stands of everything they name, and what changes by them.
    pub(super) fn judge(&self, batch: &Batch) -> (Outcome, Self) {
        let mut changes = Self::default();
        let of_tasks = batch.tasks.iter().filter_map(|note| {
            let context = note.context.clone()?;
            Some(((note.agent.clone(), context), &note.owner, note.now))
        });
        let bare = batch.contexts.iter();
        let bare = bare.map(|note| ((note.agent.clone(), note.context.clone()), &note.owner, note.now));
        for (key, owner, now) in of_tasks.chain(bare) {
            if self.contexts.get(&key).is_none_or(|stands| stands.is_renewed_by(owner, now)) {
                let mention = changes.contexts.entry(key);
                let mention = mention.or_insert_with(|| Mention { owner: owner.clone(), noted: now });
                mention.noted = mention.noted.max(now);
            }
        }
        let tasks = batch.tasks.iter().map(|note| self.judge_task(note, &mut changes)).collect();
        let owner = |key| self.contexts.get(&key).or_else(|| changes.contexts.get(&key));
        let contexts = batch.contexts.iter().map(|note| {
            let stands = owner((note.agent.clone(), note.context.clone()));
            stands.map_or_else(|| note.owner.clone(), |stands| stands.owner.clone())
        });
        let contexts = contexts.collect();
        (Outcome { tasks, contexts }, changes)
    }

    fn judge_task(&self, note: &TaskNote, changes: &mut Self) -> Noted {
        let key = (note.agent.clone(), note.task.clone());
        let context =
            note.context.clone().and_then(|context| self.contexts.get(&(note.agent.clone(), context)));
        let foreign = context.filter(|stands| stands.owner != note.owner);
        match (self.tasks.get(&key), foreign) {
            (None, Some(stands)) => Noted::ContextOf(stands.owner.clone()),
            (None, None) => {
                changes.tasks.insert(key, StoredTask::first(note));
                Noted::AsNoted
            }
            (Some(stored), None) if stored.is_advanced_by(note) => {
                changes.tasks.insert(key, stored.after(note));
                Noted::AsNoted
            }
            (Some(stored), _) if says(stored, note) => Noted::AsNoted,
            (Some(stored), _) => Noted::Stands(Box::new(stored.clone())),
        }
    }
}

impl Mention {
    /// When a context was mentioned is written to the day, for it need not be written with each note.
    fn is_renewed_by(&self, owner: &Owner, now: Timestamp) -> bool {
        self.owner == *owner && self.noted <= now.plus_secs(-DAY_SECS)
    }
}

impl StoredTask {
    fn first(note: &TaskNote) -> Self {
        Self {
            task: note.task.clone(),
            context: note.context.clone(),
            owner: note.owner.clone(),
            state: note.state.to_owned(),
            phase: note.phase,
            state_time: note.state_time,
            version: note.version.to_owned(),
            binding: note.binding.to_owned(),
            created: note.now,
            noted: note.now,
        }
    }

    /// Whether a note is about this task, of its owner, and later than what stands.
    fn is_advanced_by(&self, note: &TaskNote) -> bool {
        self.owner == note.owner
            && (note.context.is_none() || self.context == note.context)
            && self.phase != TaskPhase::Ended
            && (note.phase == TaskPhase::Ended || note.state_time >= self.state_time)
    }

    fn after(&self, note: &TaskNote) -> Self {
        Self {
            state: note.state.to_owned(),
            phase: note.phase,
            state_time: self.state_time.max(note.state_time),
            noted: note.now,
            ..self.clone()
        }
    }
}

impl Recent {
    /// Everything up to this group stands in the tables.
    pub(super) fn begin(&mut self, group: i64) {
        let last = group;
        *self = Self { last, folded: last, is_certain: true, was_certain: true, ..Self::default() };
    }

    pub(super) fn len(&self) -> usize {
        self.contexts.len() + self.tasks.len()
    }

    pub(super) fn task(&self, key: &Key) -> Option<&StoredTask> {
        self.tasks.get(key).map(|recent| &recent.task.said)
    }

    pub(super) fn context(&self, key: &Key) -> Option<&Mention> {
        self.contexts.get(key).map(|recent| &recent.said)
    }

    /// Whether it knows tasks of this caller.
    pub(super) fn holds_some_of(&self, agent: &Name, owner: &Owner) -> bool {
        self.tasks.iter().any(|(key, recent)| recent.task.said.owner == *owner && key.0 == *agent)
    }

    /// What has to be added to what the table counts.
    pub(super) fn uncounted(&self, agent: &Name, owner: &Owner) -> Held {
        self.uncounted.get(&(agent.clone(), owner.clone())).copied().unwrap_or_default()
    }

    /// Takes what a group of the journal says, now that it is stored. `stood` is what it was judged by.
    pub(super) fn take(&mut self, changes: Facts, stood: &Facts, group: i64) {
        self.last = group;
        for (key, said) in changes.contexts {
            self.known.add(Kind::Context, &key);
            self.contexts.insert(key, Unfolded { said, group });
        }
        for (key, said) in changes.tasks {
            self.known.add(Kind::Task, &key);
            let before = self.tasks.get(&key);
            let in_table = match before {
                Some(before) => before.in_table,
                None => stood.tasks.get(&key).map(|task| task.phase),
            };
            let holder = (key.0.clone(), said.owner.clone());
            let less = before.map(RecentTask::uncounted).unwrap_or_default();
            let recent = RecentTask { task: Unfolded { said, group }, in_table };
            self.count(holder, less, recent.uncounted());
            self.tasks.insert(key, recent);
        }
    }

    /// What is to be folded next. Begins a round when none is under way, over what there is now.
    pub(super) fn next_fold(&mut self) -> Fold {
        let round = self.round.get_or_insert_with(|| Round {
            upto: self.last,
            contexts: sorted(self.contexts.keys()),
            tasks: sorted(self.tasks.keys()),
        });
        let mut fold = Fold { facts: Facts::default(), upto: None };
        for key in some(&mut round.contexts) {
            if let Some(context) = self.contexts.get(&key) {
                fold.facts.contexts.insert(key, context.said.clone());
            }
        }
        for key in some(&mut round.tasks) {
            if let Some(recent) = self.tasks.get(&key) {
                fold.facts.tasks.insert(key, recent.task.said.clone());
            }
        }
        let is_last = round.contexts.is_empty() && round.tasks.is_empty();
        fold.upto = is_last.then_some(round.upto);
        fold
    }

    /// Whether a round is under way.
    pub(super) fn is_folding(&self) -> bool {
        self.round.is_some()
    }

    /// What was folded stands in the tables.
    pub(super) fn folded(&mut self, fold: Fold) {
        let Fold { facts, upto } = fold;
        for (key, folded) in facts.tasks {
            let Some(recent) = self.tasks.get_mut(&key) else { continue };
            let less = recent.uncounted();
            recent.in_table = Some(folded.phase);
            let now = recent.uncounted();
            self.count((key.0, folded.owner), less, now);
        }
        if let Some(upto) = upto {
            self.contexts.retain(|_, context| context.group > upto);
            self.tasks.retain(|_, recent| recent.task.group > upto);
            (self.round, self.folded) = (None, upto);
        }
    }

    fn count(&mut self, holder: (Name, Owner), less: Held, more: Held) {
        if less == more {
            return;
        }
        let mut held = self.uncounted.remove(&holder).unwrap_or_default();
        held.open += more.open - less.open;
        held.interrupted += more.interrupted - less.interrupted;
        if held != Held::default() {
            self.uncounted.insert(holder, held);
        }
    }
}

impl RecentTask {
    fn uncounted(&self) -> Held {
        let (now, table) = (Held::of(self.task.said.phase), self.in_table.map(Held::of).unwrap_or_default());
        Held { open: now.open - table.open, interrupted: now.interrupted - table.interrupted }
    }
}

impl Held {
    fn of(phase: TaskPhase) -> Self {
        let is = i64::from;
        Self { open: is(phase != TaskPhase::Ended), interrupted: is(phase == TaskPhase::Interrupted) }
    }
}

/// The keys in the tables' order, the first at the end.
fn sorted<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<Key> {
    let mut keys: Vec<Key> = keys.cloned().collect();
    keys.sort_unstable_by(|one, other| other.cmp(one));
    keys
}

/// Takes the first few.
fn some(keys: &mut Vec<Key>) -> Vec<Key> {
    keys.split_off(keys.len().saturating_sub(CHUNK))
}
