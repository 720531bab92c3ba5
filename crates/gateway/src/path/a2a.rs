//! The way of a request to an agent, whichever binding and version it comes in.
//!
//! ```text
//! find → authenticate → read → delegate → promise → stand → clear → authorize → limit → (answer here) → send → examine
//! ```
//!
//! What differs between bindings is the [`Face`]: how the caller says it and how it is answered. What differs between
//! caller and agent is translated at the two ends; between them there is 1.0.

mod call;
mod capability;
mod card;
mod content;
mod delegation;
mod examine;
mod face;
mod limit;
mod list;
mod push;
mod read;
mod relay;
mod send;
mod source;
mod standing;
mod visit;

use std::sync::Arc;

use doorward_guard::policy;
use doorward_protocol::a2a::{ErrorKind, Failure, Operation, translate::Untranslatable};
use http::{HeaderValue, header};

pub(crate) use relay::Relay;
pub(crate) use visit::Visit;
pub(super) use visit::{CARD, Way, is_card, without_secret};

use self::face::Face;
use super::{Answer, Reason, Refusal, authenticate, record::OpenRecord};
use crate::{App, routes::Routes};

/// Answers a request to an agent. Never fails: what goes wrong is told in the words of the caller's binding.
pub(super) async fn answer(app: &Arc<App>, routes: &Routes, visit: Visit, record: &mut OpenRecord) -> Answer {
    let mut face = visit.face();
    let is_callback = matches!(visit.way, visit::Way::Callback(_));
    let mut answer = match walk(app, routes, visit, &mut face, record).await {
        Ok(answer) => answer,
        // As where there is no such agent.
        Err(refusal) if is_callback => return refusal.into_answer(app, record),
        Err(refusal) => face.refuse(&refusal, record),
    };
    // What agents make may be pages and pictures: no browser is to take an answer for one.
    answer.headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The stages. Each line needs what the line above it returned.
async fn walk(
    app: &Arc<App>,
    routes: &Routes,
    visit: Visit,
    face: &mut Face,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let found = visit.find(app, routes, record).await?;
    if found.is_callback() {
        return Box::pin(push::called_back(app, found, record)).await;
    }
    if let Some(answer) = found.document(app, record).await {
        return answer;
    }
    let entrance = &found.agent.entrance;
    let caller = authenticate::caller(app, routes, entrance, found.presented(), record).await?;
    let call = read::call(found, caller, face, record).await?;
    let call = delegation::within_bounds(call)?;
    capability::check(app, &call).await?;
    let standing = standing::of(app, &call).await?;
    let cleared = match standing.clear(&call) {
        Ok(cleared) => cleared,
        Err(refusal) => return Err(limit::guessed(app, &call, refusal).await),
    };
    let access = call.agent.entrance.access();
    let permit =
        policy::decide(cleared, &call.caller.caller, access, &call.caller.voucher, Some(call.scope()))
            .map_err(|denied| Refusal::denied(denied, &call.agent.entrance))?;
    let held = limit::admit(app, &call, &standing).await?;
    let call = standing.complete(call)?;
    standing.begin_context(app, &call).await?;
    record.allow();
    // Boxed, so that a message does not carry the room of what is asked seldom.
    match call.operation {
        Operation::ListTasks => Box::pin(list::answer(app, call, permit, record)).await,
        Operation::GetExtendedAgentCard => Box::pin(card::extended(app, call, permit, record)).await,
        operation if operation.is_push() => Box::pin(push::answer(app, call, permit, record)).await,
        _ => {
            let sent = send::send(app, call, permit, record).await?;
            examine::reply(app, sent, held, record).await
        }
    }
}

/// A refusal in A2A's own words.
fn refused(kind: ErrorKind, message: &str) -> Refusal {
    Failure::new(kind, message).into()
}

/// A refusal of a parameter, which it names.
fn invalid(field: &str, description: &str) -> Refusal {
    Failure::invalid(field, description).into()
}

/// A refusal of what the caller says, or is to be told, that has no words in the other version.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn untranslatable(error: Untranslatable) -> Refusal {
    invalid(error.field(), &error.to_string())
}

/// A refusal for a fault of Doorward's own, such as the store's.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn internal(error: impl ToString) -> Refusal {
    Refusal::from(Reason::Internal).detail(error.to_string())
}
