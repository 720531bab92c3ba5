//! A JWT in its compact form (RFC 7519, RFC 7515 section 7.1), from text to identity.
//!
//! Two steps, because the keys depend on what an unproven token says: [`peek`] reads and believes nothing,
//! [`Unverified::verify`] believes. Key hints in the header (`jku`, `jwk`, `x5u`, `x5c`) are never looked at.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::{Algorithm, Identity, Issuer, Timestamp};
use serde_json::{Map, Value};

use super::{Kind, TokenError, claims::Proven};
use crate::{json, keys::KeySet};

/// The longest token that is looked at, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// A token that was read, and of which nothing is proven.
pub struct Unverified<'t> {
    /// Header and payload as they were signed.
    message: &'t str,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: Option<String>,
    issuer: String,
    claims: Map<String, Value>,
}

/// What a token proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who bears it. Its audiences are listed, not judged.
    pub identity: Arc<Identity>,
    /// The `exp` claim. [`Unverified::verify`] accepts the token for another 60 seconds; nothing else should.
    pub expires: Timestamp,
}

/// Reads an access token of at most 16 KiB without believing any of it.
///
/// # Errors
/// [`TokenError`] `Malformed`, `Algorithm`, `Type`, `Critical`, and `Issuer` when `iss` is not a text.
pub fn peek(token: &str) -> Result<Unverified<'_>, TokenError> {
    peek_as(Kind::Access, token)
}

/// [`peek`] for any kind of token.
pub(crate) fn peek_as(kind: Kind, token: &str) -> Result<Unverified<'_>, TokenError> {
    if token.len() > MAX_BYTES {
        return Err(TokenError::Malformed("longer than 16 KiB"));
    }
    let (message, header, payload, signature) =
        split(token).ok_or(TokenError::Malformed("not three parts"))?;
    let header =
        object(header).ok_or(TokenError::Malformed("the header is not base64url of a JSON object"))?;
    let (algorithm, key_id) = judge_header(kind, &header)?;
    let claims =
        object(payload).ok_or(TokenError::Malformed("the payload is not base64url of a JSON object"))?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .ok()
        .filter(|signature| !signature.is_empty())
        .ok_or(TokenError::Malformed("the signature is empty or not base64url"))?;
    let issuer = claims.get("iss").and_then(Value::as_str).ok_or(TokenError::Issuer)?.to_owned();
    Ok(Unverified { message, signature, algorithm, key_id, issuer, claims })
}

impl Unverified<'_> {
    /// Who issued it, so it says.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it is for, so it says.
    pub fn audiences(&self) -> Vec<String> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => {
                many.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The `kid` of the header.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The `alg` of the header.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Judges an access token: issuer, algorithm, key, signature, times, claims, in this order.
    ///
    /// Times may be off by 60 seconds. What is *not* judged: the audience and the issuer's required scope.
    ///
    /// # Errors
    /// [`TokenError`]; `needs_keys` tells whether newer keys could help.
    pub fn verify(&self, issuer: &Issuer, keys: &KeySet, now: Timestamp) -> Result<Verified, TokenError> {
        let proven = self.prove(&issuer.issuer, &issuer.algorithms, keys, now)?;
        let identity = Arc::new(proven.identity(&self.issuer)?);
        Ok(Verified { identity, expires: proven.expires })
    }

    /// Judges issuer, algorithm, key, signature and times; what the claims must say depends on the kind of
    /// token.
    pub(crate) fn prove(
        &self,
        issuer: &str,
        algorithms: &[Algorithm],
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<Proven<'_>, TokenError> {
        if self.issuer != issuer {
            return Err(TokenError::Issuer);
        }
        if !algorithms.contains(&self.algorithm) {
            return Err(TokenError::Algorithm);
        }
        let mut candidates = keys.find(self.key_id(), self.algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(TokenError::KeyUnknown);
        }
        if !candidates.any(|key| key.verifies(self.algorithm, self.message.as_bytes(), &self.signature)) {
            return Err(TokenError::Signature);
        }
        Proven::judge(&self.claims, now)
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({} …)", self.algorithm.name())
    }
}

/// Whether the token was issued for `audience`: one of its audiences is that text, character for character.
pub fn audience_is(identity: &Identity, audience: &str) -> bool {
    identity.audiences.iter().any(|named| named == audience)
}

/// What was signed, and the three parts.
fn split(token: &str) -> Option<(&str, &str, &str, &str)> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    (!payload.contains('.')).then_some((message, header, payload, signature))
}

fn object(part: &str) -> Option<Map<String, Value>> {
    json::object(&URL_SAFE_NO_PAD.decode(part).ok()?)
}

fn judge_header(kind: Kind, header: &Map<String, Value>) -> Result<(Algorithm, Option<String>), TokenError> {
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
    let algorithm = algorithm.ok_or(TokenError::Algorithm)?;
    // No extension is understood, so every `crit` names one that is not. `b64: false` (RFC 7797) would change
    // what was signed, whether or not `crit` says so.
    if header.contains_key("crit") || header.get("b64").is_some_and(|value| *value != Value::Bool(true)) {
        return Err(TokenError::Critical);
    }
    if !kind.accepts(header.get("typ")) {
        return Err(TokenError::Type);
    }
    let key_id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(_) => return Err(TokenError::Malformed("`kid` is not a text")),
    };
    Ok((algorithm, key_id))
}

#[cfg(test)]
mod tests;
