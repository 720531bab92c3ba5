//! Trusted issuers of callers' tokens.

use url::Url;

use crate::Name;

/// A trusted external token issuer: `[[issuer]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The operator's name for it.
    pub name: Name,
    /// What `iss` must say, character for character.
    pub issuer: String,
    /// Where its keys are; found by discovery when absent.
    pub jwks_uri: Option<Url>,
    /// The signature algorithms that are believed. Never empty, never symmetric.
    pub algorithms: Vec<Algorithm>,
    /// A scope that every token must have, when the operator asks for one.
    pub required_scope: Option<String>,
    /// Whether it may vouch for people to the token endpoint (ID-JAG, enterprise-managed authorization).
    pub id_jag: bool,
}

/// The asymmetric signature algorithms of RFC 7518 and RFC 8037 that Doorward verifies.
///
/// `none` and the HS family cannot be named: the type is the allow-list of what may ever be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them; the default of an issuer that names none.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// The `alg` name of RFC 7518.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that exact name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}
