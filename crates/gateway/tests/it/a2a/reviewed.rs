//! What a review of the door for agents found: two callers at once, lists that one task spoils, and quotas that are
//! outrun.

use doorward_testkit::{
    agent::{Answer, Dialect, Fault, Stream, payload},
    recorder::Gate,
};
use serde_json::{Value, json};

use crate::harness::{AgentWorld, Message, V1_FACES, V1_RPC, What};

const V1: Dialect = Dialect::V1;

/// A stream that says nothing before the gate lets it, and then the whole task.
fn held_back(gate: &Gate, task: &str, context: &str, state: &str) -> Answer {
    let task = payload::task(V1, task, context, state);
    Answer::stream(Stream::of([payload::task_event(V1, task)]).gated(gate))
}

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

/// A context is that of whoever names it first, from then on, not only from when the agent has answered.
#[tokio::test]
async fn a_context_that_two_name_at_once_is_entered_by_one() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let gate = Gate::default();
    world.agent.once("SendStreamingMessage", held_back(&gate, "alices", "shared", "completed"));
    let stream = Message::new("m").context("shared").stream();
    let mut feed = world.gateway.ask("jwt", V1_RPC, stream).bearer(&alice).open().await;
    for face in V1_FACES {
        let said = Message::new("m").context("shared").send();
        let told = world.gateway.ask("jwt", face, said).bearer(&bob).send().await;
        assert_eq!(told.failure().reason, "TASK_NOT_FOUND", "{face:?}");
    }
    assert!(world.agent.requests_of("SendMessage").is_empty(), "nothing of Bob's is in Alice's conversation");
    gate.end();
    assert_eq!(feed.said().await.context_id(), "shared");
    let said = Message::new("m").context("shared").send();
    world.gateway.ask("jwt", V1_RPC, said).bearer(&alice).send().await.said();
    drop(feed);
    world.finish().await;
}

/// What is under way is a task as far as quotas are concerned: who is faster than the agent outruns none.
#[tokio::test]
async fn a_quota_of_tasks_counts_those_that_the_agent_has_not_told_yet() {
    let world = AgentWorld::plan().doors(&["jwt"]).each("quotas = { tasks = 2 }").start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let gate = Gate::default();
    let mut feeds = Vec::new();
    for task in ["one", "two"] {
        world.agent.once("SendStreamingMessage", held_back(&gate, task, task, "completed"));
        let stream = Message::new("m").stream();
        feeds.push(world.gateway.ask("jwt", V1_RPC, stream).bearer(&alice).open().await);
    }
    let third = world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(&alice).send().await;
    assert!(third.failure().message.contains("at most 2 tasks"), "{:?}", third.failure());
    assert!(world.agent.requests_of("SendMessage").is_empty());
    world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(&bob).send().await.said();
    gate.end();
    for mut feed in feeds {
        assert_eq!(feed.said().await.state(), "completed");
        assert!(feed.rest().await.is_empty());
    }
    for _ in 0..3 {
        world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(&alice).send().await.said();
    }
    world.finish().await;
}

/// A stream that has told its task is counted by that task alone.
#[tokio::test]
async fn a_task_whose_stream_goes_on_is_counted_once() {
    let world = AgentWorld::plan().doors(&["jwt"]).each("quotas = { tasks = 2 }").start().await;
    let alice = world.token("alice", "jwt");
    let task = payload::task_event(V1, payload::task(V1, "one", "c", "working"));
    world.agent.once("SendStreamingMessage", Answer::stream(Stream::of([task]).hold()));
    let stream = Message::new("m").stream();
    let mut feed = world.gateway.ask("jwt", V1_RPC, stream).bearer(&alice).open().await;
    assert_eq!(feed.said().await.state(), "working");
    let send = |id| world.gateway.ask("jwt", V1_RPC, Message::new(id).send()).bearer(&alice).send();
    send("working-2").await.said();
    assert!(send("m").await.failure().message.contains("at most 2 tasks"));
    drop(feed);
    world.finish().await;
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
