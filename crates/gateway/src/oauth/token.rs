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
        error::OAuthError,
        form::Parameters,
        token::{self, TokenKind},
        token_request::{self, TokenRequest},
    },
};
use doorward_model::{ClientGrant, Scope, Scopes, Secret, TooOften};
use doorward_store::{NewAccessToken, NewRefreshToken, StoreError};
use http::StatusCode;

pub(super) use client::{Proven, prove};

use super::{Outcome, Web, consent::seconds, form, reply};
use crate::{
    path::{OpenRecord, Visit},
    people::admission::Admitted,
};

/// Why there is no token.
pub(super) enum NoToken {
    OAuth(OAuthError),
    TooOften(TooOften),
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

/// What a client asks for, as it wrote it.
struct Wish {
    scope: Option<String>,
    resource: Option<String>,
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
            let body = token_request::token_response(
                &issued.access,
                issued.refresh.as_ref(),
                web.routes.snapshot.tokens.access_ttl,
                issued.scopes,
                &issued.grant.resource,
            );
            Ok(reply::json(StatusCode::OK, &body))
        }
        Err(no_token) => no_token.answer(record),
    }
}

impl NoToken {
    /// What the client is told.
    pub(super) fn answer(self, record: &mut OpenRecord) -> Outcome {
        match self {
            Self::OAuth(error) => Ok(reply::error(&error, record)),
            Self::TooOften(too_often) => Ok(reply::too_often_in_json(too_often, record)),
            Self::Store(error) => Err(error.into()),
        }
    }
}

async fn issue(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Result<Issued, NoToken> {
    let text = form::read(web, &visit.headers, visit.body).await?;
    let fields = Parameters::parse(&text, &token_request::PARAMETERS)?;
    let proven = prove(web, &visit.headers, &fields, record).await?;
    let request = TokenRequest::read(&fields)?;
    request.allowed_for(&proven.known.client, &proven.authenticated)?;
    match request {
        TokenRequest::AuthorizationCode(request) => code::redeem(web, &proven, &request, record).await,
        TokenRequest::Refresh { token, scope, resource } => {
            let wish = Wish { scope, resource };
            refresh::rotate(web, &proven, (&token, &wish), record).await
        }
        TokenRequest::ClientCredentials { scope, resource } => {
            client::credentials(web, &proven, &Wish { scope, resource }).await
        }
        TokenRequest::JwtBearer { assertion, scope, resource } => {
            assertion::redeem(web, &proven, (&assertion, &Wish { scope, resource }), record).await
        }
    }
}

/// Issues to somebody who is not asked: an access token, and no more.
async fn at_once(web: &Web<'_>, admitted: Admitted) -> Result<Issued, NoToken> {
    let scopes = admitted.grant().scopes;
    let (access, row) = access_token(web, &admitted, scopes);
    web.app.store().put_client_grant(admitted.grant(), &row).await?;
    Ok(Issued { grant: admitted.into_grant(), scopes, access, refresh: None })
}

/// A new access token for somebody who was admitted, and the row that remembers it.
fn access_token(web: &Web<'_>, _admitted: &Admitted, scopes: Scopes) -> (Secret, NewAccessToken) {
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
fn refresh_token(web: &Web<'_>, admitted: &Admitted) -> (Secret, NewRefreshToken) {
    let (secret, now) = (token::mint(TokenKind::Refresh), web.now());
    let idle = now.plus_secs(seconds(web.routes.snapshot.tokens.refresh_idle));
    let expires = idle.min(admitted.grant().expires);
    let row = NewRefreshToken { hash: token::hash(secret.expose()), issued: now, expires };
    (secret, row)
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
