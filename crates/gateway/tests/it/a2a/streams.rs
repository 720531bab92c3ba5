//! Streams: every event in its order, as soon as it comes, and what becomes of a stream that does not end well.

use doorward_testkit::{
    agent::{Answer, Binding, Dialect, Fault, GrpcReply, Stream, payload},
    recorder::{Fate, Gate},
};
use serde_json::{Value, json};

use crate::harness::{
    AgentWorld, FACES, Face, Feed, Message, PATIENCE, Said, V1_FACES, V1_GRPC, V1_REST, V1_RPC, V03_RPC,
    What, dialect, script,
};

/// A task's events in this dialect, from its beginning to these states.
fn events(dialect: Dialect, states: &[&str]) -> Vec<Value> {
    let begun = payload::task_event(dialect, payload::task(dialect, "t", "c", "submitted"));
    let states = states.iter().map(|state| payload::status_event(dialect, "t", "c", state));
    std::iter::once(begun).chain(states).collect()
}

fn states(events: &[Result<Said, crate::harness::Failed>]) -> Vec<String> {
    events
        .iter()
        .map(|event| {
            event.as_ref().map_or_else(|failed| failed.reason.clone(), |said| said.state().to_owned())
        })
        .collect()
}

/// Who asks, and how the agent is asked: alike, translated, from and to gRPC.
const WAYS: [(Face, Face); 6] = [
    (V1_RPC, V1_RPC),
    (V1_REST, V1_REST),
    (V1_REST, V1_RPC),
    (V03_RPC, V1_RPC),
    (V1_GRPC, V1_RPC),
    (V1_RPC, V03_RPC),
];

async fn world(interface: Face) -> AgentWorld {
    AgentWorld::plan().interfaces(&[interface]).doors(&["open"]).start().await
}

/// Clients of 0.3 that asked for a stream over JSON-RPC read nothing else, not even an error.
#[tokio::test]
async fn an_error_before_the_first_event_is_told_to_clients_of_0_3_in_a_stream() {
    for interface in [V1_RPC, V03_RPC] {
        let world = world(interface).await;
        for (what, mine) in [(What::subscribe("none"), true), (Message::new("m").stream(), false)] {
            if !mine {
                world.agent.once(
                    what.operation(),
                    script::fault(interface, Fault::UNSUPPORTED_OPERATION, "UNSUPPORTED_OPERATION"),
                );
            }
            let told = world.gateway.ask("open", V03_RPC, what).send().await;
            assert_eq!(told.answer.header("content-type"), Some("text/event-stream"), "{told:?}");
            let events = told.answer.events();
            assert_eq!((events.len(), &events[0]["id"]), (1, &json!(1)), "{events:?}");
            let code = if mine { -32001 } else { -32004 };
            assert_eq!(events[0]["error"]["code"], code, "{events:?}");
        }
        // Clients of 1.0 read both, and what is not asked for as a stream is none.
        for (face, what) in [(V1_RPC, What::subscribe("none")), (V03_RPC, What::get("none"))] {
            let told = world.gateway.ask("open", face, what).send().await;
            assert_eq!(told.answer.header("content-type"), Some("application/json"), "{face:?}");
            assert_eq!(told.failure().code, -32001, "{face:?}");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn many_events_keep_their_order() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        let kind = dialect(interface);
        let mut events = events(kind, &["working"]);
        for number in 0..200 {
            let artifact = payload::artifact(kind, "a", &format!("piece {number}"));
            events.push(payload::artifact_event(kind, "t", "c", &artifact, number > 0));
        }
        events.push(payload::status_event(kind, "t", "c", "completed"));
        world.agent.once("SendStreamingMessage", Answer::stream(Stream::of(events)));
        let told = world.gateway.ask("open", face, Message::new("m").stream()).open().await.rest().await;
        let texts: Vec<_> = told
            .into_iter()
            .filter_map(|event| match event.unwrap() {
                Said::Artifact { text, .. } => Some(text),
                _ => None,
            })
            .collect();
        let expected: Vec<_> = (0..200).map(|number| format!("piece {number}")).collect();
        assert_eq!(texts, expected, "{face:?} from {interface:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn each_event_comes_before_the_next_is_made() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        let gate = Gate::default();
        let stream =
            Stream::of(events(dialect(interface), &["working", "input-required", "completed"])).gated(&gate);
        world.agent.once("SendStreamingMessage", Answer::stream(stream));
        gate.release(1);
        let mut feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
        assert_eq!(feed.said().await.state(), "submitted", "{face:?} from {interface:?}");
        for state in ["working", "input-required", "completed"] {
            gate.release(1);
            assert_eq!(feed.said().await.state(), state, "{face:?} from {interface:?}");
        }
        gate.end();
        assert_eq!(feed.rest().await, []);
        world.finish().await;
    }
}

/// Nothing between here and the caller may keep events back, or change them.
#[tokio::test]
async fn the_head_of_a_stream_says_that_it_is_one() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        world.agent.once(
            "SendStreamingMessage",
            script::stream(interface, |dialect| events(dialect, &["completed"])),
        );
        let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
        let (status, headers) = match &feed {
            Feed::Sse(events, _) => (events.status, events.headers.clone()),
            Feed::Grpc(feed) => (200, feed.headers().to_vec()),
        };
        let get = |name: &str| {
            headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(status, 200);
        assert!(get("content-encoding").is_none());
        let kind = get("content-type").unwrap_or_default();
        if face.0 == Binding::Grpc {
            assert!(kind.starts_with("application/grpc"), "{kind}");
        } else {
            assert!(kind.starts_with("text/event-stream"), "{kind}");
            assert_eq!(get("x-accel-buffering"), Some("no"));
            assert!(
                get("cache-control")
                    .is_some_and(|value| value.contains("no-cache") || value.contains("no-store"))
            );
        }
        feed.rest().await;
        world.finish().await;
    }
}

#[tokio::test]
async fn events_of_json_rpc_answer_the_callers_request() {
    for interface in [V1_RPC, V1_REST, V03_RPC] {
        let world = world(interface).await;
        let stream = script::stream(interface, |dialect| events(dialect, &["working", "completed"]));
        world.agent.once("SendStreamingMessage", stream);
        let mut body = Message::new("m").stream().json_rpc(V1_RPC.1);
        body["id"] = json!("mine");
        let answer = world.gateway.post_agent("open", body.to_string()).send().await;
        let events = answer.events();
        assert_eq!(events.len(), 3, "{}", answer.text());
        for event in events {
            assert_eq!((&event["jsonrpc"], &event["id"]), (&json!("2.0"), &json!("mine")), "{event}");
        }
        world.finish().await;
    }
}

/// The agent answers under another id: the caller is not told so.
#[tokio::test]
async fn an_answer_under_another_id_is_not_passed_on() {
    let world = world(V1_RPC).await;
    let task = payload::task(Dialect::V1, "t", "c", "completed");
    for id in [json!(99), json!("1"), Value::Null] {
        let reply = json!({ "jsonrpc": "2.0", "id": id, "result": { "task": task } });
        let reply = doorward_testkit::recorder::Reply::raw("application/json", reply.to_string());
        world.agent.once("SendMessage", Answer::http(reply));
        let answer = world.gateway.ask("open", V1_RPC, Message::new("m").send()).send().await.answer;
        assert_eq!(answer.json()["id"], 1, "{id}: {}", answer.text());
        let event = json!({ "jsonrpc": "2.0", "id": id, "result": { "task": task } });
        world.agent.once(
            "SendStreamingMessage",
            Answer::stream(Stream::of([]).then_bytes(format!("data: {event}\n\n"))),
        );
        let answer = world.gateway.ask("open", V1_RPC, Message::new("m").stream()).send().await.answer;
        let ids: Vec<_> = answer.events().into_iter().chain([answer.json()]).collect();
        for event in ids.into_iter().filter(|event| !event.is_null()) {
            assert_eq!(event["id"], 1, "{id}: {event}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn what_follows_the_end_is_dropped_and_told_to_the_operator() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        let told = |dialect| events(dialect, &["completed", "working", "failed"]);
        world.agent.once("SendStreamingMessage", script::stream(interface, told));
        let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
        assert_eq!(states(&feed.rest().await), ["submitted", "completed"], "{face:?} from {interface:?}");
        let record = world.gateway.last_record().await;
        assert_eq!(
            (&record["reason"], &record["fault"]),
            (&json!("agent_invalid"), &json!("upstream")),
            "{record}"
        );
        let got = world.gateway.ask("open", face, Message::new("m").task("t").send()).send().await;
        assert_eq!(got.failure().reason, "UNSUPPORTED_OPERATION", "it is completed, whatever was said later");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_message_is_the_whole_stream() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        let told = |dialect| {
            let message = payload::agent_message(dialect, "a", "hello");
            let message = if dialect == Dialect::V03Rpc { message } else { json!({ "message": message }) };
            vec![message, payload::task_event(dialect, payload::task(dialect, "t", "c", "working"))]
        };
        world.agent.once("SendStreamingMessage", script::stream(interface, told));
        let events = world.gateway.ask("open", face, Message::new("m").stream()).open().await.rest().await;
        let message = Said::Message { id: "a".into(), text: "hello".into() };
        assert_eq!(events, [Ok(message)], "{face:?} from {interface:?}");
        world.finish().await;
    }
}

/// The stream ends, or breaks off, while the task works; meanwhile it has ended.
#[tokio::test]
async fn a_truncated_stream_is_completed_by_the_task_as_it_is() {
    for (face, interface) in WAYS {
        for cut in [false, true] {
            let world = world(interface).await;
            let stream = Stream::of(events(dialect(interface), &["working"]));
            let stream = if cut { stream.cut() } else { stream };
            world.agent.once("SendStreamingMessage", Answer::stream(stream));
            let task = payload::task(dialect(interface), "t", "c", "completed");
            world.agent.once("GetTask", script::result(interface, "GetTask", &task));
            let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
            let told = feed.rest().await;
            assert_eq!(
                states(&told),
                ["submitted", "working", "completed"],
                "{face:?} from {interface:?}, {cut}"
            );
            assert!(matches!(&told[2], Ok(Said::Task { .. })));
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn a_truncated_stream_of_a_task_that_goes_on_is_an_error() {
    for (face, interface) in WAYS {
        for known in [true, false] {
            let world = world(interface).await;
            let stream = Stream::of(events(dialect(interface), &["working"])).cut();
            world.agent.once("SendStreamingMessage", Answer::stream(stream));
            let task = payload::task(dialect(interface), "t", "c", "working");
            let answer = if known {
                script::result(interface, "GetTask", &task)
            } else {
                script::fault(interface, Fault::INTERNAL_ERROR, "INTERNAL_ERROR")
            };
            world.agent.once("GetTask", answer);
            let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
            let told = feed.rest().await;
            assert_eq!(told.len(), 3, "{face:?} from {interface:?}: {told:?}");
            let failed = told[2].clone().unwrap_err();
            assert!(failed.message.contains("`open`"), "whose fault it is: {failed:?}");
            assert_eq!(failed.metadata["fault"], "agent");
            assert_eq!(world.gateway.last_record().await["fault"], "upstream");
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn a_grpc_stream_without_its_status_is_truncated_too() {
    let world = world(V1_GRPC).await;
    let messages = events(Dialect::V1, &["completed"]);
    let messages: Vec<_> =
        messages.iter().map(|event| script::encoded(V1_GRPC, "SendStreamingMessage", event)).collect();
    // It ended before it broke: nothing is missing.
    world
        .agent
        .once("SendStreamingMessage", Answer::grpc(GrpcReply::of(messages.clone()).without_trailers()));
    let feed = world.gateway.ask("open", V1_RPC, Message::new("m").stream()).open().await;
    let told = states(&feed.rest().await);
    assert_eq!(told[..2], ["submitted", "completed"]);
    world.finish().await;
}

#[tokio::test]
async fn an_error_in_the_middle_is_the_last_thing() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        let stream = Stream::of(events(dialect(interface), &["working"])).then_error(Fault::INTERNAL_ERROR);
        let stream = stream.then(payload::status_event(dialect(interface), "t", "c", "completed"));
        world.agent.once("SendStreamingMessage", Answer::stream(stream));
        let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
        let told = feed.rest().await;
        assert_eq!(states(&told), ["submitted", "working", "INTERNAL_ERROR"], "{face:?} from {interface:?}");
        let failed = told[2].clone().unwrap_err();
        let expected = match face.0 {
            Binding::JsonRpc => -32603,
            Binding::HttpJson => 500,
            Binding::Grpc => 13,
        };
        assert_eq!(failed.code, expected, "{face:?} from {interface:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn an_error_of_grpc_in_the_middle_is_told_on_every_binding() {
    for face in FACES {
        let world = world(V1_GRPC).await;
        let messages = events(Dialect::V1, &["working"]);
        let messages = messages.iter().map(|event| script::encoded(V1_GRPC, "SendStreamingMessage", event));
        let reply = script::grpc_fault(
            GrpcReply::of(messages),
            Fault::CONTENT_TYPE_NOT_SUPPORTED,
            "CONTENT_TYPE_NOT_SUPPORTED",
        );
        world.agent.once("SendStreamingMessage", Answer::grpc(reply));
        let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
        let told = states(&feed.rest().await);
        assert_eq!(told, ["submitted", "working", "CONTENT_TYPE_NOT_SUPPORTED"], "{face:?}");
        world.finish().await;
    }
}

/// An error before the first event is answered like a unary one (A2A 1.0 section 9.4.2): no stream is opened for it. To
/// clients of 0.3 over JSON-RPC it is, as told above.
#[tokio::test]
async fn an_error_before_the_first_event_is_no_stream() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        for answer in [
            Answer::error(Fault::UNSUPPORTED_OPERATION),
            Answer::stream(Stream::of([]).then_error(Fault::UNSUPPORTED_OPERATION)),
        ] {
            world.agent.once("SendStreamingMessage", answer);
            let told = world.gateway.ask("open", face, Message::new("m").stream()).send().await;
            assert_eq!(told.failure().reason, "UNSUPPORTED_OPERATION", "{face:?} from {interface:?}");
            if face.0 != Binding::Grpc && face != V03_RPC {
                let kind = told.answer.header("content-type").unwrap_or_default();
                assert!(kind.ends_with("json"), "{kind}");
            }
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn a_giant_event_is_too_much_and_one_below_passes() {
    for (face, interface) in WAYS {
        let plan = AgentWorld::plan().interfaces(&[interface]).doors(&["open"]);
        let world = plan.more("[limits]\nresponse_body = \"64KiB\"").start().await;
        for (length, passes) in [(40_000, true), (70_000, false)] {
            let artifact = payload::artifact(dialect(interface), "a", &"x".repeat(length));
            let mut told = events(dialect(interface), &["working"]);
            told.push(payload::artifact_event(dialect(interface), "t", "c", &artifact, false));
            told.push(payload::status_event(dialect(interface), "t", "c", "input-required"));
            world.agent.behave();
            world.agent.always("SendStreamingMessage", Answer::stream(Stream::of(told)));
            let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
            let told = feed.rest().await;
            assert_eq!(told.len(), if passes { 4 } else { 3 }, "{face:?} from {interface:?}: {length}");
            assert_eq!(told.iter().all(Result::is_ok), passes, "{face:?} from {interface:?}: {length}");
        }
        world.finish().await;
    }
}

/// Whoever goes away ends the stream, not the task.
#[tokio::test]
async fn a_caller_that_leaves_ends_the_stream_and_not_the_task() {
    for (face, interface) in WAYS {
        let world = world(interface).await;
        let stream = Stream::of(events(dialect(interface), &["working"])).hold();
        world.agent.once("SendStreamingMessage", Answer::stream(stream));
        let mut feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
        assert_eq!(feed.said().await.state(), "submitted");
        assert_eq!(feed.said().await.state(), "working");
        drop(feed);
        world.agent.wait_for_fate("SendStreamingMessage", Fate::ClientGone).await.unwrap();
        assert!(world.agent.requests_of("CancelTask").is_empty(), "{face:?} from {interface:?}");
        let record = world.gateway.last_record().await;
        assert_eq!(record["aborted"], true, "{record}");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_revoked_token_ends_its_streams() {
    for face in V1_FACES {
        let world = AgentWorld::start().await;
        let client = world.gateway.operators("robot", "basic").await;
        let ask =
            client.form("/token").with("grant_type", "client_credentials").with("scope", "a2a:read a2a:send");
        let ask = ask.with("resource", &world.gateway.agent_resource("own"));
        let token = crate::harness::Tokens::of(&ask.send().await).access;
        let call = world.gateway.ask("own", face, Message::new("working-1").stream()).bearer(&token);
        let mut feed = call.open().await;
        for state in ["submitted", "working"] {
            assert_eq!(feed.said().await.state(), state);
        }
        assert_eq!(client.revoke(&token).send().await.status, 200);
        let rest = tokio::time::timeout(PATIENCE, feed.rest()).await.expect("the stream ends");
        assert!(rest.iter().all(Result::is_ok), "{face:?}: {rest:?}");
        world.agent.wait_for_fate("SendStreamingMessage", Fate::ClientGone).await.unwrap();
        let after = world.gateway.ask("own", face, What::get("task-1")).bearer(&token).send().await;
        assert!(matches!(after.failure().status, 401 | 200), "{face:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive() {
    for face in [V1_RPC, V1_REST] {
        let world = AgentWorld::plan().doors(&["open"]).more("[limits]\nkeep_alive = \"1s\"").start().await;
        let stream = Stream::of(events(Dialect::V1, &["working"])).hold();
        world.agent.once("SendStreamingMessage", Answer::stream(stream));
        let feed = world.gateway.ask("open", face, Message::new("m").stream()).open().await;
        let mut events = feed.events();
        let mut seen = Vec::new();
        while seen.iter().filter(|event: &&String| event.starts_with(':')).count() < 2 {
            seen.push(events.next().await.expect("the stream goes on"));
        }
        drop(events);
        world.finish().await;
    }
}

/// An agent that is slow to begin does not keep the caller waiting for the head of the answer.
#[tokio::test]
async fn the_head_does_not_wait_for_a_slow_first_event() {
    let world = world(V1_RPC).await;
    let gate = Gate::default();
    let stream = Stream::of(events(Dialect::V1, &["completed"])).gated(&gate);
    world.agent.once("SendStreamingMessage", Answer::stream(stream));
    let mut feed = world.gateway.ask("open", V1_RPC, Message::new("m").stream()).open().await;
    gate.end();
    assert_eq!(feed.said().await.state(), "submitted");
    assert_eq!(states(&feed.rest().await), ["completed"]);
    world.finish().await;
}

#[tokio::test]
async fn subscribers_see_the_same_and_one_that_leaves_disturbs_nobody() {
    let world = AgentWorld::start().await;
    let token = world.token("alice", "jwt");
    let told = world.gateway.ask("jwt", V1_RPC, Message::new("working-1").send()).bearer(&token).send().await;
    let (task, context) = (told.said().task_id().to_owned(), told.said().context_id().to_owned());
    let events = [
        payload::task_event(Dialect::V1, payload::task(Dialect::V1, &task, &context, "working")),
        payload::status_event(Dialect::V1, &task, &context, "completed"),
    ];
    let gates = [Gate::default(), Gate::default(), Gate::default()];
    let mut feeds = Vec::new();
    for (face, gate) in V1_FACES.into_iter().zip(&gates) {
        world.agent.once("SubscribeToTask", Answer::stream(Stream::of(events.clone()).gated(gate)));
        gate.release(1);
        let mut feed = world.gateway.ask("jwt", face, What::subscribe(&task)).bearer(&token).open().await;
        assert!(
            matches!(feed.said().await, Said::Task { state, .. } if state == "working"),
            "the task comes first"
        );
        feeds.push(feed);
    }
    drop(feeds.pop());
    gates.iter().for_each(Gate::end);
    for feed in feeds {
        assert_eq!(states(&feed.rest().await), ["completed"]);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_silent_agent_is_given_up() {
    let plan = AgentWorld::plan().doors(&["open"]);
    let world = plan.more("[limits]\nkeep_alive = \"1s\"\nstream_idle = \"2s\"").start().await;
    let stream = Stream::of(events(Dialect::V1, &["working"])).hold();
    world.agent.once("SendStreamingMessage", Answer::stream(stream));
    world.agent.always("GetTask", Answer::result(payload::task(Dialect::V1, "t", "c", "working")));
    let feed = world.gateway.ask("open", V1_RPC, Message::new("m").stream()).open().await;
    let told = tokio::time::timeout(PATIENCE, feed.rest()).await.expect("it is given up");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[2].is_err());
    world.finish().await;
}

/// After the end of the task there is nothing to wait for, whether the agent keeps silent or goes on talking.
#[tokio::test]
async fn a_stream_ends_with_its_task_whatever_the_agent_does() {
    for (face, interface) in [(V1_RPC, V1_RPC), (V1_GRPC, V1_RPC), (V03_RPC, V1_RPC)] {
        let kind = dialect(interface);
        let whole = || Stream::of(events(kind, &["working", "completed"]));
        let mut talks = whole();
        for _ in 0..1_000 {
            talks = talks.then(payload::status_event(kind, "t", "c", "working"));
        }
        for stream in [whole().hold(), talks.every(std::time::Duration::from_millis(50))] {
            let world = world(interface).await;
            world.agent.once("SendStreamingMessage", Answer::stream(stream));
            let told = world.gateway.ask("open", face, Message::new("m").stream()).open().await.rest().await;
            assert_eq!(states(&told), ["submitted", "working", "completed"], "{face:?}");
            world.agent.wait_for_fate("SendStreamingMessage", Fate::ClientGone).await.unwrap();
            world.finish().await;
        }
    }
}
