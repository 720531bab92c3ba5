//! Tokens that are given back (RFC 7009), and asked about (RFC 7662).

use doorward_auth::server::{
    error::{ErrorCode, OAuthError},
    form::Parameters,
    token::{self, TokenKind},
};
use doorward_store::StoreError;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Outcome, Web, form, reply,
    token::{NoToken, Proven, prove},
};
use crate::path::{OpenRecord, Visit};

/// The parameters that count, those of client authentication included.
const FIELDS: [&str; 5] =
    ["client_assertion", "client_assertion_type", "client_id", "client_secret", "token"];

/// Takes a token back. What is not this client's is answered the same, and stays.
pub(super) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let (proven, token) = match asked(web, visit, record).await {
        Ok(asked) => asked,
        Err(no_token) => return no_token.answer(record),
    };
    take_back(web, &proven, &token).await?;
    record.allow();
    Ok(reply::nothing())
}

async fn take_back(web: &Web<'_>, proven: &Proven, text: &str) -> Result<(), StoreError> {
    let (client, hash) = (&proven.known.client.id, token::hash(text));
    match token::recognise(text) {
        // The whole grant, and every token of it.
        Some(TokenKind::Refresh) => {
            if let Some(stored) = web.app.store().refresh_token(&hash).await?
                && stored.grant.client == *client
            {
                web.take_back(&stored.grant).await?;
            }
        }
        // This one; the client may refresh.
        Some(TokenKind::Access) => {
            if let Some(stored) = web.app.store().access_token(&hash, web.now()).await?
                && stored.grant.client == *client
            {
                web.app.store().revoke_access_token(&hash, web.now()).await?;
                web.app.own_tokens().forget([hash]);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Says what a token is to a client that may know: its own, or those for the one resource that it is bound to.
pub(super) async fn introspect(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let (proven, token) = match asked(web, visit, record).await {
        Ok(asked) => asked,
        Err(no_token) => return no_token.answer(record),
    };
    if !proven.authenticated.confidential {
        let error = OAuthError::new(ErrorCode::InvalidClient, "only clients that prove who they are may ask");
        return Ok(reply::error(&error, record));
    }
    record.allow();
    Ok(reply::json(StatusCode::OK, &described(web, &proven, &token).await?))
}

async fn described(web: &Web<'_>, proven: &Proven, text: &str) -> Result<Value, StoreError> {
    let inactive = json!({ "active": false });
    if token::recognise(text) != Some(TokenKind::Access) {
        return Ok(inactive);
    }
    let Some(stored) = web.app.store().access_token(&token::hash(text), web.now()).await? else {
        return Ok(inactive);
    };
    let (grant, client) = (stored.grant, &proven.known.client);
    if grant.client != client.id && client.resource.as_ref() != Some(&grant.resource) {
        return Ok(inactive);
    }
    Ok(json!({
        "active": true,
        "iss": web.issuer(),
        "sub": grant.subject,
        "aud": grant.resource,
        "client_id": grant.client,
        "scope": stored.scopes.to_string(),
        "token_type": "Bearer",
        "exp": stored.expires.as_secs(),
    }))
}

/// The client and the token of a request to either endpoint.
async fn asked(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Result<(Proven, String), NoToken> {
    let text = form::read(web, &visit.headers, visit.body).await?;
    let fields = Parameters::parse(&text, &FIELDS)?;
    let proven = prove(web, &visit.headers, &fields, record).await?;
    let missing = OAuthError::new(ErrorCode::InvalidRequest, "token is missing");
    let token = fields.get("token").ok_or(missing)?.to_owned();
    Ok((proven, token))
}
