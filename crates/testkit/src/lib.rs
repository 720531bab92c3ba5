//! The world around Doorward for its tests: real peers on 127.0.0.1, some of which misbehave on purpose.
//!
//! | module | what it is |
//! |---|---|
//! | [`agent`] | an A2A agent that keeps every request it saw and answers as its script says |
//! | [`authority`] | somebody else's authorization server, and the lock that it puts on a recorder |
//! | [`conformance`] | an upstream on the official SDK with everything that the official conformance suite asks of a server |
//! | [`fuzzing`] | what must hold for every input of the program's parsers, for fuzzers and for their replay in the tests |
//! | [`issuer`] | a token issuer with keys, metadata, a counter of every fetch and switches that break it |
//! | [`recorder`] | an upstream that keeps every request it saw and answers as its script says |
//! | [`scripted_model`] | a model that is none, for agents that act only when a model tells them to |
//! | [`webhook`] | the far end of push notifications: keeps every delivery, and refuses those that the script names |
//!
//! Nothing here is linked into the program, and no peer uses the program's own protocol or token code: one that shared it
//! would share its mistakes. Only [`fuzzing`] does, which is no peer.

pub mod agent;
pub mod authority;
pub mod conformance;
pub mod fuzzing;
pub mod issuer;
pub mod recorder;
pub mod scripted_model;
pub mod webhook;

mod ledger;
mod listen;
