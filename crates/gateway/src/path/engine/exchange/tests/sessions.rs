//! What a virtual server declares and reports: nothing of what it does not show.

use super::*;

const NOTHING: &str = "tools = []\nprompts = []\nresources = []\nresource_templates = []";
const FILTERED: &str = "resources = [\"x://a\"]\nresource_templates = [\"x://t/{id}\"]";
const NAMED: &str = "resources = [\"x://a\"]";

fn declared(exposure: &str, era: Era, capabilities: &Value) -> Value {
    let method = if era == Era::Legacy { Method::Initialize } else { Method::ServerDiscover };
    let door = Door::answering(published(exposure), era, method, "1");
    let versions = json!(["2024-11-05", "2025-11-25", "2026-07-28", "2031-01-01", 7]);
    let message = json!({ "jsonrpc": "2.0", "id": own("1"), "result":
        { "capabilities": capabilities, "supportedVersions": versions } });
    parsed(&door.passed(message.to_string()).expect("passed"))["result"].clone()
}

#[test]
fn capabilities_that_are_wholly_hidden_are_not_declared() {
    let all = json!({ "tools": { "listChanged": true }, "prompts": {}, "resources": { "subscribe": true },
        "completions": {}, "logging": {}, "tasks": { "list": {} }, "experimental": { "x": 1 },
        "extensions": { "io.x/y": {} } });
    for (exposure, gone) in [
        ("", &["tasks"][..]),
        ("tools = [\"echo\"]\nprompts = [\"p\"]", &["tasks"]),
        ("tools = []", &["tasks", "tools"]),
        ("prompts = []", &["tasks", "prompts"]),
        ("resources = []", &["tasks"]),
        ("resources = []\nresource_templates = []", &["tasks", "resources"]),
        (NOTHING, &["tasks", "tools", "prompts", "resources", "completions"]),
    ] {
        let mut wanted = all.clone();
        for name in gone {
            wanted.as_object_mut().expect("an object").remove(*name);
        }
        for era in [Era::Legacy, Era::Modern] {
            assert_eq!(declared(exposure, era, &all)["capabilities"], wanted, "{exposure} {era:?}");
        }
    }
}

#[test]
fn capabilities_in_another_case_are_not_declared_either() {
    let odd = json!({ "Tasks": {}, "Tools": {}, "PROMPTS": {}, "tools": {} });
    assert_eq!(declared("", Era::Legacy, &odd)["capabilities"], json!({ "tools": {} }));
}

#[test]
fn discover_lists_only_versions_that_both_speak() {
    let versions = declared("", Era::Modern, &json!({}))["supportedVersions"].clone();
    assert_eq!(versions, json!(["2025-11-25", "2026-07-28"]));
}

fn notification(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

#[test]
fn changes_of_what_is_wholly_hidden_are_not_reported() {
    let listen = Purpose::Answer { method: Method::SubscriptionsListen, client_id: Bytes::from_static(b"1") };
    for (exposure, kind, passes) in [
        ("tools = []", "tools", false),
        ("tools = []", "prompts", true),
        ("tools = [\"echo\"]", "tools", true),
        ("prompts = []", "prompts", false),
        ("resources = []\nresource_templates = []", "resources", false),
        ("resources = []", "resources", true),
        ("", "tools", true),
    ] {
        for (era, purpose) in [(Era::Legacy, Purpose::Stream), (Era::Modern, listen.clone())] {
            let door = Door::new(published(exposure), era, purpose);
            for written in ["notifications/$/list_changed", r"notifications\/$/list_ch\u0061nged"] {
                let passed = door.passed(notification(&written.replace('$', kind), "{}"));
                assert_eq!(passed.is_some(), passes, "{exposure} {kind} {era:?}");
            }
        }
    }
}

#[test]
fn updates_of_hidden_resources_are_not_reported() {
    for (exposure, templates, params, passes) in [
        ("", &[][..], r#"{"uri":"x://b"}"#, true),
        (FILTERED, &[], r#"{"uri":"x://a"}"#, true),
        (FILTERED, &[], r#"{"uri":"x:\/\/\u0061"}"#, true),
        (FILTERED, &[], r#"{"uri":"x://t/9"}"#, true),
        (FILTERED, &[], r#"{"uri":"x://b"}"#, false),
        (FILTERED, &[], r#"{"uri":"X://a"}"#, false),
        (FILTERED, &[], r#"{"uri":"x://a","URI":"x://b"}"#, false),
        (FILTERED, &[], r#"{"uri":["x://a"]}"#, false),
        (FILTERED, &[], r"{}", false),
        (NAMED, &[], r#"{"uri":"x://u/1"}"#, false),
        (NAMED, &["x://u/{n}"], r#"{"uri":"x://u/1"}"#, true),
        (NAMED, &["x://u/{n}"], r#"{"uri":"x://u/1/2"}"#, false),
    ] {
        let door = Door::new(published(exposure), Era::Legacy, Purpose::Stream).with_templates(templates);
        let passed = door.passed(notification("notifications/resources/updated", params));
        assert_eq!(passed.is_some(), passes, "{exposure} {templates:?} {params}");
    }
    let without = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated"}"#;
    assert_eq!(Door::new(published(FILTERED), Era::Legacy, Purpose::Stream).passed(without), None);
}
