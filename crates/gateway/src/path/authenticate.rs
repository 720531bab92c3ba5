//! Stages 3 and 4: who is calling, and is the credential for here?

use std::sync::Arc;

use doorward_auth::verify::{self, Verified};
use doorward_guard::policy;
use doorward_model::{Caller, CallerKey, Issuer, Timestamp};
use http::{HeaderMap, header};

use super::{Reason, Refusal, Routed, record::OpenRecord};
use crate::{App, routes::Published, tokens::TokenCache};

/// Proof that the caller's credential was checked for this virtual server.
#[derive(Clone)]
pub(super) struct Authenticated {
    pub(super) caller: Caller,
    pub(super) key: CallerKey,
    /// The configuration of who vouches for the caller.
    pub(super) issuer: Option<Arc<Issuer>>,
    /// When the credential ceases to be one.
    pub(super) expires: Option<Timestamp>,
}

/// Finds out who is calling.
pub(super) async fn caller(
    app: &App,
    routed: &Routed,
    record: &mut OpenRecord,
) -> Result<Authenticated, Refusal> {
    let published = &routed.published;
    if published.server.access.open {
        let caller = Caller::Anonymous;
        return Ok(Authenticated { key: caller.key(), caller, issuer: None, expires: None });
    }
    if routed.query_has_token {
        return Err(Reason::CredentialInQuery(Arc::clone(published)).into());
    }
    let token = bearer(&routed.headers, published)?;
    let (verified, issuer) = verified(app, published, token).await?;
    let caller = Caller::Issued(Arc::clone(&verified.identity));
    record.caller(&caller);
    // For whom the operator does not let in, the whole virtual server does not exist.
    if !policy::admits(&caller, &published.server.access, Some(&issuer)) {
        return Err(Reason::NotAllowed.into());
    }
    let expires = Some(verified.expires);
    Ok(Authenticated { key: caller.key(), caller, issuer: Some(issuer), expires })
}

/// The one bearer token of the one Authorization header (RFC 6750 section 2.1; the scheme in any case).
fn bearer<'h>(headers: &'h HeaderMap, published: &Arc<Published>) -> Result<&'h str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Reason::CredentialMissing(Arc::clone(published)).into()),
        (Some(value), None) => value,
        _ => return Err(Reason::CredentialAmbiguous(Arc::clone(published)).into()),
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token.map(|(_, token)| token.trim()) {
        Some(token) if !token.is_empty() => Ok(token),
        _ => Err(invalid(published, "token_malformed")),
    }
}

/// Verifies a token of a trusted issuer, then that it is for this resource.
async fn verified(
    app: &App,
    published: &Arc<Published>,
    token: &str,
) -> Result<(Arc<Verified>, Arc<Issuer>), Refusal> {
    let Some(jwt) = &published.server.access.jwt else {
        // Tokens of our own are the only other way in, and this one is none.
        return Err(invalid(published, "token_malformed"));
    };
    let trusted = |issuer: &str| jwt.issuers.iter().find(|trusted| trusted.issuer == issuer).map(Arc::clone);
    let key = TokenCache::key(token);
    let known = published.memory.tokens.get(&key, app.clock().now());
    let (verified, issuer) = if let Some(verified) = known {
        let issuer = trusted(&verified.identity.issuer).ok_or_else(|| invalid(published, "token_issuer"))?;
        (verified, issuer)
    } else {
        let unverified = verify::peek(token).map_err(|error| invalid(published, error.reason()))?;
        let issuer = trusted(unverified.issuer()).ok_or_else(|| invalid(published, "token_issuer"))?;
        let verified = Arc::new(check(app, published, &unverified, &issuer).await?);
        published.memory.tokens.put(key, Arc::clone(&verified));
        (verified, issuer)
    };
    if !verify::audience_is(&verified.identity, &jwt.audience) {
        return Err(invalid(published, "token_audience"));
    }
    Ok((verified, issuer))
}

/// Checks the signature and the claims; looks for new keys when none fits.
async fn check(
    app: &App,
    published: &Arc<Published>,
    token: &verify::Unverified<'_>,
    issuer: &Issuer,
) -> Result<Verified, Refusal> {
    let refuse = |error: &verify::TokenError| invalid(published, error.reason());
    let keys = app.issuers().keys(issuer).await;
    let keys = keys.map_err(|error| invalid(published, "token_key_unknown").detail(error.to_string()))?;
    match token.verify(issuer, &keys, app.clock().now()) {
        Err(error) if error.needs_keys() => match app.issuers().newer_keys(issuer, &keys).await {
            Some(newer) => token.verify(issuer, &newer, app.clock().now()).map_err(|error| refuse(&error)),
            None => Err(refuse(&error)),
        },
        outcome => outcome.map_err(|error| refuse(&error)),
    }
}

fn invalid(published: &Arc<Published>, reason: &'static str) -> Refusal {
    Reason::CredentialInvalid(Arc::clone(published), reason).into()
}
