//! An issuer's public keys: a JWK Set (RFC 7517 section 5) read into what can verify a signature.
//!
//! Keys that cannot be used are left out, not complained about, as RFC 7517 section 5 asks: issuers publish
//! keys for many readers. Symmetric and private keys are never kept, so no confusion of algorithms can turn
//! one into a verifier. Fetching the set and its age are not dealt with here.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::Algorithm;
use jsonwebtoken::{Algorithm as Jwa, DecodingKey, crypto::aws_lc};
use serde_json::{Map, Value};

use crate::json;

/// The largest document that is read, in bytes.
const MAX_BYTES: usize = 256 << 10;
/// The most keys a document may hold, usable or not.
const MAX_KEYS: usize = 100;
/// The most keys that one token is tried with.
const MAX_CANDIDATES: usize = 4;
/// Members that only private or symmetric keys have (RFC 7518 section 6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The usable keys of a JWK Set, in its order.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    ignored: usize,
}

/// Why a document is not a JWK Set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// More than 256 KiB.
    #[error("the key set is larger than 256 KiB")]
    TooLarge,
    /// More than 100 keys.
    #[error("the key set has more than 100 keys")]
    TooManyKeys,
    /// Not a JSON object with an array `keys`, or a member is named twice.
    #[error("this is not a JWK Set: a JSON object with an array `keys` and no duplicate members is expected")]
    Malformed,
}

/// One public key that can verify signatures.
#[derive(Debug, Clone)]
pub struct PublicKey {
    id: Option<String>,
    /// The key's own `alg`: no other is believed with it.
    algorithm: Option<Algorithm>,
    shape: Shape,
    material: DecodingKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl KeySet {
    /// Reads a JWK Set of at most 256 KiB and 100 keys.
    ///
    /// Left out are keys that are symmetric or private, meant for something else (`use`, `key_ops`), of an
    /// unknown type, curve or algorithm, RSA below 2048 or above 8192 bits, or not on their curve.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        if json.len() > MAX_BYTES {
            return Err(JwksError::TooLarge);
        }
        let document = json::object(json).ok_or(JwksError::Malformed)?;
        let Some(Value::Array(entries)) = document.get("keys") else { return Err(JwksError::Malformed) };
        if entries.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let keys: Vec<_> =
            entries.iter().filter_map(|entry| PublicKey::from_jwk(entry.as_object()?)).collect();
        Ok(Self { ignored: entries.len() - keys.len(), keys })
    }

    /// The keys to try for a token with this `kid` and `alg`: at most 4.
    ///
    /// With a `kid`, the keys of exactly that id; without, all; in either case only those that fit the
    /// algorithm.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &PublicKey> {
        self.keys
            .iter()
            .filter(move |key| kid.is_none() || key.id.as_deref() == kid)
            .filter(move |key| key.fits(algorithm))
            .take(MAX_CANDIDATES)
    }

    /// How many keys are usable.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is usable.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many keys of the document were left out.
    pub fn ignored(&self) -> usize {
        self.ignored
    }
}

impl PublicKey {
    fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        if is_secret(jwk) || !is_for_signatures(jwk) {
            return None;
        }
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::parse(name.as_str()?)?),
        };
        let id = match jwk.get("kid") {
            None => None,
            Some(id) => Some(id.as_str()?.to_owned()),
        };
        let (shape, material) = match (text(jwk, "kty")?, text(jwk, "crv")) {
            ("RSA", _) => (Shape::Rsa, rsa(jwk)?),
            ("EC", Some("P-256")) => (Shape::P256, point(jwk, 32, &ECDSA_P256_SHA256_FIXED)?),
            ("EC", Some("P-384")) => (Shape::P384, point(jwk, 48, &ECDSA_P384_SHA384_FIXED)?),
            ("OKP", Some("Ed25519")) => (Shape::Ed25519, ed25519(jwk)?),
            _ => return None,
        };
        if algorithm.is_some_and(|algorithm| Shape::of(algorithm) != shape) {
            return None;
        }
        Some(Self { id, algorithm, shape, material })
    }

    /// Whether this key may verify signatures of `algorithm`: by its type, its curve and its own `alg`.
    fn fits(&self, algorithm: Algorithm) -> bool {
        self.shape == Shape::of(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Whether `signature` is this key's signature of `message`. Never true for an algorithm that does not
    /// fit the key.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        // Our own check beside the library's, which tells families apart but not curves.
        if !self.fits(algorithm) {
            return false;
        }
        // The provider by name, so that the process-wide choice does not matter here.
        (aws_lc::DEFAULT_PROVIDER.verifier_factory)(&jwa(algorithm), &self.material)
            .is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}

impl Shape {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => Self::Rsa,
            Algorithm::Es256 => Self::P256,
            Algorithm::Es384 => Self::P384,
            Algorithm::EdDsa => Self::Ed25519,
        }
    }
}

fn jwa(algorithm: Algorithm) -> Jwa {
    match algorithm {
        Algorithm::Rs256 => Jwa::RS256,
        Algorithm::Rs384 => Jwa::RS384,
        Algorithm::Rs512 => Jwa::RS512,
        Algorithm::Ps256 => Jwa::PS256,
        Algorithm::Ps384 => Jwa::PS384,
        Algorithm::Ps512 => Jwa::PS512,
        Algorithm::Es256 => Jwa::ES256,
        Algorithm::Es384 => Jwa::ES384,
        Algorithm::EdDsa => Jwa::EdDSA,
    }
}

/// Whether a key is private or symmetric, or says so of itself.
pub(crate) fn is_secret(jwk: &Map<String, Value>) -> bool {
    PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member))
        || jwk.get("kty").is_some_and(|kty| kty == "oct")
}

/// RFC 7517 sections 4.2 and 4.3: what is not said is allowed, what is said must say signatures.
fn is_for_signatures(jwk: &Map<String, Value>) -> bool {
    let by_use = jwk.get("use").is_none_or(|value| value == "sig");
    let by_operations = jwk.get("key_ops").is_none_or(|value| {
        value.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    });
    by_use && by_operations
}

/// RFC 7518 section 6.3.1.
fn rsa(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    // Some issuers write a leading zero, as in DER; the number is the same.
    let (n, e) = (without_zeros(&n), without_zeros(&e));
    let bits = n.len() * 8 - usize::try_from(n.first()?.leading_zeros()).ok()?;
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let sane = (2048..=8192).contains(&bits) && odd(n) && odd(e) && e.len() <= 4 && e != [1];
    sane.then(|| DecodingKey::from_rsa_raw_components(n, e))
}

/// RFC 7518 section 6.2.1: both coordinates, each exactly as long as the curve's field, as an uncompressed
/// point.
fn point(
    jwk: &Map<String, Value>,
    len: usize,
    curve: &'static dyn VerificationAlgorithm,
) -> Option<DecodingKey> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != len || y.len() != len {
        return None;
    }
    let point = [&[4][..], &x, &y].concat();
    ParsedPublicKey::new(curve, &point).ok()?;
    Some(DecodingKey::from_ec_der(&point))
}

/// RFC 8037 section 2.
fn ed25519(jwk: &Map<String, Value>) -> Option<DecodingKey> {
    let x = bytes(jwk, "x")?;
    ParsedPublicKey::new(&ED25519, &x).ok()?;
    Some(DecodingKey::from_ed_der(&x))
}

fn text<'j>(jwk: &'j Map<String, Value>, member: &str) -> Option<&'j str> {
    jwk.get(member)?.as_str()
}

fn bytes(jwk: &Map<String, Value>, member: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, member)?).ok()
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests;
