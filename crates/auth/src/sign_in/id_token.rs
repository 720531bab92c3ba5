//! Who signed in, by the provider's ID token (OpenID Connect Core section 3.1.3.7, RFC 8725).

use doorward_model::{Algorithm, SignInProvider, Timestamp};
use serde_json::Value;

use super::SignedIn;
use crate::{
    keys::{KeySet, hash},
    shown::{MAX_NAME, visible},
    verify::{Kind, Proven, TokenError, peek_as},
};

/// The longest address of a person, in bytes (RFC 5321 section 4.5.3.1.3).
const MAX_EMAIL: usize = 254;

/// Why an ID token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// As for every token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It is for another client, or not for Doorward alone.
    #[error("the ID token is for another client")]
    Audience,
    /// It belongs to another attempt to sign in.
    #[error("the ID token belongs to another attempt to sign in")]
    Nonce,
}

impl IdTokenError {
    /// Whether fetching the provider's keys anew could change the outcome.
    pub const fn needs_keys(self) -> bool {
        matches!(self, Self::Token(error) if error.needs_keys())
    }
}

/// Judges an ID token that came from the provider's token endpoint: kind, issuer, signature, times, audience,
/// and that it was made for the attempt with this nonce.
///
/// # Errors
/// [`IdTokenError`]; `needs_keys` tells whether newer keys could help.
pub fn verify_id_token(
    token: &str,
    provider: &SignInProvider,
    keys: &KeySet,
    nonce: &str,
    now: Timestamp,
) -> Result<SignedIn, IdTokenError> {
    let unverified = peek_as(Kind::IdToken, token)?;
    let proven = unverified.prove(&provider.issuer, &Algorithm::ALL, keys, now)?;
    proven.issued.ok_or(TokenError::Claims("iat"))?;
    judge_audience(&proven, &provider.client_id)?;
    let named = proven.string("nonce")?.unwrap_or_default();
    if nonce.is_empty() || !hash::same(named.as_bytes(), nonce.as_bytes()) {
        return Err(IdTokenError::Nonce);
    }
    signed_in(&proven, provider).map_err(IdTokenError::Token)
}

/// Section 3.1.3.7, steps 3 to 5. Of several audiences only `azp` says whose the token is.
fn judge_audience(proven: &Proven<'_>, client_id: &str) -> Result<(), IdTokenError> {
    let audiences = proven.audiences()?;
    let party = proven.string("azp")?;
    let named = audiences.iter().any(|audience| audience == client_id);
    let ours = if audiences.len() > 1 {
        party == Some(client_id)
    } else {
        party.is_none_or(|party| party == client_id)
    };
    if named && ours { Ok(()) } else { Err(IdTokenError::Audience) }
}

fn signed_in(proven: &Proven<'_>, provider: &SignInProvider) -> Result<SignedIn, TokenError> {
    // What is only shown is taken as far as it is of use.
    let text = |name: &str| proven.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let email =
        text("email").filter(|email| email.len() <= MAX_EMAIL && visible(email).as_deref() == Some(email));
    let sub = proven.subject()?.to_owned();
    let names = [text("name"), text("preferred_username"), email, Some(&sub)];
    let name = names.into_iter().flatten().find_map(visible).unwrap_or_default();
    Ok(SignedIn {
        subject: proven.person(&provider.name)?,
        name: name.chars().take(MAX_NAME).collect(),
        email: email.map(str::to_owned),
        email_verified: proven.get("email_verified") == Some(&Value::Bool(true)),
        groups: proven.groups(&provider.groups_claim)?,
        sub,
    })
}

#[cfg(test)]
mod tests;
