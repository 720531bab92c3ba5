//! Webhooks of callers (A2A 1.0.1 sections 3.1.7 to 3.1.10, 4.3): registered here, and in their place a callback of
//! Doorward's at the agent.
//!
//! Get and List give a caller back what it registered, without its secrets: who reads them once too often has lost them,
//! and no placeholder could be told from a secret of that text when it is sent back. Whose the task is, and whether
//! there are webhooks at all, has been decided before anything here is reached.

mod callback;
mod hook;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use doorward_auth::keys::hash;
use doorward_guard::Permit;
use doorward_model::Agent;
use doorward_protocol::{
    a2a::{Dialect, Operation, push_config, translate},
    json::{Value, quote},
};
use doorward_store::{PushConfig, PutPush, StoredPushConfig};
use serde_json::json;

pub(super) use callback::answer as called_back;

use self::hook::Hook;
use super::{
    super::{Answer, Refusal, record::OpenRecord},
    call::{Call, parse},
    internal,
    send::{self, Talk},
    standing::not_found,
    untranslatable,
};
use crate::{
    App,
    push::{MOST_PER_TASK, Secrets, callback_hash, id_at_agent},
};

/// Where agents call back, below their own address.
pub(super) const PATH: &str = "/push-notifications/";

/// The webhook that a message brings along.
pub(super) struct Brought {
    registered: Registered,
    is_bound: AtomicBool,
}

/// A webhook in the store, and the callback that stands for it at the agent.
struct Registered {
    push: PushConfig,
    callback: Callback,
    /// The one in whose place it came.
    replaced: Option<PushConfig>,
}

/// What an agent must know to call back.
struct Callback {
    url: String,
    token: String,
    hash: String,
}

/// Answers one of the four operations on webhooks.
pub(super) async fn answer(
    app: &Arc<App>,
    call: Box<Call>,
    permit: Permit,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let talk = send::begin(app, call, permit, record).await?;
    match talk.call.operation {
        Operation::CreatePushConfig => talk.create(app, record).await,
        Operation::DeletePushConfig => talk.delete(app, record).await,
        Operation::ListPushConfigs => talk.list(app).await,
        _ => talk.get(app).await,
    }
}

impl Callback {
    fn new(agent: &Agent) -> Self {
        let (id, token) = (hash::random_hex::<16>(), hash::random_hex::<32>());
        let url = format!("{}{PATH}{id}", agent.resource);
        Self { url, hash: callback_hash(&agent.name, &id, &token), token }
    }

    /// As the agent gets it, in 1.0. The token is there twice: agents send it in a header of its own or, as the text of
    /// 1.0.1 has it, only what stands under `authentication`.
    fn config(&self, task: Option<&str>) -> String {
        let mut config = json!({
            "id": id_at_agent(&self.hash),
            "url": self.url,
            "token": self.token,
            "authentication": { "scheme": "Bearer", "credentials": self.token },
        });
        if let Some(task) = task {
            config["taskId"] = task.into();
        }
        config.to_string()
    }
}

impl Registered {
    /// As if nothing had been registered. The agent knows nothing of it.
    async fn undo(&self, app: &App) {
        let undone = match &self.replaced {
            Some(before) => Box::pin(app.store().put_push_config(before, MOST_PER_TASK)).await.map(drop),
            None => Box::pin(app.store().remove_push_config_of(&self.push.callback_hash)).await.map(drop),
        };
        if let Err(error) = undone {
            tracing::warn!(%error, "a webhook that the agent refused could not be removed");
        }
    }
}

impl Talk {
    async fn create(&self, app: &App, record: &mut OpenRecord) -> Result<Answer, Refusal> {
        let hook = self.hook(app, "").await?;
        let task = self.call.asked.task.as_deref();
        let registered = self.register(app, hook, task).await?;
        let params = registered.callback.config(task).into_bytes();
        match self.exchange(app, Operation::CreatePushConfig, params, record).await {
            Ok(Ok(_)) => {
                if let Some(before) = &registered.replaced {
                    self.take_back_at_agent(app, before, record).await;
                }
                self.tell_result(&shown(app, &registered.push))
            }
            Ok(Err(failure)) => {
                registered.undo(app).await;
                Ok(self.error(&failure, record))
            }
            Err(refusal) => {
                registered.undo(app).await;
                Err(refusal)
            }
        }
    }

    async fn get(&self, app: &App) -> Result<Answer, Refusal> {
        let found = self.known(app).await?.ok_or_else(not_found)?;
        self.tell_result(&shown(app, &found.config))
    }

    async fn list(&self, app: &App) -> Result<Answer, Refusal> {
        let (agent, task) =
            (&self.call.agent.agent.name, self.call.asked.task.as_deref().unwrap_or_default());
        let configs = app.store().push_configs(agent, task).await.map_err(internal)?;
        let params = self.call.params.v1().root().as_object();
        let get = |name| params.and_then(|params| params.get(name));
        let size = get("pageSize").and_then(Value::as_i64).and_then(|size| usize::try_from(size).ok());
        let size = size.filter(|size| *size > 0).unwrap_or(usize::MAX);
        // By id: the token is the last one that was told.
        let after = get("pageToken").and_then(Value::as_str).unwrap_or_default();
        let mut rest = configs
            .iter()
            .map(|found| &found.config)
            .filter(|push| push.owner == self.call.owner && *push.config > *after)
            .peekable();
        let page: Vec<&PushConfig> = rest.by_ref().take(size).collect();
        let next = rest.peek().and(page.last()).map(|last| last.config.as_str()).unwrap_or_default();
        let shown: Vec<_> = page.iter().map(|push| shown(app, push)).collect();
        self.tell_result(&format!(r#"{{"configs":[{}],"nextPageToken":{}}}"#, shown.join(","), quote(next)))
    }

    /// Deleting what there is not is no error (section 3.1.10).
    async fn delete(&self, app: &App, record: &mut OpenRecord) -> Result<Answer, Refusal> {
        if let Some(found) = self.known(app).await? {
            app.store().remove_push_config_of(&found.config.callback_hash).await.map_err(internal)?;
            self.take_back_at_agent(app, &found.config, record).await;
        }
        self.tell_result("{}")
    }

    /// The caller's webhook that is meant. Other callers' do not exist.
    async fn known(&self, app: &App) -> Result<Option<StoredPushConfig>, Refusal> {
        let asked = &self.call.asked;
        let (Some(task), Some(config)) = (&asked.task, &asked.config) else { return Ok(None) };
        let found = app.store().push_config(&self.call.agent.agent.name, task, config).await;
        Ok(found.map_err(internal)?.filter(|found| found.config.owner == self.call.owner))
    }

    /// Takes a callback back at the agent. Where that fails, the agent calls for nothing: it is known here no more.
    async fn take_back_at_agent(&self, app: &App, push: &PushConfig, record: &mut OpenRecord) {
        let task = push.task.as_deref().unwrap_or_default();
        let id = id_at_agent(&push.callback_hash);
        let params = json!({ "taskId": task, "id": id }).to_string().into_bytes();
        match self.exchange(app, Operation::DeletePushConfig, params, record).await {
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => tracing::debug!(task, %failure.message, "an agent kept a callback"),
            Err(refusal) => tracing::debug!(task, ?refusal, "an agent was not told that a callback is gone"),
        }
    }

    /// What the caller wants to be told, and where.
    async fn hook(&self, app: &App, prefix: &'static str) -> Result<Hook, Refusal> {
        let params = self.call.params.v1().root().as_object();
        let config = params.and_then(|params| push_config(self.call.operation, params));
        let hook = Hook::read(config.ok_or_else(|| super::invalid(prefix, "must be an object"))?, prefix)?;
        hook.check(app, prefix).await?;
        Ok(hook)
    }

    async fn register(&self, app: &App, hook: Hook, task: Option<&str>) -> Result<Registered, Refusal> {
        let agent = &self.call.agent.agent;
        let callback = Callback::new(agent);
        // One without an id is the task's own, as agents name it: once there is a task.
        let config = hook.id.as_deref().or(task).unwrap_or(&callback.hash).to_owned();
        let push = PushConfig {
            callback_hash: callback.hash.clone(),
            agent: agent.name.clone(),
            task: task.map(ToOwned::to_owned),
            config,
            owner: self.call.owner.clone(),
            url: hook.url,
            sealed: hook.secrets.seal(app.envelope(), &callback.hash),
            dialect: self.call.face.version.name().to_owned(),
            created: app.clock().now(),
        };
        let replaced = match task {
            Some(task) => app.store().push_config(&agent.name, task, &push.config).await.map_err(internal)?,
            None => None,
        };
        match app.store().put_push_config(&push, MOST_PER_TASK).await.map_err(internal)? {
            PutPush::Done => Ok(Registered { push, callback, replaced: replaced.map(|it| it.config) }),
            PutPush::TooMany => {
                let many = format!("has {MOST_PER_TASK} webhooks, and may not have more");
                Err(super::invalid("taskId", &many))
            }
            PutPush::Unknown => Err(not_found()),
        }
    }

    /// Registers the webhook that a message brings along, and puts a callback in its place.
    pub(super) async fn bring(&mut self, app: &App) -> Result<(), Refusal> {
        if !self.call.asked.brings_push_config {
            return Ok(());
        }
        // Boxed, here and below: most messages bring none.
        let hook = Box::pin(self.hook(app, "configuration.taskPushNotificationConfig.")).await?;
        let task = self.call.asked.task.clone();
        let registered = Box::pin(self.register(app, hook, task.as_deref())).await?;
        let config = registered.callback.config(task.as_deref());
        self.brought = Some(Box::new(Brought { registered, is_bound: AtomicBool::new(task.is_some()) }));
        self.call.params.change(|splice, params| {
            if let Some(configuration) = params.get("configuration").and_then(Value::as_object) {
                splice.set_member(configuration, "taskPushNotificationConfig", config.as_bytes());
            }
        })
    }

    /// The agent has told the task: the webhook that came with the message is the task's from now on.
    pub(super) async fn bind_brought(&self, app: &App, task: &str) -> Result<(), Refusal> {
        let Some(brought) = self.brought.as_ref().filter(|it| !it.is_bound.load(Ordering::Acquire)) else {
            return Ok(());
        };
        let callback_hash = &brought.registered.push.callback_hash;
        let bound = Box::pin(app.store().bind_push_config(callback_hash, task, MOST_PER_TASK)).await;
        let bound = bound.map_err(internal)?;
        if bound != PutPush::Done {
            tracing::warn!(task, ?bound, "a webhook that came with a message was not bound to its task");
        }
        brought.is_bound.store(true, Ordering::Release);
        Ok(())
    }

    /// The agent did not take the message, nor the webhook that came with it.
    pub(super) async fn undo_brought(&self, app: &App) {
        if let Some(brought) = &self.brought {
            Box::pin(brought.registered.undo(app)).await;
        }
    }

    /// A result of Doorward's own, written in 1.0.
    fn tell_result(&self, v1: &str) -> Result<Answer, Refusal> {
        let (face, operation) = (&self.call.face, self.call.operation);
        if face.dialect() == Dialect::V1 {
            return face.unary(operation, v1.as_bytes());
        }
        let document = parse(v1.as_bytes().to_vec())?;
        let told = translate::result(Dialect::V1, face.dialect(), operation, document.root());
        // Such as an id that a resource name of 0.3 cannot carry.
        face.unary(operation, &told.map_err(untranslatable)?)
    }
}

/// A webhook as its caller sees it, in 1.0: without secrets.
fn shown(app: &App, push: &PushConfig) -> String {
    let mut shown = json!({ "taskId": push.task, "id": push.config, "url": push.url });
    let scheme = Secrets::open(app.envelope(), push).and_then(|secrets| secrets.scheme);
    if let Some(scheme) = scheme {
        shown["authentication"] = json!({ "scheme": scheme });
    }
    shown.to_string()
}
