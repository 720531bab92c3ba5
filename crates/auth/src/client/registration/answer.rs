//! What registration endpoints answer (RFC 7591 section 3.2). Nothing that the other side wrote gets into an error.

use doorward_model::{Secret, Timestamp};
use serde_json::{Map, Value};

use super::{ClientMethod, OwnAddresses, RegisteredClient, asked};
use crate::{
    client::{MAX_ANSWER, discovery::AuthorizationServer, refusal},
    json,
};

/// The longest id and the longest secret that are taken, in bytes.
const MAX_TEXT: usize = 4 << 10;

/// Why Doorward is no client there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Clients are registered by hand.
    #[error(
        "the authorization server registers no clients by itself: register Doorward there with the redirect URI \
         <public_url>/oauth/callback, and write `client_id` and `client_secret` into the credential"
    )]
    Closed,
    /// Clients are known by their documents, and Doorward's cannot be fetched.
    #[error(
        "the authorization server knows clients by their documents, for which `public_url` has to begin with https: \
         change it, or register Doorward there and write `client_id` and `client_secret` into the credential"
    )]
    NotPublic,
    /// It refused.
    #[error(
        "the authorization server did not register Doorward: {0}; register it there with the redirect URI \
         <public_url>/oauth/callback, and write `client_id` and `client_secret` into the credential"
    )]
    Refused(&'static str),
    /// It cannot answer now; with the status.
    #[error("the authorization server cannot register clients now (status {0})")]
    Away(u16),
    /// What it answered is no answer.
    #[error("the authorization server's answer to a registration cannot be used: {0}")]
    Unusable(&'static str),
}

impl RegistrationError {
    /// Whether asking again soon may help.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl RegisteredClient {
    /// Reads the answer to a [`request`](super::request).
    ///
    /// The server may have changed what was asked for, and says so. What it says decides, as long as Doorward can do it.
    pub fn read(
        status: u16,
        body: &[u8],
        server: &AuthorizationServer,
        own: &OwnAddresses,
    ) -> Result<Self, RegistrationError> {
        use RegistrationError::{Away, Refused, Unusable};
        if status == 429 || status >= 500 {
            return Err(Away(status));
        }
        if body.len() > MAX_ANSWER {
            return Err(Unusable("it is too large"));
        }
        if matches!(status, 401 | 403 | 404 | 405) {
            return Err(Refused("it does not register everybody"));
        }
        let answer = json::object(body).ok_or(Unusable("it is not a JSON object"))?;
        if let Some(error) = answer.get("error") {
            return Err(Refused(refusal::named(error)));
        }
        if !matches!(status, 200 | 201) {
            return Err(Unusable("it is neither a success nor an error"));
        }
        let id = text(&answer, "client_id").ok_or(Unusable("client_id is no text"))?;
        let id = id.ok_or(Unusable("there is no client_id"))?.to_owned();
        let secret = text(&answer, "client_secret").ok_or(Unusable("client_secret is no text"))?;
        let method = method(&answer, secret.is_some(), asked(server, own)).map_err(Unusable)?;
        keeps_redirect_uri(&answer, own).map_err(Unusable)?;
        let secret_expires = expiry(&answer).map_err(Unusable)?.filter(|_| secret.is_some());
        let secret = secret.filter(|_| method.needs_secret()).map(|secret| Secret::new(secret.to_owned()));
        Ok(Self { id, secret, method, secret_expires })
    }
}

/// The method that the server says; what was asked for when it says nothing. A secret that was asked for and not given is
/// not needed.
fn method(
    answer: &Map<String, Value>,
    has_secret: bool,
    asked: ClientMethod,
) -> Result<ClientMethod, &'static str> {
    let said = match answer.get("token_endpoint_auth_method").filter(|said| !said.is_null()) {
        None if asked.needs_secret() && !has_secret => return Ok(ClientMethod::None),
        None => return Ok(asked),
        Some(said) => said.as_str().and_then(ClientMethod::parse),
    };
    let said = said.ok_or("token_endpoint_auth_method is one that Doorward does not have")?;
    if said.needs_secret() && !has_secret {
        return Err("there is no client_secret");
    }
    if said == ClientMethod::PrivateKeyJwt && asked != said {
        return Err("it wants assertions, for which it was told no keys");
    }
    Ok(said)
}

fn keeps_redirect_uri(answer: &Map<String, Value>, own: &OwnAddresses) -> Result<(), &'static str> {
    let Some(registered) = answer.get("redirect_uris").and_then(Value::as_array) else { return Ok(()) };
    let ours = registered.is_empty() || registered.iter().any(|uri| *uri == own.redirect_uri);
    if ours { Ok(()) } else { Err("redirect_uris does not have Doorward's") }
}

/// When the secret expires: never, for 0 and where nothing is said.
fn expiry(answer: &Map<String, Value>) -> Result<Option<Timestamp>, &'static str> {
    match answer.get("client_secret_expires_at").filter(|end| !end.is_null()) {
        None => Ok(None),
        Some(end) => match end.as_i64().filter(|end| (0..=MAX_SECS).contains(end)) {
            Some(0) => Ok(None),
            Some(end) => Ok(Some(Timestamp::from_secs(end))),
            None => Err("client_secret_expires_at is no time"),
        },
    }
}

/// The last second of the year 9999.
const MAX_SECS: i64 = 253_402_300_799;

/// A text of visible characters and spaces (RFC 6749 appendix A), if there is one; an empty one counts as absent. The
/// outer `None` is anything else.
#[expect(clippy::option_option, reason = "absent and unusable are told apart")]
fn text<'a>(answer: &'a Map<String, Value>, name: &str) -> Option<Option<&'a str>> {
    let Some(value) = answer.get(name).filter(|value| !value.is_null()) else { return Some(None) };
    let text = value.as_str().filter(|text| text.len() <= MAX_TEXT)?;
    let visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    visible.then_some(Some(text).filter(|text| !text.is_empty()))
}
