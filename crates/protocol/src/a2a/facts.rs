//! What messages say that a gateway decides on: which task, which context, which state. Views over 1.0's ProtoJSON.

use std::borrow::Cow;

use super::{Failure, Operation, TaskState};
use crate::json::{Array, Object, Value, differs_only_in_case};

/// Longest id, in bytes.
const MAX_ID: usize = 512;
/// Most tasks that one message may refer to.
const MAX_REFERENCES: usize = 64;

/// What the parameters of a request say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    /// `tenant`.
    pub tenant: Option<Cow<'a, str>>,
    /// The task that is meant.
    pub task: Option<Cow<'a, str>>,
    /// The context that the message belongs to, or that is listed.
    pub context: Option<Cow<'a, str>>,
    /// `referenceTaskIds` of the message.
    pub references: Vec<Cow<'a, str>>,
    /// `messageId`.
    pub message: Option<Cow<'a, str>>,
    /// The webhook that is meant.
    pub config: Option<Cow<'a, str>>,
    /// Whether the message brings a webhook along.
    pub brings_push_config: bool,
}

impl<'a> Asked<'a> {
    /// Reads the parameters of an operation.
    ///
    /// # Errors
    /// When a member that decides is missing, is not what it must be, or is spelled in a way that the agent may
    /// understand and Doorward would not (`task_id`, `TaskId`).
    pub fn read(operation: Operation, params: Object<'a>) -> Result<Self, Failure> {
        let params =
            Members::read(params, "", ["tenant", "message", "configuration", "id", "taskId", "contextId"]);
        let mut asked = Self { tenant: params.text("tenant")?, ..Self::default() };
        match operation {
            Operation::SendMessage | Operation::SendStreamingMessage => asked.read_message(&params)?,
            Operation::GetTask | Operation::CancelTask | Operation::SubscribeToTask => {
                asked.task = Some(params.required("id")?);
            }
            Operation::ListTasks => asked.context = params.text("contextId")?,
            Operation::CreatePushConfig => {
                asked.task = Some(params.required("taskId")?);
                asked.config = params.text("id")?;
            }
            Operation::ListPushConfigs => asked.task = Some(params.required("taskId")?),
            Operation::GetPushConfig | Operation::DeletePushConfig => {
                asked.task = Some(params.required("taskId")?);
                asked.config = Some(params.required("id")?);
            }
            Operation::GetExtendedAgentCard => {}
        }
        Ok(asked)
    }

    fn read_message<const N: usize>(&mut self, params: &Members<'a, N>) -> Result<(), Failure> {
        let message = params.get("message")?.and_then(Value::as_object);
        let message = message.ok_or_else(|| Failure::invalid("message", "a message is required"))?;
        let names = ["messageId", "taskId", "contextId", "parts", "referenceTaskIds"];
        let message = Members::read(message, "message.", names);
        self.message = Some(message.required("messageId")?);
        self.task = message.text("taskId")?;
        self.context = message.text("contextId")?;
        let parts = message.get("parts")?.and_then(Value::as_array);
        if parts.is_none_or(Array::is_empty) {
            return Err(Failure::invalid("message.parts", "at least one part is required"));
        }
        if let Some(references) = message.get("referenceTaskIds")?.filter(|value| !value.is_null()) {
            let wrong = || Failure::invalid("message.referenceTaskIds", "a list of task ids");
            for reference in references.as_array().ok_or_else(wrong)?.iter() {
                if self.references.len() == MAX_REFERENCES {
                    return Err(Failure::invalid("message.referenceTaskIds", "too many"));
                }
                self.references.push(reference.as_str().ok_or_else(wrong)?);
            }
        }
        let configuration = params.get("configuration")?.filter(|value| !value.is_null());
        if let Some(configuration) = configuration {
            let object = configuration.as_object();
            let object = object.ok_or_else(|| Failure::invalid("configuration", "an object"))?;
            let push = Members::read(object, "configuration.", ["taskPushNotificationConfig"]);
            let push = push.get("taskPushNotificationConfig")?;
            self.brings_push_config = push.is_some_and(|push| !push.is_null());
        }
        Ok(())
    }
}

/// The webhook that a request creates or brings along, as it stands there.
pub fn push_config(operation: Operation, params: Object<'_>) -> Option<Object<'_>> {
    if operation == Operation::CreatePushConfig {
        return Some(params);
    }
    let configuration = params.get("configuration").and_then(Value::as_object)?;
    configuration.get("taskPushNotificationConfig").and_then(Value::as_object)
}

/// What an answer, or one event of a stream, is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'a> {
    /// A message of the agent, which ends the exchange.
    Message {
        /// Its context.
        context: Option<Cow<'a, str>>,
        /// The task that it belongs to.
        task: Option<Cow<'a, str>>,
    },
    /// A whole task.
    Task(TaskFacts<'a>),
    /// A task is in another state.
    Status(TaskFacts<'a>),
    /// A piece of a result.
    Artifact {
        /// Its task.
        task: Cow<'a, str>,
        /// Its context.
        context: Option<Cow<'a, str>>,
    },
}

/// What is known of a task from one answer or event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFacts<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its context.
    pub context: Option<Cow<'a, str>>,
    /// What it is doing.
    pub state: TaskState,
    /// Since when, as the agent writes it.
    pub timestamp: Option<Cow<'a, str>>,
}

/// Something that an agent sent and that is no answer of A2A. The text says what is wrong, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAnAnswer(pub &'static str);

impl<'a> Told<'a> {
    /// Reads a `StreamResponse`, or the `SendMessageResponse` that is the same.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(value: Value<'a>) -> Result<Self, NotAnAnswer> {
        let object = value.as_object().ok_or(NotAnAnswer("the answer is not an object"))?;
        let kinds = object.pick(["task", "statusUpdate", "artifactUpdate", "message"]);
        let [task, status, artifact, message] = kinds.map(|value| value.and_then(Value::as_object));
        if let Some(task) = task {
            return Ok(Self::Task(TaskFacts::of_task(task)?));
        }
        if let Some(update) = status {
            return Ok(Self::Status(TaskFacts::of_update(update)?));
        }
        if let Some(update) = artifact {
            let [task, context] = update.pick(["taskId", "contextId"]).map(id);
            return Ok(Self::Artifact {
                task: task.ok_or(NotAnAnswer("an artifact update names no task"))?,
                context,
            });
        }
        let message = message.ok_or(NotAnAnswer("neither a task nor a message nor an update"))?;
        let [task, context] = message.pick(["taskId", "contextId"]).map(id);
        Ok(Self::Message { context, task })
    }

    /// The task that it is about.
    pub fn task(&self) -> Option<&str> {
        match self {
            Self::Message { task, .. } => task.as_deref(),
            Self::Task(facts) | Self::Status(facts) => Some(&facts.id),
            Self::Artifact { task, .. } => Some(task),
        }
    }

    /// The context that it is about.
    pub fn context(&self) -> Option<&str> {
        match self {
            Self::Message { context, .. } | Self::Artifact { context, .. } => context.as_deref(),
            Self::Task(facts) | Self::Status(facts) => facts.context.as_deref(),
        }
    }

    /// The state that it tells.
    pub fn state(&self) -> Option<TaskState> {
        match self {
            Self::Task(facts) | Self::Status(facts) => Some(facts.state),
            Self::Message { .. } | Self::Artifact { .. } => None,
        }
    }
}

impl<'a> TaskFacts<'a> {
    /// Reads a task.
    ///
    /// # Errors
    /// When it has no id.
    pub fn of_task(task: Object<'a>) -> Result<Self, NotAnAnswer> {
        Self::read(task, "id")
    }

    fn of_update(update: Object<'a>) -> Result<Self, NotAnAnswer> {
        Self::read(update, "taskId")
    }

    fn read(object: Object<'a>, name: &str) -> Result<Self, NotAnAnswer> {
        let [task, context, status] = object.pick([name, "contextId", "status"]);
        let status = status.and_then(Value::as_object);
        let state = status.and_then(|status| status.get("state")).and_then(Value::as_str);
        let state = match state {
            None => TaskState::Unspecified,
            Some(name) => {
                TaskState::parse(&name).ok_or(NotAnAnswer("a task is in a state that there is none"))?
            }
        };
        Ok(Self {
            id: id(task).ok_or(NotAnAnswer("a task has no id"))?,
            context: id(context),
            state,
            timestamp: status.and_then(|status| status.get("timestamp")).and_then(Value::as_str),
        })
    }
}

/// An id of the agent's: a text that is not empty and not too long.
fn id(value: Option<Value<'_>>) -> Option<Cow<'_, str>> {
    value.and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= MAX_ID && !id.contains('\0'))
}

/// The members of an object that decide, found in one pass.
struct Members<'a, const N: usize> {
    /// Where the object stands, for errors.
    prefix: &'static str,
    found: [Found<'a>; N],
}

/// One of them.
#[derive(Default)]
struct Found<'a> {
    name: &'static str,
    value: Option<Value<'a>>,
    /// What stands beside it or in its place and a reader of `ProtoJSON` would take for it: the first such name.
    misspelt: Option<Cow<'a, str>>,
}

impl<'a, const N: usize> Members<'a, N> {
    fn read(object: Object<'a>, prefix: &'static str, names: [&'static str; N]) -> Self {
        let mut found = names.map(|name| Found { name, ..Found::default() });
        for member in object.members() {
            if let Some(exact) = found.iter_mut().find(|found| found.name == member.name) {
                exact.value = Some(member.value);
                continue;
            }
            for found in &mut found {
                if found.misspelt.is_none() && is_other_spelling(&member.name, found.name) {
                    found.misspelt = Some(member.name.clone());
                }
            }
        }
        Self { prefix, found }
    }

    /// A member, unless another spelling of it stands there.
    fn get(&self, name: &str) -> Result<Option<Value<'a>>, Failure> {
        let Some(found) = self.found.iter().find(|found| found.name == name) else { return Ok(None) };
        match &found.misspelt {
            None => Ok(found.value),
            Some(written) => {
                Err(Failure::invalid(&self.field(written), &format!("is spelled `{}`", found.name)))
            }
        }
    }

    /// A text that may be absent. The empty text is what proto makes of absence.
    fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, Failure> {
        let Some(value) = self.get(name)?.filter(|value| !value.is_null()) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| Failure::invalid(&self.field(name), "a text"))?;
        if text.len() > MAX_ID || text.contains('\0') {
            return Err(Failure::invalid(&self.field(name), "too long, or not a text"));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    fn required(&self, name: &str) -> Result<Cow<'a, str>, Failure> {
        self.text(name)?.ok_or_else(|| Failure::invalid(&self.field(name), "is required"))
    }

    fn field(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// Whether a member `written` is not the one called `name`, but may be taken for it.
fn is_other_spelling(written: &str, name: &str) -> bool {
    differs_only_in_case(written, name)
        || (written.contains('_') && written.bytes().filter(|byte| *byte != b'_').eq_ignoring_case(name))
}

trait EqIgnoringCase {
    fn eq_ignoring_case(self, text: &str) -> bool;
}

impl<I: Iterator<Item = u8>> EqIgnoringCase for I {
    fn eq_ignoring_case(self, text: &str) -> bool {
        self.map(|byte| byte.to_ascii_lowercase()).eq(text.bytes().map(|byte| byte.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::json::Document;

    fn document(text: &str) -> Document {
        Document::parse(Bytes::copy_from_slice(text.as_bytes()), 32).expect("JSON")
    }

    fn asked(operation: Operation, text: &str) -> Result<(Option<String>, Option<String>, usize), String> {
        let document = document(text);
        let asked = Asked::read(operation, document.root().as_object().expect("an object"));
        let asked = asked.map_err(|failure| failure.message)?;
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Ok((owned(asked.task), owned(asked.context), asked.references.len()))
    }

    const MESSAGE: &str = r#""messageId":"m","role":"ROLE_USER","parts":[{"text":"hi"}]"#;

    #[test]
    fn messages_name_their_task_and_context() {
        let text = format!(
            r#"{{"message":{{{MESSAGE},"taskId":"t","contextId":"c","referenceTaskIds":["a","b"]}}}}"#
        );
        let expected = (Some("t".to_owned()), Some("c".to_owned()), 2);
        assert_eq!(asked(Operation::SendMessage, &text), Ok(expected));
        let text = format!(r#"{{"message":{{{MESSAGE},"taskId":"","contextId":null}}}}"#);
        assert_eq!(asked(Operation::SendMessage, &text), Ok((None, None, 0)));
    }

    #[test]
    fn what_the_agent_would_read_and_we_would_not_is_refused() {
        for member in
            ["task_id", "TaskId", "taskid", "context_id", "Reference_Task_Ids", "message_id", "message_Id"]
        {
            let text = format!(r#"{{"message":{{{MESSAGE},"{member}":"victim"}}}}"#);
            let refused = asked(Operation::SendMessage, &text).expect_err(member);
            assert!(refused.contains(member), "{refused}");
        }
        for member in ["Message", "configuration_"] {
            let text = format!(r#"{{"message":{{{MESSAGE}}},"{member}":{{}}}}"#);
            assert!(asked(Operation::SendMessage, &text).is_err(), "{member}");
        }
        assert!(asked(Operation::GetPushConfig, r#"{"taskId":"t","task_id":"v","id":"c"}"#).is_err());
        let push = r#"{"task_push_notification_config":{"url":"http://victim"}}"#;
        let text = format!(r#"{{"message":{{{MESSAGE}}},"configuration":{push}}}"#);
        assert!(asked(Operation::SendMessage, &text).is_err());
    }

    #[test]
    fn what_is_missing_is_named() {
        for (operation, text, field) in [
            (Operation::SendMessage, "{}", "message"),
            (Operation::SendMessage, r#"{"message":{"parts":[{"text":"x"}]}}"#, "message.messageId"),
            (Operation::SendMessage, r#"{"message":{"messageId":"m","parts":[]}}"#, "message.parts"),
            (Operation::GetTask, "{}", "id"),
            (Operation::GetTask, r#"{"id":7}"#, "id"),
            (Operation::CreatePushConfig, "{}", "taskId"),
            (Operation::DeletePushConfig, r#"{"taskId":"t"}"#, "id"),
        ] {
            let message = asked(operation, text).expect_err(field);
            assert!(message.starts_with(&format!("{field}:")), "{message}");
        }
    }

    #[test]
    fn answers_tell_what_they_are_about() {
        let task = document(
            r#"{"task":{"id":"t","contextId":"c","status":{"state":"TASK_STATE_WORKING","timestamp":"x"}}}"#,
        );
        let told = Told::read(task.root()).expect("a task");
        assert_eq!(
            (told.task(), told.context(), told.state()),
            (Some("t"), Some("c"), Some(TaskState::Working))
        );
        let message = document(r#"{"message":{"contextId":"c"}}"#);
        let told = Told::read(message.root()).expect("a message");
        assert_eq!((told.task(), told.context(), told.state()), (None, Some("c"), None));
        for wrong in [
            "[]",
            "{}",
            r#"{"task":{}}"#,
            r#"{"task":{"id":"t","status":{"state":"DONE"}}}"#,
            r#"{"artifactUpdate":{}}"#,
        ] {
            assert!(Told::read(document(wrong).root()).is_err(), "{wrong}");
        }
    }
}
