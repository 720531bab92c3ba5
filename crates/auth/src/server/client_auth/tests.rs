//! Clients that show who they are, in every way and in every wrong way.

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_model::{ClientKeys, ClientKind, GrantTypes};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::keys::SigningKey;

const ISSUER: &str = "https://gw.example.com";
const CIMD: &str = "https://app.example.com/client";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn parameters(text: &str) -> Parameters {
    Parameters::parse(text, &PARAMETERS).unwrap()
}

fn header(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn from_header(header: &str) -> Result<(String, Option<String>), ErrorCode> {
    match presented(Some(header), &Parameters::default()).map_err(|error| error.code)? {
        Presented { id, proof: Proof::Basic(secret) } => Ok((id, Some(secret.expose().to_owned()))),
        Presented { id, proof: Proof::None } => Ok((id, None)),
        other => panic!("{other:?}"),
    }
}

fn client(authentication: ClientAuthentication) -> Client {
    Client {
        id: CIMD.into(),
        kind: ClientKind::Registered,
        name: None,
        redirect_uris: vec![],
        authentication,
        grant_types: GrantTypes::default(),
        resource: None,
        created: NOW,
    }
}

#[test]
fn basic_is_read_in_any_case_and_decoded() {
    let ci = Ok(("ci".to_owned(), Some("dwcs_x-_".to_owned())));
    for scheme in ["Basic", "basic", "BASIC", "bAsIc"] {
        assert_eq!(from_header(&format!("{scheme} {}", STANDARD.encode("ci:dwcs_x-_"))), ci, "{scheme}");
    }
    let padded = STANDARD.encode("ci:dwcs_x-_");
    assert_eq!(from_header(&format!("Basic  {}", padded.trim_end_matches('='))), ci);
    let encoded = (CIMD.to_owned(), Some("a b:%".to_owned()));
    assert_eq!(from_header(&header("https%3A%2F%2Fapp.example.com%2Fclient:a+b%3A%25")), Ok(encoded));
    assert_eq!(from_header(&header("https://app.example.com/client:")), Ok((CIMD.to_owned(), None)));
    assert_eq!(from_header(&header("ci:")), Ok(("ci".to_owned(), None)));
}

#[test]
fn other_headers_are_nobody() {
    let not_text = format!("Basic {}", STANDARD.encode(b"\xff:x"));
    for bad in [
        "",
        "Basic",
        "Basic ",
        "Bearer dwat_x",
        "Basic %",
        "Basicci:x",
        &header("no colon"),
        &header(":x"),
        &header("a%:x"),
        &header("a:%4"),
        &not_text,
    ] {
        assert_eq!(from_header(bad), Err(ErrorCode::InvalidClient), "{bad}");
    }
}

#[test]
fn one_method_in_a_request() {
    let basic = header("ci:x");
    let judge = |header: Option<&str>, text: &str| {
        presented(header, &parameters(text)).map(|presented| presented.id).map_err(|error| error.code)
    };
    assert_eq!(judge(Some(&basic), "client_id=ci"), Ok("ci".into()));
    assert_eq!(judge(None, "client_id=ci"), Ok("ci".into()));
    assert_eq!(judge(None, "client_id=ci&client_secret="), Ok("ci".into()));
    assert_eq!(judge(None, ""), Err(ErrorCode::InvalidClient));
    assert_eq!(judge(None, "client_secret=x"), Err(ErrorCode::InvalidClient));
    for (header, text) in [
        (Some(&*basic), "client_id=other"),
        (Some(&basic), "client_id=ci&client_secret=x"),
        (Some(&basic), "client_assertion=x&client_assertion_type=y"),
        (None, "client_id=ci&client_secret=x&client_assertion=x&client_assertion_type=y"),
        (None, "client_id=ci&client_assertion=x"),
        (None, "client_id=ci&client_assertion_type=x"),
    ] {
        assert_eq!(judge(header, text), Err(ErrorCode::InvalidRequest), "{header:?} {text}");
    }
    assert_eq!(judge(None, "client_assertion=x&client_assertion_type=y"), Err(ErrorCode::InvalidClient));
}

#[test]
fn the_registered_method_and_no_other() {
    let secret = token::mint(token::TokenKind::ClientSecret);
    let hash = token::hash(secret.expose());
    let (none, basic, post) = (Proof::None, Proof::Basic(secret.clone()), Proof::Post(secret));
    let judge = |authentication: &ClientAuthentication, proof: &Proof| {
        let client = client(authentication.clone());
        let expected = Expected {
            client: &client,
            secret_hash: Some(&hash),
            keys: None,
            or_none: false,
            issuer: ISSUER,
        };
        expected.authenticate(&Presented { id: CIMD.into(), proof: proof.clone() }, NOW)
    };
    let keys = ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline("{}".into()));
    for (registered, [by_none, by_basic, by_post]) in [
        (ClientAuthentication::None, [true, false, false]),
        (ClientAuthentication::Secret(SecretMethod::Basic), [false, true, false]),
        (ClientAuthentication::Secret(SecretMethod::Post), [false, false, true]),
        (ClientAuthentication::Secret(SecretMethod::Either), [false, true, true]),
        (keys, [false, false, false]),
    ] {
        for (proof, good) in [(&none, by_none), (&basic, by_basic), (&post, by_post)] {
            let outcome = judge(&registered, proof);
            assert_eq!(outcome.is_ok(), good, "{registered:?} {proof:?}");
            if !good {
                assert_eq!(outcome, Err(ClientAuthError::Method));
            }
        }
    }
    let either = ClientAuthentication::Secret(SecretMethod::Either);
    assert!(judge(&either, &basic).unwrap().confidential);
    assert!(!judge(&ClientAuthentication::None, &none).unwrap().confidential);
    for wrong in ["", "x", &hash] {
        let proof = Proof::Post(Secret::new(wrong.into()));
        assert_eq!(judge(&either, &proof), Err(ClientAuthError::Secret), "{wrong}");
    }
    assert_eq!(OAuthError::from(ClientAuthError::Secret).code, ErrorCode::InvalidClient);
}

struct World {
    key: SigningKey,
    keys: KeySet,
    client: Client,
}

fn world() -> World {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = KeySet::parse(json!({ "keys": [key.jwk()] }).to_string().as_bytes()).unwrap();
    let client = client(ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline("{}".into())));
    World { key, keys, client }
}

fn claims(changes: &[(&str, Value)]) -> Value {
    let mut claims = json!({
        "iss": CIMD, "sub": CIMD, "aud": ISSUER, "jti": "1", "iat": NOW.as_secs(), "exp": NOW.as_secs() + 300,
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

impl World {
    fn judge(&self, typ: &str, claims: &Value) -> Result<Authenticated, ClientAuthError> {
        let assertion = self.key.sign_jwt(typ, claims);
        self.judge_text(&assertion)
    }

    fn judge_text(&self, assertion: &str) -> Result<Authenticated, ClientAuthError> {
        let proof = Proof::Assertion(Secret::new(assertion.into()));
        self.expected(false).authenticate(&Presented { id: CIMD.into(), proof }, NOW)
    }

    fn expected(&self, or_none: bool) -> Expected<'_> {
        let (client, keys) = (&self.client, Some(&self.keys));
        Expected { client, secret_hash: None, keys, or_none, issuer: ISSUER }
    }
}

#[test]
fn an_assertion_proves_who_the_client_is_once() {
    let world = world();
    for typ in ["JWT", "client-authentication+jwt", "application/client-authentication+jwt"] {
        let proved = world.judge(typ, &claims(&[])).unwrap();
        assert!(proved.confidential);
        assert_eq!(proved.once.unwrap().expires, NOW.plus_secs(360), "{typ}");
    }
    let once = |changes: &[(&str, Value)]| world.judge("JWT", &claims(changes)).unwrap().once.unwrap();
    assert_eq!(once(&[]).hash, once(&[("iat", json!(NOW.as_secs() - 5))]).hash);
    assert_ne!(once(&[]).hash, once(&[("jti", "2".into())]).hash);
    assert_eq!(once(&[("aud", json!([ISSUER]))]).hash, once(&[]).hash);
    assert_eq!(once(&[("aud", json!("https://gw.example.com/"))]).hash, once(&[]).hash, "the Python SDK");
    assert_ne!(Once::of("ab", "c", NOW).hash, Once::of("a", "bc", NOW).hash);
}

#[test]
fn assertions_that_are_not_believed() {
    let world = world();
    let now = NOW.as_secs();
    for (name, value) in [
        ("iss", json!("https://app.example.com/other")),
        ("sub", json!("https://app.example.com/other")),
        ("sub", Value::Null),
        ("aud", json!("https://gw.example.com/token")),
        ("aud", json!([ISSUER, "https://other.example"])),
        ("aud", json!([])),
        ("aud", json!("https://gw.example.com//")),
        ("aud", json!("https://GW.example.com")),
        ("aud", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", json!(now + 361)),
        ("exp", json!(i64::MAX)),
        ("exp", Value::Null),
        ("iat", json!(now + 61)),
        ("nbf", json!(now + 61)),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("jti", json!(1)),
        ("jti", json!("x".repeat(256))),
    ] {
        let outcome = world.judge("JWT", &claims(&[(name, value.clone())]));
        assert!(outcome.is_err(), "{name} {value}");
    }
    for typ in ["at+jwt", "oauth-id-jag+jwt", "logout+jwt", "dpop+jwt"] {
        let outcome = world.judge(typ, &claims(&[]));
        assert_eq!(outcome, Err(ClientAuthError::Assertion(TokenError::Type)), "{typ}");
    }
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let foreign = world.judge_text(&other.sign_jwt("JWT", &claims(&[])));
    assert!(foreign.is_err_and(ClientAuthError::needs_keys), "another key id: newer keys may help");
    let (message, _) = world.key.sign_jwt("JWT", &claims(&[])).rsplit_once('.').map(own).unwrap();
    let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
    assert_eq!(world.judge_text(&forged), Err(ClientAuthError::Assertion(TokenError::Signature)));
    let none =
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), message.split('.').nth(1).unwrap());
    assert!(world.judge_text(&none).is_err());
    let no_keys = Expected { keys: None, ..world.expected(false) };
    let proof = Proof::Assertion(Secret::new(world.key.sign_jwt("JWT", &claims(&[]))));
    let outcome = no_keys.authenticate(&Presented { id: CIMD.into(), proof }, NOW);
    assert!(outcome.is_err_and(ClientAuthError::needs_keys));
}

fn own((message, signature): (&str, &str)) -> (String, String) {
    (message.to_owned(), signature.to_owned())
}

#[test]
fn a_document_may_offer_both() {
    let world = world();
    let bare = Presented { id: CIMD.into(), proof: Proof::None };
    assert_eq!(world.expected(false).authenticate(&bare, NOW), Err(ClientAuthError::Method));
    let outcome = world.expected(true).authenticate(&bare, NOW);
    assert_eq!(outcome, Ok(Authenticated { confidential: false, once: None }));
}

#[test]
fn the_id_is_read_from_an_assertion() {
    let world = world();
    let assertion = world.key.sign_jwt("JWT", &claims(&[]));
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let text = format!("client_assertion={assertion}&client_assertion_type={kind}");
    assert_eq!(presented(None, &parameters(&text)).unwrap().id, CIMD);
    let text = format!("{text}&client_id=other");
    assert_eq!(presented(None, &parameters(&text)).unwrap_err().code, ErrorCode::InvalidRequest);
    let text = format!("client_assertion={assertion}&client_assertion_type=saml2");
    assert_eq!(presented(None, &parameters(&text)).unwrap_err().code, ErrorCode::InvalidClient);
}

proptest! {
    #[test]
    fn any_header_is_judged(header in "(Basic |basic)?[ -~]{0,60}", text in "[a-z_=&%0-9]{0,60}") {
        if let Ok(parameters) = Parameters::parse(&text, &PARAMETERS) {
            let _presented = presented(Some(&header), &parameters);
        }
    }

    #[test]
    fn encoded_credentials_come_back(id in "\\PC{1,20}", secret in "\\PC{1,20}") {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let read = from_header(&header(&format!("{}:{}", encode(&id), encode(&secret))));
        prop_assert_eq!(read, Ok((id, Some(secret))));
    }
}
