//! Hidden is non-existent: the same bytes for both, in both eras, and the upstream hears of neither.

use doorward_protocol::mcp::header;
use serde_json::{Value, json};

use super::{FEW, NONE, asked, refusal};
use crate::harness::{Answer, World};

/// Both eras of one request; `session` belongs to the virtual server.
async fn both(world: &World, server: &str, session: &str, method: &str, params: &Value) -> [Answer; 2] {
    let modern = world.gateway.modern(server, method, params.clone());
    // As a client must send a name that a header cannot carry.
    let modern = match params["name"].as_str().or(params["uri"].as_str()) {
        Some(name) => modern.set("Mcp-Name", &header::encode(name)),
        None => modern,
    };
    let modern = modern.send().await;
    let legacy = world.gateway.legacy(server, Some(session), method, params).send().await;
    [modern, legacy]
}

#[tokio::test]
async fn a_hidden_tool_or_prompt_answers_exactly_as_one_that_does_not_exist() {
    let world = World::with(&format!("{FEW}{NONE}")).await;
    for server in ["few", "none"] {
        let session = world.gateway.session(server, None).await;
        let before = asked(&world.recorder);
        for (method, hidden, absent) in [
            ("tools/call", json!({ "name": "delete_everything" }), json!({ "name": "no_such_tool" })),
            (
                "tools/call",
                json!({ "name": "add", "arguments": { "a": 1 } }),
                json!({ "name": "", "arguments": {} }),
            ),
            ("tools/call", json!({ "name": "Echo" }), json!({ "name": "echo\u{0}" })),
            ("prompts/get", json!({ "name": "Greeting" }), json!({ "name": "no_such_prompt" })),
            (
                "completion/complete",
                json!({ "ref": { "type": "ref/prompt", "name": "Greeting" }, "argument": { "name": "a", "value": "" } }),
                json!({ "ref": { "type": "ref/prompt", "name": "none" }, "argument": { "name": "a", "value": "" } }),
            ),
        ] {
            let hidden = both(&world, server, &session, method, &hidden).await;
            let absent = both(&world, server, &session, method, &absent).await;
            for (hidden, absent) in hidden.into_iter().zip(absent) {
                assert_eq!(refusal(&hidden), (200, -32601, json!(1)), "{method}");
                assert_eq!(hidden.observable(), absent.observable(), "{method}");
                assert_eq!(
                    hidden.json()["error"].as_object().unwrap().len(),
                    2,
                    "code and message, nothing else"
                );
            }
        }
        assert_eq!(asked(&world.recorder), before, "the upstream heard of it");
        assert!(!world.recorder.saw("delete_everything"));
    }
    let record = world.gateway.last_record().await;
    assert_eq!((&record["reason"], &record["decision"]), (&json!("hidden"), &json!("refused")));
    world.finish().await;
}

#[tokio::test]
async fn a_hidden_resource_answers_exactly_as_one_that_does_not_exist() {
    let world = World::with(&format!("{FEW}{NONE}")).await;
    for server in ["few", "none"] {
        let session = world.gateway.session(server, None).await;
        let before = asked(&world.recorder);
        for uri in [
            "note:///second",
            "note:///nowhere",
            "note:///shelf/a/b",
            "note:///shelf/",
            "note:///shelf/..",
            "note:///shelf/%2e%2e",
            "note:///shelf/..%2Ffirst",
            "NOTE:///first",
            "note:///first ",
            "note:///first#x",
            "",
        ] {
            let [modern, legacy] =
                both(&world, server, &session, "resources/read", &json!({ "uri": uri })).await;
            assert_eq!(refusal(&modern), (200, -32602, json!(1)), "{uri}");
            assert_eq!(refusal(&legacy), (200, -32002, json!(1)), "{uri}");
            for answer in [modern, legacy] {
                let wanted = json!({ "uri": uri });
                assert_eq!(answer.json()["error"]["data"], wanted, "{uri}");
                let same =
                    world.gateway.modern(server, "resources/read", json!({ "uri": "x://none" })).send().await;
                assert_eq!(answer.json()["error"]["message"], same.json()["error"]["message"]);
            }
            for method in ["resources/subscribe", "resources/unsubscribe"] {
                let answer = world.gateway.legacy(server, Some(&session), method, &json!({ "uri": uri }));
                assert_eq!(refusal(&answer.send().await), (200, -32002, json!(1)), "{method} {uri}");
            }
            let completion = json!({ "ref": { "type": "ref/resource", "uri": uri }, "argument": {} });
            let [modern, legacy] = both(&world, server, &session, "completion/complete", &completion).await;
            assert_eq!((modern.error_code(), legacy.error_code()), (-32602, -32002), "{uri}");
        }
        assert_eq!(asked(&world.recorder), before, "the upstream heard of it");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_exposed_is_reached() {
    let world = World::with(FEW).await;
    let session = world.gateway.session("few", None).await;
    for (method, params) in [
        ("tools/call", json!({ "name": "echo", "arguments": {} })),
        ("prompts/get", json!({ "name": "greeting" })),
        ("resources/read", json!({ "uri": "note:///first" })),
        ("resources/read", json!({ "uri": "note:///shelf/a%20b" })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "greeting" }, "argument": {} }),
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/resource", "uri": "note:///shelf/{name}" }, "argument": {} }),
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/resource", "uri": "note:///first" }, "argument": {} }),
        ),
    ] {
        for answer in both(&world, "few", &session, method, &params).await {
            assert_eq!(answer.error_code(), 0, "{method} {params}: {}", answer.text());
        }
    }
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let answer = world.gateway.legacy("few", Some(&session), method, &json!({ "uri": "note:///first" }));
        assert_eq!(answer.send().await.error_code(), 0, "{method}");
    }
    world.finish().await;
}

#[tokio::test]
async fn members_that_another_reader_could_take_for_the_name_are_refused() {
    let world = World::with(FEW).await;
    for (method, params) in [
        ("tools/call", r#""name":"echo","Name":"delete_everything""#),
        ("tools/call", r#""name":"echo","NAME":"delete_everything""#),
        ("tools/call", r#""name":"echo","n\u0061ME":"delete_everything""#),
        ("resources/read", r#""uri":"note:///first","URI":"note:///second""#),
        ("prompts/get", r#""name":"greeting","_META":{}"#),
        ("completion/complete", r#""ref":{"type":"ref/prompt","name":"greeting","Name":"x"}"#),
        ("completion/complete", r#""ref":{"type":"ref/prompt","Type":"ref/resource","name":"greeting"}"#),
        ("completion/complete", r#""ref":{"type":"ref/vendor","name":"greeting"}"#),
        ("tools/call", r#""name":["echo"]"#),
        ("tools/call", r#""name":null"#),
        ("tools/call", r#""nam":"echo""#),
        ("resources/read", r#""uri":{"uri":"note:///first"}"#),
        ("resources/read", r#""uri":"note:///\ud800""#),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#);
        let answer = world.gateway.post("few", body).send().await;
        assert_eq!(refusal(&answer), (200, -32602, json!(1)), "{params}: {}", answer.text());
    }
    // The same name twice does not even get as far.
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","n\u0061me":"add"}}"#;
    assert_eq!(world.gateway.post("few", body).send().await.status, 400);
    assert_eq!(asked(&world.recorder), Vec::<String>::new());
    world.finish().await;
}

#[tokio::test]
async fn names_are_compared_as_they_are_meant_not_as_they_are_written() {
    let world = World::with(FEW).await;
    for (written, passes) in [
        (r"\u0065cho", true),
        (r"ech\u006F", true),
        (r"ECHO", false),
        (r"e\u0301cho", false),
        (r"echo\u0000", false),
    ] {
        let params = format!(r#"{{"name":"{written}","arguments":{{}}}}"#);
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        world.recorder.set_sessions(false);
        let answer = world.gateway.post("few", body).send().await;
        assert_eq!(answer.error_code() == 0, passes, "{written}");
        if passes {
            let seen = world.recorder.requests().pop().unwrap();
            assert!(seen.contains(written.as_bytes()), "as it was written");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn where_nothing_is_filtered_the_upstreams_own_answer_stands() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    for answer in both(&world, "open", &session, "tools/call", &json!({ "name": "no_such_tool" })).await {
        let error = json!({ "code": -32602, "message": "There is no such tool" });
        assert_eq!(answer.json()["error"], error);
    }
    world.finish().await;
}
