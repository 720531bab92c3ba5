//! How a request ends: complete, dropped by the caller, broken by the upstream. A record is closed last.

use doorward_testkit::recorder::{Fate, Reply};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::call_echo;
use crate::harness::World;

fn progress(number: usize) -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1, "progress": number } })
}

fn done() -> Value {
    json!({ "content": [{ "type": "text", "text": "done" }], "resultType": "complete" })
}

#[tokio::test]
async fn a_stream_that_ends_well_is_whole() {
    let world = World::start().await;
    world.recorder.once("tools/call", Reply::result_after([progress(1), progress(2)], done()));
    let answer = call_echo(&world).send().await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.events().len(), 3);
    let record = world.gateway.last_record().await;
    assert_eq!(record["streamed"], true);
    assert_eq!(record["aborted"], false);
    assert_eq!(record["reason"], "ok");
    assert_eq!(record["response_bytes"], answer.body.len());
    assert!(record.get("fault").is_none(), "{record}");
    world.finish().await;
}

#[tokio::test]
async fn a_record_is_closed_when_the_stream_is_over_not_before() {
    let world = World::start().await;
    let text = format!("data: {}\n\n", progress(1));
    world.recorder.once("tools/call", Reply::event_bytes(text.clone()).hang_after(text.len()));
    let mut stream = call_echo(&world).stream().await;
    assert!(stream.next_json().await.is_some());
    world.gateway.call("GET", "/healthz").send().await;
    let records = world.gateway.records_of(1).await;
    assert_eq!(records[0]["path"], "/healthz", "the stream is still open");
    drop(stream);
    let records = world.gateway.records().await;
    assert!(records[1]["time"].as_str() < records[0]["time"].as_str(), "opened first, closed last");
    world.finish().await;
}

#[tokio::test]
async fn a_caller_that_leaves_in_the_middle_aborts_and_the_upstream_hears_of_it() {
    let world = World::start().await;
    let text = format!("data: {}\n\n", progress(1));
    world.recorder.once("tools/call", Reply::event_bytes(text.clone()).hang_after(text.len()));
    let mut stream = call_echo(&world).stream().await;
    let event = stream.next().await.unwrap();
    drop(stream);
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    let record = world.gateway.last_record().await;
    assert_eq!(record["aborted"], true);
    assert_eq!(record["streamed"], true);
    assert_eq!(record["decision"], "allowed");
    assert_eq!(record["status"], 200, "the head was sent");
    assert_eq!(record["response_bytes"], event.len(), "what had been sent");
    world.finish().await;
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_answer_aborts() {
    let world = World::start().await;
    world.recorder.once("tools/call", Reply::never());
    let call = call_echo(&world);
    world.gateway.expect_record("POST /mcp/jwt");
    let mut stream = world.gateway.connect().await;
    stream.write_all(&call.bytes()).await.unwrap();
    world.recorder.wait_for("tools/call", 1).await.unwrap();
    drop(stream);
    world.recorder.wait_for_fate("tools/call", Fate::ClientGone).await.unwrap();
    let record = world.gateway.last_record().await;
    assert_eq!(record["aborted"], true);
    assert_eq!(record["decision"], "allowed", "it had been sent to the upstream");
    assert_eq!(record["status"], 0, "no answer was given");
    assert_eq!(record["subject"], "alice");
    assert_eq!(record["capability"], "echo");
    world.finish().await;
}

#[tokio::test]
async fn a_caller_that_leaves_while_sending_leaves_a_record() {
    let world = World::start().await;
    let bytes = call_echo(&world).bytes();
    world.gateway.expect_record("POST /mcp/jwt");
    let mut stream = world.gateway.connect().await;
    stream.write_all(&bytes[..bytes.len() - 10]).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    let record = world.gateway.last_record().await;
    assert_ne!(record["decision"], "allowed");
    assert_eq!(record["subject"], "alice", "that much was known");
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_in_the_place_of_the_answer() {
    let world = World::start().await;
    world.recorder.once("tools/call", Reply::result_after([progress(1)], done()).cut_after(150));
    let answer = call_echo(&world).send().await;
    let events = answer.events();
    let last = events.last().unwrap();
    assert_eq!(last["id"], 1);
    assert_eq!(last["error"]["code"], -32603);
    assert_eq!(last["error"]["data"]["upstream"], "notes");
    assert_eq!(last["error"]["data"]["fault"], "upstream");
    let record = world.gateway.last_record().await;
    assert_eq!(record["reason"], "upstream_broken");
    assert_eq!(record["fault"], "upstream");
    assert_eq!(record["decision"], "allowed");
    assert_eq!(record["aborted"], false, "the caller got its answer");
    assert_eq!(record["rpc_error"], -32603);
    assert_eq!(last["error"]["data"]["requestId"], record["request_id"], "the caller can name the record");
    world.finish().await;
}

#[tokio::test]
async fn requests_that_end_together_have_a_record_each() {
    let world = World::start().await;
    let calls = (0..40).map(|number| {
        let token = world.token(&format!("caller-{number}"), "jwt");
        let call = world.gateway.modern("jwt", "tools/list", json!({})).bearer(&token);
        async move { call.send().await.status }
    });
    let statuses = futures_util::future::join_all(calls).await;
    assert!(statuses.iter().all(|status| *status == 200));
    let records = world.gateway.records().await;
    let mut subjects: Vec<_> = records.iter().map(|record| record["subject"].to_string()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    assert_eq!(subjects.len(), 40);
    world.finish().await;
}

#[tokio::test]
async fn stopping_lets_open_requests_finish_and_records_them() {
    let world = World::start().await;
    let slow = Reply::result_after([progress(1)], done()).every(std::time::Duration::from_millis(200));
    world.recorder.once("tools/call", slow);
    let mut stream = call_echo(&world).stream().await;
    assert!(stream.next_json().await.is_some());
    world.gateway.stop_listening();
    let rest = stream.rest().await;
    assert_eq!(rest.events().len(), 1, "the answer came after the gateway was told to stop");
    world.finish().await;
}
