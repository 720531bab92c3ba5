//! Tokens and keys of other people: whatever they are, reading ends in an answer, and nothing is believed that was not signed.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_auth::keys::{KeySet, SigningKey};
use doorward_auth::verify;
use doorward_model::{Algorithm, Issuer, Name, Timestamp};
use serde_json::Value;

use super::first_line;

/// 2026-07-28T00:00:00Z in microseconds: when the tokens are judged.
const NOW: Timestamp = Timestamp::from_micros(1_785_196_800_000_000);

/// An issuer, its key, and the set of keys that it publishes.
struct World {
    key: SigningKey,
    keys: KeySet,
    issuer: Issuer,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let Ok(key) = SigningKey::generate(Algorithm::EdDsa) else { panic!("no key can be made") };
    let Ok(keys) = KeySet::parse(serde_json::json!({ "keys": [key.jwk()] }).to_string().as_bytes()) else {
        panic!("our own key set is none")
    };
    let Ok(name) = Name::parse("corp") else { panic!("not a name") };
    let issuer = Issuer {
        name,
        issuer: "https://idp.example.com".into(),
        jwks_uri: None,
        algorithms: Algorithm::ALL.to_vec(),
        required_scope: None,
        id_jag: false,
    };
    World { key, keys, issuer }
});

/// The input is tried as a token, which nobody can have signed; and its first line as a header, the rest as claims, of a token
/// that is signed here, so that what is behind the signature is reached.
///
/// # Panics
/// If a token is believed that was not signed, or one that another reader would not understand.
pub fn jwt(data: &[u8]) {
    let world = &*WORLD;
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(token) = verify::peek(text)
    {
        assert_eq!(text.split('.').count(), 3);
        assert!(token.verify(&world.issuer, &world.keys, NOW).is_err(), "nobody signed this");
    }
    let (header, claims) = first_line(data);
    let message = message(data);
    let signed = signed(&message);
    let Ok(token) = verify::peek(&signed) else { return };
    let Ok(verified) = token.verify(&world.issuer, &world.keys, NOW) else { return };
    let Ok(theirs) = serde_json::from_slice::<Value>(claims) else {
        panic!("only Doorward reads these claims")
    };
    assert_eq!(theirs["iss"], world.issuer.issuer);
    assert_eq!(theirs["sub"].as_str(), Some(&*verified.identity.subject));
    let Ok(header) = serde_json::from_slice::<Value>(header) else {
        panic!("only Doorward reads this header")
    };
    assert_eq!(header["alg"], "EdDSA");
    // Sixty seconds may be wrong, both ways.
    assert!(theirs["exp"].as_f64().is_some_and(|expires| expires > 1_785_196_800.0 - 61.0), "expired");
    // One other character in the message, and the signature is not its.
    let other = if claims.is_empty() { "A" } else { "" };
    let forged = format!("{message}{other}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    assert!(verify::peek(&forged).is_ok_and(|token| token.verify(&world.issuer, &world.keys, NOW).is_err()));
}

/// The first line as a header and the rest as claims: what is signed.
fn message(data: &[u8]) -> String {
    let (header, claims) = first_line(data);
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// The message with the signature of our issuer.
fn signed(message: &str) -> String {
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(WORLD.key.sign(message.as_bytes())))
}

/// Whether an input is a token that is believed once it is signed.
#[cfg(test)]
pub(super) fn believed(data: &[u8]) -> bool {
    let signed = signed(&message(data));
    verify::peek(&signed).is_ok_and(|token| token.verify(&WORLD.issuer, &WORLD.keys, NOW).is_ok())
}

/// A text that is accepted is a JWK Set to another reader too, every key of it is counted, none verifies what it did not sign,
/// and none is secret.
///
/// # Panics
/// If that does not hold.
pub fn jwks(data: &[u8]) {
    let Ok(keys) = KeySet::parse(data) else { return };
    let Ok(theirs) = serde_json::from_slice::<Value>(data) else { panic!("only Doorward reads this") };
    let Some(listed) = theirs["keys"].as_array() else { panic!("no list of keys") };
    assert_eq!(keys.len() + keys.ignored(), listed.len());
    let usable = listed.iter().filter(|key| key["kty"] != "oct" && key["d"].is_null()).count();
    assert!(keys.len() <= usable, "a secret key is kept");
    for algorithm in Algorithm::ALL {
        let found: Vec<_> = keys.find(None, algorithm).collect();
        assert!(found.len() <= 4, "one token would be tried with too many keys");
        for key in found {
            for length in [0, 64, 256] {
                assert!(!key.verifies(algorithm, b"message", &vec![1; length]), "nobody signed this");
            }
        }
    }
}
