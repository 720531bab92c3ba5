//! Registrations as real clients send them, and those that are refused.

use proptest::prelude::*;

use super::*;
use crate::server::ErrorCode;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn read(value: &Value) -> Result<Registration, OAuthError> {
    register(value.to_string().as_bytes(), "dcr_x".into(), NOW)
}

/// A good registration with these members instead.
fn with(changes: Value) -> Value {
    let mut good = json!({
        "client_name": "CLI", "redirect_uris": ["http://localhost:1/cb"], "token_endpoint_auth_method": "none",
    });
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            good[name] = value;
        }
    }
    good
}

fn code(changes: Value) -> Option<ErrorCode> {
    read(&with(changes)).err().map(|error| error.code)
}

fn key() -> Value {
    crate::keys::SigningKey::generate(doorward_model::Algorithm::Es256).unwrap().jwk()
}

#[test]
fn claude_code_registers() {
    let registration = read(&json!({
        "client_name": "Claude Code",
        "redirect_uris": ["http://localhost:54545/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "client_uri": "https://claude.ai",
        "client_uri#de": "https://claude.ai/de",
        "scope": "mcp:tools offline_access",
        "x": {"y": 1},
        "logo_uri": null,
        "client_id": "mine",
    }));
    let registration = registration.unwrap();
    assert!(!registration.wants_secret());
    let expected = json!({
        "client_id": "dcr_x",
        "client_id_issued_at": 1_800_000_000,
        "client_name": "Claude Code",
        "redirect_uris": ["http://localhost:54545/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "client_uri": "https://claude.ai",
        "client_uri#de": "https://claude.ai/de",
        "scope": "offline_access",
    });
    assert_eq!(response(&registration, None), expected);
    assert_eq!(registration.client.kind, ClientKind::Dynamic);
}

#[test]
fn what_is_not_said_has_the_defaults_of_the_standard() {
    let registration = read(&json!({"redirect_uris": ["https://app.example.com/cb"]})).unwrap();
    assert!(registration.wants_secret());
    let types = GrantTypes { authorization_code: true, ..GrantTypes::default() };
    assert_eq!(registration.client.grant_types, types);
    assert_eq!(registration.client.name, None);
    let answer = response(&registration, Some(&Secret::new("dwcs_x".into())));
    assert_eq!(answer["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(
        (&answer["client_secret"], &answer["client_secret_expires_at"]),
        (&json!("dwcs_x"), &json!(0))
    );
    for absent in ["registration_access_token", "registration_client_uri", "client_name", "scope"] {
        assert!(answer.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn methods_and_keys() {
    let authentication = |changes: Value| read(&with(changes)).map(|read| read.client.authentication);
    let method = |name: &str| authentication(json!({"token_endpoint_auth_method": name}));
    assert_eq!(method("client_secret_post"), Ok(ClientAuthentication::Secret(SecretMethod::Post)));
    assert_eq!(method("client_secret_basic"), Ok(ClientAuthentication::Secret(SecretMethod::Basic)));
    let by_address = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example.com/jwks",
    });
    assert!(matches!(
        authentication(by_address),
        Ok(ClientAuthentication::PrivateKeyJwt(ClientKeys::Uri(_)))
    ));
    let inline = with(json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key()]}}));
    let registration = read(&inline).unwrap();
    assert!(!registration.wants_secret());
    assert_eq!(response(&registration, None)["jwks"], inline["jwks"]);
    let mut private = key();
    private["d"] = "AA".into();
    for bad in [
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"token_endpoint_auth_method": "tls_client_auth"}),
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": ["none"]}),
        json!({"jwks": {"keys": [key()]}, "jwks_uri": "https://app.example.com/jwks"}),
        json!({"jwks": {"keys": [private]}}),
        json!({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}),
        json!({"jwks": {"keys": []}}),
        json!({"jwks": "{}"}),
        json!({"jwks": [key()]}),
        json!({"jwks_uri": "http://app.example.com/jwks"}),
        json!({"jwks_uri": "https://user@app.example.com/jwks"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
    ] {
        assert_eq!(code(bad.clone()), Some(ErrorCode::InvalidClientMetadata), "{bad}");
    }
}

#[test]
fn redirect_uris_are_checked_by_the_one_check() {
    let eleven = vec!["https://app.example.com/cb"; 11];
    for bad in [
        json!([]),
        json!(["javascript:alert(1)"]),
        json!(["https://app.example.com/cb", "http://evil.example/cb"]),
        json!(["https://*.example.com/cb"]),
        json!(eleven),
    ] {
        assert_eq!(code(json!({ "redirect_uris": bad })), Some(ErrorCode::InvalidRedirectUri), "{bad}");
    }
    assert_eq!(code(json!({"redirect_uris": null})), Some(ErrorCode::InvalidRedirectUri));
    for bad in [json!("https://app.example.com/cb"), json!([1]), json!([["https://app.example.com/cb"]])] {
        assert_eq!(code(json!({ "redirect_uris": bad })), Some(ErrorCode::InvalidClientMetadata), "{bad}");
    }
}

#[test]
fn grant_and_response_types() {
    let types = |list: Value| read(&with(json!({ "grant_types": list }))).map(|read| read.client.grant_types);
    let both = GrantTypes { authorization_code: true, refresh_token: true, ..GrantTypes::default() };
    let greedy = json!([
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "x",
        super::super::token_request::JWT_BEARER
    ]);
    assert_eq!(types(greedy), Ok(both), "nobody registers to get tokens without a person");
    for bad in [
        json!({"grant_types": ["implicit"]}),
        json!({"grant_types": ["authorization_code", "password"]}),
        json!({"grant_types": ["refresh_token"]}),
        json!({"grant_types": []}),
        json!({"grant_types": "authorization_code"}),
        json!({"response_types": ["token"]}),
        json!({"response_types": ["code", "id_token"]}),
        json!({"response_types": []}),
    ] {
        assert_eq!(code(bad.clone()), Some(ErrorCode::InvalidClientMetadata), "{bad}");
    }
}

/// A9 of the attacks on OAuth proxies: nothing large, and nothing that is not what it looks like.
#[test]
fn what_is_large_or_odd_is_refused() {
    for bad in [
        json!({"client_name": "x".repeat(129)}),
        json!({"client_name": 1}),
        json!({"client_uri": "javascript:alert(1)"}),
        json!({"client_uri#de": "javascript:alert(1)"}),
        json!({"logo_uri": "data:image/png;base64,AA"}),
        json!({"tos_uri#en": "https://user@app.example.com"}),
        json!({"policy_uri": 1}),
        json!({"software_id": "x".repeat(2049)}),
        json!({"contacts": vec!["a"; 33]}),
        json!({"contacts": "a"}),
        json!({"scope": "a\"b"}),
        json!({"scope": ["mcp:read"]}),
    ] {
        assert_eq!(code(bad.clone()), Some(ErrorCode::InvalidClientMetadata), "{bad}");
    }
    let name =
        read(&with(json!({"client_name": "Cla\u{202e}ude\u{200b} \u{0}<script>"}))).unwrap().client.name;
    assert_eq!(name.as_deref(), Some("Claude <script>"));
    let padded = format!("{}{}", with(json!({})), " ".repeat(MAX_BYTES));
    for bad in ["", "[]", "null", r#"{"redirect_uris":[],"redirect_uris":[]}"#, "{", &padded] {
        let outcome = register(bad.as_bytes(), "dcr_x".into(), NOW).map_err(|error| error.code);
        assert_eq!(outcome, Err(ErrorCode::InvalidClientMetadata), "{bad:.40}");
    }
}

#[test]
fn ids_are_never_the_same_and_never_names() {
    let id = new_id();
    assert_eq!((&id[..4], id.len()), ("dcr_", 26));
    assert_ne!(id, new_id());
}

proptest! {
    #[test]
    fn any_body_is_judged(
        member in "(redirect_uris|client_name|jwks|jwks_uri|grant_types|scope|contacts|client_uri#?[a-z]{0,2})",
        value in "(\"\\PC{0,20}\"|\\[(\"[a-z:/.]{0,20}\")?\\]|null|-?[0-9]{1,3}|\\{\"keys\":\\[\\{\\}\\]\\})",
    ) {
        let text = format!(r#"{{"redirect_uris":["cursor://cb"],"application_type":"web","{member}":{value}}}"#);
        if let Ok(registration) = register(text.as_bytes(), "dcr_x".into(), NOW) {
            prop_assert!(!registration.client.redirect_uris.is_empty());
            let answer = response(&registration, None);
            prop_assert!(read(&answer).is_ok(), "what is said back can be registered: {answer}");
        }
    }

    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(register(&bytes, "dcr_x".into(), NOW).is_err());
    }
}
