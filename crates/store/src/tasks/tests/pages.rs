//! Pages of tasks and counts.

use super::*;

async fn page(store: &Store, filter: &TaskFilter, after: Option<&TaskCursor>, size: u32) -> TaskPage {
    store.tasks(&agent(), &owner("alice"), filter, after, size).await.unwrap()
}

fn ids(page: &TaskPage) -> Vec<&str> {
    page.tasks.iter().map(|task| task.task.as_str()).collect()
}

#[tokio::test]
async fn pages_go_from_the_newest_state_to_the_oldest_and_show_each_task_once() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        for (id, secs) in [("a", 1), ("b", 3), ("c", 2), ("d", 3), ("e", 3)] {
            index.note(TaskNote { state_time: NOW.plus_secs(secs), ..task(id) }).await.unwrap();
        }
        index.note(TaskNote { owner: owner("bob"), ..task("his") }).await.unwrap();
        index.note(TaskNote { agent: Name::parse("other").unwrap(), ..task("elsewhere") }).await.unwrap();
        for size in 1..=6 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = page(&store, &TaskFilter::default(), after.as_ref(), size).await;
                assert_eq!(page.total, 5);
                seen.extend(page.tasks.into_iter().map(|task| task.task));
                after = page.next;
                if after.is_none() {
                    break;
                }
                assert_eq!(seen.len() % size as usize, 0, "only the last page is not full");
            }
            assert_eq!(seen, ["e", "d", "b", "c", "a"], "pages of {size}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_filter_counts_what_it_shows() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        let shared = |id| TaskNote { context: Some("shared".to_owned()), ..task(id) };
        index.note(shared("a")).await.unwrap();
        index.note(interrupted(&shared("b"), 10)).await.unwrap();
        index.note(ended(&task("c"), 20)).await.unwrap();
        let waiting = Some("TASK_STATE_INPUT_REQUIRED".to_owned());
        for (context, state, since, expected) in [
            (None, None, None, vec!["c", "b", "a"]),
            (Some("shared"), None, None, vec!["b", "a"]),
            (None, waiting.clone(), None, vec!["b"]),
            (Some("shared"), waiting, Some(11), vec![]),
            (None, None, Some(10), vec!["c", "b"]),
            (Some("shared"), None, Some(10), vec!["b"]),
            (Some("no such"), None, None, vec![]),
            (Some("with \0"), None, None, vec![]),
        ] {
            let context = context.map(str::to_owned);
            let filter = TaskFilter { context, state, since: since.map(|secs| NOW.plus_secs(secs)) };
            let page = page(&store, &filter, None, 10).await;
            assert_eq!((ids(&page), page.total), (expected.clone(), expected.len() as u64), "{filter:?}");
            assert_eq!(page.next, None);
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_lists_anybody_elses_tasks_by_a_context_of_theirs() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        index.note(task("t")).await.unwrap();
        let filter = TaskFilter { context: task("t").context, ..TaskFilter::default() };
        let page = store.tasks(&agent(), &owner("mallory"), &filter, None, 10).await.unwrap();
        assert_eq!(page, TaskPage { tasks: vec![], total: 0, next: None });
    })
    .await;
}

#[tokio::test]
async fn quotas_count_what_has_not_ended() {
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        let counts = async |of| {
            let TaskCounts { open, interrupted } = store.task_counts(&agent(), &owner(of)).await.unwrap();
            (open, interrupted)
        };
        assert_eq!(counts("alice").await, (0, 0));
        for id in ["a", "b", "c"] {
            index.note(task(id)).await.unwrap();
        }
        index.note(interrupted(&task("b"), 1)).await.unwrap();
        index.note(ended(&task("c"), 1)).await.unwrap();
        index.note(TaskNote { owner: owner("bob"), ..task("his") }).await.unwrap();
        assert_eq!(counts("alice").await, (2, 1));
        index.note(ended(&task("b"), 2)).await.unwrap();
        assert_eq!(counts("alice").await, (1, 0));
        assert_eq!(counts("bob").await, (1, 0));
    })
    .await;
}
