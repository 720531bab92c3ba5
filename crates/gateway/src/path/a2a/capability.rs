//! What the published card does not promise is not asked of the agent (A2A 1.0 section 3.3.4). That is no secret, so it
//! comes before the question whose task it is.

use doorward_protocol::a2a::{ErrorKind, Failure, Operation};

use super::{super::Refusal, call::Call};
use crate::{App, agents::Approved};

/// Refuses what the card does not promise. Without a card nothing is refused here: nothing will be asked either.
pub(super) async fn check(app: &App, call: &Call) -> Result<(), Refusal> {
    let Some(approved) = call.agent.known.approved(app, &call.agent.agent).await else { return Ok(()) };
    missing(call, &approved).map_or(Ok(()), |failure| Err(failure.into()))
}

fn missing(call: &Call, approved: &Approved) -> Option<Failure> {
    let (capabilities, agent) = (approved.card.capabilities, &call.agent.agent);
    let operation = call.operation;
    if operation.streams() && !capabilities.streaming {
        return Some(Failure::new(ErrorKind::UnsupportedOperation, "the agent does not stream"));
    }
    let is_push = operation.is_push() || call.asked.brings_push_config;
    if is_push && !(capabilities.push && agent.push) {
        return Some(Failure::new(ErrorKind::PushNotificationNotSupported, "there are no webhooks here"));
    }
    // Whoever asks for it must be known (section 13.3).
    if operation == Operation::GetExtendedAgentCard && (agent.access.open || !capabilities.extended) {
        return Some(Failure::new(ErrorKind::UnsupportedOperation, "there is no extended card"));
    }
    let is_active = |uri: &str| call.extensions.iter().any(|active| active == uri);
    let required = approved.card.extensions.iter().filter(|extension| extension.required);
    let missing: Vec<_> =
        required.map(|extension| extension.uri.as_str()).filter(|uri| !is_active(uri)).collect();
    if operation.sends() && !missing.is_empty() {
        let message = format!("the agent requires these extensions: {}", missing.join(", "));
        return Some(Failure::new(ErrorKind::ExtensionSupportRequired, message));
    }
    None
}
