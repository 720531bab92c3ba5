//! Every way of registering a webhook, at every kind of agent.

use bytes::Bytes;
use doorward_protocol::{
    a2a::{Operation, Version as ProtocolVersion, proto},
    json::Document,
};
use doorward_testkit::agent::{Answer, Fault, GrpcReply};

use super::*;

const FACES: [Face; 6] = [Face::Rpc, Face::Rest, Face::Grpc, Face::OldRpc, Face::OldRest, Face::OldGrpc];

/// Registers a webhook for a task of alice's, in the words of a face.
async fn register(world: &PushWorld, face: Face, task: &str) -> Value {
    let old = json!({
        "id": "c", "url": world.receiver.url(), "token": TOKEN,
        "authentication": { "schemes": ["Bearer"], "credentials": CREDENTIALS },
    });
    let path = format!("/tasks/{task}/pushNotificationConfigs");
    let answer = match face {
        Face::Rpc => {
            return world.create("alice", &world.config(task, "c")).await.result();
        }
        Face::Rest => world.rest("alice", "POST", &path, &world.config(task, "c")).send().await,
        Face::OldRpc => {
            let params = json!({ "taskId": task, "pushNotificationConfig": old });
            let answer = world.old_rpc("alice", "tasks/pushNotificationConfig/set", &params).send().await;
            return answer.result();
        }
        Face::OldRest => {
            let name = format!("tasks/{task}/pushNotificationConfigs/c");
            let body = json!({
                "configId": "c", "config": { "name": name, "pushNotificationConfig": old },
            });
            world.bare("alice", "POST", &format!("/v1{path}"), &body).send().await
        }
        Face::Grpc => world.grpc("alice", Version::V1_0, &world.config(task, "c")).await,
        Face::OldGrpc => {
            let name = format!("tasks/{task}/pushNotificationConfigs/c");
            let config = json!({ "name": name, "pushNotificationConfig": old });
            let request = json!({ "parent": format!("tasks/{task}"), "configId": "c", "config": config });
            world.grpc("alice", Version::V0_3, &request).await
        }
    };
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// What a delivery tells, in the words of the version under which its webhook was registered.
fn told(face: Face, delivery: &Recorded) -> (String, String) {
    let body = delivery.json();
    let (update, media) = match face {
        Face::Rpc | Face::Rest | Face::Grpc => (&body["statusUpdate"], "application/a2a+json"),
        Face::OldRpc | Face::OldRest | Face::OldGrpc => {
            assert_eq!(body["kind"], "status-update");
            (&body, "application/json")
        }
    };
    assert_eq!(delivery.header("content-type"), Some(media));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&update["taskId"]), text(&update["status"]["state"]))
}

async fn relayed(face: Face, speaks: (Binding, Version)) {
    let world = PushWorld::with(speaks, ALLOWED).await;
    let task = world.task("alice").await;
    let shown = register(&world, face, &task).await;
    assert!(shown.to_string().contains(&world.receiver.url()), "the caller's own: {shown}");
    assert_eq!(world.tell(&task, "input-required").await, [204], "{face:?} {speaks:?}");
    let delivery = world.receiver.wait_for(1).await.unwrap().remove(0);
    let state = match face {
        Face::Rpc | Face::Rest | Face::Grpc => "TASK_STATE_INPUT_REQUIRED",
        Face::OldRpc | Face::OldRest | Face::OldGrpc => "input-required",
    };
    assert_eq!(told(face, &delivery), (task.clone(), state.to_owned()), "{speaks:?}");
    assert_eq!(delivery.header("x-a2a-notification-token"), Some(TOKEN));
    assert_eq!(delivery.header("authorization"), Some(format!("Bearer {CREDENTIALS}").as_str()));
    let records = world.gateway.records().await;
    let record = records.iter().find(|record| record["method"] == "PushNotification").unwrap();
    assert_eq!((&record["agent"], &record["task"]), (&json!("helper"), &json!(task)));
    assert_eq!(record["states"], json!(["TASK_STATE_INPUT_REQUIRED"]), "{record}");
    // The index of tasks has it too, though no caller asked.
    let list =
        world.rpc("alice", "ListTasks", &json!({ "status": "TASK_STATE_INPUT_REQUIRED" })).send().await;
    assert_eq!(list.result()["totalSize"], 1, "{}", list.text());
    world.finish().await;
}

#[tokio::test]
async fn a_webhook_is_told_in_the_words_in_which_it_was_registered() {
    for face in FACES {
        relayed(face, (Binding::JsonRpc, Version::V1_0)).await;
    }
}

#[tokio::test]
async fn agents_of_every_binding_and_version_are_understood() {
    for speaks in [
        (Binding::HttpJson, Version::V1_0),
        (Binding::JsonRpc, Version::V0_3),
        (Binding::HttpJson, Version::V0_3),
    ] {
        for face in [Face::Rpc, Face::OldRpc] {
            relayed(face, speaks).await;
        }
    }
}

#[tokio::test]
async fn a_webhook_of_0_3_is_sent_in_the_form_that_the_agent_reads() {
    let create = "CreateTaskPushNotificationConfig";
    let world = PushWorld::with((Binding::HttpJson, Version::V0_3), ALLOWED).await;
    let task = world.webhook().await;
    let forms = || -> Vec<bool> {
        let asked = world.agent.requests_of(create);
        asked.iter().map(|asked| asked.request.json()["config"].is_null()).collect()
    };
    assert_eq!(forms(), [false], "the whole request comes first");
    // Like an agent that reads the webhook only without the request around it.
    world.agent.once(create, Answer::error(Fault::INVALID_PARAMS));
    let second = world.webhook().await;
    assert_eq!(forms(), [false, false, true]);
    let bare = world.agent.requests_of(create).pop().unwrap().request;
    let config = &bare.json()["pushNotificationConfig"];
    let name = format!("tasks/{second}/pushNotificationConfigs/{}", config["id"].as_str().unwrap());
    assert_eq!(bare.json()["name"], name);
    assert!(bare.target.contains("?configId="), "{}", bare.target);
    assert_eq!(world.tell(&second, "completed").await, [204]);
    // From now on it is known.
    let third = world.webhook().await;
    assert_eq!(forms(), [false, false, true, true]);
    // Until it is not so any more.
    world.agent.once(create, Answer::error(Fault::INVALID_PARAMS));
    world.webhook().await;
    assert_eq!(forms(), [false, false, true, true, true, false]);
    assert_eq!(world.tell(&third, "completed").await, [204]);
    assert_eq!(world.tell(&task, "completed").await, [204]);
    world.receiver.wait_for(3).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn a_webhook_of_0_3_that_an_agent_refuses_is_tried_no_third_time() {
    let create = "CreateTaskPushNotificationConfig";
    let world = PushWorld::with((Binding::HttpJson, Version::V0_3), ALLOWED).await;
    let task = world.task("alice").await;
    for (fault, times) in [(Fault::INVALID_PARAMS, 2), (Fault::TASK_NOT_FOUND, 3), (Fault::INTERNAL_ERROR, 4)]
    {
        world.agent.always(create, Answer::error(fault));
        let answer = world.create("alice", &world.config(&task, "c")).await;
        assert!(answer.json()["error"].is_object(), "{}", answer.text());
        assert_eq!(world.agent.requests_of(create).len(), times);
        world.agent.behave();
    }
    // What is refused once more is no sign of anything.
    world.webhook().await;
    assert!(world.agent.requests_of(create).pop().unwrap().request.json()["config"].is_object());
    let listed =
        world.rpc("alice", "ListTaskPushNotificationConfigs", &json!({ "taskId": task })).send().await;
    assert_eq!(listed.result()["configs"], json!([]));
    world.finish().await;
}

/// A message of 1.0, as it is over gRPC.
fn message(operation: Operation, body: &Value) -> Answer {
    let document = Document::parse(Bytes::from(body.to_string()), 32).unwrap();
    let schema = proto::response(ProtocolVersion::V1_0, operation).unwrap();
    Answer::grpc(GrpcReply::of([Bytes::from(proto::encode(schema, document.root()).unwrap())]))
}

#[tokio::test]
async fn an_agent_on_grpc_calls_back_over_http() {
    let world = PushWorld::with((Binding::Grpc, Version::V1_0), ALLOWED).await;
    let task = payload::task(Dialect::V1, "task-1", "context-1", "working");
    world.agent.once("SendMessage", message(Operation::SendMessage, &json!({ "task": task })));
    let own = json!({ "taskId": "task-1", "id": "x", "url": "http://x" });
    world.agent.once("CreateTaskPushNotificationConfig", message(Operation::CreatePushConfig, &own));
    let task = world.webhook().await;
    let given = world.agent.requests_of("CreateTaskPushNotificationConfig").pop().unwrap().request.body;
    let schema = proto::request(ProtocolVersion::V1_0, Operation::CreatePushConfig).unwrap();
    let limits = proto::Limits { depth: proto::DEEPEST, bytes: 1 << 16 };
    let given = proto::decode(schema, &given, limits).unwrap();
    let given: Value = serde_json::from_slice(&given).unwrap();
    let [url, token] = ["url", "token"].map(|name| given[name].as_str().unwrap());
    let event = payload::status_event(Dialect::V1, &task, "context-1", "completed");
    let status = world.agent.notify(url, &[("A2A-Notification-Token", token)], &event).await.unwrap();
    world.gateway.expect_record(CALLBACK);
    assert_eq!(status, 204);
    let deliveries = world.receiver.wait_for(1).await.unwrap();
    assert_eq!(states(&deliveries), ["TASK_STATE_COMPLETED"]);
    world.finish().await;
}

#[tokio::test]
async fn a_webhook_that_comes_with_a_message_is_the_tasks() {
    for (speaks, stream) in [
        ((Binding::JsonRpc, Version::V1_0), false),
        ((Binding::JsonRpc, Version::V1_0), true),
        ((Binding::HttpJson, Version::V0_3), false),
    ] {
        let world = PushWorld::with(speaks, ALLOWED).await;
        let mut config = world.config("", "");
        let members = config.as_object_mut().unwrap();
        members.remove("taskId");
        members.remove("id");
        let params = json!({
            "message": payload::user_message(Dialect::V1, "working-1", "go on"),
            "configuration": { "taskPushNotificationConfig": config, "returnImmediately": true },
        });
        let method = if stream { "SendStreamingMessage" } else { "SendMessage" };
        let call = world.rpc("alice", method, &params);
        let result = if stream {
            // It goes on for as long as the task does.
            call.stream().await.next_json().await.unwrap()["result"].clone()
        } else {
            call.send().await.result()
        };
        let task = result["task"]["id"].as_str().unwrap();
        // Without an id it is the one that clients of 0.3 ask for without an id.
        let asked = json!({ "taskId": task, "id": task });
        let shown = world.rpc("alice", "GetTaskPushNotificationConfig", &asked).send().await.result();
        assert_eq!(shown["url"], world.receiver.url());
        let old =
            world.old_rpc("alice", "tasks/pushNotificationConfig/get", &json!({ "id": task })).send().await;
        assert_eq!(old.result()["pushNotificationConfig"]["url"], world.receiver.url());
        assert_eq!(world.tell(task, "completed").await, [204]);
        assert_eq!(states(&world.receiver.wait_for(1).await.unwrap()), ["TASK_STATE_COMPLETED"]);
        world.finish().await;
    }
}

#[tokio::test]
async fn an_agent_may_call_back_before_it_answers() {
    let world = PushWorld::start().await;
    let gate = doorward_testkit::recorder::Gate::default();
    let task = payload::task(Dialect::V1, "task-9", "context-9", "working");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "result": { "task": task } });
    let reply = doorward_testkit::recorder::Reply::json(body).gated(&gate);
    world.agent.once("SendMessage", Answer::http(reply));
    let params = json!({
        "message": payload::user_message(Dialect::V1, "working-1", "go on"),
        "configuration": { "taskPushNotificationConfig": world.config("", "c") },
    });
    let call = world.rpc("alice", "SendMessage", &params);
    let early = async {
        let asked = world.agent.wait_for("SendMessage", 1).await.unwrap().remove(0).params();
        let given = &asked["configuration"]["taskPushNotificationConfig"];
        let (url, token) = (given["url"].as_str().unwrap(), given["token"].as_str().unwrap());
        let event =
            payload::task_event(Dialect::V1, payload::task(Dialect::V1, "task-9", "context-9", "submitted"));
        let header = ("X-A2A-Notification-Token", token);
        let status = world.agent.notify(url, &[header], &event).await.unwrap();
        world.gateway.expect_record(CALLBACK);
        gate.end();
        status
    };
    let (answer, status) = tokio::join!(call.send(), early);
    assert_eq!((answer.result()["task"]["id"].as_str(), status), (Some("task-9"), 204));
    let list = json!({ "taskId": "task-9" });
    let configs = world.rpc("alice", "ListTaskPushNotificationConfigs", &list).send().await.result();
    assert_eq!(configs["configs"][0]["id"], "c");
    assert_eq!(world.receiver.wait_for(1).await.unwrap()[0].json()["task"]["id"], "task-9");
    world.finish().await;
}
