//! The client of the Rust SDK of A2A 1.0 at an agent, over one binding: what `visits.py` tries, in this SDK's words.
//!
//! It has no verifier of signatures, and takes no webhooks: `push` registers one, lists it and deletes it.
//!
//! `a2a-peer BASE BINDING [--token TOKEN] [--skip a,b]`

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use a2a::{SendMessageResponse, StreamResponse};
use a2a_client::{
    A2AClient, A2AClientFactory, BoxStream, Transport, agent_card::AgentCardResolver, auth::AuthInterceptor,
};
use a2a_grpc::GrpcTransportFactory;
use futures::StreamExt as _;
use serde_json::{Value, json};

type Outcome<T = Value> = Result<T, Box<dyn Error>>;

const CHECKS: [&str; 15] = [
    "card",
    "extended",
    "send",
    "message",
    "stream",
    "get",
    "list",
    "question",
    "failure",
    "cancel",
    "subscribe",
    "push",
    "missing",
    "headers",
    "refused",
];
const CHUNKS: usize = 100;
const LIMIT: Duration = Duration::from_secs(30);

struct Peer {
    base: String,
    binding: String,
    token: Option<String>,
    client: A2AClient<Box<dyn Transport>>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let option = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let (base, binding) = (words[0].clone(), words[1].clone());
    let (token, skip) = (option("--token"), option("--skip").unwrap_or_default());
    let client = match connect(&base, &binding, token.as_deref()).await {
        Ok(client) => client,
        Err(error) => {
            report("card", &Err(error));
            return ExitCode::FAILURE;
        }
    };
    let peer = Peer { base, binding, token, client };
    let mut failed = false;
    for check in CHECKS {
        let left_out =
            skip.split(',').any(|skipped| skipped == check) || (check == "refused" && peer.token.is_none());
        if !left_out {
            let late = |_| Err("no end within 30 s".into());
            let outcome = tokio::time::timeout(LIMIT, peer.check(check)).await.unwrap_or_else(late);
            failed |= outcome.is_err();
            report(check, &outcome);
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One JSON line, as `../../python/report.py` has it.
fn report(check: &str, outcome: &Outcome) {
    let detail = match outcome {
        Ok(detail) => detail.clone(),
        Err(error) => error.to_string().into(),
    };
    println!("{}", json!({ "check": check, "ok": outcome.is_ok(), "detail": detail }));
}

/// A client for the one binding of the card.
async fn connect(base: &str, binding: &str, token: Option<&str>) -> Outcome<A2AClient<Box<dyn Transport>>> {
    let mut card = AgentCardResolver::new(None).resolve(base).await?;
    card.supported_interfaces
        .retain(|each| each.protocol_binding == binding && each.protocol_version.starts_with("1."));
    let mut factory = A2AClientFactory::builder()
        .register(Arc::new(GrpcTransportFactory::new()))
        .preferred_bindings(vec![binding.to_owned()]);
    if let Some(token) = token {
        factory = factory.with_interceptor(Arc::new(AuthInterceptor::bearer(token)));
    }
    Ok(factory.build().create_from_card(&card).await?)
}

fn fresh(prefix: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{prefix}-{}", now.as_nanos())
}

fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Outcome<()> {
    if condition { Ok(()) } else { Err(otherwise().into()) }
}

fn equal(actual: &Value, wanted: &Value) -> Outcome<()> {
    holds(actual == wanted, || format!("{actual} instead of {wanted}"))
}

/// What the artifacts of a task hold: one text, or one piece of data.
fn content(task: &Value) -> &Value {
    let part = &task["artifacts"][0]["parts"][0];
    part.get("text").or_else(|| part.get("data")).unwrap_or(&Value::Null)
}

async fn collect(
    mut stream: BoxStream<'static, Result<StreamResponse, a2a::A2AError>>,
) -> Outcome<Vec<Value>> {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(serde_json::to_value(event?)?);
    }
    Ok(events)
}

fn is_completed(event: Option<&Value>) -> Outcome<()> {
    equal(&event.unwrap_or(&Value::Null)["statusUpdate"]["status"]["state"], &json!("TASK_STATE_COMPLETED"))
}

impl Peer {
    async fn check(&self, name: &str) -> Outcome {
        match name {
            "card" => self.card().await,
            "extended" => self.extended().await,
            "send" => self.send_and_expect("own-echo", "Grüße 🚪", "COMPLETED").await,
            "failure" => self.send_and_expect("own-fail", "try", "FAILED").await,
            "message" => self.message().await,
            "stream" => self.stream().await,
            "get" => self.get().await,
            "list" => self.list().await,
            "question" => self.question().await,
            "cancel" => self.cancel().await,
            "subscribe" => self.subscribe().await,
            "push" => self.push().await,
            "missing" => self.missing().await,
            "headers" => Ok(content(&self.send("own-headers", "show", json!({})).await?).clone()),
            _ => self.refused().await,
        }
    }

    fn request(prefix: &str, text: &str, more: &Value) -> Value {
        let mut message =
            json!({ "messageId": fresh(prefix), "role": "ROLE_USER", "parts": [{ "text": text }] });
        for (from, to) in [("id", "taskId"), ("contextId", "contextId")] {
            if let Some(id) = more["follows"].get(from) {
                message[to] = id.clone();
            }
        }
        let returns = more["returns"] == true;
        json!({ "message": message, "configuration": { "returnImmediately": returns } })
    }

    /// Sends a message and gives back the task, or the message.
    async fn send(&self, prefix: &str, text: &str, more: Value) -> Outcome {
        let request = serde_json::from_value(Self::request(prefix, text, &more))?;
        Ok(match self.client.send_message(&request).await? {
            SendMessageResponse::Task(task) => serde_json::to_value(task)?,
            SendMessageResponse::Message(message) => serde_json::to_value(message)?,
        })
    }

    async fn send_and_expect(&self, prefix: &str, text: &str, state: &str) -> Outcome {
        let task = self.send(prefix, text, json!({})).await?;
        equal(&task["status"]["state"], &json!(format!("TASK_STATE_{state}")))?;
        if state == "COMPLETED" {
            equal(content(&task), &json!(text))?;
        }
        Ok(task["id"].clone())
    }

    async fn card(&self) -> Outcome {
        let card = AgentCardResolver::new(None).resolve(&self.base).await?;
        holds(card.skills.iter().all(|skill| skill.id != "secret"), || {
            "the public card shows too much".into()
        })?;
        Ok(card.supported_interfaces.iter().map(|each| json!(each.url)).collect())
    }

    async fn extended(&self) -> Outcome {
        let card = self.client.get_extended_agent_card(&serde_json::from_value(json!({}))?).await?;
        holds(card.skills.iter().any(|skill| skill.id == "secret"), || {
            "the extended card shows no more".into()
        })?;
        Ok(Value::Null)
    }

    async fn message(&self) -> Outcome {
        let message = self.send("own-message", "hello", json!({})).await?;
        equal(&message["parts"][0]["text"], &json!("Direct message response"))?;
        Ok(Value::Null)
    }

    async fn stream(&self) -> Outcome {
        let request = serde_json::from_value(Self::request("own-chunks", "go", &json!({})))?;
        let events = collect(self.client.send_streaming_message(&request).await?).await?;
        holds(events.first().is_some_and(|event| event["task"].is_object()), || {
            "the task is not first".into()
        })?;
        let pieces = events
            .iter()
            .filter_map(|event| event["artifactUpdate"]["artifact"]["parts"][0]["text"].as_str());
        let wanted: String = (0..CHUNKS).map(|number| format!("{number} ")).collect();
        equal(&json!(pieces.collect::<String>()), &json!(wanted))?;
        is_completed(events.last())?;
        Ok(json!(events.len()))
    }

    async fn task(&self, id: &Value) -> Outcome {
        let request = serde_json::from_value(json!({ "id": id }))?;
        Ok(serde_json::to_value(self.client.get_task(&request).await?)?)
    }

    async fn get(&self) -> Outcome {
        let sent = self.send("own-echo", "kept", json!({})).await?;
        let task = self.task(&sent["id"]).await?;
        equal(&task["artifacts"], &sent["artifacts"])?;
        Ok(task["id"].clone())
    }

    async fn list(&self) -> Outcome {
        let sent = self.send("own-echo", "listed", json!({})).await?;
        self.send("own-echo", "elsewhere", json!({})).await?;
        let request = serde_json::from_value(json!({ "contextId": sent["contextId"] }))?;
        let listed = serde_json::to_value(self.client.list_tasks(&request).await?)?;
        equal(&listed["totalSize"], &json!(1))?;
        equal(&listed["tasks"][0]["id"], &sent["id"])?;
        Ok(Value::Null)
    }

    async fn question(&self) -> Outcome {
        let asked = self.send("own-input", "which?", json!({})).await?;
        equal(&asked["status"]["state"], &json!("TASK_STATE_INPUT_REQUIRED"))?;
        let task = self.send("answer", "that one", json!({ "follows": asked })).await?;
        equal(&task["id"], &asked["id"])?;
        equal(content(&task), &json!("answered: that one"))?;
        Ok(Value::Null)
    }

    async fn cancel(&self) -> Outcome {
        let task = self.send("own-endless", "go", json!({ "returns": true })).await?;
        let request = serde_json::from_value(json!({ "id": task["id"] }))?;
        let canceled = serde_json::to_value(self.client.cancel_task(&request).await?)?;
        equal(&canceled["status"]["state"], &json!("TASK_STATE_CANCELED"))?;
        Ok(Value::Null)
    }

    async fn subscribe(&self) -> Outcome {
        let task = self.send("own-slow", "go", json!({ "returns": true })).await?;
        let request = serde_json::from_value(json!({ "id": task["id"] }))?;
        let events = collect(self.client.subscribe_to_task(&request).await?).await?;
        is_completed(events.last())?;
        Ok(json!(events.len()))
    }

    async fn push(&self) -> Outcome {
        let task = self.send("own-endless", "go", json!({ "returns": true })).await?["id"].clone();
        let (id, url) = (fresh("hook"), "http://127.0.0.1:9/hook");
        let authentication = json!({ "scheme": "Bearer", "credentials": "the-secret" });
        let config =
            json!({ "taskId": task, "id": id, "url": url, "token": "t", "authentication": authentication });
        let made = self.client.create_push_config(&serde_json::from_value(config)?).await?;
        equal(&json!([made.id, made.url]), &json!([id, url]))?;
        let one = json!({ "taskId": task, "id": id });
        let got = self.client.get_push_config(&serde_json::from_value(one.clone())?).await?;
        equal(&json!(got.url), &json!(url))?;
        let all = serde_json::from_value(json!({ "taskId": task }))?;
        holds(self.client.list_push_configs(&all).await?.configs.len() == 1, || "it is not listed".into())?;
        self.client.delete_push_config(&serde_json::from_value(one)?).await?;
        holds(self.client.list_push_configs(&all).await?.configs.is_empty(), || "it is still listed".into())?;
        self.client.cancel_task(&serde_json::from_value(json!({ "id": task }))?).await?;
        Ok(Value::Null)
    }

    async fn missing(&self) -> Outcome {
        let request = serde_json::from_value(json!({ "id": "no-such-task" }))?;
        match self.client.get_task(&request).await {
            Ok(_) => Err("a task that nobody made was found".into()),
            Err(error) => {
                holds(error.code == -32001, || format!("{}: {}", error.code, error.message))?;
                Ok(Value::Null)
            }
        }
    }

    async fn refused(&self) -> Outcome {
        let stranger = connect(&self.base, &self.binding, None).await?;
        match stranger.get_task(&serde_json::from_value(json!({ "id": "any" }))?).await {
            Ok(_) => Err("it goes without a token too".into()),
            Err(error) => Ok(json!(error.message)),
        }
    }
}
