//! Judging one chain, entry by entry, in constant memory. Pure: entries come in, a verdict comes out.
//!
//! Whether something is broken is exact. *What* was done can only be concluded from its traces, and several changes
//! at once may look like another one; the first place that does not hold is named in every case.

use serde::Serialize;

use super::chain::{Hashed, Head, StartBody, kind};

/// How far around its number a moved entry's former place is searched for.
const SEARCH: i64 = 100_000;

/// The first place of a chain that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The chain.
    pub chain: String,
    /// The number of the entry, or the number that is missing.
    pub seq: i64,
    /// What was done there.
    pub why: Why,
}

/// What was done to a chain, as far as its traces tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The entry was changed.
    Edited,
    /// Entries that later ones follow were taken out.
    Missing,
    /// The entry was elsewhere in the chain.
    Reordered,
    /// The entry was put in.
    Inserted,
    /// Entries up to the stored head were cut off, or the head itself was taken away.
    Truncated,
    /// The entry is whole but does not follow the one before it, or is not the one that the stored head names.
    BadLink,
}

/// A run that began after one without a `stop`: a crash, of which the last records may be lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The chain.
    pub chain: String,
    /// The number of the `start` entry after the gap.
    pub seq: i64,
    /// When that run started: RFC 3339, UTC.
    pub time: String,
    /// How many milliseconds of records may be lost, when known.
    pub lost_up_to_ms: Option<u64>,
}

/// A chain that does not end with a `stop`: its process is running, or crashed and nobody has continued the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenRun {
    /// The chain.
    pub chain: String,
    /// The number of its last entry.
    pub seq: i64,
    /// When that was made: RFC 3339, UTC.
    pub time: String,
}

/// An entry as it is stored. What cannot even be read as text is empty here, and so does not match its hash.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct StoredEntry {
    pub(super) seq: i64,
    pub(super) kind: String,
    pub(super) time: String,
    pub(super) body: String,
    pub(super) prev: String,
    pub(super) hash: String,
}

/// What is known of a chain after some of its entries.
#[derive(Debug)]
pub(super) struct ChainCheck {
    chain: String,
    /// The head as it was before the first entry was read.
    head: Option<Head>,
    /// The last entry that holds, and the hash that it follows.
    last: Head,
    before_last: String,
    /// Judged when its successor is known.
    held: Option<StoredEntry>,
    verdict: Verdict,
}

/// The outcome for one chain.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) entries: u64,
    pub(super) records: u64,
    pub(super) gaps: Vec<Gap>,
    pub(super) open: Option<OpenRun>,
    pub(super) broken: Option<Broken>,
}

impl ChainCheck {
    pub(super) fn new(chain: String, head: Option<Head>) -> Self {
        let last = Head::genesis();
        Self { chain, head, before_last: String::new(), last, held: None, verdict: Verdict::default() }
    }

    /// Takes the next entry in the order of numbers.
    pub(super) fn push(&mut self, entry: StoredEntry) {
        self.verdict.entries += 1;
        if entry.kind == kind::RECORD {
            self.verdict.records += 1;
        }
        if entry.kind == kind::START {
            self.note_gap(&entry);
        }
        if let Some(held) = self.held.take() {
            self.judge(held, Some(&entry));
        }
        self.held = Some(entry);
    }

    /// Ends the chain. `head_now` is the head as it is after the last entry was read: a writer may have been at work
    /// meanwhile, but never leaves an entry beyond the head.
    pub(super) fn finish(mut self, head_now: Option<&Head>) -> Verdict {
        if let Some(held) = self.held.take() {
            if held.kind != kind::STOP {
                let (chain, time) = (self.chain.clone(), held.time.clone());
                self.verdict.open = Some(OpenRun { chain, seq: held.seq, time });
            }
            self.judge(held, None);
        }
        let end = self.last.seq;
        let covered = self.head.as_ref().map(|head| head.seq);
        match (covered, head_now) {
            (None, _) | (_, None) => self.report(end.saturating_add(1), Why::Truncated),
            (Some(covered), _) if end < covered => self.report(end.saturating_add(1), Why::Truncated),
            (_, Some(now)) if end > now.seq => self.report(now.seq.saturating_add(1), Why::Inserted),
            _ => {}
        }
        self.verdict
    }

    fn note_gap(&mut self, start: &StoredEntry) {
        let Ok(body) = serde_json::from_str::<StartBody>(&start.body) else { return };
        if body.gap {
            self.verdict.gaps.push(Gap {
                chain: self.chain.clone(),
                seq: start.seq,
                time: start.time.clone(),
                lost_up_to_ms: body.lost_up_to_ms,
            });
        }
    }

    /// The first report stands.
    fn report(&mut self, seq: i64, why: Why) {
        let chain = &self.chain;
        self.verdict.broken.get_or_insert_with(|| Broken { chain: chain.clone(), seq, why });
    }

    fn judge(&mut self, entry: StoredEntry, next: Option<&StoredEntry>) {
        if self.verdict.broken.is_some() {
            return;
        }
        if let Some((seq, why)) = self.fault(&entry, next) {
            return self.report(seq, why);
        }
        let other_head =
            self.head.as_ref().is_some_and(|head| head.seq == entry.seq && head.hash != entry.hash);
        if other_head {
            return self.report(entry.seq, Why::BadLink);
        }
        self.before_last = entry.prev;
        self.last = Head { seq: entry.seq, hash: entry.hash };
    }

    /// What is wrong with an entry, and where, given what is before and after it.
    fn fault(&self, entry: &StoredEntry, next: Option<&StoredEntry>) -> Option<(i64, Why)> {
        let expected = self.last.seq.saturating_add(1);
        if entry.seq != expected {
            let why = if entry.seq > expected { Why::Missing } else { Why::Inserted };
            return Some((entry.seq.min(expected), why));
        }
        let hashed = Hashed::new(&entry.prev, &self.chain, &entry.kind, &entry.time, &entry.body);
        let whole = hashed.at(entry.seq) == entry.hash;
        let linked = entry.prev == self.last.hash;
        // The successor follows the predecessor: this entry came between them later.
        let bridged = next.is_some_and(|next| next.prev == self.last.hash);
        match (whole, linked) {
            (true, true) => None,
            (true, false) if bridged => Some((entry.seq, Why::Inserted)),
            (true, false) => Some((entry.seq, Why::BadLink)),
            (false, _) => Some(match self.former_place(&hashed, entry) {
                Some(former) => self.moved(entry, former, next),
                None if bridged => (entry.seq, Why::Inserted),
                None => (entry.seq, Why::Edited),
            }),
        }
    }

    /// What brought a whole entry from number `former` to where it is.
    fn moved(&self, entry: &StoredEntry, former: i64, next: Option<&StoredEntry>) -> (i64, Why) {
        if entry.hash == self.last.hash {
            return (entry.seq, Why::Inserted);
        }
        let with_next = next.is_none_or(|next| next.prev == entry.hash);
        if former < entry.seq && entry.prev == self.before_last {
            // it stood where the last one stands, which was therefore put in before it
            return (self.last.seq, Why::Inserted);
        }
        if former > entry.seq && with_next {
            // it moved up together with those behind it, over what was taken out
            return (entry.seq, Why::Missing);
        }
        (entry.seq, Why::Reordered)
    }

    /// The number under which the entry's hash was made, if it is near.
    fn former_place(&self, hashed: &Hashed, entry: &StoredEntry) -> Option<i64> {
        let end = self.head.as_ref().map_or(i64::MAX, |head| head.seq);
        let near = entry.seq.saturating_sub(SEARCH).max(1)..=entry.seq.saturating_add(SEARCH).min(end);
        near.into_iter().find(|seq| hashed.at(*seq) == entry.hash)
    }
}

#[cfg(test)]
mod tests;
