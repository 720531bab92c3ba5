//! To another authorization server and back (RFC 6749 section 4.1, with PKCE): the address that a browser is sent to, and
//! what it comes back with.
//!
//! For connections and for signing in alike. The state in between, which browser it belongs to, and that it counts once
//! are kept elsewhere.

use doorward_model::Secret;
use url::Url;

use super::{refusal, scope::ScopeList};
use crate::server::{form::Parameters, pkce};

/// A request for an authorization.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// Doorward's name there.
    pub client_id: &'a str,
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// What the token is for: [`ProtectedResource::resource`](super::discovery::ProtectedResource::resource).
    pub resource: &'a str,
    /// What it may do there; nothing in particular when empty.
    pub scope: &'a ScopeList,
    /// What comes back with the browser, and belongs to it.
    pub state: &'a str,
    /// The challenge of the verifier that goes with the code.
    pub challenge: &'a str,
}

/// Where the browser is sent: `endpoint` is what
/// [`AuthorizationServer::authorizes`](super::discovery::AuthorizationServer::authorizes) gave, and keeps its query.
pub fn authorization_url(endpoint: &Url, request: &AuthorizationRequest<'_>) -> Url {
    let scope = request.scope.to_string();
    let mut url = code_flow(
        endpoint,
        [request.client_id, request.redirect_uri, &scope, request.state, request.challenge],
    );
    url.query_pairs_mut().append_pair("resource", request.resource);
    url
}

/// What all requests for a code have in common: client, redirect URI, scope, state and challenge.
pub(crate) fn code_flow(
    endpoint: &Url,
    [client_id, redirect_uri, scope, state, challenge]: [&str; 5],
) -> Url {
    let mut url = endpoint.clone();
    let pairs = [
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("scope", scope),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", pkce::METHOD),
    ];
    url.query_pairs_mut().extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    url
}

/// What a browser came back with. Its state decides which attempt it belongs to; only then is it opened.
#[derive(Debug, Clone)]
pub struct Callback(Parameters);

/// Why a browser came back with nothing of use. Says nothing that the other side wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The query cannot be read, or says something twice.
    #[error("the answer cannot be read")]
    Unreadable,
    /// It has no `state`.
    #[error("the answer belongs to no attempt")]
    NoState,
    /// It is another issuer's, or does not say whose although it would (RFC 9207 section 2.4).
    #[error("the answer is not of the server that was asked")]
    Issuer,
    /// The server, or the person there, said no; with the error code, if it is a known one.
    #[error("the server refused: {0}")]
    Refused(&'static str),
    /// There is neither a code nor an error.
    #[error("the answer has nothing in it")]
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

    /// What was sent along as `state`, so it says.
    pub fn state(&self) -> &str {
        self.0.get("state").unwrap_or_default()
    }

    /// The code, once the state has been found to be this browser's. A wrong issuer counts before anything else, an error
    /// included (mix-up, RFC 9700 section 4.4), also where a server was not known to name itself; texts are compared as
    /// they are (RFC 9207 section 2.4).
    pub fn code(&self, issuer: &str, names_issuer: bool) -> Result<Secret, CallbackError> {
        let named = self.0.get("iss");
        if named.is_some_and(|named| named != issuer) || (named.is_none() && names_issuer) {
            return Err(CallbackError::Issuer);
        }
        match (self.0.get("error"), self.0.get("code")) {
            (Some(error), _) => Err(CallbackError::Refused(refusal::named_text(error))),
            (None, Some(code)) => Ok(Secret::new(code.to_owned())),
            (None, None) => Err(CallbackError::Empty),
        }
    }
}

#[cfg(test)]
mod tests;
