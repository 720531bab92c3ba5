//! Keys of every kind and what is done with them: ours at rest, ours for signing, and other people's public
//! ones.
//!
//! Keys come in as text or bytes; nothing here knows where they are kept or how they are fetched.

mod aead;
pub mod envelope;
pub mod hash;
mod jwks;
mod master;
mod material;
pub mod password;
mod seal;
mod signing;

pub use envelope::{DataKey, Envelope};
pub(crate) use jwks::is_secret;
pub use jwks::{JwksError, KeySet, PublicKey};
pub use master::{MasterKey, MasterKeyError};
pub use material::KeyMaterial;
pub use seal::{SealError, Sealer};
pub use signing::{SigningKey, SigningKeyError};

/// Ends the request (or the start) when the cryptographic library cannot work at all: no memory or no
/// entropy.
///
/// No input leads here. An error value would invite its callers to go on with a key or nonce of zeros.
///
/// # Panics
/// Always.
#[cold]
#[track_caller]
fn broken(what: &str) -> ! {
    panic!("the cryptographic library cannot {what}")
}
