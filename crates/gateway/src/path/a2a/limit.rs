//! How much of an agent one caller may hold at a time, and how often it may call.

use std::sync::{Arc, atomic::Ordering};

use doorward_model::Quotas;

use super::{
    super::{Reason, Refusal, limits, relay::StreamGuard},
    call::Call,
    internal,
    standing::Standing,
};
use crate::{
    App,
    tasks::{Hold, TasksHeld},
};

/// What a request holds while it lives.
#[derive(Default)]
pub(super) struct Held {
    _stream: Option<(StreamGuard, Hold)>,
    /// Stands for the task that a message may begin.
    begun: Option<Hold>,
}

impl Held {
    /// The agent has told what came of the message: a task counts by itself from now on.
    pub(super) fn has_begun(&mut self) {
        self.begun = None;
    }
}

/// Admits a request, or says what there is too much of.
pub(super) async fn admit(app: &Arc<App>, call: &Call, standing: &Standing) -> Result<Held, Refusal> {
    let (agent, entrance) = (&call.agent.agent, &call.agent.entrance);
    limits::count(app, entrance, &call.caller).await?;
    let mut begun = None;
    if call.operation.sends() && standing.task.is_none() {
        let held = app.tasks().begin(&agent.name, &call.owner, agent.quotas, app.clock().now()).await;
        let held = held.map_err(internal)?;
        begun = Some(held.map_err(|held| too_many(held, agent.quotas))?);
    }
    if !call.operation.streams() {
        return Ok(Held { begun, ..Held::default() });
    }
    let hold = app.tasks().hold_stream(&agent.name, &call.owner, agent.quotas.streams);
    let hold = hold.ok_or(Reason::TooManyStreams)?;
    if entrance.streams.load(Ordering::Acquire) >= entrance.limits.streams {
        return Err(Reason::TooManyStreams.into());
    }
    Ok(Held { _stream: Some((StreamGuard::enter(&entrance.streams), hold)), begun })
}

/// What becomes of a request that names what is not the caller's: refused as it is, and counted like one that is let in,
/// so that ids are guessed no more often than `rate` allows.
pub(super) async fn guessed(app: &App, call: &Call, refusal: Refusal) -> Refusal {
    limits::count(app, &call.agent.entrance, &call.caller).await.err().unwrap_or(refusal)
}

fn too_many(held: TasksHeld, quotas: Quotas) -> Refusal {
    if held.open >= quotas.tasks as u64 {
        Reason::TooManyTasks("have not ended", quotas.tasks).into()
    } else {
        Reason::TooManyTasks("wait for you", quotas.input_required).into()
    }
}
