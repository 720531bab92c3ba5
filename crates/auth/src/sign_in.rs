//! Doorward as the relying party of OpenID providers (OpenID Connect Core, the code flow with PKCE): people
//! sign in there, and an ID token tells who they are.
//!
//! An account at a provider opens nothing by itself: [`allows`] asks the operator's rules. Fetching documents,
//! keeping state between the two visits of the browser, and sessions are dealt with elsewhere.
//!
//! In the order in which they are needed: [`Endpoints`], [`authorization_url`], [`Callback`], [`code_exchange`],
//! [`verify_id_token`], [`allows`].

mod endpoints;
mod exchange;
mod id_token;

use doorward_model::{Person, SignInAllow};

pub use crate::client::authorization::{Callback, CallbackError};
pub use endpoints::{Endpoints, EndpointsError};
pub use exchange::{Attempt, authorization_url, code_exchange, id_token};
pub use id_token::{IdTokenError, verify_id_token};

/// Somebody of whom a provider said who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// `<provider>:<sub>`: who they are here.
    pub subject: String,
    /// The `sub` claim: who they are there.
    pub sub: String,
    /// What the pages call them: a claim, fit to be shown.
    pub name: String,
    /// Their address, so the provider says.
    pub email: Option<String>,
    /// Whether the provider says that the address is theirs.
    pub email_verified: bool,
    /// Their groups there.
    pub groups: Vec<String>,
}

impl SignedIn {
    /// The domain of the address, in lower case, if the provider says that the address is theirs. An address
    /// with a second `@`, quoted or not, has none.
    pub fn domain(&self) -> Option<String> {
        let (user, domain) = self.email.as_deref().filter(|_| self.email_verified)?.split_once('@')?;
        (!user.is_empty() && !domain.contains('@')).then(|| domain.to_ascii_lowercase())
    }

    /// The person that they are here: never an administrator by a provider's word.
    pub fn into_person(self) -> Person {
        let domain = self.domain();
        Person { subject: self.subject, name: self.name, groups: self.groups, domain, administrator: false }
    }
}

/// Whether the operator lets in somebody with this `sub`, these groups, and a verified address in this very domain.
/// Asked again whenever the person, or a client for them, comes back.
pub fn allows(allow: &SignInAllow, sub: &str, groups: &[String], domain: Option<&str>) -> bool {
    allow.anyone
        || allow.subjects.contains(sub)
        || groups.iter().any(|group| allow.groups.contains(group))
        || domain.is_some_and(|domain| allow.domains.contains(domain))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn person(email: Option<&str>, email_verified: bool) -> SignedIn {
        SignedIn {
            subject: "corp:1".into(),
            sub: "1".into(),
            name: "A".into(),
            email: email.map(Into::into),
            email_verified,
            groups: vec!["eng".into(), "ops".into()],
        }
    }

    fn lets_in(allow: &SignInAllow, person: &SignedIn) -> bool {
        allows(allow, &person.sub, &person.groups, person.domain().as_deref())
    }

    fn set(entry: &str) -> BTreeSet<String> {
        BTreeSet::from([entry.to_owned()])
    }

    #[test]
    fn nobody_gets_in_by_an_account_alone() {
        assert!(!lets_in(&SignInAllow::default(), &person(Some("a@example.com"), true)));
        assert!(lets_in(&SignInAllow { anyone: true, ..SignInAllow::default() }, &person(None, false)));
    }

    #[test]
    fn a_domain_counts_for_verified_addresses_in_it() {
        let allow = SignInAllow { domains: set("example.com"), ..SignInAllow::default() };
        for (email, verified, expected) in [
            (Some("a@example.com"), true, true),
            (Some("a@EXAMPLE.com"), true, true),
            (Some("a@example.com"), false, false),
            (Some("a@sub.example.com"), true, false),
            (Some("a@evil-example.com"), true, false),
            (Some("a@example.com.evil.example"), true, false),
            (Some("a@evil.example@example.com"), true, false),
            (Some("\"a@example.com\"@evil.example"), true, false),
            (Some("a@example.com "), true, false),
            (Some("@example.com"), true, false),
            (Some("example.com"), true, false),
            (None, true, false),
        ] {
            assert_eq!(lets_in(&allow, &person(email, verified)), expected, "{email:?} {verified}");
        }
    }

    #[test]
    fn a_person_keeps_the_domain_of_a_verified_address_only() {
        let known = person(Some("a@EXAMPLE.com"), true).into_person();
        assert_eq!((&*known.subject, known.domain.as_deref()), ("corp:1", Some("example.com")));
        assert!(!known.administrator);
        assert_eq!(person(Some("a@example.com"), false).into_person().domain, None);
    }

    #[test]
    fn groups_and_subjects_count_exactly() {
        let groups = |group| {
            lets_in(&SignInAllow { groups: set(group), ..SignInAllow::default() }, &person(None, false))
        };
        assert!(groups("ops") && !groups("op") && !groups("OPS") && !groups(""));
        let subjects = |sub| {
            lets_in(&SignInAllow { subjects: set(sub), ..SignInAllow::default() }, &person(None, false))
        };
        assert!(subjects("1") && !subjects("corp:1") && !subjects(""));
    }
}
