//! The program: request path, composition, commands.
//!
//! Read [`app`] first: it builds everything once, in order. Then [`path`]: the way of a request.

pub mod app;
pub mod cli;
mod commands;
mod conversations;
mod handles;
mod hosts;
mod identifiers;
mod issuers;
pub mod listen;
mod lists;
mod metrics;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the handlers of these pages come next"))]
mod pages;
mod path;
mod proxies;
#[cfg(test)]
mod reference;
mod routes;
mod sessions;
mod tokens;
mod watch;
mod well_known;

pub use app::{App, AppError};
