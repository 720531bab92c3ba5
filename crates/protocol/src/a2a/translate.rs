//! Payloads of 0.3 and 1.0 in each other's words: parameters, results, events of streams and bodies of webhooks, between
//! the three [`Dialect`]s. Agent cards are not among them.
//!
//! What a dialect calls its members is in one table (`shapes`); what differs by more than its name has a function of its
//! own. `metadata`, `data` and unknown members are copied as they are written, so that numbers stay what they were.
//!
//! What is lost: `mediaType` and `filename` of texts and data, `referenceTaskIds` towards the proto of 0.3, all
//! authentication schemes but the first, tenants, and members without a counterpart. Unknown members stay, except in the
//! proto of 0.3, whose readers refuse them, and except those that a lenient reader could take for a member of the protocol.

mod error;
mod fields;
mod part;
mod payload;
mod push;
mod shapes;
#[cfg(test)]
mod tests;
mod walk;

use std::borrow::Cow;

pub use error::Untranslatable;
pub use payload::AtInput;

use super::{Dialect, Operation};
use crate::json::Value;
use error::Reason;
use shapes::Shape;
use walk::Walk;

/// The parameters of an operation, from one dialect to another. From a dialect to itself it spells every member as that
/// dialect does.
///
/// `historyLength` 0 is no history in 1.0 and on JSON-RPC, and an unlimited one in the proto of 0.3: there it is left out,
/// and 1 stands for none. A message that is sent to the proto of 0.3 always says whether the call blocks, because 1.0
/// blocks by default and that proto does not.
///
/// # Errors
/// When a member is not what its dialect says, when an id is missing or cannot be in a resource name, and for
/// [`Operation::ListTasks`] where either side is 0.3.
pub fn params(
    from: Dialect,
    to: Dialect,
    operation: Operation,
    value: Value<'_>,
) -> Result<Vec<u8>, Untranslatable> {
    write(&Walk { asks: true, ..Walk::new(from, to) }, value, |walk, out| walk.params(operation, value, out))
}

/// The result of an operation that answers once, from one dialect to another.
///
/// # Errors
/// As for [`params`], and for agent cards and operations that stream.
pub fn result(
    from: Dialect,
    to: Dialect,
    operation: Operation,
    value: Value<'_>,
) -> Result<Vec<u8>, Untranslatable> {
    write(&Walk::new(from, to), value, |walk, out| walk.result(operation, value, out))
}

/// One event of a stream, from one dialect to another. Towards 0.3, `final` is true for terminal states, for what was
/// final in 0.3 already, and for `input-required` where `input` says that the stream ends there.
///
/// # Errors
/// As for [`params`], and when it is none or several of task, message, status update and artifact update.
pub fn event(
    from: Dialect,
    to: Dialect,
    value: Value<'_>,
    input: AtInput,
) -> Result<Vec<u8>, Untranslatable> {
    write(&Walk { input, ..Walk::new(from, to) }, value, |walk, out| walk.event(value, out))
}

/// The body of a webhook call, from an event of 1.0. Webhooks of 0.3 get the bare object in the words of its JSON-RPC,
/// whichever binding they were registered on (0.3 section 9.5).
///
/// # Errors
/// As for [`event`].
pub fn push_body(to: Dialect, event_v1: Value<'_>) -> Result<Vec<u8>, Untranslatable> {
    match to {
        Dialect::V1 => Ok(event_v1.raw().to_vec()),
        Dialect::V03Rpc | Dialect::V03Proto => event(Dialect::V1, Dialect::V03Rpc, event_v1, AtInput::GoesOn),
    }
}

/// The parameters of an operation as every reader understands them: as they are if each member of the protocol is spelt as
/// the dialect spells it, else spelt so.
///
/// Readers of `ProtoJSON` take the name of a field in the proto too (`task_id` for `taskId`), and some ignore case. Who
/// decides on parameters must look at these, and nobody must be sent others.
///
/// # Errors
/// As for [`params`], and when a member is there in two spellings.
pub fn plain(
    dialect: Dialect,
    operation: Operation,
    params: Value<'_>,
) -> Result<Cow<'_, [u8]>, Untranslatable> {
    let walk = Walk { asks: true, ..Walk::new(dialect, dialect) };
    let respelt = write(&walk, params, |walk, out| walk.params(operation, params, out))?;
    Ok(if walk.varied.get() { Cow::Owned(respelt) } else { Cow::Borrowed(params.raw()) })
}

fn write(
    walk: &Walk,
    value: Value<'_>,
    translate: impl FnOnce(&Walk, &mut Vec<u8>) -> Result<(), Untranslatable>,
) -> Result<Vec<u8>, Untranslatable> {
    let mut out = Vec::with_capacity(value.raw().len() + 64);
    translate(walk, &mut out)?;
    Ok(out)
}

impl Walk {
    fn params(
        &self,
        operation: Operation,
        value: Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Untranslatable> {
        use Operation as O;
        match operation {
            O::SendMessage | O::SendStreamingMessage => self.send(operation, value, out),
            O::GetTask => self.object(&shapes::GET_TASK, value, out),
            O::ListTasks => self.only_v1(&shapes::LIST_TASKS, value, out),
            O::CancelTask => self.object(&shapes::CANCEL_TASK, value, out),
            O::SubscribeToTask => self.object(&shapes::SUBSCRIBE, value, out),
            O::CreatePushConfig => self.create_push(value, out),
            O::GetPushConfig | O::DeletePushConfig => self.push_ids(operation, value, out),
            O::ListPushConfigs => self.object(&shapes::LIST_PUSH, value, out),
            // JSON-RPC of 0.3 has no parameters here at all.
            O::GetExtendedAgentCard if value.is_null() => {
                out.extend_from_slice(b"{}");
                Ok(())
            }
            O::GetExtendedAgentCard => self.object(&shapes::CARD, value, out),
        }
    }

    fn result(
        &self,
        operation: Operation,
        value: Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Untranslatable> {
        use Operation as O;
        match operation {
            O::SendMessage => self.sent(value, out),
            O::GetTask | O::CancelTask => self.object(&shapes::TASK, value, out),
            O::ListTasks => self.only_v1(&shapes::TASKS, value, out),
            O::CreatePushConfig | O::GetPushConfig => self.push(value, out),
            O::ListPushConfigs => self.pushes(value, out),
            O::DeletePushConfig => {
                // The proto has `Empty`, JSON-RPC of 0.3 has nothing.
                out.extend_from_slice(if self.to == Dialect::V03Rpc { b"null" } else { b"{}" });
                Ok(())
            }
            O::SendStreamingMessage | O::SubscribeToTask | O::GetExtendedAgentCard => {
                Err(Reason::NoCounterpart.into())
            }
        }
    }

    /// What 0.3 does not have.
    fn only_v1(
        &self,
        shape: &'static Shape,
        value: Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Untranslatable> {
        if (self.from, self.to) != (Dialect::V1, Dialect::V1) {
            return Err(Reason::NoCounterpart.into());
        }
        self.object(shape, value, out)
    }
}
