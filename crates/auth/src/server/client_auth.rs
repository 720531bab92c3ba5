//! Who a client is, at the token endpoint and the others that programs use (RFC 6749 section 2.3, RFC 7523
//! section 2.2).
//!
//! Two steps: [`presented`] reads who it says it is, so that the client can be looked up, and
//! [`Expected::authenticate`] judges. A client has one method, and no other is good for it.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use doorward_model::{Algorithm, Client, ClientAuthentication, Secret, SecretMethod, Timestamp};
use zeroize::Zeroizing;

use super::{
    error::{ErrorCode, OAuthError, invalid_request},
    form::{self, Parameters},
    token,
    uri::MAX_BYTES,
};
use crate::{
    keys::{KeySet, hash},
    verify::{Kind, TokenError, peek_as},
};

/// The parameters that count, beside those of the endpoint.
pub const PARAMETERS: [&str; 4] = ["client_assertion", "client_assertion_type", "client_id", "client_secret"];

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far ahead an assertion may expire, in seconds: five minutes and the difference of clocks.
const MAX_LIFETIME: i64 = 300 + 60;
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 255;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Who a client says it is.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The client's id: what to look up.
    pub id: String,
    /// What it brings along.
    pub proof: Proof,
}

/// How a client shows who it is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Not at all.
    None,
    /// `client_secret_basic`.
    Basic(Secret),
    /// `client_secret_post`.
    Post(Secret),
    /// `private_key_jwt`.
    Assertion(Secret),
}

/// What is known of the client that says so.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'e> {
    /// The client of [`Presented::id`].
    pub client: &'e Client,
    /// The stored digest of its secret.
    pub secret_hash: Option<&'e str>,
    /// Its public keys.
    pub keys: Option<&'e KeySet>,
    /// Whether it may also come without proof: its document names `none` beside `private_key_jwt`.
    pub or_none: bool,
    /// Who we are, which assertions must be for.
    pub issuer: &'e str,
}

/// What a client proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// Whether it proved anything. What only confidential clients may do hangs on this.
    pub confidential: bool,
    /// What must not be used again; the store decides whether it is the first time.
    pub once: Option<Once>,
}

/// The id of an assertion, which is good once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The digest of who made the assertion, and of its `jti`.
    pub hash: String,
    /// From when on nobody needs to remember it, since the assertion itself is too old.
    pub expires: Timestamp,
}

/// Why a client is not who it says. To the client, all are `invalid_client`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthError {
    /// It registered another method.
    #[error("the client did not use the method that it is registered with")]
    Method,
    /// The secret is another.
    #[error("the client's secret is wrong")]
    Secret,
    /// The assertion is not believed.
    #[error("the client's assertion is not believed: {0}")]
    Assertion(#[from] TokenError),
    /// The assertion names another audience, or several.
    #[error("the client's assertion is not for this authorization server")]
    Audience,
    /// The assertion expires more than five minutes ahead.
    #[error("the client's assertion is good for longer than five minutes")]
    Lifetime,
}

impl ClientAuthError {
    /// The stable code that records and metrics use.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Method => "client_method",
            Self::Secret => "client_secret",
            Self::Assertion(_) => "client_assertion",
            Self::Audience => "client_assertion_audience",
            Self::Lifetime => "client_assertion_lifetime",
        }
    }

    /// Whether fetching the client's keys anew could change the outcome.
    pub const fn needs_keys(self) -> bool {
        matches!(self, Self::Assertion(error) if error.needs_keys())
    }
}

impl From<ClientAuthError> for OAuthError {
    fn from(_: ClientAuthError) -> Self {
        UNKNOWN
    }
}

/// What every client is told that did not show who it is, known or not.
pub const UNKNOWN: OAuthError =
    OAuthError::new(ErrorCode::InvalidClient, "the client is unknown, or did not prove who it is");

/// Who the client says it is, by the `Authorization` header and the form.
///
/// # Errors
/// `invalid_request` when it names itself in several ways; `invalid_client` when it does not, or not in a
/// form that can be read.
pub fn presented(authorization: Option<&str>, parameters: &Parameters) -> Result<Presented, OAuthError> {
    let [assertion, kind, named, secret] = PARAMETERS.map(|name| parameters.get(name));
    if [authorization, assertion, secret].into_iter().flatten().count() > 1 {
        return Err(invalid_request("the client authenticates in more than one way"));
    }
    if assertion.is_some() != kind.is_some() {
        return Err(invalid_request("client_assertion and client_assertion_type go together"));
    }
    let presented = match (authorization, assertion, secret) {
        (Some(header), _, _) => basic(header).ok_or(UNKNOWN)?,
        (None, Some(assertion), _) => asserted(assertion, kind).ok_or(UNKNOWN)?,
        (None, None, secret) => {
            let secret = secret.map(|secret| Proof::Post(Secret::new(secret.to_owned())));
            Presented { id: named.ok_or(UNKNOWN)?.to_owned(), proof: secret.unwrap_or(Proof::None) }
        }
    };
    if presented.id.is_empty() || presented.id.len() > MAX_BYTES {
        return Err(UNKNOWN);
    }
    if named.is_some_and(|named| named != presented.id) {
        return Err(invalid_request("the client names itself in two ways"));
    }
    Ok(presented)
}

/// RFC 7617, with both halves encoded as in forms (RFC 6749 section 2.3.1).
fn basic(header: &str) -> Option<Presented> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64.decode(credentials.trim_matches(' ')).ok()?);
    // No secret has a colon; the id of a client document has one, when its client forgets to encode it.
    let colon = decoded.iter().rposition(|byte| *byte == b':')?;
    let id = form::decode(&decoded[..colon])?.to_string();
    let secret = form::decode(&decoded[colon + 1..])?;
    // Public clients of some libraries send their id and an empty password.
    let proof =
        if secret.is_empty() { Proof::None } else { Proof::Basic(Secret::new(secret.as_str().to_owned())) };
    Some(Presented { id, proof })
}

/// The id stands in the assertion; nothing else of it is believed yet.
fn asserted(assertion: &str, kind: Option<&str>) -> Option<Presented> {
    let id = peek_as(Kind::ClientAssertion, assertion).ok()?.issuer().to_owned();
    let proof = Proof::Assertion(Secret::new(assertion.to_owned()));
    (kind == Some(ASSERTION_TYPE)).then_some(Presented { id, proof })
}

impl Expected<'_> {
    /// Judges what the client presented.
    ///
    /// # Errors
    /// [`ClientAuthError`]; `needs_keys` tells whether newer keys could help.
    pub fn authenticate(
        &self,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Authenticated, ClientAuthError> {
        use ClientAuthentication as Registered;
        let proved = |once| Ok(Authenticated { confidential: true, once });
        match (&self.client.authentication, &presented.proof) {
            _ if presented.id != self.client.id => Err(ClientAuthError::Method),
            (Registered::None, Proof::None) => Ok(Authenticated { confidential: false, once: None }),
            (Registered::PrivateKeyJwt(_), Proof::None) if self.or_none => {
                Ok(Authenticated { confidential: false, once: None })
            }
            (Registered::Secret(SecretMethod::Basic | SecretMethod::Either), Proof::Basic(secret))
            | (Registered::Secret(SecretMethod::Post | SecretMethod::Either), Proof::Post(secret)) => {
                self.compare(secret)?;
                proved(None)
            }
            (Registered::PrivateKeyJwt(_), Proof::Assertion(assertion)) => {
                proved(Some(self.believe(assertion.expose(), now)?))
            }
            _ => Err(ClientAuthError::Method),
        }
    }

    fn compare(&self, secret: &Secret) -> Result<(), ClientAuthError> {
        let known = self.secret_hash.ok_or(ClientAuthError::Secret)?;
        let given = token::hash(secret.expose());
        if hash::same(given.as_bytes(), known.as_bytes()) { Ok(()) } else { Err(ClientAuthError::Secret) }
    }

    /// RFC 7523 section 3, with the audience of its update: the issuer, and nothing else.
    fn believe(&self, assertion: &str, now: Timestamp) -> Result<Once, ClientAuthError> {
        let id = &self.client.id;
        let keys = self.keys.ok_or(TokenError::KeyUnknown)?;
        let unverified = peek_as(Kind::ClientAssertion, assertion)?;
        let proven = unverified.prove(id, &Algorithm::ALL, keys, now)?;
        if proven.subject()? != id {
            return Err(TokenError::Claims("sub").into());
        }
        match &*proven.audiences()? {
            [only] if self.is_us(only) => {}
            _ => return Err(ClientAuthError::Audience),
        }
        if proven.expires > now.plus_secs(MAX_LIFETIME) {
            return Err(ClientAuthError::Lifetime);
        }
        let jti = proven.string("jti")?.filter(|jti| jti.len() <= MAX_JTI);
        Ok(Once::of(id, jti.ok_or(TokenError::Claims("jti"))?, proven.expires))
    }

    /// Our issuer is an origin, to which the Python SDK adds the slash that URL parsers add: the same place.
    fn is_us(&self, audience: &str) -> bool {
        audience.strip_suffix('/').unwrap_or(audience) == self.issuer
    }
}

impl Once {
    /// The id that `maker` gave something that it made. Remembered for as long as clocks may differ on whether
    /// that thing has expired.
    pub(super) fn of(maker: &str, jti: &str, expires: Timestamp) -> Self {
        let named = format!("{}:{maker}{jti}", maker.len());
        Self { hash: token::hash(&named), expires: expires.plus_secs(60) }
    }
}

#[cfg(test)]
mod tests;
