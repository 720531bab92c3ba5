//! The world around Doorward for its tests: real peers on 127.0.0.1, some of which misbehave on purpose.
//!
//! | module | what it is |
//! |---|---|
//! | [`conformance`] | an upstream on the official SDK with everything that the official conformance suite asks of a server |
//! | [`issuer`] | a token issuer with keys, metadata, a counter of every fetch and switches that break it |
//! | [`recorder`] | an upstream that keeps every request it saw and answers as its script says |
//!
//! Nothing here is linked into the program, and nothing here uses the program's own protocol or token code: a peer that
//! shared it would share its mistakes.

pub mod conformance;
pub mod issuer;
pub mod recorder;

mod listen;
