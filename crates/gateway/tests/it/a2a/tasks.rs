//! Whose a task is. Somebody else's is one that there is not, on every binding and in either version.

use doorward_testkit::agent::{Answer, Dialect, Stream, payload};
use serde_json::{Value, json};

use crate::harness::{
    AgentWorld, FACES, Face, Message, Said, Told, V1_REST, V1_RPC, V03_RPC, What, dialect, script,
};

/// A task of this caller's at the door `jwt`, in that state.
async fn a_task(world: &AgentWorld, token: &str, state: &str) -> (String, String) {
    let call = world.gateway.ask("jwt", V1_RPC, Message::new(&format!("{state}-1")).send());
    let said = call.bearer(token).send().await.said();
    assert_eq!(said.state(), state);
    (said.task_id().to_owned(), said.context_id().to_owned())
}

/// Everything that names a task. The proto of 0.3 has no references.
fn about(task: &str, face: Face) -> Vec<What> {
    let references = [Message::new("m").reference(task).send(), Message::new("m").reference(task).stream()];
    let references = references.into_iter().filter(|_| dialect(face) != Dialect::V03Proto);
    let others = [
        What::get(task),
        What::GetHistory(task.to_owned(), 1),
        What::cancel(task),
        What::subscribe(task),
        Message::new("m").task(task).send(),
        Message::new("m").task(task).stream(),
    ];
    others.into_iter().chain(references).collect()
}

#[tokio::test]
async fn somebody_elses_task_is_one_that_there_is_not() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let (task, _) = a_task(&world, &alice, "working").await;
    let missing = task.replace("task", "ksat");
    let asked = world.asked().len();
    for face in FACES {
        for (foreign, absent) in about(&task, face).into_iter().zip(about(&missing, face)) {
            let case = format!("{face:?} {foreign:?}");
            let foreign = world.gateway.ask("jwt", face, foreign).bearer(&bob).send().await;
            let absent = world.gateway.ask("jwt", face, absent).bearer(&bob).send().await;
            assert_eq!(foreign.failure().reason, "TASK_NOT_FOUND", "{case}");
            assert_eq!(foreign.answer.observable(), absent.answer.observable(), "{case}");
        }
    }
    assert_eq!(world.asked().len(), asked, "the agent has no say in it");
    assert!(!world.agent.saw(&task) && !world.agent.saw(&missing));
    world.finish().await;
}

#[tokio::test]
async fn a_task_is_its_owners_over_every_binding_and_in_either_version() {
    let world = AgentWorld::start().await;
    let alice = world.token("alice", "jwt");
    let (task, context) = a_task(&world, &alice, "working").await;
    for face in FACES {
        let told = world.gateway.ask("jwt", face, What::get(&task)).bearer(&alice).send().await;
        assert_eq!((told.said().task_id(), told.said().context_id()), (&*task, &*context), "{face:?}");
    }
    world.finish().await;
}

/// ProtoJSON readers take `task_id` for `taskId`; some readers take the first of two members, some the last.
#[tokio::test]
async fn no_spelling_leads_to_somebody_elses_task() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let (victim, context) = a_task(&world, &alice, "working").await;
    let (mine, _) = a_task(&world, &bob, "working").await;
    let message = r#""messageId":"working-9","role":"ROLE_USER","parts":[{"text":"x"}]"#;
    let cases = [
        ("GetTask", format!(r#"{{"id":"{mine}","id":"{victim}"}}"#)),
        ("GetTask", format!(r#"{{"id":"{mine}","\u0069d":"{victim}"}}"#)),
        ("GetTask", format!(r#"{{"id":"{mine}","Id":"{victim}"}}"#)),
        ("GetTask", format!(r#"{{"ID":"{victim}"}}"#)),
        ("GetTask", format!(r#"{{"name":"tasks/{victim}"}}"#)),
        ("CancelTask", format!(r#"{{"id":"{victim}"}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"task_id":"{victim}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"taskId":"{mine}","task_id":"{victim}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"TaskId":"{victim}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"taskid":"{victim}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"taskId":"{mine}","taskId":"{victim}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"t\u0061skId":"{victim}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"context_id":"{context}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"contextID":"{context}"}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"reference_task_ids":["{victim}"]}}}}"#)),
        ("SendMessage", format!(r#"{{"message":{{{message},"referenceTaskIDs":["{victim}"]}}}}"#)),
        (
            "SendMessage",
            format!(r#"{{"message":{{{message}}},"request":{{{message},"taskId":"{victim}"}}}}"#),
        ),
        ("SendMessage", format!(r#"{{"request":{{{message},"taskId":"{victim}"}}}}"#)),
        (
            "SendMessage",
            format!(r#"{{"Message":{{{message},"taskId":"{victim}"}},"message":{{{message}}}}}"#),
        ),
        (
            "SendMessage",
            format!(r#"{{"message":{{{message}}},"message":{{{message},"taskId":"{victim}"}}}}"#),
        ),
    ];
    for (method, params) in &cases {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let answer = world.gateway.post_agent("jwt", body).bearer(&bob).send().await;
        assert!(
            !answer.text().contains(&victim) && !answer.text().contains(&context),
            "{params}: {}",
            answer.text()
        );
        assert!(!world.agent.saw(&victim) && !world.agent.saw(&context), "{method} {params}");
    }
    for (method, params) in &cases {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"METHOD":"{method}","method":"GetTask","params":{params}}}"#);
        let answer = world.gateway.post_agent("jwt", body).bearer(&bob).send().await;
        assert!(!answer.text().contains(&context), "{params}: {}", answer.text());
        assert!(!world.agent.saw(&victim) && !world.agent.saw(&context), "{method} {params}");
    }
    world.finish().await;
}

/// A subscription does not end by itself, so it is a test of its own.
#[tokio::test]
async fn no_spelling_subscribes_to_somebody_elses_task() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let (victim, context) = a_task(&world, &alice, "working").await;
    let (mine, _) = a_task(&world, &bob, "working").await;
    for params in [
        format!(r#"{{"id":"{mine}","ID":"{victim}"}}"#),
        format!(r#"{{"ID":"{victim}","id":"{mine}"}}"#),
        format!(r#"{{"id":"{mine}","i_d":"{victim}"}}"#),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"SubscribeToTask","params":{params}}}"#);
        let mut events = world.gateway.post_agent("jwt", body).bearer(&bob).stream().await;
        let first = events.next().await.unwrap_or_default();
        assert!(!first.contains(&context) && !first.contains(&victim), "{params}: {first}");
        assert!(!world.agent.saw(&victim), "{params}: {first}");
    }
    world.finish().await;
}

/// The same over HTTP+JSON: path, query and body must not disagree.
#[tokio::test]
async fn no_path_leads_to_somebody_elses_task() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let (victim, context) = a_task(&world, &alice, "working").await;
    let (mine, _) = a_task(&world, &bob, "working").await;
    let escaped = victim.replace('t', "%74");
    for (method, path, body) in [
        ("GET", format!("/tasks/{escaped}"), ""),
        ("GET", format!("/tasks/{mine}?id={victim}"), ""),
        ("GET", format!("/tasks/{mine}/../{victim}"), ""),
        ("GET", format!("/tasks/{mine}%2f..%2f{victim}"), ""),
        ("GET", format!("/tasks/{victim}?id={mine}"), ""),
        ("GET", format!("/tasks/{victim}:subscribe"), ""),
        ("POST", format!("/tasks/{mine}:cancel"), &*format!(r#"{{"id":"{victim}"}}"#)),
        ("POST", format!("/tasks/{escaped}:cancel"), "{}"),
        ("POST", format!("/tasks/{mine}:subscribe"), &*format!(r#"{{"id":"{victim}"}}"#)),
        ("GET", format!("/jwt/tasks/{escaped}"), ""),
    ] {
        let call =
            world.gateway.call(method, &format!("/a2a/jwt{path}")).header("A2A-Version", "1.0").bearer(&bob);
        let call =
            if body.is_empty() { call } else { call.header("Content-Type", "application/json").body(body) };
        let answer = call.send().await;
        assert!(!answer.text().contains(&context), "{method} {path}: {}", answer.text());
        assert!(!world.agent.saw(&victim) && !world.agent.saw(&escaped), "{method} {path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_follow_up_gets_its_context_filled_in() {
    for interface in [V1_RPC, V1_REST, V03_RPC] {
        let world = AgentWorld::plan().interfaces(&[interface]).start().await;
        let alice = world.token("alice", "jwt");
        let (task, context) = a_task(&world, &alice, "input-required").await;
        for face in FACES {
            let message = Message::new("input-required-2").task(&task).send();
            let told = world.gateway.ask("jwt", face, message).bearer(&alice).send().await;
            assert_eq!(told.said().context_id(), context, "{face:?}");
            let asked = world.asked().pop().unwrap();
            assert_eq!(asked.params()["message"]["contextId"], json!(context), "{face:?} to {interface:?}");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn a_task_is_in_its_own_context_only() {
    let world = AgentWorld::start().await;
    let alice = world.token("alice", "jwt");
    let (task, _) = a_task(&world, &alice, "working").await;
    let (_, other) = a_task(&world, &alice, "working").await;
    let asked = world.asked().len();
    for face in FACES {
        for context in [other.as_str(), "made-up"] {
            for what in [
                Message::new("m").task(&task).context(context).send(),
                Message::new("m").task(&task).context(context).stream(),
            ] {
                let failure = world.gateway.ask("jwt", face, what).bearer(&alice).send().await.failure();
                assert_eq!(failure.fields, ["message.contextId"], "{face:?} {context}: {failure:?}");
            }
        }
    }
    assert_eq!(world.asked().len(), asked);
    world.finish().await;
}

#[tokio::test]
async fn somebody_elses_context_takes_no_message() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let (task, context) = a_task(&world, &alice, "completed").await;
    for face in FACES {
        for what in [Message::new("m").context(&context).send(), Message::new("m").context(&context).stream()]
        {
            let asked = world.asked().len();
            let foreign = world.gateway.ask("jwt", face, what.clone()).bearer(&bob).send().await;
            assert_eq!(foreign.failure().reason, "TASK_NOT_FOUND", "{face:?}");
            assert_eq!(world.asked().len(), asked);
            assert!(!foreign.answer.text().contains(&task));
        }
        let own = Message::new("m").context(&context).send();
        let told = world.gateway.ask("jwt", face, own).bearer(&alice).send().await;
        assert_eq!(told.said().context_id(), context, "{face:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_context_of_a_message_is_its_readers_too() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let mut message = payload::agent_message(Dialect::V1, "a-1", "hello");
    message["contextId"] = json!("talk-1");
    world.agent.once("SendMessage", Answer::message(message));
    let told = world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(&alice).send().await;
    assert_eq!(told.said(), Said::Message { id: "a-1".into(), text: "hello".into() });
    let intruder = Message::new("m").context("talk-1").send();
    let told = world.gateway.ask("jwt", V1_RPC, intruder).bearer(&bob).send().await;
    assert_eq!(told.failure().reason, "TASK_NOT_FOUND");
    world.finish().await;
}

#[tokio::test]
async fn after_the_end_there_is_nothing_but_to_look() {
    for state in ["completed", "failed", "rejected"] {
        let world = AgentWorld::start().await;
        let alice = world.token("alice", "jwt");
        let (task, _) = a_task(&world, &alice, state).await;
        let asked = world.asked().len();
        for face in FACES {
            for (what, reason) in [
                (Message::new("m").task(&task).send(), "UNSUPPORTED_OPERATION"),
                (Message::new("m").task(&task).stream(), "UNSUPPORTED_OPERATION"),
                (What::subscribe(&task), "UNSUPPORTED_OPERATION"),
                (What::cancel(&task), "TASK_NOT_CANCELABLE"),
            ] {
                let told = world.gateway.ask("jwt", face, what).bearer(&alice).send().await;
                assert_eq!(told.failure().reason, reason, "{face:?} after {state}");
            }
        }
        assert_eq!(world.asked().len(), asked, "the agent is not asked");
        let got = world.gateway.ask("jwt", V1_RPC, What::get(&task)).bearer(&alice).send().await;
        assert_eq!(got.said().state(), state);
        world.finish().await;
    }
}

/// An agent, or whoever answers in its place, cannot hand out what is somebody else's.
#[tokio::test]
async fn an_agent_that_answers_with_somebody_elses_task_is_not_believed() {
    for interface in FACES {
        let world = AgentWorld::plan().interfaces(&[interface]).doors(&["jwt"]).start().await;
        let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
        world.agent.always("SendMessage", script::task(interface, "task-1", "context-1", "working"));
        world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(&alice).send().await.said();
        for face in FACES {
            let told = world.gateway.ask("jwt", face, Message::new("m").send()).bearer(&bob).send().await;
            assert_refused(&told, interface);
            // Another id in the same context is no better.
            world.agent.once("SendMessage", script::task(interface, "task-2", "context-1", "working"));
        }
        let told = world.gateway.ask("jwt", V1_RPC, What::get("task-2")).bearer(&bob).send().await;
        assert_eq!(
            told.failure().reason,
            "TASK_NOT_FOUND",
            "{interface:?}: it was refused, so it is nobody's"
        );
        let events = |dialect| {
            vec![
                payload::task_event(dialect, payload::task(dialect, "task-1", "context-1", "working")),
                payload::status_event(dialect, "task-1", "context-1", "completed"),
            ]
        };
        world.agent.always("SendStreamingMessage", script::stream(interface, events));
        for face in FACES {
            let feed = world.gateway.ask("jwt", face, Message::new("m").stream()).bearer(&bob).open().await;
            let events = feed.rest().await;
            assert!(
                matches!(&events[..], [Err(failed)] if failed.reason == "INVALID_AGENT_RESPONSE"),
                "{events:?}"
            );
        }
        world.finish().await;
    }
}

fn assert_refused(told: &Told, interface: Face) {
    let failure = told.failure();
    assert_eq!(failure.reason, "INVALID_AGENT_RESPONSE", "{:?} to {interface:?}: {failure:?}", told.face);
    let everything = format!("{:?}", told.answer);
    assert!(!everything.contains("task-1") && !everything.contains("context-1"), "{everything}");
}

#[tokio::test]
async fn an_answer_about_another_task_than_was_asked_for_is_refused() {
    let world = AgentWorld::start().await;
    let alice = world.token("alice", "jwt");
    let (one, _) = a_task(&world, &alice, "working").await;
    let (two, context) = a_task(&world, &alice, "working").await;
    let other = || payload::task(Dialect::V1, &two, &context, "working");
    world.agent.always("GetTask", Answer::result(other()));
    world.agent.always("CancelTask", Answer::result(other()));
    world.agent.always("SendMessage", Answer::task(other()));
    for face in FACES {
        for what in [What::get(&one), What::cancel(&one), Message::new("m").task(&one).send()] {
            let told = world.gateway.ask("jwt", face, what).bearer(&alice).send().await;
            assert_eq!(told.failure().reason, "INVALID_AGENT_RESPONSE", "{face:?}");
        }
    }
    let event = payload::task_event(Dialect::V1, other());
    world.agent.always("SubscribeToTask", Answer::stream(Stream::of([event])));
    let feed = world.gateway.ask("jwt", V1_RPC, What::subscribe(&one)).bearer(&alice).open().await;
    assert!(matches!(&feed.rest().await[..], [Err(failed)] if failed.reason == "INVALID_AGENT_RESPONSE"));
    world.finish().await;
}

/// The agent would answer; but who has the task is not known, so nobody has it.
#[tokio::test]
async fn a_task_that_was_born_elsewhere_is_nobodys() {
    let world = AgentWorld::start().await;
    let alice = world.token("alice", "jwt");
    world.agent.always("GetTask", Answer::result(payload::task(Dialect::V1, "elsewhere", "c", "working")));
    for face in FACES {
        let told = world.gateway.ask("jwt", face, What::get("elsewhere")).bearer(&alice).send().await;
        assert_eq!(told.failure().reason, "TASK_NOT_FOUND", "{face:?}");
    }
    assert!(world.asked().is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_task_of_one_agent_is_none_of_another() {
    let world = AgentWorld::start().await;
    let alice = world.token("alice", "jwt");
    let (task, context) = a_task(&world, &alice, "working").await;
    let twin = world.token("alice", "twin");
    let told = world.gateway.ask("twin", V1_RPC, What::get(&task)).bearer(&twin).send().await;
    assert_eq!(told.failure().reason, "TASK_NOT_FOUND", "the same caller, another agent");
    // The same ids at another agent are other things, and may be somebody else's.
    let bob = world.token("bob", "twin");
    world.agent.once("SendMessage", Answer::task(payload::task(Dialect::V1, &task, &context, "working")));
    let told = world.gateway.ask("twin", V1_RPC, Message::new("m").send()).bearer(&bob).send().await;
    assert_eq!(told.said().task_id(), task);
    let told = world.gateway.ask("jwt", V1_RPC, What::get(&task)).bearer(&alice).send().await;
    assert_eq!(told.said().task_id(), task);
    world.finish().await;
}

/// Who had it when Doorward stopped has it when it starts: another process reads the same store.
#[tokio::test]
async fn whose_a_task_is_survives_a_restart() {
    let world = AgentWorld::start().await;
    let (alice, bob) = (world.token("alice", "jwt"), world.token("bob", "jwt"));
    let (task, context) = a_task(&world, &alice, "working").await;
    let replica = world.gateway.replica(world.toml()).await;
    let at = async |what: What, token: &str| {
        let call = world.gateway.ask("jwt", V1_RPC, what).bearer(token).call().at(&replica);
        Told { answer: call.send().await, face: V1_RPC }
    };
    assert_eq!(at(What::get(&task), &bob).await.failure().reason, "TASK_NOT_FOUND");
    assert_eq!(at(Message::new("m").context(&context).send(), &bob).await.failure().reason, "TASK_NOT_FOUND");
    assert_eq!(at(What::get(&task), &alice).await.said().context_id(), context);
    assert_eq!(at(What::cancel(&task), &alice).await.said().state(), "canceled");
    replica.finish().await;
    world.finish().await;
}

/// Two callers are told of one task at the same moment: one of them has it.
#[tokio::test]
async fn of_two_who_are_told_of_one_task_one_has_it() {
    let world = AgentWorld::start().await;
    for round in 0..8 {
        let (id, context) = (format!("race-{round}"), format!("race-context-{round}"));
        world.agent.behave();
        world.agent.always("SendMessage", Answer::task(payload::task(Dialect::V1, &id, &context, "working")));
        let tokens: Vec<_> = (0..4).map(|n| world.token(&format!("caller-{n}"), "jwt")).collect();
        let calls = tokens
            .iter()
            .map(|token| world.gateway.ask("jwt", V1_RPC, Message::new("m").send()).bearer(token).send());
        let told = futures_util::future::join_all(calls).await;
        let winners = told.iter().filter(|told| told.failed().is_none()).count();
        assert_eq!(winners, 1, "{told:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn everybody_at_an_open_door_is_one_caller() {
    let world = AgentWorld::start().await;
    let told = world.gateway.ask("open", V1_RPC, Message::new("working-1").send()).send().await;
    let task = told.said().task_id().to_owned();
    assert_eq!(world.gateway.ask("open", V03_RPC, What::get(&task)).send().await.said().state(), "working");
    world.finish().await;
}

#[tokio::test]
async fn what_names_no_task_is_told_so() {
    let world = AgentWorld::start().await;
    for (method, params, field) in [
        ("GetTask", json!({}), "id"),
        ("GetTask", json!({ "id": "" }), "id"),
        ("GetTask", json!({ "id": 7 }), "id"),
        ("CancelTask", json!({}), "id"),
        ("SubscribeToTask", json!({}), "id"),
        ("SendMessage", json!({}), "message"),
        ("SendMessage", json!({ "message": [] }), "message"),
        (
            "SendMessage",
            json!({ "message": { "messageId": "m", "role": "ROLE_USER", "parts": [], "taskId": 7 } }),
            "message.taskId",
        ),
        (
            "SendMessage",
            json!({ "message": { "messageId": "m", "role": "ROLE_USER", "parts": [], "referenceTaskIds": "x" } }),
            "message.referenceTaskIds",
        ),
    ] {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = world.gateway.post_agent("open", body.to_string()).send().await;
        assert_eq!((answer.status, answer.error_code()), (200, -32602), "{body}: {}", answer.text());
        let details = answer.json()["error"]["data"].clone();
        let named: Vec<Value> = details.as_array().into_iter().flatten().cloned().collect();
        let named = named.iter().any(|detail| detail["fieldViolations"][0]["field"] == field);
        assert!(named, "{body}: {field} is not named: {details}");
    }
    assert!(world.asked().is_empty());
    world.finish().await;
}
