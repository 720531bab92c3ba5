//! Ownership, states that do not go back, races of callers and replicas, pages and counts.

mod journal;
mod load;
mod pages;

use super::*;
use crate::{
    Store, StoreError,
    harness::{
        Database, on_each_engine,
        samples::{NOW, agent, owner, task},
    },
};

const DAY: i64 = 24 * 3_600;

/// The same task, ended after so many seconds.
fn ended(note: &TaskNote, secs: i64) -> TaskNote {
    let state_time = NOW.plus_secs(secs);
    TaskNote { state: "TASK_STATE_COMPLETED", phase: TaskPhase::Ended, state_time, ..note.clone() }
}

/// The same task, waiting for its owner after so many seconds.
fn interrupted(note: &TaskNote, secs: i64) -> TaskNote {
    let state_time = NOW.plus_secs(secs);
    TaskNote { state: "TASK_STATE_INPUT_REQUIRED", phase: TaskPhase::Interrupted, state_time, ..note.clone() }
}

fn context(id: &str, of: &str) -> ContextNote {
    ContextNote { agent: agent(), context: id.to_owned(), owner: owner(of), now: NOW }
}

async fn stored(store: &Store, id: &str) -> StoredTask {
    store.task(&agent(), id).await.unwrap().unwrap()
}

async fn index(database: &Database) -> (Store, TaskIndex) {
    let store = database.store().await;
    (store.clone(), TaskIndex::open(store))
}

#[tokio::test]
async fn a_noted_task_reads_back() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        assert_eq!(index.note(task("t")).await.unwrap(), Noted::AsNoted);
        let expected = StoredTask {
            task: "t".to_owned(),
            context: Some("t-context".to_owned()),
            owner: owner("alice"),
            state: "TASK_STATE_WORKING".to_owned(),
            phase: TaskPhase::Open,
            state_time: NOW,
            version: "1.0".to_owned(),
            binding: "jsonrpc".to_owned(),
            created: NOW,
            noted: NOW,
        };
        assert_eq!(stored(&store, "t").await, expected);
        assert_eq!(store.context_owner(&agent(), "t-context").await.unwrap(), Some(owner("alice")));
        let other = Name::parse("other").unwrap();
        assert_eq!(store.task(&other, "t").await.unwrap(), None);
        assert_eq!(store.context_owner(&other, "t-context").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn agents_may_use_the_same_ids() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        let theirs = TaskNote { agent: Name::parse("other").unwrap(), owner: owner("mallory"), ..task("t") };
        for note in [task("t"), theirs.clone()] {
            assert_eq!(index.note(note).await.unwrap(), Noted::AsNoted);
        }
        assert_eq!(stored(&store, "t").await.owner, owner("alice"));
        assert_eq!(store.task(&theirs.agent, "t").await.unwrap().unwrap().owner, owner("mallory"));
    })
    .await;
}

#[tokio::test]
async fn the_first_owner_stays_and_nobody_elses_note_changes_a_task() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        index.note(task("t")).await.unwrap();
        let before = stored(&store, "t").await;
        for note in [
            TaskNote { owner: owner("mallory"), context: None, ..ended(&task("t"), 10) },
            TaskNote { owner: owner("mallory"), context: Some("hers".to_owned()), ..ended(&task("t"), 10) },
            TaskNote { context: Some("moved".to_owned()), ..ended(&task("t"), 10) },
        ] {
            assert_eq!(index.note(note).await.unwrap(), Noted::Stands(Box::new(before.clone())));
        }
        assert_eq!(stored(&store, "t").await, before);
    })
    .await;
}

#[tokio::test]
async fn nobody_gets_a_task_in_somebody_elses_context() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        index.note(task("t")).await.unwrap();
        let note = TaskNote { owner: owner("mallory"), context: task("t").context, ..task("new") };
        assert_eq!(index.note(note).await.unwrap(), Noted::ContextOf(owner("alice")));
        assert_eq!(store.task(&agent(), "new").await.unwrap(), None);
        assert_eq!(index.note_context(context("t-context", "mallory")).await.unwrap(), owner("alice"));
        assert_eq!(index.note_context(context("free", "mallory")).await.unwrap(), owner("mallory"));
        let note = TaskNote { context: Some("free".to_owned()), ..task("another") };
        assert_eq!(index.note(note).await.unwrap(), Noted::ContextOf(owner("mallory")));
        let more = TaskNote { context: task("t").context, ..task("second") };
        assert_eq!(
            index.note(more).await.unwrap(),
            Noted::AsNoted,
            "a context holds many tasks of its owner"
        );
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_stays_as_it_ended() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        index.note(task("t")).await.unwrap();
        index.note(ended(&task("t"), 20)).await.unwrap();
        let end = stored(&store, "t").await;
        let failed = TaskNote { state: "TASK_STATE_FAILED", ..ended(&task("t"), 30) };
        for note in
            [interrupted(&task("t"), 30), failed, TaskNote { state_time: NOW.plus_secs(40), ..task("t") }]
        {
            assert_eq!(index.note(note).await.unwrap(), Noted::Stands(Box::new(end.clone())));
        }
        assert_eq!(index.note(ended(&task("t"), 20)).await.unwrap(), Noted::AsNoted, "the same again");
        assert_eq!(stored(&store, "t").await, end);
    })
    .await;
}

#[tokio::test]
async fn a_late_note_does_not_turn_a_state_back_but_an_end_is_always_taken() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        index.note(task("t")).await.unwrap();
        assert_eq!(index.note(interrupted(&task("t"), 20)).await.unwrap(), Noted::AsNoted);
        let waiting = stored(&store, "t").await;
        let late = TaskNote { state_time: NOW.plus_secs(10), ..task("t") };
        assert_eq!(index.note(late).await.unwrap(), Noted::Stands(Box::new(waiting)));
        let resumed =
            TaskNote { state_time: NOW.plus_secs(20), context: None, now: NOW.plus_secs(9), ..task("t") };
        assert_eq!(index.note(resumed).await.unwrap(), Noted::AsNoted, "the same moment");
        let resumed = stored(&store, "t").await;
        assert_eq!(
            (resumed.state.as_str(), resumed.noted, resumed.created),
            ("TASK_STATE_WORKING", NOW.plus_secs(9), NOW)
        );
        assert_eq!(resumed.context, task("t").context, "a later note need not say the context");
        assert_eq!(index.note(ended(&task("t"), 5)).await.unwrap(), Noted::AsNoted);
        let end = stored(&store, "t").await;
        assert_eq!((end.phase, end.state_time), (TaskPhase::Ended, NOW.plus_secs(20)));
    })
    .await;
}

#[tokio::test]
async fn an_id_that_cannot_be_stored_is_refused_alone() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        let longest = "x".repeat(crate::LONGEST_ID);
        let bad = |id: &str| index.note(TaskNote { task: id.to_owned(), ..task("t") });
        let bad_context = |id: &str| index.note(TaskNote { context: Some(id.to_owned()), ..task("t") });
        assert!(matches!(bad("").await, Err(StoreError::BadId)));
        assert!(matches!(bad(&format!("{longest}x")).await, Err(StoreError::BadId)));
        assert!(matches!(bad("a\0b").await, Err(StoreError::Nul)));
        assert!(matches!(bad_context("").await, Err(StoreError::BadId)));
        assert!(matches!(bad_context("a\0b").await, Err(StoreError::Nul)));
        assert!(matches!(index.note_context(context("a\0b", "alice")).await, Err(StoreError::Nul)));
        assert_eq!(store.task(&agent(), "a\0b").await.unwrap(), None);
        let extreme = TaskNote { context: Some(longest.clone()), ..task(&longest) };
        assert_eq!(index.note(extreme).await.unwrap(), Noted::AsNoted);
        assert_eq!(stored(&store, &longest).await.context, Some(longest));
    })
    .await;
}

/// Runs all notes at once, each by the index that `which` picks.
async fn all_at_once(indexes: &[TaskIndex], notes: Vec<TaskNote>) -> Vec<(TaskNote, Noted)> {
    let mut running = tokio::task::JoinSet::new();
    for (number, note) in notes.into_iter().enumerate() {
        let index = indexes[number % indexes.len()].clone();
        running.spawn(async move { (note.clone(), index.note(note).await.unwrap()) });
    }
    running.join_all().await
}

#[tokio::test]
async fn of_many_callers_with_one_task_id_one_wins_and_all_are_told_who() {
    on_each_engine(async |database| {
        let [one, other] = database.replicas().await;
        let indexes = [TaskIndex::open(one.clone()), TaskIndex::open(other)];
        for round in 0..10 {
            let id = format!("t{round}");
            let of =
                |number| TaskNote { owner: owner(&format!("caller {number}")), context: None, ..task(&id) };
            let outcomes = all_at_once(&indexes, (0..40).map(of).collect()).await;
            let winner = stored(&one, &id).await;
            for (note, noted) in &outcomes {
                let expected = Noted::Stands(Box::new(winner.clone()));
                let expected = if note.owner == winner.owner { Noted::AsNoted } else { expected };
                assert_eq!(*noted, expected, "round {round}");
            }
            assert_eq!(outcomes.iter().filter(|(_, noted)| *noted == Noted::AsNoted).count(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn of_many_callers_with_one_context_one_wins_and_the_others_get_no_task() {
    on_each_engine(async |database| {
        let [one, other] = database.replicas().await;
        let indexes = [TaskIndex::open(one.clone()), TaskIndex::open(other)];
        for round in 0..10 {
            let shared = format!("context {round}");
            let of = |number: usize| TaskNote {
                owner: owner(&format!("caller {}", number % 7)),
                context: Some(shared.clone()),
                ..task(&format!("{round}-{number}"))
            };
            let outcomes = all_at_once(&indexes, (0..42).map(of).collect()).await;
            let winner = one.context_owner(&agent(), &shared).await.unwrap().unwrap();
            for (note, noted) in outcomes {
                let won = note.owner == winner;
                let expected = if won { Noted::AsNoted } else { Noted::ContextOf(winner.clone()) };
                assert_eq!(noted, expected, "round {round}");
                assert_eq!(one.task(&agent(), &note.task).await.unwrap().is_some(), won);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn notes_of_one_task_are_written_in_their_order() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        let mut running = Vec::new();
        for number in 0..600 {
            // Two tasks in turns, and more of each than one transaction takes.
            let note = TaskNote { state_time: NOW.plus_secs(number), ..task(&format!("t{}", number % 2)) };
            let mut noting = Box::pin(index.note(note));
            // Polled once, a note has its place.
            assert!(
                std::future::poll_fn(|cx| std::task::Poll::Ready(noting.as_mut().poll(cx).is_pending()))
                    .await
            );
            running.push(noting);
        }
        for noting in running {
            assert_eq!(noting.await.unwrap(), Noted::AsNoted, "an earlier state came later");
        }
        assert_eq!(stored(&store, "t1").await.state_time, NOW.plus_secs(599));
    })
    .await;
}

#[tokio::test]
async fn replicas_that_note_the_same_tasks_do_not_stand_in_each_others_way() {
    on_each_engine(async |database| {
        let [one, other] = database.replicas().await;
        let indexes = [TaskIndex::open(one.clone()), TaskIndex::open(other)];
        for round in 0..10 {
            // Each index gets every task, the second one in the opposite order.
            let notes = (0..100).flat_map(|number| [number, 99 - number]);
            let notes = notes.map(|number| task(&format!("{round}-{number}"))).collect();
            for (_, noted) in all_at_once(&indexes, notes).await {
                assert_eq!(noted, Noted::AsNoted);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_transaction_fails_those_who_wait_for_it_and_no_others() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        database.run("ALTER TABLE task RENAME TO elsewhere").await;
        let failed = index.note(task("t")).await.unwrap_err();
        assert!(matches!(failed, StoreError::Group(_)), "{failed:?}");
        database.run("ALTER TABLE elsewhere RENAME TO task").await;
        assert_eq!(
            store.context_owner(&agent(), "t-context").await.unwrap(),
            None,
            "nothing of it was written"
        );
        assert_eq!(index.note(task("t")).await.unwrap(), Noted::AsNoted);
    })
    .await;
}

#[tokio::test]
async fn what_was_noted_is_written_though_nobody_waits_any_more() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        let mut noting = Box::pin(index.note(task("t")));
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(noting.as_mut().poll(cx).is_pending())).await
        );
        drop(noting);
        // In the order of the queue.
        index.note(task("later")).await.unwrap();
        assert_eq!(stored(&store, "t").await.owner, owner("alice"));
    })
    .await;
}

#[tokio::test]
async fn ended_and_idle_tasks_are_forgotten_in_their_time() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        index.note(task("open")).await.unwrap();
        index.note(ended(&task("ended"), 0)).await.unwrap();
        index.note(TaskNote { now: NOW.plus_secs(DAY), ..ended(&task("fresh"), 0) }).await.unwrap();
        index.note_context(context("bare", "alice")).await.unwrap();
        let long_ago = NOW.plus_secs(-1);
        assert_eq!(store.forget_tasks(long_ago, long_ago).await.unwrap(), 0);
        assert_eq!(store.forget_tasks(NOW, long_ago).await.unwrap(), 1);
        assert_eq!(store.task(&agent(), "ended").await.unwrap(), None);
        let left = store.context_owner(&agent(), "ended-context").await.unwrap();
        assert_eq!(left, Some(owner("alice")), "a context is kept longer than its tasks");
        assert_eq!(store.forget_tasks(NOW, NOW).await.unwrap(), 1, "the open one");
        assert_eq!(stored(&store, "fresh").await.phase, TaskPhase::Ended);
        let later = NOW.plus_secs(DAY);
        assert_eq!(
            store.forget_tasks(later, later).await.unwrap(),
            4,
            "the fresh one, and all contexts but its own"
        );
        assert_eq!(store.context_owner(&agent(), "fresh-context").await.unwrap(), Some(owner("alice")));
        assert_eq!(store.forget_tasks(later, NOW.plus_secs(2 * DAY)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_context_that_is_used_is_kept() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        index.note_context(context("c", "alice")).await.unwrap();
        for (of, days) in [("alice", 2), ("mallory", 9)] {
            let note = ContextNote { now: NOW.plus_secs(days * DAY), ..context("c", of) };
            assert_eq!(index.note_context(note).await.unwrap(), owner("alice"));
        }
        let idle_before = NOW.plus_secs(3 * DAY - 1);
        assert_eq!(store.forget_tasks(idle_before, idle_before).await.unwrap(), 0);
        let idle_before = NOW.plus_secs(3 * DAY);
        assert_eq!(store.forget_tasks(idle_before, idle_before).await.unwrap(), 1, "others do not keep it");
    })
    .await;
}

#[tokio::test]
async fn many_are_forgotten_in_several_transactions() {
    let database = Database::sqlite();
    let (store, index) = index(&database).await;
    let notes = (0..2_500).map(|number| TaskNote { context: None, ..ended(&task(&number.to_string()), 0) });
    all_at_once(&[index], notes.collect()).await;
    assert_eq!(store.forget_tasks(NOW, NOW).await.unwrap(), 2_500);
}
