//! Real peers: the official conformance suites, and what the protocols' own SDKs do on the wire, through the gateway
//! and, as a control, directly.
//!
//! `cargo xtask tools` installs what these tests start, `cargo xtask test` runs them.

mod a2a;
mod batches;
mod clients;
mod conformance;
mod connections;
mod direct;
mod harness;
mod issuer;
mod oauth;
mod products;
mod programs;
mod sse;
mod stdio;
mod through;
mod wire;
