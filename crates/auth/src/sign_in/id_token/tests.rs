//! ID tokens that are believed, and the many that are not.

use doorward_model::{Name, SignInAllow};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::keys::SigningKey;

const ISSUER: &str = "https://idp.example.com";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

struct World {
    key: SigningKey,
    keys: KeySet,
    provider: SignInProvider,
}

fn world() -> World {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = KeySet::parse(json!({ "keys": [key.jwk()] }).to_string().as_bytes()).unwrap();
    let provider = SignInProvider {
        name: Name::parse("corp").unwrap(),
        issuer: ISSUER.into(),
        client_id: "doorward".into(),
        client_secret: None,
        scopes: vec![],
        groups_claim: "roles".into(),
        allow: SignInAllow::default(),
    };
    World { key, keys, provider }
}

fn claims(changes: &[(&str, Value)]) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "u1", "aud": "doorward", "nonce": "n",
        "iat": NOW.as_secs(), "exp": NOW.as_secs() + 300,
        "name": "Alice\u{202e} A", "email": "alice@example.com", "email_verified": true, "roles": ["eng"],
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

impl World {
    fn judge(&self, typ: &str, changes: &[(&str, Value)]) -> Result<SignedIn, IdTokenError> {
        let token = self.key.sign_jwt(typ, &claims(changes));
        verify_id_token(&token, &self.provider, &self.keys, "n", NOW)
    }
}

#[test]
fn a_good_token_says_who_signed_in() {
    let expected = SignedIn {
        subject: "corp:u1".into(),
        sub: "u1".into(),
        name: "Alice A".into(),
        email: Some("alice@example.com".into()),
        email_verified: true,
        groups: vec!["eng".into()],
    };
    let world = world();
    assert_eq!(world.judge("JWT", &[]), Ok(expected.clone()));
    assert_eq!(
        world.judge("JWT", &[("aud", json!(["doorward"])), ("azp", "doorward".into())]),
        Ok(expected.clone())
    );
    let several = [("aud", json!(["other", "doorward"])), ("azp", "doorward".into())];
    assert_eq!(world.judge("JWT", &several), Ok(expected));
}

#[test]
fn what_is_only_shown_need_not_be_there() {
    let world = world();
    for (changes, name, email) in [
        (
            &[("name", json!(null)), ("preferred_username", json!("ali"))][..],
            "ali",
            Some("alice@example.com"),
        ),
        (&[("name", json!(1))], "alice@example.com", Some("alice@example.com")),
        (&[("name", json!("\u{200b}")), ("email", json!(""))], "u1", None),
        (&[("email", json!("alice@example.com\n"))], "Alice A", None),
        (&[("email", json!("x".repeat(255)))], "Alice A", None),
    ] {
        let person = world.judge("JWT", changes).unwrap();
        assert_eq!((&*person.name, person.email.as_deref()), (name, email), "{changes:?}");
    }
    assert_eq!(world.judge("JWT", &[("name", json!("x".repeat(500)))]).unwrap().name.len(), 128);
    for unverified in [json!(false), json!("true"), json!(1), json!(null)] {
        assert!(
            !world.judge("JWT", &[("email_verified", unverified.clone())]).unwrap().email_verified,
            "{unverified}"
        );
    }
    assert_eq!(world.judge("JWT", &[("roles", json!("eng"))]).unwrap().groups, ["eng"]);
    assert!(world.judge("JWT", &[("groups", json!({"other": "claim"}))]).is_ok());
}

#[test]
fn tokens_that_are_not_believed() {
    let world = world();
    let now = NOW.as_secs();
    for (name, value) in [
        ("iss", json!("https://idp.example.com/")),
        ("iss", json!("https://evil.example")),
        ("iss", json!(null)),
        ("aud", json!("other")),
        ("aud", json!(["doorward", "other"])),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("azp", json!("other")),
        ("azp", json!("")),
        ("nonce", json!("other")),
        ("nonce", json!("")),
        ("nonce", json!(null)),
        ("nonce", json!("n ")),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!("x".repeat(256))),
        ("sub", json!("u1\n")),
        ("exp", json!(now - 61)),
        ("exp", json!(null)),
        ("exp", json!("1900000000")),
        ("iat", json!(now + 61)),
        ("iat", json!(null)),
        ("nbf", json!(now + 61)),
        ("roles", json!({"eng": true})),
        ("roles", json!([1])),
        ("roles", json!(vec!["g"; 201])),
    ] {
        let outcome = world.judge("JWT", &[(name, value.clone())]);
        assert!(outcome.is_err(), "{name} {value}");
    }
}

#[test]
fn no_other_kind_of_token_signs_anybody_in() {
    let world = world();
    for typ in ["at+jwt", "logout+jwt", "oauth-id-jag+jwt", "client-authentication+jwt", "dpop+jwt", ""] {
        assert_eq!(world.judge(typ, &[]), Err(IdTokenError::Token(TokenError::Type)), "{typ}");
    }
}

#[test]
fn a_nonce_must_be_asked_for() {
    let world = world();
    let token = world.key.sign_jwt("JWT", &claims(&[]));
    assert_eq!(verify_id_token(&token, &world.provider, &world.keys, "", NOW), Err(IdTokenError::Nonce));
}

#[test]
fn signatures_of_others_are_refused() {
    let (world, other) = (world(), world());
    let token = other.key.sign_jwt("JWT", &claims(&[]));
    let outcome = verify_id_token(&token, &world.provider, &world.keys, "n", NOW);
    assert!(outcome.is_err_and(IdTokenError::needs_keys), "another key id: newer keys may help");
    let good = world.key.sign_jwt("JWT", &claims(&[]));
    let [_, theirs, _] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let [header, _, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other_claims = format!("{header}.{theirs}x.{signature}");
    for forged in
        [other_claims, good[..good.len() - 4].to_owned(), good.replace(signature, ""), String::new()]
    {
        assert!(verify_id_token(&forged, &world.provider, &world.keys, "n", NOW).is_err(), "{forged}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "[A-Za-z0-9_-]{0,20}\\.[A-Za-z0-9_-]{0,20}\\.?\\PC{0,10}") {
        let keys = KeySet::parse(br#"{"keys":[]}"#).unwrap();
        prop_assert!(verify_id_token(&text, &world().provider, &keys, "n", NOW).is_err());
    }
}
