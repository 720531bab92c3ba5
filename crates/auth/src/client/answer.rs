//! What token and revocation endpoints answer (RFC 6749 sections 5.1 and 5.2, RFC 8693 section 2.2, RFC 7009 section 2.2).
//!
//! Nothing that the other side wrote gets into an error: descriptions may repeat what was sent.

use doorward_model::{Secret, Timestamp};
use serde_json::{Map, Value};

use super::{ACCESS_TOKEN, Grant, ID_JAG, JWT, refusal, scope::ScopeList};
use crate::json;

/// The largest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 64 << 10;
/// The longest token that is taken, in bytes: it has to fit into a header.
const MAX_TOKEN: usize = 16 << 10;
/// How long a token is taken to be good when nobody says, in seconds.
const UNSAID: i64 = 300;
/// For how long a token is kept in memory at most, whatever it says, in seconds.
const LONGEST: i64 = 24 * 3600;
/// How long before its end a token is no longer presented, in seconds; of a short life, a quarter.
const MARGIN: i64 = 30;

/// Errors that go away by themselves.
const PASSING: [&str; 3] = ["server_error", "slow_down", "temporarily_unavailable"];

/// A token that was given.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The token.
    pub token: Secret,
    /// For how long it can be presented, in seconds: until shortly before it expires, and not for long where nobody says
    /// when that is.
    pub usable: i64,
    /// In how many seconds it expires, if the server says so.
    pub expires_in: Option<i64>,
    /// What the next token is asked for with; only ever with a code and a refresh token.
    pub refresh: Option<Secret>,
    /// What it may do, where that is not what was asked for.
    pub scopes: Option<ScopeList>,
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

    /// Whether what was asked with counts no more, for good: of a refresh token, the person has to connect again.
    pub fn ends_grant(self) -> bool {
        self == Self::Refused("invalid_grant")
    }

    /// Whether the server does not take the client for who it says it is: its secret is another one now, or, where Doorward
    /// registered itself, the server has lost it. Says nothing of what was asked with.
    pub fn refuses_client(self) -> bool {
        self == Self::Refused("invalid_client")
    }
}

impl Granted {
    /// When a token that is kept in the store is no longer presented: shortly before it expires, however far away that is.
    /// None where the server does not say when it ends: then it is presented until it is refused.
    pub fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires_in.map(|lifetime| now.plus_secs(before(lifetime)))
    }

    /// Reads an answer of at most [`MAX_ANSWER`] bytes to a request for `grant`.
    pub fn read(status: u16, body: &[u8], grant: Grant<'_>) -> Result<Self, AnswerError> {
        let answer = answer(status, body)?;
        let kinds = Kinds::of(grant);
        if !text(&answer, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case(kinds.token_type)) {
            return Err(AnswerError::Unusable(kinds.not_that_type));
        }
        if !kinds.issued.is_empty()
            && !text(&answer, "issued_token_type").is_some_and(|kind| kinds.issued.contains(&kind))
        {
            return Err(AnswerError::Unusable("issued_token_type is not what was asked for"));
        }
        let token = text(&answer, "access_token").filter(|token| is_token(token));
        let token = token.ok_or(AnswerError::Unusable("access_token is not a token"))?;
        let expires_in = lifetime(&answer)?;
        Ok(Self {
            token: Secret::new(token.to_owned()),
            usable: usable(expires_in.unwrap_or(UNSAID)),
            expires_in,
            refresh: refresh(&answer, grant)?,
            scopes: scopes(&answer)?,
        })
    }
}

/// Reads the answer to [`TokenRequest::revocation`](super::TokenRequest::revocation): an unknown token counts as ended.
pub fn revoked(status: u16, body: &[u8]) -> Result<(), AnswerError> {
    match status {
        200 | 204 => Ok(()),
        status => answer(status, body).map(|_| ()),
    }
}

/// What an answer has to say it is, by what was asked with.
struct Kinds {
    token_type: &'static str,
    not_that_type: &'static str,
    issued: &'static [&'static str],
}

impl Kinds {
    const fn of(grant: Grant<'_>) -> Self {
        let (token_type, not_that_type) = match grant {
            // RFC 8693 section 2.2.1: what is no access token has no way to be presented.
            Grant::IdToken(_) => ("N_A", "token_type is not N_A"),
            _ => ("Bearer", "token_type is not Bearer"),
        };
        let issued: &[&str] = match grant {
            Grant::Exchange(_) => &[ACCESS_TOKEN, JWT],
            Grant::IdToken(_) => &[ID_JAG],
            _ => &[],
        };
        Self { token_type, not_that_type, issued }
    }
}

/// The members of a success.
fn answer(status: u16, body: &[u8]) -> Result<Map<String, Value>, AnswerError> {
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
    Ok(answer)
}

fn refused(status: u16, error: &Value) -> AnswerError {
    match refusal::named(error) {
        code if PASSING.contains(&code) => AnswerError::Away(status),
        code => AnswerError::Refused(code),
    }
}

/// RFC 6749 appendix A.17.
fn refresh(answer: &Map<String, Value>, grant: Grant<'_>) -> Result<Option<Secret>, AnswerError> {
    let given = answer.get("refresh_token").filter(|token| !token.is_null());
    let Some(given) = given.filter(|_| matches!(grant, Grant::Code { .. } | Grant::Refresh(_))) else {
        return Ok(None);
    };
    let is_one = |text: &&str| {
        (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    };
    let token = given.as_str().filter(is_one).map(|token| Secret::new(token.to_owned()));
    token.map(Some).ok_or(AnswerError::Unusable("refresh_token is not a token"))
}

/// An empty list says nothing.
fn scopes(answer: &Map<String, Value>) -> Result<Option<ScopeList>, AnswerError> {
    let Some(said) = answer.get("scope").filter(|said| !said.is_null()) else { return Ok(None) };
    let list = said.as_str().and_then(ScopeList::parse);
    let list = list.ok_or(AnswerError::Unusable("scope is not a list of scopes"))?;
    Ok(Some(list).filter(|list| !list.is_empty()))
}

fn lifetime(answer: &Map<String, Value>) -> Result<Option<i64>, AnswerError> {
    match answer.get("expires_in").filter(|secs| !secs.is_null()) {
        None => Ok(None),
        Some(secs) => {
            let secs = secs.as_i64().filter(|secs| *secs >= 0);
            secs.map(Some).ok_or(AnswerError::Unusable("expires_in is not a number of seconds"))
        }
    }
}

fn usable(lifetime: i64) -> i64 {
    before(lifetime.min(LONGEST))
}

/// A little less than a lifetime.
fn before(lifetime: i64) -> i64 {
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
