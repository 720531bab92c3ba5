//! Clients that register themselves (RFC 7591): bounded in size, number and life.

use doorward_auth::server::{
    error::{ErrorCode, OAuthError},
    registration,
    token::{self, TokenKind},
};
use http::StatusCode;

use super::{Outcome, Web, form, reply};
use crate::path::{OpenRecord, Visit};

/// Clients that never came back with a grant; beyond that the oldest make room.
const MOST_UNUSED: u32 = 5_000;

/// Registers a client.
pub(super) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    if !web.routes.snapshot.tokens.registration {
        let error = OAuthError::new(ErrorCode::AccessDenied, "clients are registered by the operator here");
        return Ok(reply::error(&error, record));
    }
    let body = match form::read_json(web, &visit.headers, visit.body, registration::MAX_BYTES).await {
        Ok(body) => body,
        Err(error) => {
            return Ok(reply::error(&OAuthError { code: ErrorCode::InvalidClientMetadata, ..error }, record));
        }
    };
    let registered = match registration::register(&body, registration::new_id(), web.now()) {
        Ok(registered) => registered,
        Err(error) => return Ok(reply::error(&error, record)),
    };
    let secret = registered.wants_secret().then(|| token::mint(TokenKind::ClientSecret));
    let secret_hash = secret.as_ref().map(|secret| token::hash(secret.expose()));
    record.client(&registered.client.id);
    let stored = web.app.store();
    if !stored.register_client(&registered.client, secret_hash.as_deref(), MOST_UNUSED).await? {
        let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many clients were registered");
        return Ok(reply::error(&error, record));
    }
    record.allow();
    let body = registration::response(&registered, secret.as_ref());
    Ok(reply::json(StatusCode::CREATED, &body))
}
