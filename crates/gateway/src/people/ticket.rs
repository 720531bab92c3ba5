//! Tickets: sealed values that forms and redirects carry.
//!
//! A ticket counts for one purpose, in the browser that it was given to, until it expires. It stands in for state
//! on the server, for a token against forged forms, and for the OAuth `state` towards a sign-in provider.

use doorward_auth::keys::{Sealer, hash};
use doorward_model::Timestamp;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::cookie::Cookie;

/// Longest ticket that is read, in bytes.
const MAX_TICKET: usize = 16 << 10;
/// How long a page may lie open before its form is sent, in seconds.
const LIFETIME: i64 = 600;

/// The key of all tickets.
pub(crate) struct Tickets(Sealer);

/// What a ticket is for: one kind never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Where to go on after signing in.
    Onward,
    /// What a person is asked to consent to.
    Consent,
    /// The `state` towards a sign-in provider.
    SignIn,
    /// What a person is asked to connect.
    Connect,
    /// The `state` towards the authorization server of what they connect.
    Connection,
    /// The client that waits meanwhile.
    Waiting,
    /// A connection that a person may end.
    Disconnect,
    /// Any other form of ours.
    Form,
}

/// The browser that a ticket is given to.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    id: String,
    new: bool,
    tls: bool,
}

#[derive(Serialize, Deserialize)]
struct Timed<T> {
    expires: i64,
    value: T,
}

impl Tickets {
    pub(crate) const fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// A ticket for ten minutes.
    pub(crate) fn seal(
        &self,
        purpose: Purpose,
        value: &impl Serialize,
        browser: &Browser,
        now: Timestamp,
    ) -> String {
        let timed = Timed { expires: now.plus_secs(LIFETIME).as_secs(), value };
        // Our own structures of texts cannot fail to be JSON; an empty ticket would open nothing.
        let plain = serde_json::to_vec(&timed).unwrap_or_default();
        self.0.seal(&plain, &[purpose.name(), browser.id.as_bytes()])
    }

    /// What a ticket holds, if it is for this purpose and browser, and not too old.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        text: &str,
        browser: &Browser,
        now: Timestamp,
    ) -> Option<T> {
        if text.len() > MAX_TICKET || browser.new {
            return None;
        }
        let plain = self.0.open(text, &[purpose.name(), browser.id.as_bytes()]).ok()?;
        let timed: Timed<T> = serde_json::from_slice(&plain).ok()?;
        (now.as_secs() < timed.expires).then_some(timed.value)
    }
}

impl Purpose {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Onward => b"onward",
            Self::Consent => b"consent",
            Self::SignIn => b"sign-in",
            Self::Connect => b"connect",
            Self::Connection => b"connection",
            Self::Waiting => b"waiting",
            Self::Disconnect => b"disconnect",
            Self::Form => b"form",
        }
    }
}

impl Browser {
    /// The browser of a request, or a new one.
    pub(crate) fn of(headers: &HeaderMap, tls: bool) -> Self {
        let is_ours = |id: &&str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        match Cookie::Browser.read(headers, tls).filter(is_ours) {
            Some(id) => Self { id: id.to_owned(), new: false, tls },
            None => Self { id: hash::random_hex::<16>(), new: true, tls },
        }
    }

    /// The cookie that makes the browser known again, where it is new.
    pub(crate) fn cookie(&self) -> Option<HeaderValue> {
        self.new.then(|| Cookie::Browser.set(&self.id, self.tls))
    }
}

#[cfg(test)]
mod tests {
    use doorward_auth::keys::MasterKey;
    use http::header;

    use super::*;

    fn browser(id: &str) -> Browser {
        let mut headers = HeaderMap::new();
        let cookie = format!("doorward_browser={id}");
        headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).expect("a value"));
        Browser::of(&headers, false)
    }

    #[test]
    fn a_ticket_counts_for_one_purpose_one_browser_and_ten_minutes() {
        let tickets = Tickets::new(Sealer::derive(&MasterKey::generate().0, "ticket"));
        let (one, other) = (browser(&"a".repeat(32)), browser(&"b".repeat(32)));
        let now = Timestamp::from_secs(1_000);
        let ticket = tickets.seal(Purpose::Consent, &"value", &one, now);
        let open = |purpose, browser: &Browser, now| tickets.open::<String>(purpose, &ticket, browser, now);
        assert_eq!(open(Purpose::Consent, &one, now).as_deref(), Some("value"));
        assert_eq!(open(Purpose::Form, &one, now), None);
        assert_eq!(open(Purpose::Consent, &other, now), None);
        assert_eq!(open(Purpose::Consent, &one, now.plus_secs(600)), None);
        assert_eq!(tickets.open::<String>(Purpose::Consent, "", &one, now), None);
    }

    #[test]
    fn a_cookie_that_is_not_ours_makes_a_new_browser() {
        for id in ["", "short", &"z".repeat(32), &"a".repeat(33)] {
            assert!(browser(id).cookie().is_some(), "{id}");
        }
        assert!(browser(&"a".repeat(32)).cookie().is_none());
    }
}
