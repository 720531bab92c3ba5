//! Every binding and version of a caller to every binding and version of an agent: the same tasks, states and errors.

use doorward_testkit::agent::{Binding, Fault, Version, payload};
use serde_json::json;

use crate::harness::{
    AgentWorld, FACES, Face, Message, Said, What, decode_request, dialect,
    script::{self},
};

/// The one door of these worlds: gRPC of 0.3 has no word for the agent, so there is only one.
async fn world(interface: Face) -> AgentWorld {
    AgentWorld::plan().interfaces(&[interface]).doors(&["open"]).start().await
}

/// What the agent answers at each operation.
fn script(world: &AgentWorld, interface: Face) {
    let agent = &world.agent;
    agent.always("SendMessage", script::task(interface, "task-1", "context-1", "working"));
    let task = |state| payload::task(dialect(interface), "task-1", "context-1", state);
    agent.always("GetTask", script::result(interface, "GetTask", &task("working")));
    agent.always("CancelTask", script::result(interface, "CancelTask", &task("canceled")));
    let events = |dialect| {
        let artifact = payload::artifact(dialect, "a", "said");
        vec![
            payload::task_event(dialect, payload::task(dialect, "task-2", "context-2", "submitted")),
            payload::status_event(dialect, "task-2", "context-2", "working"),
            payload::artifact_event(dialect, "task-2", "context-2", &artifact, false),
            payload::status_event(dialect, "task-2", "context-2", "completed"),
        ]
    };
    agent.always("SendStreamingMessage", script::stream(interface, events));
    let subscribed = |dialect| {
        vec![
            payload::task_event(dialect, payload::task(dialect, "task-1", "context-1", "working")),
            payload::status_event(dialect, "task-1", "context-1", "input-required"),
        ]
    };
    agent.always("SubscribeToTask", script::stream(interface, subscribed));
}

fn task(id: &str, context: &str, state: &str) -> Said {
    Said::Task { id: id.into(), context: context.into(), state: state.into(), texts: vec![] }
}

fn status(task: &str, context: &str, state: &str) -> Said {
    Said::Status { task: task.into(), context: context.into(), state: state.into() }
}

/// Each operation by each caller at one agent.
async fn every_caller_is_told_the_same(interface: Face) {
    for face in FACES {
        // A fresh world for each: what ended stays ended.
        let world = world(interface).await;
        script(&world, interface);
        let gateway = &world.gateway;
        let case = format!("{face:?} to {interface:?}");
        let sent = gateway.ask("open", face, Message::new("m-1").send()).send().await;
        assert_eq!(sent.said(), task("task-1", "context-1", "working"), "{case}");
        let got = gateway.ask("open", face, What::get("task-1")).send().await;
        assert_eq!(got.said(), task("task-1", "context-1", "working"), "{case}");
        let subscribed = gateway.ask("open", face, What::subscribe("task-1")).open().await;
        let events: Vec<_> = subscribed.rest().await.into_iter().map(Result::unwrap).collect();
        let expected =
            [task("task-1", "context-1", "working"), status("task-1", "context-1", "input-required")];
        assert_eq!(events, expected, "{case}");
        let canceled = gateway.ask("open", face, What::cancel("task-1")).send().await;
        assert_eq!(canceled.said(), task("task-1", "context-1", "canceled"), "{case}");
        let streamed = gateway.ask("open", face, Message::new("m-2").stream()).open().await;
        let events: Vec<_> = streamed.rest().await.into_iter().map(Result::unwrap).collect();
        let said = Said::Artifact {
            task: "task-2".into(),
            context: "context-2".into(),
            id: "a".into(),
            text: "said".into(),
        };
        let expected = [
            task("task-2", "context-2", "submitted"),
            status("task-2", "context-2", "working"),
            said,
            status("task-2", "context-2", "completed"),
        ];
        assert_eq!(events, expected, "{case}");
        for asked in world.asked() {
            assert_eq!((asked.binding, asked.version), interface, "{case}");
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn an_agent_of_json_rpc_and_1_0_is_the_same_to_every_caller() {
    every_caller_is_told_the_same((Binding::JsonRpc, Version::V1_0)).await;
}

#[tokio::test]
async fn an_agent_of_http_json_and_1_0_is_the_same_to_every_caller() {
    every_caller_is_told_the_same((Binding::HttpJson, Version::V1_0)).await;
}

#[tokio::test]
async fn an_agent_of_grpc_and_1_0_is_the_same_to_every_caller() {
    every_caller_is_told_the_same((Binding::Grpc, Version::V1_0)).await;
}

#[tokio::test]
async fn an_agent_of_json_rpc_and_0_3_is_the_same_to_every_caller() {
    every_caller_is_told_the_same((Binding::JsonRpc, Version::V0_3)).await;
}

#[tokio::test]
async fn an_agent_of_http_json_and_0_3_is_the_same_to_every_caller() {
    every_caller_is_told_the_same((Binding::HttpJson, Version::V0_3)).await;
}

#[tokio::test]
async fn an_agent_of_grpc_and_0_3_is_the_same_to_every_caller() {
    every_caller_is_told_the_same((Binding::Grpc, Version::V0_3)).await;
}

/// Errors that both versions have.
const FAULTS: [(Fault, &str); 5] = [
    (Fault::TASK_NOT_FOUND, "TASK_NOT_FOUND"),
    (Fault::TASK_NOT_CANCELABLE, "TASK_NOT_CANCELABLE"),
    (Fault::UNSUPPORTED_OPERATION, "UNSUPPORTED_OPERATION"),
    (Fault::CONTENT_TYPE_NOT_SUPPORTED, "CONTENT_TYPE_NOT_SUPPORTED"),
    (Fault::INVALID_AGENT_RESPONSE, "INVALID_AGENT_RESPONSE"),
];

/// The codes of an error: JSON-RPC, gRPC, HTTP (A2A 1.0.1 section 5.4).
fn codes(reason: &str) -> (i64, i64, u16) {
    match reason {
        "TASK_NOT_FOUND" => (-32001, 5, 404),
        "TASK_NOT_CANCELABLE" => (-32002, 9, 400),
        "UNSUPPORTED_OPERATION" => (-32004, 9, 400),
        "CONTENT_TYPE_NOT_SUPPORTED" => (-32005, 3, 400),
        "INVALID_AGENT_RESPONSE" => (-32006, 13, 500),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_error_is_the_same_to_every_caller_by_either_table() {
    for interface in FACES {
        let world = world(interface).await;
        for face in FACES {
            for (fault, reason) in FAULTS {
                for fault in [fault, fault.as_in_1_0_0()] {
                    for what in [Message::new("m").send(), Message::new("m").stream()] {
                        let case = format!("{face:?} to {interface:?}: {what:?}, {reason}");
                        world.agent.once("*", script::fault(interface, fault, reason));
                        let told = world.gateway.ask("open", face, what).send().await;
                        let failure = told.failure();
                        let (rpc, grpc, http) = codes(reason);
                        let expected = match face.0 {
                            Binding::JsonRpc => (200, rpc),
                            Binding::HttpJson => (http, i64::from(http)),
                            Binding::Grpc => (200, grpc),
                        };
                        assert_eq!((failure.status, failure.code), expected, "{case}: {failure:?}");
                        assert_eq!(failure.reason, reason, "{case}: {failure:?}");
                        assert_eq!(failure.details[0]["domain"], json!("a2a-protocol.org"), "{case}");
                    }
                }
            }
        }
        world.finish().await;
    }
}

#[tokio::test]
async fn a_message_is_the_same_to_every_caller() {
    for interface in FACES {
        let world = world(interface).await;
        world.agent.always("SendMessage", script::message(interface, "a-1", "hello"));
        for face in FACES {
            let told = world.gateway.ask("open", face, Message::new("m").send()).send().await;
            let message = Said::Message { id: "a-1".into(), text: "hello".into() };
            assert_eq!(told.said(), message, "{face:?} to {interface:?}");
        }
        world.finish().await;
    }
}

/// What the caller says reaches the agent in the words of its interface.
#[tokio::test]
async fn a_message_and_its_configuration_reach_every_agent() {
    for interface in FACES {
        let world = world(interface).await;
        world.agent.always("SendMessage", script::task(interface, "task-1", "context-1", "completed"));
        for face in FACES {
            // 1.0 asks not to wait, 0.3 whether to wait.
            let configuration = match face.1 {
                Version::V1_0 => json!({ "returnImmediately": true, "historyLength": 3 }),
                Version::V0_3 => json!({ "blocking": false, "historyLength": 3 }),
            };
            let message = Message::new("m-7").text("what is said").configuration(configuration);
            world.gateway.ask("open", face, message.send()).send().await.said();
            let asked = world.asked().pop().unwrap();
            let params = match interface.0 {
                Binding::Grpc => decode_request(interface.1, "SendMessage", &asked.request.body),
                _ => asked.params(),
            };
            let case = format!("{face:?} to {interface:?}: {params}");
            let message = &params["message"];
            let parts = message["parts"].as_array().or(message["content"].as_array()).unwrap();
            assert_eq!(
                (&message["messageId"], &parts[0]["text"]),
                (&json!("m-7"), &json!("what is said")),
                "{case}"
            );
            let configuration = &params["configuration"];
            assert_eq!(configuration["historyLength"], 3, "{case}");
            let waits = match interface.1 {
                Version::V1_0 => configuration["returnImmediately"] != true,
                // A proto does not write what is false.
                Version::V0_3 => configuration.get("blocking").is_some_and(|blocking| blocking == true),
            };
            assert!(!waits, "{case}");
        }
        world.finish().await;
    }
}
