//! How long one may wait, on either side.

use std::time::Duration;

use doorward_testkit::recorder::{Fate, Reply};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{assert_refused, others_are_served};
use crate::harness::World;

const SECOND: &str = "[limits]\nrequest_time = \"1s\"";

#[tokio::test]
async fn a_body_that_takes_too_long_is_given_up() {
    let world = World::with(SECOND).await;
    let call = world.gateway.modern("open", "tools/list", json!({}));
    let bytes = call.bytes();
    world.gateway.expect_record("POST /mcp/open");
    let slow = world.gateway.connect().await;
    let (answer, ()) =
        tokio::join!(world.gateway.answer_on(slow, &bytes[..bytes.len() - 1]), others_are_served(&world));
    assert_refused(&answer.unwrap(), 408, -32600, "a body without its last byte");
    let records = world.gateway.records().await;
    assert!(
        records.iter().any(|record| record["reason"] == "body_timeout" && record["decision"] == "refused")
    );
    assert_eq!(world.recorder.requests().len(), 1, "only the other request");
    world.finish().await;
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_given_up() {
    let world = World::with(SECOND).await;
    let mut slow = world.gateway.connect().await;
    slow.write_all(b"POST /mcp/open HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    others_are_served(&world).await;
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(crate::harness::PATIENCE, slow.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection was closed");
    assert!(!rest.starts_with(b"HTTP/1.1 2"));
    world.finish().await;
}

#[tokio::test]
async fn an_upstream_that_takes_too_long_is_given_up_and_others_are_not_held_up() {
    let world = World::start().await;
    let slow = doorward_testkit::recorder::Recorder::start().await.unwrap();
    let more = format!(
        r#"
        [[upstream]]
        name = "slow"
        url = "{}"
        timeout = "300ms"
        [[server]]
        name = "slow"
        upstreams = ["slow"]
        access = "open"
        "#,
        slow.url()
    );
    world.gateway.replace(&format!("{}\n{more}", world.toml()));
    for reply in [
        Reply::never(),
        Reply::result(json!({ "tools": [] })).after(Duration::from_mins(5)),
        Reply::result(json!({ "tools": [] })).hang_after(5),
        Reply::result(json!({ "tools": [] })).split(1).every(Duration::from_millis(100)),
    ] {
        slow.once("tools/list", reply);
        let call = world.gateway.modern("slow", "tools/list", json!({}));
        let (answer, ()) = tokio::join!(call.send(), others_are_served(&world));
        assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_timeout", "{}", answer.text());
        let records = world.gateway.records().await;
        let [.., other, timed_out] = &records[..] else { panic!("{records:?}") };
        assert_eq!(other["server"], "open", "the other one was answered first");
        assert_eq!(timed_out["fault"], "upstream");
    }
    slow.wait_for_fate("tools/list", Fate::ClientGone).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn a_stream_may_take_longer_than_the_first_byte_may() {
    let world = World::start().await;
    let quick = world.toml().replacen("credential =", "timeout = \"200ms\"\ncredential =", 1);
    world.gateway.replace(&quick);
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1, "progress": 1 } });
    let done = json!({ "content": [], "resultType": "complete" });
    let slow = Reply::result_after([progress.clone(), progress], done).every(Duration::from_millis(300));
    world.recorder.once("tools/call", slow);
    let answer = world.gateway.modern("open", "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!(answer.events().len(), 3);
    assert!(answer.events()[2].get("result").is_some());
    world.finish().await;
}
