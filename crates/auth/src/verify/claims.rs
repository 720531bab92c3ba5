//! The claims of a token whose signature was right (RFC 7519 section 4, RFC 9068 section 2.2).
//!
//! A claim that is there must be of its type: a token that says something odd is refused rather than half
//! understood.

use doorward_model::{Identity, Name, Timestamp};
use serde_json::{Map, Value};

use super::TokenError;

/// How far clocks may be apart, in seconds.
const SKEW: i64 = 60;
/// The longest `sub`, in bytes.
const MAX_SUBJECT: usize = 255;
/// The most `groups`.
const MAX_GROUPS: usize = 200;

/// Claims whose signature was right and whose time is now: whoever has one may believe what its issuer says.
#[derive(Clone, Copy)]
pub(crate) struct Proven<'c> {
    claims: &'c Map<String, Value>,
    /// The `exp` claim.
    pub(crate) expires: Timestamp,
    /// The `iat` claim.
    pub(crate) issued: Option<Timestamp>,
}

impl<'c> Proven<'c> {
    /// Judges `exp` (required), `nbf` and `iat`. The signature has been judged before.
    pub(super) fn judge(claims: &'c Map<String, Value>, now: Timestamp) -> Result<Self, TokenError> {
        let expires = instant(claims, "exp")?.ok_or(TokenError::Claims("exp"))?;
        let (begins, issued) = (instant(claims, "nbf")?, instant(claims, "iat")?);
        if now >= expires.plus_secs(SKEW) {
            return Err(TokenError::Expired);
        }
        if [begins, issued].into_iter().flatten().any(|begins| begins > now.plus_secs(SKEW)) {
            return Err(TokenError::NotYet);
        }
        Ok(Self { claims, expires, issued })
    }

    /// Who an access token says its bearer is.
    pub(super) fn identity(&self, issuer: &str) -> Result<Identity, TokenError> {
        let client = match self.string("client_id")? {
            None => self.string("azp")?,
            found => found,
        };
        Ok(Identity {
            issuer: issuer.to_owned(),
            subject: self.subject()?.to_owned(),
            client: client.map(str::to_owned),
            scopes: self.scopes()?,
            groups: self
                .strings("groups")
                .filter(|groups| groups.len() <= MAX_GROUPS)
                .ok_or(TokenError::Claims("groups"))?,
            audiences: self.audiences()?,
        })
    }

    /// `sub`, which must be there.
    pub(crate) fn subject(&self) -> Result<&'c str, TokenError> {
        self.string("sub")?.filter(|subject| subject.len() <= MAX_SUBJECT).ok_or(TokenError::Claims("sub"))
    }

    /// The subject of a person of whom `authority` speaks: what it calls them, behind its own name. Unlike
    /// that of a local user it has a colon.
    pub(crate) fn person(&self, authority: &Name) -> Result<String, TokenError> {
        let subject = self.subject()?;
        if subject.chars().any(char::is_control) {
            return Err(TokenError::Claims("sub"));
        }
        Ok(format!("{authority}:{subject}"))
    }

    /// `aud`: a text or a list of texts (RFC 7519 section 4.1.3); absent is empty.
    pub(crate) fn audiences(&self) -> Result<Vec<String>, TokenError> {
        self.one_or_many("aud").ok_or(TokenError::Claims("aud"))
    }

    /// The groups of a person, as a text or a list of a bounded length; absent is empty.
    pub(crate) fn groups(&self, claim: &str) -> Result<Vec<String>, TokenError> {
        let groups = self.one_or_many(claim).filter(|groups| groups.len() <= MAX_GROUPS);
        groups.ok_or(TokenError::Claims("groups"))
    }

    /// `scope` (RFC 8693 section 4.2), else `scp`, which some issuers write instead, as a list or like
    /// `scope`.
    fn scopes(&self) -> Result<Vec<String>, TokenError> {
        let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        match (self.claims.get("scope"), self.claims.get("scp")) {
            (Some(Value::String(text)), _) | (None, Some(Value::String(text))) => Ok(words(text)),
            (Some(_), _) => Err(TokenError::Claims("scope")),
            (None, _) => self.strings("scp").ok_or(TokenError::Claims("scp")),
        }
    }

    /// A claim as it is.
    pub(crate) fn get(&self, name: &str) -> Option<&'c Value> {
        self.claims.get(name)
    }

    /// A text that is not empty.
    pub(crate) fn string(&self, name: &'static str) -> Result<Option<&'c str>, TokenError> {
        match self.claims.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(TokenError::Claims(name)),
        }
    }

    /// A list of texts; absent is empty.
    fn strings(&self, name: &str) -> Option<Vec<String>> {
        match self.claims.get(name) {
            None => Some(Vec::new()),
            Some(list) => list.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        }
    }

    /// A text or a list of texts; absent is empty.
    pub(crate) fn one_or_many(&self, name: &str) -> Option<Vec<String>> {
        match self.claims.get(name) {
            Some(Value::String(text)) => Some(vec![text.clone()]),
            _ => self.strings(name),
        }
    }
}

/// A `NumericDate` (RFC 7519 section 2): seconds since the epoch, whole or not.
fn instant(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, TokenError> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(TokenError::Claims(name)),
    };
    if let Some(secs) = number.as_i64() {
        return Ok(Some(Timestamp::from_secs(secs)));
    }
    let secs = number.as_f64().ok_or(TokenError::Claims(name))?;
    #[expect(clippy::cast_possible_truncation, reason = "the conversion saturates, which is what is meant")]
    let micros = (secs * 1e6) as i64;
    Ok(Some(Timestamp::from_micros(micros)))
}
