//! What a review of the door for agents found.

use doorward_testkit::agent::{Answer, Dialect, Fault, payload};
use serde_json::{Value, json};

use crate::harness::{AgentWorld, Message, V1_FACES, V1_RPC, What};

const V1: Dialect = Dialect::V1;

/// Tasks of Alice's, as the agent tells them; later ones are newer.
async fn tasks(world: &AgentWorld, token: &str, ids: &[&str]) {
    for (index, id) in ids.iter().enumerate() {
        let mut task = payload::task(V1, id, "c", "working");
        task["status"]["timestamp"] = json!(format!("2026-01-0{}T00:00:00.000Z", index + 1));
        world.agent.once("SendMessage", Answer::task(task));
        world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(token).send().await.said();
    }
}

fn ids(list: &Value) -> Vec<&str> {
    let tasks = list["tasks"].as_array().expect("tasks");
    tasks.iter().map(|task| task["id"].as_str().expect("an id")).collect()
}

/// One task that the agent cannot tell, or that is larger than an answer may be, is shown as it was last seen.
#[tokio::test]
async fn no_single_task_spoils_a_list() {
    let plan = AgentWorld::plan().doors(&["jwt"]);
    let world = plan.more("[limits]\nresponse_body = \"2KiB\"").start().await;
    let alice = world.token("alice", "jwt");
    tasks(&world, &alice, &["good", "huge", "broken"]).await;
    for face in V1_FACES {
        let mut huge = payload::task(V1, "huge", "c", "working");
        huge["artifacts"] = json!([payload::artifact(V1, "a", &"x".repeat(4096))]);
        world.agent.once("GetTask", Answer::error(Fault::INTERNAL_ERROR));
        world.agent.once("GetTask", Answer::result(huge));
        world.agent.once("GetTask", Answer::result(payload::task(V1, "good", "c", "completed")));
        let told = world.gateway.ask("jwt", face, What::List(json!({}))).bearer(&alice).send().await;
        let list = told.result();
        assert_eq!(ids(&list), ["broken", "huge", "good"], "{face:?}");
        assert_eq!(list["tasks"][0]["status"]["state"], "TASK_STATE_WORKING", "{face:?}");
        assert_eq!(list["tasks"][2]["status"]["state"], "TASK_STATE_COMPLETED", "{face:?}");
    }
    world.finish().await;
}

/// A page holds as many tasks as fit into one answer; the next page goes on behind them.
#[tokio::test]
async fn a_page_is_no_larger_than_an_answer_may_be() {
    let plan = AgentWorld::plan().doors(&["jwt"]);
    let world = plan.more("[limits]\nresponse_body = \"2KiB\"").start().await;
    let alice = world.token("alice", "jwt");
    tasks(&world, &alice, &["first", "second", "third"]).await;
    for face in V1_FACES {
        let (mut seen, mut token) = (Vec::new(), String::new());
        // The agent is asked for one more than fits, and for that one again.
        for id in ["third", "second", "second", "first", "first"] {
            let mut task = payload::task(V1, id, "c", "working");
            task["artifacts"] = json!([payload::artifact(V1, "a", &"x".repeat(1200))]);
            world.agent.once("GetTask", Answer::result(task));
        }
        for page in 0..3 {
            let params = json!({ "includeArtifacts": true, "pageToken": token });
            let told = world.gateway.ask("jwt", face, What::List(params)).bearer(&alice).send().await;
            let list = told.result();
            assert_eq!(ids(&list).len(), 1, "{face:?} {page}: {list}");
            seen.extend(ids(&list).into_iter().map(str::to_owned));
            list["nextPageToken"].as_str().unwrap_or_default().clone_into(&mut token);
            assert_eq!(token.is_empty(), page == 2, "{face:?} {page}");
        }
        assert_eq!(seen, ["third", "second", "first"], "{face:?}");
    }
    world.finish().await;
}
