//! How much may be sent, in either direction.

use doorward_testkit::recorder::Reply;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use super::{assert_refused, others_are_served};
use crate::harness::{Call, World};

const SMALL: &str = "[limits]\nrequest_body = \"2KiB\"\nresponse_body = \"2KiB\"\nheader_bytes = \"8KiB\"";

/// A request of exactly so many bytes.
fn sized(world: &World, bytes: usize) -> Call<'_> {
    let call = world.gateway.modern("open", "tools/list", json!({}));
    let text = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": crate::harness::meta() },
    });
    let text = text.to_string();
    call.body(format!("{text}{}", " ".repeat(bytes - text.len())))
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_not_a_byte_larger() {
    let world = World::strict(SMALL).await;
    for chunked in [false, true] {
        let send = |bytes| {
            let call = sized(&world, bytes);
            if chunked { call.chunked() } else { call }
        };
        assert_eq!(send(2048).send().await.status, 200, "chunked: {chunked}");
        let answer = send(2049).send().await;
        assert_refused(&answer, 413, -32600, &format!("chunked: {chunked}"));
        assert_eq!(world.gateway.last_record().await["reason"], "body_too_large");
        others_are_served(&world).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let world = World::start().await;
    let own = world.gateway.authority();
    let head = format!(
        "POST /mcp/open HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    );
    let answer = world.gateway.raw(head.as_bytes(), Some("POST /mcp/open")).await.unwrap();
    assert_refused(&answer, 413, -32600, "announced");
    world.finish().await;
}

#[tokio::test]
async fn a_caller_that_is_nobody_cannot_make_us_read() {
    let world = World::start().await;
    let own = world.gateway.authority();
    for (server, status) in [("jwt", 401), ("nowhere", 404)] {
        let head = format!(
            "POST /mcp/{server} HTTP/1.1\r\nHost: {own}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{{"
        );
        let line = format!("POST /mcp/{server}");
        let answer = world.gateway.raw(head.as_bytes(), Some(&line)).await.unwrap();
        assert_eq!(answer.status, status, "answered without the rest of the body");
    }
    world.finish().await;
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_by_http_itself() {
    let world = World::with(SMALL).await;
    let call = || world.gateway.modern("open", "tools/list", json!({})).unrecorded();
    let long = call().header("X-Long", &"x".repeat(9000)).send().await;
    assert_eq!(long.status, 431);
    let mut many = call();
    for number in 0..200 {
        many = many.header(&format!("X-{number}"), "x");
    }
    assert_eq!(many.send().await.status, 431);
    let target = world.gateway.call("GET", &format!("/{}", "x".repeat(9000))).unrecorded().try_stream().await;
    assert!(target.is_none_or(|answer| matches!(answer.status, 414 | 431)));
    others_are_served(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_the_upstreams_fault() {
    let world = World::strict(SMALL).await;
    let large = json!({ "tools": [], "filler": "x".repeat(3000), "resultType": "complete" });
    for (reply, streamed) in [
        (Reply::result(large.clone()), false),
        (Reply::result(large.clone()).split(64), false),
        (Reply::result_after([], large.clone()), true),
        // An event without an end.
        (Reply::event_bytes(format!("data: {}", "x".repeat(5000))), true),
        (Reply::event_bytes("data: x\n".repeat(1000)), true),
        (Reply::event_bytes(format!(": {}\n\n", "x".repeat(5000))), true),
    ] {
        world.recorder.once("tools/list", reply);
        let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
        let message = if streamed { answer.events().pop().unwrap_or_default() } else { answer.json() };
        assert_eq!(message["error"]["data"]["reason"], "upstream_too_large", "{}", answer.text());
        assert_eq!(message["id"], 1);
        assert!(answer.body.len() < 1000, "nothing of it passes");
        let record = world.gateway.last_record().await;
        assert_eq!((&record["reason"], &record["fault"]), (&json!("upstream_too_large"), &json!("upstream")));
        others_are_served(&world).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn a_stream_may_be_longer_than_any_event_in_it() {
    let world = World::with(SMALL).await;
    let progress = |number: usize| {
        let params = json!({ "progressToken": 1, "progress": number, "message": "x".repeat(500) });
        json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params })
    };
    let done = json!({ "content": [], "resultType": "complete" });
    world.recorder.once("tools/call", Reply::result_after((0..50).map(progress), done));
    let answer = world.gateway.modern("open", "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!(answer.events().len(), 51);
    assert!(answer.body.len() > 25_000);
    world.finish().await;
}

#[tokio::test]
async fn a_large_answer_within_the_limit_passes_whole() {
    let world = World::start().await;
    let text = "x".repeat(3 << 20);
    let large = json!({ "content": [{ "type": "text", "text": text }], "resultType": "complete" });
    for reply in [Reply::result(large.clone()), Reply::result_after([], large.clone())] {
        world.recorder.once("tools/call", reply);
        let answer = world.gateway.modern("open", "tools/call", json!({ "name": "echo" })).send().await;
        let message = answer.events().pop().unwrap_or_else(|| answer.json());
        assert_eq!(message["result"], large);
    }
    world.finish().await;
}

#[tokio::test]
async fn only_so_many_connections_are_open_at_once() {
    let world = World::with("[limits]\nconnections = 2").await;
    let idle = [world.gateway.connect().await, world.gateway.connect().await];
    let bytes = |path| {
        world.gateway.expect_record(&format!("GET {path}"));
        world.gateway.call("GET", path).bytes()
    };
    let mut waiting = world.gateway.connect().await;
    waiting.write_all(&bytes("/readyz")).await.unwrap();
    // Both places are taken: one of the idle ones asks, and is answered, while the third waits.
    let [first, second] = idle;
    let answer = world.gateway.answer_on(first, &bytes("/healthz")).await.unwrap();
    assert_eq!(answer.text(), "ok");
    assert_eq!(world.gateway.records_of(1).await[0]["path"], "/healthz");
    drop(second);
    let answer = world.gateway.answer_on(waiting, b"").await.unwrap();
    assert_eq!(answer.text(), "ready", "a place became free");
    world.finish().await;
}
