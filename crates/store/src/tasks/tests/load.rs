//! What a note costs. Not a test of anything: it prints figures.

use super::*;

/// Processor time of this process so far, in microseconds.
fn cpu_micros() -> u64 {
    // utime and stime, in hundredths of a second
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    [11, 12].map(|field: usize| after_name[field].parse::<u64>().unwrap()).iter().sum::<u64>() * 10_000
}

/// `DOORWARD_TEST_POSTGRES=… cargo test --release -p doorward-store -- --ignored --nocapture load`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn processor_time_of_notes() {
    const ROUNDS: usize = 1_000;
    on_each_engine(async |database| {
        let (store, index) = index(database).await;
        for (callers, preloaded) in [(1, 0), (32, 0), (32, 100_000)] {
            let name = format!("{callers}-{preloaded}");
            if preloaded > 0 {
                let mut notes = (0..preloaded).map(|number| fresh(&format!("{name}-before-{number}"))).peekable();
                while notes.peek().is_some() {
                    all_at_once(std::slice::from_ref(&index), notes.by_ref().take(2_000).collect()).await;
                }
            }
            for (what, phase) in [("first", TaskPhase::Open), ("end", TaskPhase::Ended)] {
                let (cpu, wall) = (cpu_micros(), std::time::Instant::now());
                let mut running = tokio::task::JoinSet::new();
                for caller in 0..callers {
                    let (index, name) = (index.clone(), name.clone());
                    running.spawn(async move {
                        for round in 0..ROUNDS {
                            // Time goes on, and callers are several.
                            let now = NOW.plus_secs(i64::try_from(round).unwrap());
                            let note = fresh(&format!("{name}-{caller}-{round}"));
                            let note = TaskNote { phase, now, state_time: now, owner: owner(&caller.to_string()), ..note };
                            assert_eq!(index.note(note).await.unwrap(), Noted::AsNoted);
                        }
                    });
                }
                running.join_all().await;
                let notes = (callers * ROUNDS) as u64;
                println!(
                    "{} callers={callers} rows={preloaded} {what}: {} µs of processor, {} µs of time per note",
                    if database.is_sqlite() { "sqlite" } else { "postgres (this side)" },
                    (cpu_micros() - cpu) / notes,
                    wall.elapsed().as_micros() / u128::from(notes),
                );
            }
        }
        drop(store);
    })
    .await;
}

/// A task with ids as they are made: spread evenly.
fn fresh(word: &str) -> TaskNote {
    let id = |word: &str| crate::harness::samples::hash(word)[..36].to_owned();
    TaskNote { context: Some(id(&format!("{word}-context"))), ..task(&id(word)) }
}
