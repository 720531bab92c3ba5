//! Handles: cursors, request states and task ids are sealed, and belong to one caller at one virtual server.

use doorward_testkit::recorder::Reply;
use serde_json::{Value, json};

use super::refusal;
use crate::harness::{Answer, Call, World, meta};

const REFUSED: (u16, i64) = (200, -32602);

/// The world of these tests: `jwt` and `twin` for alice and bob.
struct Callers {
    world: World,
    alice: String,
    bob: String,
    at_twin: String,
}

impl Callers {
    async fn start() -> Self {
        let world = World::start().await;
        let alice = world.token("alice", "jwt");
        let bob = world.token("bob", "jwt");
        let at_twin = world.token("alice", "twin");
        Self { world, alice, bob, at_twin }
    }

    fn modern(&self, method: &str, params: &Value) -> Call<'_> {
        self.world.gateway.modern("jwt", method, params.clone()).bearer(&self.alice)
    }

    /// The same request by another caller, and at another virtual server.
    fn elsewhere(&self, method: &str, params: &Value) -> [Call<'_>; 2] {
        let gateway = &self.world.gateway;
        [
            gateway.modern("jwt", method, params.clone()).bearer(&self.bob),
            gateway.modern("twin", method, params.clone()).bearer(&self.at_twin),
        ]
    }

    fn seen(&self) -> Value {
        self.world.recorder.requests().pop().expect("a request").json()
    }
}

fn code(answer: &Answer) -> (u16, i64) {
    let (status, code, id) = refusal(answer);
    assert_eq!(id, 1);
    (status, code)
}

/// Changes one byte of a handle in every way that a test can afford.
fn damaged(handle: &str) -> Vec<String> {
    let flip = |at: usize| {
        let mut changed = handle.to_owned();
        let other = if &handle[at..=at] == "A" { "B" } else { "A" };
        changed.replace_range(at..=at, other);
        changed
    };
    let mut all: Vec<String> = (0..handle.len()).map(flip).collect();
    all.extend([String::new(), handle[1..].to_owned(), handle[..handle.len() - 1].to_owned()]);
    all.extend([
        format!("{handle}A"),
        format!(" {handle}"),
        format!("{handle}="),
        format!("{handle}{handle}"),
    ]);
    all
}

#[tokio::test]
async fn a_cursor_is_good_for_its_caller_its_server_and_its_list() {
    let callers = Callers::start().await;
    let recorder = &callers.world.recorder;
    for cursor in ["page-2", "", "\"quoted\\\u{1F600}"] {
        let page = json!({ "tools": [], "nextCursor": cursor, "ttlMs": 0 });
        recorder.once("tools/list", Reply::result(page));
        let sealed = callers.modern("tools/list", &json!({})).send().await.result()["nextCursor"].clone();
        assert_ne!(sealed, cursor);
        let next = json!({ "cursor": sealed, "x": 1 });
        let answer = callers.modern("tools/list", &next).send().await;
        assert!(answer.result()["tools"].is_array());
        assert_eq!(callers.seen()["params"]["cursor"], cursor);

        let before = recorder.requests().len();
        for call in callers.elsewhere("tools/list", &next) {
            assert_eq!(code(&call.send().await), REFUSED);
        }
        for list in ["prompts/list", "resources/list", "resources/templates/list"] {
            assert_eq!(code(&callers.modern(list, &next).send().await), REFUSED, "{list}");
        }
        assert_eq!(recorder.requests().len(), before);
    }
    callers.world.finish().await;
}

#[tokio::test]
async fn a_cursor_of_a_session_is_sealed_too() {
    let world = World::start().await;
    let session = world.gateway.session("open", None).await;
    world.recorder.once("tools/list", Reply::result(json!({ "tools": [], "nextCursor": "page-2" })));
    let list = |params: &Value| world.gateway.legacy("open", Some(&session), "tools/list", params);
    let sealed = list(&json!({})).send().await.result()["nextCursor"].clone();
    assert_ne!(sealed, "page-2");
    assert_eq!(list(&json!({ "cursor": sealed })).send().await.status, 200);
    assert_eq!(world.recorder.requests().pop().unwrap().json()["params"]["cursor"], "page-2");
    for raw in [json!("page-2"), json!(""), json!(7), json!(null), json!({})] {
        assert_eq!(code(&list(&json!({ "cursor": raw })).send().await), REFUSED, "{raw}");
    }
    world.finish().await;
}

/// A tool call that was answered with a request state; returns the sealed state.
async fn interrupted(callers: &Callers, state: &str) -> String {
    let asks = json!({ "resultType": "input_required", "requestState": state, "inputRequests": { "a": {} } });
    callers.world.recorder.once("tools/call", Reply::result(asks));
    let answer = callers.modern("tools/call", &json!({ "name": "echo", "arguments": {} })).send().await;
    let result = answer.result();
    assert_eq!(
        (&result["resultType"], &result["inputRequests"]),
        (&json!("input_required"), &json!({ "a": {} }))
    );
    result["requestState"].as_str().expect("a state").to_owned()
}

fn retry(name: &str, state: &str) -> Value {
    json!({ "name": name, "arguments": {}, "requestState": state, "inputResponses": { "a": { "x": 1.0 } } })
}

#[tokio::test]
async fn a_request_state_is_good_for_its_caller_its_server_and_its_call() {
    let callers = Callers::start().await;
    let state = interrupted(&callers, "upstream-state").await;
    assert!(!state.contains("upstream"));
    let answer = callers.modern("tools/call", &retry("echo", &state)).send().await;
    assert!(answer.result()["content"].is_array());
    let seen = callers.seen();
    assert_eq!(seen["params"]["requestState"], "upstream-state");
    assert_eq!(seen["params"]["inputResponses"], json!({ "a": { "x": 1.0 } }));

    let before = callers.world.recorder.requests().len();
    for call in callers.elsewhere("tools/call", &retry("echo", &state)) {
        assert_eq!(code(&call.send().await), REFUSED);
    }
    assert_eq!(code(&callers.modern("tools/call", &retry("add", &state)).send().await), REFUSED);
    let prompt = json!({ "name": "echo", "requestState": state });
    assert_eq!(code(&callers.modern("prompts/get", &prompt).send().await), REFUSED);
    let resource = json!({ "uri": "echo", "requestState": state });
    assert_eq!(code(&callers.modern("resources/read", &resource).send().await), REFUSED);
    for raw in [json!("upstream-state"), json!(7), json!(null), json!([state])] {
        let params = json!({ "name": "echo", "requestState": raw });
        assert_eq!(code(&callers.modern("tools/call", &params).send().await), REFUSED, "{raw}");
    }
    assert_eq!(callers.world.recorder.requests().len(), before);
    callers.world.finish().await;
}

#[tokio::test]
async fn a_request_state_expires() {
    let callers = Callers::start().await;
    let state = interrupted(&callers, "s").await;
    callers.world.gateway.clock.advance(3500);
    let alice = callers.world.token("alice", "jwt");
    // The issuer's clock does not turn; the token is as long-lived as the test.
    let mut claims = callers.world.claims("alice", "jwt");
    claims["exp"] = json!(claims["iat"].as_i64().unwrap() + 100_000);
    let long_lived = callers.world.issuer.mint(claims).unwrap();
    assert_ne!(alice, long_lived);
    let again =
        || callers.world.gateway.modern("jwt", "tools/call", retry("echo", &state)).bearer(&long_lived);
    assert_eq!(again().send().await.error_code(), 0);
    callers.world.gateway.clock.advance(101);
    assert_eq!(code(&again().send().await), REFUSED);
    callers.world.finish().await;
}

#[tokio::test]
async fn a_request_state_that_was_changed_anywhere_is_refused() {
    let callers = Callers::start().await;
    let state = interrupted(&callers, "s").await;
    let before = callers.world.recorder.requests().len();
    for changed in damaged(&state) {
        let answer = callers.modern("tools/call", &retry("echo", &changed)).send().await;
        assert_eq!(code(&answer), REFUSED, "{changed}");
    }
    assert_eq!(callers.world.recorder.requests().len(), before);
    callers.world.finish().await;
}

/// `params` of a client that has the tasks extension.
fn with_tasks(mut params: Value) -> Value {
    let mut meta = meta();
    meta["io.modelcontextprotocol/clientCapabilities"] =
        json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    params["_meta"] = meta;
    params
}

#[tokio::test]
async fn a_task_has_one_id_for_its_caller_and_none_for_others() {
    let callers = Callers::start().await;
    let recorder = &callers.world.recorder;
    let task = json!({ "resultType": "task", "taskId": "task-77", "status": "working", "ttlMs": null });
    recorder.always("tools/call", Reply::result(task.clone()));
    let call = with_tasks(json!({ "name": "echo", "arguments": {} }));
    let first = callers.modern("tools/call", &call).send().await.result();
    let second = callers.modern("tools/call", &call).send().await.result();
    assert_eq!(first, second, "the same task, the same id");
    let id = first["taskId"].as_str().unwrap().to_owned();
    assert!(!id.contains("task-77"));

    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let state = json!({ "resultType": "complete", "taskId": "task-77", "result": { "taskId": "inner" } });
        recorder.once(method, Reply::result(state));
        let params = with_tasks(json!({ "taskId": id, "inputResponses": { "k": 1.0 } }));
        let result = callers.modern(method, &params).send().await.result();
        assert_eq!(
            result,
            json!({ "resultType": "complete", "taskId": id, "result": { "taskId": "inner" } })
        );
        let seen = recorder.requests().pop().unwrap();
        assert_eq!(seen.json()["params"]["taskId"], "task-77");
        assert_eq!(seen.json()["params"]["inputResponses"], json!({ "k": 1.0 }));
        assert_eq!(seen.header("mcp-name"), Some("task-77"), "the header names it as the upstream knows it");

        let before = recorder.requests().len();
        let unknown = with_tasks(json!({ "taskId": "task-77" }));
        let unknown = callers.modern(method, &unknown).send().await;
        assert_eq!(code(&unknown), REFUSED);
        for call in callers.elsewhere(method, &params) {
            assert_eq!(call.send().await.observable(), unknown.observable());
        }
        assert_eq!(recorder.requests().len(), before);
    }
    callers.world.finish().await;
}

#[tokio::test]
async fn a_task_id_that_was_changed_anywhere_is_refused() {
    let callers = Callers::start().await;
    let task = json!({ "resultType": "task", "taskId": "t", "status": "working" });
    callers.world.recorder.once("tools/call", Reply::result(task));
    let call = with_tasks(json!({ "name": "echo", "arguments": {} }));
    let id = callers.modern("tools/call", &call).send().await.result()["taskId"].as_str().unwrap().to_owned();
    for changed in damaged(&id).into_iter().filter(|changed| changed.trim() == changed) {
        let answer = callers.modern("tasks/get", &with_tasks(json!({ "taskId": changed }))).send().await;
        assert_eq!(code(&answer), REFUSED, "{changed}");
    }
    assert_eq!(callers.world.recorder.requests().len(), 1);
    callers.world.finish().await;
}

#[tokio::test]
async fn tasks_on_a_listen_stream_have_the_ids_that_the_caller_knows() {
    let callers = Callers::start().await;
    let recorder = &callers.world.recorder;
    let task = json!({ "resultType": "task", "taskId": "task-77", "status": "working" });
    recorder.once("tools/call", Reply::result(task));
    let call = with_tasks(json!({ "name": "echo", "arguments": {} }));
    let id = callers.modern("tools/call", &call).send().await.result()["taskId"].clone();

    let acknowledged = json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
        "params": { "notifications": { "taskIds": ["task-77"], "x": 1.0 } } });
    let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tasks",
        "params": { "taskId": "task-77", "status": "completed", "result": { "taskId": "inner" } } });
    recorder.once("subscriptions/listen", Reply::events([acknowledged, changed]));
    // Somebody else's task is no task; the rest is listened to.
    let foreign = json!({ "notifications": { "taskIds": [id, "task-78"] } });
    let heard = callers.modern("subscriptions/listen", &with_tasks(foreign)).send().await.events();
    assert_eq!(callers.seen()["params"]["notifications"], json!({ "taskIds": ["task-77"] }));
    assert_eq!(heard[0]["params"]["notifications"], json!({ "taskIds": [id], "x": 1.0 }));
    let wanted = json!({ "taskId": id, "status": "completed", "result": { "taskId": "inner" } });
    assert_eq!(heard[1]["params"], wanted);
    callers.world.finish().await;
}
