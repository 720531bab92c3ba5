//! Which keys the tables may hold: a Bloom filter, so that nobody asks the tables for a task that nobody has told yet.
//!
//! Ids are random, so each such question would read pages of its own. The filter says "surely not" or "perhaps"; until it
//! has seen all keys, it says "perhaps" to all. It has one size: with some millions of keys it is full, and every
//! question is asked again. Its hash is keyed afresh in each process, so that nobody can make ids that fill it.

use std::hash::{BuildHasher as _, RandomState};

use super::recent::Key;

/// How many bits: 2 MiB. With a million tasks and as many contexts, one question of fifty is asked in vain.
const BITS: u64 = 1 << 24;

/// How many bits stand for a key.
const BITS_OF_KEY: u64 = 4;

/// What a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Context,
    Task,
}

/// The filter, and how far it has come.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// None while it has seen nothing.
    words: Vec<u64>,
    hasher: RandomState,
    scan: Scan,
}

/// One filter, told from others by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filter(u64);

/// Whether all keys of the tables are in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Scan {
    #[default]
    Due,
    Running,
    Complete,
}

impl Known {
    /// Whether the tables may hold it.
    pub(super) fn may_hold(&self, kind: Kind, key: &Key) -> bool {
        let is_in = |(word, bit): (usize, u64)| self.words.get(word).is_some_and(|word| word & bit != 0);
        self.scan != Scan::Complete || self.places(kind, key).all(is_in)
    }

    /// From now on they may.
    pub(super) fn add(&mut self, kind: Kind, key: &Key) {
        if self.words.is_empty() {
            self.words = vec![0; (BITS / 64) as usize];
        }
        for (word, bit) in self.places(kind, key) {
            self.words[word] |= bit;
        }
    }

    /// For the one who is to add all that the tables hold: which filter this is.
    pub(super) fn begin_scan(&mut self) -> Option<Filter> {
        if self.scan != Scan::Due {
            return None;
        }
        self.scan = Scan::Running;
        Some(self.filter())
    }

    /// All that the tables held when the scan began was added, and all that was written since: unless this is another
    /// filter by now.
    pub(super) fn end_scan(&mut self, filter: Filter) {
        if self.is(filter) {
            self.scan = Scan::Complete;
        }
    }

    /// The scan failed: the next one may try.
    pub(super) fn give_up_scan(&mut self, filter: Filter) {
        if self.is(filter) {
            self.scan = Scan::Due;
        }
    }

    /// Whether this is that filter.
    pub(super) fn is(&self, filter: Filter) -> bool {
        self.filter() == filter
    }

    fn filter(&self) -> Filter {
        Filter(self.hasher.hash_one(()))
    }

    /// The bits of a key, from two halves of one hash (Kirsch and Mitzenmacher, "Less Hashing, Same Performance").
    fn places(&self, kind: Kind, key: &Key) -> impl Iterator<Item = (usize, u64)> + use<> {
        let hash = self.hasher.hash_one((kind, key));
        let (one, other) = (hash & u64::from(u32::MAX), hash >> 32 | 1);
        (0..BITS_OF_KEY).map(move |number| {
            let bit = one.wrapping_add(number.wrapping_mul(other)) % BITS;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }
}

#[cfg(test)]
mod tests;
