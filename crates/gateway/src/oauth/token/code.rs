//! A code becomes tokens, once.

use doorward_auth::server::{
    error::{ErrorCode, OAuthError},
    token,
    token_request::{self, CodeRequest, CodeTerms},
};
use doorward_model::{ClientGrant, Fault};
use doorward_store::{Redeemed, StoreError};

use super::{Issued, NoToken, Proven, Web, access_token, refresh_token};
use crate::{path::OpenRecord, people::admission};

/// Redeems a code. A second redemption that would have been good takes the whole grant back; one that would not
/// have been is only refused, or anybody who saw a code could end what came of it.
pub(super) async fn redeem(
    web: &Web<'_>,
    proven: &Proven,
    request: &CodeRequest,
    record: &mut OpenRecord,
) -> Result<Issued, NoToken> {
    let refused = OAuthError::new(ErrorCode::InvalidGrant, "the code is unknown, expired, used or not yours");
    let (client, now) = (&proven.known.client, web.now());
    let hash = token::hash(request.code.expose());
    let stored = web.app.store().code(&hash).await?.ok_or(refused)?;
    let terms = CodeTerms {
        client: &stored.grant.client,
        redirect_uri: &stored.redirect_uri,
        challenge: &stored.challenge,
        resource: &stored.grant.resource,
        expires: stored.expires,
        redeemed: stored.redeemed,
    };
    token_request::check_code(request, &client.id, &terms, now)?;
    if stored.redeemed {
        take_back(web, &stored.grant, record).await?;
        return Err(refused.into());
    }
    // Between the code and its redemption the person may have gone, or become somebody with other rights.
    let present = admission::present_groups(web.app, &stored.grant).await?;
    if present.as_ref() != Some(&stored.grant.groups) {
        return Err(refused.into());
    }
    let admitted = admission::admit(web.routes, stored.grant).ok_or(refused)?;
    let scopes = admitted.grant().scopes;
    let (access, access_row) = access_token(web, &admitted, scopes);
    let refresh = client.grant_types.refresh_token.then(|| refresh_token(web, &admitted));
    let (refresh, refresh_row) = refresh.unzip();
    match web.app.store().redeem_code(&hash, &access_row, refresh_row.as_ref(), now).await? {
        Redeemed::Now(grant) => Ok(Issued { grant: *grant, scopes, access, refresh }),
        // Somebody was faster with the same good code.
        Redeemed::Already { .. } => {
            take_back(web, admitted.grant(), record).await?;
            Err(refused.into())
        }
        Redeemed::Unknown => Err(refused.into()),
    }
}

/// Ends a grant whose code came again. The record says whose, for those who look into it.
async fn take_back(web: &Web<'_>, grant: &ClientGrant, record: &mut OpenRecord) -> Result<(), StoreError> {
    web.take_back(grant).await?;
    record.failed("code_replayed", None, Fault::Caller);
    record.client_grant(&web.issuer(), grant);
    Ok(())
}
