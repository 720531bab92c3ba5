//! Assertions of other authorization servers about a person (Identity Assertion JWT Authorization Grant,
//! "ID-JAG"; MCP calls it enterprise-managed authorization).
//!
//! A trusted identity provider vouches to the token endpoint that a person may use a resource through a
//! client, so that nobody is asked here. What the assertion limits in a way that Doorward does not understand
//! refuses it. That an assertion is used once is the store's to decide.

use doorward_model::{Issuer, Name, Scopes, Timestamp};
use serde_json::Value;

use super::{
    client_auth::Once,
    error::{OAuthError, invalid_grant, invalid_target},
    resource::{self, Offered, Resources},
    scope,
};
use crate::{
    keys::KeySet,
    verify::{Kind, Proven, TokenError, Unverified, peek_as},
};

/// How far ahead an assertion may expire, in seconds.
const MAX_LIFETIME: i64 = 3600;
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 255;
/// Claims that limit what the token may be used for, in ways that Doorward does not have.
const CONSTRAINTS: [&str; 2] = ["authorization_details", "cnf"];

/// An assertion that was read, and of which nothing is proven.
#[derive(Debug)]
pub struct Assertion<'t>(Unverified<'t>);

/// Whom the assertion must be for.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// Who we are: the one value of `aud`.
    pub issuer: &'a str,
    /// The client that presents it, and proved who it is.
    pub client_id: &'a str,
}

/// What an assertion proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdJag {
    /// The operator's name for the issuer.
    pub issuer: Name,
    /// Whom it is about: `<issuer's name>:<sub>`.
    pub subject: String,
    /// The person's groups.
    pub groups: Vec<String>,
    /// Which resource it is for, as it is written.
    pub resource: String,
    /// What it allows there at most; everything when it does not say.
    pub scopes: Option<Scopes>,
    /// What must not be used again.
    pub once: Once,
    /// When it expires. What is given for it should not last much longer.
    pub expires: Timestamp,
}

/// Why an assertion is not believed. To the client, all but one are `invalid_grant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// As for every token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The operator does not let this issuer vouch for people.
    #[error("the assertion's issuer is not trusted to vouch for people")]
    Untrusted,
    /// It is for another authorization server, or for several.
    #[error("the assertion is not for this authorization server")]
    Audience,
    /// It was given to another client.
    #[error("the assertion was given to another client")]
    Client,
    /// It expires more than an hour ahead.
    #[error("the assertion is good for longer than an hour")]
    Lifetime,
    /// It limits its use by something that Doorward does not have.
    #[error("the assertion has a constraint that is not supported: `{0}`")]
    Constraint(&'static str),
    /// It is for several resources.
    #[error("the assertion is for several resources")]
    Resources,
}

impl AssertionError {
    /// The stable code that records and metrics use.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Token(error) => error.reason(),
            Self::Untrusted => "assertion_issuer",
            Self::Audience => "assertion_audience",
            Self::Client => "assertion_client",
            Self::Lifetime => "assertion_lifetime",
            Self::Constraint(_) => "assertion_constraint",
            Self::Resources => "assertion_resources",
        }
    }

    /// Whether fetching the issuer's keys anew could change the outcome.
    pub const fn needs_keys(self) -> bool {
        matches!(self, Self::Token(error) if error.needs_keys())
    }
}

impl From<AssertionError> for OAuthError {
    fn from(error: AssertionError) -> Self {
        match error {
            AssertionError::Resources => invalid_target("the assertion is for several resources"),
            // Which issuers are trusted is nobody's business.
            _ => invalid_grant("the assertion is not believed"),
        }
    }
}

/// Reads an assertion of at most 16 KiB without believing any of it.
///
/// # Errors
/// [`AssertionError::Token`].
pub fn peek(assertion: &str) -> Result<Assertion<'_>, AssertionError> {
    Ok(Assertion(peek_as(Kind::IdJag, assertion)?))
}

impl Assertion<'_> {
    /// Who issued it, so it says.
    pub fn issuer(&self) -> &str {
        self.0.issuer()
    }

    /// Judges the assertion: issuer, signature, times, and every claim that limits it.
    ///
    /// # Errors
    /// [`AssertionError`]; `needs_keys` tells whether newer keys could help.
    pub fn verify(
        &self,
        issuer: &Issuer,
        keys: &KeySet,
        audience: &Audience<'_>,
        now: Timestamp,
    ) -> Result<IdJag, AssertionError> {
        if !issuer.id_jag {
            return Err(AssertionError::Untrusted);
        }
        let proven = self.0.prove(&issuer.issuer, &issuer.algorithms, keys, now)?;
        judge(&proven, audience, now)?;
        let jti = proven.string("jti")?.filter(|jti| jti.len() <= MAX_JTI);
        let jti = jti.ok_or(TokenError::Claims("jti"))?;
        Ok(IdJag {
            issuer: issuer.name.clone(),
            subject: proven.person(&issuer.name)?,
            groups: proven.groups("groups")?,
            resource: resource_of(&proven)?,
            scopes: scopes_of(&proven)?,
            once: Once::of(&issuer.issuer, jti, proven.expires),
            expires: proven.expires,
        })
    }
}

fn judge(proven: &Proven<'_>, audience: &Audience<'_>, now: Timestamp) -> Result<(), AssertionError> {
    match &*proven.audiences()? {
        [only] if only == audience.issuer => {}
        _ => return Err(AssertionError::Audience),
    }
    if proven.string("client_id")? != Some(audience.client_id) {
        return Err(AssertionError::Client);
    }
    proven.issued.ok_or(TokenError::Claims("iat"))?;
    if proven.expires > now.plus_secs(MAX_LIFETIME) {
        return Err(AssertionError::Lifetime);
    }
    match CONSTRAINTS.into_iter().find(|claim| proven.get(claim).is_some()) {
        Some(claim) => Err(AssertionError::Constraint(claim)),
        None => Ok(()),
    }
}

/// `resource`, which MCP requires: a text, or a list of one.
fn resource_of(proven: &Proven<'_>) -> Result<String, AssertionError> {
    let mut resources = proven.one_or_many("resource").ok_or(TokenError::Claims("resource"))?;
    match (resources.pop(), resources.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(AssertionError::Resources),
        (None, _) => Err(TokenError::Claims("resource").into()),
    }
}

fn scopes_of(proven: &Proven<'_>) -> Result<Option<Scopes>, AssertionError> {
    match proven.get("scope") {
        None => Ok(None),
        Some(Value::String(list)) => {
            scope::known(list).map(Some).map_err(|_| TokenError::Claims("scope").into())
        }
        Some(_) => Err(TokenError::Claims("scope").into()),
    }
}

impl IdJag {
    /// The resource and the scopes of the token: at most what the assertion allows, what the request asks for,
    /// and what the resource has. There is no refresh token.
    ///
    /// # Errors
    /// `invalid_target` when the assertion is for no resource of Doorward's, or the request for another;
    /// `invalid_scope` when nothing is left, or the request's list is none.
    pub fn granted(
        &self,
        scope: Option<&str>,
        asked: Option<&str>,
        resources: Resources<'_>,
    ) -> Result<Offered, OAuthError> {
        let offered = resource::choose(Some(&self.resource), None, resources)?;
        resource::same(asked, &offered.resource)?;
        let most = self.scopes.map_or(offered.scopes, |allowed| allowed.and(offered.scopes));
        if most.is_empty() {
            return Err(scope::nothing());
        }
        let scopes = scope::granted(scope, most)?.and(most);
        Ok(Offered { scopes, ..offered })
    }
}

#[cfg(test)]
mod tests;
