//! Why a token is not believed, for records and for deciding what to do next.
//!
//! What the bearer is told is one and the same `invalid_token` for all of these, and is written elsewhere.

/// Why a token is not believed. Its texts never hold any part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a compact JWS with JSON in it; the reason is for the operator.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// `alg` is absent, symmetric, `none`, unknown, or not among those that the issuer is trusted with.
    #[error("the token's signature algorithm is not accepted")]
    Algorithm,
    /// `typ` says that this is another kind of token (RFC 8725 section 3.11).
    #[error("this is another kind of token than is expected here")]
    Type,
    /// The header demands something of its readers (`crit`, `b64`) that Doorward does not do (RFC 7515
    /// section 4.1.11).
    #[error("the token's header demands an extension that is not supported")]
    Critical,
    /// `iss` is absent or names another issuer.
    #[error("the token is not of a trusted issuer")]
    Issuer,
    /// The issuer's key set has no key for this token; a newer one may.
    #[error("the issuer's keys do not include one that fits the token")]
    KeyUnknown,
    /// No fitting key made this signature.
    #[error("the token's signature is wrong")]
    Signature,
    /// `exp` is more than 60 seconds ago.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is more than 60 seconds ahead.
    #[error("the token is not valid yet, or was issued in the future")]
    NotYet,
    /// A claim is absent, of the wrong type or too long.
    #[error("the token's claim `{0}` is missing or unusable")]
    Claims(&'static str),
}

impl TokenError {
    /// The stable code that records and metrics use.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::Type => "token_type",
            Self::Critical => "token_critical",
            Self::Issuer => "token_issuer",
            Self::KeyUnknown => "token_key_unknown",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet",
            Self::Claims(_) => "token_claims",
        }
    }

    /// Whether fetching the issuer's keys anew could change the outcome.
    pub const fn needs_keys(self) -> bool {
        matches!(self, Self::KeyUnknown)
    }
}
