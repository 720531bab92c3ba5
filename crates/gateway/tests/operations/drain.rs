//! The end of a process: nothing that was accepted is lost, and nothing holds it up that need not.

use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_testkit::recorder::{Fate, Recorder, Reply};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    client::{Connection, Outcome},
    program::{Place, configuration},
    soon,
};

/// What one connection under load came to.
#[derive(Default)]
struct Tally {
    answered: Vec<String>,
    unread: Vec<String>,
    cut: usize,
}

async fn fire(address: std::net::SocketAddr, client: usize, count: &AtomicUsize) -> Tally {
    let mut tally = Tally::default();
    let mut connection = Connection::to(address).await;
    for number in 0.. {
        let marker = format!("m-{client}-{number}-");
        match connection.call(&marker).await {
            Outcome::Answered(answer) => {
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert!(answer.body.contains(&marker), "{}", answer.body);
                tally.answered.push(marker);
                count.fetch_add(1, Ordering::Relaxed);
                if answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
                    break;
                }
            }
            Outcome::Unread => {
                tally.unread.push(marker);
                break;
            }
            Outcome::Cut => {
                tally.cut += 1;
                break;
            }
        }
    }
    tally
}

#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_request_is_lost_under_load() {
    let upstream = Recorder::start().await.expect("an upstream");
    for round in 0..3 {
        let place = Place::new();
        let mut program = place.start(&configuration(&upstream, "", ""));
        let count = std::sync::Arc::new(AtomicUsize::new(0));
        let mut load = JoinSet::new();
        for client in 0..48 {
            let (address, count) = (program.address, std::sync::Arc::clone(&count));
            load.spawn(async move { fire(address, round * 100 + client, &count).await });
        }
        soon("the load", async {
            while count.load(Ordering::Relaxed) < 200 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        program.signal("TERM");
        let tallies = load.join_all().await;
        assert!(program.ended().await.success());

        let answered: Vec<_> = tallies.iter().flat_map(|tally| &tally.answered).collect();
        let unread: Vec<_> = tallies.iter().flat_map(|tally| &tally.unread).collect();
        assert_eq!(tallies.iter().map(|tally| tally.cut).sum::<usize>(), 0, "no answer was cut off");
        for marker in &unread {
            assert!(!upstream.saw(marker), "{marker} was acted on and not answered");
        }
        assert_eq!(place.records().await.len(), answered.len(), "every answer has its record, and no more");
        let (holds, report) = place.verify_audit();
        assert!(holds && report["gaps"] == json!([]) && report["open"] == json!([]), "{report}");
    }
}

/// The rest of a chunked answer; absent when it is cut off.
async fn to_its_end(stream: &mut Connection) -> Option<String> {
    let mut rest = String::new();
    let reading = async {
        loop {
            match stream.chunk().await? {
                piece if piece.is_empty() => return Some(rest),
                piece => rest.push_str(&piece),
            }
        }
    };
    soon("the end of a stream", reading).await
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_streams_end_and_answers_are_finished() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let mut program = place.start(&configuration(&upstream, "", "[limits]\ndrain = \"10m\""));
    upstream.always("GET", Reply::event_bytes(": hello\n\n").hang_after(usize::MAX));
    let mut of_session = Connection::to(program.address).await;
    let session = of_session.session().await;
    let headers = [
        ("Accept", "text/event-stream"),
        ("Mcp-Session-Id", &session),
        ("MCP-Protocol-Version", "2025-11-25"),
    ];
    of_session.send("GET", "/mcp/demo", &headers, "").await;
    assert_eq!(of_session.head().await.expect("an answer").0, 200);

    upstream.once("subscriptions/listen", Reply::event_bytes(": hello\n\n").hang_after(usize::MAX));
    let mut listening = Connection::to(program.address).await;
    listening.send_modern("demo", "subscriptions/listen", None, json!({ "notifications": {} }), &[]).await;
    assert_eq!(listening.head().await.expect("an answer").0, 200);

    // An answer that is under way as events, and one that has not begun.
    let progress = json!({
        "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1, "progress": 1 },
    });
    let pause = std::time::Duration::from_millis(700);
    upstream.once("tools/call", Reply::result_after([progress], json!({ "content": [] })).every(pause));
    let mut streaming = Connection::to(program.address).await;
    let call = json!({ "name": "echo", "arguments": {} });
    streaming.send_modern("demo", "tools/call", Some("echo"), call.clone(), &[]).await;
    assert_eq!(streaming.head().await.expect("an answer").0, 200);
    upstream.once("tools/call", Reply::result(json!({ "content": [] })).after(pause));
    let mut slow = Connection::to(program.address).await;
    slow.send_modern("demo", "tools/call", Some("echo"), call, &[]).await;
    upstream.wait_for("tools/call", 2).await.expect("it is asked");

    program.signal("TERM");
    for stream in [&mut of_session, &mut listening] {
        assert!(to_its_end(stream).await.is_some(), "ended in order");
    }
    let events = to_its_end(&mut streaming).await.expect("not cut off");
    assert!(events.contains("\"result\""), "{events}");
    assert!(slow.receive().await.answer().json()["result"].is_object());
    assert!(program.ended().await.success());
    let records = place.records().await;
    assert!(records.iter().all(|record| record["aborted"] == false), "{records:?}");
    assert_eq!(records.iter().filter(|record| record["streamed"] == true).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_cut_off_and_recorded() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let mut program = place.start(&configuration(&upstream, "", "[limits]\ndrain = \"100ms\""));
    upstream.always("tools/call", Reply::never());
    let mut stuck = Connection::to(program.address).await;
    let call = json!({ "name": "echo", "arguments": {} });
    stuck.send_modern("demo", "tools/call", Some("echo"), call, &[]).await;
    upstream.wait_for("tools/call", 1).await.expect("it is asked");
    program.signal("TERM");
    assert!(program.ended().await.success());
    assert!(matches!(stuck.receive().await, Outcome::Unread));
    upstream.wait_for_fate("tools/call", Fate::ClientGone).await.expect("the upstream is left");
    let records = place.records().await;
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["aborted"], &records[0]["decision"]), (&json!(true), &json!("allowed")));
    let (holds, report) = place.verify_audit();
    assert!(holds && report["gaps"] == json!([]), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let mut program = place.start(&configuration(&upstream, "", "[limits]\ndrain = \"10m\""));
    upstream.always("tools/call", Reply::never());
    let mut stuck = Connection::to(program.address).await;
    let call = json!({ "name": "echo", "arguments": {} });
    stuck.send_modern("demo", "tools/call", Some("echo"), call, &[]).await;
    upstream.wait_for("tools/call", 1).await.expect("it is asked");
    program.signal("INT");
    program.wait_for_log("stopping:");
    program.signal("TERM");
    assert_eq!(program.ended().await.code(), Some(143));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_says_nothing_holds_nothing_up() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let mut program = place.start(&configuration(&upstream, "", "[limits]\ndrain = \"10m\""));
    let mut idle = Connection::to(program.address).await;
    idle.call("x").await.answer();
    let silent = Connection::to(program.address).await;
    program.signal("TERM");
    assert!(program.ended().await.success());
    drop((idle, silent));
}
