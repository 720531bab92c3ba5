//! Stage 6a: may they? Turns the guard's decision into a permit or a refusal.

use std::sync::Arc;

use doorward_guard::{Denied, Permit, exposure::Cleared, policy};

use super::{Reason, Refusal, engine::Asked};

/// Decides on scope and grant. The proof of exposure goes in, the permit comes out.
pub(super) fn decide(cleared: Cleared, asked: &Asked) -> Result<Permit, Refusal> {
    let (access, by) = (asked.published().entrance.access(), asked.caller());
    policy::decide(cleared, &by.caller, access, &by.voucher, asked.exchange.scope()).map_err(|denied| {
        let reason = match denied {
            Denied::Scope(scope) => Reason::ScopeMissing(Arc::clone(&asked.published().entrance), scope),
            Denied::NotAllowed => Reason::NotAllowed,
        };
        Refusal::from(reason).of(asked.client_id())
    })
}
