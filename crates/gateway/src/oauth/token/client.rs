//! Who the client is, and a token for itself.

use doorward_auth::{
    keys::KeySet,
    server::{
        client_auth::{self, Authenticated, Expected, Presented, Proof},
        error::{ErrorCode, OAuthError},
        form::Parameters,
        token, token_request,
    },
};
use doorward_model::{ClientAuthentication, Fault};
use http::{HeaderMap, header};

use super::{Issued, NoToken, Web, Wish, at_once, grant_without_person};
use crate::{
    oauth::{
        authorize,
        clients::{ClientError, Known},
    },
    path::OpenRecord,
    people::admission,
    rates::Counted,
};

/// A client that proved who it is, as far as it can.
pub(in crate::oauth) struct Proven {
    pub(in crate::oauth) known: Known,
    pub(in crate::oauth) authenticated: Authenticated,
}

/// Finds out which client asks and whether it is that client. Failures are counted by client and address.
pub(in crate::oauth) async fn prove(
    web: &Web<'_>,
    headers: &HeaderMap,
    fields: &Parameters,
    record: &mut OpenRecord,
) -> Result<Proven, NoToken> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = values.next().map(|value| value.to_str().unwrap_or("?"));
    if values.next().is_some() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "more than one Authorization header").into());
    }
    let presented = client_auth::presented(authorization, fields)?;
    record.client(&presented.id);
    let tries = format!("{} {}", web.address, token::hash(&presented.id));
    // Only who brings a proof can be guessing; nobody keeps others from a client that has none.
    let guesses = !matches!(presented.proof, Proof::None);
    if guesses {
        web.app.rates().check(Counted::ClientFailure, &tries, web.now()).map_err(NoToken::TooOften)?;
    }
    let proven = authenticate(web, &presented, record).await;
    if guesses && matches!(&proven, Err(NoToken::OAuth(error)) if error.code == ErrorCode::InvalidClient) {
        // Over the limit already counts as tried.
        let _ = web.app.rates().admit(Counted::ClientFailure, &tries, web.now());
    }
    proven
}

async fn authenticate(
    web: &Web<'_>,
    presented: &Presented,
    record: &mut OpenRecord,
) -> Result<Proven, NoToken> {
    let known = match web.app.clients().find(web, &presented.id).await {
        Ok(known) => known,
        Err(ClientError::Store(error)) => return Err(error.into()),
        Err(error) => {
            record.failed("client_unknown", Some(error.to_string()), Fault::Caller);
            return Err(client_auth::UNKNOWN.into());
        }
    };
    let mut keys = match &known.client.authentication {
        // Nothing is fetched for somebody who brings no proof.
        ClientAuthentication::PrivateKeyJwt(keys) if matches!(presented.proof, Proof::Assertion(_)) => {
            web.app.clients().keys(web, keys).await
        }
        _ => None,
    };
    let mut tried = expect(web, &known, keys.as_deref()).authenticate(presented, web.now());
    if let (Err(error), ClientAuthentication::PrivateKeyJwt(from)) = (&tried, &known.client.authentication)
        && error.needs_keys()
    {
        keys = web.app.clients().newer_keys(web, from).await;
        tried = expect(web, &known, keys.as_deref()).authenticate(presented, web.now());
    }
    let authenticated = tried.map_err(|error| {
        record.failed(error.reason(), Some(error.to_string()), Fault::Caller);
        client_auth::UNKNOWN
    })?;
    if let Some(once) = &authenticated.once
        && !web.app.store().use_once("client-assertion", &once.hash, once.expires).await?
    {
        return Err(client_auth::UNKNOWN.into());
    }
    Ok(Proven { known, authenticated })
}

fn expect<'e>(web: &'e Web<'_>, known: &'e Known, keys: Option<&'e KeySet>) -> Expected<'e> {
    Expected {
        client: &known.client,
        secret_hash: known.secret_hash.as_deref(),
        keys,
        or_none: known.or_none,
        issuer: web.routes.origin(),
    }
}

/// A token for the client itself, without a person (OAuth 2.1 section 4.2).
pub(super) async fn credentials(web: &Web<'_>, proven: &Proven, wish: &Wish) -> Result<Issued, NoToken> {
    let client = &proven.known.client;
    let (scope, resource) = (wish.scope.as_deref(), wish.resource.as_deref());
    let offered = token_request::check_client_credentials(client, scope, resource, &|resource| {
        authorize::offered(web.routes, resource)
    })?;
    let subject = format!("client:{}", client.id);
    let grant = grant_without_person(web, proven, (subject, Vec::new()), offered.resource, offered.scopes);
    let not_let_in = OAuthError::new(ErrorCode::UnauthorizedClient, "the client is not let in there");
    let admitted = admission::admit(web.routes, grant).ok_or(not_let_in)?;
    at_once(web, admitted).await
}
