//! A connection's token on its way to where it is presented, and what is heard of it there.
//!
//! What an upstream says about a token ends here: it is for Doorward, and its challenge is never passed on.

use std::sync::Arc;

use doorward_auth::client::challenge::{Challenge, ChallengeError};
use doorward_model::{Caller, Connecting, Credential, Place};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{CredentialError, give_up};
use crate::{
    App,
    connections::{self, Lack, NoToken, NotConnected, Presented},
};

/// What to do after an upstream has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The answer counts.
    Answer,
    /// The same request again, with what [`super::attach`] has now.
    Again,
}

/// The token to present for a caller.
pub(super) async fn token(
    app: &App,
    connecting: &Arc<Connecting>,
    caller: &Caller,
) -> Result<Presented, CredentialError> {
    let routes = app.routes();
    let person = connections::whose(&routes.snapshot, connecting, caller);
    let person = person.ok_or_else(|| not_connected(app, connecting, Lack::Nobody))?;
    let found = app.connections().token(connecting, person).await;
    found.map_err(|error| refusal(app, connecting, error))
}

/// Hears what an upstream or agent says of what was presented. `is_last` when it was asked twice already.
///
/// # Errors
/// When the connection is of no use any more, allows too little, or cannot be renewed now.
pub(crate) async fn heard(
    app: &App,
    (credential, caller): (&Credential, &Caller),
    presented: Option<&Presented>,
    (status, headers): (StatusCode, &HeaderMap),
    is_last: bool,
) -> Result<Heard, CredentialError> {
    match (credential, presented, status) {
        (Credential::Connection(connecting), Some(presented), StatusCode::UNAUTHORIZED) => {
            let says = challenge(headers).and_then(|challenge| challenge.error);
            let said = (is_last, says == Some(ChallengeError::InvalidToken));
            let again = Box::pin(refused(app, connecting, presented, said)).await?;
            Ok(if again { Heard::Again } else { Heard::Answer })
        }
        (Credential::Connection(connecting), Some(presented), StatusCode::FORBIDDEN) => {
            Box::pin(challenged(app, connecting, presented, headers)).await.map(|()| Heard::Answer)
        }
        (_, _, StatusCode::UNAUTHORIZED) => {
            give_up(app, credential, caller);
            Ok(Heard::Answer)
        }
        _ => Ok(Heard::Answer),
    }
}

/// Another token in the place of one that was refused; false where there is none, and the refusal counts. With whether it
/// was refused twice, and whether the answer says that it is the token (`invalid_token`).
pub(crate) async fn refused(
    app: &App,
    connecting: &Arc<Connecting>,
    presented: &Presented,
    said: (bool, bool),
) -> Result<bool, CredentialError> {
    let renewed = Box::pin(app.connections().refused(connecting, presented, said)).await;
    renewed.map_err(|error| refusal(app, connecting, error))
}

/// Notes the scopes that were asked for; the person is led to allow them, unless that was of no use before.
async fn challenged(
    app: &App,
    connecting: &Arc<Connecting>,
    presented: &Presented,
    headers: &HeaderMap,
) -> Result<(), CredentialError> {
    let challenge = challenge(headers).filter(|it| it.error == Some(ChallengeError::InsufficientScope));
    let Some(challenge) = challenge else { return Ok(()) };
    let scopes = challenge.scope.unwrap_or_default();
    let noted = Box::pin(app.connections().challenged(presented, &scopes)).await;
    match noted {
        Ok(true) => Err(not_connected(app, connecting, Lack::Scope)),
        Ok(false) => Ok(()),
        Err(error) => Err(refusal(app, connecting, error)),
    }
}

fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    Challenge::read(headers.get_all(header::WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes))
}

fn refusal(app: &App, connecting: &Connecting, error: NoToken) -> CredentialError {
    match error {
        NoToken::Never => not_connected(app, connecting, Lack::Never),
        NoToken::Broken(why) => not_connected(app, connecting, Lack::Broken(why)),
        NoToken::Away(why) => CredentialError::Away(connecting.place.name().to_string(), why),
    }
}

/// Nobody is spoken for who is no person.
pub(super) fn no_person(app: &App, place: &Place) -> CredentialError {
    let link = connections::link(app.routes().origin(), place);
    let missing = NotConnected { place: place.clone(), link, shared: false, lack: Lack::Nobody };
    CredentialError::NotConnected(Box::new(missing))
}

fn not_connected(app: &App, connecting: &Connecting, lack: Lack) -> CredentialError {
    CredentialError::NotConnected(Box::new(connections::missing(app.routes().origin(), connecting, lack)))
}
