//! Bounds on what comes from outside: size, depth, shape, time, count. One who breaks them hurts nobody else.

mod json;
mod rates;
mod size;
mod streams;
mod time;

use serde_json::json;

use crate::harness::{Answer, World};

/// An ordinary request of somebody else.
async fn others_are_served(world: &World) {
    let answer = world.gateway.modern("open", "tools/list", json!({})).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The request was refused as malformed, with a JSON-RPC error.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: i64, context: &str) {
    assert_eq!((answer.status, answer.error_code()), (status, code), "{context}: {}", answer.text());
    assert_eq!(answer.json()["jsonrpc"], "2.0", "{context}");
}
