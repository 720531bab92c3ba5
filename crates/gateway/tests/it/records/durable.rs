//! Strict durability: what the caller has seen is in the store. And the same on PostgreSQL.

use doorward_testkit::recorder::Reply;
use serde_json::json;

use crate::harness::{Plan, World};

const STRICT: &str = "[records]\ndurability = \"strict\"";

#[tokio::test]
async fn a_strict_record_is_there_when_its_answer_is() {
    let world = World::with(STRICT).await;
    for (number, (call, reason)) in [
        (world.gateway.modern("open", "tools/list", json!({})), "ok"),
        (world.gateway.modern("jwt", "tools/list", json!({})), "credential_missing"),
        (world.gateway.post("open", "{"), "malformed_json"),
        (world.gateway.call("GET", "/nowhere"), "not_found"),
        (world.gateway.call("GET", "/healthz"), "ok"),
        (world.gateway.call("OPTIONS", "/mcp/open"), "ok"),
    ]
    .into_iter()
    .enumerate()
    {
        call.send().await;
        let records = world.gateway.records_now().await;
        assert_eq!(records.len(), number + 1, "{reason}");
        assert_eq!(records[number]["reason"], reason);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_strict_record_of_a_stream_is_there_when_its_last_event_is() {
    let world = World::with(STRICT).await;
    let done = json!({ "content": [], "resultType": "complete" });
    let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1, "progress": 1 } });
    for (reply, reason) in [
        (Reply::result_after([progress.clone()], done.clone()), "ok"),
        (Reply::result_after([progress.clone()], done).cut_after(140), "upstream_broken"),
        (Reply::event_bytes("data: {\n\n"), "upstream_invalid"),
    ] {
        world.recorder.once("tools/call", reply);
        let mut stream = world.gateway.modern("open", "tools/call", json!({ "name": "echo" })).stream().await;
        let mut last = json!({});
        while last.get("id").is_none() {
            last = stream.next_json().await.unwrap();
        }
        let records = world.gateway.records_now().await;
        let record = records.last().unwrap();
        assert_eq!(record["reason"], reason);
        assert_eq!(record["streamed"], true);
        assert_eq!(record["aborted"], false);
        drop(stream);
    }
    assert_eq!(world.gateway.records_now().await.len(), 3, "one for each, although it was stored early");
    world.finish().await;
}

#[tokio::test]
async fn records_are_the_same_on_postgresql() {
    for more in ["", STRICT] {
        let world = World::planned(Plan::default().postgres(), more).await;
        let token = world.token("alice", "jwt");
        let call = json!({ "name": "echo", "arguments": { "text": "zero \u{0} and \u{1f600}" } });
        let answers = [
            world.gateway.modern("jwt", "tools/call", call).bearer(&token).send().await,
            world.gateway.modern("jwt", "tools/list", json!({})).send().await,
            world.gateway.call("GET", "/nowhere").send().await,
        ];
        assert_eq!(answers.map(|answer| answer.status), [200, 401, 404]);
        world.recorder.once("tools/call", Reply::result_after([], json!({ "content": [] })));
        let name = "a tool \u{0} name\n";
        let params = json!({ "name": name, "arguments": {} });
        let streamed = world
            .gateway
            .modern("open", "tools/call", params)
            .set("Mcp-Name", "=?base64?YSB0b29sIAAgbmFtZQo=?=");
        assert_eq!(streamed.send().await.events().len(), 1);
        let records = world.gateway.records().await;
        let reasons: Vec<_> = records.iter().map(|record| record["reason"].as_str().unwrap()).collect();
        assert_eq!(reasons, ["ok", "credential_missing", "not_found", "ok"]);
        assert_eq!(records[3]["capability"], name, "PostgreSQL has no zero characters; records have");
        world.finish().await;
    }
}
