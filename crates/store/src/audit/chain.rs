//! Entries, heads, and the hash that ties them together.
//!
//! The hash of an entry is the lower-case hex of SHA-256 over six fields in this order: `prev`, `chain`, `kind`,
//! `time`, `body`, `seq`. Each field is its UTF-8 bytes, preceded by their number as 8 bytes, most significant
//! first; `seq` is written in decimal. `prev` is the hash of the entry before, as stored (64 characters); for the
//! first entry it is 64 times `0`. Nothing else is hashed, and every column but `hash` itself is.
//!
//! `seq` comes last so that a moved entry's former place can be searched for without hashing its body again.

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::engine::hex;

/// The `prev` of a chain's first entry.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How the log calls the three kinds of entry.
pub(super) mod kind {
    pub(in crate::audit) const START: &str = "start";
    pub(in crate::audit) const RECORD: &str = "record";
    pub(in crate::audit) const STOP: &str = "stop";
}

/// The last entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) hash: String,
}

impl Head {
    /// The head of a chain without entries.
    pub(super) fn genesis() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// An entry that has no place in a chain yet.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) kind: &'static str,
    pub(super) time: String,
    pub(super) body: String,
}

/// An entry's place in a chain.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) seq: i64,
    pub(super) prev: String,
    pub(super) hash: String,
}

/// How the run before this one ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Before {
    /// There was none, or it wrote its `stop`.
    InOrder,
    /// Without `stop`. Says how many milliseconds of records that may have taken, when known.
    Gap { lost_up_to_ms: Option<u64> },
}

/// The body of a `start` entry.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StartBody {
    /// Whether what came before ended without `stop`.
    pub(super) gap: bool,
    /// With a gap: how many milliseconds of records the crash may have taken, as far as the former run's
    /// durability says. Absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lost_up_to_ms: Option<u64>,
    /// The durability of the run that starts: `grouped` or `strict`.
    pub(super) durability: String,
    /// The chain that this one carries on, because that one's end had been tampered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaces: Option<String>,
}

/// The body of a `stop` entry.
#[derive(Debug, Serialize)]
pub(super) struct StopBody {
    /// Requests that were still open, whose records are therefore missing.
    pub(super) open: usize,
}

/// Gives `entries` their places after `head`. `None` when the numbers run out, which only tampering can bring about.
pub(super) fn link(chain: &str, head: &Head, entries: &[Entry]) -> Option<Vec<Link>> {
    let mut last = head.clone();
    let mut links = Vec::with_capacity(entries.len());
    for entry in entries {
        let seq = last.seq.checked_add(1)?;
        let hash = Hashed::new(&last.hash, chain, entry.kind, &entry.time, &entry.body).at(seq);
        let prev = std::mem::replace(&mut last, Head { seq, hash: hash.clone() }).hash;
        links.push(Link { seq, prev, hash });
    }
    Some(links)
}

/// An entry with all but its number hashed.
pub(super) struct Hashed(Context);

impl Hashed {
    /// Hashes all fields but the last.
    pub(super) fn new(prev: &str, chain: &str, kind: &str, time: &str, body: &str) -> Self {
        let mut context = Context::new(&SHA256);
        for field in [prev, chain, kind, time, body] {
            add(&mut context, field);
        }
        Self(context)
    }

    /// The entry's hash when its number is `seq`.
    pub(super) fn at(&self, seq: i64) -> String {
        let mut context = self.0.clone();
        add(&mut context, &seq.to_string());
        hex(context.finish().as_ref())
    }
}

fn add(context: &mut Context, field: &str) {
    context.update(&(field.len() as u64).to_be_bytes());
    context.update(field.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_what_the_description_says() {
        // printf of the description's bytes, hashed with sha256sum
        let hash = Hashed::new(GENESIS, "main", kind::RECORD, "2026-11-21T10:16:43.000001Z", "{}").at(1);
        assert_eq!(hash, "6f948d8247719662d53c265b79eba8d3520c202444bc2960a02d4caea6a46d60");
    }

    #[test]
    fn fields_that_join_to_the_same_text_hash_differently() {
        let one = Hashed::new(GENESIS, "ab", "c", "", "").at(1);
        let other = Hashed::new(GENESIS, "a", "bc", "", "").at(1);
        assert_ne!(one, other);
    }

    #[test]
    fn numbers_do_not_wrap() {
        let head = Head { seq: i64::MAX, hash: GENESIS.to_owned() };
        let entry = Entry { kind: kind::RECORD, time: String::new(), body: String::new() };
        assert!(link("main", &head, &[entry]).is_none());
    }
}
