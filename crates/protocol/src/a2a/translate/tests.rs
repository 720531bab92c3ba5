use bytes::Bytes;
use serde_json::{Value, json};

use super::{AtInput, Untranslatable, event, params, plain, push_body, result};
use crate::a2a::{Dialect, Operation};
use crate::json::Document;

mod random;

use Dialect::{V1, V03Proto, V03Rpc};

const DIALECTS: [(Dialect, &str); 3] = [(V1, "v1"), (V03Rpc, "rpc"), (V03Proto, "proto")];

#[derive(Clone, Copy)]
enum What {
    Params(Operation),
    Result(Operation),
    Event,
}

fn document(value: &Value) -> Document {
    Document::parse(Bytes::from(value.to_string()), 64).unwrap()
}

fn translate(what: What, from: Dialect, to: Dialect, value: &Value) -> Result<Value, Untranslatable> {
    let document = document(value);
    let text = match what {
        What::Params(operation) => params(from, to, operation, document.root()),
        What::Result(operation) => result(from, to, operation, document.root()),
        What::Event => event(from, to, document.root(), AtInput::GoesOn),
    }?;
    // Nothing is ever written twice: our own reader refuses that.
    Document::parse(Bytes::from(text.clone()), 64).unwrap();
    Ok(serde_json::from_slice(&text).unwrap())
}

fn operation(name: &Value) -> Operation {
    let names = Operation::ALL.map(|operation| (format!("{operation:?}"), operation));
    names.into_iter().find(|(known, _)| name == known).unwrap().1
}

fn golden(fixtures: &str, what: impl Fn(&Value) -> What) {
    let cases: Vec<Value> = serde_json::from_str(fixtures).unwrap();
    for case in cases {
        let mut compared = 0;
        for (from, from_name) in DIALECTS {
            for (to, to_name) in DIALECTS {
                let only = case["only"].as_array();
                let wanted = json!(format!("{from_name}>{to_name}"));
                if from == to || only.is_some_and(|only| !only.contains(&wanted)) {
                    continue;
                }
                let (Some(source), Some(target)) = (case.get(from_name), case.get(to_name)) else { continue };
                let what = what(&case["as"]);
                let written = translate(what, from, to, source).map_err(|error| error.to_string());
                assert_eq!(written.as_ref(), Ok(target), "{}: {wanted}", case["name"]);
                check(to, target);
                compared += 1;
            }
        }
        assert!(compared > 0, "{} compares nothing", case["name"]);
    }
}

#[test]
fn golden_parameters() {
    golden(include_str!("tests/params.json"), |name| What::Params(operation(name)));
}

#[test]
fn golden_results() {
    golden(include_str!("tests/results.json"), |name| What::Result(operation(name)));
}

#[test]
fn golden_events() {
    golden(include_str!("tests/events.json"), |_| What::Event);
}

/// What the JSON schemas demand of whatever can be told by its members: required ones and the spelling of enums.
fn check(dialect: Dialect, value: &Value) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| check(dialect, element)),
        Value::Object(members) => {
            let has = |name: &str| members.contains_key(name);
            if dialect == V03Rpc {
                check_rpc(value);
            }
            for name in ["state", "role"].into_iter().filter(|name| has(name)) {
                let text = value[name].as_str().unwrap();
                let proto = text.starts_with(if name == "state" { "TASK_STATE_" } else { "ROLE_" });
                assert_eq!(proto, dialect != V03Rpc, "{value}");
                assert_eq!(text == "TASK_STATE_CANCELLED", dialect == V03Proto && text.contains("CANCEL"));
            }
            assert!(dialect != V1 || !has("kind") && !has("final") && !has("content"), "{value}");
            assert!(dialect != V03Proto || !has("kind") && !has("referenceTaskIds"), "{value}");
            // What is in these is nobody's business.
            let of_protocol =
                members.iter().filter(|(name, _)| !["metadata", "data"].contains(&name.as_str()));
            of_protocol.for_each(|(_, member)| check(dialect, member));
        }
        _ => {}
    }
}

fn check_rpc(value: &Value) {
    let required: &[&str] = match value["kind"].as_str() {
        Some("task") => &["id", "contextId", "status"],
        Some("message") => &["messageId", "role", "parts"],
        Some("status-update") => &["taskId", "contextId", "status", "final"],
        Some("artifact-update") => &["taskId", "contextId", "artifact"],
        Some("text") => &["text"],
        Some("file") => &["file"],
        Some("data") => &["data"],
        _ => &[],
    };
    for name in required {
        assert!(value.get(name).is_some(), "{value} has no {name}");
    }
    if value["kind"] == "data" {
        assert!(value["data"].is_object(), "{value}");
    }
}

#[test]
fn numbers_and_strangers_are_copied_to_the_letter() {
    let text = r#"{"message":{"messageId":"m\u00e9","role":"ROLE_USER","parts":[{"data":{"n": 9007199254740993, "f":1.0, "e":1E5}}],"metadata":{"big":18446744073709551616},"x-new":[ 1e0 ]}}"#;
    let document = Document::parse(Bytes::from_static(text.as_bytes()), 64).unwrap();
    let there = params(V1, V03Rpc, Operation::SendStreamingMessage, document.root()).unwrap();
    let there = Document::parse(Bytes::from(there), 64).unwrap();
    let back = params(V03Rpc, V1, Operation::SendStreamingMessage, there.root()).unwrap();
    assert_eq!(std::str::from_utf8(&back), Ok(text));
}

#[test]
fn input_required_is_final_where_the_stream_ends_there() {
    let update = |state: &str| {
        document(&json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status": {"state": state}}}))
    };
    for (state, input, last) in [
        ("TASK_STATE_INPUT_REQUIRED", AtInput::GoesOn, false),
        ("TASK_STATE_INPUT_REQUIRED", AtInput::Ends, true),
        ("TASK_STATE_AUTH_REQUIRED", AtInput::Ends, false),
        ("TASK_STATE_COMPLETED", AtInput::GoesOn, true),
        ("TASK_STATE_FAILED", AtInput::GoesOn, true),
        ("TASK_STATE_REJECTED", AtInput::GoesOn, true),
        ("TASK_STATE_SUBMITTED", AtInput::Ends, false),
    ] {
        let text = event(V1, V03Rpc, update(state).root(), input).unwrap();
        let written: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(written["final"], last, "{state} {input:?}");
    }
}

#[test]
fn webhooks_get_what_they_were_registered_for() {
    let sent =
        json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status": {"state": "TASK_STATE_FAILED"}}});
    let bare = json!({"kind": "status-update", "taskId": "t", "contextId": "c", "status": {"state": "failed"}, "final": true});
    for (to, body) in [(V1, &sent), (V03Rpc, &bare), (V03Proto, &bare)] {
        let written = push_body(to, document(&sent).root()).unwrap();
        assert_eq!(&serde_json::from_slice::<Value>(&written).unwrap(), body, "{to:?}");
    }
}

#[test]
fn every_answer_that_is_not_there_says_so() {
    for (what, from, to) in [
        (What::Params(Operation::ListTasks), V1, V03Rpc),
        (What::Params(Operation::ListTasks), V03Proto, V1),
        (What::Result(Operation::ListTasks), V1, V03Proto),
        (What::Result(Operation::GetExtendedAgentCard), V1, V03Rpc),
        (What::Result(Operation::SubscribeToTask), V1, V03Rpc),
    ] {
        let error = translate(what, from, to, &json!({})).unwrap_err();
        assert_eq!(error.to_string(), "the payload is not known to the other version");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_is_not_the_dialect_is_refused_by_its_field() {
    use Operation as O;
    let message = |part: Value| json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [part]}});
    let old = |part: Value| json!({"message": {"messageId": "m", "role": "user", "parts": [part]}});
    let proto = |part: Value| json!({"message": {"messageId": "m", "role": "ROLE_USER", "content": [part]}});
    for (what, from, to, value, field) in [
        (What::Params(O::SendMessage), V1, V03Rpc, json!([]), ""),
        (What::Params(O::SendMessage), V1, V03Rpc, json!({}), "message"),
        (What::Params(O::SendMessage), V1, V03Rpc, json!({"message": 1}), "message"),
        (What::Params(O::SendMessage), V1, V03Rpc, json!({"message": {}}), "message.messageId"),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": ""}}),
            "message.messageId",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m", "message_id": "n"}}),
            "message.messageId",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m", "role": "system"}}),
            "message.role",
        ),
        (
            What::Params(O::SendMessage),
            V03Rpc,
            V1,
            json!({"message": {"messageId": "m", "role": 1}}),
            "message.role",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m", "parts": {}}}),
            "message.parts",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m", "extensions": ["a", 1]}}),
            "message.extensions[1]",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m", "metadata": []}}),
            "message.metadata",
        ),
        (What::Params(O::SendMessage), V1, V03Rpc, message(json!({})), "message.parts[0]"),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            message(json!({"text": "a", "url": "b"})),
            "message.parts[0]",
        ),
        (What::Params(O::SendMessage), V1, V03Rpc, message(json!({"text": 1})), "message.parts[0].text"),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            message(json!({"url": "u", "mediaType": {}})),
            "message.parts[0].mediaType",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            message(json!({"text": "", "metadata": 3})),
            "message.parts[0].metadata",
        ),
        (What::Params(O::SendMessage), V03Rpc, V1, old(json!({"kind": "video"})), "message.parts[0].kind"),
        (What::Params(O::SendMessage), V03Rpc, V1, old(json!({"kind": "text"})), "message.parts[0]"),
        (
            What::Params(O::SendMessage),
            V03Rpc,
            V1,
            old(json!({"kind": "data", "data": [1]})),
            "message.parts[0].data",
        ),
        (
            What::Params(O::SendMessage),
            V03Rpc,
            V1,
            old(json!({"kind": "file", "file": "x"})),
            "message.parts[0].file",
        ),
        (
            What::Params(O::SendMessage),
            V03Rpc,
            V1,
            old(json!({"kind": "file", "file": {"bytes": "a", "uri": "b"}})),
            "message.parts[0].file",
        ),
        (
            What::Params(O::SendMessage),
            V03Proto,
            V1,
            proto(json!({"data": {"data": 1}})),
            "message.parts[0].data",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m"}, "configuration": {"historyLength": -1}}),
            "configuration.historyLength",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m"}, "configuration": {"historyLength": 1.5}}),
            "configuration.historyLength",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m"}, "configuration": {"returnImmediately": "no"}}),
            "configuration.returnImmediately",
        ),
        (
            What::Params(O::SendMessage),
            V1,
            V03Rpc,
            json!({"message": {"messageId": "m"}, "configuration": {"taskPushNotificationConfig": {"url": ""}}}),
            "configuration.taskPushNotificationConfig.url",
        ),
        (
            What::Params(O::SendMessage),
            V03Rpc,
            V1,
            json!({"message": {"messageId": "m"}, "configuration": {"pushNotificationConfig": {"url": "u", "authentication": {"schemes": [1]}}}}),
            "configuration.pushNotificationConfig.authentication.scheme",
        ),
        (What::Params(O::GetTask), V1, V03Proto, json!({"id": "a/b"}), "id"),
        (What::Params(O::GetTask), V1, V03Rpc, json!({"id": ""}), "id"),
        (What::Params(O::GetTask), V03Proto, V1, json!({"name": "task/t"}), "name"),
        (What::Params(O::GetPushConfig), V03Proto, V1, json!({"name": "tasks/t"}), "name"),
        (What::Params(O::DeletePushConfig), V1, V03Rpc, json!({"taskId": "t"}), "id"),
        (What::Params(O::DeletePushConfig), V1, V03Proto, json!({"taskId": "t", "id": ".."}), "id"),
        (What::Params(O::CreatePushConfig), V1, V03Rpc, json!({"taskId": "t", "url": 3}), "url"),
        (What::Params(O::CreatePushConfig), V1, V03Rpc, json!({"url": "u"}), "taskId"),
        (
            What::Params(O::CreatePushConfig),
            V03Rpc,
            V1,
            json!({"taskId": "t", "pushNotificationConfig": {}}),
            "pushNotificationConfig.url",
        ),
        (
            What::Params(O::CreatePushConfig),
            V03Proto,
            V1,
            json!({"parent": "tasks/t", "config": {"name": "tasks/u", "pushNotificationConfig": {"url": "u"}}}),
            "config.name",
        ),
        (
            What::Params(O::CreatePushConfig),
            V03Proto,
            V1,
            json!({"parent": "tasks/t", "configId": "c", "config": {"pushNotificationConfig": {"id": "d", "url": "u"}}}),
            "configId",
        ),
        (What::Result(O::SendMessage), V03Rpc, V1, json!({"id": "t"}), "kind"),
        (What::Result(O::SendMessage), V03Rpc, V1, json!({"kind": "status-update"}), "kind"),
        (What::Result(O::SendMessage), V1, V03Rpc, json!({"task": {"id": "t"}, "message": {}}), ""),
        (What::Result(O::SendMessage), V1, V03Rpc, json!({"statusUpdate": {}}), ""),
        (What::Result(O::GetTask), V1, V03Rpc, json!({"id": "t", "status": {"state": true}}), "status.state"),
        (
            What::Result(O::GetTask),
            V1,
            V03Rpc,
            json!({"id": "t", "artifacts": [{"artifactId": "a"}, {}]}),
            "artifacts[1].artifactId",
        ),
        (What::Result(O::ListPushConfigs), V1, V03Rpc, json!({"configs": [1]}), "configs[0]"),
        (
            What::Event,
            V1,
            V03Rpc,
            json!({"statusUpdate": {"taskId": "t", "status": {"state": []}}}),
            "statusUpdate.status.state",
        ),
        (What::Event, V03Rpc, V03Proto, json!({"kind": "status-update", "taskId": "t", "final": 1}), "final"),
        (What::Event, V1, V03Rpc, json!({"artifactUpdate": {"taskId": "t"}}), "artifactUpdate.artifact"),
        (What::Event, V1, V03Rpc, json!(null), ""),
    ] {
        let answer = translate(what, from, to, &value);
        let error = answer.as_ref().expect_err(&format!("{value}"));
        // Parts are named by the member that 1.0 calls so, or by that of the dialect.
        assert_eq!(error.field().replace("content", "parts"), field, "{value}: {error}");
    }
}

#[test]
fn no_spelling_smuggles_a_member_past_the_translation() {
    let hidden = json!({"message": {"messageId": "m", "role": "user", "parts": [], "TaskId": "victim", "context_Id": "victim",
        "content": [{"text": "x"}]}, "returnImmediately": true, "Tenant": "victim", "": 1});
    let written = translate(What::Params(Operation::SendMessage), V03Rpc, V1, &hidden).unwrap();
    assert_eq!(
        written,
        json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": []}, "returnImmediately": true, "": 1})
    );
}

#[test]
fn parameters_are_plain_when_every_reader_sees_the_same() {
    let same = json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "x"}], "x": 1}});
    let document_of = document(&same);
    let seen = plain(V1, Operation::SendMessage, document_of.root()).unwrap();
    assert!(matches!(seen, std::borrow::Cow::Borrowed(_)));
    for (dialect, spelt, seen) in [
        (
            V1,
            json!({"message": {"message_id": "m", "role": 1, "parts": [], "task_id": "t"}}),
            json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [], "taskId": "t"}}),
        ),
        (
            V1,
            json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [], "TASKID": "t", "kind": "message"}}),
            json!({"message": {"messageId": "m", "role": "ROLE_USER", "parts": [], "kind": "message"}}),
        ),
        (
            V03Proto,
            json!({"request": {"message_id": "m", "role": "ROLE_USER", "content": []}}),
            json!({"message": {"messageId": "m", "role": "ROLE_USER", "content": []}}),
        ),
        (
            V03Rpc,
            json!({"message": {"kind": "message", "message_id": "m", "role": "user", "parts": []}}),
            json!({"message": {"kind": "message", "messageId": "m", "role": "user", "parts": []}}),
        ),
    ] {
        let document = document(&spelt);
        let written = plain(dialect, Operation::SendMessage, document.root()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), seen, "{spelt}");
        assert!(matches!(written, std::borrow::Cow::Owned(_)), "{spelt}");
    }
    let twice = document(&json!({"id": "t", "history_length": 1, "historyLength": 1}));
    assert!(plain(V1, Operation::GetTask, twice.root()).is_err());
}
