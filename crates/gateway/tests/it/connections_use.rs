//! Connections on the way of a request: what is presented, how it is renewed, and what those are told who have none.

mod agents;
mod moved;
mod renewal;
mod streams;
mod told;
mod waiting;
mod whose;

use serde_json::{Value, json};

use crate::harness::{Answer, MODERN};

/// The `_meta` of a client that can send its person to an address.
fn can_open_addresses() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
    })
}

/// `initialize` of a client of this revision, with these capabilities.
fn initialize(revision: &str, capabilities: &Value) -> Value {
    json!({
        "protocolVersion": revision, "capabilities": capabilities, "clientInfo": { "name": "test", "version": "1" },
    })
}

/// What a tool says, and that it is an error.
#[track_caller]
fn tool_error(answer: &Answer) -> String {
    let result = answer.result();
    assert_eq!(result["isError"], true, "{}", answer.text());
    result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}
