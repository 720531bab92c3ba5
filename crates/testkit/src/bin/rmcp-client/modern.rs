//! What `upstream_v2.mjs` is asked, directly or through a virtual server.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{ANSWER, Report, equal, holds, names, peer::Peer};

const COUNTER: &str = "memo://counter";

pub(crate) async fn run(peer: &Peer, report: &mut Report) {
    report.check("call", call(peer)).await;
    report.check("structured", structured(peer)).await;
    report.check("progress", progress(peer)).await;
    report.check("cancel", cancel(peer)).await;
    report.check("headers", headers(peer)).await;
    report.check("resources", resources(peer)).await;
    report.check("templates", templates(peer)).await;
    report.check("read", read(peer)).await;
    report.check("missing_resource", peer.missing("memo://nothing")).await;
    report.check("prompts", prompts(peer)).await;
    report.check("prompt", prompt(peer)).await;
    report.check("completion", completion(peer)).await;
    report.check("elicitation", elicitation(peer)).await;
    report.check("sampling", sampling(peer)).await;
    report.check("logging", logging(peer)).await;
    report.check("list_changed", list_changed(peer)).await;
}

async fn call(peer: &Peer) -> Result<Value> {
    let message = "Grüße, 世界 \u{0} \"quoted\"";
    let result = peer.call("echo", json!({"message": message})).await?;
    equal(&result["content"][0]["text"], &json!(message), "text")
}

async fn structured(peer: &Peer) -> Result<Value> {
    let result = peer.call("add", json!({"a": 2, "b": 40})).await?;
    equal(&result["structuredContent"], &json!({"sum": 42}), "structured content")
}

async fn progress(peer: &Peer) -> Result<Value> {
    let seen = peer.progress("slow", json!({"steps": 4, "pause_ms": 100}), 4).await?;
    equal(&seen, &json!([1.0, 2.0, 3.0, 4.0]), "progress")
}

async fn cancel(peer: &Peer) -> Result<Value> {
    let before = cancelled(peer).await?;
    peer.give_up_after_first_progress("slow", json!({"steps": 200, "pause_ms": 100})).await?;
    for _ in 0..50 {
        if cancelled(peer).await? > before {
            return Ok(Value::Null);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the upstream never saw the cancellation")
}

async fn cancelled(peer: &Peer) -> Result<u64> {
    Ok(text(peer, "counters").await?["cancelled"].as_u64().unwrap_or_default())
}

async fn headers(peer: &Peer) -> Result<Value> {
    text(peer, "seen_headers").await
}

/// What a tool says, which is JSON itself.
async fn text(peer: &Peer, tool: &str) -> Result<Value> {
    let result = peer.call(tool, json!({})).await?;
    Ok(serde_json::from_str(result["content"][0]["text"].as_str().unwrap_or_default())?)
}

async fn resources(peer: &Peer) -> Result<Value> {
    equal(&json!(names(&peer.resources().await?["resources"], "uri")), &json!([COUNTER]), "resources")
}

async fn templates(peer: &Peer) -> Result<Value> {
    let listed = names(&peer.templates().await?["resourceTemplates"], "uriTemplate");
    equal(&json!(listed), &json!(["note://{name}"]), "templates")
}

async fn read(peer: &Peer) -> Result<Value> {
    equal(&peer.read("note://alpha").await?["contents"][0]["text"], &json!("note alpha"), "text")
}

async fn prompts(peer: &Peer) -> Result<Value> {
    equal(&json!(names(&peer.prompts().await?["prompts"], "name")), &json!(["weather"]), "prompts")
}

async fn prompt(peer: &Peer) -> Result<Value> {
    let result = peer.prompt("weather", json!({"city": "Oslo"})).await?;
    equal(&result["messages"][0]["content"]["text"], &json!("How is the weather in Oslo?"), "text")
}

async fn completion(peer: &Peer) -> Result<Value> {
    let of = async |reference: Value, name: &str, value: &str| {
        peer.complete(json!({"ref": reference, "argument": {"name": name, "value": value}})).await
    };
    let result = of(json!({"type": "ref/prompt", "name": "weather"}), "city", "P").await?;
    equal(&result["completion"]["values"], &json!(["Paris", "Prague", "Porto"]), "values")?;
    let result = of(json!({"type": "ref/resource", "uri": "note://{name}"}), "name", "b").await?;
    equal(&result["completion"]["values"], &json!(["beta"]), "values")
}

async fn elicitation(peer: &Peer) -> Result<Value> {
    let result = peer.call("ask_name", json!({"greeting": "Hello"})).await?;
    equal(&result["content"][0]["text"], &json!("Hello Ada (first round)"), "text")
}

async fn sampling(peer: &Peer) -> Result<Value> {
    holds(&peer.call("ask_model", json!({"question": "hello"})).await?, ANSWER)
}

async fn logging(peer: &Peer) -> Result<Value> {
    let mut params = json!({"name": "log", "arguments": {"message": "noted"}});
    if peer.modern() {
        params["_meta"] = json!({"io.modelcontextprotocol/logLevel": "info"});
    } else {
        peer.level("debug").await?;
    }
    let first = peer.now();
    peer.call_with(params).await?;
    let message = peer.wait(first, "message", |params| params["data"] == "noted").await?;
    equal(&message["level"], &json!("warning"), "level")
}

async fn list_changed(peer: &Peer) -> Result<Value> {
    let first = peer.now();
    let mut watch = peer.watch(true, &[COUNTER]).await?;
    peer.call("touch", json!({})).await?;
    peer.seen(&mut watch, first, "tools/list_changed", |_| true).await?;
    peer.seen(&mut watch, first, "resources/updated", |params| params["uri"] == COUNTER).await?;
    peer.stop(watch).await?;
    Ok(Value::Null)
}
