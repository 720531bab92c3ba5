//! How an agent answers without a script: a small agent of both versions.
//!
//! A message makes a task that is completed at once, with the text in an artifact. A message whose id begins with the name
//! of another state (`working-1`, `input-required-7`) leaves the task in that state. It checks ids and states, nothing else.

use serde_json::{Value, json};

use super::{
    Answer, Asked, Dialect, Fault, Stream,
    payload::{self, is_terminal},
};

/// The states that a message can ask for.
const STATES: [&str; 7] =
    ["submitted", "working", "input-required", "auth-required", "failed", "canceled", "rejected"];

/// What the agent knows.
#[derive(Debug)]
pub(super) struct Manners {
    pub(super) card: Value,
    /// `null` while it is the card itself.
    pub(super) extended: Value,
    tasks: Vec<Task>,
    hooks: Vec<Hook>,
    made: usize,
}

#[derive(Debug, Clone)]
struct Task {
    id: String,
    context: String,
    state: &'static str,
    text: String,
}

/// A webhook for a task.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    task: String,
    id: String,
    pub(super) url: String,
    pub(super) token: String,
    pub(super) scheme: String,
    pub(super) credentials: String,
}

impl Manners {
    pub(super) fn new(card: Value) -> Self {
        Self { card, extended: Value::Null, tasks: Vec::new(), hooks: Vec::new(), made: 0 }
    }

    /// The webhooks of a task.
    pub(super) fn hooks_of(&self, task: &str) -> Vec<Hook> {
        self.hooks.iter().filter(|hook| hook.task == task).cloned().collect()
    }

    /// The answer to a request that no script covers.
    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        self.try_answer(asked).unwrap_or_else(Answer::error)
    }

    fn try_answer(&mut self, asked: &Asked) -> Result<Answer, Fault> {
        let dialect = asked.dialect();
        Ok(match asked.operation.as_str() {
            "SendMessage" => {
                let task = self.send(asked)?;
                Answer::task(task.show(dialect))
            }
            "SendStreamingMessage" => Answer::stream(self.send(asked)?.stream(dialect)),
            "GetTask" => Answer::result(self.task(asked)?.show(dialect)),
            "ListTasks" => self.list(asked),
            "CancelTask" => {
                let task = self.task(asked)?;
                if is_terminal(task.state) {
                    return Err(Fault::TASK_NOT_CANCELABLE);
                }
                task.state = "canceled";
                Answer::result(task.show(dialect))
            }
            "SubscribeToTask" => {
                let task = self.task(asked)?;
                if is_terminal(task.state) {
                    return Err(Fault::UNSUPPORTED_OPERATION);
                }
                Answer::stream(Stream::of([payload::task_event(dialect, task.show(dialect))]).hold())
            }
            "GetExtendedAgentCard" if self.extended.is_null() => Answer::result(self.card.clone()),
            "GetExtendedAgentCard" => Answer::result(self.extended.clone()),
            operation if operation.contains("PushNotificationConfig") => self.push(asked)?,
            _ => return Err(Fault::METHOD_NOT_FOUND),
        })
    }

    fn task(&mut self, asked: &Asked) -> Result<&mut Task, Fault> {
        let wanted = asked.task.as_deref();
        let found = self.tasks.iter_mut().find(|task| Some(task.id.as_str()) == wanted);
        found.ok_or(Fault::TASK_NOT_FOUND)
    }

    /// Takes a message in: for a new task, or for one that waits.
    fn send(&mut self, asked: &Asked) -> Result<Task, Fault> {
        let params = asked.params();
        let message = &params["message"];
        let Some(message_id) = message["messageId"].as_str() else { return Err(Fault::INVALID_PARAMS) };
        let state = STATES.into_iter().find(|state| message_id.starts_with(state)).unwrap_or("completed");
        let parts = if asked.dialect() == Dialect::V03Proto { "content" } else { "parts" };
        let text = message[parts][0]["text"].as_str().unwrap_or_default().to_owned();
        let task = if asked.task.is_some() {
            let task = self.task(asked)?;
            if is_terminal(task.state) {
                return Err(Fault::UNSUPPORTED_OPERATION);
            }
            (task.state, task.text) = (state, text);
            task.clone()
        } else {
            self.made += 1;
            let context =
                message["contextId"].as_str().map_or_else(|| format!("context-{}", self.made), str::to_owned);
            let task = Task { id: format!("task-{}", self.made), context, state, text };
            self.tasks.push(task.clone());
            task
        };
        // A webhook may come with the message, by one name in each version.
        let configuration = &params["configuration"];
        for member in ["taskPushNotificationConfig", "pushNotificationConfig", "pushNotification"] {
            if configuration[member].is_object() {
                self.keep_hook(&task.id, None, &configuration[member]);
            }
        }
        Ok(task)
    }

    /// The tasks of the context that is asked for, the newest first; there is one page only.
    fn list(&self, asked: &Asked) -> Answer {
        let context = asked.parameter("contextId").filter(|context| !context.is_empty());
        let fits = |task: &&Task| context.as_ref().is_none_or(|context| *context == task.context);
        let shown = self.tasks.iter().rev().filter(fits).map(|task| {
            let mut shown = task.show(asked.dialect());
            if let Some(members) = shown.as_object_mut() {
                members.remove("artifacts");
            }
            shown
        });
        let tasks: Vec<Value> = shown.collect();
        let size = tasks.len();
        Answer::result(json!({ "tasks": tasks, "nextPageToken": "", "pageSize": size, "totalSize": size }))
    }

    fn push(&mut self, asked: &Asked) -> Result<Answer, Fault> {
        let task = self.task(asked)?.id.clone();
        let dialect = asked.dialect();
        let wanted =
            |hook: &&Hook| hook.task == task && asked.hook.as_deref().is_none_or(|wanted| wanted == hook.id);
        Ok(match asked.operation.as_str() {
            "CreateTaskPushNotificationConfig" => {
                let params = asked.params();
                let nested = ["config", "pushNotificationConfig"]
                    .into_iter()
                    .fold(&params, |value, name| value.get(name).unwrap_or(value));
                Answer::result(self.keep_hook(&task, asked.hook.as_deref(), nested).show(dialect))
            }
            "GetTaskPushNotificationConfig" => {
                let hook = self.hooks.iter().find(wanted).ok_or(Fault::TASK_NOT_FOUND)?;
                Answer::result(hook.show(dialect))
            }
            "ListTaskPushNotificationConfigs" => {
                let hooks = self.hooks.iter().filter(|hook| hook.task == task).map(|hook| hook.show(dialect));
                let hooks: Value = hooks.collect();
                Answer::result(if dialect == Dialect::V03Rpc { hooks } else { json!({ "configs": hooks }) })
            }
            _ => {
                self.hooks.retain(|hook| !wanted(&hook));
                Answer::result(if dialect == Dialect::V03Rpc { Value::Null } else { json!({}) })
            }
        })
    }

    fn keep_hook(&mut self, task: &str, id: Option<&str>, given: &Value) -> Hook {
        self.made += 1;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let authentication = &given["authentication"];
        // 0.3 has several schemes.
        let scheme = authentication.get("scheme").unwrap_or(&authentication["schemes"][0]);
        let id = id.or(given["id"].as_str()).filter(|id| !id.is_empty());
        let hook = Hook {
            task: task.to_owned(),
            id: id.map_or_else(|| format!("hook-{}", self.made), str::to_owned),
            url: text(&given["url"]),
            token: text(&given["token"]),
            scheme: text(scheme),
            credentials: text(&authentication["credentials"]),
        };
        self.hooks.retain(|known| known.task != hook.task || known.id != hook.id);
        self.hooks.push(hook.clone());
        hook
    }
}

impl Task {
    fn show(&self, dialect: Dialect) -> Value {
        let mut task = payload::task(dialect, &self.id, &self.context, self.state);
        task["artifacts"] = json!([payload::artifact(dialect, "said", &self.text)]);
        task
    }

    /// Everything from the beginning; open for as long as the task is not at its end.
    fn stream(&self, dialect: Dialect) -> Stream {
        let Self { id, context, state, text } = self;
        let begun = payload::task(dialect, id, context, "submitted");
        let artifact = payload::artifact(dialect, "said", text);
        let stream = Stream::of([
            payload::task_event(dialect, begun),
            payload::status_event(dialect, id, context, "working"),
            payload::artifact_event(dialect, id, context, &artifact, false),
            payload::status_event(dialect, id, context, state),
        ]);
        if *state == "working" { stream.hold() } else { stream }
    }
}

impl Hook {
    fn show(&self, dialect: Dialect) -> Value {
        let Self { task, id, url, token, scheme, credentials } = self;
        let mut hook = json!({ "id": id, "url": url });
        if !token.is_empty() {
            hook["token"] = json!(token);
        }
        let schemes = [scheme];
        if !scheme.is_empty() {
            hook["authentication"] = match dialect {
                Dialect::V1 => json!({ "scheme": scheme, "credentials": credentials }),
                Dialect::V03Rpc | Dialect::V03Proto => {
                    json!({ "schemes": schemes, "credentials": credentials })
                }
            };
        }
        match dialect {
            Dialect::V1 => {
                hook["taskId"] = json!(task);
                hook
            }
            Dialect::V03Rpc => json!({ "taskId": task, "pushNotificationConfig": hook }),
            Dialect::V03Proto => {
                let name = format!("tasks/{task}/pushNotificationConfigs/{id}");
                json!({ "name": name, "pushNotificationConfig": hook })
            }
        }
    }
}
