//! A signing key and its public half as a JWK (RFC 7517), straight on the cryptography library.

use std::io;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{self, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// What an issuer signs with (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
    /// Ed25519.
    EdDsa,
}

impl KeyKind {
    /// The `alg` of this kind.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }
}

#[derive(Debug)]
enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// One key pair with its `kid`.
#[derive(Debug)]
pub(crate) struct Key {
    id: String,
    kind: KeyKind,
    jwk: Value,
    pair: Pair,
}

impl Key {
    /// Makes a new pair.
    pub(crate) fn generate(kind: KeyKind, id: String) -> io::Result<Self> {
        let (pair, mut jwk) = match kind {
            KeyKind::Es256 => es256()?,
            KeyKind::Rs256 => rs256()?,
            KeyKind::EdDsa => ed_dsa()?,
        };
        for (name, value) in [("kid", id.as_str()), ("use", "sig"), ("alg", kind.algorithm())] {
            jwk[name] = value.into();
        }
        Ok(Self { id, kind, jwk, pair })
    }

    /// The `kid`.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The `alg`.
    pub(crate) fn algorithm(&self) -> &'static str {
        self.kind.algorithm()
    }

    /// The public half.
    pub(crate) fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// The JWS compact serialisation (RFC 7515 section 7.1) of exactly these two documents.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> io::Result<String> {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let message = input.as_bytes();
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, message).map_err(io::Error::other)?.as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(io::Error::other)?;
                signature
            }
        };
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn es256() -> io::Result<(Pair, Value)> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(io::Error::other)?;
    // SEC 1 section 2.3.3, uncompressed: a tag byte, then both coordinates.
    let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    let jwk = json!({
        "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    });
    Ok((Pair::Es256(pair), jwk))
}

fn rs256() -> io::Result<(Pair, Value)> {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(io::Error::other)?;
    let public = pair.public_key();
    let modulus = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let exponent = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    let jwk = json!({ "kty": "RSA", "n": modulus, "e": exponent });
    Ok((Pair::Rs256(pair), jwk))
}

fn ed_dsa() -> io::Result<(Pair, Value)> {
    let pair = Ed25519KeyPair::generate().map_err(io::Error::other)?;
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key()) });
    Ok((Pair::EdDsa(pair), jwk))
}
