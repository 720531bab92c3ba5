//! Assertions that are believed, and the many that are not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::{Algorithm, Scope};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{keys::SigningKey, server::ErrorCode};

const US: &str = "https://gw.example.com";
const IDP: &str = "https://idp.example.com";
const RESOURCE: &str = "https://gw.example.com/mcp/a";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const AUDIENCE: Audience<'static> = Audience { issuer: US, client_id: "agent" };

struct World {
    key: SigningKey,
    keys: KeySet,
    issuer: Issuer,
}

fn world() -> World {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = KeySet::parse(json!({ "keys": [key.jwk()] }).to_string().as_bytes()).unwrap();
    let issuer = Issuer {
        name: Name::parse("corp").unwrap(),
        issuer: IDP.into(),
        jwks_uri: None,
        algorithms: vec![Algorithm::Es256],
        required_scope: None,
        id_jag: true,
    };
    World { key, keys, issuer }
}

fn claims(changes: &[(&str, Value)]) -> Value {
    let mut claims = json!({
        "iss": IDP, "sub": "u1", "aud": US, "client_id": "agent", "jti": "j1", "resource": RESOURCE,
        "iat": NOW.as_secs(), "exp": NOW.as_secs() + 300, "scope": "mcp:read other", "groups": ["eng"],
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

impl World {
    fn judge(&self, typ: &str, changes: &[(&str, Value)]) -> Result<IdJag, AssertionError> {
        let text = self.key.sign_jwt(typ, &claims(changes));
        peek(&text)?.verify(&self.issuer, &self.keys, &AUDIENCE, NOW)
    }

    fn good(&self, changes: &[(&str, Value)]) -> IdJag {
        self.judge("oauth-id-jag+jwt", changes).unwrap()
    }
}

#[test]
fn a_good_assertion_says_who_may_do_what() {
    let world = world();
    let jag = world.good(&[]);
    assert_eq!((jag.issuer.as_str(), &*jag.subject, &*jag.resource), ("corp", "corp:u1", RESOURCE));
    assert_eq!(
        (jag.groups.clone(), jag.scopes),
        (vec!["eng".to_owned()], Some(Scopes::NONE.with(Scope::McpRead)))
    );
    assert_eq!(jag.expires, NOW.plus_secs(300));
    let same = [
        ("aud", json!([US])),
        ("resource", json!([RESOURCE])),
        ("act", json!({"sub": "x"})),
        ("email", json!("a@b")),
    ];
    assert_eq!(world.good(&same), jag);
    assert_ne!(world.good(&[("jti", "j2".into())]).once.hash, jag.once.hash);
    assert!(world.judge("application/OAuth-ID-JAG+jwt", &[]).is_ok());
    let text = world.key.sign_jwt("oauth-id-jag+jwt", &claims(&[]));
    assert_eq!(peek(&text).unwrap().issuer(), IDP);
}

#[test]
fn assertions_that_are_not_believed() {
    let world = world();
    let now = NOW.as_secs();
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", json!("https://idp.example.com/")),
        ("iss", json!(null)),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!(1)),
        ("sub", json!("a\u{0}b")),
        ("sub", json!("x".repeat(256))),
        ("aud", json!(null)),
        ("aud", json!("")),
        ("aud", json!([])),
        ("aud", json!("https://gw.example.com/")),
        ("aud", json!("https://gw.example.com/token")),
        ("aud", json!("https://GW.example.com")),
        ("aud", json!([US, "https://other.example"])),
        ("aud", json!([US, US])),
        ("aud", json!(RESOURCE)),
        ("aud", json!({"https://gw.example.com": true})),
        ("client_id", json!(null)),
        ("client_id", json!("")),
        ("client_id", json!("other")),
        ("client_id", json!("Agent")),
        ("client_id", json!(["agent"])),
        ("jti", json!(null)),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("jti", json!("x".repeat(256))),
        ("exp", json!(null)),
        ("exp", json!("1900000000")),
        ("exp", json!(now - 61)),
        ("exp", json!(now + 3601)),
        ("exp", json!(1e300)),
        ("iat", json!(null)),
        ("iat", json!(now + 61)),
        ("nbf", json!(now + 61)),
        ("resource", json!(null)),
        ("resource", json!([])),
        ("resource", json!([RESOURCE, "https://gw.example.com/mcp/b"])),
        ("resource", json!({"a": 1})),
        ("scope", json!(["mcp:read"])),
        ("scope", json!("mcp:read\"")),
        ("scope", json!(null)),
        ("groups", json!({"eng": 1})),
        ("cnf", json!({"jkt": "x"})),
        ("cnf", json!(null)),
        ("authorization_details", json!([{"type": "x"}])),
        ("authorization_details", json!([])),
    ] {
        let outcome = world.judge("oauth-id-jag+jwt", &[(name, value.clone())]);
        let Err(error) = outcome else { panic!("{name} {value} is believed") };
        let several = value.as_array().is_some_and(|list| name == "resource" && list.len() > 1);
        let expected = if several { ErrorCode::InvalidTarget } else { ErrorCode::InvalidGrant };
        assert_eq!(OAuthError::from(error).code, expected, "{name} {value}");
    }
}

#[test]
fn no_other_kind_of_token_is_an_assertion() {
    let world = world();
    for typ in ["JWT", "at+jwt", "client-authentication+jwt", "logout+jwt", "oauth-id-jag", ""] {
        let outcome = world.judge(typ, &[]);
        assert_eq!(outcome, Err(AssertionError::Token(TokenError::Type)), "{typ}");
    }
    let untyped = r#"{"alg":"ES256"}"#;
    let claims = claims(&[]).to_string();
    let [header, claims] = [untyped, &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signature = URL_SAFE_NO_PAD.encode(world.key.sign(format!("{header}.{claims}").as_bytes()));
    let text = format!("{header}.{claims}.{signature}");
    assert_eq!(peek(&text).unwrap_err(), AssertionError::Token(TokenError::Type));
}

#[test]
fn only_issuers_that_the_operator_lets_vouch() {
    let mut world = world();
    world.issuer.id_jag = false;
    assert_eq!(world.judge("oauth-id-jag+jwt", &[]), Err(AssertionError::Untrusted));
    world.issuer.id_jag = true;
    world.issuer.algorithms = vec![Algorithm::Rs256];
    assert_eq!(world.judge("oauth-id-jag+jwt", &[]), Err(AssertionError::Token(TokenError::Algorithm)));
    let other = self::world();
    world.issuer.algorithms = vec![Algorithm::Es256];
    let text = other.key.sign_jwt("oauth-id-jag+jwt", &claims(&[]));
    let outcome = peek(&text).unwrap().verify(&world.issuer, &world.keys, &AUDIENCE, NOW);
    assert!(outcome.is_err_and(AssertionError::needs_keys));
}

#[test]
fn a_token_gets_what_all_allow() {
    let resources =
        |asked: &str| (asked == RESOURCE).then(|| Offered { resource: asked.into(), scopes: Scopes::MCP });
    let world = world();
    let granted = |changes: &[(&str, Value)], scope, asked| {
        let offered = world.good(changes).granted(scope, asked, &resources);
        offered.map(|offered| offered.scopes.to_string()).map_err(|error| error.code)
    };
    let both = [("scope", json!("mcp:read mcp:call offline_access"))];
    assert_eq!(granted(&[], None, None), Ok("mcp:read".into()));
    assert_eq!(granted(&[], Some("mcp:read mcp:call offline_access"), Some(RESOURCE)), Ok("mcp:read".into()));
    assert_eq!(granted(&both, Some("mcp:call"), None), Ok("mcp:call".into()));
    assert_eq!(granted(&both, None, None), Ok("mcp:read mcp:call".into()));
    assert_eq!(granted(&[("scope", json!("other"))], None, None), Err(ErrorCode::InvalidScope));
    assert_eq!(granted(&[("scope", json!("a2a:send"))], None, None), Err(ErrorCode::InvalidScope));
    assert_eq!(granted(&[], Some("\""), None), Err(ErrorCode::InvalidScope));
    assert_eq!(granted(&[], None, Some("https://gw.example.com/mcp/b")), Err(ErrorCode::InvalidTarget));
    for other in ["https://gw.example.com/mcp/b", "https://gw.example.com", "nonsense", US] {
        assert_eq!(
            granted(&[("resource", json!(other))], None, None),
            Err(ErrorCode::InvalidTarget),
            "{other}"
        );
    }
    let mut claims = claims(&[]);
    claims.as_object_mut().unwrap().remove("scope");
    let text = world.key.sign_jwt("oauth-id-jag+jwt", &claims);
    let jag = peek(&text).unwrap().verify(&world.issuer, &world.keys, &AUDIENCE, NOW).unwrap();
    assert_eq!(jag.granted(None, None, &resources).unwrap().scopes, Scopes::MCP);
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.?\\PC{0,10}") {
        prop_assert!(peek(&text).is_err());
    }
}
