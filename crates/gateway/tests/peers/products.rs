//! The clients that people use, as they are: agents, command lines and libraries, each configured as `docs/guide/clients.md`
//! says, and each with a token, through virtual servers in front of real servers of every kind.
//!
//! Each must see the tools that are published and no others, call one at every server, and get what that server says. Agents
//! do nothing without a model: theirs is a fake one, on purpose, that makes the calls of a script
//! ([`doorward_testkit::scripted_model`]). What they offered it, and what they brought back to it, is looked at there. Nothing
//! here reaches the Internet: programs that try meet a proxy that is none. Limits of their own on how long a server may take
//! are raised where they can be, for the tests run on machines that are busy.

mod agents;
mod commands;
mod ground;
mod guide;
mod libraries;
mod visit;

/// A client's own limit on how long a server may take, in milliseconds.
const PATIENCE: &str = "300000";
