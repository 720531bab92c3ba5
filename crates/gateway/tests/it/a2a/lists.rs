//! `ListTasks`: the caller's own tasks, from Doorward's own index, page by page.

use std::collections::BTreeSet;

use doorward_testkit::agent::{Answer, Dialect, Fault, payload};
use serde_json::{Value, json};

use crate::harness::{AgentWorld, Message, V1_FACES, V1_RPC, V03_GRPC, V03_REST, V03_RPC, What};

/// Tasks of a caller in these states, with a status timestamp each; later ones are newer.
async fn tasks(world: &AgentWorld, subject: &str, states: &[&str]) -> Vec<String> {
    let token = world.token(subject, "jwt");
    let mut ids = Vec::new();
    for (index, state) in states.iter().enumerate() {
        let (id, context) = (format!("{subject}-{index}"), format!("{subject}-context-{}", index % 2));
        let mut task = payload::task(Dialect::V1, &id, &context, state);
        task["status"]["timestamp"] = json!(format!("2026-01-0{}T00:00:00.000Z", index + 1));
        world.agent.once("SendMessage", Answer::task(task.clone()));
        world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(&token).send().await.said();
        ids.push(id);
    }
    ids
}

/// The agent has each task as it is asked for, in the order in which a list names them.
fn known(world: &AgentWorld, ids: &[&str]) {
    world.agent.behave();
    for id in ids {
        let mut task = payload::task(Dialect::V1, id, "c", "working");
        task["artifacts"] = json!([payload::artifact(Dialect::V1, "a", "an artifact")]);
        task["history"] = json!([payload::user_message(Dialect::V1, "h", "history")]);
        world.agent.once("GetTask", Answer::result(task));
    }
}

fn ids(list: &Value) -> Vec<&str> {
    let tasks = list["tasks"].as_array().unwrap();
    tasks.iter().map(|task| task["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everybody_sees_their_own_newest_first() {
    let world = AgentWorld::start().await;
    tasks(&world, "alice", &["working", "completed", "working"]).await;
    tasks(&world, "bob", &["working"]).await;
    for face in V1_FACES {
        known(&world, &["alice-2", "alice-1", "alice-0"]);
        let token = world.token("alice", "jwt");
        let told = world.gateway.ask("jwt", face, What::List(json!({}))).bearer(&token).send().await;
        let list = told.result();
        assert_eq!(ids(&list), ["alice-2", "alice-1", "alice-0"], "{face:?}");
        assert_eq!(list["totalSize"], 3, "{face:?}");
        // The default of a proto field is not written.
        assert_eq!(list["nextPageToken"].as_str().unwrap_or_default(), "", "{face:?}");
        assert!(!told.answer.text().contains("bob"), "{face:?}");
        assert!(list["tasks"][0].get("artifacts").is_none(), "only when they are asked for");
    }
    let nobody = world.token("carol", "jwt");
    let told = world.gateway.ask("jwt", V1_RPC, What::List(json!({}))).bearer(&nobody).send().await;
    let expected = json!({ "tasks": [], "nextPageToken": "", "pageSize": 50, "totalSize": 0 });
    assert_eq!(told.result(), expected);
    assert!(world.agent.requests_of("ListTasks").is_empty(), "the agent would list everybody's");
    world.finish().await;
}

#[tokio::test]
async fn pages_are_whole_and_lead_on() {
    let world = AgentWorld::start().await;
    tasks(&world, "alice", &["working"; 5]).await;
    let alice = world.token("alice", "jwt");
    for face in V1_FACES {
        let (mut seen, mut token) = (Vec::new(), String::new());
        for page in [&["alice-4", "alice-3"][..], &["alice-2", "alice-1"], &["alice-0"]] {
            known(&world, page);
            let mut params = json!({ "pageSize": 2 });
            if !token.is_empty() {
                params["pageToken"] = json!(token);
            }
            let told = world.gateway.ask("jwt", face, What::List(params)).bearer(&alice).send().await;
            let list = told.result();
            assert_eq!(ids(&list), page, "{face:?}");
            assert_eq!((&list["totalSize"], &list["pageSize"]), (&json!(5), &json!(2)), "{face:?}");
            seen.extend(ids(&list).into_iter().map(str::to_owned));
            list["nextPageToken"].as_str().unwrap_or_default().clone_into(&mut token);
            assert_eq!(token.is_empty(), page.len() == 1, "{face:?}");
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 5);
    }
    world.finish().await;
}

#[tokio::test]
async fn filters_narrow_a_list() {
    let world = AgentWorld::start().await;
    tasks(&world, "alice", &["working", "completed", "input-required", "working"]).await;
    let alice = world.token("alice", "jwt");
    for (params, expected) in [
        (json!({ "contextId": "alice-context-0" }), &["alice-2", "alice-0"][..]),
        (json!({ "status": "TASK_STATE_WORKING" }), &["alice-3", "alice-0"]),
        (json!({ "status": "TASK_STATE_INPUT_REQUIRED" }), &["alice-2"]),
        (json!({ "status": "TASK_STATE_FAILED" }), &[]),
        (json!({ "statusTimestampAfter": "2026-01-03T00:00:00Z" }), &["alice-3", "alice-2"]),
        (json!({ "statusTimestampAfter": "2026-01-03T00:00:00.001Z" }), &["alice-3"]),
        (json!({ "contextId": "alice-context-1", "status": "TASK_STATE_WORKING" }), &["alice-3"]),
        (json!({ "contextId": "nobodys" }), &[]),
    ] {
        for face in V1_FACES {
            known(&world, expected);
            let told = world.gateway.ask("jwt", face, What::List(params.clone())).bearer(&alice).send().await;
            let list = told.result();
            assert_eq!(
                list["tasks"].as_array().map_or(0, Vec::len),
                expected.len(),
                "{face:?} {params}: {list}"
            );
            if !expected.is_empty() {
                assert_eq!(ids(&list), expected, "{face:?} {params}");
                assert_eq!(list["totalSize"], expected.len(), "{face:?} {params}");
            }
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_list_of_somebody_elses_context_is_empty() {
    let world = AgentWorld::start().await;
    tasks(&world, "alice", &["working"]).await;
    let bob = world.token("bob", "jwt");
    let list = async |context: &str| {
        let what = What::List(json!({ "contextId": context }));
        world.gateway.ask("jwt", V1_RPC, what).bearer(&bob).send().await.answer.observable()
    };
    assert_eq!(list("alice-context-0").await, list("there-is-none-0").await);
    world.finish().await;
}

#[tokio::test]
async fn artifacts_and_history_come_when_they_are_asked_for() {
    let world = AgentWorld::start().await;
    tasks(&world, "alice", &["working"]).await;
    let alice = world.token("alice", "jwt");
    for (params, artifacts, history, asked_for) in [
        (json!({}), false, true, Value::Null),
        (json!({ "includeArtifacts": true }), true, true, Value::Null),
        (json!({ "includeArtifacts": false, "historyLength": 0 }), false, false, json!(0)),
        (json!({ "historyLength": 3 }), false, true, json!(3)),
    ] {
        known(&world, &["alice-0"]);
        let told = world.gateway.ask("jwt", V1_RPC, What::List(params.clone())).bearer(&alice).send().await;
        let task = told.result()["tasks"][0].clone();
        assert_eq!(task.get("artifacts").is_some(), artifacts, "{params}");
        assert_eq!(task.get("history").is_some(), history, "{params}");
        let asked = world.asked().pop().unwrap();
        assert_eq!(asked.params()["historyLength"], asked_for, "{params}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_a_list_does_not_take_is_named() {
    let world = AgentWorld::start().await;
    tasks(&world, "alice", &["working", "working"]).await;
    tasks(&world, "bob", &["working", "working"]).await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    known(&world, &["bob-1"]);
    let told =
        world.gateway.ask("jwt", V1_RPC, What::List(json!({ "pageSize": 1 }))).bearer(&bob).send().await;
    let bobs = told.result()["nextPageToken"].as_str().unwrap().to_owned();
    let mut changed = bobs.clone().into_bytes();
    changed[3] ^= 1;
    let changed = String::from_utf8_lossy(&changed).into_owned();
    for (params, field) in [
        (json!({ "pageSize": 0 }), "pageSize"),
        (json!({ "pageSize": 101 }), "pageSize"),
        (json!({ "pageSize": -1 }), "pageSize"),
        (json!({ "historyLength": -1 }), "historyLength"),
        (json!({ "status": "TASK_STATE_BORED" }), "status"),
        (json!({ "statusTimestampAfter": "yesterday" }), "statusTimestampAfter"),
        (json!({ "pageToken": "garbage" }), "pageToken"),
        (json!({ "pageToken": bobs }), "pageToken"),
        (json!({ "pageToken": changed }), "pageToken"),
    ] {
        for face in &V1_FACES[..2] {
            let call = world.gateway.ask("jwt", *face, What::List(params.clone()));
            let told = call.bearer(&alice).send().await;
            assert!(told.failed().is_some(), "{face:?} {params}: {}", told.answer.text());
            let failure = told.failure();
            assert_eq!(failure.fields, [field], "{face:?} {params}: {failure:?}");
        }
    }
    world.finish().await;
}

/// It was there once; that it is not any more is no reason to be silent about it, or to fail the page.
#[tokio::test]
async fn a_task_that_the_agent_forgot_is_shown_as_it_was_last_seen() {
    let world = AgentWorld::start().await;
    tasks(&world, "alice", &["completed"]).await;
    let alice = world.token("alice", "jwt");
    world.agent.always("GetTask", Answer::error(Fault::TASK_NOT_FOUND));
    for face in V1_FACES {
        let told = world.gateway.ask("jwt", face, What::List(json!({}))).bearer(&alice).send().await;
        let task = &told.result()["tasks"][0];
        assert_eq!((&task["id"], &task["contextId"]), (&json!("alice-0"), &json!("alice-context-0")));
        assert_eq!(task["status"]["state"], "TASK_STATE_COMPLETED", "{face:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn version_0_3_has_no_lists() {
    let world = AgentWorld::start().await;
    let alice = world.token("alice", "jwt");
    for face in [V03_RPC, V03_REST, V03_GRPC] {
        let call = world.gateway.ask("jwt", face, What::List(json!({}))).bearer(&alice);
        let failure = match face {
            V03_GRPC => {
                let answer = call.grpc().send().await;
                assert_eq!(answer.header("grpc-status"), Some("12"));
                continue;
            }
            _ => call.send().await.failure(),
        };
        assert!(
            matches!(&*failure.reason, "METHOD_NOT_FOUND" | "UNSUPPORTED_OPERATION"),
            "{face:?}: {failure:?}"
        );
    }
    world.finish().await;
}

/// An agent of 0.3 has none either: its callers of 1.0 do.
#[tokio::test]
async fn tasks_of_an_agent_of_0_3_are_listed_too() {
    let world = AgentWorld::plan().interfaces(&[V03_RPC]).start().await;
    let alice = world.token("alice", "jwt");
    let told = world.gateway.ask("jwt", V1_RPC, Message::new("working-1").send()).bearer(&alice).send().await;
    let id = told.said().task_id().to_owned();
    let told = world.gateway.ask("jwt", V1_RPC, What::List(json!({}))).bearer(&alice).send().await;
    let list = told.result();
    assert_eq!(ids(&list), [id]);
    assert_eq!(list["tasks"][0]["status"]["state"], "TASK_STATE_WORKING");
    assert!(list["tasks"][0].get("kind").is_none());
    world.finish().await;
}
