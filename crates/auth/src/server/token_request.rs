//! What is sent to the token endpoint, and what comes back (RFC 6749 sections 4.1.3, 4.4, 5 and 6, RFC 7523
//! section 2.1).
//!
//! All checks are here, so that they come before anything is used up: a wrong verifier or a foreign client
//! must not burn a code. That a code or a refresh token is used only once is the store's to decide.

use std::time::Duration;

use doorward_model::{Client, ClientGrant, Scopes, Secret, Timestamp};
use serde_json::{Value, json};

use super::{
    client_auth::Authenticated,
    error::{ErrorCode, OAuthError, invalid_grant, invalid_request},
    form::Parameters,
    pkce,
    resource::{self, Offered, Resources},
    scope,
    token::{TokenKind, recognise},
};

/// The parameters that count, those of client authentication included.
pub const PARAMETERS: [&str; 12] = [
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "resource",
    "scope",
];

/// The grant type of [`TokenRequest::JwtBearer`].
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A request by its grant type.
#[derive(Debug, Clone)]
pub enum TokenRequest {
    /// `authorization_code`.
    AuthorizationCode(CodeRequest),
    /// `refresh_token`.
    Refresh {
        /// The refresh token.
        token: Secret,
        /// What is asked for: at most what was granted.
        scope: Option<String>,
        /// Which resource is asked for: at most the one that was granted.
        resource: Option<String>,
    },
    /// `client_credentials`.
    ClientCredentials {
        /// What is asked for.
        scope: Option<String>,
        /// Which resource is asked for.
        resource: Option<String>,
    },
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`.
    JwtBearer {
        /// Another authorization server's assertion about a person.
        assertion: Secret,
        /// What is asked for: at most what the assertion allows.
        scope: Option<String>,
        /// Which resource is asked for: at most the assertion's.
        resource: Option<String>,
    },
}

/// The redemption of a code.
#[derive(Debug, Clone)]
pub struct CodeRequest {
    /// The code.
    pub code: Secret,
    /// Where the code came to, if the client says so.
    pub redirect_uri: Option<String>,
    /// The verifier of the code's challenge.
    pub verifier: Secret,
    /// Which resource is asked for: at most the code's.
    pub resource: Option<String>,
}

/// What a code is bound to, as the store keeps it.
#[derive(Debug, Clone, Copy)]
pub struct CodeTerms<'s> {
    /// The client that it was given to.
    pub client: &'s str,
    /// Where it was sent.
    pub redirect_uri: &'s str,
    /// The challenge of the request.
    pub challenge: &'s str,
    /// The one resource.
    pub resource: &'s str,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether it was redeemed before. Then its age does not count: the second redemption is answered by
    /// revoking what came of the first, whenever it is tried.
    pub redeemed: bool,
}

impl TokenRequest {
    /// Reads a form of which [`PARAMETERS`] count.
    ///
    /// # Errors
    /// `invalid_request` when a parameter is missing, `unsupported_grant_type`, and `invalid_grant` for what
    /// cannot be a code or refresh token of Doorward's.
    pub fn read(parameters: &Parameters) -> Result<Self, OAuthError> {
        let text = |name: &str| parameters.get(name).map(str::to_owned);
        let secret = |name, missing| text(name).map(Secret::new).ok_or(invalid_request(missing));
        let (scope, resource) = (text("scope"), text("resource"));
        match parameters.get("grant_type") {
            None => Err(invalid_request("grant_type is missing")),
            Some("authorization_code") => {
                let code = secret("code", "code is missing")?;
                let verifier = secret("code_verifier", "code_verifier is missing: PKCE is required")?;
                made_here(&code, TokenKind::Code, "there is no such code")?;
                let redirect_uri = text("redirect_uri");
                Ok(Self::AuthorizationCode(CodeRequest { code, redirect_uri, verifier, resource }))
            }
            Some("refresh_token") => {
                let token = secret("refresh_token", "refresh_token is missing")?;
                made_here(&token, TokenKind::Refresh, "there is no such refresh token")?;
                Ok(Self::Refresh { token, scope, resource })
            }
            Some("client_credentials") => Ok(Self::ClientCredentials { scope, resource }),
            Some(JWT_BEARER) => {
                let assertion = secret("assertion", "assertion is missing")?;
                Ok(Self::JwtBearer { assertion, scope, resource })
            }
            Some(_) => {
                let description = "there is no such grant type here";
                Err(OAuthError::new(ErrorCode::UnsupportedGrantType, description))
            }
        }
    }

    /// Whether this client may send it, as registered and as it authenticated.
    ///
    /// # Errors
    /// `unauthorized_client`.
    pub fn allowed_for(&self, client: &Client, authenticated: &Authenticated) -> Result<(), OAuthError> {
        let registered = client.grant_types;
        let (may, needs_proof) = match self {
            Self::AuthorizationCode(_) => (registered.authorization_code, false),
            Self::Refresh { .. } => (registered.refresh_token, false),
            Self::ClientCredentials { .. } => (registered.client_credentials, true),
            Self::JwtBearer { .. } => (registered.jwt_bearer, true),
        };
        if !may {
            let description = "the client is not registered for this grant type";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description));
        }
        if needs_proof && !authenticated.confidential {
            let description = "only clients that prove who they are may use this grant type";
            return Err(OAuthError::new(ErrorCode::UnauthorizedClient, description));
        }
        Ok(())
    }
}

fn made_here(value: &Secret, kind: TokenKind, otherwise: &'static str) -> Result<(), OAuthError> {
    if recognise(value.expose()) == Some(kind) { Ok(()) } else { Err(invalid_grant(otherwise)) }
}

/// Whether a code may be redeemed by this request of that client.
///
/// # Errors
/// `invalid_grant`; `invalid_target` when the request names another resource.
pub fn check_code(
    request: &CodeRequest,
    client: &str,
    terms: &CodeTerms<'_>,
    now: Timestamp,
) -> Result<(), OAuthError> {
    if terms.client != client {
        return Err(invalid_grant("the code was given to another client"));
    }
    if request.redirect_uri.as_ref().is_some_and(|uri| uri != terms.redirect_uri) {
        return Err(invalid_grant("the code was sent to another redirect URI"));
    }
    if !pkce::verify(terms.challenge, request.verifier.expose()) {
        return Err(invalid_grant("code_verifier does not fit the challenge of the code"));
    }
    resource::same(request.resource.as_deref(), terms.resource)?;
    if !terms.redeemed && now >= terms.expires {
        return Err(invalid_grant("the code has expired"));
    }
    Ok(())
}

/// What an access token gets that a refresh token of `grant` is exchanged for. The new refresh token keeps
/// what was granted.
///
/// # Errors
/// `invalid_grant` for another client's grant, `invalid_target` for another resource, `invalid_scope` for more
/// than was granted.
pub fn check_refresh(
    grant: &ClientGrant,
    client: &str,
    scope: Option<&str>,
    resource: Option<&str>,
) -> Result<Scopes, OAuthError> {
    if grant.client != client {
        return Err(invalid_grant("the refresh token was given to another client"));
    }
    resource::same(resource, &grant.resource)?;
    scope::narrowed(scope, grant.scopes)
}

/// The resource and the scopes that a client asks for in its own name.
///
/// # Errors
/// `invalid_target` and `invalid_scope`.
pub fn check_client_credentials(
    client: &Client,
    scope: Option<&str>,
    resource: Option<&str>,
    resources: Resources<'_>,
) -> Result<Offered, OAuthError> {
    let offered = resource::choose(resource, client.resource.as_deref(), resources)?;
    let scopes = scope::granted(scope, offered.scopes)?;
    Ok(Offered { scopes, ..offered })
}

/// The answer (RFC 6749 section 5.1). Never cached, and never logged.
pub fn token_response(
    access: &Secret,
    refresh: Option<&Secret>,
    expires_in: Duration,
    scopes: Scopes,
    resource: &str,
) -> Value {
    let mut answer = json!({
        "access_token": access.expose(),
        "token_type": "Bearer",
        "expires_in": expires_in.as_secs(),
        "scope": scopes.to_string(),
        "resource": resource,
    });
    if let Some(refresh) = refresh {
        answer["refresh_token"] = refresh.expose().into();
    }
    answer
}

#[cfg(test)]
mod tests;
