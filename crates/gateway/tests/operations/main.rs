//! The program itself, as an operator has it: a process with files, sockets and signals.
//!
//! [`program`] starts the real binary in a directory of its own; [`client`] speaks to it. What requests mean is
//! the business of the other tests: here they only have to arrive, to be answered and to be recorded.

mod admin;
mod agents;
mod canaries;
mod client;
mod clients;
mod commands;
mod connections;
mod crash;
mod drain;
mod keys;
mod memory;
mod metrics;
mod person;
mod program;
mod proxies;
mod renewals;
mod sandbox;
mod secrets;
mod tasks;
mod tls;
mod tokens;
mod users;
mod watch;
mod webhooks;

use std::time::Duration;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what must come.
async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming).await.unwrap_or_else(|_| panic!("{what} did not come"))
}
