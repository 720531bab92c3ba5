//! The filter at work: what a virtual server does not show is in no list, whole or streamed, on no page.
//!
//! Lists of every odd form, at random, are tested where they are filtered; here it is the way through the whole
//! program.

use std::collections::BTreeSet;

use doorward_testkit::recorder::Reply;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, subsequence},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use super::{FEW, NONE};
use crate::harness::{Answer, World};

/// Method, the member with the entries, the member that names one, the key of the configuration.
const LISTS: [(&str, &str, &str, &str); 4] = [
    ("tools/list", "tools", "name", "tools"),
    ("prompts/list", "prompts", "name", "prompts"),
    ("resources/list", "resources", "uri", "resources"),
    ("resources/templates/list", "resourceTemplates", "uriTemplate", "resource_templates"),
];

const NAMES: [&str; 5] = ["x://echo", "x://Echo", "x://delete-everything", "x://n\u{e9}", "x://{id}"];

/// An upstream's page and how it travels.
#[derive(Debug, Clone)]
struct Page {
    list: usize,
    /// The entries as JSON texts, each with the name that it certainly has.
    entries: Vec<(String, Option<&'static str>)>,
    exposed: Vec<&'static str>,
    chunk: usize,
    streamed: bool,
    modern: bool,
}

fn entry(key: &str, name: &'static str, form: u8) -> (String, Option<&'static str>) {
    let escaped: String = name
        .chars()
        .map(|c| if c.is_ascii_lowercase() { format!("\\u{:04x}", c as u32) } else { c.to_string() })
        .collect();
    let upper = key.to_uppercase();
    match form % 8 {
        0 => (format!(r#"{{"{key}":"{escaped}"}}"#), Some(name)),
        1 => (
            format!("{{ \"x\" : [ {{\"{key}\":\"x://delete-everything\"}} ],\n\"{key}\" : \"{name}\" }}"),
            Some(name),
        ),
        2 => (format!(r#"{{"{upper}":"{name}"}}"#), None),
        3 => (format!(r#"{{"{key}":"x://echo","{upper}":"{name}"}}"#), None),
        4 => (format!(r#"["{name}"]"#), None),
        5 => (format!(r#""{escaped}""#), None),
        6 => (format!(r#"{{"{key}":["{name}"]}}"#), None),
        _ => (format!(r#"{{"annotations":{{"n":1.50}},"{key}":"{name}"}}"#), Some(name)),
    }
}

fn page() -> impl Strategy<Value = Page> {
    let entries = vec((any::<Index>(), any::<u8>()), 0..7);
    let exposed = subsequence(&NAMES[..], 0..NAMES.len());
    (0..LISTS.len(), entries, exposed, 1_usize..60, any::<bool>(), any::<bool>()).prop_map(
        |(list, entries, mut exposed, chunk, streamed, modern)| {
            let key = LISTS[list].2;
            let entries = entries
                .into_iter()
                .map(|(index, form)| entry(key, NAMES[index.index(NAMES.len())], form))
                .collect();
            // A template is no resource.
            exposed.retain(|name| list != 2 || !name.contains('{'));
            Page { list, entries, exposed, chunk, streamed, modern }
        },
    )
}

impl Page {
    fn reply(&self) -> Reply {
        let (_, member, ..) = LISTS[self.list];
        let entries: Vec<&str> = self.entries.iter().map(|(text, _)| text.as_str()).collect();
        let result = format!("{{\"x\":1.50, \"{member}\" : [ {} ],\"y\":null}}", entries.join(" , "));
        let message = format!("{{\"result\":{result},\"jsonrpc\":\"2.0\", \"id\":\"$id\"}}");
        let reply = if self.streamed {
            let lines: Vec<_> = message.split('\n').map(|line| format!("data: {line}\n")).collect();
            let lines = lines.concat();
            Reply::event_bytes(format!("event: message\nid: 7\n{lines}\n"))
        } else {
            Reply::raw("application/json", message)
        };
        reply.split(self.chunk)
    }

    /// What must arrive, white space between entries apart.
    fn check(&self, answer: &Answer) {
        let text = answer.text();
        let (_, member, ..) = LISTS[self.list];
        let text = if self.streamed {
            let lines = text.strip_prefix("event: message\nid: 7\n").expect("the event's fields stay");
            lines.lines().filter_map(|line| line.strip_prefix("data: ")).collect::<Vec<_>>().join("\n")
        } else {
            text
        };
        let rest = text
            .strip_prefix(&format!("{{\"result\":{{\"x\":1.50, \"{member}\" : ["))
            .expect("the head stays");
        let rest = rest.strip_suffix("],\"y\":null},\"jsonrpc\":\"2.0\", \"id\":1}").expect("the tail stays");
        let exposed: BTreeSet<&str> = self.exposed.iter().copied().collect();
        let stays = |name: Option<&'static str>| name.is_some_and(|name| exposed.contains(name));
        let kept: Vec<&str> =
            self.entries.iter().filter(|(_, name)| stays(*name)).map(|(text, _)| text.as_str()).collect();
        assert_eq!(rest.trim(), kept.join(" , "), "{self:?}");
    }
}

#[tokio::test]
async fn random_pages_are_filtered_whole_and_in_streams() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..150 {
        let page = page().new_tree(&mut runner).expect("a page").current();
        let (method, _, _, kind) = LISTS[page.list];
        let exposed = serde_json::to_string(&page.exposed).unwrap();
        let toml =
            world.toml().replace("name = \"open\"\n", &format!("name = \"open\"\n{kind} = {exposed}\n"));
        world.gateway.replace(&toml);
        world.recorder.once(method, page.reply());
        let call = if page.modern {
            world.gateway.modern("open", method, json!({}))
        } else {
            world.gateway.legacy("open", Some(&session), method, &json!({}))
        };
        page.check(&call.send().await);
    }
    world.finish().await;
}

fn names(result: &Value, list: usize) -> Vec<String> {
    let (_, member, key, _) = LISTS[list];
    let entries = result[member].as_array().expect("entries");
    entries.iter().map(|entry| entry[key].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_virtual_server_lists_what_it_shows_in_both_eras() {
    let world = World::with(&format!("{FEW}{NONE}")).await;
    for (server, shown) in [
        (
            "open",
            [
                &["echo", "add", "delete_everything"][..],
                &["greeting"],
                &["note:///first"],
                &["note:///{name}"],
            ],
        ),
        ("few", [&["echo"], &["greeting"], &["note:///first"], &[]]),
        ("none", [&[], &[], &[], &[]]),
    ] {
        let session = world.gateway.session(server, None).await;
        for (list, shown) in shown.into_iter().enumerate() {
            let method = LISTS[list].0;
            let modern = world.gateway.modern(server, method, json!({})).send().await;
            let legacy = world.gateway.legacy(server, Some(&session), method, &json!({})).send().await;
            assert_eq!(names(&modern.result(), list), shown, "{server} {method}");
            assert_eq!(names(&legacy.result(), list), shown, "{server} {method}");
            for answer in [modern, legacy] {
                assert!(
                    server == "open" || !answer.text().contains("delete_everything"),
                    "{}",
                    answer.text()
                );
            }
        }
    }
    let filtered: i64 =
        world.gateway.records().await.iter().filter_map(|record| record["filtered"].as_i64()).sum();
    assert_eq!(filtered, 2 * (2 + 1) + 2 * 6, "the records count what was taken out");
    world.finish().await;
}

#[tokio::test]
async fn every_page_is_filtered() {
    let world = World::with(FEW).await;
    let pages = [
        json!({ "tools": [{ "name": "add" }, { "name": "echo", "title": "1" }], "nextCursor": "2" }),
        json!({ "tools": [{ "name": "add" }], "nextCursor": "3" }),
        json!({ "tools": [{ "name": "echo", "title": "3" }] }),
    ];
    for page in pages {
        world.recorder.once("tools/list", Reply::result(page));
    }
    let mut titles = Vec::new();
    let mut cursor = json!({});
    loop {
        let result = world.gateway.modern("few", "tools/list", cursor).send().await.result();
        let tools = result["tools"].as_array().unwrap();
        titles.extend(tools.iter().map(|tool| tool["title"].as_str().unwrap().to_owned()));
        assert!(!result.to_string().contains("add"));
        let Some(next) = result["nextCursor"].as_str() else { break };
        cursor = json!({ "cursor": next });
    }
    assert_eq!(titles, ["1", "3"]);
    let seen: Vec<Value> =
        world.recorder.requests().iter().map(|page| page.json()["params"]["cursor"].clone()).collect();
    assert_eq!(seen, [json!(null), json!("2"), json!("3")]);
    world.finish().await;
}

#[tokio::test]
async fn what_is_wholly_hidden_is_not_declared() {
    let world = World::with(&format!("{FEW}{NONE}")).await;
    let declared = json!({ "tools": { "listChanged": true }, "prompts": {}, "resources": {}, "completions": {},
        "logging": {}, "tasks": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } });
    for (server, kept) in [
        ("open", &["tools", "prompts", "resources", "completions", "logging", "extensions"][..]),
        ("few", &["tools", "prompts", "resources", "completions", "logging", "extensions"]),
        ("none", &["logging", "extensions"]),
    ] {
        let mut wanted = declared.clone();
        wanted.as_object_mut().unwrap().retain(|name, _| kept.contains(&name.as_str()));
        let result =
            json!({ "capabilities": declared, "supportedVersions": ["2026-07-28", "2027-01-01"], "x": 1.0 });
        world.recorder.once("server/discover", Reply::result(result.clone()));
        let discovered = world.gateway.modern(server, "server/discover", json!({})).send().await.result();
        let modern = json!({ "capabilities": wanted, "supportedVersions": ["2026-07-28"], "x": 1.0 });
        assert_eq!(discovered, modern, "{server}");
        world.recorder.once(
            "initialize",
            Reply::result(json!({ "protocolVersion": "2025-11-25", "capabilities": declared })),
        );
        let initialized = world.gateway.initialize(server).send().await.result();
        assert_eq!(initialized["capabilities"], wanted, "{server}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_filtered_is_the_upstreams_fault() {
    let world = World::with(FEW).await;
    for result in [
        json!({ "Tools": [{ "name": "delete_everything" }] }),
        json!({ "tools": [{ "name": "echo" }], "TOOLS": [{ "name": "delete_everything" }] }),
        json!({ "tools": { "name": "delete_everything" } }),
        json!({ "resultType": "input_required", "x": "delete_everything" }),
        json!({}),
    ] {
        for reply in [Reply::result(result.clone()), Reply::result_after([], result)] {
            world.recorder.once("tools/list", reply);
            let answer = world.gateway.modern("few", "tools/list", json!({})).send().await;
            assert!(answer.text().contains("upstream_invalid"), "{}", answer.text());
            assert!(!answer.text().contains("delete_everything"));
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn behind_a_door_nothing_is_public() {
    let world = World::start().await;
    let token = world.token("alice", "jwt");
    for (scope, open, behind) in
        [("public", "public", "private"), ("private", "private", "private"), ("x", "x", "x")]
    {
        let result = json!({ "tools": [], "cacheScope": scope, "ttlMs": 5, "x": { "cacheScope": "public" } });
        world.recorder.always("tools/list", Reply::result(result.clone()));
        for (server, wanted) in [("open", open), ("jwt", behind)] {
            let bearer = (server == "jwt").then_some(token.as_str());
            let call =
                world.gateway.modern(server, "tools/list", json!({ "x-fresh": true })).maybe_bearer(bearer);
            let mut kept = result.clone();
            kept["cacheScope"] = json!(wanted);
            assert_eq!(call.send().await.result(), kept, "{server} {scope}");
        }
        world.recorder.behave();
    }
    world.finish().await;
}
