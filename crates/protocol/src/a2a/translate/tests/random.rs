//! Messages and tasks made up, there and back again.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DIALECTS, V1, V03Proto, V03Rpc, What, check, translate};
use crate::a2a::{Operation, TaskState};

fn text() -> impl Strategy<Value = String> {
    "[a-z\"\\\\é\u{1F600} ]{1,6}"
}

fn id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9:._-]{0,6}x"
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("x[a-z]{1,3}", inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

fn metadata() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("x[a-z]{1,3}", anything(), 1..3).prop_map(|members| json!(members))
}

fn part() -> impl Strategy<Value = Value> {
    let file = || (text(), text());
    let content = prop_oneof![
        text().prop_map(|text| json!({"text": text})),
        file().prop_map(|(name, kind)| json!({"raw": "aGk=", "filename": name, "mediaType": kind})),
        file().prop_map(|(url, kind)| json!({"url": url, "mediaType": kind})),
        anything().prop_map(|data| json!({"data": data})),
    ];
    (content, prop::option::of(metadata())).prop_map(|(mut part, metadata)| {
        if let Some(metadata) = metadata {
            part["metadata"] = metadata;
        }
        part
    })
}

/// A message of 1.0 without what 0.3 loses.
fn message() -> impl Strategy<Value = Value> {
    (id(), prop::option::of(id()), prop::option::of(id()), any::<bool>(), prop::collection::vec(part(), 0..4), prop::option::of(metadata()))
        .prop_map(|(id, context, task, user, parts, metadata)| {
            let mut message = json!({"messageId": id, "role": if user { "ROLE_USER" } else { "ROLE_AGENT" }, "parts": parts});
            for (name, value) in [("contextId", context.map(Value::from)), ("taskId", task.map(Value::from)), ("metadata", metadata)] {
                if let Some(value) = value {
                    message[name] = value;
                }
            }
            message
        })
}

fn task() -> impl Strategy<Value = Value> {
    let state = prop::sample::select(TaskState::ALL.to_vec());
    let artifacts = prop::collection::vec((id(), prop::collection::vec(part(), 0..2)), 1..3);
    (id(), id(), state, prop::option::of(message()), artifacts, prop::collection::vec(message(), 1..3)).prop_map(
        |(id, context, state, message, artifacts, history)| {
            let artifacts: Vec<Value> =
                artifacts.into_iter().map(|(id, parts)| json!({"artifactId": id, "parts": parts})).collect();
            let mut status = json!({"state": state.name(), "timestamp": "2026-01-02T03:04:05Z"});
            if let Some(message) = message {
                status["message"] = message;
            }
            json!({"id": id, "contextId": context, "status": status, "artifacts": artifacts, "history": history})
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_goes_to_0_3_comes_back(message in message(), task in task(), at_once: bool, length in 1..5) {
        let send = json!({"message": message, "configuration": {"returnImmediately": at_once, "historyLength": length}});
        let status = json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status": task["status"]}});
        for (what, value) in [
            (What::Params(Operation::SendMessage), &send),
            (What::Result(Operation::GetTask), &task),
            (What::Result(Operation::SendMessage), &json!({"message": message})),
            (What::Event, &json!({"task": task})),
            (What::Event, &status),
        ] {
            for old in [V03Rpc, V03Proto] {
                let there = translate(what, V1, old, value).unwrap();
                check(old, &there);
                prop_assert_eq!(&translate(what, old, V1, &there).unwrap(), value);
            }
            // From one 0.3 to the other it is the same whether 1.0 lies between or not.
            let rpc = translate(what, V1, V03Rpc, value).unwrap();
            prop_assert_eq!(translate(what, V03Rpc, V03Proto, &rpc).unwrap(), translate(what, V1, V03Proto, value).unwrap());
        }
    }

    #[test]
    fn no_value_in_the_wrong_place_breaks_it(task in task(), message in message(), stranger in anything(), at in any::<prop::sample::Index>(), whole in anything()) {
        let send = json!({"message": message, "configuration": {"taskPushNotificationConfig": {"url": "u", "authentication": {"scheme": "Bearer"}}}});
        for (what, value) in [(What::Params(Operation::SendMessage), send), (What::Event, json!({"task": task}))] {
            for (from, _) in DIALECTS {
                let mut spoilt = if from == V1 { value.clone() } else { translate(what, V1, from, &value).unwrap() };
                let paths = paths(&spoilt, "");
                *spoilt.pointer_mut(&paths[at.index(paths.len())]).unwrap() = stranger.clone();
                for (to, _) in DIALECTS {
                    let Ok(there) = translate(what, from, to, &spoilt) else { continue };
                    // What has a translation has one back, and what came back once loses nothing more.
                    let round = |there: &Value| {
                        let back = translate(what, to, from, there).unwrap();
                        translate(what, from, to, &back).unwrap()
                    };
                    let once = round(&there);
                    prop_assert_eq!(round(&once), once);
                }
            }
        }
        for operation in Operation::ALL {
            for what in [What::Params(operation), What::Result(operation), What::Event] {
                for (from, _) in DIALECTS {
                    for (to, _) in DIALECTS {
                        let _ = translate(what, from, to, &whole);
                    }
                }
            }
        }
    }
}

/// JSON pointers to every value.
fn paths(value: &Value, prefix: &str) -> Vec<String> {
    let mut found = vec![prefix.to_owned()];
    match value {
        Value::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                found.extend(paths(element, &format!("{prefix}/{at}")));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                found.extend(paths(member, &format!("{prefix}/{name}")));
            }
        }
        _ => {}
    }
    found
}
