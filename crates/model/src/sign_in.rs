//! Who lets people in: sign-in providers, and the lives of what they are given.

use std::{collections::BTreeSet, time::Duration};

use url::Url;

use crate::{Name, Secret};

/// An OpenID provider that people sign in with: `[[sign_in]]`.
#[derive(Debug, Clone)]
pub struct SignInProvider {
    /// The operator's name for it; the first part of its people's subjects.
    pub name: Name,
    /// What `iss` must say, character for character.
    pub issuer: String,
    /// Doorward's client there.
    pub client_id: String,
    /// The client's secret; a public client without one.
    pub client_secret: Option<Secret>,
    /// What is asked for there; always with `openid`.
    pub scopes: Vec<String>,
    /// The claim that names a person's groups.
    pub groups_claim: String,
    /// Whom of its people the operator lets in.
    pub allow: SignInAllow,
}

/// Whom of a sign-in provider's people the operator lets in: an account there alone opens nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInAllow {
    /// Everybody who has an account.
    pub anyone: bool,
    /// Whose verified e-mail address ends in one of these domains, in lower case.
    pub domains: BTreeSet<String>,
    /// Who is in one of these groups.
    pub groups: BTreeSet<String>,
    /// Who has one of these `sub`.
    pub subjects: BTreeSet<String>,
}

/// How the authorization server behaves: `[tokens]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRules {
    /// How long an access token is good for.
    pub access_ttl: Duration,
    /// How long a refresh token may go unused.
    pub refresh_idle: Duration,
    /// How long a client may refresh before a person must be asked again.
    pub refresh_lifetime: Duration,
    /// Whether clients may register themselves (RFC 7591).
    pub registration: bool,
    /// Whose client documents are fetched.
    pub client_documents: ClientDocuments,
}

/// Whose Client ID Metadata Documents are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientDocuments {
    /// Anybody's.
    Any,
    /// Those on these hosts, in lower case.
    Hosts(BTreeSet<String>),
    /// Nobody's.
    Off,
}

impl ClientDocuments {
    /// Whether a document at this address may be fetched.
    pub fn allows(&self, url: &Url) -> bool {
        match self {
            Self::Any => true,
            Self::Hosts(hosts) => url.host_str().is_some_and(|host| hosts.contains(host)),
            Self::Off => false,
        }
    }
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            access_ttl: Duration::from_hours(1),
            refresh_idle: Duration::from_hours(14 * 24),
            refresh_lifetime: Duration::from_hours(90 * 24),
            registration: true,
            client_documents: ClientDocuments::Any,
        }
    }
}
