//! Signing the cards that Doorward publishes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_protocol::a2a::card::Signature;
use serde_json::json;

use crate::keys::SigningKey;

/// The signature of a card of which `payload` is the canonical text. `jku` is the address of Doorward's key set, a hint.
///
/// While keys are rotated the set holds both; one signature, by the current key, is enough.
///
/// # Panics
/// When the operating system has no entropy to give.
pub fn sign(key: &SigningKey, payload: &[u8], jku: &str) -> Signature {
    let header =
        json!({ "alg": key.algorithm().name(), "kid": key.key_id(), "typ": "JOSE", "jku": jku }).to_string();
    let protected = URL_SAFE_NO_PAD.encode(header);
    let signature = key.sign(message(&protected, payload).as_bytes());
    Signature { signature: URL_SAFE_NO_PAD.encode(signature), protected }
}

/// What is signed (RFC 7515 section 5.1).
pub(super) fn message(protected: &str, payload: &[u8]) -> String {
    format!("{protected}.{}", URL_SAFE_NO_PAD.encode(payload))
}
