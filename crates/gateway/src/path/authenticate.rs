//! Stages 3 and 4: who is calling, and is the credential for here?

use std::sync::Arc;

use doorward_auth::{
    server::token::{self, TokenKind},
    verify::{self, Verified},
};
use doorward_guard::policy;
use doorward_model::{Caller, CallerKey, Issuer, Voucher};
use http::{HeaderMap, header};

use super::{Reason, Refusal, lease::Lease, record::OpenRecord};
use crate::{
    App,
    own_tokens::OwnToken,
    people::admission,
    routes::{Entrance, Routes},
    tokens::TokenCache,
};

/// Proof that the caller's credential was checked for this virtual server or agent.
#[derive(Clone)]
pub(super) struct Authenticated {
    pub(super) caller: Caller,
    pub(super) key: CallerKey,
    pub(super) voucher: Voucher,
    /// How long what the credential opens may stay open.
    pub(super) lease: Lease,
}

/// Where a request may carry a credential.
#[derive(Clone, Copy)]
pub(super) struct Presented<'r> {
    pub(super) headers: &'r HeaderMap,
    /// A token in the URL, where none belongs.
    pub(super) query_has_token: bool,
}

impl Authenticated {
    fn new(caller: Caller, voucher: Voucher, lease: Lease) -> Self {
        Self { key: caller.key(), caller, voucher, lease }
    }
}

/// Finds out who is calling.
pub(super) async fn caller(
    app: &App,
    all: &Routes,
    entrance: &Arc<Entrance>,
    presented: Presented<'_>,
    record: &mut OpenRecord,
) -> Result<Authenticated, Refusal> {
    if entrance.access().open {
        return Ok(Authenticated::new(Caller::Anonymous, Voucher::Nobody, Lease::Unlimited));
    }
    if presented.query_has_token {
        return Err(Reason::CredentialInQuery(Arc::clone(entrance)).into());
    }
    let token = bearer(presented.headers, entrance)?;
    let authenticated = if token::recognise(token) == Some(TokenKind::Access) {
        let own = own(app, all, (entrance, token), record).await?;
        let caller = Caller::Issued(Arc::clone(&own.identity));
        Authenticated::new(caller, Voucher::Doorward, Lease::Own(own))
    } else {
        let (verified, issuer) = verified(app, entrance, token).await?;
        let caller = Caller::Issued(Arc::clone(&verified.identity));
        Authenticated::new(caller, Voucher::Issuer(issuer), Lease::Until(verified.expires))
    };
    record.caller(&authenticated.caller);
    // For whom the operator does not let in, the whole virtual server does not exist.
    if !policy::admits(&authenticated.caller, entrance.access(), &authenticated.voucher) {
        return Err(Reason::NotAllowed.into());
    }
    Ok(authenticated)
}

/// A token of Doorward's own, for exactly this resource.
async fn own(
    app: &App,
    routes: &Routes,
    (entrance, token): (&Arc<Entrance>, &str),
    record: &mut OpenRecord,
) -> Result<Arc<OwnToken>, Refusal> {
    let found = app.own_tokens().look_up(token, routes.origin()).await;
    let own = match found {
        Ok(Some(own)) => own,
        Ok(None) => return Err(invalid(entrance, "token_unknown")),
        Err(error) => return Err(Refusal::from(Reason::Internal).detail(error.to_string())),
    };
    if !own.opens(entrance.to.resource()) {
        // Who tried it is worth knowing.
        record.caller(&Caller::Issued(Arc::clone(&own.identity)));
        return Err(invalid(entrance, "token_audience"));
    }
    if !entrance.access().oauth {
        return Err(invalid(entrance, "token_malformed"));
    }
    if !admission::vouches_for(&routes.snapshot, &own) {
        record.caller(&Caller::Issued(Arc::clone(&own.identity)));
        return Err(Reason::NotAllowed.into());
    }
    Ok(own)
}

/// The one bearer token of the one Authorization header (RFC 6750 section 2.1; the scheme in any case).
fn bearer<'h>(headers: &'h HeaderMap, entrance: &Arc<Entrance>) -> Result<&'h str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Reason::CredentialMissing(Arc::clone(entrance)).into()),
        (Some(value), None) => value,
        _ => return Err(Reason::CredentialAmbiguous(Arc::clone(entrance)).into()),
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token.map(|(_, token)| token.trim()) {
        Some(token) if !token.is_empty() => Ok(token),
        _ => Err(invalid(entrance, "token_malformed")),
    }
}

/// Verifies a token of a trusted issuer, then that it is for this resource.
async fn verified(
    app: &App,
    entrance: &Arc<Entrance>,
    token: &str,
) -> Result<(Arc<Verified>, Arc<Issuer>), Refusal> {
    let Some(jwt) = &entrance.access().jwt else {
        // Tokens of our own are the only other way in, and this one is none.
        return Err(invalid(entrance, "token_malformed"));
    };
    let trusted = |issuer: &str| jwt.issuers.iter().find(|trusted| trusted.issuer == issuer).map(Arc::clone);
    let key = TokenCache::key(token);
    let known = entrance.memory.tokens.get(&key, app.clock().now());
    let (verified, issuer) = if let Some(verified) = known {
        let issuer = trusted(&verified.identity.issuer).ok_or_else(|| invalid(entrance, "token_issuer"))?;
        (verified, issuer)
    } else {
        let unverified = verify::peek(token).map_err(|error| invalid(entrance, error.reason()))?;
        let issuer = trusted(unverified.issuer()).ok_or_else(|| invalid(entrance, "token_issuer"))?;
        let verified = Arc::new(check(app, entrance, &unverified, &issuer).await?);
        entrance.memory.tokens.put(key, Arc::clone(&verified));
        (verified, issuer)
    };
    if !verify::audience_is(&verified.identity, &jwt.audience) {
        return Err(invalid(entrance, "token_audience"));
    }
    Ok((verified, issuer))
}

/// Checks the signature and the claims; looks for new keys when none fits.
async fn check(
    app: &App,
    entrance: &Arc<Entrance>,
    token: &verify::Unverified<'_>,
    issuer: &Issuer,
) -> Result<Verified, Refusal> {
    let refuse = |error: &verify::TokenError| invalid(entrance, error.reason());
    let keys = app.issuers().keys(issuer).await;
    let keys = keys.map_err(|error| invalid(entrance, "token_key_unknown").detail(error.to_string()))?;
    match token.verify(issuer, &keys, app.clock().now()) {
        Err(error) if error.needs_keys() => match app.issuers().newer_keys(issuer, &keys).await {
            Some(newer) => token.verify(issuer, &newer, app.clock().now()).map_err(|error| refuse(&error)),
            None => Err(refuse(&error)),
        },
        outcome => outcome.map_err(|error| refuse(&error)),
    }
}

fn invalid(entrance: &Arc<Entrance>, reason: &'static str) -> Refusal {
    Reason::CredentialInvalid(Arc::clone(entrance), reason).into()
}
