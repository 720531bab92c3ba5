//! Who the client is, and a token for itself.

use doorward_auth::{
    keys::KeySet,
    server::{
        client_auth::{self, Presented},
        error::{ErrorCode, OAuthError},
        form::Parameters,
        token_request::ClientCredentials,
    },
};
use doorward_model::{ClientAuthentication, ClientKeys, Fault, Scopes};
use http::{HeaderMap, header};

use super::{Issued, NoToken, Web, access_token, grant_without_person, resource};
use crate::{
    oauth::clients::{self, ClientError, Known},
    path::OpenRecord,
    people::admission,
    rates::Counted,
};

/// A client that proved who it is, as far as it can.
pub(in crate::oauth) struct Proven {
    pub(in crate::oauth) known: Known,
}

/// Finds out which client asks and whether it is that client. Failures are counted by client and address.
pub(in crate::oauth) async fn prove(
    web: &Web<'_>,
    headers: &HeaderMap,
    fields: &Parameters,
    asker: &str,
    record: &mut OpenRecord,
) -> Result<Proven, NoToken> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let authorization = values.next().map(|value| value.to_str().unwrap_or("?"));
    if values.next().is_some() {
        return Err(OAuthError::new(ErrorCode::InvalidRequest, "more than one Authorization header").into());
    }
    let presented = client_auth::presented(authorization, fields)?;
    record.client(&presented.id);
    let tries = format!("{asker} {}", presented.id);
    if web.app.rates().check(Counted::ClientFailure, &tries, web.now()).is_err() {
        let error =
            OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many attempts failed; wait a minute");
        return Err(error.into());
    }
    let proven = authenticate(web, &presented, asker, record).await;
    if matches!(&proven, Err(NoToken::OAuth(error)) if error.code == ErrorCode::InvalidClient) {
        // Over the limit already counts as tried.
        let _ = web.app.rates().admit(Counted::ClientFailure, &tries, web.now());
    }
    proven
}

async fn authenticate(
    web: &Web<'_>,
    presented: &Presented,
    asker: &str,
    record: &mut OpenRecord,
) -> Result<Proven, NoToken> {
    let unknown =
        OAuthError::new(ErrorCode::InvalidClient, "the client is unknown, or it did not prove who it is");
    let known = match web.app.clients().find(web, &presented.id, asker).await {
        Ok(known) => known,
        Err(ClientError::Store(error)) => return Err(error.into()),
        Err(error) => {
            record.failed("client_unknown", Some(error.to_string()), Fault::Caller);
            return Err(unknown.into());
        }
    };
    let keys = match &known.client.authentication {
        ClientAuthentication::PrivateKeyJwt(keys) => {
            Some(key_set(web, keys).await.map_err(|_| unknown)?)
        }
        ClientAuthentication::None | ClientAuthentication::Secret(_) => None,
    };
    let assertion = client_auth::authenticate(
        &known.client,
        known.secret_hash.as_deref(),
        presented,
        keys.as_ref(),
        &web.issuer(),
        web.now(),
    )?;
    if let Some(assertion) = assertion {
        let id = format!("{}\n{}", known.client.id, assertion.jti);
        let id = doorward_auth::server::token::hash(&id);
        if !web.app.store().use_once("client-assertion", &id, assertion.expires).await? {
            return Err(unknown.into());
        }
    }
    Ok(Proven { known })
}

/// The public keys of a client. Fetched each time: such a client asks for a token once an hour.
async fn key_set(web: &Web<'_>, keys: &ClientKeys) -> Result<KeySet, String> {
    match keys {
        ClientKeys::Inline(text) => KeySet::parse(text.as_bytes()).map_err(|error| error.to_string()),
        ClientKeys::Uri(url) => {
            let (body, _) = clients::fetch(web.app.egress(), web, url).await?;
            KeySet::parse(&body).map_err(|error| error.to_string())
        }
    }
}

/// A token for the client itself, without a person (OAuth 2.1 section 4.2).
pub(super) async fn credentials(
    web: &Web<'_>,
    proven: &Proven,
    request: &ClientCredentials,
) -> Result<Issued, NoToken> {
    let client = &proven.known.client;
    let resource = resource(web, proven, request.resource.as_deref())?;
    let scopes = request.scopes.unwrap_or(Scopes::MCP).and(Scopes::MCP);
    if scopes.is_empty() {
        return Err(
            OAuthError::new(ErrorCode::InvalidScope, "no scope of this resource was asked for").into()
        );
    }
    let subject = format!("client:{}", client.id);
    let grant = grant_without_person(web, proven, (subject, Vec::new()), resource, scopes);
    admission::admits_grant(web.routes, &grant)
        .then_some(())
        .ok_or(OAuthError::new(ErrorCode::AccessDenied, "the client is not let in there"))?;
    let (access, row) = access_token(web, scopes);
    web.app.store().put_client_grant(&grant, &row).await?;
    Ok(Issued { grant, scopes, access, refresh: None })
}
