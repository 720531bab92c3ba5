//! Calls that several replicas count together, in the store that they share.
//!
//! A replica takes several calls of a busy caller at once and hands them out, so that not each of them costs a query.
//! What it has left a second later is gone: counted, and given to nobody. It remembers a refusal for as long as it
//! holds, so that who calls in vain costs nothing. A caller who calls seldom, or may, is asked about each time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use doorward_auth::keys::hash;
use doorward_model::{Rate, Timestamp, TooOften};
use doorward_store::{Admission, Store, StoreError};
use lru::LruCache;

use super::{CAPACITY, CallKey};
use crate::bounded;

/// How many calls are taken at once: those of so many microseconds, if they were spread evenly.
const AHEAD: i64 = 100_000;

/// And never more than this part of what may come at once, so that replicas leave each other some.
const SHARE: i64 = 10;

/// How long what was taken is good for.
const LIFETIME: Duration = Duration::from_secs(1);

/// What this replica holds of the calls of one entrance.
pub(super) struct Leases {
    held: Mutex<LruCache<CallKey, Lease>>,
}

/// What it knows of one caller.
#[derive(Debug, Clone, Copy)]
enum Lease {
    /// So many calls are left, until then.
    Left(u32, Timestamp),
    /// None will be given before then.
    NotBefore(Timestamp),
}

/// What can be said without asking the store.
enum Known {
    Answer(Result<(), TooOften>),
    Nothing,
}

impl Leases {
    pub(super) fn new() -> Self {
        Self { held: Mutex::new(bounded::cache(CAPACITY)) }
    }

    /// Counts one call of an entrance, `place`, or says how long to wait.
    pub(super) async fn admit(
        &self,
        store: &Store,
        place: &str,
        (rate, key): (Rate, CallKey),
        now: Timestamp,
    ) -> Result<Result<(), TooOften>, StoreError> {
        if let Known::Answer(answer) = self.known(key, now) {
            return Ok(answer);
        }
        let (lease, answer) = match store.admit_rate(&row(place, rate, key), rate, now, at_once(rate)).await?
        {
            Admission::Granted(count) => (Lease::Left(count.saturating_sub(1), later(now, LIFETIME)), Ok(())),
            Admission::TooOften(too_often) => {
                (Lease::NotBefore(later(now, too_often.retry_after)), Err(too_often))
            }
        };
        self.held.lock().unwrap_or_else(PoisonError::into_inner).put(key, lease);
        Ok(answer)
    }

    fn known(&self, key: CallKey, now: Timestamp) -> Known {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.get_mut(&key) {
            Some(Lease::Left(left, until)) if *left > 0 && now < *until => {
                *left -= 1;
                Known::Answer(Ok(()))
            }
            Some(Lease::NotBefore(then)) if now < *then => {
                let wait = then.as_micros().saturating_sub(now.as_micros()).unsigned_abs();
                Known::Answer(Err(TooOften { retry_after: Duration::from_micros(wait) }))
            }
            _ => Known::Nothing,
        }
    }
}

/// The name of the row that all replicas count in. What was counted at another rate means nothing.
fn row(place: &str, rate: Rate, key: CallKey) -> String {
    let CallKey(key) = key;
    let text = format!("{place} {} {} {}", rate.interval_micros(), rate.ahead_micros(), hash::hex(&key));
    hash::hex(&hash::sha256(text.as_bytes()))
}

/// How many calls are taken at once.
fn at_once(rate: Rate) -> u32 {
    let burst = rate.ahead_micros() / rate.interval_micros() + 1;
    let count = (AHEAD / rate.interval_micros()).min(burst / SHARE).max(1);
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_add(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_calls_are_taken_one_by_one_and_many_at_once() {
        let minute = Duration::from_mins(1);
        let second = Duration::from_secs(1);
        assert_eq!(at_once(Rate::new(60, minute, 10)), 1);
        assert_eq!(at_once(Rate::new(60, minute, 60)), 1);
        assert_eq!(at_once(Rate::new(1_000, second, 1)), 1, "what may not come at once is not taken at once");
        assert_eq!(at_once(Rate::new(1_000, second, 500)), 50);
        assert_eq!(at_once(Rate::new(1_000, second, 5_000)), 100);
    }

    #[test]
    fn a_row_belongs_to_one_entrance_one_rate_and_one_caller() {
        let rate = |limit| Rate::new(limit, Duration::from_mins(1), 1);
        let rows = [
            row("mcp/a", rate(1), CallKey([1; 32])),
            row("a2a/a", rate(1), CallKey([1; 32])),
            row("mcp/a", rate(2), CallKey([1; 32])),
            row("mcp/a", rate(1), CallKey([2; 32])),
        ];
        for (index, row) in rows.iter().enumerate() {
            assert!(rows.iter().skip(index + 1).all(|other| other != row));
        }
    }
}
