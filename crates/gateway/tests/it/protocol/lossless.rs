//! Nothing is lost: every example message of the 2026-07-28 schema, with members that nobody knows in every object,
//! arrives on the other side as it was sent, except for the documented edits.
//!
//! The edits are undone in what arrived (the id, sealed handles, the subscription's id), and then both must be equal
//! byte for byte.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use doorward_testkit::recorder::{Recorded, Reply};
use serde_json::{Value, json};

use crate::harness::{Answer, Call, LEGACY, World};

/// Examples by `Kind/file`.
fn examples(suffix: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/mcp-2026-07-28-examples");
    let mut examples = BTreeMap::new();
    for (kind, directory) in entries(&root).into_iter().filter(|(_, path)| path.is_dir()) {
        if kind.ends_with(suffix) {
            for (file, path) in entries(&directory) {
                examples.insert(format!("{kind}/{file}"), fs::read_to_string(path).expect("an example"));
            }
        }
    }
    assert!(!examples.is_empty(), "{suffix}");
    examples
}

/// Names and paths of what a directory holds.
fn entries(directory: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(directory).expect("the fixtures").map(|entry| entry.expect("an entry"));
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
}

/// The text with a member that nobody knows as the first one of every object, in forms that a re-encoder would change.
fn with_unknown(text: &str) -> String {
    const ODD: [&str; 5] = [
        "1.50",
        r#""\u0041\/\ud83d\ude00""#,
        "[ 1E+2 ,-0, 123456789012345678901234567890]",
        r#"{"id":1,"method":"x","name":"hidden","taskId":"t" }"#,
        "null",
    ];
    let mut out = String::new();
    let (mut in_string, mut escaped, mut count) = (false, false, 0);
    for (at, character) in text.char_indices() {
        out.push(character);
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' if !in_string => {
                let is_empty = text[at + 1..].trim_start().starts_with('}');
                let comma = if is_empty { "" } else { "," };
                out.extend(["\t\"x-vendor/unknown\" : ", ODD[count % ODD.len()], comma]);
                count += 1;
            }
            _ => {}
        }
    }
    assert!(count > 0);
    out
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Undoes an edit: `is` occurs exactly so often, and becomes what was.
#[track_caller]
fn undo(text: &str, is: &Value, was: &Value) -> String {
    let is = is.to_string();
    assert!(text.contains(&is), "{is} is not in {text}");
    text.replace(&is, &was.to_string())
}

fn request<'w>(world: &'w World, text: &str) -> Call<'w> {
    let message = value(text);
    let method = message["method"].as_str().expect("a method");
    let call = world.gateway.post("open", text).header("Mcp-Method", method);
    let call = call.header("MCP-Protocol-Version", "2026-07-28");
    let named = ["tools/call", "prompts/get", "resources/read"].contains(&method);
    match message["params"]["name"].as_str().or(message["params"]["uri"].as_str()).filter(|_| named) {
        Some(name) => call.header("Mcp-Name", name),
        None => call,
    }
}

/// Requests that a client sends: those with the `_meta` that the revision demands.
fn client_requests() -> Vec<(String, String)> {
    let requests = examples("Request").into_iter();
    requests.filter(|(_, text)| value(text)["params"]["_meta"].is_object()).collect()
}

fn seen(world: &World) -> (Recorded, String) {
    let seen = world.recorder.requests().pop().expect("a request");
    let text = String::from_utf8(seen.body.to_vec()).expect("UTF-8");
    (seen, text)
}

#[tokio::test]
async fn requests_reach_the_upstream_as_they_were_sent() {
    let world = World::start().await;
    assert_eq!(client_requests().len(), 10);
    for (example, text) in client_requests() {
        let sent = with_unknown(&text);
        let stream = request(&world, &sent).stream().await;
        assert_eq!(stream.status, 200, "{example}");
        drop(stream);
        let (_, arrived) = seen(&world);
        let (own, id) = (value(&arrived)["id"].clone(), value(&sent)["id"].clone());
        assert_ne!(own, id);
        assert_eq!(undo(&arrived, &own, &id), sent, "{example}");
    }
    world.finish().await;
}

#[tokio::test]
async fn requests_of_a_session_reach_the_upstream_as_they_were_sent() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let legacy_only =
        ["ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "initialize"];
    let legacy_only = legacy_only.map(|method| {
        let params = r#"{"level":"info","uri":"note:///first","protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{}}"#;
        (method.to_owned(), format!("{{ \"jsonrpc\":\"2.0\",\"id\":\"c 1\",\"method\":\"{method}\",\"params\":{params}}}"))
    });
    // The modern `_meta` keys become unknown members; without their version the request is of a session.
    let modern = client_requests().into_iter().map(|(example, text)| {
        (example, text.replace("io.modelcontextprotocol/protocolVersion", "x/protocolVersion"))
    });
    let both = ["server/discover", "subscriptions/listen"];
    let modern = modern.filter(|(_, text)| !both.iter().any(|method| text.contains(method)));
    for (example, text) in modern.chain(legacy_only) {
        let sent = with_unknown(&text);
        let call = world.gateway.post("open", sent.as_str()).header("MCP-Protocol-Version", LEGACY);
        let answer = call.header("Mcp-Session-Id", &session).send().await;
        assert_eq!(answer.status, 200, "{example}: {}", answer.text());
        let (_, arrived) = seen(&world);
        assert_eq!(undo(&arrived, &value(&arrived)["id"], &value(&sent)["id"]), sent, "{example}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_trace_context_in_meta_is_continued_and_nothing_else_changes() {
    let world = World::start().await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (_, text) in client_requests() {
        let trace = format!(
            "\"traceparent\":\"{parent}\",\"tracestate\":\"a=b\",\"baggage\":\"c=d\",\"io.modelcontextprotocol/clientInfo\""
        );
        let sent = with_unknown(&text.replace("\"io.modelcontextprotocol/clientInfo\"", &trace));
        drop(request(&world, &sent).stream().await);
        let (request, arrived) = seen(&world);
        let continued = value(&arrived)["params"]["_meta"]["traceparent"].clone();
        assert!(continued.as_str().unwrap().starts_with(&parent[..36]), "{continued}");
        assert_ne!(continued, parent);
        assert_eq!(request.header("traceparent"), continued.as_str());
        let arrived = undo(&arrived, &continued, &json!(parent));
        assert_eq!(undo(&arrived, &value(&arrived)["id"], &value(&sent)["id"]), sent);
    }
    world.finish().await;
}

/// Responses with `"$id"` where the upstream puts the id: whole examples, results in an envelope, errors.
fn responses() -> Vec<(String, String)> {
    let whole = examples("ResultResponse").into_iter();
    let whole = whole.map(|(name, text)| {
        let id = value(&text)["id"].to_string();
        (name, text.replace(&id, "\"$id\""))
    });
    let bare = examples("Result").into_iter().filter(|(name, _)| !is_clients(name));
    let bare = bare.map(|(name, text)| {
        let text = text.trim_end().replace("\"listen-1\"", "\"$id\"");
        (name, format!("{{\"jsonrpc\":\"2.0\",\n\"result\":{text} ,\"id\":\"$id\"}}"))
    });
    let errors = examples("Error").into_iter().map(|(name, text)| {
        let message = value(&text);
        match message["id"].as_i64() {
            Some(id) => (name, text.replace(&format!("\"id\": {id}"), "\"id\": \"$id\"")),
            None => (name, format!("{{\"id\":\"$id\",\"error\":{text},\"jsonrpc\":\"2.0\"}}")),
        }
    });
    whole.chain(bare).chain(errors).collect()
}

/// Results that clients give to requests of servers.
fn is_clients(name: &str) -> bool {
    ["CreateMessageResult", "ElicitResult", "ListRootsResult"].iter().any(|kind| name.starts_with(kind))
}

/// The method that a response example answers.
fn method_of(name: &str) -> &'static str {
    match name.split('/').next().unwrap_or_default().trim_end_matches("Response").trim_end_matches("Result") {
        "Complete" => "completion/complete",
        "Discover" => "server/discover",
        "GetPrompt" => "prompts/get",
        "ListPrompts" => "prompts/list",
        "ListResourceTemplates" => "resources/templates/list",
        "ListResources" => "resources/list",
        "ListTools" => "tools/list",
        "ReadResource" => "resources/read",
        "SubscriptionsListen" => "subscriptions/listen",
        _ => "tools/call",
    }
}

fn params_of(method: &str) -> Value {
    match method {
        "tools/call" => json!({ "name": "echo", "arguments": {} }),
        "prompts/get" => json!({ "name": "greeting" }),
        "resources/read" => json!({ "uri": "note:///first" }),
        "completion/complete" => json!({ "ref": { "type": "ref/prompt", "name": "greeting" } }),
        "subscriptions/listen" => json!({ "notifications": {} }),
        // A parameter of unknown meaning: no page that was kept is the answer.
        _ => json!({ "x-fresh": true }),
    }
}

/// The text as the data lines of one event.
fn as_event(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| format!("data: {line}\n")).collect();
    format!(": comment\nid: e1\n{}\n", lines.concat())
}

/// The message of an answer that is JSON, or one event of [`as_event`].
fn text_of(answer: &Answer) -> String {
    let text = answer.text();
    if answer.header("content-type") != Some("text/event-stream") {
        return text;
    }
    let event =
        text.strip_prefix(": comment\nid: e1\n").unwrap_or_else(|| panic!("fields of the event: {text}"));
    let event = event.strip_suffix("\n\n").expect("one event");
    event.lines().map(|line| line.strip_prefix("data: ").expect("data")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn responses_reach_the_client_as_they_were_sent() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    assert!(responses().len() > 30);
    for (example, text) in responses() {
        let sent = with_unknown(&text);
        let method = method_of(&example);
        for (streamed, modern) in [(false, true), (true, true), (false, false), (true, false)] {
            if !modern && matches!(method, "server/discover" | "subscriptions/listen") {
                continue;
            }
            let reply = if streamed {
                Reply::event_bytes(as_event(&sent)).split(50)
            } else {
                Reply::raw("application/json", sent.clone())
            };
            world.recorder.once(method, reply);
            let params = params_of(method);
            let call = if modern {
                world.gateway.modern("open", method, params)
            } else {
                world.gateway.legacy("open", Some(&session), method, &params)
            };
            let mut arrived = text_of(&call.send().await);
            let (was, is) = (value(&sent)["result"].clone(), value(&arrived)["result"].clone());
            for handle in ["nextCursor", "requestState"] {
                if is[handle] != was[handle] {
                    assert!(handle == "nextCursor" || modern, "{example}: sessions have no {handle}");
                    arrived = undo(&arrived, &is[handle], &was[handle]);
                }
            }
            assert_eq!(arrived, sent.replace("\"$id\"", "1"), "{example}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn notifications_reach_the_client_as_they_were_sent() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let notifications = examples("Notification");
    assert_eq!(notifications.len(), 8);
    for (example, text) in notifications {
        let sent = with_unknown(&text);
        let on_listen = sent.replace("\"listen-1\"", "\"$id\"");
        world.recorder.once("subscriptions/listen", Reply::event_bytes(as_event(&on_listen)));
        let params = json!({ "notifications": {} });
        let heard = world.gateway.modern("open", "subscriptions/listen", params).send().await;
        assert_eq!(text_of(&heard), on_listen.replace("\"$id\"", "1"), "{example}");

        // On any other stream nothing is changed at all.
        let result = r#"{"jsonrpc":"2.0","id":"$id","result":{}}"#;
        let events = as_event(&sent) + &format!("data: {result}\n\n");
        world.recorder.once("tools/call", Reply::event_bytes(events.clone()));
        let heard = world.gateway.modern("open", "tools/call", params_of("tools/call")).send().await;
        assert_eq!(heard.text(), events.replace("\"$id\"", "1"), "{example}");
        world.recorder.once("GET", Reply::event_bytes(as_event(&sent)));
        let call = world.gateway.call("GET", "/mcp/open").header("Accept", "text/event-stream");
        let heard = call.header("Mcp-Session-Id", &session).send().await;
        assert_eq!(heard.text(), as_event(&sent), "{example}");
    }
    world.finish().await;
}

#[tokio::test]
async fn requests_of_the_server_reach_the_client_and_its_answers_the_server_as_they_were_sent() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    let requests =
        examples("Request").into_iter().filter(|(_, text)| !value(text)["params"]["_meta"].is_object());
    for (example, text) in requests {
        // The examples are those of `inputRequests`: what is missing of a message is put in front.
        let inner =
            text.trim_start().strip_prefix('{').unwrap().replace("\"id\": \"list-roots-example\",", "");
        let sent = with_unknown(&format!("{{\"jsonrpc\":\"2.0\",\"id\":\"s 1\",{inner}"));
        let events = as_event(&sent) + "data: {\"jsonrpc\":\"2.0\",\"id\":\"$id\",\"result\":{}}\n\n";
        world.recorder.once("tools/call", Reply::event_bytes(events.clone()));
        let params = params_of("tools/call");
        let heard = world.gateway.legacy("open", Some(&session), "tools/call", &params).send().await;
        assert_eq!(heard.text(), events.replace("\"$id\"", "1"), "{example}");
    }
    for (example, text) in examples("Result").into_iter().filter(|(name, _)| is_clients(name)) {
        let sent = with_unknown(&format!(
            "{{\"result\":{},\"id\":\"s 1\",\n\"jsonrpc\":\"2.0\"}}\n",
            text.trim_end()
        ));
        let call = world.gateway.post("open", sent.as_str()).header("MCP-Protocol-Version", LEGACY);
        assert_eq!(call.header("Mcp-Session-Id", &session).send().await.status, 202, "{example}");
        assert_eq!(seen(&world).1, sent, "{example}");
    }
    world.finish().await;
}
