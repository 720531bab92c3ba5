//! What token endpoints answer (RFC 6749 sections 5.1 and 5.2, RFC 8693 section 2.2).
//!
//! Nothing that the other side wrote gets into an error: descriptions may repeat what was sent.

use doorward_model::Secret;
use serde_json::{Map, Value};

use super::{ACCESS_TOKEN, Grant, JWT};
use crate::json;

/// The largest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 64 << 10;
/// The longest token that is taken, in bytes: it has to fit into a header.
const MAX_TOKEN: usize = 16 << 10;
/// How long a token is taken to be good when nobody says, in seconds.
const UNSAID: i64 = 300;
/// For how long a token is kept at most, whatever it says, in seconds.
const LONGEST: i64 = 24 * 3600;
/// How long before its end a token is no longer presented, in seconds; of a short life, a quarter.
const MARGIN: i64 = 30;

/// Errors that stay until somebody changes something.
const PERMANENT: [&str; 8] = [
    "access_denied",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "unauthorized_client",
    "unsupported_grant_type",
];
/// Errors that go away by themselves.
const PASSING: [&str; 3] = ["server_error", "slow_down", "temporarily_unavailable"];

/// A token that was given.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The token.
    pub token: Secret,
    /// For how long it can be presented, in seconds: until shortly before it expires.
    pub usable: i64,
}

/// Why no token was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Asking again will not help.
    #[error("the authorization server refused: {0}")]
    Refused(&'static str),
    /// It cannot answer now; with the status.
    #[error("the authorization server cannot answer now (status {0})")]
    Away(u16),
    /// What it answered is no answer.
    #[error("the authorization server's answer cannot be used: {0}")]
    Unusable(&'static str),
}

impl AnswerError {
    /// Whether asking again soon may help.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl Granted {
    /// Reads an answer of at most [`MAX_ANSWER`] bytes to a request for `grant`.
    pub fn read(status: u16, body: &[u8], grant: Grant<'_>) -> Result<Self, AnswerError> {
        if status == 429 || status >= 500 {
            return Err(AnswerError::Away(status));
        }
        if body.len() > MAX_ANSWER {
            return Err(AnswerError::Unusable("it is too large"));
        }
        let answer = json::object(body).ok_or(AnswerError::Unusable("it is not a JSON object"))?;
        if let Some(error) = answer.get("error") {
            return Err(refused(status, error));
        }
        if status != 200 {
            return Err(AnswerError::Unusable("it is neither a success nor an error"));
        }
        if !text(&answer, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(AnswerError::Unusable("token_type is not Bearer"));
        }
        if let Grant::Exchange(_) = grant
            && !text(&answer, "issued_token_type").is_some_and(|kind| [ACCESS_TOKEN, JWT].contains(&kind))
        {
            return Err(AnswerError::Unusable("issued_token_type is not an access token"));
        }
        let token = text(&answer, "access_token").filter(|token| is_token(token));
        let token = token.ok_or(AnswerError::Unusable("access_token is not a token"))?;
        Ok(Self { token: Secret::new(token.to_owned()), usable: usable(lifetime(&answer)?) })
    }
}

fn refused(status: u16, error: &Value) -> AnswerError {
    let is = |code: &&&'static str| error.as_str() == Some(**code);
    if PASSING.iter().any(|code| is(&code)) {
        return AnswerError::Away(status);
    }
    AnswerError::Refused(PERMANENT.iter().find(is).copied().unwrap_or("an error of its own"))
}

fn lifetime(answer: &Map<String, Value>) -> Result<i64, AnswerError> {
    match answer.get("expires_in") {
        None => Ok(UNSAID),
        Some(secs) => {
            let secs = secs.as_i64().filter(|secs| *secs >= 0);
            secs.ok_or(AnswerError::Unusable("expires_in is not a number of seconds"))
        }
    }
}

fn usable(lifetime: i64) -> i64 {
    let lifetime = lifetime.min(LONGEST);
    lifetime - MARGIN.min(lifetime / 4)
}

/// RFC 6750 section 2.1, so that it fits behind `Bearer`.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    text.len() <= MAX_TOKEN && !body.is_empty() && body.bytes().all(fits)
}

fn text<'a>(answer: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    answer.get(member)?.as_str()
}

#[cfg(test)]
mod tests;
