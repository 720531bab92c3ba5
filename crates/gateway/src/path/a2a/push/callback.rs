//! An agent calls back: what it says about a task is queued for the webhook that the callback stands for.
//!
//! Nobody is asked who they are. What is in the path and what is in the token header are random, and only together do
//! they have the digest by which a webhook is found. Everything that is not so gets the answer of what does not exist.

use doorward_auth::keys::hash;
use doorward_model::{Binding, Timestamp};
use doorward_protocol::{
    a2a::{
        Dialect, TaskState, Told, Version,
        translate::{self, AtInput},
    },
    json::{Document, Value},
};
use doorward_store::{NewDelivery, PushConfig, PutPush, Queued};
use http::{HeaderMap, StatusCode, header};

use super::{
    super::{
        super::{Answer, Reason, Refusal, read, record::OpenRecord},
        call::parse,
        visit::{Found, Way},
    },
    internal,
};
use crate::{
    App,
    metrics::Delivery,
    push::{self, KEPT, MOST_PER_TASK, MOST_WAITING},
    routes::PublishedAgent,
    tasks::Telling,
};

/// What carries the token, in the order in which they are looked at: as the SDKs in Python and JavaScript have it, and
/// as the one in Rust has it.
const TOKENS: [&str; 2] = ["x-a2a-notification-token", "a2a-notification-token"];

/// What an agent says by itself.
struct Event {
    /// In 1.0.
    v1: Document,
    version: Version,
}

/// Takes what an agent says. It is in the store before the agent is told so.
pub(in crate::path::a2a) async fn answer(
    app: &App,
    found: Found,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let Found { agent, way: Way::Callback(id), headers, content, .. } = found else {
        return Err(Reason::NotFound.into());
    };
    let mut push = meant(app, &agent, &id, &headers).await?;
    let limits = &agent.entrance.limits;
    let body = read::body(content, limits).await?;
    record.received(body.len());
    let event = Event::read(read::parse(body, limits.depth)?)?;
    record.asked(Some(event.version.name()), Some(push::METHOD), None);
    let told = event.told()?;
    let task = told.task().ok_or_else(|| not_an_event("it is about no task"))?;
    record.about(told.task(), told.context());
    if push.task.as_deref().is_some_and(|own| own != task) {
        return Err(Refusal::from(Reason::NotFound).detail("a callback about another task than its own"));
    }
    note(app, &agent, &push, &event, &told, record).await?;
    bind(app, &mut push, task).await?;
    record.allow();
    enqueue(app, &push, &event, &told).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// The webhook that a callback stands for.
async fn meant(
    app: &App,
    agent: &PublishedAgent,
    id: &str,
    headers: &HeaderMap,
) -> Result<PushConfig, Refusal> {
    let token = token(headers).filter(|_| agent.agent.push).ok_or(Reason::NotFound)?;
    let hash = push::callback_hash(&agent.agent.name, id, token);
    let found = app.store().push_config_of(&hash).await.map_err(internal)?;
    let found = found.filter(|found| found.config.agent == agent.agent.name && found.stopped.is_none());
    Ok(found.ok_or(Reason::NotFound)?.config)
}

/// The token that a callback brings. An agent that has no header for it sends it as its credential.
fn token(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    TOKENS.into_iter().find_map(text).or_else(|| {
        let (scheme, token) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    })
}

/// Writes down what the task is doing, as any answer of the agent's.
async fn note(
    app: &App,
    agent: &PublishedAgent,
    push: &PushConfig,
    event: &Event,
    told: &Told<'_>,
    record: &mut OpenRecord,
) -> Result<(), Refusal> {
    let (name, task) = (&agent.agent.name, told.task().unwrap_or_default());
    let state = if let Some(state) = told.state() {
        state
    } else {
        // A piece of a result says nothing about the state, except that there is a task.
        let known = app.tasks().task(name, task).await.map_err(internal)?;
        known.map_or(TaskState::Working, |known| known.state)
    };
    let timestamp = match told {
        Told::Task(facts) | Told::Status(facts) => {
            facts.timestamp.as_deref().and_then(Timestamp::parse_rfc3339)
        }
        Told::Message { .. } | Told::Artifact { .. } => None,
    };
    let telling = Telling {
        agent: name,
        owner: &push.owner,
        task,
        context: told.context(),
        state,
        timestamp,
        version: event.version.name(),
        binding: Binding::HttpJson.word(),
        now: app.clock().now(),
    };
    let stands = app.tasks().tell(&telling).await.map_err(internal)?;
    let stands = stands
        .map_err(|_| Refusal::from(Reason::NotFound).detail("a callback about somebody else's task"))?;
    if told.state().is_some() {
        record.state(stands.name());
    }
    Ok(())
}

/// An agent may call back before it has answered the message that brought the webhook.
async fn bind(app: &App, push: &mut PushConfig, task: &str) -> Result<(), Refusal> {
    if push.task.is_none() {
        let bound = app.store().bind_push_config(&push.callback_hash, task, MOST_PER_TASK).await;
        if bound.map_err(internal)? != PutPush::Done {
            return Err(Refusal::from(Reason::NotFound).detail("the webhook could not be bound to its task"));
        }
        push.task = Some(task.to_owned());
    }
    Ok(())
}

/// Queues what is said. What the webhook has got before, or gets no more, is as good as queued.
async fn enqueue(app: &App, push: &PushConfig, event: &Event, told: &Told<'_>) -> Result<(), Refusal> {
    let body = translate::push_body(push::dialect(&push.dialect), event.v1.root());
    let body = body.map_err(|error| not_an_event(&error.to_string()))?;
    let body = String::from_utf8(body).map_err(|error| not_an_event(&error.to_string()))?;
    let now = app.clock().now();
    let delivery = NewDelivery {
        digest: event.repeats().then(|| hash::hex(&hash::sha256(body.as_bytes()))),
        body,
        last: told.state().is_some_and(TaskState::is_terminal),
        now,
        expires: now.plus_secs(KEPT),
    };
    let hashes = [push.callback_hash.clone()];
    let queued = app.store().enqueue_push(&hashes, &delivery, MOST_WAITING).await.map_err(internal)?;
    if queued.contains(&Queued::Full) {
        return Err(Reason::TooManyDeliveries.into());
    }
    if queued.contains(&Queued::Yes) {
        app.metrics().delivery(&push.agent, Delivery::Queued);
    }
    app.courier().wake();
    Ok(())
}

impl Event {
    /// Reads a `StreamResponse` of 1.0, or the bare object that 0.3 has for it.
    fn read(document: Document) -> Result<Self, Refusal> {
        let is_0_3 = document.root().as_object().is_some_and(|event| event.get("kind").is_some());
        if !is_0_3 {
            return Ok(Self { v1: document, version: Version::V1_0 });
        }
        let v1 = translate::event(Dialect::V03Rpc, Dialect::V1, document.root(), AtInput::GoesOn);
        let v1 = v1.map_err(|error| not_an_event(&error.to_string()))?;
        Ok(Self { v1: parse(v1)?, version: Version::V0_3 })
    }

    fn told(&self) -> Result<Told<'_>, Refusal> {
        Told::read(self.v1.root()).map_err(|wrong| not_an_event(wrong.0))
    }

    /// Whether the same once more is a repeat. A piece that is appended may be the same as the one before.
    fn repeats(&self) -> bool {
        let event = self.v1.root().as_object();
        let update = event.and_then(|event| event.get("artifactUpdate")).and_then(Value::as_object);
        !update.and_then(|update| update.get("append")).and_then(Value::as_bool).unwrap_or(false)
    }
}

fn not_an_event(detail: &str) -> Refusal {
    Refusal::from(Reason::NotAnEvent).detail(detail)
}
