//! Which answers are answers: the ids towards the upstream are ours, and only they count.

use super::*;

fn response(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
}

#[test]
fn the_callers_id_comes_back_with_its_json_text() {
    for client_id in ["0", "-1", "9007199254740993", "\"\"", "\"1\"", r#""\u00e9\"x""#, "\" spaced \""] {
        let door = Door::answering(published(""), Era::Modern, Method::ToolsCall, client_id);
        let passed = door.passed(response(&format!("\"{}\"", own(client_id)))).expect("passed");
        assert_eq!(passed, response(client_id).as_bytes());
    }
}

#[test]
fn an_answer_with_any_other_id_is_not_one() {
    let door = Door::answering(published(""), Era::Modern, Method::ToolsCall, "1");
    let other_tag = Tag::new(*b"eight ...").own(b"1");
    let long = format!("\"{}\"", "x".repeat(600));
    for id in [
        "1",
        "\"1\"",
        "2",
        "true",
        "1.0",
        "{}",
        &format!("\"{}\"", own("2")),
        &format!("\"{}\"", own("\"1\"")),
        &format!("\"{other_tag}\""),
        &format!("\"{} \"", own("1")),
        &format!("\"{}.x\"", own("1")),
        &format!("\"x{}\"", own("1")),
        &long,
    ] {
        assert!(door.examine(response(id)).is_err(), "{id}");
    }
}

#[test]
fn an_error_that_names_no_request_answers_the_only_one_there_was() {
    let door = Door::answering(published(""), Era::Modern, Method::ToolsCall, "1");
    for message in [
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}}"#,
    ] {
        let verdict = door.examine(message).expect("an answer");
        assert!(verdict.is_answer);
        assert_eq!(verdict.error_code, Some(-32700));
        assert_eq!(parsed(&door.passed(message).expect("passed"))["id"], 1);
    }
}

#[test]
fn what_is_no_message_does_not_pass() {
    let door = Door::answering(published(""), Era::Legacy, Method::ToolsCall, "1");
    let id = own("1");
    for message in [
        String::new(),
        "<!doctype html>".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{}]", response(&format!("\"{id}\""))),
        format!("{}{{}}", response(&format!("\"{id}\""))),
        format!(r#"{{"jsonrpc":"1.0","id":"{id}","result":{{}}}}"#),
        format!(r#"{{"id":"{id}","result":{{}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"{id}"}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":[]}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{}},"error":{{}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"{id}","error":"no"}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"x","result":{{}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{}},"Result":{{}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{"a":1,"a":2}}}}"#),
        format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"result\":{{\"a\":\"\u{1}\"}}}}"),
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":[]}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":7}"#.to_owned(),
    ] {
        assert!(door.examine(&message).is_err(), "{message}");
    }
    assert!(door.examine(b"\xff\xfe{}").is_err());
    let deep = "[".repeat(200) + &"]".repeat(200);
    let deep = format!(r#"{{"jsonrpc":"2.0","id":"{id}","result":{{"a":{deep}}}}}"#);
    assert!(door.examine(deep).is_err());
}

#[test]
fn only_sessions_have_requests_of_the_server() {
    let request = r#"{"jsonrpc":"2.0","id":"s1","method":"sampling/createMessage","params":{"x":1}}"#;
    let legacy = Door::answering(published(""), Era::Legacy, Method::ToolsCall, "1");
    assert_eq!(legacy.passed(request).as_deref(), Some(request.as_bytes()));
    let modern = Door::answering(published(""), Era::Modern, Method::ToolsCall, "1");
    assert_eq!(modern.passed(request), None);
}

#[test]
fn an_answer_on_a_resumed_stream_finds_its_request_by_the_id_alone() {
    let door = Door::new(published("tools = [\"echo\"]"), Era::Legacy, Purpose::Stream);
    let list = r#"{"jsonrpc":"2.0","id":$id,"result":{"tools":[{"name":"echo"},{"name":"hidden"}]}}"#;
    let passed = door.passed(list.replace("$id", &format!("\"{}\"", own("4")))).expect("passed");
    assert_eq!(passed, r#"{"jsonrpc":"2.0","id":4,"result":{"tools":[{"name":"echo"}]}}"#.as_bytes());
    assert!(door.examine(response("4")).is_err(), "an id that is not ours");
    // Behind the tag an upstream can write what it likes; only an id comes out of it.
    for injected in ["4,\"result\":{\"tools\":[{\"name\":\"hidden\"}]},\"x\":1", "4\n\ndata: {}", "{}", ""] {
        assert!(door.examine(response(&format!("\"{}\"", own(injected)))).is_err(), "{injected}");
    }
}
