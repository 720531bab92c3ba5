//! Who shares a child with whom: nobody in the older revisions, everybody in 2026-07-28.

use std::{process::Stdio, thread};

use serde_json::{Value, json};

use super::{clock, everything, processes::children, start, url};
use crate::{
    programs,
    wire::{Session, modern_call},
};

const ZONES: [&str; 8] = [
    "Africa/Cairo",
    "America/New_York",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Sydney",
    "Europe/Oslo",
    "Pacific/Apia",
];

/// A client of the Python SDK v2 that asks for the time in several places.
const PYTHON: &str = r#"
import asyncio, sys
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def main(url, *zones):
    async with Client(streamable_http_client(url), mode="auto") as client:
        print(client.protocol_version)
        for zone in zones:
            result = await client.call_tool("get_current_time", {"timezone": zone})
            print(result.structured_content["timezone"])

asyncio.run(main(*sys.argv[1:]))
"#;

#[test]
fn two_sessions_have_two_children_and_hear_only_their_own() {
    let gateway = start(&[everything("everything")]);
    let url = url(&gateway, "everything");
    let (one, two) = (Session::begin(&url), Session::begin(&url));
    assert_eq!(children(gateway.id()).len(), 2);
    let (heard_by_one, heard_by_two) = (one.stream(), two.stream());
    // The same ids and tokens in both, at the same time.
    let (answer_to_one, answer_to_two) = thread::scope(|scope| {
        let one = scope.spawn(|| long_running(&one, 3));
        let two = scope.spawn(|| long_running(&two, 7));
        (one.join().expect("no panic"), two.join().expect("no panic"))
    });
    let totals = |messages: &[Value], total: u32| {
        let progress: Vec<&Value> = messages.iter().filter(|message| message["method"].is_string()).collect();
        assert!(!progress.is_empty(), "no progress");
        assert!(progress.iter().all(|message| message["params"]["total"] == total), "{progress:?}");
        let last = messages.last().expect("an answer").to_string();
        assert!(last.contains(&format!("Steps: {total}.")), "{last}");
    };
    totals(&answer_to_one, 3);
    totals(&answer_to_two, 7);
    let uri = "demo://resource/dynamic/text/7";
    one.request(&json!("subscription"), "resources/subscribe", &json!({ "uri": uri })).result();
    one.call("toggle-subscriber-updates", &json!({})).result();
    let mut heard_by_one =
        heard_by_one.filter(|message| message["method"] == "notifications/resources/updated");
    assert_eq!(heard_by_one.next().expect("an update")["params"]["uri"], uri);
    assert_eq!(two.end(), 200);
    let heard_by_two: Vec<Value> = heard_by_two.collect();
    assert!(!heard_by_two.iter().any(|message| message.to_string().contains(uri)), "{heard_by_two:?}");
    gateway.stop();
}

#[test]
fn requests_of_the_modern_era_share_one_child() {
    let gateway = start(&[clock("clock")]);
    let url = url(&gateway, "clock");
    thread::scope(|scope| {
        for zone in ZONES.repeat(3) {
            let url = &url;
            // All have the same id.
            scope.spawn(move || {
                let answer = modern_call(url, "get_current_time", &json!({ "timezone": zone }));
                assert_eq!(answer.result()["structuredContent"]["timezone"], zone, "{answer:?}");
                assert_eq!(answer.response()["id"], 1);
            });
        }
    });
    let shared = children(gateway.id());
    assert_eq!(shared.len(), 1, "one for all");
    let mut sdk = programs::python("mcp-v2");
    sdk.args(["-c", PYTHON, &url]).args(ZONES).stdin(Stdio::null());
    let clients = [(); 2].map(|()| {
        sdk.stdout(Stdio::piped()).spawn().expect("a client").wait_with_output().expect("its output")
    });
    for output in clients {
        let said = String::from_utf8_lossy(&output.stdout);
        let mut lines = said.lines();
        assert_eq!(lines.next(), Some("2026-07-28"));
        assert!(lines.eq(ZONES), "{said}");
    }
    assert_eq!(children(gateway.id()), shared, "the same one for the other clients");
    gateway.stop();
}

fn long_running(session: &Session, steps: u32) -> Vec<Value> {
    let params = json!({
        "name": "trigger-long-running-operation",
        "arguments": { "duration": 0.5, "steps": steps },
        "_meta": { "progressToken": "same" },
    });
    session.request(&json!("same"), "tools/call", &params).messages
}
