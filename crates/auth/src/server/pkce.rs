//! Proof Key for Code Exchange (RFC 7636), with the method `S256` only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::Secret;

use crate::keys::hash;

/// The one method.
pub const METHOD: &str = "S256";

/// Whether a text can be a challenge: 43 characters of base64url (section 4.2).
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a text can be a verifier: 43 to 128 unreserved characters (section 4.1).
pub fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// The challenge of a verifier (section 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash::sha256(verifier.as_bytes()))
}

/// Whether this is the verifier of that challenge (section 4.6).
pub fn verify(challenge: &str, verifier: &str) -> bool {
    is_verifier(verifier) && hash::same(self::challenge(verifier).as_bytes(), challenge.as_bytes())
}

/// A new verifier, for requests of Doorward's own.
///
/// # Panics
/// When the operating system has no entropy to give.
pub fn new_verifier() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(hash::random::<32>()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_published_example() {
        assert_eq!(challenge(VERIFIER), CHALLENGE);
        assert!(verify(CHALLENGE, VERIFIER));
        assert!(is_challenge(CHALLENGE) && is_verifier(VERIFIER));
    }

    #[test]
    fn what_is_no_verifier_opens_nothing() {
        let short = &VERIFIER[1..];
        let long = "a".repeat(129);
        for bad in ["", short, &long, &format!("{short}="), &format!("{short} "), &format!("{short}ä")] {
            assert!(!is_verifier(bad), "{bad}");
            assert!(!verify(&challenge(bad), bad), "{bad}");
        }
        assert!(verify(&challenge(&long[1..]), &long[1..]));
        assert!(!verify("", VERIFIER) && !verify(VERIFIER, VERIFIER), "plain is not a method");
        for bad in
            ["", short, &format!("{CHALLENGE}A"), &CHALLENGE.replace('-', "+"), &CHALLENGE.replace('M', "=")]
        {
            assert!(!is_challenge(bad), "{bad}");
        }
    }

    #[test]
    fn new_verifiers_are_verifiers() {
        let verifier = new_verifier();
        assert!(verify(&challenge(verifier.expose()), verifier.expose()));
        assert_ne!(verifier.expose(), new_verifier().expose());
    }

    proptest! {
        #[test]
        fn only_the_verifier_fits(one in "[A-Za-z0-9._~-]{43,128}", other in "\\PC{0,130}") {
            prop_assert!(verify(&challenge(&one), &one));
            prop_assert_eq!(verify(&challenge(&one), &other), one == other);
        }
    }
}
