//! How often something may happen: the generic cell rate algorithm, as a pure function.
//!
//! State is one moment per key, so the same rule runs in memory and in a table.

use std::time::Duration;

use crate::Timestamp;

/// So many in a period, so many of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Microseconds between two that are spread evenly.
    interval: i64,
    /// Microseconds that may be drawn ahead.
    ahead: i64,
}

/// How often callers may call: `rate` of a virtual server or an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How often.
    pub rate: Rate,
    /// Who is counted as one.
    pub by: RateBy,
}

/// Who is counted as one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RateBy {
    /// A subject with a client; for open access the address.
    #[default]
    Caller,
    /// A subject, whatever the client; for open access the address.
    Subject,
    /// A client, whoever it acts for; for open access the address.
    Client,
    /// Everybody together.
    All,
}

/// Not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften {
    /// How long to wait before the next one is admitted.
    pub retry_after: Duration,
}

impl Rate {
    /// `limit` in each `per`, of which `burst` may come at once. Zero counts as one.
    pub fn new(limit: u32, per: Duration, burst: u32) -> Self {
        let per = i64::try_from(per.as_micros()).unwrap_or(i64::MAX);
        let interval = (per / i64::from(limit.max(1))).max(1);
        Self { interval, ahead: interval.saturating_mul(i64::from(burst.max(1)) - 1) }
    }

    /// Microseconds between two that are spread evenly; at least one.
    pub const fn interval_micros(self) -> i64 {
        self.interval
    }

    /// Microseconds that may be drawn ahead.
    pub const fn ahead_micros(self) -> i64 {
        self.ahead
    }

    /// Admits one at `now`. `state` is what the last admission returned for the same key, if there was one.
    ///
    /// Returns the new state. A refusal changes nothing.
    ///
    /// # Errors
    /// When it is too early, with the time to wait.
    pub fn admit(self, state: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, TooOften> {
        let now = now.as_micros();
        let due = state.map_or(now, |state| state.as_micros().max(now));
        let early = due.saturating_sub(now).saturating_sub(self.ahead);
        if early > 0 {
            return Err(TooOften { retry_after: Duration::from_micros(early.unsigned_abs()) });
        }
        Ok(Timestamp::from_micros(due.saturating_add(self.interval)))
    }

    /// Takes one admission back: the state as if it had not been.
    #[must_use]
    pub fn give_back(self, state: Timestamp) -> Timestamp {
        Timestamp::from_micros(state.as_micros().saturating_sub(self.interval))
    }

    /// Whether one would be admitted at `now`.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub fn would_admit(self, state: Option<Timestamp>, now: Timestamp) -> Result<(), TooOften> {
        self.admit(state, now).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_burst_passes_at_once_and_then_one_at_a_time() {
        let rate = Rate::new(60, MINUTE, 3);
        let start = Timestamp::from_secs(1_000);
        let mut state = None;
        for _ in 0..3 {
            state = Some(rate.admit(state, start).expect("within the burst"));
        }
        assert_eq!(rate.admit(state, start), Err(TooOften { retry_after: Duration::from_secs(1) }));
        assert!(rate.would_admit(state, start.plus_secs(1)).is_ok());
        assert!(rate.admit(state, start.plus_secs(1)).is_ok());
    }

    #[test]
    fn what_is_given_back_does_not_count() {
        let rate = Rate::new(1, MINUTE, 1);
        let now = Timestamp::from_secs(1_000);
        let state = rate.admit(None, now).expect("the first");
        assert!(rate.admit(Some(state), now).is_err());
        assert!(rate.admit(Some(rate.give_back(state)), now).is_ok());
    }

    #[test]
    fn a_clock_that_goes_back_does_not_open_the_gate() {
        let rate = Rate::new(1, MINUTE, 1);
        let state = rate.admit(None, Timestamp::from_secs(1_000)).expect("the first");
        assert!(rate.admit(Some(state), Timestamp::from_secs(10)).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_and_the_burst(
            limit in 1_u32..50,
            burst in 1_u32..20,
            gaps in proptest::collection::vec(0_i64..3_000_000, 1..400),
        ) {
            let rate = Rate::new(limit, MINUTE, burst);
            let (mut now, mut state, mut admitted) = (0_i64, None, 0_i64);
            for gap in gaps {
                now += gap;
                if let Ok(next) = rate.admit(state, Timestamp::from_micros(now)) {
                    state = Some(next);
                    admitted += 1;
                }
            }
            // What the elapsed time allows, and what may be drawn ahead.
            prop_assert!(admitted <= now / (60_000_000 / i64::from(limit)) + i64::from(burst));
        }
    }
}
