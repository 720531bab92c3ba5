//! What renewing asks of the authorization server.
//!
//! A refresh token goes to the server that issued it and to no other, as the client that it was issued to. Only a word
//! about the refresh token itself ends a connection; one about the client or the request may be about a configuration that
//! somebody is changing.

use std::sync::Arc;

use doorward_auth::client::{AnswerError, Grant, Granted};
use doorward_model::Connecting;

use super::Held;
use crate::{
    App,
    connect::{self, AskError, Authorized},
};

/// Why nothing new was granted.
pub(super) enum Refusal {
    /// Asking again will not help; what was said.
    Ended(&'static str),
    /// It may help later. Uncertain: the request may have been acted on, and its answer is lost.
    Away { why: String, is_uncertain: bool },
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
impl Refusal {
    fn away(why: impl ToString) -> Self {
        Self::Away { why: why.to_string(), is_uncertain: false }
    }

    pub(super) fn lost(why: impl ToString) -> Self {
        Self::Away { why: why.to_string(), is_uncertain: true }
    }
}

/// Asks for another token.
pub(super) async fn refresh(
    app: &Arc<App>,
    connecting: &Connecting,
    held: &Held,
) -> Result<Granted, Refusal> {
    let Some(refresh) = &held.contents.refresh else { return Err(Refusal::Ended("no refresh token")) };
    let mut asked_before = false;
    loop {
        let authorized = authorized(app, connecting, held).await?;
        let error = match connect::ask_token(app, &authorized, Grant::Refresh(refresh)).await {
            Ok(granted) => return Ok(granted),
            Err(AskError::Unsent(why)) => return Err(Refusal::away(why)),
            Err(AskError::Lost(why)) => return Err(Refusal::lost(why)),
            Err(AskError::Answer(error)) => error,
        };
        match error {
            error if error.ends_grant() => return Err(Refusal::Ended("invalid_grant")),
            // Nothing was done for who is told to come again.
            AnswerError::Away(429 | 503) => return Err(Refusal::away(error)),
            AnswerError::Away(_) | AnswerError::Unusable(_) => return Err(Refusal::lost(error)),
            AnswerError::Refused(_) => connect::ask_again(app, connecting),
        }
        // Another secret may be there since, or another endpoint. The refresh token was not looked at, so it can be sent
        // again.
        if !error.refuses_client() || asked_before {
            if error.refuses_client() && connecting.client.is_none() {
                lose(app, &authorized).await;
            }
            return Err(Refusal::away(error));
        }
        asked_before = true;
    }
}

/// Where, and as whom, a connection is renewed: nowhere but where it was made.
async fn authorized(
    app: &Arc<App>,
    connecting: &Connecting,
    held: &Held,
) -> Result<Arc<Authorized>, Refusal> {
    // A server that is another one now is a finding for the operator, and nothing is sent to it.
    let authorized = connect::authority(app, connecting).await.map_err(Refusal::away)?;
    if authorized.server.issuer != held.issuer {
        return Err(Refusal::Ended("the authorization server is another one"));
    }
    if authorized.client.id != held.client {
        return Err(Refusal::Ended("Doorward is another client there"));
    }
    Ok(authorized)
}

/// Gives up a registration that its server does not know any more, as it said twice.
async fn lose(app: &Arc<App>, authorized: &Authorized) {
    if let Err(error) = connect::forget_client(app, authorized).await {
        tracing::warn!(%error, "a client that is not known any more could not be forgotten");
    }
}
