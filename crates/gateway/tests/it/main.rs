//! The gateway as a whole, in this process: real sockets, a real store, a scripted upstream, a real issuer.
//!
//! Start with [`harness`]: it starts a gateway for a test and checks, when the test ends, what no test should
//! have to remember.

#![expect(clippy::unwrap_used, reason = "what is not there is how a test fails")]

mod a2a;
mod admission;
mod attacks;
mod broken;
mod configuration;
mod connections;
mod connections_use;
mod ground;
mod harness;
mod limits;
mod oauth;
mod protocol;
mod push;
mod records;
mod who;
