//! Another authorization server's word for a person becomes a token (ID-JAG, enterprise-managed authorization).

use doorward_auth::server::{
    assertion,
    error::{ErrorCode, OAuthError},
    token,
    token_request::JwtBearer,
};
use doorward_model::Scopes;

use super::{Issued, NoToken, Proven, Web, access_token, grant_without_person, resource};
use crate::people::admission;

/// Redeems an assertion, once. No refresh token comes of it: the client asks its identity provider again.
pub(super) async fn redeem(web: &Web<'_>, proven: &Proven, request: &JwtBearer) -> Result<Issued, NoToken> {
    let refused = OAuthError::new(ErrorCode::InvalidGrant, "the assertion is not good here");
    let text = request.assertion.expose();
    let unverified = assertion::peek(text).map_err(|_| refused)?;
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
    let resource = resource(web, proven, Some(&said.resource))?;
    let wanted = request.scopes.unwrap_or(Scopes::MCP);
    let scopes = said.scopes.unwrap_or(Scopes::MCP).and(wanted).and(Scopes::MCP);
    if scopes.is_empty() {
        return Err(
            OAuthError::new(ErrorCode::InvalidScope, "the assertion allows none of these scopes").into()
        );
    }
    let subject = format!("{}:{}", issuer.name, said.subject);
    let grant = grant_without_person(web, proven, (subject, said.groups), resource, scopes);
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
