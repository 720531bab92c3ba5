//! What a request asks: the operation, whatever the binding and the version call it.

use serde_json::Value;

use super::{Binding, Dialect, Version};
use crate::recorder::Recorded;

/// The paths of an agent.
pub(super) const RPC: &str = "/rpc";
pub(super) const REST: &str = "/rest";
pub(super) const CARD: &str = "/.well-known/agent-card.json";
const JWKS: &str = "/.well-known/jwks.json";

/// One request with what it asks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The operation by its name of 1.0; `card` and `jwks` for those documents; `unknown` for anything else.
    pub operation: String,
    /// How it came.
    pub binding: Binding,
    /// The version that calls it so, whatever the header field says.
    pub version: Version,
    /// The tenant in the path or the parameters.
    pub tenant: Option<String>,
    /// The id of the task that it is about: of the message, for those that send one.
    pub task: Option<String>,
    /// The id of the webhook that it is about.
    pub hook: Option<String>,
    /// The request as it came; over gRPC the body is the message without its frame, and the header fields are in lower case.
    pub request: Recorded,
}

/// Names of 1.0 and of 0.3's JSON-RPC.
const NAMES: [(&str, &str); 11] = [
    ("SendMessage", "message/send"),
    ("SendStreamingMessage", "message/stream"),
    ("GetTask", "tasks/get"),
    ("ListTasks", "tasks/list"),
    ("CancelTask", "tasks/cancel"),
    ("SubscribeToTask", "tasks/resubscribe"),
    ("CreateTaskPushNotificationConfig", "tasks/pushNotificationConfig/set"),
    ("GetTaskPushNotificationConfig", "tasks/pushNotificationConfig/get"),
    ("ListTaskPushNotificationConfigs", "tasks/pushNotificationConfig/list"),
    ("DeleteTaskPushNotificationConfig", "tasks/pushNotificationConfig/delete"),
    ("GetExtendedAgentCard", "agent/getAuthenticatedExtendedCard"),
];

impl Asked {
    /// The first header field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        self.request.json()
    }

    /// The parameters: of JSON-RPC `params`, of HTTP+JSON the body.
    pub fn params(&self) -> Value {
        match self.binding {
            Binding::JsonRpc => self.json()["params"].take(),
            Binding::HttpJson | Binding::Grpc => self.json(),
        }
    }

    /// A text among the parameters, or in the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.request.target.split_once('?').unwrap_or_default();
        let queried = || url::form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
        let told = self.params()[name].as_str().map(str::to_owned);
        told.or_else(|| queried().map(|(_, value)| value.into_owned()))
    }

    /// How its payload is written.
    pub fn dialect(&self) -> Dialect {
        Dialect::of(self.version, self.binding)
    }

    /// Understands a request over HTTP.
    pub(super) fn of(request: Recorded) -> Self {
        let path = request.target.split('?').next().unwrap_or_default().to_owned();
        if path == RPC || path.starts_with("/rpc/") {
            return Self::of_json_rpc(request);
        }
        if let Some(below) = path.strip_prefix(REST) {
            return Self::of_rest(request, below);
        }
        let operation = match path.as_str() {
            CARD | "/.well-known/agent.json" => "card",
            JWKS => "jwks",
            _ => "unknown",
        };
        Self::new(operation, Binding::HttpJson, Version::V1_0, request)
    }

    pub(super) fn new(operation: &str, binding: Binding, version: Version, request: Recorded) -> Self {
        let operation = operation.to_owned();
        Self { operation, binding, version, tenant: None, task: None, hook: None, request }
    }

    fn of_json_rpc(request: Recorded) -> Self {
        let message = request.json();
        let method = message["method"].as_str().unwrap_or_default();
        let known = NAMES.iter().find(|(new, old)| *new == method || *old == method);
        let operation = known.map_or("unknown", |(new, _)| new);
        let version = if method.contains('/') { Version::V0_3 } else { Version::V1_0 };
        let params = &message["params"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let about_hooks = operation.contains("PushNotificationConfig");
        let task = match operation {
            "SendMessage" | "SendStreamingMessage" => text(&params["message"]["taskId"]),
            // 0.3 has the id of the task in `id` where it gets and deletes a webhook, and in `taskId` where it sets one.
            _ if about_hooks => {
                text(&params["taskId"]).or_else(|| text(&params["id"]).filter(|_| version == Version::V0_3))
            }
            _ => text(&params["id"]),
        };
        let hook = match version {
            _ if !about_hooks => None,
            Version::V1_0 => text(&params["id"]),
            Version::V0_3 => text(&params["pushNotificationConfigId"])
                .or_else(|| text(&params["pushNotificationConfig"]["id"])),
        };
        let tenant = text(&params["tenant"]);
        Self { tenant, task, hook, ..Self::new(operation, Binding::JsonRpc, version, request) }
    }

    fn of_rest(request: Recorded, below: &str) -> Self {
        let mut segments: Vec<&str> = below.split('/').filter(|segment| !segment.is_empty()).collect();
        let mut version = Version::V1_0;
        if segments.first() == Some(&"v1") {
            version = Version::V0_3;
            segments.remove(0);
        }
        let begins = |segment: &str| {
            ["message:send", "message:stream", "extendedAgentCard", "card"].contains(&segment)
                || segment == "tasks"
        };
        let mut tenant = None;
        if segments.first().is_some_and(|first| !begins(first)) {
            tenant = Some(segments.remove(0).to_owned());
        }
        let (operation, task, hook) = rest_operation(&request.method, &segments);
        let body = request.json();
        let member = |name: &str| body["message"][name].as_str().map(str::to_owned);
        let task = task.map(str::to_owned).or_else(|| member("taskId"));
        let named = [&body["id"], &body["configId"], &body["pushNotificationConfig"]["id"]];
        let hook = hook.or_else(|| named.into_iter().find_map(Value::as_str)).map(str::to_owned);
        Self { tenant, task, hook, ..Self::new(operation, Binding::HttpJson, version, request) }
    }
}

/// Operation, task and webhook of a path below the interface.
fn rest_operation<'a>(
    method: &str,
    segments: &[&'a str],
) -> (&'static str, Option<&'a str>, Option<&'a str>) {
    match (method, segments) {
        ("POST", ["message:send"]) => ("SendMessage", None, None),
        ("POST", ["message:stream"]) => ("SendStreamingMessage", None, None),
        ("GET", ["extendedAgentCard" | "card"]) => ("GetExtendedAgentCard", None, None),
        ("GET", ["tasks"]) => ("ListTasks", None, None),
        (_, ["tasks", task]) => match (method, task.split_once(':')) {
            ("GET", None) => ("GetTask", Some(task), None),
            ("POST", Some((task, "cancel"))) => ("CancelTask", Some(task), None),
            ("GET" | "POST", Some((task, "subscribe"))) => ("SubscribeToTask", Some(task), None),
            _ => ("unknown", None, None),
        },
        (_, ["tasks", task, "pushNotificationConfigs", rest @ ..]) => {
            let operation = match (method, rest.len()) {
                ("POST", 0) => "CreateTaskPushNotificationConfig",
                ("GET", 0) => "ListTaskPushNotificationConfigs",
                ("GET", 1) => "GetTaskPushNotificationConfig",
                ("DELETE", 1) => "DeleteTaskPushNotificationConfig",
                _ => "unknown",
            };
            (operation, Some(task), rest.first().copied())
        }
        _ => ("unknown", None, None),
    }
}
