//! `kill -9` at any moment, fifty times: what was promised holds after it.
//!
//! Strict durability promises that an answer has its record. Grouped durability may lose the end of a run, never
//! its middle: with the record of a request the store has those of all requests that were answered before it was
//! sent. Both promise that the chains hold, that each crash shows as one gap, and that an ended session stays so.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use doorward_testkit::recorder::Recorder;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    client::{Connection, Outcome},
    program::{Place, configuration},
    soon,
};

/// Crashes of each of the two stores.
const CRASHES: usize = 25;
/// Connections under load.
const CLIENTS: usize = 6;

/// Requests that were answered before the crash, in their order, by connection: as their trace ids.
type Answered = Vec<Vec<String>>;

/// Asks until the connection breaks.
async fn ask_on(address: SocketAddr, round: usize, client: usize, count: &AtomicUsize) -> Vec<String> {
    let mut answered = Vec::new();
    let mut connection = Connection::to(address).await;
    for number in 1_u64.. {
        let trace = format!("{round:08x}{client:08x}{number:016x}");
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let Outcome::Answered(answer) = connection.call_with("x", &[("traceparent", &parent)]).await else {
            break;
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
        answered.push(trace);
        count.fetch_add(1, Ordering::Relaxed);
    }
    answered
}

/// A store that is crashed on again and again.
struct Victim {
    place: Place,
    upstream: Recorder,
    configuration: String,
    strict: bool,
    /// Sessions that were ended, each before some crash.
    ended: Vec<String>,
}

impl Victim {
    async fn new(strict: bool) -> Self {
        let upstream = Recorder::start().await.expect("an upstream");
        let durability = if strict { "strict" } else { "grouped" };
        let records = format!("[records]\ndurability = \"{durability}\"");
        let configuration = configuration(&upstream, "", &records);
        Self { place: Place::new(), upstream, configuration, strict, ended: Vec::new() }
    }

    /// Starts, loads, kills, and looks at what is left. The moment follows from the number of the round.
    async fn crash(&mut self, round: usize) {
        let mut program = self.place.start(&self.configuration);
        let mut connection = Connection::to(program.address).await;
        for session in &self.ended {
            self.is_ended(&mut connection, session).await;
        }
        let session = connection.session().await;
        let end = [("Mcp-Session-Id", session.as_str()), ("MCP-Protocol-Version", "2025-11-25")];
        assert_eq!(connection.ask("DELETE", "/mcp/demo", &end, "").await.answer().status, 200);
        let open = connection.session().await;

        let count = Arc::new(AtomicUsize::new(0));
        let mut load = JoinSet::new();
        for client in 0..CLIENTS {
            let (address, count) = (program.address, Arc::clone(&count));
            load.spawn(async move { ask_on(address, round, client, &count).await });
        }
        // Between the first request and a few hundred, unevenly.
        let moment = round * 97 % 311;
        soon("the load", async {
            while count.load(Ordering::Relaxed) < moment {
                tokio::task::yield_now().await;
            }
        })
        .await;
        program.signal("KILL");
        program.ended().await;
        let answered: Answered = load.join_all().await;
        self.check(&answered).await;
        self.ended = vec![session];
        self.goes_on(&open).await;
    }

    /// The session that was open at the crash is open after it. That run stops in order.
    async fn goes_on(&self, session: &str) {
        let program = self.place.start(&self.configuration);
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let answer = Connection::to(program.address).await.legacy(Some(session), &list).await;
        assert!(answer.json()["result"].is_object(), "{}", answer.body);
        program.stop().await;
    }

    async fn is_ended(&self, connection: &mut Connection, session: &str) {
        let before = self.upstream.requests().len();
        let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        assert_eq!(connection.legacy(Some(session), &ping).await.status, 404);
        assert_eq!(self.upstream.requests().len(), before, "an ended session reaches nothing");
    }

    /// What the store has is what was promised.
    async fn check(&self, answered: &Answered) {
        let records = self.place.records().await;
        let stored: HashSet<&str> = records.iter().filter_map(|record| record["trace_id"].as_str()).collect();
        for of_client in answered {
            let lost = of_client.iter().position(|trace| !stored.contains(trace.as_str()));
            let Some(lost) = lost else { continue };
            assert!(!self.strict, "an answer has no record: {}", of_client[lost]);
            let after = of_client[lost..].iter().find(|trace| stored.contains(trace.as_str()));
            assert_eq!(after, None, "a record in the middle is lost");
        }
    }

    /// Every crash shows, and nothing is broken.
    fn verify(&self, crashes: usize) {
        let (holds, report) = self.place.verify_audit();
        assert!(holds, "{report}");
        let gaps = report["gaps"].as_array().cloned().unwrap_or_default();
        assert_eq!(gaps.len(), crashes, "{report}");
        let lost = |gap: &Value| gap["lost_up_to_ms"].as_u64();
        let most = if self.strict { 0 } else { 200 };
        assert!(gaps.iter().all(|gap| lost(gap).is_some_and(|lost| lost <= most)), "{report}");
        assert_eq!(report["open"], json!([]), "{report}");
    }
}

async fn crash_often(strict: bool) {
    let mut victim = Victim::new(strict).await;
    for round in 1..=CRASHES {
        victim.crash(round).await;
        if round % 5 == 0 {
            victim.verify(round);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_records_survive_kill_9() {
    crash_often(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grouped_records_lose_at_most_their_end_by_kill_9() {
    crash_often(false).await;
}
