//! Stages 3 and 4: who is calling, and is the credential for here?

mod presented;

use std::{net::IpAddr, sync::Arc};

use doorward_auth::{
    keys::hash,
    server::token::{self, TokenKind},
    verify::{self, Verified},
};
use doorward_guard::policy;
use doorward_model::{Caller, CallerKey, Identity, Issuer, Voucher};

pub(super) use presented::Presented;

use self::presented::Credential;
use super::{Reason, Refusal, lease::Lease, record::OpenRecord};
use crate::{
    App,
    listen::ClientCertificate,
    own_tokens::OwnToken,
    people::admission,
    rates::CallKey,
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
    /// Under what its calls are counted, where they are.
    pub(super) counted: Option<CallKey>,
}

impl Authenticated {
    fn new(caller: Caller, voucher: Voucher, lease: Lease) -> Self {
        Self { key: caller.key(), caller, voucher, lease, counted: None }
    }

    fn issued(identity: Arc<Identity>, voucher: Voucher, lease: Lease) -> Self {
        Self::new(Caller::Issued(identity), voucher, lease)
    }

    /// Counts its calls as the entrance says.
    fn counted(mut self, entrance: &Entrance, address: IpAddr) -> Self {
        self.counted = entrance.to.rate().map(|rate| CallKey::of(rate.by, &self.caller, address));
        self
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
        let anybody = Authenticated::new(Caller::Anonymous, Voucher::Nobody, Lease::Unlimited);
        return Ok(anybody.counted(entrance, presented.address));
    }
    let authenticated = match presented.credential(entrance)? {
        Credential::Token(token) => bearer(app, all, (entrance, token), record).await?,
        Credential::Key(key) => key_holder(entrance, key)?,
        Credential::Certificate(certificate) => certificate_holder(app, entrance, certificate)?,
    };
    record.caller(&authenticated.caller);
    // For whom the operator does not let in, the whole virtual server does not exist.
    if !policy::admits(&authenticated.caller, entrance.access(), &authenticated.voucher) {
        return Err(Reason::NotAllowed.into());
    }
    Ok(authenticated.counted(entrance, presented.address))
}

/// Who bears a token.
async fn bearer(
    app: &App,
    all: &Routes,
    (entrance, token): (&Arc<Entrance>, &str),
    record: &mut OpenRecord,
) -> Result<Authenticated, Refusal> {
    if token::recognise(token) == Some(TokenKind::Access) {
        let own = own(app, all, (entrance, token), record).await?;
        Ok(Authenticated::issued(Arc::clone(&own.identity), Voucher::Doorward, Lease::Own(own)))
    } else {
        let (verified, issuer) = verified(app, entrance, token).await?;
        let (identity, lease) = (Arc::clone(&verified.identity), Lease::Until(verified.expires));
        Ok(Authenticated::issued(identity, Voucher::Issuer(issuer), lease))
    }
}

/// Who holds an API key. Streams end with the key: it is part of the rules of the entrance.
fn key_holder(entrance: &Arc<Entrance>, presented: &[u8]) -> Result<Authenticated, Refusal> {
    let digest = hash::hex(&hash::sha256(presented));
    let keys = entrance.access().api_keys.as_deref().unwrap_or_default();
    // All of them are compared, whichever it is.
    let holder = keys.iter().fold(None, |found, key| {
        if hash::same(digest.as_bytes(), key.hash.as_bytes()) { Some(key) } else { found }
    });
    let holder = holder.ok_or_else(|| Reason::ApiKeyUnknown(Arc::clone(entrance)))?;
    let identity = Arc::new(Identity::of_api_key(holder));
    Ok(Authenticated::issued(identity, Voucher::ApiKey, Lease::Unlimited))
}

/// Whom the certificate of the connection names. A connection may live longer than its certificate.
fn certificate_holder(
    app: &App,
    entrance: &Arc<Entrance>,
    certificate: &ClientCertificate,
) -> Result<Authenticated, Refusal> {
    if certificate.expires <= app.clock().now() {
        let missing = Refusal::from(Reason::CredentialMissing(Arc::clone(entrance)));
        return Err(missing.detail("the client certificate has expired"));
    }
    let (identity, lease) = (Arc::clone(&certificate.identity), Lease::Until(certificate.expires));
    Ok(Authenticated::issued(identity, Voucher::Certificate, lease))
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
