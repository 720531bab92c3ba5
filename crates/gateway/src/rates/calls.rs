//! How often callers of one virtual server or agent called.

use std::{
    fmt::Write as _,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use doorward_auth::keys::hash;
use doorward_model::{Caller, Rate, RateBy, Timestamp, TooOften};
use doorward_store::Store;
use lru::LruCache;

use super::{CAPACITY, address_key, leases::Leases};
use crate::bounded;

/// The counters of one entrance, so that a crowd at one makes nobody forgotten at another.
pub(crate) struct Calls {
    states: Mutex<LruCache<CallKey, Timestamp>>,
    leases: Leases,
}

/// Who is counted as one: a digest, so that a long name takes no more room than a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CallKey(pub(super) [u8; 32]);

impl CallKey {
    /// The key of a caller. Whom nobody was asked about is counted by `address`.
    pub(crate) fn of(by: RateBy, caller: &Caller, address: IpAddr) -> Self {
        let Some(identity) = caller.identity() else {
            return match by {
                RateBy::All => Self::digest(&[]),
                RateBy::Caller | RateBy::Subject | RateBy::Client => {
                    Self::digest(&["address", &address_key(address)])
                }
            };
        };
        let (issuer, subject) = (identity.issuer.as_str(), identity.subject.as_str());
        match (by, identity.client.as_deref()) {
            (RateBy::All, _) => Self::digest(&[]),
            (RateBy::Caller, Some(client)) => Self::digest(&["caller", issuer, subject, client]),
            (RateBy::Client, Some(client)) => Self::digest(&["client", issuer, client]),
            // A token without a client is its subject's own.
            (RateBy::Caller | RateBy::Client, None) | (RateBy::Subject, _) => {
                Self::digest(&["subject", issuer, subject])
            }
        }
    }

    /// Parts are length-prefixed: no two lists of parts are one text.
    fn digest(parts: &[&str]) -> Self {
        let mut text = String::with_capacity(128);
        for part in parts {
            // Writing to a string cannot fail.
            let _infallible = write!(text, "{}:{part}", part.len());
        }
        Self(hash::sha256(text.as_bytes()))
    }
}

impl Calls {
    /// Nobody has called yet.
    pub(crate) fn new() -> Self {
        Self { states: Mutex::new(bounded::cache(CAPACITY)), leases: Leases::new() }
    }

    /// Counts one call of an entrance, `place`, together with other replicas, or says how long to wait. While the store
    /// fails, each replica counts for itself: an outage opens nothing.
    pub(crate) async fn admit_shared(
        &self,
        store: &Store,
        place: &str,
        (rate, key): (Rate, CallKey),
        now: Timestamp,
    ) -> Result<(), TooOften> {
        // Boxed, so that those who need no query do not carry the room for one.
        Box::pin(self.leases.admit(store, place, (rate, key), now)).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "calls are counted in this process alone");
            self.admit(rate, key, now)
        })
    }

    /// Counts one call in this process, or says how long to wait.
    pub(crate) fn admit(&self, rate: Rate, key: CallKey, now: Timestamp) -> Result<(), TooOften> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let state = rate.admit(states.get(&key).copied(), now)?;
        states.put(key, state);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, sync::Arc, time::Duration};

    use doorward_model::Identity;

    use super::*;

    fn caller(issuer: &str, subject: &str, client: Option<&str>) -> Caller {
        Caller::Issued(Arc::new(Identity {
            issuer: issuer.into(),
            subject: subject.into(),
            client: client.map(Into::into),
            scopes: vec![],
            groups: vec![],
            audiences: vec![],
        }))
    }

    fn key(by: RateBy, caller: &Caller) -> CallKey {
        CallKey::of(by, caller, Ipv4Addr::LOCALHOST.into())
    }

    #[test]
    fn who_is_counted_as_one() {
        let alice = caller("https://i", "alice", Some("laptop"));
        let phone = caller("https://i", "alice", Some("phone"));
        let bob = caller("https://i", "bob", Some("laptop"));
        let other = caller("https://j", "alice", Some("laptop"));
        let same = |by, a: &Caller, b: &Caller| key(by, a) == key(by, b);
        assert!(!same(RateBy::Caller, &alice, &phone) && !same(RateBy::Caller, &alice, &bob));
        assert!(same(RateBy::Subject, &alice, &phone) && !same(RateBy::Subject, &alice, &bob));
        assert!(same(RateBy::Client, &alice, &bob) && !same(RateBy::Client, &alice, &phone));
        for by in [RateBy::Caller, RateBy::Subject, RateBy::Client] {
            assert!(!same(by, &alice, &other), "{by:?}: a subject of another issuer is somebody else");
        }
        assert!(same(RateBy::All, &alice, &other) && same(RateBy::All, &alice, &Caller::Anonymous));
        let bare = caller("https://i", "alice", None);
        assert!(!same(RateBy::Client, &bare, &caller("https://i", "bob", None)));
        assert!(!same(RateBy::Caller, &caller("a", "bc", None), &caller("ab", "c", None)));
    }

    #[test]
    fn nobody_is_counted_by_address() {
        let from = |by, last| CallKey::of(by, &Caller::Anonymous, Ipv4Addr::new(192, 0, 2, last).into());
        for by in [RateBy::Caller, RateBy::Subject, RateBy::Client] {
            assert!(from(by, 1) == from(by, 1) && from(by, 1) != from(by, 2), "{by:?}");
        }
        assert!(from(RateBy::All, 1) == from(RateBy::All, 2));
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let (calls, now) = (Calls::new(), Timestamp::from_secs(1_000));
        let rate = Rate::new(1, Duration::from_mins(1), 1);
        for number in 0..u32::try_from(CAPACITY).unwrap_or(u32::MAX) + 100 {
            let key = CallKey::digest(&[&number.to_string()]);
            assert!(calls.admit(rate, key, now).is_ok());
        }
        assert_eq!(calls.states.lock().expect("no panic").len(), CAPACITY);
    }
}
