//! The memory of one issuer's keys: how old they may be, and when fetching them anew is due or too soon.
//!
//! A state machine that is told the time and does nothing by itself: no fetching, no locking, no waiting.
//! Fetch, then report with [`KeyCache::store`] or [`KeyCache::failed`]. It holds one key set, whatever tokens
//! ask for.

use std::sync::Arc;

use doorward_model::Timestamp;

use crate::keys::KeySet;

/// Freshness when the issuer states none, in seconds.
const DEFAULT_AGE: u64 = 600;
/// The least and the most freshness that an issuer is granted, in seconds.
const AGES: (u64, u64) = (60, 3600);
/// How long keys are of use at all, in seconds, when they cannot be fetched anew.
const USABLE: i64 = 24 * 3600;
/// Time between two fetches because of unknown keys, in seconds.
const UNKNOWN_PAUSE: i64 = 60;
/// Time that a claimed fetch has before another may start, in seconds: it may have been forgotten.
const CLAIM: i64 = 30;
/// The longest pause after failures, in seconds.
const MAX_PAUSE: i64 = 32;

/// One issuer's keys over time.
#[derive(Debug, Default)]
pub struct KeyCache {
    held: Option<Held>,
    /// The last fetch that was claimed while the keys were fresh.
    unknown_at: Option<Timestamp>,
    /// From when to when no other fetch may start.
    pause: Option<(Timestamp, Timestamp)>,
    /// Failures since the last success.
    failures: u32,
}

#[derive(Debug)]
struct Held {
    keys: Arc<KeySet>,
    since: Timestamp,
    fresh_until: Timestamp,
}

/// What there is to verify with.
#[derive(Debug, Clone)]
pub enum State {
    /// Use these.
    Fresh(Arc<KeySet>),
    /// Use these, and fetch newer ones in the background if [`KeyCache::may_refresh`] says so.
    Stale(Arc<KeySet>),
    /// Nothing: fetch if [`KeyCache::may_refresh`] says so, else wait for who does, or refuse.
    Missing,
}

impl KeyCache {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What there is to verify with at `now`. Keys are of use for at most 24 hours after they were fetched.
    pub fn lookup(&self, now: Timestamp) -> State {
        match &self.held {
            Some(held) if within(now, held.since, held.fresh_until) => State::Fresh(Arc::clone(&held.keys)),
            Some(held) if now < held.since.plus_secs(USABLE) => State::Stale(Arc::clone(&held.keys)),
            _ => State::Missing,
        }
    }

    /// Whether a fetch may start at `now`; `true` claims it, so that of many askers one goes.
    ///
    /// While keys are fresh (a token names a key that they lack) that is at most once a minute, so that
    /// tokens with made-up key ids cannot turn Doorward against the issuer. While they are stale or missing
    /// it is whenever no fetch is under way and the pause after a failure is over.
    pub fn may_refresh(&mut self, now: Timestamp) -> bool {
        if matches!(self.lookup(now), State::Fresh(_)) {
            if self.unknown_at.is_some_and(|at| within(now, at, at.plus_secs(UNKNOWN_PAUSE))) {
                return false;
            }
            self.unknown_at = Some(now);
            return true;
        }
        if self.pause.is_some_and(|(from, until)| within(now, from, until)) {
            return false;
        }
        self.pause = Some((now, now.plus_secs(CLAIM)));
        true
    }

    /// Takes in keys that were fetched at `now`. `max_age` is what the issuer's `Cache-Control` says, in
    /// seconds; it counts as at least a minute and at most an hour.
    pub fn store(&mut self, keys: KeySet, now: Timestamp, max_age: Option<u64>) {
        let age = max_age.unwrap_or(DEFAULT_AGE).clamp(AGES.0, AGES.1);
        let fresh_until = now.plus_secs(i64::try_from(age).unwrap_or(0));
        self.held = Some(Held { keys: Arc::new(keys), since: now, fresh_until });
        self.pause = None;
        self.failures = 0;
    }

    /// Notes that a fetch failed: the next pause is 1, 2, 4 … at most 32 seconds. Keys that are held stay.
    pub fn failed(&mut self, now: Timestamp) {
        let pause = 1_i64.checked_shl(self.failures).map_or(MAX_PAUSE, |pause| pause.clamp(1, MAX_PAUSE));
        self.failures = self.failures.saturating_add(1);
        self.pause = Some((now, now.plus_secs(pause)));
    }
}

/// Whether `now` is in the span. A clock that was turned back to before it ends the span, rather than
/// stretching it.
fn within(now: Timestamp, from: Timestamp, until: Timestamp) -> bool {
    from <= now && now < until
}

#[cfg(test)]
mod tests;
