//! Which JSON is taken: one reading only, for us and for everybody behind us.

use doorward_testkit::recorder::Reply;
use serde_json::json;

use super::{assert_refused, others_are_served};
use crate::harness::{Call, World, meta};

/// A modern call of `echo` with these arguments, as text.
fn with_arguments<'g>(world: &'g World, arguments: &str) -> Call<'g> {
    let call = world.gateway.modern("open", "tools/call", json!({ "name": "echo" }));
    call.body(format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{arguments},"_meta":{}}}}}"#,
        meta()
    ))
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn nesting_ends_at_the_limit() {
    let world = World::strict("[limits]\ndepth = 16").await;
    // `arguments` stands on the third level.
    for (arguments, status) in [
        (format!(r#"{{"a":{}}}"#, nested(13)), 200),
        (format!(r#"{{"a":{}}}"#, nested(14)), 400),
        (r#"{"a":"#.repeat(200) + "1" + &"}".repeat(200), 400),
        (nested(100_000), 400),
        ("[".repeat(100_000), 400),
        (r#"{"a":["#.repeat(50_000), 400),
    ] {
        let answer = with_arguments(&world, &arguments).send().await;
        let context = format!("{}…", &arguments[..arguments.len().min(40)]);
        assert_eq!(answer.status, status, "{context}: {}", answer.text());
        if status == 400 {
            assert_refused(&answer, 400, -32600, &context);
            assert_eq!(world.gateway.last_record().await["reason"], "too_deep");
        }
    }
    others_are_served(&world).await;
    world.finish().await;
}

#[tokio::test]
async fn nesting_of_an_upstream_ends_there_too() {
    let world = World::strict("[limits]\ndepth = 16").await;
    for (depth, passes) in [(8, true), (40, false)] {
        let deep: serde_json::Value = serde_json::from_str(&nested(depth)).unwrap();
        let result =
            json!({ "content": [], "structuredContent": { "deep": deep }, "resultType": "complete" });
        for reply in [Reply::result(result.clone()), Reply::result_after([], result.clone())] {
            world.recorder.once("tools/call", reply);
            let answer = world.gateway.modern("open", "tools/call", json!({ "name": "echo" })).send().await;
            let message = answer.events().pop().unwrap_or_else(|| answer.json());
            assert_eq!(message.get("result").is_some(), passes, "{message}");
            let reason = world.gateway.last_record().await["reason"].clone();
            assert_eq!(reason, if passes { "ok" } else { "upstream_invalid" });
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn two_members_of_one_name_are_refused_wherever_they_are() {
    let world = World::strict("").await;
    for arguments in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"":1,"":2}"#,
        r#"{"x":[{"y":{"a":1,"b":2,"a":1}}]}"#,
        r#"{"é":1,"\u00e9":2}"#,
        r#"{"😀":1,"\ud83d\ude00":2}"#,
        r#"{"a\/b":1,"a/b":2}"#,
    ] {
        let answer = with_arguments(&world, arguments).send().await;
        assert_refused(&answer, 400, -32600, arguments);
        assert_eq!(world.gateway.last_record().await["reason"], "duplicate_key", "{arguments}");
    }
    let meta = meta();
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","m\u0065thod":"tools/call"}"#.to_owned(),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","name":"delete_everything","_meta":{meta}}}}}"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","_meta":{meta},"_meta":{{}}}}}}"#
        ),
    ] {
        let answer = world.gateway.modern("open", "tools/list", json!({})).body(body.clone()).send().await;
        assert_refused(&answer, 400, -32600, &body);
    }
    assert!(world.recorder.requests().is_empty(), "nothing of it was forwarded");
    world.finish().await;
}

#[tokio::test]
async fn many_members_of_different_names_are_fine() {
    let world = World::start().await;
    let members: Vec<_> = (0..20_000).map(|number| format!("\"k{number}\":{number}")).collect();
    let answer = with_arguments(&world, &format!("{{{}}}", members.join(","))).send().await;
    assert_eq!(answer.status, 200);
    world.finish().await;
}

/// GHSA-4gph-2hhr-5mwg: a filter that reads `name` and an upstream that reads `Name`.
#[tokio::test]
async fn names_that_differ_in_case_from_ones_that_decide_are_refused() {
    let world = World::strict("").await;
    let meta = meta();
    let version = "io.modelcontextprotocol/PROTOCOLVERSION";
    for (method, params) in [
        ("tools/call", format!(r#"{{"name":"echo","Name":"delete_everything","_meta":{meta}}}"#)),
        ("tools/call", format!(r#"{{"name":"echo","NAME":"delete_everything","_meta":{meta}}}"#)),
        ("tools/call", format!(r#"{{"name":"echo","n\u0041me":"delete_everything","_meta":{meta}}}"#)),
        ("tools/call", format!(r#"{{"name":"echo","_Meta":{{}},"_meta":{meta}}}"#)),
        ("tools/call", format!(r#"{{"name":"echo","RequestState":"x","_meta":{meta}}}"#)),
        ("tools/list", format!(r#"{{"Cursor":"x","_meta":{meta}}}"#)),
        ("resources/read", format!(r#"{{"uri":"note:///first","URI":"note:///other","_meta":{meta}}}"#)),
        ("tools/list", format!(r#"{{"_meta":{{"{version}":"x",{}}}"#, &meta.to_string()[1..])),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let call = world.gateway.modern("open", method, json!({})).body(body.clone());
        let call = match method {
            "tools/call" => call.header("Mcp-Name", "echo"),
            "resources/read" => call.header("Mcp-Name", "note:///first"),
            _ => call,
        };
        let answer = call.send().await;
        assert!(answer.error_code() != 0, "{body}: {}", answer.text());
        assert_eq!(world.gateway.last_record().await["decision"], "refused", "{body}");
    }
    for body in [
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call","params":{{"_meta":{meta}}}}}"#
        ),
        format!(r#"{{"jsonrpc":"2.0","id":1,"ID":2,"method":"tools/list","params":{{"_meta":{meta}}}}}"#),
        format!(
            r#"{{"jsonrpc":"2.0","JSONRPC":"2.0","id":1,"method":"tools/list","params":{{"_meta":{meta}}}}}"#
        ),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{meta}}},"Params":{{}}}}"#
        ),
        format!(r#"{{"jsonrpc":"2.0","id":1,"METHOD":"tools/list","params":{{"_meta":{meta}}}}}"#),
    ] {
        let answer = world.gateway.modern("open", "tools/list", json!({})).body(body.clone()).send().await;
        assert_refused(&answer, 400, -32600, &body);
    }
    assert!(world.recorder.requests().is_empty(), "nothing of it was forwarded");
    world.finish().await;
}

#[tokio::test]
async fn in_arguments_case_is_the_tools_own_business() {
    let world = World::start().await;
    let arguments = r#"{"name":1,"Name":2,"NAME":3,"method":"x","Method":"y","_Meta":{}}"#;
    assert_eq!(with_arguments(&world, arguments).send().await.status, 200);
    assert!(world.recorder.saw(arguments), "and travels as it is");
    world.finish().await;
}

#[tokio::test]
async fn what_is_not_exactly_one_json_text_is_refused() {
    let world = World::strict("").await;
    let good = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.as_bytes();
    let text = |text: &str| text.as_bytes().to_vec();
    for body in [
        Vec::new(),
        text(" "),
        text("x"),
        text("{"),
        text(r#"{"jsonrpc":"2.0","id":1,"method":"ping""#),
        [good, b"x"].concat(),
        [good, good].concat(),
        [good, b","].concat(),
        [good, b"\0"].concat(),
        [b"\xef\xbb\xbf", good].concat(),
        text(r#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#),
        text(r"{'jsonrpc':'2.0','id':1,'method':'ping'}"),
        text(r#"{"jsonrpc":"2.0","id":1,"method":"ping"} // comment"#),
        text(r#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#),
        text(r#"{"jsonrpc":"2.0","id":NaN,"method":"ping"}"#),
        text(r#"{"jsonrpc":"2.0","id":+1,"method":"ping"}"#),
        text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\nng\"}"),
        text(r#"{"jsonrpc":"2.0","id":1,"method":"\x70ing"}"#),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xff\"}".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xc0\xaf\"}".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xed\xa0\x80\"}".to_vec(),
        "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ] {
        let context = String::from_utf8_lossy(&body).into_owned();
        let answer = world.gateway.post("open", body).send().await;
        assert_refused(&answer, 400, -32700, &context);
        assert_eq!(world.gateway.last_record().await["reason"], "malformed_json", "{context}");
    }
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let world = World::strict("").await;
    for body in [
        "null",
        "1",
        "\"ping\"",
        "[]",
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        "{}",
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
    ] {
        let answer = world.gateway.post("open", body).send().await;
        assert_refused(&answer, 400, -32600, body);
        assert_eq!(world.gateway.last_record().await["reason"], "not_json_rpc", "{body}");
    }
    let long = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(5000));
    assert_refused(&world.gateway.post("open", long).send().await, 400, -32600, "a long id");
    assert!(world.recorder.requests().is_empty());
    world.finish().await;
}
