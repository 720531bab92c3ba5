//! What an agent said, whichever binding and version wrote it: to compare what different callers were told.

use doorward_testkit::agent::{Binding, Dialect};
use serde_json::Value;

use super::Face;
use crate::harness::Answer;

/// One thing that an agent says. States are in kebab case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// A task with the texts of its artifacts.
    Task {
        id: String,
        context: String,
        state: String,
        texts: Vec<String>,
    },
    Message {
        id: String,
        text: String,
    },
    Status {
        task: String,
        context: String,
        state: String,
    },
    Artifact {
        task: String,
        context: String,
        id: String,
        text: String,
    },
    /// Anything else.
    Other(Value),
}

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The HTTP status; of gRPC too.
    pub(crate) status: u16,
    /// The code of the binding: JSON-RPC's, the one in the body of HTTP+JSON, gRPC's status.
    pub(crate) code: i64,
    pub(crate) message: String,
    /// Of the `ErrorInfo`.
    pub(crate) reason: String,
    pub(crate) metadata: Value,
    /// Of the `BadRequest`.
    pub(crate) fields: Vec<String>,
    pub(crate) details: Value,
}

impl Said {
    pub(crate) fn read(dialect: Dialect, value: &Value) -> Self {
        if let (Dialect::V03Rpc, Some(kind)) = (dialect, value["kind"].as_str()) {
            return match kind {
                "task" => Self::task(value),
                "message" => Self::message(value),
                "status-update" => Self::status(value),
                "artifact-update" => Self::artifact(value),
                _ => Self::Other(value.clone()),
            };
        }
        if value["task"].is_object() {
            Self::task(&value["task"])
        } else if value["message"].is_object() {
            Self::message(&value["message"])
        } else if value["statusUpdate"].is_object() {
            Self::status(&value["statusUpdate"])
        } else if value["artifactUpdate"].is_object() {
            Self::artifact(&value["artifactUpdate"])
        } else if value["id"].is_string() && value["status"].is_object() {
            Self::task(value)
        } else {
            Self::Other(value.clone())
        }
    }

    fn task(value: &Value) -> Self {
        let artifacts = value["artifacts"].as_array().into_iter().flatten();
        Self::Task {
            id: text(&value["id"]),
            context: text(&value["contextId"]),
            state: state(value),
            texts: artifacts.map(words).collect(),
        }
    }

    fn message(value: &Value) -> Self {
        Self::Message { id: text(&value["messageId"]), text: words(value) }
    }

    fn status(value: &Value) -> Self {
        Self::Status { task: text(&value["taskId"]), context: text(&value["contextId"]), state: state(value) }
    }

    fn artifact(value: &Value) -> Self {
        Self::Artifact {
            task: text(&value["taskId"]),
            context: text(&value["contextId"]),
            id: text(&value["artifact"]["artifactId"]),
            text: words(&value["artifact"]),
        }
    }

    /// The id of the task that it is about.
    #[track_caller]
    pub(crate) fn task_id(&self) -> &str {
        match self {
            Self::Task { id, .. } => id,
            Self::Status { task, .. } | Self::Artifact { task, .. } => task,
            other => panic!("it is about no task: {other:?}"),
        }
    }

    /// The id of the context that it is in.
    #[track_caller]
    pub(crate) fn context_id(&self) -> &str {
        match self {
            Self::Task { context, .. } | Self::Status { context, .. } | Self::Artifact { context, .. } => {
                context
            }
            other => panic!("it is in no context: {other:?}"),
        }
    }

    /// The state that it tells.
    pub(crate) fn state(&self) -> &str {
        match self {
            Self::Task { state, .. } | Self::Status { state, .. } => state,
            _ => "",
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// All texts in the parts, which 0.3's proto calls content.
fn words(value: &Value) -> String {
    let parts = value["parts"].as_array().or(value["content"].as_array());
    parts.into_iter().flatten().map(|part| text(&part["text"])).collect()
}

/// `TASK_STATE_INPUT_REQUIRED`, `input-required`: the latter.
fn state(value: &Value) -> String {
    let name = text(&value["status"]["state"]);
    let name = name.strip_prefix("TASK_STATE_").unwrap_or(&name).to_lowercase().replace('_', "-");
    if name == "cancelled" { "canceled".to_owned() } else { name }
}

impl Failed {
    pub(crate) fn of_answer(face: Face, answer: &Answer) -> Option<Self> {
        if face.0 == Binding::Grpc {
            return Self::of_trailers(answer);
        }
        let is_stream = answer.header("content-type") == Some("text/event-stream");
        let only = if is_stream { answer.events().into_iter().next() } else { None };
        Self::of_event(face, answer.status, &only.unwrap_or_else(|| answer.json())).or_else(|| {
            let bare = Self {
                status: answer.status,
                code: 0,
                message: answer.text(),
                reason: String::new(),
                metadata: Value::Null,
                fields: Vec::new(),
                details: Value::Null,
            };
            (answer.status >= 300).then_some(bare)
        })
    }

    pub(crate) fn of_event(face: Face, status: u16, value: &Value) -> Option<Self> {
        let error = value.get("error").filter(|error| error.is_object())?;
        let details = if face.0 == Binding::JsonRpc { &error["data"] } else { &error["details"] };
        Some(Self::new(status, error["code"].as_i64().unwrap_or_default(), &text(&error["message"]), details))
    }

    fn of_trailers(answer: &Answer) -> Option<Self> {
        let get = |name: &str| {
            let found = answer.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_bytes())
        };
        let status = doorward_protocol::grpc::Status::from_headers(get)?;
        let code = i64::from(status.code.number());
        let details = status.details.iter().map(|text| serde_json::from_slice::<Value>(text).unwrap());
        (code != 0).then(|| Self::new(answer.status, code, &status.message, &details.collect()))
    }

    fn new(status: u16, code: i64, message: &str, details: &Value) -> Self {
        let of_type = |name: &str| {
            let mut all = details.as_array().into_iter().flatten();
            let found = all.find(|detail| detail["@type"].as_str().is_some_and(|kind| kind.ends_with(name)));
            found.cloned().unwrap_or_default()
        };
        let (info, bad) = (of_type("google.rpc.ErrorInfo"), of_type("google.rpc.BadRequest"));
        let fields = bad["fieldViolations"].as_array().into_iter().flatten();
        Self {
            status,
            code,
            message: message.to_owned(),
            reason: text(&info["reason"]),
            metadata: info["metadata"].clone(),
            fields: fields.map(|field| text(&field["field"])).collect(),
            details: details.clone(),
        }
    }
}
