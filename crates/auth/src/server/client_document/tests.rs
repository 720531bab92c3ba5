//! Documents of real clients, and those that describe nobody.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::keys::SigningKey;

const ID: &str = "https://app.example.com/oauth/client.json";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn with(changes: Value) -> Value {
    let mut good = json!({
        "client_id": ID, "client_name": "App", "redirect_uris": ["https://app.example.com/cb"],
        "token_endpoint_auth_method": "none",
    });
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            good[name] = value;
        }
    }
    good
}

fn judge(changes: Value) -> Result<DocumentClient, DocumentError> {
    read(ID, with(changes).to_string().as_bytes(), NOW)
}

/// As it was served in 2026: it names a grant type that not every server has.
#[test]
fn the_document_of_claude() {
    let id = "https://claude.ai/oauth/mcp-oauth-client-metadata";
    let document = json!({
        "client_id": id,
        "client_name": "Claude",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let read = read(id, document.to_string().as_bytes(), NOW).unwrap();
    assert_eq!(read.client.authentication, ClientAuthentication::None);
    assert_eq!(read.client.redirect_uris, ["https://claude.ai/api/mcp/auth_callback"]);
    let types = GrantTypes {
        authorization_code: true,
        refresh_token: true,
        jwt_bearer: true,
        client_credentials: false,
    };
    assert_eq!(read.client.grant_types, types);
    assert_eq!((read.client.kind, read.or_none), (ClientKind::Document, false));
}

/// As it was served in 2026: it names one method, and two that it could use.
#[test]
fn the_document_of_chatgpt() {
    let id = "https://chatgpt.com/oauth/client.json";
    let document = json!({
        "client_id": id,
        "client_name": "ChatGPT",
        "redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg": "RS256",
        "jwks_uri": "https://chatgpt.com/oauth/jwks.json",
    });
    let read = read(id, document.to_string().as_bytes(), NOW).unwrap();
    assert!(matches!(&read.client.authentication, ClientAuthentication::PrivateKeyJwt(ClientKeys::Uri(uri))
        if uri.as_str() == "https://chatgpt.com/oauth/jwks.json"));
    assert!(read.or_none && read.client.is_confidential());
}

#[test]
fn ids_are_addresses_written_plainly() {
    for good in
        [ID, "https://app.example.com:8443/c", "https://app.example.com/c?v=1", "https://app.example.com/c/"]
    {
        assert!(check_id(good).is_ok() && is_address(good), "{good}");
    }
    let long = format!("https://app.example.com/{}", "a".repeat(2048));
    for bad in [
        "",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/?x",
        "http://app.example.com/c",
        "HTTPS://app.example.com/c",
        "https://APP.example.com/c",
        "https://app.example.com:443/c",
        "https://user@app.example.com/c",
        "https://app.example.com/c#x",
        "https://app.example.com/c#",
        "https://app.example.com/a/../c",
        "https://app.example.com/a/%2e%2e/c",
        "https://app.example.com/./c",
        "https://app.example.com/c d",
        "https://app.example.com/ä",
        "https://0x7f.1/c",
        "https://2130706433/c",
        "https:app.example.com/c",
        "https://app.example.com\\c",
        "ftp://app.example.com/c",
        "dcr_x",
        &long,
    ] {
        assert_eq!(check_id(bad), Err(DocumentError::Id), "{bad:.60}");
        assert_eq!(read(bad, b"{}", NOW), Err(DocumentError::Id), "{bad:.60}");
    }
}

#[test]
fn a_document_is_of_its_address_and_has_no_secret() {
    assert!(judge(json!({})).is_ok());
    for other in [json!(null), json!("https://app.example.com/oauth/other.json"), json!(format!("{ID}/"))] {
        assert_eq!(judge(json!({ "client_id": other })), Err(DocumentError::OtherClient), "{other}");
    }
    for secret in [
        json!({"client_secret": "x"}),
        json!({"client_secret": ""}),
        json!({"client_secret_expires_at": 0}),
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"token_endpoint_auth_method": "client_secret_post"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"token_endpoint_auth_method": null, "token_endpoint_auth_methods_supported": ["client_secret_post"]}),
    ] {
        assert_eq!(judge(secret.clone()), Err(DocumentError::SharedSecret), "{secret}");
    }
}

#[test]
fn what_else_is_refused() {
    let jwk = SigningKey::generate(doorward_model::Algorithm::EdDsa).unwrap().jwk();
    let mut private = jwk.clone();
    private["d"] = "AA".into();
    for bad in [
        json!({"redirect_uris": null}),
        json!({"redirect_uris": []}),
        json!({"redirect_uris": ["javascript:alert(1)"]}),
        json!({"redirect_uris": ["https://app.example.com/*"]}),
        json!({"response_types": ["token"]}),
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": "tls_client_auth"}),
        json!({"jwks": {"keys": [private]}}),
        json!({"jwks": {"keys": [jwk]}, "jwks_uri": "https://app.example.com/jwks"}),
        json!({"jwks_uri": "http://app.example.com/jwks"}),
        json!({"client_name": "x".repeat(129)}),
        json!({"grant_types": "authorization_code"}),
    ] {
        assert!(matches!(judge(bad.clone()), Err(DocumentError::Metadata(_))), "{bad}");
    }
    let large = format!("{}{}", with(json!({})), " ".repeat(MAX_BYTES));
    assert_eq!(read(ID, large.as_bytes(), NOW), Err(DocumentError::TooLarge));
    for bad in ["", "[]", "<html>", &format!(r#"{{"client_id":"{ID}","client_id":"{ID}"}}"#)] {
        assert!(matches!(read(ID, bad.as_bytes(), NOW), Err(DocumentError::Metadata(_))), "{bad}");
    }
}

#[test]
fn nobody_gets_tokens_of_their_own_by_publishing_a_document() {
    let types = judge(json!({"grant_types": ["client_credentials", "implicit"]})).unwrap().client.grant_types;
    assert_eq!(types, GrantTypes::default());
}

#[test]
fn methods_by_choice() {
    let judge = |method: Value, choices: Value, keys: bool| {
        let uri = keys.then_some("https://app.example.com/jwks");
        let members = json!({
            "token_endpoint_auth_method": method, "token_endpoint_auth_methods_supported": choices,
            "jwks_uri": uri,
        });
        judge(members).map(|read| (read.client.is_confidential(), read.or_none)).ok()
    };
    for (method, choices, keys, expected) in [
        (json!(null), json!(null), false, Some((false, false))),
        (json!("none"), json!(null), true, Some((false, false))),
        (json!("private_key_jwt"), json!(null), true, Some((true, false))),
        (json!(null), json!(["private_key_jwt"]), true, Some((true, false))),
        (json!(null), json!(["private_key_jwt", "client_secret_post"]), true, Some((true, false))),
        (json!("none"), json!(["none", "private_key_jwt"]), true, Some((true, true))),
        (json!("private_key_jwt"), json!(["none", "private_key_jwt"]), false, Some((false, false))),
        (json!("private_key_jwt"), json!(["private_key_jwt"]), false, None),
        (json!(null), json!(["tls_client_auth"]), true, None),
    ] {
        assert_eq!(judge(method.clone(), choices.clone(), keys), expected, "{method} {choices} {keys}");
    }
}

#[test]
fn consent_hangs_on_name_places_and_keys() {
    let digest = |changes: Value| judge(changes).unwrap().digest;
    let same = digest(json!({"client_uri": "https://app.example.com", "contacts": ["x"]}));
    assert_eq!(digest(json!({})), same);
    let keys =
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example.com/j"});
    let others = [
        json!({"client_name": "Other"}),
        json!({"redirect_uris": ["https://app.example.com/cb", "https://app.example.com/cb2"]}),
        json!({"redirect_uris": ["https://app.example.com/cb2"]}),
        keys,
    ]
    .map(digest);
    for (index, other) in others.iter().enumerate() {
        assert!(*other != same && !others[..index].contains(other), "{index}");
    }
    let read = judge(json!({})).unwrap();
    assert_eq!(digest_of(&read.client), read.digest);
}

#[test]
fn documents_count_for_minutes_to_a_day() {
    for (max_age, secs) in [(None, 3600), (Some(0), 300), (Some(600), 600), (Some(u64::MAX), 86_400)] {
        assert_eq!(lifetime(max_age), Duration::from_secs(secs), "{max_age:?}");
    }
}

proptest! {
    #[test]
    fn any_document_is_judged(bytes in prop::collection::vec(any::<u8>(), 0..100), id in "\\PC{0,40}") {
        prop_assert!(read(&id, &bytes, NOW).is_err());
        let _judged = read(ID, &bytes, NOW);
    }

    #[test]
    fn an_accepted_id_is_its_own_address(id in "https://[a-zA-Z0-9.:@%-]{1,12}/[!-~]{0,12}") {
        if let Ok(url) = check_id(&id) {
            prop_assert!(url.as_str() == id && url.username().is_empty() && url.fragment().is_none());
        }
    }
}
