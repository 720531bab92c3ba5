//! A registration that its server has lost, noticed when a code is redeemed.
//!
//! The registration is everybody's, and whoever comes back brings a code of their own choosing: what is answered to that
//! proves nothing. So the server is asked once more, with a code that nobody can have. Who knows its client says that
//! there is no such code (RFC 6749 section 5.2).

use doorward_auth::{
    client::{Grant, registration::OwnAddresses},
    keys::hash,
    server::pkce,
};
use doorward_model::{Connecting, Secret};
use doorward_store::StoreError;

use super::{AskError, Authorized, ConnectError, ask_again, ask_token, authority, forget_client};
use crate::App;

/// Whether Doorward is, or will be at the next attempt, another client than `refused`, which the server did not take for
/// who it is. What is known of the server is asked again in any case.
///
/// # Errors
/// When the store fails.
pub(super) async fn is_replaced(
    app: &App,
    connecting: &Connecting,
    refused: &str,
) -> Result<bool, StoreError> {
    ask_again(app, connecting);
    if connecting.client.is_some() {
        return Ok(false);
    }
    let authorized = match authority(app, connecting).await {
        Ok(authorized) => authorized,
        Err(ConnectError::Store(error)) => return Err(error),
        Err(_) => return Ok(false),
    };
    if authorized.client.id != refused {
        return Ok(true);
    }
    let lost = is_lost(app, &authorized).await && forget_client(app, &authorized).await?;
    if lost {
        let issuer = &authorized.server.issuer;
        tracing::warn!(issuer, client = refused, "an authorization server has lost Doorward's registration");
    }
    Ok(lost)
}

/// Asks with a code and a verifier that are made up here.
async fn is_lost(app: &App, authorized: &Authorized) -> bool {
    let (code, verifier) = (Secret::new(hash::random_hex::<32>()), pkce::new_verifier());
    let redirect_uri = OwnAddresses::at(app.routes().origin()).redirect_uri;
    let grant = Grant::Code { code: &code, redirect_uri: &redirect_uri, verifier: &verifier };
    let answer = ask_token(app, authorized, grant).await;
    matches!(answer, Err(AskError::Answer(error)) if error.refuses_client())
}
