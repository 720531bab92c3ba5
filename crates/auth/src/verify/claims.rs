//! The claims of a token whose signature was right (RFC 7519 section 4, RFC 9068 section 2.2).
//!
//! A claim that is there must be of its type: a token that says something odd is refused rather than half
//! understood.

use doorward_model::{Identity, Timestamp};
use serde_json::{Map, Value};

use super::TokenError;

/// How far clocks may be apart, in seconds.
const SKEW: i64 = 60;
/// The longest `sub`, in bytes.
const MAX_SUBJECT: usize = 255;
/// The most `groups`.
const MAX_GROUPS: usize = 200;

type Claims = Map<String, Value>;

/// Judges `exp` (required), `nbf` and `iat`, and gives `exp` back.
pub(super) fn judge_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, TokenError> {
    let expires = instant(claims, "exp")?.ok_or(TokenError::Claims("exp"))?;
    let begins = [instant(claims, "nbf")?, instant(claims, "iat")?];
    if now >= expires.plus_secs(SKEW) {
        return Err(TokenError::Expired);
    }
    if begins.into_iter().flatten().any(|begins| begins > now.plus_secs(SKEW)) {
        return Err(TokenError::NotYet);
    }
    Ok(expires)
}

/// Who the token says its bearer is.
pub(super) fn identity(claims: &Claims, issuer: &str) -> Result<Identity, TokenError> {
    let subject = string(claims, "sub")?
        .filter(|subject| subject.len() <= MAX_SUBJECT)
        .ok_or(TokenError::Claims("sub"))?;
    let client = match string(claims, "client_id")? {
        None => string(claims, "azp")?,
        found => found,
    };
    let groups = strings(claims, "groups")?;
    if groups.len() > MAX_GROUPS {
        return Err(TokenError::Claims("groups"));
    }
    Ok(Identity {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        client: client.map(str::to_owned),
        scopes: scopes(claims)?,
        groups,
        audiences: one_or_many(claims, "aud")?,
    })
}

/// `scope` (RFC 8693 section 4.2), else `scp`, which some issuers write instead, as a list or like `scope`.
fn scopes(claims: &Claims) -> Result<Vec<String>, TokenError> {
    let words = |text: &str| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    match (claims.get("scope"), claims.get("scp")) {
        (Some(Value::String(text)), _) | (None, Some(Value::String(text))) => Ok(words(text)),
        (Some(_), _) => Err(TokenError::Claims("scope")),
        (None, _) => strings(claims, "scp"),
    }
}

/// A text that is not empty.
fn string<'c>(claims: &'c Claims, name: &'static str) -> Result<Option<&'c str>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(TokenError::Claims(name)),
    }
}

/// A list of texts; absent is empty.
fn strings(claims: &Claims, name: &'static str) -> Result<Vec<String>, TokenError> {
    match claims.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or(TokenError::Claims(name)))
            .collect(),
        Some(_) => Err(TokenError::Claims(name)),
    }
}

/// A text or a list of texts (RFC 7519 section 4.1.3); absent is empty.
fn one_or_many(claims: &Claims, name: &'static str) -> Result<Vec<String>, TokenError> {
    match claims.get(name) {
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        _ => strings(claims, name),
    }
}

/// A `NumericDate` (RFC 7519 section 2): seconds since the epoch, whole or not.
fn instant(claims: &Claims, name: &'static str) -> Result<Option<Timestamp>, TokenError> {
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
