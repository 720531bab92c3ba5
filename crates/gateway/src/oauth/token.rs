//! The token endpoint (OAuth 2.1 section 4.1.3 and following): who the client is, then what it brings.
//!
//! Everything about a request is checked before anything of it is used up: a wrong verifier, a foreign resource or a
//! client that cannot prove who it is leave a code as good as it was.

mod assertion;
mod client;
mod code;
mod refresh;

use doorward_auth::{
    keys::hash,
    server::{
        error::{ErrorCode, OAuthError},
        form::Parameters,
        token::{self, TokenKind},
        token_request::{self, TokenRequest},
    },
};
use doorward_model::{ClientGrant, Scope, Scopes, Secret, Timestamp};
use doorward_store::{NewAccessToken, NewRefreshToken, StoreError};
use http::StatusCode;

pub(super) use client::{Proven, prove};

use super::{Outcome, Web, authorize, consent::seconds, form, reply};
use crate::{
    path::{OpenRecord, Visit},
    rates::address_key,
};

/// Why there is no token.
pub(super) enum NoToken {
    OAuth(OAuthError),
    Store(StoreError),
}

impl From<OAuthError> for NoToken {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl From<StoreError> for NoToken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Tokens as the client gets them.
struct Issued {
    grant: ClientGrant,
    scopes: Scopes,
    access: Secret,
    refresh: Option<Secret>,
}

/// Issues tokens.
pub(super) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    match issue(web, visit, record).await {
        Ok(issued) => {
            record.client_grant(&web.issuer(), &issued.grant);
            record.allow();
            let ttl = seconds(web.routes.snapshot.tokens.access_ttl);
            let body = token_request::response(
                &issued.access,
                issued.refresh.as_ref(),
                ttl,
                issued.scopes,
                &issued.grant.resource,
            );
            Ok(reply::json(StatusCode::OK, &body))
        }
        Err(NoToken::OAuth(error)) => Ok(reply::error(&error, record)),
        Err(NoToken::Store(error)) => Err(error.into()),
    }
}

async fn issue(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Result<Issued, NoToken> {
    let asker = address_key(visit.address);
    let text = form::read(web, &visit.headers, visit.body).await?;
    let fields = Parameters::parse(&text, &token_request::FIELDS)?;
    let proven = prove(web, &visit.headers, &fields, &asker, record).await?;
    match TokenRequest::parse(&fields, &proven.known.client)? {
        TokenRequest::AuthorizationCode(request) => code::redeem(web, &proven, &request).await,
        TokenRequest::Refresh(request) => refresh::rotate(web, &proven, &request, record).await,
        TokenRequest::ClientCredentials(request) => client::credentials(web, &proven, &request).await,
        TokenRequest::JwtBearer(request) => assertion::redeem(web, &proven, &request).await,
    }
}

/// A new access token, and the row that remembers it.
fn access_token(web: &Web<'_>, scopes: Scopes) -> (Secret, NewAccessToken) {
    let (secret, now) = (token::mint(TokenKind::Access), web.now());
    let row = NewAccessToken {
        hash: token::hash(secret.expose()),
        scopes,
        issued: now,
        expires: now.plus_secs(seconds(web.routes.snapshot.tokens.access_ttl)),
    };
    (secret, row)
}

/// A new refresh token; never good for longer than its grant.
fn refresh_token(web: &Web<'_>, until: Timestamp) -> (Secret, NewRefreshToken) {
    let (secret, now) = (token::mint(TokenKind::Refresh), web.now());
    let idle = now.plus_secs(seconds(web.routes.snapshot.tokens.refresh_idle));
    let row = NewRefreshToken { hash: token::hash(secret.expose()), issued: now, expires: idle.min(until) };
    (secret, row)
}

/// The one resource that a request without a person asks for, as Doorward writes it.
fn resource(web: &Web<'_>, proven: &Proven, asked: Option<&str>) -> Result<String, OAuthError> {
    let nowhere = OAuthError::new(ErrorCode::InvalidTarget, "resource must name one resource of this server");
    let bound = proven.known.client.resource.as_deref();
    let asked = asked.or(bound).ok_or(nowhere)?;
    let canonical = doorward_auth::server::resource::canonical(asked).ok_or(nowhere)?;
    let offered = authorize::offered(web.routes, &canonical).ok_or(nowhere)?;
    match bound {
        Some(bound) if bound != offered.resource => Err(nowhere),
        _ => Ok(offered.resource),
    }
}

/// A grant for somebody who is not asked: the client itself, or whom an assertion names.
fn grant_without_person(
    web: &Web<'_>,
    proven: &Proven,
    (subject, groups): (String, Vec<String>),
    resource: String,
    scopes: Scopes,
) -> ClientGrant {
    let now = web.now();
    ClientGrant {
        id: hash::random_hex::<16>(),
        subject,
        groups,
        domain: None,
        client: proven.known.client.id.clone(),
        client_name: proven.known.client.name.clone(),
        redirect: None,
        resource,
        scopes: scopes.without(Scope::OfflineAccess),
        created: now,
        // No refresh token: it ends with its access token.
        expires: now.plus_secs(seconds(web.routes.snapshot.tokens.access_ttl)),
    }
}
