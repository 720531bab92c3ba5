//! What becomes of a delivery: once, in order, again after a failure, and never after the end.

use doorward_testkit::recorder::Reply;

use super::*;

#[tokio::test]
async fn deliveries_keep_their_order_whatever_fails() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    world.gateway.clock.stop();
    world.receiver.once(Reply::empty(503));
    for state in ["submitted", "working", "input-required", "completed"] {
        assert_eq!(world.tell(&task, state).await, [204]);
    }
    // Nothing overtakes what failed; it comes again within a second and a half.
    world.advance_after_failure(&task, 2).await;
    let deliveries = world.receiver.wait_for(5).await.unwrap();
    assert_eq!(
        states(&deliveries),
        [
            "TASK_STATE_SUBMITTED",
            "TASK_STATE_SUBMITTED",
            "TASK_STATE_WORKING",
            "TASK_STATE_INPUT_REQUIRED",
            "TASK_STATE_COMPLETED"
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    let mut other = world.config(&task, "d");
    let quick = Receiver::start().await.unwrap();
    other["url"] = json!(quick.url());
    world.create("alice", &other).await.result();
    world.receiver.always(Reply::never());
    assert_eq!(world.tell(&task, "working").await, [204, 204]);
    world.receiver.wait_for(1).await.unwrap();
    assert_eq!(states(&quick.wait_for(1).await.unwrap()), ["TASK_STATE_WORKING"]);
    world.receiver.behave();
    world.gateway.finish().await;
}

/// However many receivers of one caller hang: others' deliveries have places of their own.
#[tokio::test]
async fn one_callers_dead_receivers_take_no_places_of_others() {
    let world = PushWorld::start().await;
    world.receiver.always(Reply::never());
    for _ in 0..4 {
        let task = world.task("alice").await;
        for id in 0..10 {
            world.create("alice", &world.config(&task, &id.to_string())).await.result();
        }
        assert_eq!(world.tell(&task, "working").await, [204; 10]);
    }
    world.receiver.wait_for(8).await.unwrap();
    let quick = Receiver::start().await.unwrap();
    let task = world.task("bob").await;
    let mut config = world.config(&task, "c");
    config["url"] = json!(quick.url());
    world.create("bob", &config).await.result();
    assert_eq!(world.tell(&task, "completed").await, [204]);
    assert_eq!(states(&quick.wait_for(1).await.unwrap()), ["TASK_STATE_COMPLETED"]);
    assert_eq!(world.receiver.deliveries().len(), 8, "a quarter of all places");
    world.receiver.behave();
    world.gateway.finish().await;
}

#[tokio::test]
async fn what_an_agent_repeats_is_delivered_once_and_pieces_are_no_repeats() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    for _ in 0..3 {
        assert_eq!(world.tell(&task, "working").await, [204]);
    }
    let artifact = payload::artifact(Dialect::V1, "a", "ha");
    let piece = payload::artifact_event(Dialect::V1, &task, "context-1", &artifact, true);
    for _ in 0..2 {
        assert_eq!(world.post(&task, &piece).await, [204]);
    }
    assert_eq!(world.tell(&task, "completed").await, [204]);
    let deliveries = world.receiver.wait_for(4).await.unwrap();
    assert_eq!(states(&deliveries), ["TASK_STATE_WORKING", "", "", "TASK_STATE_COMPLETED"]);
    world.finish().await;
}

#[tokio::test]
async fn after_the_end_of_the_task_nothing_is_delivered() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    // The caller may have seen the end before the agent calls back.
    let one = json!({ "id": task });
    world.rpc("alice", "CancelTask", &one).send().await.result();
    for state in ["canceled", "canceled", "working", "completed"] {
        assert_eq!(world.tell(&task, state).await, [204], "{state}: there is nothing to come again for");
    }
    let other = world.task("alice").await;
    world.create("alice", &world.config(&other, "c")).await.result();
    assert_eq!(world.tell(&other, "completed").await, [204]);
    let deliveries = world.receiver.wait_for(2).await.unwrap();
    assert_eq!(states(&deliveries), ["TASK_STATE_CANCELED", "TASK_STATE_COMPLETED"]);
    assert_eq!(deliveries[1].json()["statusUpdate"]["taskId"], json!(other));
    world.finish().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_called_again() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    world.receiver.once(Reply::empty(410));
    assert_eq!(world.tell(&task, "working").await, [204]);
    world.receiver.wait_for(1).await.unwrap();
    // Once that is written down, the agent is told so too.
    let given_up = async {
        while world.tell(&task, "input-required").await != [404] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, given_up).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn a_delivery_is_given_up_after_a_day_and_the_next_one_is_not() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    world.gateway.clock.stop();
    world.receiver.always(Reply::empty(500));
    assert_eq!(world.tell(&task, "working").await, [204]);
    world.advance_after_failure(&task, 24 * 3_600).await;
    world.receiver.behave();
    assert_eq!(world.tell(&task, "completed").await, [204]);
    let deliveries = world.receiver.wait_for(2).await.unwrap();
    assert_eq!(states(&deliveries), ["TASK_STATE_WORKING", "TASK_STATE_COMPLETED"]);
    world.finish().await;
}

#[tokio::test]
async fn an_agent_is_told_when_what_it_says_is_no_notification() {
    let world = PushWorld::start().await;
    let task = world.webhook().await;
    for (body, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (json!({ "statusUpdate": { "taskId": task, "status": { "state": "TASK_STATE_DANCING" } } }), 400),
        (json!({ "message": { "messageId": "m", "role": "ROLE_AGENT", "parts": [] } }), 400),
        (json!({ "kind": "dance", "taskId": task }), 400),
        (payload::status_event(Dialect::V1, "another-task", "context-1", "completed"), 404),
        (json!({ "task": { "id": task, "pad": "x".repeat(5 << 20) } }), 413),
    ] {
        assert_eq!(world.post(&task, &body).await, [status], "{:.80}", body.to_string());
    }
    assert_eq!(world.tell(&task, "completed").await, [204]);
    let deliveries = world.receiver.wait_for(1).await.unwrap();
    assert_eq!(states(&deliveries), ["TASK_STATE_COMPLETED"]);
    world.finish().await;
}
