//! What an agent was told is taken arrives, whatever happens to the process; and what has moved meanwhile is not called.

use std::time::Duration;

use doorward_testkit::{
    agent::{Dialect, ScriptedAgent, payload},
    recorder::Reply,
    webhook::Receiver,
};
use serde_json::{Value, json};

use crate::{
    client::Connection,
    program::{Place, Program},
};

/// A store with one webhook, and both its ends.
struct Webhook {
    place: Place,
    agent: ScriptedAgent,
    receiver: Receiver,
    port: u16,
    /// What the agent calls back, and with what.
    callback: (String, String),
}

impl Webhook {
    /// Registers it, with receivers on loopback allowed. The port stays the same over restarts: agents know it.
    async fn register() -> (Self, Program) {
        let agent = ScriptedAgent::start().await.expect("an agent");
        let receiver = Receiver::start().await.expect("a receiver");
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let mut webhook = Self { place: Place::new(), agent, receiver, port, callback: Default::default() };
        let program = webhook.start(true);
        let message = json!({ "message": payload::user_message(Dialect::V1, "working-1", "go on") });
        webhook.ask(&program, "SendMessage", &message).await;
        let config = json!({ "taskId": "task-1", "id": "c", "url": webhook.receiver.url() });
        webhook.ask(&program, "CreateTaskPushNotificationConfig", &config).await;
        let asked = webhook.agent.requests_of("CreateTaskPushNotificationConfig").remove(0).params();
        let text = |name: &str| asked[name].as_str().expect("a text").to_owned();
        webhook.callback = (text("url"), text("token"));
        (webhook, program)
    }

    fn start(&self, allows_loopback: bool) -> Program {
        let network = if allows_loopback { "[network]\nallow_private = [\"127.0.0.0/8\"]" } else { "" };
        self.place.start(&format!(
            "[listen]\naddress = \"127.0.0.1:{}\"\n{network}\n[[agent]]\nname = \"helper\"\ncard = \"{}\"\n\
             access = \"open\"\n",
            self.port,
            self.agent.card_url(),
        ))
    }

    async fn ask(&self, program: &Program, method: &str, params: &Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let headers = [("Content-Type", "application/json"), ("A2A-Version", "1.0")];
        let answer = Connection::to(program.address).await.ask("POST", "/a2a/helper", &headers, &body).await;
        let answer = answer.answer();
        assert!(answer.json()["result"].is_object(), "{}", answer.body);
    }

    /// The agent calls back; it is told that this is taken.
    async fn tell(&self, state: &str) {
        let event = payload::status_event(Dialect::V1, "task-1", "context-1", state);
        let (url, token) = &self.callback;
        let told = self.agent.notify(url, &[("X-A2A-Notification-Token", token)], &event).await;
        assert_eq!(told.expect("an answer"), 204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_to_the_agent_arrives_after_kill_9() {
    let (webhook, mut program) = Webhook::register().await;
    // Whatever is attempted before the end of the process is not done.
    webhook.receiver.always(Reply::empty(503));
    for state in ["submitted", "input-required", "completed"] {
        webhook.tell(state).await;
    }
    program.signal("KILL");
    program.ended().await;
    let before = webhook.receiver.deliveries().len();
    webhook.receiver.behave();
    let program = webhook.start(true);
    let arrived = async {
        loop {
            let deliveries = webhook.receiver.deliveries();
            if let [.., first, second, third] = &deliveries[before..] {
                return [first, second, third].map(|it| it.json()["statusUpdate"]["status"]["state"].clone());
            }
            tokio::task::yield_now().await;
        }
    };
    // A claim of the dead process stands for half a minute, where it died in the middle of an attempt.
    let arrived = tokio::time::timeout(Duration::from_secs(100), arrived).await.expect("deliveries");
    assert_eq!(arrived, ["TASK_STATE_SUBMITTED", "TASK_STATE_INPUT_REQUIRED", "TASK_STATE_COMPLETED"]);
    program.stop().await;
}

/// A name that leads elsewhere than it did at registration is the same to the connector as a network that is allowed no
/// more: what counts is where it leads when it is dialled.
#[tokio::test(flavor = "multi_thread")]
async fn threat_ssrf_via_webhook_is_refused_at_connect_time() {
    let (webhook, program) = Webhook::register().await;
    program.stop().await;
    let program = webhook.start(false);
    webhook.tell("completed").await;
    program.wait_for_log("a webhook is given up");
    assert!(webhook.receiver.deliveries().is_empty(), "nothing was dialled");
    program.stop().await;
}
