//! Signatures of agents' cards (A2A 1.0.1 section 8.4; RFC 7515, with the payload detached).
//!
//! Ours, over cards as Doorward publishes them; and those of agents, by keys that the operator pinned. A card names keys,
//! it never brings one: `jku` (section 8.4.3), `jwk`, `x5c` and `x5u` would let whoever signs choose whom to trust. A good
//! signature proves where a card comes from, not that what it says is true, and not that the host that serves it is its
//! owner's.

mod sign;
mod verify;

pub use sign::sign;
pub use verify::{Pinned, SignatureError, Standing, Verified, judge};

#[cfg(test)]
mod tests;
