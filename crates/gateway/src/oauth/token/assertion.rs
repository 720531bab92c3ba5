//! Another authorization server's word for a person becomes a token (ID-JAG, enterprise-managed authorization).

use std::sync::Arc;

use doorward_auth::{
    server::{
        assertion::{self, Assertion, AssertionError, Audience, IdJag},
        error::{ErrorCode, OAuthError},
    },
    verify::TokenError,
};
use doorward_model::{Fault, Issuer, Secret};

use super::{Issued, NoToken, Proven, Web, Wish, at_once, grant_without_person};
use crate::{oauth::authorize, path::OpenRecord, people::admission};

/// Redeems an assertion, once. No refresh token comes of it: the client asks its identity provider again.
pub(super) async fn redeem(
    web: &Web<'_>,
    proven: &Proven,
    (text, wish): (&Secret, &Wish),
    record: &mut OpenRecord,
) -> Result<Issued, NoToken> {
    let mut refused = |error: AssertionError| {
        record.failed(error.reason(), Some(error.to_string()), Fault::Caller);
        OAuthError::from(error)
    };
    let read = assertion::peek(text.expose()).map_err(&mut refused)?;
    let said = believe(web, proven, &read).await.map_err(&mut refused)?;
    let (scope, resource) = (wish.scope.as_deref(), wish.resource.as_deref());
    let offered = said.granted(scope, resource, &|resource| authorize::offered(web.routes, resource))?;
    let whom = (said.subject, said.groups);
    let grant = grant_without_person(web, proven, whom, offered.resource, offered.scopes);
    let not_let_in = OAuthError::new(ErrorCode::InvalidGrant, "this person is not let in there");
    let admitted = admission::admit(web.routes, grant).ok_or(not_let_in)?;
    if !web.app.store().use_once("id-jag", &said.once.hash, said.once.expires).await? {
        return Err(OAuthError::new(ErrorCode::InvalidGrant, "the assertion was used before").into());
    }
    at_once(web, admitted).await
}

/// Judges the assertion with the keys of the issuer that it names, if that one may vouch for people.
async fn believe(web: &Web<'_>, proven: &Proven, read: &Assertion<'_>) -> Result<IdJag, AssertionError> {
    let trusted = |issuer: &&Arc<Issuer>| issuer.id_jag && issuer.issuer == read.issuer();
    let issuer = web.routes.snapshot.issuers.values().find(trusted).ok_or(AssertionError::Untrusted)?;
    let audience = Audience { issuer: web.routes.origin(), client_id: &proven.known.client.id };
    let missing = AssertionError::Token(TokenError::KeyUnknown);
    let keys = web.app.issuers().keys(issuer).await.map_err(|_| missing)?;
    match read.verify(issuer, &keys, &audience, web.now()) {
        Err(error) if error.needs_keys() => {
            let newer = web.app.issuers().newer_keys(issuer, &keys).await.ok_or(error)?;
            read.verify(issuer, &newer, &audience, web.now())
        }
        outcome => outcome,
    }
}
