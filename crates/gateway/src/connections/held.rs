//! A connection as it is used: what the store keeps, opened.
//!
//! The tokens are sealed to their row. What cannot be opened there does not count as a connection: it was moved from
//! another row, or its key is lost, and neither is to be sent anywhere.

use std::borrow::Cow;

use doorward_auth::keys::Envelope;
use doorward_model::{Connecting, Secret, Timestamp};
use doorward_store::Connection;
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use super::step_up::StepUps;

/// How long before its end a token is renewed, in seconds; of a short life, a quarter.
const AHEAD: i64 = 60;

/// A live connection.
pub(crate) struct Held {
    /// What sets it apart from another connection of the same person there, before or after it.
    pub(crate) id: ConnectionId,
    /// Changes with every renewal.
    pub(super) version: i64,
    pub(super) issuer: String,
    /// What it was granted for (RFC 8707), exactly so.
    pub(super) resource: String,
    pub(super) client: String,
    pub(super) scopes: String,
    pub(super) contents: Contents,
    /// The value of an `Authorization` header.
    pub(super) bearer: HeaderValue,
    pub(super) expires: Option<Timestamp>,
    refreshed: Timestamp,
}

/// Which connection of somebody at a place: whoever connects anew has another one, perhaps to another account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(pub(crate) i64);

/// What is sealed of a connection.
pub(super) struct Contents {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) steps: StepUps,
}

/// The same as text.
#[derive(Serialize, Deserialize)]
struct Text<'t> {
    access: Cow<'t, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<Cow<'t, str>>,
    #[serde(default, skip_serializing_if = "StepUps::is_empty")]
    steps: StepUps,
}

impl Contents {
    pub(super) fn new(access: &Secret, refresh: Option<&Secret>, steps: StepUps) -> Self {
        Self { access: access.clone(), refresh: refresh.cloned(), steps }
    }

    /// Seals them to their row.
    pub(super) fn seal(&self, envelope: &Envelope, row: Row<'_>) -> String {
        let text = Text {
            access: self.access.expose().into(),
            refresh: self.refresh.as_ref().map(|refresh| refresh.expose().into()),
            steps: self.steps.clone(),
        };
        // Our own structure of texts cannot fail to be JSON; an empty text would open as no connection.
        let text = Secret::new(serde_json::to_string(&text).unwrap_or_default());
        envelope.seal(text.expose().as_bytes(), &row.place())
    }

    /// Opens what was sealed to this row.
    pub(super) fn open(envelope: &Envelope, row: Row<'_>, sealed: &str) -> Option<Self> {
        let opened = envelope.open(sealed, &row.place()).ok()?;
        let Text { access, refresh, steps } = serde_json::from_slice(&opened).ok()?;
        let secret = |text: Cow<'_, str>| Secret::new(text.into_owned());
        Some(Self { access: secret(access), refresh: refresh.map(secret), steps })
    }
}

/// A row of the store, as what is sealed there is bound to it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) place: &'a str,
    pub(super) person: &'a str,
    pub(super) issuer: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Row<'a> {
    pub(super) fn of(row: &'a Connection) -> Self {
        Self { place: &row.place, person: &row.person, issuer: &row.issuer, resource: &row.resource }
    }

    fn place(self) -> [&'a [u8]; 6] {
        let Self { place, person, issuer, resource } = self;
        let [place, person, issuer, resource] = [place, person, issuer, resource].map(str::as_bytes);
        [b"connection", b"sealed", place, person, issuer, resource]
    }
}

/// Why a connection that was made for this resource by this issuer is not presented at a place that is declared so. A
/// name in the configuration may come to stand for another address: what was granted for the old one is not for it.
pub(crate) fn elsewhere(connecting: &Connecting, resource: &str, issuer: &str) -> Option<String> {
    let name = connecting.place.name();
    if connecting.resource.as_str() != resource {
        return Some(format!("the address of {name} is another one than the account was connected for"));
    }
    let is_other = connecting.issuer.as_ref().is_some_and(|declared| declared != issuer);
    is_other.then(|| {
        format!("the authorization server of {name} is another one than the account was connected for")
    })
}

impl Held {
    /// Opens a row; none where it cannot be opened or holds no header value.
    pub(super) fn open(envelope: &Envelope, row: &Connection) -> Option<Self> {
        let contents = Contents::open(envelope, Row::of(row), &row.sealed)?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", contents.access.expose())).ok()?;
        bearer.set_sensitive(true);
        Some(Self {
            id: ConnectionId(row.created.as_micros()),
            version: row.version,
            issuer: row.issuer.clone(),
            resource: row.resource.clone(),
            client: row.client.clone(),
            scopes: row.scopes.clone(),
            contents,
            bearer,
            expires: row.expires,
            refreshed: row.refreshed,
        })
    }

    /// Whether the token need not be renewed yet.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| {
            let lifetime = expires.as_secs().saturating_sub(self.refreshed.as_secs());
            now < expires.plus_secs(-AHEAD.min(lifetime / 4))
        })
    }

    /// Whether the token may still be presented.
    pub(super) fn lives(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    /// Whether it can be renewed at all.
    pub(super) fn is_renewable(&self) -> bool {
        self.contents.refresh.is_some()
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}
