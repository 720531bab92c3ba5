//! To the provider and back: the address that the browser is sent to, what it comes back with, and the
//! exchange of the code.

use doorward_model::{Secret, SignInProvider};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::Endpoints;
use crate::{
    client::basic,
    json,
    server::{form::Parameters, pkce},
    shown::visible,
};

/// The longest error code of a provider that is repeated, in characters.
const MAX_CODE: usize = 64;

/// One attempt to sign in.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Where the provider sends the browser back: `<public URL>/sign-in/callback/<provider>`.
    pub redirect_uri: &'a str,
    /// What comes back with it, and belongs to this browser.
    pub state: &'a str,
    /// What the ID token must repeat.
    pub nonce: &'a str,
    /// The challenge of the verifier that goes with the code.
    pub challenge: &'a str,
    /// Whether the person is to sign in even if the provider knows them.
    pub again: bool,
}

/// Where the browser is sent (OpenID Connect Core section 3.1.2.1).
pub fn authorization_url(provider: &SignInProvider, endpoints: &Endpoints, attempt: &Attempt<'_>) -> Url {
    let others = provider.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
    let scope = std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ");
    let mut url = endpoints.authorization.clone();
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &provider.client_id),
        ("redirect_uri", attempt.redirect_uri),
        ("scope", &scope),
        ("state", attempt.state),
        ("nonce", attempt.nonce),
        ("code_challenge", attempt.challenge),
        ("code_challenge_method", pkce::METHOD),
    ]);
    if attempt.again {
        url.query_pairs_mut().append_pair("prompt", "login");
    }
    url
}

/// What a browser came back with. Its state decides which attempt it belongs to; only then is it opened.
#[derive(Debug, Clone)]
pub struct Callback(Parameters);

/// Why a browser came back with nothing of use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The query cannot be read, or says something twice.
    #[error("the answer of the sign-in provider cannot be read")]
    Unreadable,
    /// It has no `state`.
    #[error("the answer of the sign-in provider belongs to no attempt to sign in")]
    NoState,
    /// It is another issuer's (RFC 9207 section 2.4).
    #[error("the answer is not of the sign-in provider that was asked")]
    Issuer,
    /// The provider, or the person there, said no; with the provider's error code.
    #[error("the sign-in provider refused: {0}")]
    Refused(String),
    /// There is neither a code nor an error; or no ID token in the answer to the code.
    #[error("the answer of the sign-in provider has nothing in it")]
    Empty,
}

impl Callback {
    /// Reads the query of the callback (RFC 6749 section 4.1.2).
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        let known = ["code", "error", "iss", "state"];
        let parameters = Parameters::parse(query, &known).map_err(|_| CallbackError::Unreadable)?;
        parameters.get("state").ok_or(CallbackError::NoState)?;
        Ok(Self(parameters))
    }

    /// What was sent along as [`Attempt::state`], so it says.
    pub fn state(&self) -> &str {
        self.0.get("state").unwrap_or_default()
    }

    /// The code, once the state has been found to be this browser's. A wrong issuer counts before anything
    /// else (mix-up, RFC 9700 section 4.4), also where a provider was not known to name itself.
    pub fn code(&self, issuer: &str, names_issuer: bool) -> Result<Secret, CallbackError> {
        let named = self.0.get("iss");
        if named.is_some_and(|named| named != issuer) || (named.is_none() && names_issuer) {
            return Err(CallbackError::Issuer);
        }
        match (self.0.get("error"), self.0.get("code")) {
            (Some(error), _) => Err(CallbackError::Refused(repeatable(error))),
            (None, Some(code)) => Ok(Secret::new(code.to_owned())),
            (None, None) => Err(CallbackError::Empty),
        }
    }
}

/// The request that exchanges a code (OpenID Connect Core section 3.1.3.1).
#[derive(Debug, Clone)]
pub struct TokenCall {
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
    /// The body: a form.
    pub form: Secret,
}

impl TokenCall {
    /// Puts the request together, with the client's secret where the provider takes it.
    pub fn new(
        provider: &SignInProvider,
        endpoints: &Endpoints,
        code: &Secret,
        redirect_uri: &str,
        verifier: &Secret,
    ) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose()),
        ]);
        let authorization = match &provider.client_secret {
            Some(secret) if !endpoints.secret_in_form => Some(basic(&provider.client_id, secret)),
            secret => {
                form.append_pair("client_id", &provider.client_id);
                if let Some(secret) = secret {
                    form.append_pair("client_secret", secret.expose());
                }
                None
            }
        };
        Self { authorization, form: Secret::new(form.finish()) }
    }
}

/// The ID token in the answer to a [`TokenCall`], of whatever status.
pub fn id_token(body: &[u8]) -> Result<Secret, CallbackError> {
    let answer = json::object(body).ok_or(CallbackError::Unreadable)?;
    match (answer.get("error"), answer.get("id_token")) {
        (Some(Value::String(error)), _) => Err(CallbackError::Refused(repeatable(error))),
        (None, Some(Value::String(token))) => Ok(Secret::new(token.clone())),
        _ => Err(CallbackError::Empty),
    }
}

/// A code of others that may stand in a message of ours.
fn repeatable(code: &str) -> String {
    visible(code).unwrap_or_default().chars().take(MAX_CODE).collect()
}

#[cfg(test)]
mod tests;
