//! Everything else passes byte for byte: members that nobody knows, numbers, white space, order.

use proptest::{collection::vec, prelude::*};

use super::*;

/// JSON texts that a re-encoder would change.
fn odd_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("1.50".to_owned()),
        Just("-0".to_owned()),
        Just("1E+400".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just(r#""\u0041\/\ud83d\ude00""#.to_owned()),
        Just(r#""\ud800""#.to_owned()),
        Just("[ 1 ,2,\t[] ]".to_owned()),
        Just(r#"{"id":1,"taskId":"x","tools":[{"name":"hidden"}],"nextCursor":"c"}"#.to_owned()),
        Just("null".to_owned()),
        "[ -!#-\\[\\]-~]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ]
}

fn members() -> impl Strategy<Value = String> {
    vec(("[a-w]{1,6}", odd_value(), "[ \n\t]{0,2}"), 0..5).prop_map(|members| {
        // The number keeps names apart from each other, the prefix from those of the protocol.
        let text = |(n, (name, value, space)): (usize, (String, String, String))| {
            format!("{space}\"x-{name}{n}\"{space}:{value},")
        };
        members.into_iter().enumerate().map(text).collect()
    })
}

/// Methods whose results here have no member that is edited.
const PLAIN: [Method; 8] = [
    Method::ToolsCall,
    Method::PromptsGet,
    Method::ResourcesRead,
    Method::CompletionComplete,
    Method::Ping,
    Method::LoggingSetLevel,
    Method::ToolsList,
    Method::ServerDiscover,
];

/// Notifications that this virtual server (`prompts = []`) may report.
const REPORTED: [&str; 4] =
    ["notifications/message", "notifications/progress", "notifications/tools/list_changed", "x/y"];

fn era(modern: bool) -> Era {
    if modern { Era::Modern } else { Era::Legacy }
}

proptest! {
    #[test]
    fn results_pass_but_for_the_id(
        outer in members(), inner in members(), which in 0..PLAIN.len(), modern: bool,
    ) {
        let door = Door::answering(published(""), era(modern), PLAIN[which], "\"c\"");
        let message = |id: &str| {
            format!("{{{outer}\"id\":{id} ,\"result\":{{{inner}\"q\":1}},\n\"jsonrpc\":\"2.0\"}}")
        };
        let passed = door.passed(message(&format!("\"{}\"", own("\"c\"")))).expect("passed");
        prop_assert_eq!(passed, message("\"c\""));
    }

    #[test]
    fn errors_pass_but_for_the_id(outer in members(), inner in members(), data in odd_value()) {
        let door = Door::answering(published("tools = []"), Era::Modern, Method::ToolsCall, "3");
        let message = |id: &str| {
            let error = format!("{{{inner}\"code\":-5,\"data\":{data}}}");
            format!("{{{outer}\"jsonrpc\":\"2.0\",\"error\":{error},\"id\":{id}}}")
        };
        let passed = door.passed(message(&format!("\"{}\"", own("3")))).expect("passed");
        prop_assert_eq!(passed, message("3"));
    }

    #[test]
    fn notifications_pass_untouched(
        outer in members(), inner in members(), which in 0..REPORTED.len(), modern: bool,
    ) {
        let door = Door::answering(published("prompts = []"), era(modern), Method::ToolsCall, "3");
        let params = format!("{{{inner}\"p\":1}}");
        let method = REPORTED[which];
        let message = format!("{{{outer}\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{params}}}");
        let verdict = door.examine(&message);
        let passes = matches!(verdict, Ok(Verdict { fate: Fate::Pass, is_answer: false, .. }));
        prop_assert!(passes, "{}", message);
    }

    /// Whatever comes: no panic, and nothing hidden.
    #[test]
    fn damaged_lists_show_nothing_hidden(at in 0_usize..400, byte: u8, cut in 0_usize..4) {
        let door = Door::answering(published("tools = [\"echo\"]"), Era::Modern, Method::ToolsList, "3");
        let result = r#"{"tools":[{"name":"echo"},{"name":"hide"}],"nextCursor":"c"}"#;
        let mut damaged =
            format!(r#"{{"jsonrpc":"2.0","id":"{}","result":{result}}}"#, own("3")).into_bytes();
        let length = damaged.len();
        damaged[at % length] = byte;
        damaged.truncate(length - cut);
        if let Ok(Verdict { fate: Fate::Replace(passed), .. }) = door.examine(&damaged) {
            let names = parsed(&passed)["result"]["tools"].to_string();
            prop_assert!(!names.contains("hide"), "{}", names);
        }
    }
}

#[test]
fn a_listen_stream_is_named_by_the_callers_id() {
    for client_id in ["0", "\"\"", "\"listen-1\"", "12"] {
        let door = Door::answering(published(""), Era::Modern, Method::SubscriptionsListen, client_id);
        for message in [
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"a":1.0,"io.modelcontextprotocol/subscriptionId":$id},"x":[ ]}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":$id},"notifications":{"toolsListChanged":true,"v":1}}}"#,
            r#"{"jsonrpc":"2.0","id":$id,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":$id},"y": 2}}"#,
        ] {
            let passed = door.passed(message.replace("$id", &format!("\"{}\"", own(client_id))));
            assert_eq!(passed.expect("passed"), message.replace("$id", client_id).as_bytes());
        }
    }
}

#[test]
fn handles_are_sealed_where_they_stand_and_nowhere_else() {
    let door = Door::answering(published(""), Era::Modern, Method::ToolsCall, "1");
    let inner = json!({ "taskId": "t-1", "requestState": "s-1" });
    let message = json!({ "jsonrpc": "2.0", "id": own("1"), "result":
        { "resultType": "task", "taskId": "t-1", "requestState": "s-1", "x": inner } })
    .to_string();
    let passed = parsed(&door.passed(&message).expect("passed"));
    let result = &passed["result"];
    assert_eq!(result["x"], inner);
    let task = result["taskId"].as_str().expect("a task");
    let state = result["requestState"].as_str().expect("a state");
    let holder = door.exchange.holder();
    assert_eq!(door.sealers.open_task(task, holder).as_deref(), Some("t-1"));
    assert_eq!(door.sealers.open_state(state, "", NOW, holder).as_deref(), Some("s-1"));
    let again = parsed(&door.passed(&message).expect("passed"));
    assert_eq!(again["result"]["taskId"], task, "the same task has the same id");
}

#[test]
fn a_session_keeps_its_members_of_those_names() {
    let door = Door::answering(published(""), Era::Legacy, Method::ToolsCall, "1");
    let message = |id: &str| {
        let result = r#"{"resultType":"task","taskId":"t","requestState":"s"}"#;
        format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
    };
    let passed = door.passed(message(&format!("\"{}\"", own("1")))).expect("passed");
    assert_eq!(passed, message("1").as_bytes());
}
