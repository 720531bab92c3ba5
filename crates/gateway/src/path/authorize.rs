//! Stage 6: may they? Turns the guard's decision into a permit or a refusal.

use doorward_guard::{Denied, Permit, exposure::Cleared, policy};

use super::{Reason, Refusal, engine::Asked};

/// Decides on scope and grant. The proof of exposure goes in, the permit comes out.
pub(super) fn decide(cleared: Cleared, asked: &Asked) -> Result<Permit, Refusal> {
    let access = &asked.published().server.access;
    policy::decide(cleared, &asked.caller().caller, access, asked.caller().issuer.as_deref()).map_err(
        |denied| {
            let reason = match denied {
                Denied::Scope(scope) => Reason::ScopeMissing(asked.published().clone(), scope),
                Denied::NotAllowed => Reason::NotAllowed,
            };
            Refusal::from(reason).of(asked.client_id())
        },
    )
}
