//! Whose what a request names is. What is somebody else's gets the answer of what does not exist.

use std::sync::Arc;

use doorward_guard::{
    exposure::Cleared,
    ownership::{self, Claim},
};
use doorward_protocol::{
    a2a::{ErrorKind, Failure, Operation, TaskState},
    json::{Value, quote},
};
use doorward_store::{Owner, StoreError};

use super::{super::Refusal, call::Call, internal};
use crate::{
    App,
    tasks::{Foreign, KnownTask},
};

/// What the index knows of the things that a request names.
pub(super) struct Standing {
    /// The task that is meant.
    pub(super) task: Option<Arc<KnownTask>>,
    references: Vec<Option<Owner>>,
    /// Who has the context that is meant.
    context: Option<Owner>,
}

/// Looks up what a request names.
pub(super) async fn of(app: &App, call: &Call) -> Result<Standing, Refusal> {
    look_up(app, call).await.map_err(internal)
}

async fn look_up(app: &App, call: &Call) -> Result<Standing, StoreError> {
    let (tasks, name, asked) = (app.tasks(), &call.agent.agent.name, &call.asked);
    let task = match &asked.task {
        Some(task) => tasks.task(name, task).await?,
        None => None,
    };
    let mut references = Vec::new();
    for reference in &asked.references {
        references.push(tasks.task(name, reference).await?.map(|task| task.owner.clone()));
    }
    let context = match &asked.context {
        Some(context) => tasks.context_owner(name, context).await?,
        None => None,
    };
    Ok(Standing { task, references, context })
}

impl Standing {
    /// Clears a request, or finds that it names something that is not the caller's.
    pub(super) fn clear(&self, call: &Call) -> Result<Cleared, Refusal> {
        let task =
            call.asked.task.iter().map(|_| Claim::Task(self.task.as_ref().map(|task| task.owner.clone())));
        let references = self.references.iter().cloned().map(Claim::Task);
        // A list of somebody else's context is an empty list, as one of a context that there is none.
        let context = call.asked.context.iter().filter(|_| call.operation.sends());
        let context = context.map(|_| Claim::Context(self.context.clone()));
        ownership::clear(&call.owner, task.chain(references).chain(context)).map_err(|_| not_found())
    }

    /// Writes down whose a context is that nobody has named before, ere the agent hears of it: of two who name one at once,
    /// only one gets into it.
    pub(super) async fn begin_context(&self, app: &App, call: &Call) -> Result<(), Refusal> {
        let Some(context) = call.asked.context.as_deref().filter(|_| call.operation.sends()) else {
            return Ok(());
        };
        if self.context.is_some() {
            return Ok(());
        }
        let (agent, now) = (&call.agent.agent.name, app.clock().now());
        let told = app.tasks().tell_context(agent, context, &call.owner, now).await;
        let told = told.map_err(internal)?;
        told.map_err(|Foreign| not_found())
    }

    /// Checks what the caller's own task allows, and says for it what it leaves out.
    pub(super) fn complete(&self, mut call: Box<Call>) -> Result<Box<Call>, Refusal> {
        let Some(task) = &self.task else { return Ok(call) };
        allows(task.state, call.operation)?;
        if !call.operation.sends() {
            return Ok(call);
        }
        match (&call.asked.context, &task.context) {
            (Some(named), Some(context)) if named != context => {
                Err(super::invalid("message.contextId", "is not the context of this task"))
            }
            // Known agents give a follow-up without a context a new one (a2a-python issue 1206).
            (None, Some(context)) => {
                let context = context.clone();
                call.params.change(|splice, params| {
                    if let Some(message) = params.get("message").and_then(Value::as_object) {
                        splice.set_member(message, "contextId", quote(&context).as_bytes());
                    }
                })?;
                Ok(call)
            }
            _ => Ok(call),
        }
    }
}

/// Nothing follows a terminal state (A2A 1.0 sections 3.1.1, 3.1.5, 3.1.6). The agent is not asked.
fn allows(state: TaskState, operation: Operation) -> Result<(), Refusal> {
    let failure = match operation {
        _ if !state.is_terminal() => return Ok(()),
        Operation::SendMessage | Operation::SendStreamingMessage => {
            Failure::new(ErrorKind::UnsupportedOperation, "the task has ended: it takes no more messages")
        }
        Operation::SubscribeToTask => {
            Failure::new(ErrorKind::UnsupportedOperation, "the task has ended: nothing follows")
        }
        // Cancelling what is cancelled may be answered by the agent as it likes.
        Operation::CancelTask if state != TaskState::Canceled => {
            Failure::new(ErrorKind::TaskNotCancelable, "the task has ended")
        }
        _ => return Ok(()),
    };
    Err(failure.into())
}

/// What a task gets that does not exist, or is somebody else's.
pub(super) fn not_found() -> Refusal {
    super::refused(ErrorKind::TaskNotFound, "Task not found")
}
