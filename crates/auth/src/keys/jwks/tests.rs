use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents},
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// RFC 7515 appendix A.3.
const P256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const P256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
/// RFC 8037 appendix A.2.
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn ec(extra: &Value) -> Value {
    with(json!({"kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y}), extra)
}

fn with(mut key: Value, extra: &Value) -> Value {
    for (name, value) in extra.as_object().unwrap() {
        key[name] = value.clone();
    }
    key
}

/// An odd number of exactly `bits` bits. Whether it is a product of two primes plays no part in reading it.
fn rsa(bits: usize, e: &[u8]) -> Value {
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] >>= n.len() * 8 - bits;
    json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e)})
}

fn read(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[test]
fn usable_keys_are_kept() {
    let keys = [
        ec(&json!({})),
        ec(&json!({"use": "sig", "alg": "ES256", "kid": "a", "x5c": ["…"], "x5t": "…", "unknown": 1})),
        ec(&json!({"key_ops": ["verify"]})),
        json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X}),
        rsa(2048, &[1, 0, 1]),
        rsa(4096, &[3]),
        rsa(2048, &[0, 1, 0, 1]),
    ];
    let set = read(&keys);
    assert_eq!((set.len(), set.ignored()), (keys.len(), 0));
}

#[test]
fn unusable_keys_are_left_out() {
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X});
    let bad = [
        json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
        json!({"kty": "oct"}),
        // A symmetric key in disguise, and private halves.
        ec(&json!({"k": "c2VjcmV0"})),
        ec(&json!({"d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})),
        with(ed.clone(), &json!({"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"})),
        with(rsa(2048, &[1, 0, 1]), &json!({"p": "AQ"})),
        // For something else.
        ec(&json!({"use": "enc"})),
        ec(&json!({"use": ["sig"]})),
        ec(&json!({"key_ops": ["sign"]})),
        ec(&json!({"key_ops": "verify"})),
        // Algorithms: unknown, symmetric, none, and of another type of key.
        ec(&json!({"alg": "ES256K"})),
        ec(&json!({"alg": "HS256"})),
        ec(&json!({"alg": "none"})),
        ec(&json!({"alg": null})),
        ec(&json!({"alg": "ES384"})),
        ec(&json!({"alg": "RS256"})),
        ec(&json!({"alg": "EdDSA"})),
        // Types and curves.
        ec(&json!({"kty": "ec"})),
        ec(&json!({"kty": null})),
        ec(&json!({"crv": "P-384"})),
        ec(&json!({"crv": "secp256k1"})),
        with(ed.clone(), &json!({"crv": "X25519"})),
        with(ed.clone(), &json!({"crv": "Ed448"})),
        with(ed.clone(), &json!({"kty": "EC"})),
        // Not a point of the curve, or not in its only form.
        ec(&json!({"y": P256_X})),
        ec(&json!({"x": format!("{P256_X}=")})),
        ec(&json!({"x": format!("AA{P256_X}")})),
        ec(&json!({"x": "", "y": ""})),
        with(ed.clone(), &json!({"x": "AAAA"})),
        ec(&json!({"kid": 7})),
        // Numbers that no sound RSA key has.
        rsa(1024, &[1, 0, 1]),
        rsa(2047, &[1, 0, 1]),
        rsa(8193, &[1, 0, 1]),
        rsa(2048, &[1]),
        rsa(2048, &[2]),
        rsa(2048, &[]),
        rsa(2048, &[1, 0, 0, 0, 1]),
        json!({"kty": "RSA", "n": "", "e": "AQAB"}),
        json!({"kty": "RSA"}),
        json!({}),
        json!("EC"),
        json!(null),
    ];
    for key in &bad {
        let set = read(std::slice::from_ref(key));
        assert!(set.is_empty(), "{key}");
        assert_eq!(set.ignored(), 1);
    }
    // A bad key does not take the good ones with it.
    let mut all = bad.to_vec();
    all.push(ec(&json!({})));
    assert_eq!(read(&all).len(), 1);
}

#[test]
fn an_id_is_exact_and_its_absence_tries_few() {
    let set = read(&[
        ec(&json!({"kid": "a"})),
        ec(&json!({"kid": "A"})),
        ec(&json!({"kid": "a", "alg": "ES256"})),
        json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "kid": "a"}),
        rsa(2048, &[1, 0, 1]),
        with(rsa(2048, &[1, 0, 1]), &json!({"alg": "PS256", "kid": "r"})),
    ]);
    let count = |kid, algorithm| set.find(kid, algorithm).count();
    assert_eq!(count(Some("a"), Algorithm::Es256), 2);
    assert_eq!(count(Some("a"), Algorithm::EdDsa), 1);
    assert_eq!(count(Some("a"), Algorithm::Rs256), 0, "the id exists, the type does not fit");
    assert_eq!(count(Some("b"), Algorithm::Es256), 0);
    assert_eq!(count(Some(""), Algorithm::Es256), 0);
    assert_eq!(count(None, Algorithm::Es256), 3);
    assert_eq!(count(None, Algorithm::Es384), 0);
    assert_eq!(count(None, Algorithm::Rs256), 1, "a key's own algorithm excludes others");
    assert_eq!(count(None, Algorithm::Ps256), 2);
    let many = read(&vec![ec(&json!({})); 50]);
    assert_eq!(many.find(None, Algorithm::Es256).count(), 4);
}

#[test]
fn a_key_verifies_with_its_own_algorithm_only() {
    let set = read(&[ec(&json!({}))]);
    let key = set.find(None, Algorithm::Es256).next().unwrap();
    let message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = URL_SAFE_NO_PAD
        .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
        .unwrap();
    for algorithm in Algorithm::ALL {
        let expected = algorithm == Algorithm::Es256;
        assert_eq!(key.verifies(algorithm, message, &signature), expected, "{algorithm:?}");
    }
    assert!(!key.verifies(Algorithm::Es256, message, &[]));
    assert!(!key.verifies(Algorithm::Es256, message, &[0; 64]), "the all-zero signature of CVE-2022-21449");
}

/// The signature is right, and still not believed: the key says what it is for.
#[test]
fn a_key_that_names_its_algorithm_verifies_no_other() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let (n, e) = (URL_SAFE_NO_PAD.encode(&public.n), URL_SAFE_NO_PAD.encode(&public.e));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), b"m", &mut signature).unwrap();
    for (alg, asked) in [("PS256", Algorithm::Ps256), ("RS256", Algorithm::Rs256)] {
        let set = read(&[json!({"kty": "RSA", "n": n, "e": e, "alg": alg})]);
        let key = set.find(None, asked).next().unwrap();
        assert_eq!(key.verifies(Algorithm::Ps256, b"m", &signature), alg == "PS256");
        assert!(!key.verifies(Algorithm::Rs256, b"m", &signature));
    }
}

#[test]
fn documents_that_are_not_key_sets() {
    for bad in [
        "",
        "[]",
        "null",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[{"kid":"a","kid":"b"}]}"#,
        "<html>",
    ] {
        assert_eq!(KeySet::parse(bad.as_bytes()).unwrap_err(), JwksError::Malformed, "{bad}");
    }
    let sized = |keys: usize| json!({"keys": vec![json!({}); keys]}).to_string();
    assert!(KeySet::parse(sized(100).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(sized(101).as_bytes()).unwrap_err(), JwksError::TooManyKeys);
    let padded = |len: usize| format!(r#"{{"keys":[]{}}}"#, " ".repeat(len - 11));
    assert!(KeySet::parse(padded(256 << 10).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(padded((256 << 10) + 1).as_bytes()).unwrap_err(), JwksError::TooLarge);
}

proptest! {
    #[test]
    fn arbitrary_documents_do_no_harm(
        kty in "(EC|OKP|RSA|oct|x)", crv in "(P-256|P-384|Ed25519|x)",
        x in "[A-Za-z0-9_-]{0,66}", y in "[A-Za-z0-9_-]{43}", n in "[A-Za-z0-9_-]{300,400}", e in "[A-Za-z0-9_-]{0,8}",
    ) {
        let set = read(&[json!({"kty": kty, "crv": crv, "x": x, "y": y, "n": n, "e": e})]);
        for algorithm in Algorithm::ALL {
            for key in set.find(None, algorithm) {
                prop_assert!(!key.verifies(algorithm, b"message", &[1; 64]));
            }
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(KeySet::parse(&bytes).map_or(true, |set| set.is_empty()));
    }
}
