//! Keys that Doorward signs with: assertions, cards, and the tokens of the demonstration's issuer.
//!
//! Which key signs what, and for how long its public half is published, is decided elsewhere.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::Algorithm;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{broken, hash::sha256};

/// A private key, with the id that its public half is published under.
pub struct SigningKey {
    pair: Pair,
    id: String,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why there is no such signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// Only ES256 and `EdDSA` are signed with.
    #[error("keys for signing are ES256 or EdDSA")]
    Algorithm,
    /// The bytes are not a private key of that algorithm.
    #[error("this is not a private key in PKCS#8 of that algorithm")]
    Malformed,
}

impl SigningKey {
    /// A new key for `ES256` or `EdDSA`.
    ///
    /// # Errors
    /// [`SigningKeyError::Algorithm`] for any other algorithm.
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SigningKeyError> {
        let pair = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256),
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
            _ => return Err(SigningKeyError::Algorithm),
        };
        let Ok(pair) = pair else { broken("make a signing key") };
        Ok(Self::new(pair))
    }

    /// The key that [`SigningKey::to_pkcs8`] wrote.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, SigningKeyError> {
        let pair = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::P256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(der).map(Pair::Ed25519),
            _ => return Err(SigningKeyError::Algorithm),
        };
        pair.map(Self::new).map_err(|_| SigningKeyError::Malformed)
    }

    /// The private key as PKCS#8 (RFC 5958), to be sealed and stored.
    ///
    /// # Panics
    /// When memory runs out.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let der = match &self.pair {
            Pair::P256(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8(),
        };
        let Ok(der) = der else { broken("write a signing key") };
        Zeroizing::new(der.as_ref().to_vec())
    }

    fn new(pair: Pair) -> Self {
        let id = URL_SAFE_NO_PAD.encode(sha256(pair.thumbprint_input().as_bytes()));
        Self { pair, id }
    }

    /// The `kid`: the RFC 7638 thumbprint of the public half.
    pub fn key_id(&self) -> &str {
        &self.id
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::P256(_) => Algorithm::Es256,
            Pair::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// The public half as a JWK (RFC 7517) with `kid`, `use` and `alg`.
    pub fn jwk(&self) -> Value {
        let alg = self.algorithm().name();
        match self.pair.coordinates() {
            (x, Some(y)) => {
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.id, "use": "sig", "alg": alg})
            }
            (x, None) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.id, "use": "sig", "alg": alg})
            }
        }
    }

    /// A signed JWT (RFC 7519) in the compact form. `header_typ` tells its kind, such as `at+jwt`; `claims`
    /// is an object.
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn sign_jwt(&self, header_typ: &str, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm().name(), "kid": self.id, "typ": header_typ});
        let [header, payload] =
            [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string().as_bytes()));
        let message = format!("{header}.{payload}");
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The signature of `message` in the form of RFC 7518 section 3.4 or RFC 8037, not encoded; for detached
    /// signatures.
    ///
    /// # Panics
    /// When the operating system has no entropy to give.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = match &self.pair {
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message),
            Pair::Ed25519(pair) => pair.try_sign(message),
        };
        match signature {
            Ok(signature) => signature.as_ref().to_vec(),
            Err(_) => broken("sign"),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm().name(), self.id)
    }
}

impl Pair {
    /// `x`, and `y` where the curve has one, in base64url.
    fn coordinates(&self) -> (String, Option<String>) {
        match self {
            // An uncompressed point: 4, then two coordinates of 32 bytes.
            Self::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                (URL_SAFE_NO_PAD.encode(x), Some(URL_SAFE_NO_PAD.encode(y)))
            }
            Self::Ed25519(pair) => (URL_SAFE_NO_PAD.encode(pair.public_key()), None),
        }
    }

    /// The required members in the order and form of RFC 7638 section 3.
    fn thumbprint_input(&self) -> String {
        match self.coordinates() {
            (x, Some(y)) => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            (x, None) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        }
    }
}

#[cfg(test)]
mod tests;
