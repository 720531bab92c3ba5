use super::*;
use crate::keys::KeySet;

fn key_set(key: &SigningKey) -> KeySet {
    KeySet::parse(json!({"keys": [key.jwk()]}).to_string().as_bytes()).unwrap()
}

/// RFC 8037 appendix A: the private key d, its thumbprint (A.3) and the signature (A.4).
#[test]
fn the_published_ed25519_example() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let key = SigningKey::new(Pair::Ed25519(pair));
    assert_eq!(key.key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(key.jwk()["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    let signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    assert_eq!(
        URL_SAFE_NO_PAD.encode(signature),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn what_is_signed_verifies_with_the_published_half_only() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = key_set(&key);
        let stranger = key_set(&SigningKey::generate(algorithm).unwrap());
        let signature = key.sign(b"message");
        assert_eq!(signature.len(), 64);
        let ours = keys.find(Some(key.key_id()), algorithm).next().unwrap();
        assert!(ours.verifies(algorithm, b"message", &signature));
        assert!(!ours.verifies(algorithm, b"massage", &signature));
        assert!(!stranger.find(None, algorithm).next().unwrap().verifies(algorithm, b"message", &signature));
    }
}

#[test]
fn the_published_half_has_no_private_member() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let Value::Object(jwk) = key.jwk() else { panic!("not an object") };
        assert!(!jwk.contains_key("d"));
        assert_eq!(jwk["kid"], key.key_id());
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["alg"], algorithm.name());
        assert_eq!(format!("{key:?}"), format!("SigningKey({} {})", algorithm.name(), key.key_id()));
    }
}

#[test]
fn a_stored_key_is_the_same_key() {
    for (algorithm, other) in [(Algorithm::Es256, Algorithm::EdDsa), (Algorithm::EdDsa, Algorithm::Es256)] {
        let key = SigningKey::generate(algorithm).unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8()).unwrap();
        assert_eq!(again.jwk(), key.jwk());
        let ours = key_set(&key);
        assert!(ours.find(None, algorithm).next().unwrap().verifies(algorithm, b"m", &again.sign(b"m")));
        assert_eq!(SigningKey::from_pkcs8(other, &key.to_pkcs8()).unwrap_err(), SigningKeyError::Malformed);
    }
    assert_eq!(SigningKey::from_pkcs8(Algorithm::EdDsa, b"").unwrap_err(), SigningKeyError::Malformed);
}

#[test]
fn other_algorithms_are_not_signed_with() {
    for algorithm in Algorithm::ALL {
        let wanted = matches!(algorithm, Algorithm::Es256 | Algorithm::EdDsa);
        assert_eq!(SigningKey::generate(algorithm).is_ok(), wanted, "{algorithm:?}");
    }
}
