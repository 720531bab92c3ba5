//! The log on real databases: order, durability, crashes, tampering, two processes.

use std::{io::BufRead as _, process::Stdio, sync::Arc, time::Duration};

use doorward_model::{Record, SystemClock, Timestamp};

use super::{ledger::Settings, *};
use crate::{
    Store, StoreError,
    harness::{Captured, Database, StillClock, on_each_engine},
};

/// 2026-11-21T10:16:43Z.
const NOW: Timestamp = Timestamp::from_secs(1_795_256_203);

fn record(number: usize) -> Record {
    Record {
        time: NOW.plus_secs(i64::try_from(number).unwrap()).to_rfc3339(),
        request_id: number.to_string(),
        reason: "ok".into(),
        // what PostgreSQL refuses in its own JSON and text types
        detail: Some("a\0b\u{7f}\"ä\u{1f600}".into()),
        ..Record::default()
    }
}

async fn ledger(store: &Store, durability: Durability, chain: &str) -> Ledger {
    ledger_with(store, durability, chain, Settings::default()).await
}

async fn ledger_with(store: &Store, durability: Durability, chain: &str, settings: Settings) -> Ledger {
    let clock = Arc::new(StillClock(NOW));
    Ledger::start_with(store.clone(), clock, durability, chain.into(), settings).await.unwrap()
}

async fn submit(ledger: &Ledger, number: usize) {
    ledger.reserve().unwrap().submit_and_wait(record(number)).await.unwrap();
}

/// Chain `main` with `start`, 8 records and `stop`: entries 1 to 10.
async fn ten_entries(store: &Store) {
    let ledger = ledger(store, Durability::Grouped, "main").await;
    for number in 0..8 {
        ledger.reserve().unwrap().submit(record(number));
    }
    ledger.shutdown().await;
}

async fn request_ids(store: &Store) -> Vec<String> {
    let records = store.read_records(None, 10_000).await.unwrap();
    let id = |stored: &StoredRecord| {
        let body: serde_json::Value = serde_json::from_str(&stored.body).unwrap();
        body["request_id"].as_str().unwrap().to_owned()
    };
    records.iter().map(id).collect()
}

async fn bodies(store: &Store, kind: &str) -> Vec<serde_json::Value> {
    let rows: Vec<String> = crate::engine::reading!(store, pool => {
        sqlx::query_scalar("SELECT body FROM audit WHERE kind = $1 ORDER BY chain, seq")
            .bind(kind)
            .fetch_all(pool)
            .await
            .unwrap()
    });
    rows.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}

#[tokio::test]
async fn records_are_stored_in_order_and_hold() {
    on_each_engine(async |database| {
        let store = database.store().await;
        ten_entries(&store).await;
        let report = verify_audit(&store).await.unwrap();
        assert!(report.holds(), "{report:?}");
        assert_eq!((report.chains, report.entries, report.records), (1, 10, 8));
        assert!(report.gaps.is_empty() && report.open.is_empty(), "{report:?}");
        assert_eq!(request_ids(&store).await, ["0", "1", "2", "3", "4", "5", "6", "7"]);
        let stored = store.read_records(None, 1).await.unwrap().remove(0);
        assert_eq!(stored.body, serde_json::to_string(&record(0)).unwrap());
        assert_eq!((stored.seq, stored.time), (2, record(0).time));
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_records_go_in_groups_of_a_thousand() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let captured = Captured::default();
        let settings = Settings { output: Some(Box::new(captured.clone())), ..Settings::default() };
        let ledger = ledger_with(&store, Durability::Grouped, "main", settings).await;
        // this runtime has one thread: the writer sees none of them before all are there
        for number in 0..10_000 {
            ledger.reserve().unwrap().submit(record(number));
        }
        ledger.shutdown().await;
        let report = verify_audit(&store).await.unwrap();
        assert!(report.holds(), "{report:?}");
        assert_eq!(report.records, 10_000);
        let writes = captured.writes();
        assert_eq!(writes.len(), 10, "one piece per group");
        let lines: Vec<_> = writes.iter().flat_map(|piece| piece.lines()).collect();
        assert_eq!(lines.len(), 10_000);
        let stored = store.read_records(None, 10_000).await.unwrap();
        assert!(stored.iter().zip(lines).all(|(stored, line)| stored.body == line));
    })
    .await;
}

#[tokio::test]
async fn without_a_slot_nothing_is_promised() {
    let database = Database::sqlite();
    let store = database.store().await;
    let settings = Settings { capacity: 2, ..Settings::default() };
    let ledger = ledger_with(&store, Durability::Strict, "main", settings).await;
    let (first, second) = (ledger.reserve().unwrap(), ledger.reserve().unwrap());
    assert!(ledger.reserve().is_none());
    drop(second);
    let second = ledger.reserve().unwrap();
    first.submit_and_wait(record(1)).await.unwrap();
    second.submit_and_wait(record(2)).await.unwrap();
    assert!(ledger.reserve().is_some(), "stored records give their slots back");
}

#[tokio::test]
async fn strict_waits_for_the_commit() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let ledger = ledger(&store, Durability::Strict, "main").await;
        let mut outsider = database.outsider().await;
        outsider.lock_writes().await;
        let waiting = ledger.reserve().unwrap().submit_and_wait(record(1));
        tokio::pin!(waiting);
        // nothing can be committed while the lock is held, however long this waits
        assert!(tokio::time::timeout(Duration::from_millis(100), &mut waiting).await.is_err());
        outsider.run("COMMIT").await;
        waiting.await.unwrap();
        assert_eq!(outsider.number("SELECT COUNT(*) FROM audit WHERE kind = 'record'").await, 1);
        ledger.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_failing_store_is_told_to_those_who_wait_and_the_records_are_kept() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let captured = Captured::default();
        let settings = Settings {
            patience: Duration::from_millis(50),
            output: Some(Box::new(captured.clone())),
            ..Settings::default()
        };
        let ledger = ledger_with(&store, Durability::Strict, "main", settings).await;
        database.run("ALTER TABLE audit RENAME TO away").await;
        let first = ledger.reserve().unwrap().submit_and_wait(record(1)).await;
        assert!(matches!(first, Err(StoreError::NotStored)), "{first:?}");
        let behind = ledger.reserve().unwrap().submit_and_wait(record(2)).await;
        assert!(matches!(behind, Err(StoreError::NotStored)), "{behind:?}");
        assert!(captured.writes().is_empty(), "nothing is printed that is not stored");
        database.run("ALTER TABLE away RENAME TO audit").await;
        ledger.shutdown().await;
        assert_eq!(request_ids(&store).await, ["1", "2"]);
        assert!(verify_audit(&store).await.unwrap().holds());
    })
    .await;
}

#[tokio::test]
async fn shutdown_ends_even_when_the_store_does_not_come_back() {
    let database = Database::sqlite();
    let store = database.store().await;
    let settings = Settings { shutdown: Duration::from_millis(100), ..Settings::default() };
    let ledger = ledger_with(&store, Durability::Strict, "main", settings).await;
    database.run("ALTER TABLE audit RENAME TO away").await;
    let waiting = ledger.reserve().unwrap().submit_and_wait(record(1));
    ledger.shutdown().await;
    assert!(matches!(waiting.await, Err(StoreError::Closed)));
    database.run("ALTER TABLE away RENAME TO audit").await;
    let again = self::ledger(&store, Durability::Strict, "main").await;
    again.shutdown().await;
    assert_eq!(verify_audit(&store).await.unwrap().gaps.len(), 1, "what was given up shows as a gap");
}

#[tokio::test]
async fn slots_that_are_open_at_shutdown_are_counted() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let ledger = ledger(&store, Durability::Grouped, "main").await;
        let late = ledger.reserve().unwrap();
        let later = ledger.reserve().unwrap();
        ledger.reserve().unwrap().submit(record(1));
        ledger.shutdown().await;
        ledger.shutdown().await;
        late.submit(record(2));
        assert!(matches!(later.submit_and_wait(record(3)).await, Err(StoreError::Closed)));
        assert!(ledger.reserve().is_none());
        assert_eq!(request_ids(&store).await, ["1"]);
        assert_eq!(bodies(&store, "stop").await, [serde_json::json!({ "open": 2 })]);
    })
    .await;
}

#[tokio::test]
async fn a_crash_shows_as_a_gap() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for durability in [Durability::Grouped, Durability::Strict] {
            let ledger = ledger(&store, durability, "main").await;
            submit(&ledger, 1).await;
            ledger.abandon().await;
        }
        let report = verify_audit(&store).await.unwrap();
        assert_eq!((report.open.len(), report.open[0].seq), (1, 4), "{report:?}");
        ledger(&store, Durability::Strict, "main").await.shutdown().await;
        ledger(&store, Durability::Strict, "main").await.shutdown().await;
        let report = verify_audit(&store).await.unwrap();
        assert!(report.holds() && report.open.is_empty(), "{report:?}");
        let gap =
            |seq, lost| Gap { chain: "main".into(), seq, time: NOW.to_rfc3339(), lost_up_to_ms: Some(lost) };
        // start, record, crash of a grouped run; start, record, crash of a strict one; start, stop; start, stop
        assert_eq!(report.gaps, [gap(3, 200), gap(5, 0)]);
        assert_eq!(
            bodies(&store, "start").await,
            [
                serde_json::json!({ "gap": false, "durability": "grouped" }),
                serde_json::json!({ "gap": true, "lost_up_to_ms": 200, "durability": "strict" }),
                serde_json::json!({ "gap": true, "lost_up_to_ms": 0, "durability": "strict" }),
                serde_json::json!({ "gap": false, "durability": "strict" }),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn two_ledgers_on_one_chain_do_not_fork_it() {
    on_each_engine(async |database| {
        let mut writers = tokio::task::JoinSet::new();
        for process in 0..2 {
            let store = database.store().await;
            let ledger = ledger(&store, Durability::Strict, "main").await;
            writers.spawn(async move {
                for number in 0..50 {
                    submit(&ledger, process * 100 + number).await;
                }
                ledger.shutdown().await;
            });
        }
        while let Some(writer) = writers.join_next().await {
            writer.unwrap();
        }
        let store = database.store().await;
        let report = verify_audit(&store).await.unwrap();
        assert!(report.holds(), "{report:?}");
        assert_eq!((report.chains, report.records, report.entries), (1, 100, 104));
        let ids: std::collections::BTreeSet<_> = request_ids(&store).await.into_iter().collect();
        assert_eq!(ids.len(), 100);
    })
    .await;
}

#[tokio::test]
async fn verification_beside_a_writer_finds_nothing() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let ledger = ledger(&store, Durability::Strict, "main").await;
        let writing = async {
            for number in 0..300 {
                ledger.reserve().unwrap().submit_and_wait(record(number)).await.unwrap();
            }
            ledger.shutdown().await;
        };
        let verifying = async {
            loop {
                let report = verify_audit(&store).await.unwrap();
                assert!(report.holds(), "{report:?}");
                if report.open.is_empty() {
                    break report;
                }
            }
        };
        let ((), report) = tokio::join!(writing, verifying);
        assert_eq!(report.records, 300);
    })
    .await;
}

/// Statements that tamper with a chain of ten entries, and what is found.
const TAMPERING: [(&str, i64, Why); 13] = [
    ("UPDATE audit SET body = '{}' WHERE seq = 5", 5, Why::Edited),
    ("UPDATE audit SET time = '2020' WHERE seq = 5", 5, Why::Edited),
    ("UPDATE audit SET kind = 'note' WHERE seq = 5", 5, Why::Edited),
    ("UPDATE audit SET hash = 'beef' WHERE seq = 5", 5, Why::Edited),
    ("UPDATE audit SET prev = 'beef' WHERE seq = 5", 5, Why::Edited),
    ("DELETE FROM audit WHERE seq = 5", 5, Why::Missing),
    ("DELETE FROM audit WHERE seq < 3", 1, Why::Missing),
    ("DELETE FROM audit WHERE seq > 7", 8, Why::Truncated),
    ("DELETE FROM audit", 1, Why::Truncated),
    ("DELETE FROM audit_head", 11, Why::Truncated),
    (
        "UPDATE audit SET seq = 100 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 7;
         UPDATE audit SET seq = 7 WHERE seq = 100",
        5,
        Why::Reordered,
    ),
    (
        "UPDATE audit SET seq = seq + 100 WHERE seq >= 5; UPDATE audit SET seq = seq - 99 WHERE seq >= 100;
         INSERT INTO audit SELECT chain, 5, kind, time, '{}', prev, hash FROM audit WHERE seq = 6",
        5,
        Why::Inserted,
    ),
    ("UPDATE audit_head SET hash = 'beef'", 10, Why::BadLink),
];

#[tokio::test]
async fn tampering_of_every_kind_is_found() {
    for (statements, seq, why) in TAMPERING {
        on_each_engine(async |database| {
            let store = database.store().await;
            ten_entries(&store).await;
            database.run(statements).await;
            let report = verify_audit(&store).await.unwrap();
            assert_eq!(report.broken, [Broken { chain: "main".into(), seq, why }], "{statements}");
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_no_text_at_all_is_an_edit() {
    let database = Database::sqlite();
    let store = database.store().await;
    ten_entries(&store).await;
    database.run("UPDATE audit SET body = x'ff00' WHERE seq = 5").await;
    let report = verify_audit(&store).await.unwrap();
    assert_eq!(report.broken, [Broken { chain: "main".into(), seq: 5, why: Why::Edited }]);
    database.run("UPDATE audit SET seq = 'five' WHERE seq = 5").await;
    let report = verify_audit(&store).await.unwrap();
    assert_eq!(report.broken, [Broken { chain: "main".into(), seq: 5, why: Why::Missing }]);
}

#[tokio::test]
async fn a_ledger_goes_on_after_tampering_and_leaves_the_evidence() {
    let forged = "INSERT INTO audit SELECT chain, 11, kind, time, body, prev, hash FROM audit WHERE seq = 9";
    for statement in [forged, "DELETE FROM audit_head", "DELETE FROM audit WHERE seq > 7"] {
        on_each_engine(async |database| {
            let store = database.store().await;
            ten_entries(&store).await;
            database.run(statement).await;
            let before = verify_audit(&store).await.unwrap().broken;
            assert_eq!(before.len(), 1, "{statement}");
            let ledger = ledger(&store, Durability::Strict, "main").await;
            submit(&ledger, 99).await;
            ledger.shutdown().await;
            let after = verify_audit(&store).await.unwrap();
            assert_eq!(after.broken.len(), 1, "{statement}: {after:?}");
            assert_eq!((&after.broken[0].chain, after.broken[0].seq), (&before[0].chain, before[0].seq));
            assert_eq!(after.gaps.len(), 1, "{statement}: {after:?}");
            assert!(request_ids(&store).await.contains(&"99".to_owned()));
        })
        .await;
    }
}

#[tokio::test]
async fn a_ledger_at_work_leaves_a_chain_that_is_tampered_with() {
    on_each_engine(async |database| {
        let store = database.store().await;
        let ledger = ledger(&store, Durability::Strict, "main").await;
        submit(&ledger, 1).await;
        database
            .run("INSERT INTO audit SELECT chain, 3, kind, time, body, prev, hash FROM audit WHERE seq = 2")
            .await;
        submit(&ledger, 2).await;
        ledger.shutdown().await;
        let report = verify_audit(&store).await.unwrap();
        assert_eq!((report.chains, report.broken.len()), (2, 1), "{report:?}");
        assert_eq!((report.broken[0].chain.as_str(), report.broken[0].seq), ("main", 3));
        let replaces = bodies(&store, "start").await;
        assert!(replaces.iter().any(|body| body["replaces"] == "main"), "{replaces:?}");
    })
    .await;
}

#[tokio::test]
async fn records_are_read_page_by_page_and_newest_first() {
    on_each_engine(async |database| {
        let store = database.store().await;
        for (chain, numbers) in [("a", [1, 4, 5]), ("b", [2, 3, 6])] {
            let ledger = ledger(&store, Durability::Grouped, chain).await;
            for number in numbers {
                ledger.reserve().unwrap().submit(record(number));
            }
            ledger.shutdown().await;
        }
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = store.read_records(after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.chain.clone(), last.seq));
            all.extend(page.into_iter().map(|stored| (stored.chain, stored.seq)));
        }
        let expected = ["a", "b"].map(|chain| (2..5).map(move |seq| (chain.to_owned(), seq)));
        assert_eq!(all, expected.into_iter().flatten().collect::<Vec<_>>());
        let recent = store.recent_records(4).await.unwrap();
        let times: Vec<_> = recent.into_iter().map(|stored| stored.time).collect();
        assert_eq!(times, [6, 5, 4, 3].map(|number| record(number).time));
    })
    .await;
}

const CHILD: &str = "DOORWARD_STORE_TEST_KILLED_CHILD";

/// Stores records for ever and names each one that is stored.
async fn store_until_killed(url: &str) {
    let store = Store::open(url).await.unwrap();
    let ledger =
        Ledger::start(store, Arc::new(SystemClock), Durability::Strict, false, "main".into()).await.unwrap();
    for number in 0.. {
        submit(&ledger, number).await;
        println!("stored {number}");
    }
}

/// This test starts itself again as the process that is killed.
#[tokio::test]
async fn what_was_waited_for_survives_a_kill() {
    if let Ok(url) = std::env::var(CHILD) {
        return store_until_killed(&url).await;
    }
    on_each_engine(async |database| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "audit::tests::what_was_waited_for_survives_a_kill", "--nocapture"])
            .env(CHILD, &database.url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stored = Vec::new();
        for line in std::io::BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, number)) = line.split_once("stored ") {
                stored.push(number.to_owned());
            }
            if stored.len() == 50 {
                // the rest of the pipe is read too: what was acknowledged before the kill counts
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(stored.len() >= 50, "the process ended by itself");
        let store = database.store().await;
        let found = request_ids(&store).await;
        assert_eq!(found[..stored.len()], stored);
        ledger(&store, Durability::Strict, "main").await.shutdown().await;
        let report = verify_audit(&store).await.unwrap();
        assert!(report.holds(), "{report:?}");
        assert_eq!(report.gaps.iter().map(|gap| gap.lost_up_to_ms).collect::<Vec<_>>(), [Some(0)]);
    })
    .await;
}
