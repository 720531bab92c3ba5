//! How much of an agent one caller may hold at a time, and how often it may call.

use std::sync::{Arc, atomic::Ordering};

use super::{
    super::{Reason, Refusal, limits, relay::StreamGuard},
    call::Call,
    standing::Standing,
};
use crate::{App, tasks::StreamHold};

/// What a request holds while it lives.
#[derive(Default)]
pub(super) struct Held {
    _stream: Option<(StreamGuard, StreamHold)>,
}

/// Admits a request, or says what there is too much of.
pub(super) async fn admit(app: &Arc<App>, call: &Call, standing: &Standing) -> Result<Held, Refusal> {
    let (agent, entrance) = (&call.agent.agent, &call.agent.entrance);
    limits::count(app, entrance, &call.caller).await?;
    if call.operation.sends() && standing.task.is_none() {
        let held = app.tasks().held(&agent.name, &call.owner, agent.quotas, app.clock().now()).await;
        let held = held.map_err(|error| Refusal::from(Reason::Internal).detail(error.to_string()))?;
        if held.open >= agent.quotas.tasks as u64 {
            return Err(Reason::TooManyTasks("have not ended", agent.quotas.tasks).into());
        }
        if held.interrupted >= agent.quotas.input_required as u64 {
            return Err(Reason::TooManyTasks("wait for you", agent.quotas.input_required).into());
        }
    }
    if !call.operation.streams() {
        return Ok(Held::default());
    }
    let hold = app.tasks().hold_stream(&agent.name, &call.owner, agent.quotas.streams);
    let hold = hold.ok_or(Reason::TooManyStreams)?;
    if entrance.streams.load(Ordering::Acquire) >= entrance.limits.streams {
        return Err(Reason::TooManyStreams.into());
    }
    Ok(Held { _stream: Some((StreamGuard::enter(&entrance.streams), hold)) })
}
