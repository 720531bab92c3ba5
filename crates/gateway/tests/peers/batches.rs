//! Batches of revision 2025-03-26 through the gateway at a real server, over both transports that it has.

use serde_json::{Value, json};

use crate::{
    harness::{Gateway, Kind, Upstream},
    wire::{Answer, Session},
};

/// The answers, whether they came in an array or one by one, in the order of their ids.
fn answers(answer: &Answer) -> Vec<Value> {
    let messages = answer.messages.iter().flat_map(|message| match message {
        Value::Array(messages) => messages.clone(),
        message => vec![message.clone()],
    });
    let mut answers: Vec<Value> = messages.filter(|message| message.get("method").is_none()).collect();
    answers.sort_by_key(|answer| answer["id"].to_string());
    answers
}

fn check(upstream: Upstream) {
    let url = upstream.url.clone();
    let sections = format!(
        r#"
[[upstream]]
name = "everything"
url = "{url}"

[[server]]
name = "everything"
upstreams = ["everything"]
access = "open"
tools = ["get-sum", "echo"]
"#
    );
    let gateway = Gateway::launch(&sections, &[], vec![upstream]);
    let session = Session::begin_with_batches(&gateway.resource(Kind::Everything));
    let sum = |id: i32, name: &str, b: i32| {
        let params = json!({ "name": name, "arguments": { "a": 1, "b": b } });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let list = json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list" });
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" });

    let together = session.batch(&json!([sum(1, "get-sum", 1), note, sum(2, "get-sum", 2), list]));
    assert_eq!(together.status, 200, "{together:?}");
    let answers = answers(&together);
    assert_eq!(answers.iter().map(|answer| answer["id"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
    for (answer, sum) in answers.iter().zip(["2", "3"]) {
        let text = answer["result"]["content"][0]["text"].as_str().expect("a text");
        assert!(text.contains(sum), "{text}");
    }
    assert_eq!(answers[2]["result"]["tools"].as_array().map(Vec::len), Some(2), "the list is filtered");

    let refused = session.batch(&json!([sum(4, "get-sum", 1), sum(5, "get-env", 1)]));
    assert_eq!((refused.status, &refused.response()["error"]["code"]), (400, &json!(-32601)), "{refused:?}");
    assert_eq!(session.batch(&json!([note])).status, 202);
    let newer = Session::begin(&gateway.resource(Kind::Everything));
    assert_eq!(newer.batch(&json!([sum(6, "get-sum", 1)])).status, 400);
    gateway.stop();
}

#[test]
fn a_batch_at_a_server_over_http_is_answered_as_a_whole() {
    check(Upstream::start(Kind::Everything));
}

#[test]
fn a_batch_at_a_server_of_2024_is_answered_as_a_whole() {
    check(Upstream::start_sse());
}
