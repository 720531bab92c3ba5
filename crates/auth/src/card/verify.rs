//! Verifying the signatures of agents' cards.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::{Algorithm, CardKeys, SignatureMode};
use doorward_protocol::{
    a2a::card::{Form, canonical},
    json::{Array, Document, Object, Value as View},
};
use serde_json::Value;

use super::sign::message;
use crate::{json, keys::KeySet};

/// The most signatures that are looked at; a card has one, or two while keys are rotated.
const MAX_SIGNATURES: usize = 8;
/// The longest protected header and the longest signature, in characters of base64url.
const MAX_HEADER: usize = 8 << 10;
const MAX_SIGNATURE: usize = 2 << 10;

/// Keys that the operator pinned for an agent.
#[derive(Debug, Clone, Copy)]
pub struct Pinned<'k> {
    /// The keys.
    pub keys: &'k KeySet,
    /// Where they are from, when that is an address.
    pub url: Option<&'k str>,
}

/// What is known of a card's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It was not looked at.
    Unchecked,
    /// There is none, and none was asked for.
    Unsigned,
    /// It is good.
    Verified(Verified),
}

/// A signature that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The id of the key, when the signature names one.
    pub kid: Option<String>,
    /// What was signed with.
    pub algorithm: Algorithm,
    /// What the signature covers: read the card with `card::read_covered`.
    pub form: Form,
}

/// Why a card's signature is not good enough. Of several signatures it is what is wrong with the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There must be a signature, and there is none.
    #[error("the card is not signed")]
    Missing,
    /// More than 8 signatures.
    #[error("the card has more than 8 signatures")]
    TooMany,
    /// Not a signature of RFC 7515.
    #[error("the card's signature is malformed: {0}")]
    Malformed(&'static str),
    /// `alg` is not one of ES256, `EdDSA` and RS256.
    #[error("the card's signature algorithm is not accepted")]
    Algorithm,
    /// The header demands something of its readers (`crit`, `b64`) that Doorward does not do.
    #[error("the card's signature demands an extension that is not supported")]
    Critical,
    /// No pinned key fits; a newer key set may have one.
    #[error("none of the pinned keys fits the card's signature")]
    KeyUnknown,
    /// No pinned key made this signature of this card, in none of the forms.
    #[error("the card's signature is wrong")]
    Wrong,
}

impl SignatureError {
    /// The stable code that records and metrics use.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "card_unsigned",
            Self::TooMany | Self::Malformed(_) => "card_signature_malformed",
            Self::Algorithm => "card_signature_algorithm",
            Self::Critical => "card_signature_critical",
            Self::KeyUnknown => "card_signature_key_unknown",
            Self::Wrong => "card_signature",
        }
    }

    /// Whether fetching the pinned keys anew could change the outcome.
    pub const fn needs_keys(self) -> bool {
        matches!(self, Self::KeyUnknown)
    }
}

/// Judges a card's signatures: one that is good is enough.
///
/// The forms of what is signed are tried in the order of [`Form::ALL`]. A `jku` that is the address of pinned keys narrows
/// them down to those; any other is ignored, and none is ever fetched. Unprotected headers are not looked at.
///
/// # Errors
/// [`SignatureError`], when there are signatures and none is good, or there must be one and there is none.
pub fn judge(
    mode: SignatureMode,
    card: &Document,
    pinned: &[Pinned<'_>],
) -> Result<Standing, SignatureError> {
    if mode == SignatureMode::Off {
        return Ok(Standing::Unchecked);
    }
    let Some(signatures) = signatures(card)? else {
        return if mode == SignatureMode::Required {
            Err(SignatureError::Missing)
        } else {
            Ok(Standing::Unsigned)
        };
    };
    if signatures.iter().count() > MAX_SIGNATURES {
        return Err(SignatureError::TooMany);
    }
    let payloads: Vec<_> =
        Form::ALL.into_iter().filter_map(|form| Some((form, canonical(form, card).ok()?))).collect();
    let mut outcome = Err(SignatureError::Missing);
    for entry in signatures.iter() {
        outcome = verify(entry, &payloads, pinned).map(Standing::Verified);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// The signatures, if there are any. What stands in their place and is no list is not the absence of a signature.
fn signatures(card: &Document) -> Result<Option<Array<'_>>, SignatureError> {
    let member = card.root().as_object().and_then(|card| card.get("signatures"));
    let Some(member) = member.filter(|member| !member.is_null()) else { return Ok(None) };
    let list = member.as_array().ok_or(SignatureError::Malformed("`signatures` is not a list"))?;
    Ok((!list.is_empty()).then_some(list))
}

/// One entry, read and not believed.
struct Claim {
    protected: String,
    signature: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
    jku: Option<String>,
}

fn verify(
    entry: View<'_>,
    payloads: &[(Form, Vec<u8>)],
    pinned: &[Pinned<'_>],
) -> Result<Verified, SignatureError> {
    let claim = Claim::read(entry)?;
    let named = |set: &&Pinned<'_>| set.url.is_some() && set.url == claim.jku.as_deref();
    let narrowed = pinned.iter().any(|set| named(&set));
    let sets = pinned.iter().filter(|set| !narrowed || named(set));
    let keys: Vec<_> = sets.flat_map(|set| set.keys.find(claim.kid.as_deref(), claim.algorithm)).collect();
    if keys.is_empty() {
        return Err(SignatureError::KeyUnknown);
    }
    for (form, payload) in payloads {
        let message = message(&claim.protected, payload);
        if keys.iter().any(|key| key.verifies(claim.algorithm, message.as_bytes(), &claim.signature)) {
            return Ok(Verified { kid: claim.kid, algorithm: claim.algorithm, form: *form });
        }
    }
    Err(SignatureError::Wrong)
}

impl Claim {
    fn read(entry: View<'_>) -> Result<Self, SignatureError> {
        let entry = entry.as_object().ok_or(SignatureError::Malformed("it is not an object"))?;
        let protected = text(entry, "protected", MAX_HEADER)
            .ok_or(SignatureError::Malformed("`protected` is missing, empty or too long"))?;
        let signature = text(entry, "signature", MAX_SIGNATURE)
            .and_then(|signature| URL_SAFE_NO_PAD.decode(signature).ok())
            .ok_or(SignatureError::Malformed("`signature` is missing, empty, too long or not base64url"))?;
        let header = URL_SAFE_NO_PAD
            .decode(&protected)
            .ok()
            .and_then(|header| json::object(&header))
            .ok_or(SignatureError::Malformed("`protected` is not base64url of a JSON object"))?;
        // No extension is understood, so every `crit` names one that is not. `b64: false` (RFC 7797) would change what
        // was signed, whether or not `crit` says so.
        if header.contains_key("crit") || header.get("b64").is_some_and(|value| *value != Value::Bool(true)) {
            return Err(SignatureError::Critical);
        }
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::parse);
        let algorithm = algorithm
            .filter(|algorithm| CardKeys::ALGORITHMS.contains(algorithm))
            .ok_or(SignatureError::Algorithm)?;
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(SignatureError::Malformed("`kid` is not a text")),
        };
        let jku = header.get("jku").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { protected, signature, algorithm, kid, jku })
    }
}

/// A member that is a text of a decent length.
fn text(entry: Object<'_>, name: &str, longest: usize) -> Option<String> {
    let text = entry.get(name)?.as_str()?;
    (!text.is_empty() && text.len() <= longest).then(|| text.into_owned())
}
