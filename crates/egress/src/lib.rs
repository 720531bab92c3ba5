//! The only door out.
//!
//! Every connection that Doorward opens is dialled by [`Egress`]: names are resolved once, the addresses are
//! checked, and a checked address is the one that is dialled. There are no redirects, no proxies, no cookies.
//!
//! A destination has one of two kinds of trust. What the operator's file declares is [`Trust::Declared`]:
//! reachable wherever it is, cloud metadata addresses excepted. What a document or a caller leads to is
//! [`Trust::Guarded`]: public addresses only, besides the networks that the operator allows.

mod address;
mod body;
mod channel;
mod connector;
mod fetch;
mod http;
mod http2;
pub mod sse;
pub mod stdio;
mod tls;

pub use address::{AddressError, is_metadata_address, is_public};
pub use body::{BodyError, read_capped};
pub use channel::{Cause, Channel, ChannelError, Ending, Exit, Messages, StartState, Supervisor};
pub use fetch::{Bounds, Fetched};
pub use http::{Egress, EgressConfig, EgressError, Outbound, Phase, Protocol};

/// How far a destination is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// The operator's file names exactly this host and port.
    Declared,
    /// Anything else.
    Guarded,
}
