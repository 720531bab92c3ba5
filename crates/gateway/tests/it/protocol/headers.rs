//! The headers that mirror a modern request (SEP-2243): compared with the body, and made anew for the upstream.

use doorward_testkit::recorder::Reply;
use serde_json::json;

use super::{asked, refusal};
use crate::harness::{Call, World};

fn call_tool<'g>(world: &'g World, name: &str) -> Call<'g> {
    world.gateway.modern("open", "tools/call", json!({ "name": name, "arguments": {} }))
}

#[tokio::test]
async fn headers_that_differ_from_the_body_are_refused() {
    let world = World::start().await;
    let call = || call_tool(&world, "echo");
    let rows: Vec<(&str, Call<'_>)> = vec![
        ("no method", call().without("Mcp-Method")),
        ("another method", call().set("Mcp-Method", "tools/list")),
        ("a method in another case", call().set("Mcp-Method", "Tools/Call")),
        ("an empty method", call().set("Mcp-Method", "")),
        ("two methods", call().header("Mcp-Method", "tools/call")),
        ("two versions", call().header("MCP-Protocol-Version", "2026-07-28")),
        ("two different versions", call().header("MCP-Protocol-Version", "2025-11-25")),
        ("two methods in one", call().set("Mcp-Method", "tools/call, tools/call")),
        ("no name", call().without("Mcp-Name")),
        ("another name", call().set("Mcp-Name", "add")),
        ("a name in another case", call().set("Mcp-Name", "Echo")),
        ("an empty name", call().set("Mcp-Name", "")),
        ("two names", call().header("Mcp-Name", "echo")),
        ("another name in base64", call().set("Mcp-Name", "=?base64?YWRk?=")),
        ("no base64", call().set("Mcp-Name", "=?base64?ec!o?=")),
        ("base64 without padding", call().set("Mcp-Name", "=?base64?ZWNobw?=")),
        ("base64 that is no UTF-8", call().set("Mcp-Name", "=?base64?/////w==?=")),
        ("the sentinel in capitals is literal", call().set("Mcp-Name", "=?BASE64?ZWNobw==?=")),
        ("the sentinel without its end is literal", call().set("Mcp-Name", "=?base64?ZWNobw==")),
    ];
    for (case, call) in rows {
        let answer = call.send().await;
        assert_eq!(refusal(&answer), (400, -32020, json!(1)), "{case}");
    }
    // Bytes beyond ASCII are malformed, whatever they would say.
    let call = call_tool(&world, "écho").set("Mcp-Name", "écho");
    assert_eq!(call.send().await.error_code(), -32020);
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn header_names_come_in_any_case_and_values_with_white_space() {
    let world = World::start().await;
    let body = call_tool(&world, "echo");
    let call = body.without("MCP-Protocol-Version").without("Mcp-Method").without("Mcp-Name");
    let call = call.header("mcp-PROTOCOL-version", "  2026-07-28").header("MCP-METHOD", "tools/call \t");
    let answer = call.header("mcp-name", " \t echo ").send().await;
    assert!(answer.result()["content"].is_array());
    let seen = world.recorder.requests().pop().unwrap();
    for (name, value) in
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "echo")]
    {
        assert_eq!(seen.header(name), Some(value));
    }
    world.finish().await;
}

#[tokio::test]
async fn names_that_a_header_cannot_carry_travel_in_base64_on_both_sides() {
    let world = World::start().await;
    world.recorder.always("tools/call", Reply::result(json!({ "content": [] })));
    for (name, sent, forwarded) in [
        ("echo", "=?base64?ZWNobw==?=", "echo"),
        ("écho", "=?base64?w6ljaG8=?=", "=?base64?w6ljaG8=?="),
        (" echo", "=?base64?IGVjaG8=?=", "=?base64?IGVjaG8=?="),
        ("e\tcho", "=?base64?ZQljaG8=?=", "=?base64?ZQljaG8=?="),
        ("e cho", "e cho", "e cho"),
        (
            "=?base64?ZWNobw==?=",
            "=?base64?PT9iYXNlNjQ/WldOb2J3PT0/PQ==?=",
            "=?base64?PT9iYXNlNjQ/WldOb2J3PT0/PQ==?=",
        ),
        ("=?BASE64?x?=", "=?BASE64?x?=", "=?BASE64?x?="),
    ] {
        let answer = call_tool(&world, name).set("Mcp-Name", sent).send().await;
        assert!(answer.result()["content"].is_array(), "{name:?}");
        let seen = world.recorder.requests().pop().unwrap();
        assert_eq!(seen.json()["params"]["name"], name);
        assert_eq!(seen.header("mcp-name"), Some(forwarded), "{name:?}");
    }
    // A plain header that looks like base64 stands for the decoded name, not for itself.
    let confused = call_tool(&world, "=?base64?ZWNobw==?=").set("Mcp-Name", "=?base64?ZWNobw==?=");
    assert_eq!(confused.send().await.error_code(), -32020);
    world.finish().await;
}

#[tokio::test]
async fn what_a_request_names_is_compared_for_every_method_that_names_something() {
    let world = World::start().await;
    for (method, params) in [
        ("prompts/get", json!({ "name": "greeting" })),
        ("resources/read", json!({ "uri": "note:///first" })),
    ] {
        let call = || world.gateway.modern("open", method, params.clone());
        assert_eq!(call().set("Mcp-Name", "other").send().await.error_code(), -32020, "{method}");
        assert_eq!(call().without("Mcp-Name").send().await.error_code(), -32020, "{method}");
        assert_eq!(call().send().await.error_code(), 0, "{method}");
    }
    // Where nothing is named, the header is nobody's business, and does not travel.
    let list = world.gateway.modern("open", "tools/list", json!({})).header("Mcp-Name", "echo");
    assert!(list.send().await.result()["tools"].is_array());
    assert_eq!(world.recorder.requests().pop().unwrap().header("mcp-name"), None);
    world.finish().await;
}

#[tokio::test]
async fn mirrored_parameters_travel_as_they_came() {
    let world = World::start().await;
    let call = call_tool(&world, "echo").header("Mcp-Param-Region", "eu-1");
    let answer = call.header("MCP-Param-Other", "=?base64?w6k=?=").send().await;
    assert!(answer.result()["content"].is_array());
    let seen = world.recorder.requests().pop().unwrap();
    assert_eq!(seen.header("mcp-param-region"), Some("eu-1"));
    assert_eq!(seen.header("mcp-param-other"), Some("=?base64?w6k=?="));
    world.finish().await;
}
