//! What callers may register, see and take back.

use doorward_testkit::agent::{Answer as Says, Fault};

use super::*;

/// The configurations of a task, as a subject sees them.
async fn listed(world: &PushWorld, subject: &str, params: &Value) -> Answer {
    world.rpc(subject, "ListTaskPushNotificationConfigs", params).send().await
}

fn ids(answer: &Answer) -> Vec<String> {
    let result = answer.result();
    let configs = result["configs"].as_array().unwrap().iter();
    configs.map(|config| config["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn callers_get_their_own_back_without_its_secrets() {
    let world = PushWorld::start().await;
    let task = world.task("alice").await;
    let created = world.create("alice", &world.config(&task, "c")).await.result();
    let shown = json!({
        "taskId": task, "id": "c", "url": world.receiver.url(), "authentication": { "scheme": "Bearer" },
    });
    assert_eq!(created, shown);
    let one = json!({ "taskId": task, "id": "c" });
    let got = world.rpc("alice", "GetTaskPushNotificationConfig", &one).send().await;
    assert_eq!(got.result(), shown);
    let all = listed(&world, "alice", &json!({ "taskId": task })).await;
    assert_eq!(all.result(), json!({ "configs": [shown], "nextPageToken": "" }));
    // Nothing of this needed the agent.
    assert!(world.agent.requests_of("GetTaskPushNotificationConfig").is_empty());
    let (_, token) = world.callback();
    world.gateway.plant(&token);
    world.finish().await;
}

#[tokio::test]
async fn pages_of_webhooks_follow_each_other() {
    let world = PushWorld::start().await;
    let task = world.task("alice").await;
    for id in ["b", "c", "a"] {
        world.create("alice", &world.config(&task, id)).await.result();
    }
    let first = listed(&world, "alice", &json!({ "taskId": task, "pageSize": 2 })).await;
    assert_eq!(ids(&first), ["a", "b"]);
    let token = first.result()["nextPageToken"].clone();
    let rest = listed(&world, "alice", &json!({ "taskId": task, "pageSize": 2, "pageToken": token })).await;
    assert_eq!((ids(&rest), rest.result()["nextPageToken"].clone()), (vec!["c".to_owned()], json!("")));
    world.finish().await;
}

#[tokio::test]
async fn deleting_is_idempotent_and_ends_what_waits_at_the_agent_too() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    let callback = world.callback();
    let one = json!({ "taskId": task, "id": "c" });
    for _ in 0..2 {
        let answer = world.rpc("alice", "DeleteTaskPushNotificationConfig", &one).send().await;
        assert_eq!(answer.json()["result"], json!({}), "{}", answer.text());
    }
    assert_eq!(
        world.agent.requests_of("DeleteTaskPushNotificationConfig").len(),
        1,
        "what there is not, once"
    );
    assert_eq!(world.tell(&task, "completed").await, Vec::<u16>::new(), "the agent knows it no more");
    // What the agent sends all the same goes nowhere.
    let event = payload::status_event(Dialect::V1, &task, "context-1", "completed");
    let late = world.agent.notify(&callback.0, &[("X-A2A-Notification-Token", &callback.1)], &event).await;
    world.gateway.expect_record(CALLBACK);
    assert_eq!(late.unwrap(), 404);
    let old = json!({ "id": task, "pushNotificationConfigId": "c" });
    let answer = world.old_rpc("alice", "tasks/pushNotificationConfig/delete", &old).send().await;
    assert_eq!(answer.json()["result"], Value::Null);
    assert!(answer.json()["error"].is_null(), "{}", answer.text());
    let rest =
        world.rest("alice", "DELETE", &format!("/tasks/{task}/pushNotificationConfigs/c"), &Value::Null);
    assert_eq!(rest.send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn registering_again_replaces_and_a_task_has_ten() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    let first = world.callback();
    let mut other = world.config(&task, "c");
    other["url"] = json!(world.receiver.url_of("other"));
    assert_eq!(world.create("alice", &other).await.result()["url"], other["url"]);
    assert_ne!(world.callback(), first);
    assert_eq!(world.tell(&task, "input-required").await, [204], "the agent knows only the new one");
    assert_eq!(world.receiver.wait_for(1).await.unwrap()[0].target, "/other");
    for number in 1..10 {
        world.create("alice", &world.config(&task, &format!("more-{number}"))).await.result();
    }
    let eleventh = world.create("alice", &world.config(&task, "eleventh")).await;
    assert_eq!(eleventh.error_code(), -32602, "{}", eleventh.text());
    assert_eq!(world.create("alice", &world.config(&task, "c")).await.result()["id"], "c", "in its place");
    world.finish().await;
}

#[tokio::test]
async fn what_the_agent_refuses_is_not_registered_and_what_was_there_stays() {
    let world = PushWorld::start().await;
    let task = world.task("alice").await;
    let refusal = || Says::error(Fault::UNSUPPORTED_OPERATION);
    world.agent.once("CreateTaskPushNotificationConfig", refusal());
    let refused = world.create("alice", &world.config(&task, "c")).await;
    assert_eq!(refused.error_code(), -32004, "{}", refused.text());
    assert!(ids(&listed(&world, "alice", &json!({ "taskId": task })).await).is_empty());
    world.create("alice", &world.config(&task, "c")).await.result();
    world.agent.once("CreateTaskPushNotificationConfig", refusal());
    let mut other = world.config(&task, "c");
    other["url"] = json!(world.receiver.url_of("other"));
    assert_eq!(world.create("alice", &other).await.error_code(), -32004);
    assert_eq!(world.tell(&task, "completed").await, [204]);
    assert_eq!(world.receiver.wait_for(1).await.unwrap()[0].target, "/hook", "the one before");
    // Nor does one that came with a message which the agent refuses.
    world.agent.once("SendMessage", refusal());
    let params = json!({
        "message": payload::user_message(Dialect::V1, "m", "x"),
        "configuration": { "taskPushNotificationConfig": world.config("", "d") },
    });
    assert_eq!(world.rpc("alice", "SendMessage", &params).send().await.error_code(), -32004);
    let given = world.agent.requests_of("SendMessage").pop().unwrap().params();
    let given = &given["configuration"]["taskPushNotificationConfig"];
    let (url, token) = (given["url"].as_str().unwrap(), given["token"].as_str().unwrap());
    let event = payload::status_event(Dialect::V1, "task-77", "context-77", "working");
    let header = ("X-A2A-Notification-Token", token);
    assert_eq!(world.agent.notify(url, &[header], &event).await.unwrap(), 404);
    world.gateway.expect_record(CALLBACK);
    world.finish().await;
}

#[tokio::test]
async fn without_push_nothing_of_it_is_there() {
    for (switch, promised) in [("", false), ("push = false", true)] {
        let agent = ScriptedAgent::start().await.unwrap();
        let mut card = agent.card();
        card["capabilities"]["pushNotifications"] = json!(promised);
        agent.set_card(card);
        let issuer = TestIssuer::start().await.unwrap();
        let toml = format!("{}{switch}\n", configuration(&agent, &issuer, ALLOWED));
        let gateway = Plan::default().start(&toml).await;
        let receiver = Receiver::start().await.unwrap();
        let speaks = (Binding::JsonRpc, Version::V1_0);
        let world = PushWorld { gateway, agent, issuer, receiver, speaks };
        let card = world.gateway.call("GET", "/a2a/helper/.well-known/agent-card.json").send().await.json();
        assert_ne!(card["capabilities"]["pushNotifications"], true, "{card}");
        let task = world.task("alice").await;
        let one = json!({ "taskId": task, "id": "c" });
        for (method, params) in [
            ("CreateTaskPushNotificationConfig", &world.config(&task, "c")),
            ("GetTaskPushNotificationConfig", &one),
            ("ListTaskPushNotificationConfigs", &json!({ "taskId": task })),
            ("DeleteTaskPushNotificationConfig", &one),
        ] {
            let answer = world.rpc("alice", method, params).send().await;
            assert_eq!(answer.error_code(), -32003, "{method}: {}", answer.text());
        }
        let before = world.agent.requests_of("SendMessage").len();
        let params = json!({
            "message": payload::user_message(Dialect::V1, "m", "x"),
            "configuration": { "taskPushNotificationConfig": world.config("", "c") },
        });
        assert_eq!(world.rpc("alice", "SendMessage", &params).send().await.error_code(), -32003);
        assert_eq!(world.agent.requests_of("SendMessage").len(), before);
        world.finish().await;
    }
}

/// What the agent never heard of does not stay: neither a webhook that came with a message, nor the loss of the one in
/// whose place it came.
#[tokio::test]
async fn a_webhook_goes_with_a_message_that_could_not_be_sent() {
    let world = PushWorld::start().await;
    let task = world.task("alice").await;
    let send = |id: &str| {
        let mut message = payload::user_message(Dialect::V1, "working-2", "go on");
        message["taskId"] = json!(task);
        let hook = world.config("", id);
        json!({ "message": message, "configuration": { "taskPushNotificationConfig": hook } })
    };
    for reply in [
        doorward_testkit::recorder::Reply::empty(401),
        doorward_testkit::recorder::Reply::empty(302).header("Location", "http://127.0.0.1:1/"),
    ] {
        for method in ["SendMessage", "SendStreamingMessage"] {
            world.agent.once(method, Says::http(reply.clone()));
            let refused = world.rpc("alice", method, &send("brought")).send().await;
            assert!(refused.json()["error"].is_object(), "{}", refused.text());
            assert!(ids(&listed(&world, "alice", &json!({ "taskId": task })).await).is_empty(), "{method}");
        }
    }
    world.rpc("alice", "SendMessage", &send("brought")).send().await.result();
    assert_eq!(ids(&listed(&world, "alice", &json!({ "taskId": task })).await), ["brought"]);
    world.finish().await;
}
