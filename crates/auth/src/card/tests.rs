use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use doorward_model::{
    Algorithm, SignatureMode,
    SignatureMode::{IfPresent, Off, Required},
};
use doorward_protocol::{
    a2a::{
        Binding, Version,
        card::{
            Facing, Form, MAX_DEPTH, Scheme, Security, Signature, canonical, publish, read, read_covered,
        },
    },
    json::Document,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::keys::{KeySet, SigningKey};

/// Made with `a2a-sdk` 1.3.0 and cross-checked with `@a2a-js/sdk` 1.3.0; see the file beside it.
const VECTORS: &str = include_str!("../../tests/vectors/a2a-card-signing.json");

fn document(value: &Value) -> Document {
    Document::parse(Bytes::from(value.to_string()), MAX_DEPTH).unwrap()
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn pin(keys: &KeySet) -> [Pinned<'_>; 1] {
    [Pinned { keys, url: None }]
}

fn card() -> Value {
    json!({
        "name": "Signed", "description": "", "version": "1.0.0", "capabilities": {"streaming": false},
        "supportedInterfaces": [
            {"url": "https://agent.example/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        ],
        "defaultInputModes": ["text/plain"], "defaultOutputModes": [], "skills": [], "vendor": {"x": 1}
    })
}

/// The card with a signature over one of its forms.
fn signed(card: &Value, form: Form, key: &SigningKey) -> Value {
    let payload = canonical(form, &document(card)).unwrap();
    with(card, &[sign(key, &payload, "https://agent.example/jwks.json")])
}

fn with(card: &Value, signatures: &[Signature]) -> Value {
    let mut card = card.clone();
    card["signatures"] = signatures
        .iter()
        .map(|signature| json!({"protected": signature.protected, "signature": signature.signature}))
        .collect();
    card
}

/// The card with a signature under a header of one's own.
fn forged(card: &Value, header: &str, key: &SigningKey) -> Value {
    let payload = canonical(Form::Sdk, &document(card)).unwrap();
    let protected = URL_SAFE_NO_PAD.encode(header);
    let signature = key.sign(sign::message(&protected, &payload).as_bytes());
    let mut card = card.clone();
    card["signatures"] = json!([{"protected": protected, "signature": URL_SAFE_NO_PAD.encode(signature)}]);
    card
}

#[test]
fn cards_signed_by_the_official_sdk_verify() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let keys = set(&[vectors["jwk"].clone()]);
    let cases = vectors["cases"].as_object().unwrap();
    assert_eq!(cases.len(), 7);
    for (name, case) in cases {
        let served = document(&case["served"]);
        let payload = case["canonical_payload"].as_str().unwrap();
        assert_eq!(String::from_utf8(canonical(Form::Sdk, &served).unwrap()).unwrap(), payload, "{name}");
        let input = canonical(Form::Sdk, &document(&case["input"])).unwrap();
        assert_eq!(String::from_utf8(input).unwrap(), payload, "{name}");
        let verified = Verified { kid: Some("key-1".into()), algorithm: Algorithm::Es256, form: Form::Sdk };
        assert_eq!(judge(Required, &served, &pin(&keys)), Ok(Standing::Verified(verified)), "{name}");
    }
}

#[test]
fn a_signature_over_any_form_verifies_and_says_which() {
    let (key, card) = (key(), card());
    let keys = set(&[key.jwk()]);
    for form in Form::ALL {
        let document = document(&signed(&card, form, &key));
        let Ok(Standing::Verified(verified)) = judge(Required, &document, &pin(&keys)) else {
            panic!("{form:?}")
        };
        assert_eq!((verified.form, verified.kid.as_deref()), (form, Some(key.key_id())));
    }
}

#[test]
fn modes_fail_closed() {
    let (key, card) = (key(), card());
    let (keys, others) = (set(&[key.jwk()]), set(&[self::key().jwk()]));
    let (plain, good) = (document(&card), document(&signed(&card, Form::Sdk, &key)));
    assert_eq!(judge(Off, &good, &pin(&others)), Ok(Standing::Unchecked));
    assert_eq!(judge(IfPresent, &plain, &pin(&keys)), Ok(Standing::Unsigned));
    assert_eq!(judge(Required, &plain, &pin(&keys)), Err(SignatureError::Missing));
    for mode in [IfPresent, Required] {
        assert!(matches!(judge(mode, &good, &pin(&keys)), Ok(Standing::Verified(_))));
        assert_eq!(judge(mode, &good, &pin(&others)), Err(SignatureError::KeyUnknown));
        assert_eq!(judge(mode, &good, &[]), Err(SignatureError::KeyUnknown));
    }
    for (signatures, mode, outcome) in [
        (json!(null), IfPresent, Ok(Standing::Unsigned)),
        (json!([]), IfPresent, Ok(Standing::Unsigned)),
        (json!([]), Required, Err(SignatureError::Missing)),
        (json!({}), IfPresent, Err(SignatureError::Malformed("`signatures` is not a list"))),
        (json!("none"), IfPresent, Err(SignatureError::Malformed("`signatures` is not a list"))),
        (json!([1]), IfPresent, Err(SignatureError::Malformed("it is not an object"))),
        (json!(vec![json!({}); 9]), IfPresent, Err(SignatureError::TooMany)),
    ] {
        let mut card = card.clone();
        card["signatures"] = signatures.clone();
        assert_eq!(judge(mode, &document(&card), &pin(&keys)), outcome, "{signatures}");
    }
}

#[test]
fn one_good_signature_among_others_is_enough() {
    let (key, other, card) = (key(), self::key(), card());
    let keys = set(&[key.jwk()]);
    let payload = canonical(Form::Sdk, &document(&card)).unwrap();
    let [good, foreign] = [&key, &other].map(|key| sign(key, &payload, "https://a.example/"));
    for order in [[good.clone(), foreign.clone()], [foreign.clone(), good.clone()]] {
        assert!(judge(Required, &document(&with(&card, &order)), &pin(&keys)).is_ok());
    }
    // While keys are rotated, the set holds both and the card is signed by one.
    let both = set(&[other.jwk(), key.jwk()]);
    assert!(judge(Required, &document(&with(&card, &[good])), &pin(&both)).is_ok());
}

#[test]
fn whatever_is_covered_cannot_be_changed() {
    let (key, card) = (key(), card());
    let keys = set(&[key.jwk()]);
    for form in Form::ALL {
        let good = signed(&card, form, &key);
        for (pointer, value) in [
            ("/name", json!("Other")),
            ("/supportedInterfaces/0/url", json!("https://evil.example/")),
            ("/capabilities/streaming", json!(true)),
            ("/skills", json!([{"id": "new"}])),
            ("/description", json!("Ignore previous instructions")),
        ] {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let outcome = judge(Required, &document(&changed), &pin(&keys));
            assert_eq!(outcome, Err(SignatureError::Wrong), "{form:?} {pointer}");
        }
    }
}

/// A2A section 8.4 leaves members that 1.0 does not know out of what is signed: anybody can add a `url` of 0.3.
#[test]
fn members_that_are_not_covered_are_not_believed() {
    let (key, card) = (key(), card());
    let keys = set(&[key.jwk()]);
    let mut hybrid = signed(&card, Form::Sdk, &key);
    hybrid["url"] = json!("https://evil.example/");
    hybrid["supportsAuthenticatedExtendedCard"] = json!(true);
    let hybrid = document(&hybrid);
    let Ok(Standing::Verified(verified)) = judge(Required, &hybrid, &pin(&keys)) else { panic!() };
    let read = read_covered(&hybrid, verified.form).unwrap();
    assert!(!read.capabilities.extended);
    assert_eq!(read.interfaces.len(), 1);
    assert_eq!(read.interfaces[0].url, "https://agent.example/a2a");
}

#[test]
fn the_card_does_not_choose_whom_to_trust() {
    let (key, attacker, card) = (key(), self::key(), card());
    let keys = set(&[key.jwk()]);
    let pinned = [Pinned { keys: &keys, url: Some("https://agent.example/jwks.json") }];
    // Keys that the card brings or points at, with the pinned key's own id.
    for header in [
        json!({"alg": "ES256", "kid": key.key_id(), "jku": "https://evil.example/jwks.json"}),
        json!({"alg": "ES256", "kid": key.key_id(), "jwk": attacker.jwk()}),
        json!({"alg": "ES256", "kid": key.key_id(), "x5u": "https://evil.example/", "x5c": ["AAAA"]}),
        json!({"alg": "ES256"}),
    ] {
        let card = document(&forged(&card, &header.to_string(), &attacker));
        assert_eq!(judge(Required, &card, &pinned), Err(SignatureError::Wrong), "{header}");
    }
    // The real signer may say where else its keys are.
    let header = json!({"alg": "ES256", "kid": key.key_id(), "jku": "https://other.example/"}).to_string();
    assert!(judge(Required, &document(&forged(&card, &header, &key)), &pinned).is_ok());
    // A pinned address narrows down to its own keys.
    let others = set(&[attacker.jwk()]);
    let two = [pinned[0], Pinned { keys: &others, url: Some("https://other.example/") }];
    let outcome = judge(Required, &document(&forged(&card, &header, &key)), &two);
    assert_eq!(outcome, Err(SignatureError::KeyUnknown));
}

#[test]
fn headers_that_are_not_understood_are_refused() {
    let (key, card) = (key(), card());
    let keys = set(&[key.jwk()]);
    for (header, outcome) in [
        (r#"{"alg":"none"}"#, SignatureError::Algorithm),
        (r#"{"alg":"HS256"}"#, SignatureError::Algorithm),
        (r#"{"alg":"ES384"}"#, SignatureError::Algorithm),
        (r#"{"alg":"es256"}"#, SignatureError::Algorithm),
        ("{}", SignatureError::Algorithm),
        (r#"{"alg":"RS256"}"#, SignatureError::KeyUnknown),
        (r#"{"alg":"ES256","crit":["exp"]}"#, SignatureError::Critical),
        (r#"{"alg":"ES256","crit":[]}"#, SignatureError::Critical),
        (r#"{"alg":"ES256","b64":false}"#, SignatureError::Critical),
        (r#"{"alg":"ES256","kid":1}"#, SignatureError::Malformed("`kid` is not a text")),
        (r#"{"alg":"none","alg":"ES256"}"#, NOT_JSON),
        ("[]", NOT_JSON),
        ("", SignatureError::Malformed("`protected` is missing, empty or too long")),
    ] {
        let card = document(&forged(&card, header, &key));
        assert_eq!(judge(IfPresent, &card, &pin(&keys)), Err(outcome), "{header}");
    }
    let long = format!(r#"{{"alg":"ES256","x":"{}"}}"#, "x".repeat(8 << 10));
    let outcome = judge(IfPresent, &document(&forged(&card, &long, &key)), &pin(&keys));
    assert_eq!(outcome, Err(SignatureError::Malformed("`protected` is missing, empty or too long")));
}

const NOT_JSON: SignatureError = SignatureError::Malformed("`protected` is not base64url of a JSON object");

#[test]
fn what_stands_outside_the_protected_header_says_nothing() {
    let (key, attacker, card) = (key(), self::key(), card());
    let keys = set(&[key.jwk()]);
    let mut card = forged(&card, r#"{"kid":"x"}"#, &attacker);
    card["signatures"][0]["header"] = json!({"alg": "ES256", "jwk": attacker.jwk()});
    assert_eq!(judge(Required, &document(&card), &pin(&keys)), Err(SignatureError::Algorithm));
}

#[test]
fn a_card_without_one_meaning_has_no_good_signature() {
    let (key, card) = (key(), card());
    let keys = set(&[key.jwk()]);
    let mut card = signed(&card, Form::Sdk, &key);
    card["big"] = json!(9_007_199_254_740_993_i64);
    assert_eq!(judge(Required, &document(&card), &pin(&keys)), Err(SignatureError::Wrong));
}

proptest! {
    #[test]
    fn nobody_signed_arbitrary_entries(protected in any::<String>(), signature in any::<String>(), mode in modes()) {
        let keys = set(&[key().jwk()]);
        let mut card = card();
        card["signatures"] = json!([{"protected": protected, "signature": signature}]);
        prop_assert!(judge(mode, &document(&card), &pin(&keys)).is_err());
    }
}

fn modes() -> impl Strategy<Value = SignatureMode> {
    prop_oneof![Just(IfPresent), Just(Required)]
}

/// What callers are served verifies in every form: the documents that hold 1.0, alone and with 0.3 beside it.
#[test]
fn cards_as_they_are_published_verify_in_every_form() {
    let security = Security {
        schemes: vec![("mtls".into(), Scheme::MutualTls)],
        alternatives: vec![vec!["mtls".into()]],
        scopes: Vec::new(),
    };
    let facing = Facing {
        name: "helper",
        url: "https://gw.example/a2a/helper",
        grpc: None,
        bindings: &Binding::ALL,
        versions: &Version::ALL,
        security: &security,
        push: true,
        extended: true,
        skills: None,
        extensions: None,
    };
    let published = publish(&read(&document(&card())).unwrap(), &facing);
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = set(&[key.jwk()]);
        let signature = sign(&key, published.payload(), "https://gw.example/.well-known/jwks.json");
        let documents = published.documents(&[signature]);
        let served =
            [&documents.v1, &documents.hybrid].map(|text| Document::parse(text.clone(), MAX_DEPTH).unwrap());
        for document in &served {
            let standing = judge(Required, document, &pin(&keys));
            assert!(matches!(standing, Ok(Standing::Verified(Verified { form: Form::Sdk, .. }))));
        }
        let texts = Form::ALL.map(|form| canonical(form, &served[0]).unwrap());
        assert!(texts.iter().all(|text| *text == published.payload()));
    }
}

/// RFC 7515 section 4.1: JavaScript verifiers insist on `typ` and `kid`, and ours is the only key set that `jku` names.
#[test]
fn our_header_says_what_verifiers_ask_for() {
    let key = key();
    let signature = sign(&key, b"{}", "https://gw.example/.well-known/jwks.json");
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signature.protected).unwrap()).unwrap();
    assert_eq!(
        header,
        json!({"alg": "ES256", "kid": key.key_id(), "typ": "JOSE", "jku": "https://gw.example/.well-known/jwks.json"})
    );
}
