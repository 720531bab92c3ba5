//! Which cryptography `jsonwebtoken` uses, said once and in so many words.
//!
//! Left alone, that crate guesses its provider from compile-time features at first use and panics when
//! features of the whole dependency tree leave it none or two. This crate never relies on the guess (it names
//! the provider at every call); installing it covers whatever else in the process comes to use the crate. TLS
//! is none of its business: `egress` names the same library to rustls.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    crypto::{self, aws_lc},
};

/// The cryptography that is compiled in does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library fails its self-test")]
pub struct CryptoError;

/// Installs aws-lc as the process's provider for JWTs and proves on a published example that it works.
///
/// Call it first thing at start; calling it again changes nothing.
///
/// # Errors
/// When the provider that is in force (ours, or one that was installed earlier) does not accept the Ed25519
/// example of RFC 8037 appendix A.4, or accepts a changed one.
pub fn install_crypto() -> Result<(), CryptoError> {
    // An error here only says that a provider is there already; the test below tells whether it is a good
    // one.
    let _already_installed = aws_lc::DEFAULT_PROVIDER.install_default();
    let good = crypto::verify(EXAMPLE_SIGNATURE, EXAMPLE_MESSAGE, &example_key()?, Algorithm::EdDSA);
    let bad = crypto::verify(EXAMPLE_SIGNATURE, b"another message", &example_key()?, Algorithm::EdDSA);
    if matches!((good, bad), (Ok(true), Ok(false))) { Ok(()) } else { Err(CryptoError) }
}

const EXAMPLE_MESSAGE: &[u8] = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const EXAMPLE_SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn example_key() -> Result<DecodingKey, CryptoError> {
    DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").map_err(|_| CryptoError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installs_and_installs_again() {
        assert_eq!(install_crypto(), Ok(()));
        assert_eq!(install_crypto(), Ok(()));
        // From here on the process's default is taken: nobody can slip in another one.
        assert!(aws_lc::DEFAULT_PROVIDER.install_default().is_err());
    }
}
