//! 2026-07-28: which requests are modern, and in which order they are checked (transports, versioning).

use serde_json::{Value, json};

use super::{asked, refusal};
use crate::harness::{Call, Gateway, MODERN, World, meta};

const LIST: &str = "tools/list";

/// A request whose `params` and version header are anything.
fn odd<'g>(gateway: &'g Gateway, version: Option<&str>, method: &str, params: Option<Value>) -> Call<'g> {
    let mut body = json!({ "jsonrpc": "2.0", "id": 7, "method": method });
    if let Some(params) = params {
        body["params"] = params;
    }
    let call = gateway.post("open", body.to_string()).header("Mcp-Method", method);
    match version {
        Some(version) => call.header("MCP-Protocol-Version", version),
        None => call,
    }
}

fn meta_of(version: &Value) -> Value {
    let mut meta = meta();
    meta["io.modelcontextprotocol/protocolVersion"] = version.clone();
    json!({ "_meta": meta })
}

fn without(key: &str) -> Value {
    let mut meta = meta();
    meta.as_object_mut().expect("an object").remove(&format!("io.modelcontextprotocol/{key}"));
    json!({ "_meta": meta })
}

fn capabilities(value: Value) -> Value {
    let mut meta = meta();
    meta["io.modelcontextprotocol/clientCapabilities"] = value;
    json!({ "_meta": meta })
}

#[tokio::test]
async fn header_and_body_together_say_what_is_modern_and_what_is_wrong_with_it() {
    let world = World::start().await;
    let good = || Some(json!({ "_meta": meta() }));
    let of = |version: &str| Some(meta_of(&json!(version)));
    let rows = [
        ("header only, no params", Some(MODERN), None, 400, -32602),
        ("header only, empty params", Some(MODERN), Some(json!({})), 400, -32602),
        ("header only, _meta is no object", Some(MODERN), Some(json!({ "_meta": [] })), 400, -32602),
        ("an unknown header version, no _meta", Some("v999"), Some(json!({})), 400, -32602),
        ("body only", None, good(), 400, -32020),
        ("legacy header, modern body", Some("2025-11-25"), good(), 400, -32020),
        ("unknown header, modern body", Some("v999"), good(), 400, -32020),
        ("modern header, unknown body", Some(MODERN), of("v999"), 400, -32020),
        ("empty header, modern body", Some(""), good(), 400, -32020),
        ("header in another case", Some("2026-07-28x"), good(), 400, -32020),
        ("both unknown", Some("v999"), of("v999"), 400, -32022),
        ("both legacy in a modern shape", Some("2025-11-25"), of("2025-11-25"), 400, -32022),
        ("a version that is no string", Some(MODERN), Some(meta_of(&json!(20_260_728))), 400, -32602),
        ("no version in _meta", Some(MODERN), Some(without("protocolVersion")), 400, -32602),
        ("no capabilities", Some(MODERN), Some(without("clientCapabilities")), 400, -32602),
        ("capabilities null", Some(MODERN), Some(capabilities(Value::Null)), 400, -32602),
        ("capabilities a list", Some(MODERN), Some(capabilities(json!([]))), 400, -32602),
        ("capabilities a text", Some(MODERN), Some(capabilities(json!("all"))), 400, -32602),
    ];
    for (case, version, params, status, code) in rows {
        let answer = odd(&world.gateway, version, LIST, params).send().await;
        assert_eq!(refusal(&answer), (status, code, json!(7)), "{case}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{case}");
    }
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    for (case, version, params) in [
        ("both", MODERN, good()),
        ("no clientInfo", MODERN, Some(without("clientInfo"))),
        ("white space around the header", " \t2026-07-28  ", good()),
    ] {
        let answer = odd(&world.gateway, Some(version), LIST, params).send().await;
        assert!(answer.result()["tools"].is_array(), "{case}");
    }
    world.finish().await;
}

#[tokio::test]
async fn an_unsupported_version_is_told_which_are_supported() {
    let world = World::start().await;
    for version in ["v999", "2025-11-25", "2031-01-01", "a\"b", ""] {
        let answer = odd(&world.gateway, Some(version), LIST, Some(meta_of(&json!(version)))).send().await;
        let wanted = json!({ "supported": [MODERN], "requested": version });
        assert_eq!((answer.status, &answer.json()["error"]["data"]), (400, &wanted));
    }
    // What is offered there is a subset of what discover lists.
    let discovered = world.gateway.modern("open", "server/discover", json!({})).send().await;
    assert_eq!(discovered.result()["supportedVersions"], json!([MODERN]));
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_single_request_is_refused_before_anything_else() {
    let world = World::start().await;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": LIST, "params": { "_meta": meta() } });
    for (body, code) in [
        (json!([request]).to_string(), -32600),
        ("[]".to_owned(), -32600),
        ("7".to_owned(), -32600),
        (json!({ "jsonrpc": "2.0", "id": 1, "result": {} }).to_string(), -32600),
        (json!({ "jsonrpc": "1.0", "id": 1, "method": LIST }).to_string(), -32600),
        (json!({ "jsonrpc": "2.0", "id": null, "method": LIST }).to_string(), -32600),
        (json!({ "jsonrpc": "2.0", "id": 1.5, "method": LIST }).to_string(), -32600),
        (json!({ "jsonrpc": "2.0", "id": [1], "method": LIST }).to_string(), -32600),
        (json!({ "jsonrpc": "2.0", "id": 1, "method": LIST, "params": [] }).to_string(), -32600),
        (json!({ "jsonrpc": "2.0", "id": 1, "method": LIST, "Params": {} }).to_string(), -32600),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#.to_owned(), -32600),
        (r#"{"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"tools/list"}"#.to_owned(), -32600),
        ("{".to_owned(), -32700),
        (String::new(), -32700),
    ] {
        let call = world.gateway.post("open", body.clone());
        let answer = call.header("MCP-Protocol-Version", MODERN).header("Mcp-Method", LIST).send().await;
        assert_eq!(refusal(&answer), (400, code, Value::Null), "{body}");
    }
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn methods_of_sessions_do_not_exist_for_modern_requests() {
    let world = World::start().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/result",
        "sampling/createMessage",
        "Tools/List",
        "vendor/x",
        "",
    ] {
        let answer = world.gateway.modern("open", method, json!({ "uri": "note:///first" })).send().await;
        assert_eq!(refusal(&answer), (404, -32601, json!(1)), "{method:?}");
    }
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn get_and_delete_do_not_exist_for_modern_requests() {
    let world = World::start().await;
    for method in ["GET", "DELETE"] {
        for version in [MODERN, "v999"] {
            let call = world.gateway.call(method, "/mcp/open").header("Accept", "text/event-stream");
            let answer = call.header("MCP-Protocol-Version", version).send().await;
            assert_eq!(answer.status, 405, "{method}");
            assert!(answer.header("allow").unwrap().contains("POST"), "{method}");
        }
    }
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn a_session_header_means_nothing_to_a_modern_request() {
    let world = World::start().await;
    for session in ["garbage", "", "recorder-1"] {
        let call = world.gateway.modern("open", LIST, json!({})).header("Mcp-Session-Id", session);
        let answer = call.header("Last-Event-ID", "17").send().await;
        assert!(answer.result()["tools"].is_array());
        assert_eq!(answer.header("mcp-session-id"), None);
    }
    for request in world.recorder.requests() {
        assert_eq!(request.header("mcp-session-id"), None);
        assert_eq!(request.header("last-event-id"), None);
    }
    // Not even when the upstream gives one.
    let reply = doorward_testkit::recorder::Reply::result(json!({ "tools": [] }));
    world.recorder.once(LIST, reply.header("mcp-session-id", "recorder-9"));
    let answer = world.gateway.modern("open", LIST, json!({})).send().await;
    assert_eq!(answer.header("mcp-session-id"), None);
    world.finish().await;
}

#[tokio::test]
async fn every_id_comes_back_with_its_json_type_in_results_and_in_refusals() {
    let world = World::start().await;
    for id in [json!(0), json!(-3), json!(9_007_199_254_740_993_i64), json!(""), json!("1"), json!("é\"\\")]
    {
        let body = |method: &str| {
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "_meta": meta() } }).to_string()
        };
        let call = |method: &str| {
            let call = world.gateway.post("open", body(method)).header("MCP-Protocol-Version", MODERN);
            call.header("Mcp-Method", method)
        };
        let served = call(LIST).send().await;
        assert_eq!((served.status, &served.json()["id"]), (200, &id));
        let unknown = call("vendor/x").send().await;
        assert_eq!(refusal(&unknown), (404, -32601, id.clone()));
        let mismatch = call(LIST).set("Mcp-Method", "tools/call").send().await;
        assert_eq!(refusal(&mismatch), (400, -32020, id.clone()));
    }
    // So does the longest; one that is longer is none.
    for (length, status) in [(254, 200), (255, 400)] {
        let long = "x".repeat(length);
        let body = json!({ "jsonrpc": "2.0", "id": long, "method": LIST, "params": { "_meta": meta() } });
        let call = world.gateway.post("open", body.to_string()).header("MCP-Protocol-Version", MODERN);
        let answer = call.header("Mcp-Method", LIST).send().await;
        let echoed = if status == 200 { json!(long) } else { Value::Null };
        assert_eq!((answer.status, &answer.json()["id"]), (status, &echoed), "{}", answer.text());
        assert_eq!(answer.error_code(), if status == 200 { 0 } else { -32600 });
    }
    // Towards the upstream all of them are ours.
    for request in world.recorder.requests() {
        let id = request.json()["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("dw."), "{id}");
    }
    world.finish().await;
}

#[tokio::test]
async fn notifications_of_a_client_are_taken_and_go_no_further() {
    let world = World::start().await;
    for method in ["notifications/initialized", "notifications/cancelled", "notifications/x"] {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": { "_meta": meta() } }).to_string();
        let call = world.gateway.post("open", body).header("MCP-Protocol-Version", MODERN);
        let answer = call.header("Mcp-Method", method).send().await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{method}");
    }
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn tasks_are_for_clients_that_declared_the_extension_in_the_request() {
    let world = World::start().await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        for extensions in [json!({}), json!({ "extensions": {} }), json!({ "extensions": { "x": {} } })] {
            let mut params = capabilities(extensions);
            params["taskId"] = json!("t-1");
            let answer = world.gateway.modern("open", method, params).send().await;
            assert_eq!(refusal(&answer), (400, -32021, json!(1)), "{method}");
            let required = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
            assert_eq!(answer.json()["error"]["data"]["requiredCapabilities"], required);
        }
    }
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    world.finish().await;
}
