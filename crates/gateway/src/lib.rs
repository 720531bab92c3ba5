//! The program: request path, composition, commands.
//!
//! Read [`app`] first: it builds everything once, in order. Then [`path`]: the way of a request.

mod agents;
mod api;
pub mod app;
mod bounded;
pub mod cli;
mod commands;
mod connect;
mod connections;
mod conversations;
mod credentials;
mod endpoint;
mod handles;
mod hosts;
mod identifiers;
mod issuers;
mod keyring;
pub mod listen;
mod lists;
mod memory;
mod metrics;
mod oauth;
mod own_tokens;
mod pages;
mod path;
mod people;
mod proxies;
mod push;
mod rates;
#[cfg(test)]
mod reference;
mod routes;
mod secrets;
mod sessions;
mod signer;
mod tasks;
mod token_endpoint;
mod tokens;
mod watch;
mod well_known;

pub use app::{App, AppError};
pub use keyring::KeyringError;
