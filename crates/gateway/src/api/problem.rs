//! What is answered when something is not done: a problem in JSON (RFC 9457), with the reason of its record.

use doorward_model::Fault;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::path::{Answer, OpenRecord};

/// Why the API does not do what was asked. Closed: each has its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    CredentialMissing,
    CredentialAmbiguous,
    TokenUnknown,
    TokenAudience,
    AdministratorRequired,
    RequestNotOurs,
    NameInvalid,
    BodyInvalid,
    SecretInvalid,
    SecretUnknown,
    SecretInUse,
    TooManySecrets,
    TooOften,
}

impl Problem {
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference page shows them all"))]
    pub(crate) const ALL: [Self; 13] = [
        Self::CredentialMissing,
        Self::CredentialAmbiguous,
        Self::TokenUnknown,
        Self::TokenAudience,
        Self::AdministratorRequired,
        Self::RequestNotOurs,
        Self::NameInvalid,
        Self::BodyInvalid,
        Self::SecretInvalid,
        Self::SecretUnknown,
        Self::SecretInUse,
        Self::TooManySecrets,
        Self::TooOften,
    ];

    /// Its code in records, the HTTP status, and what it says.
    pub(crate) const fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::CredentialMissing => (
                "credential_missing",
                401,
                "neither a token for this API, nor a browser in which somebody is signed in",
            ),
            Self::CredentialAmbiguous => {
                ("credential_ambiguous", 400, "send exactly one credential, in one header")
            }
            Self::TokenUnknown => {
                ("token_unknown", 401, "the access token is not valid, not any more, or not Doorward's")
            }
            Self::TokenAudience => ("token_audience", 401, "the access token is for another resource"),
            Self::AdministratorRequired => ("administrator_required", 403, "only administrators may do this"),
            Self::RequestNotOurs => (
                "request_not_ours",
                403,
                "with a browser session, only pages of Doorward may ask: `X-Doorward-Request: 1` or their Origin is missing",
            ),
            Self::NameInvalid => {
                ("name_invalid", 400, "a name is 1 to 63 characters of a-z, 0-9, `.`, `_`, `-`")
            }
            Self::BodyInvalid => (
                "body_invalid",
                400,
                "the body must be a JSON object that has what is described, and nothing else",
            ),
            Self::SecretInvalid => (
                "secret_invalid",
                400,
                "a secret is one line of 1 byte to 16 KiB, without control characters",
            ),
            Self::SecretUnknown => ("secret_unknown", 404, "the store has no secret of this name"),
            Self::SecretInUse => ("secret_in_use", 409, "the configuration refers to this secret"),
            Self::TooManySecrets => (
                "too_many_secrets",
                409,
                "the store has 1,000 secrets and takes no more: remove one that is not used",
            ),
            Self::TooOften => ("too_often", 429, "too many requests from this address"),
        }
    }

    /// The answer, noted in the record.
    pub(crate) fn answer(self, record: &mut OpenRecord) -> Answer {
        let (reason, status, detail) = self.row();
        record.failed(reason, None, Fault::Caller);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
            "reason": reason,
            "requestId": record.id(),
        });
        let mut answer = Answer::whole(status, "application/problem+json", body.to_string());
        answer.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let error =
                if self == Self::CredentialMissing { "Bearer" } else { r#"Bearer error="invalid_token""# };
            answer.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(error));
        }
        answer
    }
}
