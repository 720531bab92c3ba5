//! Who is asking, and what keeps secrets secret: keys, sealing, the reading of other people's tokens, and the
//! giving of our own.
//!
//! The only crate that touches cryptography, all of it from aws-lc but the hashes of passwords. It is pure:
//! bytes, keys and the time go in, values come out. It opens no socket and no file, starts no task and reads
//! no clock; whoever fetches an issuer's keys or reads the master key from disk does that elsewhere and hands
//! the bytes in.
//!
//! In the order in which a request needs them:
//!
//! - [`verify`]: a bearer token becomes an identity, or a typed refusal;
//! - [`server`]: what clients send to the authorization server, and what they are told;
//! - [`sign_in`]: people of OpenID providers, for whom Doorward is the relying party;
//! - [`client`]: Doorward as a client of other authorization servers, and what it says about its callers;
//! - [`card`]: signatures of agents' cards, ours and theirs;
//! - [`keys`]: the master key and what is sealed with it, issuers' public keys, our own signing keys, digests,
//!   passwords.

pub mod card;
pub mod client;
mod json;
pub mod keys;
mod metadata;
mod provider;
pub mod server;
mod shown;
pub mod sign_in;
pub mod verify;

pub use provider::{CryptoError, install_crypto};
