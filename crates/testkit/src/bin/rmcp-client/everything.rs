//! What `@modelcontextprotocol/server-everything` is asked, directly or through a virtual server.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{ANSWER, Report, equal, holds, names, peer::Peer};

const SLOW: &str = "trigger-long-running-operation";
const RESOURCE: &str = "demo://resource/dynamic/text/7";

pub(crate) async fn run(peer: &Peer, report: &mut Report) {
    report.check("call", call(peer)).await;
    report.check("structured", structured(peer)).await;
    report.check("progress", progress(peer)).await;
    report.check("cancel", cancel(peer)).await;
    report.check("error", error(peer)).await;
    report.check("resources", resources(peer)).await;
    report.check("templates", templates(peer)).await;
    report.check("read", read(peer)).await;
    report.check("missing_resource", peer.missing("demo://nothing/here")).await;
    report.check("updated", updated(peer)).await;
    report.check("prompts", prompts(peer)).await;
    report.check("prompt", prompt(peer)).await;
    report.check("completion", completion(peer)).await;
    report.check("elicitation", elicitation(peer)).await;
    report.check("sampling", sampling(peer)).await;
    if !peer.modern() {
        report.check("roots", roots(peer)).await;
        report.check("logging", logging(peer)).await;
    }
}

async fn call(peer: &Peer) -> Result<Value> {
    let result = peer.call("get-sum", json!({"a": 2, "b": 40})).await?;
    equal(&result["content"][0]["text"], &json!("The sum of 2 and 40 is 42."), "text")
}

async fn structured(peer: &Peer) -> Result<Value> {
    let result = peer.call("get-structured-content", json!({"location": "Chicago"})).await?;
    equal(&result["structuredContent"]["temperature"], &json!(36), "temperature")
}

async fn progress(peer: &Peer) -> Result<Value> {
    let seen = peer.progress(SLOW, json!({"duration": 0.4, "steps": 4}), 4).await?;
    equal(&seen, &json!([1.0, 2.0, 3.0, 4.0]), "progress")
}

async fn cancel(peer: &Peer) -> Result<Value> {
    peer.give_up_after_first_progress(SLOW, json!({"duration": 60, "steps": 120})).await?;
    Ok(Value::Null)
}

async fn error(peer: &Peer) -> Result<Value> {
    let refusal = peer.refusal("get-sum", json!({"a": "two"})).await?;
    ensure!(refusal["isError"] == true || refusal["code"] == -32602, "{refusal}");
    Ok(refusal)
}

async fn resources(peer: &Peer) -> Result<Value> {
    let listed = peer.resources().await?;
    let uri = &listed["resources"][0]["uri"];
    let read = peer.read(uri.as_str().unwrap_or_default()).await?;
    equal(&read["contents"][0]["uri"], uri, "uri")
}

async fn templates(peer: &Peer) -> Result<Value> {
    let listed = names(&peer.templates().await?["resourceTemplates"], "uriTemplate");
    holds(&json!(listed), "demo://resource/dynamic/text/{resourceId}")
}

async fn read(peer: &Peer) -> Result<Value> {
    holds(&peer.read(RESOURCE).await?["contents"][0]["text"], "Resource 7:")
}

async fn updated(peer: &Peer) -> Result<Value> {
    let first = peer.now();
    let mut watch = peer.watch(false, &[RESOURCE]).await?;
    peer.call("toggle-subscriber-updates", json!({})).await?;
    peer.seen(&mut watch, first, "resources/updated", |params| params["uri"] == RESOURCE).await?;
    peer.call("toggle-subscriber-updates", json!({})).await?;
    peer.stop(watch).await?;
    Ok(Value::Null)
}

async fn prompts(peer: &Peer) -> Result<Value> {
    holds(&json!(names(&peer.prompts().await?["prompts"], "name")), "args-prompt")
}

async fn prompt(peer: &Peer) -> Result<Value> {
    let result = peer.prompt("args-prompt", json!({"city": "Oslo"})).await?;
    equal(&result["messages"][0]["content"]["text"], &json!("What's weather in Oslo?"), "text")
}

async fn completion(peer: &Peer) -> Result<Value> {
    let result = peer
        .complete(json!({
            "ref": {"type": "ref/prompt", "name": "completable-prompt"},
            "argument": {"name": "name", "value": "A"},
            "context": {"arguments": {"department": "Engineering"}},
        }))
        .await?;
    equal(&result["completion"]["values"], &json!(["Alice"]), "values")
}

async fn elicitation(peer: &Peer) -> Result<Value> {
    holds(&peer.call("trigger-elicitation-request", json!({})).await?, "- Name: Ada")
}

async fn sampling(peer: &Peer) -> Result<Value> {
    let arguments = json!({"prompt": "hello", "maxTokens": 9});
    holds(&peer.call("trigger-sampling-request", arguments).await?, ANSWER)
}

async fn roots(peer: &Peer) -> Result<Value> {
    holds(&peer.call("get-roots-list", json!({})).await?, "file:///srv/peer")
}

async fn logging(peer: &Peer) -> Result<Value> {
    peer.level("debug").await?;
    let first = peer.now();
    peer.call("toggle-simulated-logging", json!({})).await?;
    let said = |params: &Value| params["data"].as_str().is_some_and(|data| data.contains("-level message"));
    let message = peer.wait(first, "message", said).await?;
    peer.call("toggle-simulated-logging", json!({})).await?;
    Ok(message["level"].clone())
}
