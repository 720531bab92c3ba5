//! How the authorization server says no: the error codes of OAuth, and a constant sentence beside each.
//!
//! Descriptions never repeat anything of a request, so that they need no escaping anywhere. Which HTTP headers
//! go with them is decided where answers are written.

use serde_json::{Value, json};

/// The error codes that Doorward uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// A parameter is missing, repeated or malformed (RFC 6749 section 4.1.2.1).
    InvalidRequest,
    /// The client is unknown, or did not prove who it is (RFC 6749 section 5.2).
    InvalidClient,
    /// The code, refresh token or assertion does not hold (RFC 6749 section 5.2).
    InvalidGrant,
    /// The client may not do this (RFC 6749 section 5.2).
    UnauthorizedClient,
    /// A grant type that Doorward does not have (RFC 6749 section 5.2).
    UnsupportedGrantType,
    /// Another response type than `code` (RFC 6749 section 4.1.2.1).
    UnsupportedResponseType,
    /// A scope that is malformed, or more than was granted (RFC 6749 section 5.2).
    InvalidScope,
    /// No resource, one that is not Doorward's, or several (RFC 8707 section 2).
    InvalidTarget,
    /// The person or the operator said no (RFC 6749 section 4.1.2.1).
    AccessDenied,
    /// Doorward failed (RFC 6749 section 4.1.2.1).
    ServerError,
    /// Doorward is busy (RFC 6749 section 4.1.2.1).
    TemporarilyUnavailable,
    /// A redirect URI that is not allowed (RFC 7591 section 3.2.2).
    InvalidRedirectUri,
    /// A registration that makes no sense (RFC 7591 section 3.2.2).
    InvalidClientMetadata,
    /// This kind of token cannot be revoked (RFC 7009 section 2.2.1).
    UnsupportedTokenType,
    /// Nobody is signed in, and nothing may be shown (OpenID Connect Core section 3.1.2.6).
    LoginRequired,
    /// The person has not consented, and nothing may be shown (OpenID Connect Core section 3.1.2.6).
    ConsentRequired,
    /// Something else would have to be shown (OpenID Connect Core section 3.1.2.6).
    InteractionRequired,
}

impl ErrorCode {
    /// As it travels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
        }
    }

    /// The HTTP status of an answer that is not a redirect. With 401 goes a `WWW-Authenticate` header.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// A refusal of the authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OAuthError {
    /// What programs read.
    pub code: ErrorCode,
    /// What their authors read: printable ASCII without `"` and `\` (RFC 6749 section 5.2).
    pub description: &'static str,
}

impl OAuthError {
    /// A refusal with its reason.
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self { code, description }
    }

    /// The body of an answer (RFC 6749 section 5.2).
    pub fn document(&self) -> Value {
        json!({ "error": self.code.as_str(), "error_description": self.description })
    }
}

pub(super) const fn invalid_request(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

pub(super) const fn invalid_grant(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, description)
}

pub(super) const fn invalid_target(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidTarget, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_that_of_the_standard() {
        let error = invalid_grant("the code has expired");
        assert_eq!(
            error.document(),
            json!({"error": "invalid_grant", "error_description": "the code has expired"})
        );
        assert_eq!((error.code.status(), ErrorCode::InvalidClient.status()), (400, 401));
    }
}
