//! The negative corpus of tokens, by hand-made tokens: what a signing library would refuse to write is
//! written here.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use doorward_model::Name;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::keys::SigningKey;

const ISSUER: &str = "https://idp.example.com";
const NOW: i64 = 1_800_000_000;

type Signer<'s> = &'s dyn Fn(&[u8]) -> Vec<u8>;

/// An issuer with one ES256 key, and what a test changes about its tokens.
struct World {
    key: SigningKey,
    keys: KeySet,
    issuer: Issuer,
}

impl World {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = key_set(&[key.jwk()]);
        Self { key, keys, issuer: issuer(&Algorithm::ALL) }
    }

    fn claims(&self) -> Value {
        json!({"iss": self.issuer.issuer, "sub": "alice", "aud": "https://gw/mcp/demo", "exp": NOW + 300})
    }

    fn header(&self) -> Value {
        json!({"alg": "ES256", "kid": self.key.key_id(), "typ": "at+jwt"})
    }

    /// A token that is signed rightly, whatever header and payload say.
    fn sign_raw(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(payload));
        let signature = b64(self.key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_raw(&header.to_string(), &claims.to_string())
    }

    fn with_header(&self, changes: &Value) -> String {
        self.sign(&merge(self.header(), changes), &self.claims())
    }

    fn with_claims(&self, changes: &Value) -> String {
        self.sign(&self.header(), &merge(self.claims(), changes))
    }

    fn read(&self, token: &str) -> Result<Verified, TokenError> {
        self.read_at(token, Timestamp::from_secs(NOW))
    }

    fn read_at(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        peek(token)?.verify(&self.issuer, &self.keys, now)
    }

    fn reason(&self, token: &str) -> &'static str {
        self.read(token).map_or_else(TokenError::reason, |_| "ok")
    }

    fn identity(&self, changes: &Value) -> Identity {
        let verified = self.read(&self.with_claims(changes)).unwrap();
        Arc::unwrap_or_clone(verified.identity)
    }
}

fn issuer(algorithms: &[Algorithm]) -> Issuer {
    Issuer {
        name: Name::parse("corp").unwrap(),
        issuer: ISSUER.into(),
        jwks_uri: None,
        algorithms: algorithms.to_vec(),
        required_scope: None,
        id_jag: false,
    }
}

fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `changes` over `base`; `null` takes a member away.
fn merge(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

#[test]
fn a_good_token_says_who() {
    let world = World::new();
    let token = world.with_claims(&json!({
        "client_id": "ci", "azp": "other", "scope": "mcp:read  mcp:call", "groups": ["eng", "ops"], "exp": NOW + 300,
        "nbf": NOW, "iat": NOW, "jti": "1",
    }));
    let unverified = peek(&token).unwrap();
    assert_eq!(unverified.issuer(), ISSUER);
    assert_eq!(unverified.key_id(), Some(world.key.key_id()));
    assert_eq!(unverified.algorithm(), Algorithm::Es256);
    let verified = world.read(&token).unwrap();
    assert_eq!(verified.expires, Timestamp::from_secs(NOW + 300));
    let expected = Identity {
        issuer: ISSUER.into(),
        subject: "alice".into(),
        client: Some("ci".into()),
        scopes: vec!["mcp:read".into(), "mcp:call".into()],
        groups: vec!["eng".into(), "ops".into()],
        audiences: vec!["https://gw/mcp/demo".into()],
    };
    assert_eq!(*verified.identity, expected);
}

#[test]
fn the_signing_key_writes_what_is_read() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let mut world = World::new();
        world.key = SigningKey::generate(algorithm).unwrap();
        world.keys = key_set(&[world.key.jwk()]);
        assert_eq!(world.reason(&world.key.sign_jwt("at+jwt", &world.claims())), "ok");
        assert_eq!(world.reason(&world.key.sign_jwt("dpop+jwt", &world.claims())), "token_type");
    }
}

#[test]
fn every_rsa_and_p384_algorithm_verifies_and_none_stands_for_another() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let rsa = json!({"kty": "RSA", "n": b64(&public.n), "e": b64(&public.e)});
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let (x, y) = p384.public_key().as_ref()[1..].split_at(48);
    let ec = json!({"kty": "EC", "crv": "P-384", "x": b64(x), "y": b64(y)});
    let mut world = World::new();
    world.keys = key_set(&[rsa, ec]);

    let rsa_sign = |padding: &'static dyn RsaEncoding, message: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    let made_by: [(&str, Signer<'_>); 7] = [
        ("RS256", &|m| rsa_sign(&RSA_PKCS1_SHA256, m)),
        ("RS384", &|m| rsa_sign(&RSA_PKCS1_SHA384, m)),
        ("RS512", &|m| rsa_sign(&RSA_PKCS1_SHA512, m)),
        ("PS256", &|m| rsa_sign(&RSA_PSS_SHA256, m)),
        ("PS384", &|m| rsa_sign(&RSA_PSS_SHA384, m)),
        ("PS512", &|m| rsa_sign(&RSA_PSS_SHA512, m)),
        ("ES384", &|m| p384.sign(&SystemRandom::new(), m).unwrap().as_ref().to_vec()),
    ];
    for (said, _) in &made_by {
        for (done, sign) in &made_by {
            let message =
                format!("{}.{}", b64(json!({"alg": said}).to_string()), b64(world.claims().to_string()));
            let token = format!("{message}.{}", b64(sign(message.as_bytes())));
            let expected = if said == done { "ok" } else { "token_signature" };
            assert_eq!(world.reason(&token), expected, "says {said}, is {done}");
        }
    }
}

/// RFC 7515 appendix A.3: a token that somebody else made.
#[test]
fn the_published_example_verifies() {
    let keys = key_set(&[json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})]);
    let mut issuer = issuer(&Algorithm::ALL);
    issuer.issuer = "joe".into();
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let read = |secs| peek(token).unwrap().verify(&issuer, &keys, Timestamp::from_secs(secs)).unwrap_err();
    assert_eq!(read(1_300_819_380), TokenError::Claims("sub"), "signature and times are right");
    assert_eq!(read(1_300_819_440), TokenError::Expired);
}

#[test]
fn algorithms_that_are_not_believed() {
    let world = World::new();
    for alg in
        ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "es256", "ES256 ", "ES256K", "RSA1_5"]
    {
        let token = world.with_header(&json!({ "alg": alg }));
        assert_eq!(world.reason(&token), "token_algorithm", "{alg}");
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert_ne!(world.reason(&format!("{unsigned}.")), "ok", "{alg}");
    }
    for alg in [json!(null), json!(1), json!(["ES256"])] {
        assert_eq!(world.reason(&world.with_header(&json!({ "alg": alg }))), "token_algorithm", "{alg}");
    }
    assert_eq!(world.reason(&world.with_header(&json!({"alg": "ES384"}))), "token_key_unknown");
    assert_eq!(world.reason(&world.with_header(&json!({"alg": "RS256"}))), "token_key_unknown");

    let mut narrow = World::new();
    narrow.issuer = issuer(&[Algorithm::Rs256]);
    assert_eq!(narrow.reason(&narrow.with_header(&json!({}))), "token_algorithm");
}

/// The public key is public: whoever reads it as a shared secret can forge anything.
#[test]
fn a_public_key_is_no_shared_secret() {
    let mut world = World::new();
    let jwk = world.key.jwk();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [&[4][..], &coordinate("x"), &coordinate("y")].concat();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa_der = rsa.public_key().as_ref().to_vec();
    let secrets = [point, jwk.to_string().into_bytes(), rsa_der];
    for secret in &secrets {
        for alg in ["HS256", "ES256", "EdDSA"] {
            let message = format!(
                "{}.{}",
                b64(json!({"alg": alg, "kid": world.key.key_id()}).to_string()),
                b64(world.claims().to_string())
            );
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            let token = format!("{message}.{}", b64(tag.as_ref()));
            assert_ne!(world.reason(&token), "ok", "{alg}");
        }
    }
    // Not even when the issuer itself publishes the secret as a symmetric key of that id.
    world.keys =
        key_set(&[json!({"kty": "oct", "kid": world.key.key_id(), "alg": "HS256", "k": "c2VjcmV0"})]);
    let message = format!("{}.{}", b64(r#"{"alg":"HS256"}"#), b64(world.claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), message.as_bytes());
    assert_eq!(world.reason(&format!("{message}.{}", b64(tag.as_ref()))), "token_algorithm");
}

#[test]
fn key_hints_in_the_header_are_not_followed() {
    let world = World::new();
    let attacker = SigningKey::generate(Algorithm::Es256).unwrap();
    let jwks = format!("data:application/json,{}", json!({"keys": [attacker.jwk()]}));
    for kid in [world.key.key_id(), attacker.key_id()] {
        let header = json!({"alg": "ES256", "kid": kid, "jwk": attacker.jwk(), "jku": jwks, "x5u": jwks, "x5c": ["AA=="]});
        let message = format!("{}.{}", b64(header.to_string()), b64(world.claims().to_string()));
        let token = format!("{message}.{}", b64(attacker.sign(message.as_bytes())));
        let expected = if kid == attacker.key_id() { "token_key_unknown" } else { "token_signature" };
        assert_eq!(world.reason(&token), expected);
    }
    let honest = world.with_header(&json!({"jwk": attacker.jwk(), "jku": "https://evil.example/jwks"}));
    assert_eq!(world.reason(&honest), "ok", "ignored, not believed");
}

#[test]
fn key_ids() {
    let mut world = World::new();
    assert_eq!(world.reason(&world.with_header(&json!({"kid": "another"}))), "token_key_unknown");
    assert_eq!(world.reason(&world.with_header(&json!({"kid": ""}))), "token_key_unknown");
    assert_eq!(world.reason(&world.with_header(&json!({"kid": 7}))), "token_malformed");
    let without = world.with_header(&json!({ "kid": null }));
    assert_eq!(world.reason(&without), "ok", "the only key that fits is tried");

    let strangers = |count| -> Vec<_> {
        (0..count).map(|_| SigningKey::generate(Algorithm::Es256).unwrap().jwk()).collect()
    };
    let ours = world.key.jwk();
    world.keys = key_set(&[&strangers(3)[..], std::slice::from_ref(&ours)].concat());
    assert_eq!(world.reason(&without), "ok", "the fourth of four");
    world.keys = key_set(&[&strangers(4)[..], &[ours]].concat());
    assert_eq!(world.reason(&without), "token_signature", "a fifth is not tried");
    assert_eq!(world.reason(&world.with_header(&json!({}))), "ok", "with its id it is found");
}

#[test]
fn only_an_unknown_key_calls_for_newer_keys() {
    let world = World::new();
    let unknown = world.read(&world.with_header(&json!({"kid": "another"}))).unwrap_err();
    assert!(unknown.needs_keys());
    let others = [
        TokenError::Malformed(""),
        TokenError::Algorithm,
        TokenError::Type,
        TokenError::Critical,
        TokenError::Issuer,
        TokenError::Signature,
        TokenError::Expired,
        TokenError::NotYet,
        TokenError::Claims("sub"),
    ];
    assert!(others.iter().all(|error| !error.needs_keys()));
    let mut reasons: Vec<_> = others.iter().map(|error| error.reason()).chain([unknown.reason()]).collect();
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), 10, "every refusal has its own code");
}

#[test]
fn kinds_of_token() {
    let world = World::new();
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "Application/JWT"] {
        assert_eq!(world.reason(&world.with_header(&json!({ "typ": typ }))), "ok", "{typ}");
    }
    assert_eq!(world.reason(&world.with_header(&json!({ "typ": null }))), "ok");
    for typ in [
        "oauth-id-jag+jwt",
        "dpop+jwt",
        "client-authentication+jwt",
        "logout+jwt",
        "token-introspection+jwt",
        "JOSE",
        "",
        "at+jwt ",
        "application/application/jwt",
        "text/jwt",
    ] {
        assert_eq!(world.reason(&world.with_header(&json!({ "typ": typ }))), "token_type", "{typ}");
    }
    assert_eq!(world.reason(&world.with_header(&json!({"typ": ["JWT"]}))), "token_type");
}

#[test]
fn demands_of_the_header() {
    let world = World::new();
    for changes in [
        json!({"crit": ["exp"], "exp": NOW}),
        json!({"crit": []}),
        json!({"crit": false}),
        json!({"b64": false}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"b64": "true"}),
    ] {
        assert_eq!(world.reason(&world.with_header(&changes)), "token_critical", "{changes}");
    }
    assert_eq!(world.reason(&world.with_header(&json!({"b64": true}))), "ok");
}

#[test]
fn times() {
    let world = World::new();
    for (changes, expected) in [
        (json!({"exp": NOW + 1}), "ok"),
        (json!({"exp": NOW - 59}), "ok"),
        (json!({"exp": NOW - 60}), "token_expired"),
        (json!({"exp": 0}), "token_expired"),
        (json!({"exp": -1}), "token_expired"),
        (json!({"exp": i64::MIN}), "token_expired"),
        (json!({"exp": i64::MAX}), "ok"),
        (json!({"exp": u64::MAX}), "ok"),
        (json!({"exp": 1e300}), "ok"),
        (json!({"exp": -1e300}), "token_expired"),
        (json!({"exp": 1_800_000_000.5}), "ok"),
        (json!({"exp": 1_799_999_940.5}), "ok"),
        (json!({"exp": 1_799_999_939.5}), "token_expired"),
        (json!({ "exp": null }), "token_claims"),
        (json!({"exp": (NOW + 300).to_string()}), "token_claims"),
        (json!({"exp": [NOW + 300]}), "token_claims"),
        (json!({"exp": true}), "token_claims"),
        (json!({"nbf": NOW + 60}), "ok"),
        (json!({"nbf": NOW + 61}), "token_not_yet"),
        (json!({"nbf": 1_800_000_060.5}), "token_not_yet"),
        (json!({"nbf": NOW.to_string()}), "token_claims"),
        (json!({"iat": NOW + 60}), "ok"),
        (json!({"iat": NOW + 61}), "token_not_yet"),
        (json!({"iat": u64::MAX}), "token_not_yet"),
        (json!({"iat": "now"}), "token_claims"),
        (json!({"iat": 0, "nbf": 0}), "ok"),
    ] {
        assert_eq!(world.reason(&world.with_claims(&changes)), expected, "{changes}");
    }
    let payload = world.claims().to_string().replace(&(NOW + 300).to_string(), "null");
    assert_eq!(world.reason(&world.sign_raw(&world.header().to_string(), &payload)), "token_claims");
    let fraction = world.read(&world.with_claims(&json!({"exp": 1_800_000_000.25}))).unwrap();
    assert_eq!(fraction.expires, Timestamp::from_micros(NOW * 1_000_000 + 250_000));
}

#[test]
fn issuers_are_compared_character_for_character() {
    let world = World::new();
    for other in [
        "https://idp.example.com/",
        "https://IDP.example.com",
        "http://idp.example.com",
        "https://idp.example.com:443",
        " https://idp.example.com",
        "",
    ] {
        assert_eq!(world.reason(&world.with_claims(&json!({ "iss": other }))), "token_issuer", "{other}");
    }
    assert_eq!(world.reason(&world.with_claims(&json!({ "iss": null }))), "token_issuer");
    assert_eq!(world.reason(&world.with_claims(&json!({"iss": [ISSUER]}))), "token_issuer");
}

#[test]
fn claims_of_the_wrong_kind() {
    let world = World::new();
    for changes in [
        json!({ "sub": null }),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": "x".repeat(256)}),
        json!({"aud": 7}),
        json!({"aud": ["a", 7]}),
        json!({"aud": {"a": "b"}}),
        json!({"scope": ["mcp:read"]}),
        json!({"scope": 7, "scp": "mcp:read"}),
        json!({"scp": 7}),
        json!({"scp": [7]}),
        json!({"client_id": ""}),
        json!({"client_id": 7, "azp": "ci"}),
        json!({"azp": ["ci"]}),
        json!({"groups": "eng"}),
        json!({"groups": ["eng", 7]}),
        json!({"groups": vec!["g"; 201]}),
    ] {
        assert_eq!(world.reason(&world.with_claims(&changes)), "token_claims", "{changes}");
    }
    assert_eq!(world.reason(&world.with_claims(&json!({"sub": "x".repeat(255)}))), "ok");
    assert_eq!(world.reason(&world.with_claims(&json!({"groups": vec!["g"; 200]}))), "ok");
}

#[test]
fn audiences_are_listed_and_compared_exactly() {
    let world = World::new();
    let audiences = |changes: Value| world.identity(&changes).audiences;
    assert_eq!(audiences(json!({"aud": "a"})), ["a"]);
    assert_eq!(audiences(json!({"aud": ["a", "b"]})), ["a", "b"]);
    assert!(audiences(json!({"aud": []})).is_empty());
    assert!(audiences(json!({ "aud": null })).is_empty());

    let identity = world.identity(&json!({"aud": ["https://gw/mcp/a", "x"]}));
    assert!(audience_is(&identity, "https://gw/mcp/a"));
    for other in ["https://gw/mcp/a/", "https://gw/mcp/", "https://gw/mcp/A", "", "https://gw/mcp/ab"] {
        assert!(!audience_is(&identity, other), "{other}");
    }
    assert!(!audience_is(&world.identity(&json!({ "aud": null })), ""));
}

#[test]
fn scopes_clients_and_groups_have_their_usual_places() {
    let world = World::new();
    let scopes = |changes: Value| world.identity(&changes).scopes;
    assert_eq!(scopes(json!({"scope": "a b"})), ["a", "b"]);
    assert_eq!(scopes(json!({"scp": "a b"})), ["a", "b"]);
    assert_eq!(scopes(json!({"scp": ["a", "b"]})), ["a", "b"]);
    assert_eq!(scopes(json!({"scope": "a", "scp": ["b"]})), ["a"]);
    assert!(scopes(json!({"scope": "", "scp": ["b"]})).is_empty(), "an empty scope is not an absent one");
    assert!(scopes(json!({})).is_empty());

    let client = |changes: Value| world.identity(&changes).client;
    assert_eq!(client(json!({"client_id": "a", "azp": "b"})).as_deref(), Some("a"));
    assert_eq!(client(json!({"azp": "b"})).as_deref(), Some("b"));
    assert_eq!(client(json!({})), None);
    assert!(world.identity(&json!({})).groups.is_empty());
}

#[test]
fn texts_that_are_not_tokens() {
    let world = World::new();
    let good = world.with_header(&json!({}));
    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("not three parts") };
    let duplicate = world.claims().to_string().replacen('{', r#"{"sub":"mallory","#, 1);
    let nested = world.claims().to_string().replacen('{', r#"{"act":{"sub":"a","sub":"b"},"#, 1);
    let twice_alg = world.header().to_string().replacen('{', r#"{"alg":"ES256","#, 1);
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "not a token".into(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}.{payload}.{signature}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}."),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}=="),
        format!("{header}.{payload}.{}+", &signature[1..]),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{header}.{payload}.{signature}\u{0}"),
        format!("{header}.{payload}é.{signature}"),
        format!("{}.{payload}.{signature}", b64("[]")),
        format!("{}.{payload}.{signature}", b64("\u{feff}{}")),
        format!("{header}.{}.{signature}", b64("\"text\"")),
        format!("{header}.{}.{signature}", b64(b"{\"sub\":\"\xff\"}")),
        world.sign_raw(&world.header().to_string(), &duplicate),
        world.sign_raw(&world.header().to_string(), &nested),
        world.sign_raw(&twice_alg, &world.claims().to_string()),
        world.sign_raw(&world.header().to_string(), &format!("{} {{}}", world.claims())),
        world.with_claims(&json!({"padding": "x".repeat(20_000)})),
        "a".repeat(1 << 20),
    ] {
        assert_eq!(world.reason(&bad), "token_malformed", "{bad:.200}");
    }
}

#[test]
fn the_longest_token_is_16_kib() {
    let world = World::new();
    // Three bytes of claims are four of token; the rest is found by trying.
    let sized = |padding| world.with_claims(&json!({"padding": "x".repeat(padding)}));
    let longest = (11_000..13_000).rev().map(sized).find(|token| token.len() <= 16 << 10).unwrap();
    assert!(longest.len() > (16 << 10) - 4);
    assert_eq!(world.reason(&longest), "ok");
    let padding = 2 + longest.len() * 3 / 4;
    assert_eq!(world.reason(&sized(padding)), "token_malformed");
}

#[test]
fn refusals_and_debug_texts_repeat_nothing_of_the_token() {
    let world = World::new();
    let marked = [
        world.with_claims(&json!({"sub": 7, "iss": "canary"})),
        world.with_claims(&json!({"exp": "canary"})),
        world.with_header(&json!({"typ": "canary"})),
        world.with_header(&json!({"kid": "canary"})),
        world.with_header(&json!({"alg": "canary"})),
        "canary".into(),
    ];
    for token in marked {
        let error = world.read(&token).unwrap_err();
        assert!(!format!("{error} {error:?} {:?}", peek(&token)).contains("canary"), "{error:?}");
    }
}

#[test]
fn the_signature_is_judged_before_the_claims() {
    let world = World::new();
    let token = world.with_claims(&json!({"exp": 0, "sub": 7}));
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(world.reason(&format!("{message}.{}", b64([1; 64]))), "token_signature");
    assert_eq!(world.reason(&format!("{message}.{}", b64([0; 64]))), "token_signature");
    assert_eq!(world.reason(&token), "token_expired");
}

#[test]
fn a_payload_of_another_token_does_not_fit_this_signature() {
    let world = World::new();
    let (alice, mallory) = (world.with_claims(&json!({})), world.with_claims(&json!({"sub": "mallory"})));
    let part = |token: &str, index| token.split('.').nth(index).unwrap().to_owned();
    let mixed = format!("{}.{}.{}", part(&alice, 0), part(&mallory, 1), part(&alice, 2));
    assert_eq!(world.reason(&mixed), "token_signature");
    let stranger = World::new();
    assert_eq!(stranger.reason(&alice), "token_key_unknown");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_changed_character_is_refused(position in any::<prop::sample::Index>(), by in "[A-Za-z0-9_.=-]") {
        let world = World::new();
        let token = world.with_claims(&json!({}));
        let position = position.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(position..=position, &by);
        prop_assert_eq!(world.read(&changed).is_ok(), changed == token);
    }

    #[test]
    fn arbitrary_texts_do_no_harm(text in any::<String>(), parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 0..5)) {
        prop_assert!(peek(&text).is_err());
        prop_assert!(peek(&parts.join(".")).is_err());
    }

    #[test]
    fn arbitrary_claims_are_judged_without_panic(
        exp in any::<f64>(), nbf in any::<i64>(), iat in any::<u64>(), now in any::<i64>(), sub in any::<String>(),
    ) {
        let world = World::new();
        let token = world.with_claims(&json!({"exp": exp, "nbf": nbf, "iat": iat, "sub": sub}));
        let now = Timestamp::from_micros(now);
        if let Ok(verified) = world.read_at(&token, now) {
            prop_assert!(now < verified.expires.plus_secs(60));
            prop_assert_eq!(&verified.identity.subject, &sub);
        }
    }
}
