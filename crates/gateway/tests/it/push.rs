//! Push notifications: from an agent, by way of Doorward's queue, to whoever registered a webhook.
//!
//! Threats of agents that are about webhooks have tests named after them in [`threats`].

mod deliveries;
mod registration;
mod relay;
mod threats;

use doorward_model::Name;
use doorward_testkit::{
    agent::{Binding, Dialect, ScriptedAgent, Version, payload},
    issuer::TestIssuer,
    recorder::Recorded,
    webhook::Receiver,
};
use serde_json::{Value, json};

use crate::harness::{Answer, Call, Gateway, GrpcCall, PATIENCE, Plan};

/// What the receiver is promised.
const TOKEN: &str = "callers-token-7f31c9";
/// What the receiver lets in.
const CREDENTIALS: &str = "callers-credentials-50ab2e";
/// Callbacks as records call them.
const CALLBACK: &str = "POST /a2a/helper/push-notifications/*";

/// A gateway between callers with webhooks and an agent.
struct PushWorld {
    gateway: Gateway,
    agent: ScriptedAgent,
    issuer: TestIssuer,
    receiver: Receiver,
    speaks: (Binding, Version),
}

/// How a caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    Rpc,
    Rest,
    Grpc,
    OldRpc,
    OldRest,
    OldGrpc,
}

impl PushWorld {
    /// Receivers on loopback may be told.
    async fn start() -> Self {
        Self::with((Binding::JsonRpc, Version::V1_0), ALLOWED).await
    }

    /// An agent with this interface, and more configuration.
    async fn with(speaks: (Binding, Version), more: &str) -> Self {
        let agent = ScriptedAgent::start_as(&[speaks]).await.unwrap();
        let issuer = TestIssuer::start().await.unwrap();
        let toml = configuration(&agent, &issuer, more);
        let gateway = Plan::default().start(&toml).await;
        for secret in [TOKEN, CREDENTIALS] {
            gateway.plant(secret);
        }
        Self { gateway, agent, issuer, receiver: Receiver::start().await.unwrap(), speaks }
    }

    fn token(&self, subject: &str) -> String {
        let resource = format!("{}/a2a/helper", self.gateway.url());
        self.issuer.mint(self.issuer.claims(subject, &resource)).unwrap()
    }

    /// A JSON-RPC request of 1.0.
    fn rpc(&self, subject: &str, method: &str, params: &Value) -> Call<'_> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.bare(subject, "POST", "", &body).header("A2A-Version", "1.0")
    }

    /// A JSON-RPC request of 0.3.
    fn old_rpc(&self, subject: &str, method: &str, params: &Value) -> Call<'_> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.bare(subject, "POST", "", &body)
    }

    /// A request of HTTP+JSON in 1.0.
    fn rest(&self, subject: &str, method: &str, path: &str, body: &Value) -> Call<'_> {
        self.bare(subject, method, path, body).header("A2A-Version", "1.0")
    }

    fn bare(&self, subject: &str, method: &str, path: &str, body: &Value) -> Call<'_> {
        let call = self.gateway.call(method, &format!("/a2a/helper{path}")).bearer(&self.token(subject));
        if body.is_null() {
            return call;
        }
        call.header("Content-Type", "application/json").body(body.to_string())
    }

    /// Registers a webhook over gRPC.
    async fn grpc(&self, subject: &str, version: Version, request: &Value) -> Answer {
        let call = GrpcCall::of(&self.gateway, version, "CreateTaskPushNotificationConfig", request);
        let answer = call.header("authorization", &format!("Bearer {}", self.token(subject))).send().await;
        assert_eq!(answer.header("grpc-status"), Some("0"), "{answer:?}");
        answer
    }

    /// A task of the subject's that is under way.
    async fn task(&self, subject: &str) -> String {
        let message = json!({ "message": payload::user_message(Dialect::V1, "working-1", "go on") });
        let answer = self.rpc(subject, "SendMessage", &message).send().await;
        answer.result()["task"]["id"].as_str().unwrap().to_owned()
    }

    /// A webhook of 1.0 at the receiver.
    fn config(&self, task: &str, id: &str) -> Value {
        json!({
            "taskId": task,
            "id": id,
            "url": self.receiver.url(),
            "token": TOKEN,
            "authentication": { "scheme": "Bearer", "credentials": CREDENTIALS },
        })
    }

    async fn create(&self, subject: &str, config: &Value) -> Answer {
        self.rpc(subject, "CreateTaskPushNotificationConfig", config).send().await
    }

    /// A task with a webhook.
    async fn webhook(&self) -> String {
        let task = self.task("alice").await;
        assert_eq!(self.create("alice", &self.config(&task, "c")).await.result()["id"], "c");
        task
    }

    /// How the agent writes.
    fn dialect(&self) -> Dialect {
        match self.speaks {
            (_, Version::V1_0) => Dialect::V1,
            // What agents of 0.3 post is written as on JSON-RPC, whichever binding they speak.
            (_, Version::V0_3) => Dialect::V03Rpc,
        }
    }

    /// The agent tells a state of a task to whoever it knows.
    async fn tell(&self, task: &str, state: &str) -> Vec<u16> {
        self.post(task, &payload::status_event(self.dialect(), task, "context-1", state)).await
    }

    async fn post(&self, task: &str, body: &Value) -> Vec<u16> {
        let statuses = self.agent.push(task, body).await.unwrap();
        for _ in &statuses {
            self.gateway.expect_record(CALLBACK);
        }
        statuses
    }

    /// Waits until a delivery for the task has failed and that is written down, then turns the clock on.
    async fn advance_after_failure(&self, task: &str, secs: i64) {
        let name = Name::parse("helper").unwrap();
        let failed = async {
            loop {
                let known = self.gateway.store().push_configs(&name, task).await.unwrap();
                if known.iter().any(|push| push.last_error.is_some()) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, failed).await.unwrap();
        self.gateway.clock.advance(secs);
    }

    /// What the agent was given in the place of the webhook: URL and token.
    fn callback(&self) -> (String, String) {
        let asked = self.agent.requests_of("CreateTaskPushNotificationConfig").pop().unwrap().params();
        let of = |name: &str| asked[name].as_str().unwrap().to_owned();
        (of("url"), of("token"))
    }

    /// Somebody posts to an address of Doorward's. The record stands for the target as given.
    async fn post_as_stranger(&self, target: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let call = self.gateway.call("POST", target).unrecorded().header("Content-Type", "application/json");
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        call.body(body.to_string()).send().await
    }

    async fn finish(self) {
        for secret in [TOKEN, CREDENTIALS] {
            assert!(!self.agent.saw(secret), "the agent saw {secret}");
        }
        let origin = self.receiver.url().trim_end_matches("/hook").to_owned();
        assert!(!self.agent.saw(&origin), "the agent saw where the webhook is");
        self.gateway.finish().await;
    }
}

/// Loopback is where tests are.
const ALLOWED: &str = "[network]\nallow_private = [\"127.0.0.0/8\"]";

fn configuration(agent: &ScriptedAgent, issuer: &TestIssuer, more: &str) -> String {
    format!(
        "{more}\n[[issuer]]\nname = \"corp\"\nissuer = \"{}\"\n[[agent]]\nname = \"helper\"\ncard = \"{}\"\n\
         access = \"jwt\"\nissuers = [\"corp\"]\nbindings = [\"jsonrpc\", \"http+json\", \"grpc\"]\n",
        issuer.url(),
        agent.card_url(),
    )
}

/// The states that deliveries of 1.0 told, in their order.
fn states(deliveries: &[Recorded]) -> Vec<String> {
    let state = |body: Value| body["statusUpdate"]["status"]["state"].as_str().unwrap_or_default().to_owned();
    deliveries.iter().map(|delivery| state(delivery.json())).collect()
}
