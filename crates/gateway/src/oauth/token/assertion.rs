//! Another authorization server's word for a person becomes a token (ID-JAG, enterprise-managed authorization).

use doorward_auth::server::{
    assertion,
    error::{ErrorCode, OAuthError},
    resource, token, token_request,
};
use doorward_model::{Scopes, Secret};

use super::{Issued, NoToken, Proven, Web, Wish, access_token, grant_without_person};
use crate::{oauth::authorize, people::admission};

/// Redeems an assertion, once. No refresh token comes of it: the client asks its identity provider again.
pub(super) async fn redeem(web: &Web<'_>, proven: &Proven, (text, wish): (&Secret, &Wish)) -> Result<Issued, NoToken> {
    let refused = OAuthError::new(ErrorCode::InvalidGrant, "the assertion is not good here");
    let unverified = assertion::peek(text.expose()).map_err(|_| refused)?;
    let issuers = &web.routes.snapshot.issuers;
    let issuer = issuers.values().find(|issuer| issuer.id_jag && issuer.issuer == unverified.issuer());
    let issuer = issuer.ok_or(refused)?;
    let keys = web.app.issuers().keys(issuer).await.map_err(|_| refused)?;
    let verified = unverified.verify(issuer, &keys, &web.issuer(), &proven.known.client.id, web.now());
    let said = match verified {
        Err(error) if error.needs_keys() => {
            let newer = web.app.issuers().newer_keys(issuer, &keys).await.ok_or(refused)?;
            unverified.verify(issuer, &newer, &web.issuer(), &proven.known.client.id, web.now())
        }
        outcome => outcome,
    }
    .map_err(|_| refused)?;
    resource::same(wish.resource.as_deref(), &said.resource)?;
    let client = &proven.known.client;
    let scope = wish.scope.as_deref();
    let offered = token_request::check_client_credentials(client, scope, Some(&said.resource), &|resource| {
        authorize::offered(web.routes, resource)
    })?;
    let scopes = said.scopes.unwrap_or(Scopes::MCP).and(offered.scopes);
    if scopes.is_empty() {
        return Err(
            OAuthError::new(ErrorCode::InvalidScope, "the assertion allows none of these scopes").into()
        );
    }
    let subject = format!("{}:{}", issuer.name, said.subject);
    let grant = grant_without_person(web, proven, (subject, said.groups), offered.resource, scopes);
    if !admission::admits_grant(web.routes, &grant) {
        return Err(OAuthError::new(ErrorCode::AccessDenied, "this person is not let in there").into());
    }
    let once = token::hash(&format!("{}\n{}", issuer.issuer, said.jti));
    if !web.app.store().use_once("id-jag", &once, said.expires).await? {
        return Err(refused.into());
    }
    let (access, row) = access_token(web, scopes);
    web.app.store().put_client_grant(&grant, &row).await?;
    Ok(Issued { grant, scopes, access, refresh: None })
}
