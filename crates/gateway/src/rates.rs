//! How often an address, or a person, may try something: counted in memory, bounded whatever comes.

mod calls;
mod leases;

pub(crate) use calls::{CallKey, Calls};

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use doorward_model::{Rate, Timestamp, TooOften};
use lru::LruCache;

use crate::bounded;

/// How many keys are counted; the one that was quiet for longest makes room.
const CAPACITY: usize = 50_000;

/// What is counted, each with a rate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// `POST /register`.
    Registration,
    /// Everything at the token, revocation and introspection endpoints.
    Token,
    /// Authentication of a client that failed.
    ClientFailure,
    /// Pages of the authorization endpoint and of people.
    Page,
    /// Pages that lead to authorization servers elsewhere, which are asked for them.
    Connecting,
    /// Client documents that are fetched because an address asked.
    DocumentFetch,
    /// Client documents and key sets that are fetched from one host, whoever asks.
    FetchFrom,
    /// Sign-ins of one name from one address that failed.
    SignInFailure,
    /// Sign-ins from one address that failed, whatever the name.
    SignInFailureOfAddress,
}

impl Counted {
    /// How often, from one key.
    fn rate(self) -> Rate {
        const MINUTE: Duration = Duration::from_mins(1);
        match self {
            // product.md: 30 a minute and address.
            Self::Registration | Self::Connecting => Rate::new(30, MINUTE, 30),
            Self::Token => Rate::new(1200, MINUTE, 400),
            Self::ClientFailure => Rate::new(10, MINUTE, 20),
            Self::Page => Rate::new(240, MINUTE, 120),
            Self::DocumentFetch => Rate::new(20, MINUTE, 20),
            Self::FetchFrom => Rate::new(60, MINUTE, 30),
            Self::SignInFailure => Rate::new(5, MINUTE, 8),
            Self::SignInFailureOfAddress => Rate::new(20, MINUTE, 40),
        }
    }
}

/// The counters.
pub(crate) struct Rates {
    states: Mutex<LruCache<(Counted, String), Timestamp>>,
}

impl Rates {
    /// Nothing was tried yet.
    pub(crate) fn new() -> Self {
        Self { states: Mutex::new(bounded::cache(CAPACITY)) }
    }

    /// Counts one try of `key`, or says how long to wait.
    pub(crate) fn admit(&self, what: Counted, key: &str, now: Timestamp) -> Result<(), TooOften> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (what, key.to_owned());
        let state = what.rate().admit(states.get(&key).copied(), now)?;
        states.put(key, state);
        Ok(())
    }

    /// Takes back what was counted last of `key`: it turned out to be nothing to count.
    pub(crate) fn give_back(&self, what: Counted, key: &str) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.get_mut(&(what, key.to_owned())) {
            *state = what.rate().give_back(*state);
        }
    }

    /// Whether one more try of `key` would be admitted; counts nothing.
    pub(crate) fn check(&self, what: Counted, key: &str, now: Timestamp) -> Result<(), TooOften> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        what.rate().would_admit(states.peek(&(what, key.to_owned())).copied(), now)
    }
}

/// What an address is counted by: of IPv6 the network that one subscriber has, 64 bits.
pub(crate) fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrations_of_one_address_are_thirty_a_minute() {
        let (rates, now) = (Rates::new(), Timestamp::from_secs(1_000));
        for _ in 0..30 {
            assert!(rates.admit(Counted::Registration, "a", now).is_ok());
        }
        let refused = rates.admit(Counted::Registration, "a", now).expect_err("the thirty-first");
        assert_eq!(refused.retry_after, Duration::from_secs(2));
        assert!(rates.admit(Counted::Registration, "b", now).is_ok());
        assert!(rates.admit(Counted::Token, "a", now).is_ok());
    }

    #[test]
    fn checking_counts_nothing() {
        let (rates, now) = (Rates::new(), Timestamp::from_secs(1_000));
        for _ in 0..100 {
            assert!(rates.check(Counted::SignInFailure, "a", now).is_ok());
        }
    }

    #[test]
    fn one_subscriber_is_one_key() {
        let key = |text: &str| address_key(text.parse().expect("an address"));
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), key("2001:db8:1:2::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    }
}
