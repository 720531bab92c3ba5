//! Whose a task or a context is. What is somebody else's does not exist, as far as a caller can ever learn.

use crate::exposure::{Cleared, Hidden};

/// Something that a request names, with what the index knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<O> {
    /// A task that must be there and be the caller's. Unknown owner: denied.
    Task(Option<O>),
    /// A context, which begins with whoever names it first.
    Context(Option<O>),
}

/// Clears a request that names these, for one caller.
///
/// # Errors
/// When one of them is not the caller's, or is a task that is not known.
pub fn clear<O: PartialEq>(
    caller: &O,
    claims: impl IntoIterator<Item = Claim<O>>,
) -> Result<Cleared, Hidden> {
    let is_theirs = |claim: Claim<O>| match claim {
        Claim::Task(owner) => owner.is_some_and(|owner| owner == *caller),
        Claim::Context(owner) => owner.is_none_or(|owner| owner == *caller),
    };
    if claims.into_iter().all(is_theirs) { Ok(Cleared::new()) } else { Err(Hidden::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_callers_or_nobodys_context_is_cleared() {
        let cleared = |claims: &[Claim<&str>]| clear(&"alice", claims.iter().copied()).is_ok();
        assert!(cleared(&[]));
        assert!(cleared(&[Claim::Task(Some("alice")), Claim::Context(Some("alice")), Claim::Context(None)]));
        for claim in [Claim::Task(None), Claim::Task(Some("bob")), Claim::Context(Some("bob"))] {
            assert!(!cleared(&[claim]), "{claim:?}");
            assert!(!cleared(&[Claim::Task(Some("alice")), claim]), "{claim:?}");
        }
    }
}
