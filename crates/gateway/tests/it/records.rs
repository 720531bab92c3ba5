//! The records: one for each request, whatever becomes of it, with what happened and nothing more.

mod content;
mod durable;
mod endings;
mod failures;
mod traces;

use serde_json::{Value, json};

use crate::harness::World;

/// A call of `echo` by alice.
fn call_echo(world: &World) -> crate::harness::Call<'_> {
    let params = json!({ "name": "echo", "arguments": { "text": "hello" } });
    world.gateway.modern("jwt", "tools/call", params).bearer(&world.token("alice", "jwt"))
}

#[tokio::test]
async fn a_record_says_who_did_what_when_and_how_it_went() {
    let world = World::start().await;
    let before = world.gateway.now();
    let answer = call_echo(&world).send().await;
    let after = world.gateway.now();
    let record = world.gateway.last_record().await;
    let body = world.recorder.requests().remove(0);

    let time = record["time"].as_str().unwrap();
    assert!(*before <= *time && *time <= *after, "{before} {time} {after}");
    let fixed = json!({
        "peer": "127.0.0.1",
        "http_method": "POST",
        "path": "/mcp/jwt",
        "issuer": world.issuer.url(),
        "subject": "alice",
        "server": "jwt",
        "upstream": "notes",
        "protocol_version": "2026-07-28",
        "method": "tools/call",
        "capability": "echo",
        "decision": "allowed",
        "reason": "ok",
        "status": 200,
        "response_bytes": answer.body.len(),
        "streamed": false,
        "aborted": false,
    });
    for (name, value) in fixed.as_object().unwrap() {
        assert_eq!(record[name], *value, "{name}");
    }
    let micros = |name: &str| record[name].as_u64().unwrap();
    assert!(micros("upstream_us") > 0, "somebody was waited for");
    assert!(micros("gateway_us") + micros("upstream_us") <= micros("total_us"), "{record}");
    assert!(micros("request_bytes") > 0 && !body.body.is_empty());
    let mut names: Vec<_> = record.as_object().unwrap().keys().map(String::as_str).collect();
    names.retain(|name| fixed.get(name).is_none());
    names.sort_unstable();
    assert_eq!(
        names,
        ["gateway_us", "request_bytes", "request_id", "time", "total_us", "trace_id", "upstream_us"],
        "and nothing else: no arguments, no results"
    );
    world.finish().await;
}

#[tokio::test]
async fn the_size_of_the_request_is_that_of_its_body() {
    let world = World::start().await;
    let body = format!("{}{}", json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }), " ".repeat(1000));
    let plain = world.gateway.post("open", body.clone()).send().await;
    let chunked = world.gateway.post("open", body.clone()).chunked().send().await;
    assert_eq!((plain.status, chunked.status), (400, 400), "the upstream wants a session");
    for record in world.gateway.records().await {
        assert_eq!(record["request_bytes"], body.len());
        assert_eq!(record["method"], "ping");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_asked_for_is_named_in_every_method() {
    let world = World::strict("").await;
    for (method, params, capability) in [
        ("tools/list", json!({}), Value::Null),
        ("server/discover", json!({}), Value::Null),
        ("tools/call", json!({ "name": "add", "arguments": {} }), json!("add")),
        ("prompts/get", json!({ "name": "greeting" }), json!("greeting")),
        ("resources/read", json!({ "uri": "note:///first" }), json!("note:///first")),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/resource", "uri": "note:///{name}" }, "argument": { "name": "name", "value": "" } }),
            json!("note:///{name}"),
        ),
    ] {
        assert_eq!(world.gateway.modern("open", method, params).send().await.status, 200, "{method}");
        let record = world.gateway.last_record().await;
        assert_eq!((&record["method"], &record["capability"]), (&json!(method), &capability));
    }
    let session = world.gateway.session("open", None).await;
    let params = json!({ "name": "add", "arguments": {} });
    world.gateway.legacy("open", Some(&session), "tools/call", &params).send().await;
    let record = world.gateway.last_record().await;
    assert_eq!(record["protocol_version"], "2025-11-25");
    assert_eq!(record["capability"], "add");
    world.finish().await;
}

#[tokio::test]
async fn long_texts_of_a_caller_are_clipped() {
    let world = World::strict("").await;
    let long = "ä".repeat(3000);
    let params = json!({ "name": long, "arguments": {} });
    let call = world.gateway.modern("open", "tools/call", params).without("Mcp-Name");
    assert_eq!(call.send().await.status, 400);
    let record = world.gateway.last_record().await;
    let capability = record["capability"].as_str().unwrap();
    assert!(capability.starts_with("ää") && capability.ends_with('…'), "{capability}");
    assert!(capability.len() <= 520);
    let method = json!({ "jsonrpc": "2.0", "id": 1, "method": "m".repeat(5000) }).to_string();
    assert_eq!(world.gateway.post("open", method).send().await.error_code(), -32601);
    assert!(world.gateway.last_record().await["method"].as_str().unwrap().len() <= 520);
    world.finish().await;
}

#[tokio::test]
async fn line_ends_in_a_name_do_not_break_a_record() {
    let world = World::strict(
        "[[server]]\nname = \"few\"\nupstreams = [\"notes\"]\naccess = \"open\"\ntools = [\"echo\"]",
    )
    .await;
    let name = "x\n{\"decision\":\"allowed\"}\r\u{0}\u{2028}\u{202e}";
    let encoded = "=?base64?eAp7ImRlY2lzaW9uIjoiYWxsb3dlZCJ9DQDigKjigK4=?=";
    let call = world.gateway.modern("few", "tools/call", json!({ "name": name })).set("Mcp-Name", encoded);
    let answer = call.send().await;
    assert_eq!(answer.error_code(), -32601, "{}", answer.text());
    let record = world.gateway.last_record().await;
    assert_eq!(record["capability"], name);
    assert_eq!(record["decision"], "refused");
    world.finish().await;
}

#[tokio::test]
async fn what_a_list_does_not_show_is_counted() {
    let world = World::start().await;
    let few = "[[server]]\nname = \"few\"\nupstreams = [\"notes\"]\naccess = \"open\"\ntools = [\"echo\"]";
    world.gateway.replace(&format!("{}\n{few}", world.toml()));
    let answer = world.gateway.modern("few", "tools/list", json!({})).send().await;
    assert_eq!(answer.result()["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.gateway.last_record().await["filtered"], 2);
    world.finish().await;
}

#[tokio::test]
async fn public_documents_and_probes_are_recorded_as_well() {
    let world = World::start().await;
    for path in ["/healthz", "/.well-known/oauth-protected-resource/mcp/jwt"] {
        assert_eq!(world.gateway.call("GET", path).send().await.status, 200);
        let record = world.gateway.last_record().await;
        assert_eq!((&record["decision"], &record["reason"]), (&json!("allowed"), &json!("ok")));
        assert_eq!(record["path"], path);
        assert!(record.get("subject").is_none() && record.get("upstream").is_none(), "{record}");
    }
    world.finish().await;
}
