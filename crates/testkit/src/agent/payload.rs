//! Tasks, events and messages as each dialect writes them. States are given as 0.3 writes them: `completed`.

use serde_json::{Value, json};

use super::Dialect;

/// The time in every status.
pub const TIME: &str = "2026-01-01T00:00:00.000Z";

/// A state as the dialect writes it.
pub fn state(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::V03Rpc => name.to_owned(),
        Dialect::V03Proto if name == "canceled" => "TASK_STATE_CANCELLED".to_owned(),
        Dialect::V1 | Dialect::V03Proto => format!("TASK_STATE_{}", name.to_uppercase().replace('-', "_")),
    }
}

/// Whether nothing comes after this state.
pub fn is_terminal(state: &str) -> bool {
    ["completed", "failed", "canceled", "rejected"].contains(&state)
}

/// A task without artifacts and history.
pub fn task(dialect: Dialect, id: &str, context: &str, name: &str) -> Value {
    let mut task = json!({ "id": id, "contextId": context, "status": status(dialect, name) });
    kind(dialect, &mut task, "task");
    task
}

/// An artifact with a text.
pub fn artifact(dialect: Dialect, id: &str, text: &str) -> Value {
    json!({ "artifactId": id, "parts": [part(dialect, text)] })
}

/// A message of an agent.
pub fn agent_message(dialect: Dialect, id: &str, text: &str) -> Value {
    message(dialect, id, text, ["agent", "ROLE_AGENT"])
}

/// A message of a user.
pub fn user_message(dialect: Dialect, id: &str, text: &str) -> Value {
    message(dialect, id, text, ["user", "ROLE_USER"])
}

/// The event that a task stands in.
pub fn task_event(dialect: Dialect, task: Value) -> Value {
    wrapped(dialect, "task", task)
}

/// The event of a new state; towards 0.3 it is final where nothing comes after it.
pub fn status_event(dialect: Dialect, id: &str, context: &str, name: &str) -> Value {
    let mut event = json!({ "taskId": id, "contextId": context, "status": status(dialect, name) });
    if dialect != Dialect::V1 {
        event["final"] = is_terminal(name).into();
    }
    kind(dialect, &mut event, "status-update");
    wrapped(dialect, "statusUpdate", event)
}

/// The event of an artifact, or of a part of one.
pub fn artifact_event(dialect: Dialect, id: &str, context: &str, artifact: &Value, append: bool) -> Value {
    let mut event = json!({ "taskId": id, "contextId": context, "artifact": artifact, "append": append });
    kind(dialect, &mut event, "artifact-update");
    wrapped(dialect, "artifactUpdate", event)
}

fn status(dialect: Dialect, name: &str) -> Value {
    json!({ "state": state(dialect, name), "timestamp": TIME })
}

fn part(dialect: Dialect, text: &str) -> Value {
    let mut part = json!({ "text": text });
    kind(dialect, &mut part, "text");
    part
}

fn message(dialect: Dialect, id: &str, text: &str, roles: [&str; 2]) -> Value {
    let parts = json!([part(dialect, text)]);
    let mut message = match dialect {
        Dialect::V1 => json!({ "messageId": id, "role": roles[1], "parts": parts }),
        Dialect::V03Rpc => json!({ "messageId": id, "role": roles[0], "parts": parts }),
        Dialect::V03Proto => json!({ "messageId": id, "role": roles[1], "content": parts }),
    };
    kind(dialect, &mut message, "message");
    message
}

fn kind(dialect: Dialect, value: &mut Value, kind: &str) {
    if dialect == Dialect::V03Rpc {
        value["kind"] = kind.into();
    }
}

fn wrapped(dialect: Dialect, member: &str, value: Value) -> Value {
    if dialect == Dialect::V03Rpc { value } else { json!({ member: value }) }
}
