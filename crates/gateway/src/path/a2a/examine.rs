//! What came back: whose it is, whether it is an answer, and how the caller reads it.

use std::sync::Arc;

use doorward_model::{Binding, Timestamp};
use doorward_protocol::{
    a2a::{Dialect, ErrorKind, Failure, Operation, TaskFacts, TaskState, Told, translate},
    json::{Document, Value},
};

use super::{
    super::{Answer, Refusal, record::OpenRecord},
    call::parse,
    internal,
    limit::Held,
    relay,
    send::{Sent, Talk},
    source::{Heard, is_stream},
};
use crate::{App, tasks::Telling};

/// Turns the agent's answer into the caller's.
pub(super) async fn reply(
    app: &Arc<App>,
    sent: Sent,
    held: Held,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let Sent { talk, response } = sent;
    let operation = talk.call.operation;
    if operation.streams() && is_stream(&response) {
        return Box::pin(relay::begin(app, talk, response, held, record)).await;
    }
    match talk.hear(operation, response).await? {
        Heard::Error(failure) => {
            talk.undo_brought(app).await;
            Ok(talk.error(&failure, record))
        }
        Heard::Result(..) if operation.streams() => Err(talk.invalid("not a stream")),
        Heard::Result(result, message) => {
            talk.note(app, operation, &result, record).await?;
            match message {
                Some(message) if talk.passes() && talk.call.face.binding == Binding::JsonRpc => {
                    Ok(Answer::json(http::StatusCode::OK, message))
                }
                _ => talk.call.face.unary(operation, talk.to_caller(operation, &result)?.root().raw()),
            }
        }
    }
}

impl Talk {
    /// An error of the agent's, as the caller is told it.
    pub(super) fn error(&self, failure: &Failure, record: &mut OpenRecord) -> Answer {
        record.rpc_error(failure.json_rpc_code());
        self.call.face.failure(failure)
    }

    /// Whether both sides write payloads alike.
    pub(super) fn passes(&self) -> bool {
        let face = &self.call.face;
        face.dialect() == self.interface.dialect() && face.binding == self.interface.binding
    }

    /// A unary result in 1.0.
    pub(super) fn to_v1(&self, operation: Operation, result: &Document) -> Result<Document, Refusal> {
        let dialect = self.interface.dialect();
        if dialect == Dialect::V1 {
            return Ok(result.clone());
        }
        let translated = translate::result(dialect, Dialect::V1, operation, result.root());
        parse(translated.map_err(|error| self.invalid(error.to_string()))?)
    }

    /// A unary result as the caller reads it.
    fn to_caller(&self, operation: Operation, result: &Document) -> Result<Document, Refusal> {
        let (from, to) = (self.interface.dialect(), self.call.face.dialect());
        if from == to {
            return Ok(result.clone());
        }
        let translated = translate::result(from, to, operation, result.root());
        parse(translated.map_err(|error| self.invalid(error.to_string()))?)
    }

    /// Checks that a result is one, and writes down whose it is, before the caller sees it.
    async fn note(
        &self,
        app: &App,
        operation: Operation,
        result: &Document,
        record: &mut OpenRecord,
    ) -> Result<(), Refusal> {
        let result = self.to_v1(operation, result)?;
        let told = match operation {
            Operation::GetTask | Operation::CancelTask => {
                let task =
                    result.root().as_object().ok_or_else(|| self.invalid("the task is not an object"))?;
                TaskFacts::of_task(task).map(Told::Task)
            }
            operation if operation.sends() => Told::read(result.root()),
            _ => return Ok(()),
        };
        let told = told.map_err(|wrong| self.invalid(wrong.to_string()))?;
        self.tell(app, &told, record).await.map(|_| ())
    }

    /// Writes down whose what the caller is about to be told is. Returns the state of the task that stands.
    pub(super) async fn tell(
        &self,
        app: &App,
        told: &Told<'_>,
        record: &mut OpenRecord,
    ) -> Result<Option<TaskState>, Refusal> {
        if let (Some(asked), Some(task)) = (&self.call.asked.task, told.task())
            && asked != task
        {
            return Err(self.invalid("the answer is about another task"));
        }
        record.about(told.task(), told.context());
        let (agent, now) = (&self.call.agent.agent.name, app.clock().now());
        let Some(task) = told.task().filter(|_| !matches!(told, Told::Message { .. })) else {
            if let Some(context) = told.context() {
                let told = app
                    .tasks()
                    .tell_context(agent, context, &self.call.owner, now)
                    .await
                    .map_err(internal)?;
                told.map_err(|_| self.invalid("the answer is about somebody else's context"))?;
            }
            return Ok(None);
        };
        let timestamp = match told {
            Told::Task(facts) | Told::Status(facts) => {
                facts.timestamp.as_deref().and_then(Timestamp::parse_rfc3339)
            }
            _ => None,
        };
        // A piece of a result says nothing about the state, except that there is a task.
        let state = match told.state() {
            Some(state) => state,
            None => match app.tasks().task(agent, task).await.map_err(internal)? {
                Some(known) => known.state,
                None => TaskState::Working,
            },
        };
        let telling = Telling {
            agent,
            owner: &self.call.owner,
            task,
            context: told.context(),
            state,
            timestamp,
            version: self.interface.version.name(),
            binding: self.interface.binding.word(),
            now,
        };
        let stands = app.tasks().tell(&telling).await.map_err(internal)?;
        let stands = stands.map_err(|_| self.invalid("the answer is about somebody else's task"))?;
        self.bind_brought(app, task).await?;
        if told.state().is_some() {
            record.state(stands.name());
        }
        Ok(Some(stands))
    }

    /// One unary operation of Doorward's own, in 1.0: an error of the agent's is one.
    pub(super) async fn exchange(
        &self,
        app: &App,
        operation: Operation,
        params: Vec<u8>,
        record: &mut OpenRecord,
    ) -> Result<Result<Document, Failure>, Refusal> {
        let params = super::call::Params::own(params)?;
        let response = self.ask(app, operation, &params, record).await?;
        match self.hear(operation, response).await? {
            Heard::Error(failure) => Ok(Err(failure)),
            Heard::Result(result, _) => self.to_v1(operation, &result).map(Ok),
        }
    }

    /// The task as it is now.
    pub(super) async fn get_task(
        &self,
        app: &App,
        task: &str,
        history: Option<i64>,
        record: &mut OpenRecord,
    ) -> Result<Result<Document, Failure>, Refusal> {
        let history = history.map(|length| format!(r#","historyLength":{length}"#)).unwrap_or_default();
        let params = format!(r#"{{"id":{}{history}}}"#, doorward_protocol::json::quote(task));
        let answer = self.exchange(app, Operation::GetTask, params.into_bytes(), record).await?;
        Ok(answer.and_then(|document| {
            let id = document.root().as_object().and_then(|task| task.get("id")).and_then(Value::as_str);
            if id.as_deref() == Some(task) {
                return Ok(document);
            }
            Err(Failure::new(ErrorKind::InvalidAgentResponse, "the agent answered with another task"))
        }))
    }
}
