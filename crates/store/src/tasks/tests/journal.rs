//! What stands in the journal counts as what stands in the tables, whenever it is folded, and after a crash.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    engine::writing,
    tasks::{write::write, writer::Batch},
};

/// What happens between two folds.
#[derive(Debug, Clone)]
enum Step {
    Task { task: u8, context: Option<u8>, owner: u8, phase: TaskPhase, secs: i64, days: i64 },
    Context { context: u8, owner: u8, days: i64 },
    FoldSome,
    Fold,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let phase = prop_oneof![Just(TaskPhase::Open), Just(TaskPhase::Interrupted), Just(TaskPhase::Ended)];
    let task = (0..5u8, proptest::option::of(0..3u8), 0..2u8, phase, 0..3i64, 0..3i64);
    let step = prop_oneof![
        8 => task.prop_map(|(task, context, owner, phase, secs, days)| Step::Task { task, context, owner, phase, secs, days }),
        3 => (0..3u8, 0..2u8, 0..3i64).prop_map(|(context, owner, days)| Step::Context { context, owner, days }),
        4 => Just(Step::FoldSome),
        2 => Just(Step::Fold),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..100)
}

impl Step {
    /// Adds the note to those of one transaction, unless they exclude it.
    fn add_to(&self, batch: &mut Batch) {
        let is_owners = |batch: &Batch, context: &Option<String>, owner: &Owner| {
            let of_tasks = batch.tasks.iter().map(|note| (note.context.as_ref(), &note.owner));
            let bare = batch.contexts.iter().map(|note| (Some(&note.context), &note.owner));
            context.is_none()
                || of_tasks.chain(bare).all(|(one, other)| one != context.as_ref() || other == owner)
        };
        match *self {
            Self::Task { task: id, context, owner: of, phase, secs, days } => {
                let note = TaskNote {
                    context: context.map(|context| format!("c{context}")),
                    owner: owner(&of.to_string()),
                    state: if phase == TaskPhase::Ended {
                        "TASK_STATE_COMPLETED"
                    } else {
                        "TASK_STATE_WORKING"
                    },
                    phase,
                    state_time: NOW.plus_secs(secs),
                    now: NOW.plus_secs(days * DAY),
                    ..task(&format!("t{id}"))
                };
                let is_new = batch.tasks.iter().all(|other| other.task != note.task);
                if is_new && is_owners(batch, &note.context, &note.owner) {
                    batch.tasks.push(note);
                }
            }
            Self::Context { context: id, owner: of, days } => {
                let now = NOW.plus_secs(days * DAY);
                let note = ContextNote { now, ..context(&format!("c{id}"), &of.to_string()) };
                if is_owners(batch, &Some(note.context.clone()), &note.owner) {
                    batch.contexts.push(note);
                }
            }
            Self::FoldSome | Self::Fold | Self::Restart => {}
        }
    }
}

/// What requests see.
async fn seen(store: &Store) -> (Vec<TaskCounts>, Vec<Option<StoredTask>>, Vec<Option<Owner>>) {
    let (mut counts, mut tasks, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..5 {
        counts.push(store.task_counts(&agent(), &owner(&number.to_string())).await.unwrap());
        tasks.push(store.task(&agent(), &format!("t{number}")).await.unwrap());
        owners.push(store.context_owner(&agent(), &format!("c{number}")).await.unwrap());
    }
    (counts, tasks, owners)
}

async fn listed(store: &Store) -> Vec<TaskPage> {
    let mut pages = Vec::new();
    for of in ["0", "1"] {
        pages.push(store.tasks(&agent(), &owner(of), &TaskFilter::default(), None, 100).await.unwrap());
    }
    pages
}

/// Takes the steps with the journal and, beside it, by the statements that PostgreSQL runs.
async fn compare(steps: Vec<Step>) {
    let (folded, plain) = (Database::sqlite(), Database::sqlite());
    let (mut store, judge) = (folded.store().await, plain.store().await);
    for steps in steps.chunks(3) {
        let step = &steps[0];
        match step {
            Step::FoldSome => drop(store.task_journal().unwrap().fold_rest().await.unwrap()),
            Step::Fold => store.settle_tasks().await.unwrap(),
            Step::Restart => {
                store = folded.store().await;
                store.settle_tasks().await.unwrap();
                let journal = store.task_journal().unwrap();
                let filter = journal.begin_scan().unwrap();
                journal.scan(&store, filter).await.unwrap();
            }
            Step::Task { .. } | Step::Context { .. } => {
                let mut batch = Batch::default();
                for step in steps {
                    step.add_to(&mut batch);
                }
                let expected =
                    async { Ok::<_, StoreError>(writing!(judge, tx => write(&mut *tx, &batch).await?)) };
                let expected = expected.await.unwrap();
                let outcome = store.task_journal().unwrap().write(&batch).await.unwrap();
                assert_eq!(
                    (outcome.tasks, outcome.contexts),
                    (expected.tasks, expected.contexts),
                    "{steps:?}"
                );
            }
        }
        assert_eq!(seen(&store).await, seen(&judge).await, "after {steps:?}");
    }
    store.settle_tasks().await.unwrap();
    assert_eq!(listed(&store).await, listed(&judge).await);
    let mentions = "SELECT COALESCE(SUM(noted), 0) FROM context";
    assert_eq!(folded.number(mentions).await, plain.number(mentions).await);
    assert!(folded.number("SELECT COUNT(*) FROM task_journal").await <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_journal_judges_as_the_tables_do(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(steps));
    }
}

/// Writes notes to the journal, and folds nothing.
async fn append(
    store: &Store,
    tasks: Vec<TaskNote>,
    contexts: Vec<ContextNote>,
) -> Result<Vec<Noted>, StoreError> {
    let outcome = store.task_journal().unwrap().write(&Batch { tasks, contexts }).await;
    outcome.map(|outcome| outcome.tasks)
}

#[tokio::test]
async fn what_was_noted_before_a_crash_is_its_owners_afterwards() {
    let database = Database::sqlite();
    let before = database.store().await;
    for number in 0..40 {
        append(&before, vec![task(&format!("t{number}"))], Vec::new()).await.unwrap();
    }
    append(&before, Vec::new(), vec![context("bare", "alice")]).await.unwrap();
    // Nothing is closed: to the file it is as if the process were gone.
    assert_eq!(database.number("SELECT COUNT(*) FROM task").await, 0, "nothing is folded yet");
    let after = database.store().await;
    assert_eq!(after.context_owner(&agent(), "bare").await.unwrap(), Some(owner("alice")));
    for number in 0..40 {
        assert_eq!(stored(&after, &format!("t{number}")).await.owner, owner("alice"));
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM task").await, 40);
    assert_eq!(
        database.number("SELECT SUM(LENGTH(notes)) FROM task_journal").await,
        0,
        "nothing is told twice"
    );
    let stolen = TaskNote { owner: owner("mallory"), context: None, ..task("t7") };
    let stands = append(&after, vec![stolen], Vec::new()).await.unwrap();
    assert!(matches!(&stands[..], [Noted::Stands(stored)] if stored.owner == owner("alice")));
}

#[tokio::test]
async fn what_is_forgotten_does_not_come_back() {
    let database = Database::sqlite();
    let store = database.store().await;
    append(&store, vec![task("t")], Vec::new()).await.unwrap();
    let later = NOW.plus_secs(2 * DAY);
    assert_eq!(store.forget_tasks(later, later).await.unwrap(), 2, "the task and its context");
    for store in [store, database.store().await] {
        assert_eq!(store.task(&agent(), "t").await.unwrap(), None);
        assert_eq!(store.context_owner(&agent(), "t-context").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_second_process_takes_nobodys_task() {
    for folds in [false, true] {
        let database = Database::sqlite();
        let [store, second] = database.stores().await;
        append(&store, vec![task("first")], Vec::new()).await.unwrap();
        let journal = store.task_journal().unwrap();
        journal.scan(&store, journal.begin_scan().unwrap()).await.unwrap();
        for id in ["second", "third"] {
            append(&second, vec![task(id)], Vec::new()).await.unwrap();
        }
        if folds {
            second.settle_tasks().await.unwrap();
        }
        // That the other one has appended is found at the end of the journal, and what it did is read then.
        let stolen = TaskNote { owner: owner("mallory"), context: None, ..task("second") };
        let refused = append(&store, vec![stolen.clone()], Vec::new()).await;
        assert!(matches!(refused, Err(StoreError::Contended)), "{refused:?}");
        let stands = append(&store, vec![stolen], Vec::new()).await.unwrap();
        assert!(matches!(&stands[..], [Noted::Stands(stored)] if stored.owner == owner("alice")));
    }
}

#[tokio::test]
async fn notes_go_on_while_many_are_folded() {
    let database = Database::sqlite();
    let (store, index) = index(&database).await;
    let notes = |from: usize| (from..from + 700).map(|number| task(&format!("t{number}"))).collect();
    all_at_once(std::slice::from_ref(&index), notes(0)).await;
    let (settled, outcomes) =
        tokio::join!(store.settle_tasks(), all_at_once(std::slice::from_ref(&index), notes(350)));
    settled.unwrap();
    assert!(outcomes.iter().all(|(_, noted)| *noted == Noted::AsNoted));
    let counts = store.task_counts(&agent(), &owner("alice")).await.unwrap();
    assert_eq!(counts, TaskCounts { open: 1_050, interrupted: 0 });
    store.settle_tasks().await.unwrap();
    assert_eq!(database.number("SELECT COUNT(*) FROM task").await, 1_050);
    assert_eq!(store.task_counts(&agent(), &owner("alice")).await.unwrap(), counts);
}

#[tokio::test]
async fn a_quiet_journal_is_folded_by_itself() {
    let database = Database::sqlite();
    let (_store, index) = index(&database).await;
    index.note(task("t")).await.unwrap();
    let folded = async {
        while database.number("SELECT COUNT(*) FROM task").await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), folded).await.unwrap();
    assert_eq!(database.number("SELECT COUNT(*) FROM task_journal").await, 1, "the last number");
}
