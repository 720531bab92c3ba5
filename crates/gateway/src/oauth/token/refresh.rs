//! A refresh token becomes new tokens, and is no longer good itself.

use doorward_auth::server::{
    error::{ErrorCode, OAuthError},
    token, token_request,
};
use doorward_model::{Fault, Secret};
use doorward_store::Rotation;

use super::{Issued, NoToken, Proven, Web, Wish, access_token, refresh_token};
use crate::{path::OpenRecord, people::admission};

/// How long the token before the newest is still taken, in seconds: for answers that got lost on the way.
const GRACE: i64 = 30;

/// Rotates a refresh token. An older one that comes again was stolen, from the client or by it: the whole grant goes.
pub(super) async fn rotate(
    web: &Web<'_>,
    proven: &Proven,
    (token, wish): (&Secret, &Wish),
    record: &mut OpenRecord,
) -> Result<Issued, NoToken> {
    let refused =
        OAuthError::new(ErrorCode::InvalidGrant, "the refresh token is unknown, expired, used or not yours");
    let (client, now) = (&proven.known.client, web.now());
    let hash = token::hash(token.expose());
    let stored = web.app.store().refresh_token(&hash).await?.ok_or(refused)?;
    let mut grant = stored.grant;
    let (scope, resource) = (wish.scope.as_deref(), wish.resource.as_deref());
    let scopes = token_request::check_refresh(&grant, &client.id, scope, resource)?;
    let Some(groups) = admission::present_groups(web.app, &grant).await? else {
        web.take_back(&grant).await?;
        return Err(refused.into());
    };
    grant.groups = groups;
    let ended = OAuthError::new(ErrorCode::InvalidGrant, "access was taken back");
    let admitted = admission::admit(web.routes, grant).ok_or(ended)?;
    let (access, access_row) = access_token(web, &admitted, scopes);
    let (refresh, refresh_row) = refresh_token(web, &admitted);
    let (store, grant) = (web.app.store(), admitted.into_grant());
    match store
        .rotate_refresh_token(&hash, &refresh_row, &access_row, Some(&grant.groups), GRACE, now)
        .await?
    {
        Rotation::Done => Ok(Issued { grant, scopes, access, refresh: Some(refresh) }),
        Rotation::Replayed => {
            record.failed("refresh_replayed", None, Fault::Caller);
            record.client_grant(&web.issuer(), &grant);
            web.take_back(&grant).await?;
            Err(refused.into())
        }
        Rotation::Unknown | Rotation::Expired => Err(refused.into()),
    }
}
