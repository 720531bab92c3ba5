//! Arguments and results: kept only where a server's operator asks for them, and then without secrets.

use doorward_testkit::recorder::Reply;
use serde_json::{Value, json};

use crate::harness::{Plan, World};

const RECORDING: &str = r#"
    [[server]]
    name = "both"
    upstreams = ["notes"]
    access = "open"
    record = ["arguments", "results"]
    [[server]]
    name = "arguments"
    upstreams = ["notes"]
    access = "open"
    record = ["arguments"]
    [[server]]
    name = "results"
    upstreams = ["notes"]
    access = "open"
    record = ["results"]
    "#;

/// Arguments with a secret by name and one by look.
fn arguments() -> Value {
    json!({
        "text": "what-was-said",
        "password": "hunter2-hunter2",
        "nested": [{ "Api_Key": "key-of-the-caller" }],
        "note": "use Bearer abcdefgh12345678 for it",
    })
}

fn result() -> Value {
    json!({
        "content": [{ "type": "text", "text": "what-was-answered" }],
        "structuredContent": { "access_token": "token-of-the-upstream", "user": "ann" },
        "resultType": "complete",
    })
}

#[tokio::test]
async fn nothing_of_the_content_is_kept_by_itself() {
    let world = World::start().await;
    world.recorder.always("tools/call", Reply::result(json!({ "content": [], "resultType": "complete" })));
    for word in ["what-was-said", "hunter2-hunter2", "key-of-the-caller", "abcdefgh12345678"] {
        world.gateway.plant(word);
    }
    let call = json!({ "name": "echo", "arguments": arguments() });
    assert_eq!(world.gateway.modern("open", "tools/call", call.clone()).send().await.status, 200);
    let session = world.gateway.session("open", None).await;
    assert_eq!(world.gateway.legacy("open", Some(&session), "tools/call", &call).send().await.status, 200);
    assert!(world.recorder.saw("hunter2-hunter2"), "the message itself passes unchanged");
    for record in world.gateway.records().await {
        assert!(record.get("arguments").is_none() && record.get("result").is_none(), "{record}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_asked_for_is_kept_without_secrets() {
    for (server, arguments_kept, result_kept) in
        [("both", true, true), ("arguments", true, false), ("results", false, true), ("open", false, false)]
    {
        for stream in [false, true] {
            let world = World::with(RECORDING).await;
            let reply = if stream { Reply::result_after([], result()) } else { Reply::result(result()) };
            world.recorder.once("tools/call", reply);
            // The upstream may know them, the store may not; the answer to the caller has its own.
            for word in ["hunter2-hunter2", "key-of-the-caller", "abcdefgh12345678"] {
                world.gateway.plant(word);
            }
            let call = json!({ "name": "echo", "arguments": arguments() });
            let answer = world.gateway.modern(server, "tools/call", call).send().await;
            assert!(answer.text().contains("token-of-the-upstream"), "the caller gets the whole result");
            let record = world.gateway.last_record().await;
            let kept = |name: &str| {
                let text = record.get(name).and_then(Value::as_str)?;
                Some(serde_json::from_str::<Value>(text).unwrap())
            };
            assert_eq!(kept("arguments").is_some(), arguments_kept, "{server}: {record}");
            assert_eq!(kept("result").is_some(), result_kept, "{server}, stream {stream}: {record}");
            if let Some(kept) = kept("arguments") {
                let arguments = &kept["arguments"];
                assert_eq!(arguments["text"], "what-was-said");
                assert_eq!(arguments["password"], "[redacted]");
                assert_eq!(arguments["nested"][0]["Api_Key"], "[redacted]");
                assert_eq!(arguments["note"], "[redacted]");
            }
            if let Some(kept) = kept("result") {
                assert_eq!(kept["content"][0]["text"], "what-was-answered");
                assert_eq!(kept["structuredContent"]["access_token"], "[redacted]");
                assert_eq!(kept["structuredContent"]["user"], "ann");
            }
            assert!(!record.to_string().contains("token-of-the-upstream"), "{record}");
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn content_that_is_too_long_is_measured_not_kept() {
    let world = World::with(RECORDING).await;
    let call = json!({ "name": "echo", "arguments": { "text": "x".repeat(20_000) } });
    assert_eq!(world.gateway.modern("both", "tools/call", call).send().await.status, 200);
    let record = world.gateway.last_record().await;
    for name in ["arguments", "result"] {
        let text = record[name].as_str().unwrap();
        assert!(text.ends_with("bytes, not kept]"), "{name}: {text}");
    }
    world.finish().await;
}

#[tokio::test]
async fn refusals_keep_no_results_and_errors_none_either() {
    let world = World::with(RECORDING).await;
    world.recorder.once("tools/call", Reply::error(-32000, "an-error-of-the-upstream"));
    let answer = world.gateway.modern("both", "tools/call", json!({ "name": "echo" })).send().await;
    assert_eq!(answer.error_code(), -32000);
    let record = world.gateway.last_record().await;
    assert!(record.get("result").is_none(), "{record}");
    world.finish().await;
}

/// Every way in which a secret could get into the store, in one go; the harness looks for all of them.
#[tokio::test]
async fn no_secret_of_anybody_is_in_the_store() {
    let plan = Plan::default().secret("OTHER", "another-upstream-credential");
    let more = r#"
        [[upstream]]
        name = "other"
        url = "http://127.0.0.1:9/mcp"
        credential = { kind = "bearer", value = { env = "OTHER" } }
        [[server]]
        name = "unreachable"
        upstreams = ["other"]
        access = ["jwt"]
        audience = "urn:unreachable"
        "#;
    let world = World::planned(plan, more).await;
    let good = world.token("alice", "jwt");
    let wrong = world.token("alice", "twin");
    let gateway = &world.gateway;
    for call in [
        gateway.modern("jwt", "tools/list", json!({})).bearer(&good),
        gateway.modern("jwt", "tools/list", json!({})).bearer(&wrong),
        gateway
            .modern("jwt", "tools/list", json!({}))
            .bearer(&good)
            .header("Cookie", "sid=cookie-0011223344"),
        gateway.modern("own", "tools/list", json!({})).bearer("dwa_0123456789abcdef0123456789abcdef"),
        gateway.call("GET", &format!("/mcp/jwt?access_token={wrong}")),
        gateway.call("GET", &format!("/nowhere?access_token={good}")),
        gateway.modern("jwt", "tools/list", json!({})).bearer(&good).bearer(&wrong),
        gateway
            .modern("jwt", "tools/list", json!({}))
            .header("Authorization", "Basic Ym9iOmJhc2ljLXNlY3JldA=="),
    ] {
        call.send().await;
    }
    let claims = world.issuer.claims("alice", "urn:unreachable");
    let token = world.issuer.mint(claims).unwrap();
    let answer = world.gateway.modern("unreachable", "tools/list", json!({})).bearer(&token).send().await;
    assert_eq!(answer.json()["error"]["data"]["reason"], "upstream_unreachable");
    world.finish().await;
}
