//! Agent cards: what an agent says of itself, and what callers are shown of it (A2A 1.0.1 sections 4.4 and 8).
//!
//! - [`read()`]: a card of 1.0, of 0.3 or of both at once becomes a checked view and its **normal form**;
//! - [`publish()`]: the normal form as callers see it, with Doorward's addresses, security and policy;
//! - [`Published::documents`]: the same card as clients of each version read it;
//! - [`canonical()`]: the text that a signature covers;
//! - [`diff()`]: what changed between the card that was approved and the one that is served now.
//!
//! # The normal form
//! Software that signs and verifies cards disagrees on what is signed: whether values that are empty or the default
//! count, and whether members that 1.0 does not know do. A card in normal form gives no occasion: it has no unknown
//! members, nothing in it is empty at any depth, no required member is missing, and no number is beyond what every
//! reader takes for the same. All canonical forms of it are one text, which is also how it is written.
//!
//! # What is signed
//! The members of 1.0, all of them. The hybrid document has members of 0.3 beside them, which no signature of 1.0
//! covers: top level `url`, `preferredTransport`, `protocolVersion`, `additionalInterfaces`, `security` and
//! `supportsAuthenticatedExtendedCard`, and inside each of `securitySchemes` the members of 0.3 beside the one of 1.0.
//! A reader of 1.0 ignores them, or finds the same content in them. The pure document of 0.3 is not signed.
//!
//! Nothing here fetches a card, signs one, or decides whether it may be used.

mod canonical;
mod diff;
mod documents;
mod finding;
mod interface;
mod jcs;
mod legacy;
mod normal;
mod publish;
mod read;
mod schema;
mod security;
mod text;
mod tree;
mod view;

pub use canonical::{Form, NotCanonical, canonical};
pub use diff::{Change, Diff, Severity, diff};
pub use documents::{Documents, Signature};
pub use finding::{CardError, Finding};
pub use interface::Interface;
pub use publish::{Facing, Published, publish};
pub use read::{read, read_covered};
pub use security::{Scheme, Security};
pub use view::{Capabilities, Extension, Skill, UpstreamCard};

/// The largest card that is read, in bytes.
pub const MAX_BYTES: usize = 512 << 10;
/// How deep a card may nest. What the specification names is eight levels deep; only parameters of extensions go deeper.
pub const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests;
