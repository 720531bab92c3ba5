//! The error codes of OAuth as the other side uses them: those that are known are repeated, and nothing else is. A text of
//! another server could be anything, and say anything of what it was sent.

use serde_json::Value;

/// Said of all codes that are not known.
const UNKNOWN: &str = "an error of its own";

/// RFC 6749 sections 4.1.2.1 and 5.2, RFC 7009 section 2.2.1, RFC 7591 section 3.2.2, RFC 8707 section 2, RFC 9449 section
/// 5, OpenID Connect Core section 3.1.2.6.
const CODES: [&str; 24] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_client_metadata",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_redirect_uri",
    "invalid_request",
    "invalid_scope",
    "invalid_software_statement",
    "invalid_target",
    "login_required",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unapproved_software_statement",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
    "use_dpop_nonce",
    "authorization_pending",
];

/// A code of another server as it may stand in a message of ours.
pub(crate) fn named(code: &Value) -> &'static str {
    code.as_str().map_or(UNKNOWN, named_text)
}

/// The same for a code that came in a query.
pub(crate) fn named_text(code: &str) -> &'static str {
    CODES.into_iter().find(|known| *known == code).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_codes_are_repeated() {
        assert_eq!(named(&"invalid_grant".into()), "invalid_grant");
        assert_eq!(named_text("access_denied"), "access_denied");
        for other in ["", "ACCESS_DENIED", "invalid_grant ", "<script>", "a\u{202e}b"] {
            assert_eq!((named_text(other), named(&other.into())), (UNKNOWN, UNKNOWN), "{other}");
        }
        assert_eq!((named(&Value::Null), named(&7.into())), (UNKNOWN, UNKNOWN));
    }
}
