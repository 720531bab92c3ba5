//! To the provider and back: the address that the browser is sent to, what it comes back with, and the
//! exchange of the code.

use doorward_model::{Secret, SignInProvider};
use serde_json::Value;
use url::Url;

use super::Endpoints;
use crate::{
    client::{
        Grant, Proof, Target, TokenRequest,
        authorization::{CallbackError, code_flow},
        refusal,
    },
    json,
};

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
    let mut url = code_flow(
        &endpoints.authorization,
        [&provider.client_id, attempt.redirect_uri, &scope, attempt.state, attempt.challenge],
    );
    url.query_pairs_mut().append_pair("nonce", attempt.nonce);
    if attempt.again {
        url.query_pairs_mut().append_pair("prompt", "login");
    }
    url
}

/// The request that exchanges a code (OpenID Connect Core section 3.1.3.1), with the client's secret where the provider
/// takes it.
pub fn code_exchange(
    provider: &SignInProvider,
    endpoints: &Endpoints,
    code: &Secret,
    redirect_uri: &str,
    verifier: &Secret,
) -> TokenRequest {
    let proof = match &provider.client_secret {
        Some(secret) if endpoints.secret_in_form => Proof::Form(secret),
        Some(secret) => Proof::Secret(secret),
        None => Proof::None,
    };
    let target = Target { client_id: &provider.client_id, ..Target::default() };
    TokenRequest::new(&target, Grant::Code { code, redirect_uri, verifier }, proof)
}

/// The ID token in the answer to a [`code_exchange`], of whatever status.
pub fn id_token(body: &[u8]) -> Result<Secret, CallbackError> {
    let answer = json::object(body).ok_or(CallbackError::Unreadable)?;
    match (answer.get("error"), answer.get("id_token")) {
        (Some(error @ Value::String(_)), _) => Err(CallbackError::Refused(refusal::named(error))),
        (None, Some(Value::String(token))) => Ok(Secret::new(token.clone())),
        _ => Err(CallbackError::Empty),
    }
}

#[cfg(test)]
mod tests;
