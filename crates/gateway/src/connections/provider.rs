//! What renewing asks of the authorization server.
//!
//! A refresh token goes to the server that issued it and to no other, as the client that it was issued to.

use std::sync::Arc;

use doorward_auth::client::{AnswerError, Grant, Granted};
use doorward_model::Connecting;

use super::Held;
use crate::{
    App,
    connect::{self, AskError},
};

/// Why nothing new was granted.
pub(super) enum Refusal {
    /// Asking again will not help; what was said.
    Ended(&'static str),
    /// It may help later. Uncertain: the request may have been acted on, and its answer is lost.
    Away { why: String, is_uncertain: bool },
}

/// Asks for another token.
pub(super) async fn refresh(
    app: &Arc<App>,
    connecting: &Connecting,
    held: &Held,
) -> Result<Granted, Refusal> {
    let away = |why: String, is_uncertain| Refusal::Away { why, is_uncertain };
    let Some(refresh) = &held.contents.refresh else { return Err(Refusal::Ended("no refresh token")) };
    let authorized = connect::authority(app, connecting).await;
    // A server that is another one now is a finding for the operator, and nothing is sent to it.
    let authorized = authorized.map_err(|error| away(error.to_string(), false))?;
    if authorized.server.issuer != held.issuer {
        return Err(Refusal::Ended("the authorization server is another one"));
    }
    if authorized.client.id != held.client {
        return Err(Refusal::Ended("Doorward is another client there"));
    }
    match connect::ask_token(app, &authorized, Grant::Refresh(refresh)).await {
        Ok(granted) => Ok(granted),
        Err(AskError::Unsent(why)) => Err(away(why, false)),
        Err(AskError::Lost(why)) => Err(away(why, true)),
        Err(AskError::Answer(error)) => {
            if error.forgets_client()
                && let Err(error) = connect::forget_client(app, &authorized).await
            {
                tracing::warn!(%error, "a client that is not known any more could not be forgotten");
            }
            Err(match error {
                AnswerError::Refused(code) => Refusal::Ended(code),
                // Nothing was done for who is told to come again.
                AnswerError::Away(429 | 503) => away(error.to_string(), false),
                AnswerError::Away(_) | AnswerError::Unusable(_) => away(error.to_string(), true),
            })
        }
    }
}
