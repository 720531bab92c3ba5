//! What stands in the journal counts as what stands in the tables, whenever it is folded, and after a crash.

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
    Fold,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let phase = prop_oneof![Just(TaskPhase::Open), Just(TaskPhase::Interrupted), Just(TaskPhase::Ended)];
    let task = (0..5u8, proptest::option::of(0..3u8), 0..2u8, phase, 0..3i64, 0..3i64);
    let step = prop_oneof![
        8 => task.prop_map(|(task, context, owner, phase, secs, days)| Step::Task { task, context, owner, phase, secs, days }),
        3 => (0..3u8, 0..2u8, 0..3i64).prop_map(|(context, owner, days)| Step::Context { context, owner, days }),
        2 => Just(Step::Fold),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..40)
}

impl Step {
    fn batch(&self) -> Batch {
        let mut batch = Batch::default();
        match *self {
            Self::Task { task: id, context, owner: of, phase, secs, days } => batch.tasks.push(TaskNote {
                context: context.map(|context| format!("c{context}")),
                owner: owner(&of.to_string()),
                state: if phase == TaskPhase::Ended { "TASK_STATE_COMPLETED" } else { "TASK_STATE_WORKING" },
                phase,
                state_time: NOW.plus_secs(secs),
                now: NOW.plus_secs(days * DAY),
                ..task(&format!("t{id}"))
            }),
            Self::Context { context: id, owner: of, days } => {
                let now = NOW.plus_secs(days * DAY);
                batch.contexts.push(ContextNote { now, ..context(&format!("c{id}"), &of.to_string()) });
            }
            Self::Fold | Self::Restart => {}
        }
        batch
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
    for step in &steps {
        match step {
            Step::Fold => store.settle_tasks().await.unwrap(),
            Step::Restart => {
                store = folded.store().await;
                store.settle_tasks().await.unwrap();
                let journal = store.task_journal().unwrap();
                let filter = journal.begin_scan().unwrap();
                journal.scan(&store, filter).await.unwrap();
            }
            Step::Task { .. } | Step::Context { .. } => {
                let batch = step.batch();
                let expected =
                    async { Ok::<_, StoreError>(writing!(judge, tx => write(&mut *tx, &batch).await?)) };
                let expected = expected.await.unwrap();
                let outcome = store.task_journal().unwrap().write(&batch).await.unwrap();
                assert_eq!(
                    (outcome.tasks, outcome.contexts),
                    (expected.tasks, expected.contexts),
                    "{step:?}"
                );
            }
        }
        assert_eq!(seen(&store).await, seen(&judge).await, "after {step:?}");
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

#[tokio::test]
async fn what_was_noted_before_a_crash_is_its_owners_afterwards() {
    let database = Database::sqlite();
    let (_, index) = index(&database).await;
    for number in 0..40 {
        index.note(task(&format!("t{number}"))).await.unwrap();
    }
    index.note_context(context("bare", "alice")).await.unwrap();
    // Nothing is closed: to the file it is as if the process were gone.
    assert_eq!(database.number("SELECT COUNT(*) FROM task").await, 0, "nothing is folded yet");
    let after = database.store().await;
    assert_eq!(after.context_owner(&agent(), "bare").await.unwrap(), Some(owner("alice")));
    for number in 0..40 {
        assert_eq!(stored(&after, &format!("t{number}")).await.owner, owner("alice"));
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM task").await, 40);
    assert_eq!(database.number("SELECT COUNT(*) FROM task_journal").await, 1, "the last number");
    let stolen = TaskNote { owner: owner("mallory"), context: None, ..task("t7") };
    let stands = TaskIndex::open(after).note(stolen).await.unwrap();
    assert!(matches!(stands, Noted::Stands(stored) if stored.owner == owner("alice")));
}

#[tokio::test]
async fn a_second_process_takes_nobodys_task() {
    for folds in [false, true] {
        let database = Database::sqlite();
        let [one, second] = database.stores().await;
        let [index, other] = [&one, &second].map(|store| TaskIndex::open(store.clone()));
        index.note(task("first")).await.unwrap();
        let (journal, filter) = (one.task_journal().unwrap(), one.task_journal().unwrap().begin_scan());
        if let Some(filter) = filter {
            journal.scan(&one, filter).await.unwrap();
        }
        other.note(task("second")).await.unwrap();
        if folds {
            second.settle_tasks().await.unwrap();
        }
        // What the other one has appended is found by its number, and then read.
        let stolen = TaskNote { owner: owner("mallory"), context: None, ..task("second") };
        assert!(matches!(index.note(stolen.clone()).await, Err(StoreError::Group(_))));
        let stands = index.note(stolen).await.unwrap();
        assert!(matches!(stands, Noted::Stands(stored) if stored.owner == owner("alice")));
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
    while database.number("SELECT COUNT(*) FROM task").await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM task_journal").await, 1, "the last number");
}
