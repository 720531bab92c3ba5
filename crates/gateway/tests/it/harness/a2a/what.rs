//! What a caller asks, written for each binding and version by hand: nothing of this comes from the gateway.

use doorward_testkit::agent::{Dialect, Version, payload};
use serde_json::{Value, json};

/// An operation with what it is about.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Send(Message),
    Stream(Message),
    Get(String),
    /// With so much history.
    GetHistory(String, i64),
    /// With parameters of 1.0.
    List(Value),
    Cancel(String),
    Subscribe(String),
    /// A task and the webhook's members in 1.0.
    CreateHook(String, Value),
    GetHook(String, String),
    ListHooks(String),
    DeleteHook(String, String),
    ExtendedCard,
}

/// A message to an agent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    id: String,
    text: String,
    task: Option<String>,
    context: Option<String>,
    references: Vec<String>,
    configuration: Option<Value>,
}

impl Message {
    /// A message with this id, which decides how the scripted agent behaves: `working-1` leaves the task there.
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), text: format!("the text of {id}"), ..Self::default() }
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    pub(crate) fn task(mut self, task: &str) -> Self {
        self.task = Some(task.to_owned());
        self
    }

    pub(crate) fn context(mut self, context: &str) -> Self {
        self.context = Some(context.to_owned());
        self
    }

    pub(crate) fn reference(mut self, task: &str) -> Self {
        self.references.push(task.to_owned());
        self
    }

    /// `configuration`, as the dialect of the test's face has it.
    pub(crate) fn configuration(mut self, configuration: Value) -> Self {
        self.configuration = Some(configuration);
        self
    }

    pub(crate) fn send(self) -> What {
        What::Send(self)
    }

    pub(crate) fn stream(self) -> What {
        What::Stream(self)
    }

    /// The parameters that it stands in.
    pub(crate) fn params(&self, dialect: Dialect) -> Value {
        let mut message = payload::user_message(dialect, &self.id, &self.text);
        if let Some(task) = &self.task {
            message["taskId"] = json!(task);
        }
        if let Some(context) = &self.context {
            message["contextId"] = json!(context);
        }
        if !self.references.is_empty() {
            message["referenceTaskIds"] = json!(self.references);
        }
        let mut params = json!({ "message": message });
        if let Some(configuration) = &self.configuration {
            params["configuration"] = configuration.clone();
        }
        params
    }
}

impl What {
    pub(crate) fn get(task: &str) -> Self {
        Self::Get(task.to_owned())
    }

    pub(crate) fn cancel(task: &str) -> Self {
        Self::Cancel(task.to_owned())
    }

    pub(crate) fn subscribe(task: &str) -> Self {
        Self::Subscribe(task.to_owned())
    }

    /// Its name of 1.0.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Send(_) => "SendMessage",
            Self::Stream(_) => "SendStreamingMessage",
            Self::Get(_) | Self::GetHistory(..) => "GetTask",
            Self::List(_) => "ListTasks",
            Self::Cancel(_) => "CancelTask",
            Self::Subscribe(_) => "SubscribeToTask",
            Self::CreateHook(..) => "CreateTaskPushNotificationConfig",
            Self::GetHook(..) => "GetTaskPushNotificationConfig",
            Self::ListHooks(_) => "ListTaskPushNotificationConfigs",
            Self::DeleteHook(..) => "DeleteTaskPushNotificationConfig",
            Self::ExtendedCard => "GetExtendedAgentCard",
        }
    }

    /// Its name on JSON-RPC of 0.3, which has no lists.
    pub(crate) fn method_0_3(&self) -> &'static str {
        match self {
            Self::Send(_) => "message/send",
            Self::Stream(_) => "message/stream",
            Self::Get(_) | Self::GetHistory(..) => "tasks/get",
            Self::List(_) => "tasks/list",
            Self::Cancel(_) => "tasks/cancel",
            Self::Subscribe(_) => "tasks/resubscribe",
            Self::CreateHook(..) => "tasks/pushNotificationConfig/set",
            Self::GetHook(..) => "tasks/pushNotificationConfig/get",
            Self::ListHooks(_) => "tasks/pushNotificationConfig/list",
            Self::DeleteHook(..) => "tasks/pushNotificationConfig/delete",
            Self::ExtendedCard => "agent/getAuthenticatedExtendedCard",
        }
    }

    /// The message of JSON-RPC, with id 1.
    pub(crate) fn json_rpc(&self, version: Version) -> Value {
        let (method, dialect) = match version {
            Version::V1_0 => (self.operation(), Dialect::V1),
            Version::V0_3 => (self.method_0_3(), Dialect::V03Rpc),
        };
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": self.params(dialect) })
    }

    /// The parameters: of JSON-RPC, and the request message of gRPC.
    pub(crate) fn params(&self, dialect: Dialect) -> Value {
        let proto = dialect == Dialect::V03Proto;
        let named = |task: &String| {
            if proto { json!({ "name": format!("tasks/{task}") }) } else { json!({ "id": task }) }
        };
        match self {
            Self::Send(message) | Self::Stream(message) => message.params(dialect),
            Self::Get(task) | Self::Cancel(task) | Self::Subscribe(task) => named(task),
            Self::GetHistory(task, length) => {
                let mut params = named(task);
                params["historyLength"] = json!(length);
                params
            }
            Self::List(params) => params.clone(),
            Self::ExtendedCard => json!({}),
            Self::CreateHook(task, hook) => create_hook(dialect, task, hook),
            Self::GetHook(task, hook) | Self::DeleteHook(task, hook) => match dialect {
                Dialect::V1 => json!({ "taskId": task, "id": hook }),
                Dialect::V03Rpc => json!({ "id": task, "pushNotificationConfigId": hook }),
                Dialect::V03Proto => {
                    json!({ "name": format!("tasks/{task}/pushNotificationConfigs/{hook}") })
                }
            },
            Self::ListHooks(task) => match dialect {
                Dialect::V1 => json!({ "taskId": task }),
                Dialect::V03Rpc => json!({ "id": task }),
                Dialect::V03Proto => json!({ "parent": format!("tasks/{task}") }),
            },
        }
    }

    /// HTTP method, path below the agent, and body.
    pub(crate) fn http_json(&self, version: Version) -> (&'static str, String, Option<Value>) {
        let dialect = match version {
            Version::V1_0 => Dialect::V1,
            Version::V0_3 => Dialect::V03Proto,
        };
        let (method, path, body) = match self {
            Self::Send(message) => ("POST", "/message:send".to_owned(), Some(message.params(dialect))),
            Self::Stream(message) => ("POST", "/message:stream".to_owned(), Some(message.params(dialect))),
            Self::Get(task) => ("GET", format!("/tasks/{task}"), None),
            Self::GetHistory(task, length) => ("GET", format!("/tasks/{task}?historyLength={length}"), None),
            Self::List(params) => ("GET", format!("/tasks{}", query(params)), None),
            Self::Cancel(task) => ("POST", format!("/tasks/{task}:cancel"), Some(json!({}))),
            Self::Subscribe(task) if version == Version::V0_3 => {
                ("GET", format!("/tasks/{task}:subscribe"), None)
            }
            Self::Subscribe(task) => ("POST", format!("/tasks/{task}:subscribe"), Some(json!({}))),
            Self::CreateHook(task, hook) => {
                let body = match version {
                    Version::V1_0 => hook.clone(),
                    Version::V0_3 => create_hook(dialect, task, hook),
                };
                ("POST", format!("/tasks/{task}/pushNotificationConfigs"), Some(body))
            }
            Self::GetHook(task, hook) => {
                ("GET", format!("/tasks/{task}/pushNotificationConfigs/{hook}"), None)
            }
            Self::ListHooks(task) => ("GET", format!("/tasks/{task}/pushNotificationConfigs"), None),
            Self::DeleteHook(task, hook) => {
                ("DELETE", format!("/tasks/{task}/pushNotificationConfigs/{hook}"), None)
            }
            Self::ExtendedCard if version == Version::V0_3 => ("GET", "/card".to_owned(), None),
            Self::ExtendedCard => ("GET", "/extendedAgentCard".to_owned(), None),
        };
        let prefix = if version == Version::V0_3 { "/v1" } else { "" };
        (method, format!("{prefix}{path}"), body)
    }
}

/// A webhook as each dialect registers it.
fn create_hook(dialect: Dialect, task: &str, hook: &Value) -> Value {
    let mut older = hook.clone();
    if let Some(scheme) = hook["authentication"]["scheme"].as_str() {
        older["authentication"] =
            json!({ "schemes": [scheme], "credentials": hook["authentication"]["credentials"] });
    }
    match dialect {
        Dialect::V1 => {
            let mut params = hook.clone();
            params["taskId"] = json!(task);
            params
        }
        Dialect::V03Rpc => json!({ "taskId": task, "pushNotificationConfig": older }),
        Dialect::V03Proto => json!({
            "parent": format!("tasks/{task}"),
            "configId": hook["id"],
            "config": { "pushNotificationConfig": older },
        }),
    }
}

fn query(params: &Value) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in params.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        query.append_pair(name, &text);
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}
