//! Identifiers without a random number per request: a random start, then counting.
//!
//! They are unique over processes and restarts, and not secret: nothing is decided on them.

use std::sync::atomic::{AtomicU64, Ordering};

use doorward_auth::keys::hash;

/// Names requests, traces and JSON-RPC ids.
#[derive(Debug)]
pub(crate) struct Identifiers {
    process: u64,
    next: AtomicU64,
}

/// One request's identifier: 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId {
    process: u64,
    count: u64,
}

impl Identifiers {
    /// Starts from random numbers.
    pub(crate) fn new() -> Self {
        let process = u64::from_be_bytes(hash::random::<8>());
        let first = u64::from_be_bytes(hash::random::<8>());
        Self { process: process | 1, next: AtomicU64::new(first) }
    }

    /// The next identifier.
    pub(crate) fn next(&self) -> RequestId {
        RequestId { process: self.process, count: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}

impl RequestId {
    /// 32 hex digits: also a valid W3C trace id.
    pub(crate) fn hex(self) -> String {
        hash::hex(&(u128::from(self.process) << 64 | u128::from(self.count)).to_be_bytes())
    }

    /// 16 hex digits: a W3C span id. Never all zero.
    pub(crate) fn span(self) -> String {
        hash::hex(&(self.count.rotate_left(32) ^ self.process).to_be_bytes())
    }

    /// Nine bytes that set the JSON-RPC ids of this request apart.
    pub(crate) fn tag(self) -> [u8; 9] {
        let mut tag = [0; 9];
        let [process, ..] = self.process.to_be_bytes();
        tag[0] = process;
        tag[1..].copy_from_slice(&(self.count ^ self.process.rotate_left(8)).to_be_bytes());
        tag
    }
}
