//! Who makes a request.

use std::{fmt::Write as _, sync::Arc};

use crate::{ApiKey, Issuer};

/// Who makes a request, as far as a verified credential says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody was asked: the virtual server's access is `open`.
    Anonymous,
    /// Whom a credential names.
    Issued(Arc<Identity>),
}

/// Who says who a caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voucher {
    /// Nobody was asked.
    Nobody,
    /// Doorward itself: the token is one of its own.
    Doorward,
    /// A trusted issuer.
    Issuer(Arc<Issuer>),
    /// The operator, who declared the key that was presented.
    ApiKey,
    /// An authority that the listener trusts: the connection has a certificate of it.
    Certificate,
}

/// What a verified credential says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The `iss` claim: the exact string of a configured issuer. Of other credentials a word, which no issuer is called:
    /// an issuer is a URL.
    pub issuer: String,
    /// The `sub` claim, or `<word>:<name>` of other credentials. Unique only together with the issuer.
    pub subject: String,
    /// `client_id` (RFC 9068) or `azp`.
    pub client: Option<String>,
    /// The members of `scope` (or `scp`).
    pub scopes: Vec<String>,
    /// The `groups` claim.
    pub groups: Vec<String>,
    /// The `aud` claim, always as a list.
    pub audiences: Vec<String>,
}

impl Identity {
    /// Whom an API key names: the subject `api-key:<name>`.
    pub fn of_api_key(key: &ApiKey) -> Self {
        Self::named("api-key", key.name.as_str(), key.groups.clone())
    }

    /// Whom a client certificate names: the subject `mtls:<name>`.
    pub fn of_certificate(name: &str) -> Self {
        Self::named("mtls", name, Vec::new())
    }

    /// A word that no issuer and no sign-in provider may have as its name stands before the name.
    fn named(word: &str, name: &str, groups: Vec<String>) -> Self {
        Self {
            issuer: word.to_owned(),
            subject: format!("{word}:{name}"),
            client: Some(name.to_owned()),
            scopes: Vec::new(),
            groups,
            audiences: Vec::new(),
        }
    }
}

/// One text per caller, for binding sessions, cursors and handles to who they were given to.
///
/// Built so that no two different callers share a key: parts are length-prefixed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallerKey(String);

impl CallerKey {
    /// The key as text; stable across restarts and replicas.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Caller {
    /// The text that stands for this caller in sealed handles.
    pub fn key(&self) -> CallerKey {
        match self {
            Self::Anonymous => CallerKey("-".into()),
            Self::Issued(identity) => {
                let client = identity.client.as_deref().unwrap_or("");
                let (issuer, subject) = (&*identity.issuer, &*identity.subject);
                // Made for every request: room for all of it, and two lengths.
                let mut key = String::with_capacity(issuer.len() + subject.len() + client.len() + 16);
                // Writing to a string cannot fail.
                let _infallible = write!(key, "{}:{issuer}{}:{subject}{client}", issuer.len(), subject.len());
                CallerKey(key)
            }
        }
    }

    /// The identity, unless nobody was asked.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Anonymous => None,
            Self::Issued(identity) => Some(identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Name;

    fn issued(issuer: &str, subject: &str, client: Option<&str>) -> Caller {
        Caller::Issued(Arc::new(Identity {
            issuer: issuer.into(),
            subject: subject.into(),
            client: client.map(Into::into),
            scopes: vec![],
            groups: vec![],
            audiences: vec![],
        }))
    }

    #[test]
    fn keys_tell_callers_apart_even_when_parts_join() {
        let keys = [
            issued("a", "bc", None).key(),
            issued("ab", "c", None).key(),
            issued("a", "b", Some("c")).key(),
            Caller::Issued(Arc::new(Identity::of_certificate("ci"))).key(),
            Caller::Issued(Arc::new(Identity::of_api_key(&ApiKey {
                name: Name::parse("ci").expect("a name"),
                hash: String::new(),
                groups: Vec::new(),
            })))
            .key(),
            issued("https://idp", "api-key:ci", Some("ci")).key(),
            Caller::Anonymous.key(),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(i + 1).all(|other| other != key), "{key:?}");
        }
    }
}
