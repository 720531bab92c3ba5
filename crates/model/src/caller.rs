//! Who makes a request.

use std::sync::Arc;

use crate::Issuer;

/// Who makes a request, as far as a verified credential says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Nobody was asked: the virtual server's access is `open`.
    Anonymous,
    /// The bearer of a token of a trusted issuer.
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
}

/// What a verified token says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The `iss` claim: the exact string of a configured issuer.
    pub issuer: String,
    /// The `sub` claim. Unique only together with the issuer.
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
                CallerKey(format!(
                    "{}:{}{}:{}{client}",
                    identity.issuer.len(),
                    identity.issuer,
                    identity.subject.len(),
                    identity.subject,
                ))
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
            Caller::Anonymous.key(),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(i + 1).all(|other| other != key), "{key:?}");
        }
    }
}
