//! Real agents and real clients of A2A: the SDKs of Python, of both versions, of JavaScript and of Rust, over every binding.
//!
//! What each client tries is in `tests/peers/a2a/visits.py`; none of it may be left out in silence.

mod agents;
mod clients;
mod direct;
mod through;
