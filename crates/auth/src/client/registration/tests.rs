use proptest::prelude::*;

use super::*;
use crate::server::{client_document, registration};

const ISSUER: &str = "https://as.example.com";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn own() -> OwnAddresses {
    OwnAddresses::at("https://gw.example.com")
}

fn at_home() -> OwnAddresses {
    OwnAddresses::at("http://127.0.0.1:8420")
}

fn server(changes: &Value) -> AuthorizationServer {
    let mut document = json!({
        "issuer": ISSUER,
        "token_endpoint": "https://as.example.com/token",
        "registration_endpoint": "https://as.example.com/register",
    });
    document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    AuthorizationServer::read(document.to_string().as_bytes(), ISSUER).unwrap()
}

fn taking(methods: &[&str]) -> AuthorizationServer {
    server(&json!({"token_endpoint_auth_methods_supported": methods}))
}

fn by_hand(secret: Option<&str>) -> OwnClient {
    OwnClient { id: "doorward".to_owned(), secret: secret.map(|secret| Secret::new(secret.to_owned())) }
}

#[test]
fn by_hand_comes_before_the_document_and_that_before_a_request() {
    let (all, closed) = (
        server(&json!({"client_id_metadata_document_supported": true})),
        server(&json!({"registration_endpoint": null})),
    );
    let documents =
        server(&json!({"registration_endpoint": null, "client_id_metadata_document_supported": true}));
    let client = by_hand(None);
    assert!(matches!(choose(Some(&client), &closed, &own()), Ok(Way::PreRegistered(_))));
    assert!(matches!(choose(Some(&client), &all, &own()), Ok(Way::PreRegistered(_))));
    assert!(matches!(choose(None, &all, &own()), Ok(Way::Document)));
    assert!(matches!(choose(None, &all, &at_home()), Ok(Way::Dynamic(_))), "nobody can fetch it there");
    assert!(matches!(choose(None, &server(&json!({})), &own()), Ok(Way::Dynamic(_))));
    assert_eq!(choose(None, &documents, &at_home()).unwrap_err(), RegistrationError::NotPublic);
    let error = choose(None, &closed, &own()).unwrap_err();
    assert!(error.to_string().contains("client_id") && error.to_string().contains(CALLBACK), "{error}");
}

/// Doorward's document, read as Doorward reads those of others.
#[test]
fn the_document_describes_a_client_that_our_own_server_would_take() {
    let (own, document) = (own(), client_document(&own()));
    let read = client_document::read(&own.document, document.to_string().as_bytes(), NOW).unwrap();
    assert_eq!(read.client.redirect_uris, ["https://gw.example.com/oauth/callback"]);
    assert_eq!(read.client.name.as_deref(), Some("Doorward"));
    assert!(read.client.grant_types.authorization_code && read.client.grant_types.refresh_token);
    assert!(read.or_none);
    assert_eq!(document["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(document["jwks_uri"], "https://gw.example.com/.well-known/jwks.json");
    assert_eq!(document["application_type"], "web");
    assert!(document.get("client_secret").is_none());
}

#[test]
fn a_request_asks_for_a_method_that_the_server_has() {
    let method = |methods: &[&str], own: &OwnAddresses| {
        request(&taking(methods), own)["token_endpoint_auth_method"].as_str().unwrap().to_owned()
    };
    for (methods, expected) in [
        (&["client_secret_post", "client_secret_basic", "none"][..], "client_secret_basic"),
        (&["none", "client_secret_post"], "client_secret_post"),
        (&["none", "private_key_jwt"], "private_key_jwt"),
        (&["none"], "none"),
        (&["tls_client_auth"], "client_secret_basic"),
    ] {
        assert_eq!(method(methods, &own()), expected, "{methods:?}");
    }
    assert_eq!(method(&["none", "private_key_jwt"], &at_home()), "none", "nobody can fetch the keys");
    assert_eq!(request(&server(&json!({})), &own())["token_endpoint_auth_method"], "client_secret_basic");
    let other_keys = server(&json!({
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
    }));
    assert_eq!(request(&other_keys, &own())["token_endpoint_auth_method"], "none");
}

#[test]
fn a_request_is_one_that_our_own_server_would_take() {
    let body = request(&taking(&["client_secret_post"]), &own());
    assert_eq!(body["application_type"], "web");
    assert_eq!(body["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert!(body.get("scope").is_none());
    let registered = registration::register(body.to_string().as_bytes(), "c".to_owned(), NOW).unwrap();
    assert!(registered.wants_secret());
}

#[test]
fn the_method_of_a_client_by_hand_or_by_document_is_one_that_the_server_has() {
    use ClientMethod::{Basic, None, Post, PrivateKeyJwt};
    for (methods, with_secret, without, document) in [
        (&["client_secret_basic", "client_secret_post"][..], Basic, None, PrivateKeyJwt),
        (&["client_secret_post"], Post, None, PrivateKeyJwt),
        (&["none"], Basic, None, None),
        (&["none", "private_key_jwt"], Basic, None, PrivateKeyJwt),
        (&["private_key_jwt"], Basic, PrivateKeyJwt, PrivateKeyJwt),
        (&[], Basic, None, PrivateKeyJwt),
    ] {
        let server = taking(methods);
        assert_eq!(
            RegisteredClient::configured(&by_hand(Some("s")), &server).method,
            with_secret,
            "{methods:?}"
        );
        assert_eq!(
            RegisteredClient::configured(&by_hand(Option::None), &server).method,
            without,
            "{methods:?}"
        );
        let own_document = RegisteredClient::document(&server, &own());
        assert_eq!((own_document.method, own_document.id), (document, own().document), "{methods:?}");
    }
}

fn read(methods: &[&str], answer: &Value) -> Result<RegisteredClient, RegistrationError> {
    RegisteredClient::read(201, answer.to_string().as_bytes(), &taking(methods), &own())
}

/// `auth/token-endpoint-auth-*` of the official suite.
#[test]
fn what_the_server_answers_decides() {
    use ClientMethod::{Basic, None, Post, PrivateKeyJwt};
    for (methods, said, secret, expected) in [
        ("client_secret_basic", Some("client_secret_basic"), true, Basic),
        ("client_secret_basic", Some("client_secret_post"), true, Post),
        ("client_secret_post", Some("client_secret_post"), true, Post),
        ("client_secret_post", Option::None, true, Post),
        ("client_secret_post", Option::None, false, None),
        ("client_secret_basic", Some("none"), false, None),
        ("none", Some("none"), false, None),
        ("none", Option::None, true, None),
        ("none", Some("client_secret_basic"), true, Basic),
        ("private_key_jwt", Option::None, false, PrivateKeyJwt),
    ] {
        let mut answer = json!({"client_id": "c1", "redirect_uris": [own().redirect_uri]});
        if let Some(said) = said {
            answer["token_endpoint_auth_method"] = said.into();
        }
        if secret {
            answer["client_secret"] = "s3".into();
        }
        let client = read(&[methods], &answer).unwrap();
        assert_eq!((client.id.as_str(), client.method), ("c1", expected), "{methods} {answer}");
        assert_eq!(client.secret.is_some(), matches!(expected, Basic | Post), "{methods} {answer}");
        assert!(!format!("{client:?}").contains("s3"));
    }
}

#[test]
fn a_secret_is_good_until_it_expires() {
    let client = |expires: Value| {
        read(
            &["client_secret_basic"],
            &json!({"client_id": "c", "client_secret": "s", "client_secret_expires_at": expires}),
        )
    };
    for never in [json!(0), Value::Null] {
        assert!(client(never).unwrap().is_good_at(Timestamp::from_secs(253_402_300_799)));
    }
    let ends = client(json!(1_800_000_000)).unwrap();
    assert!(ends.is_good_at(Timestamp::from_secs(1_799_999_999)) && !ends.is_good_at(NOW));
    for bad in [json!(-1), json!("0"), json!(1.5), json!(i64::MAX), json!(u64::MAX)] {
        assert!(matches!(client(bad.clone()), Err(RegistrationError::Unusable(_))), "{bad}");
    }
    let public = read(&["none"], &json!({"client_id": "c", "client_secret_expires_at": 1})).unwrap();
    assert!(public.is_good_at(NOW), "what it does not have does not expire");
}

#[test]
fn hostile_answers_make_no_client() {
    let good = json!({"client_id": "c", "client_secret": "s"});
    assert!(read(&["client_secret_basic"], &good).is_ok());
    for (member, bad) in [
        ("client_id", Value::Null),
        ("client_id", json!("")),
        ("client_id", json!(7)),
        ("client_id", json!("a\r\nb")),
        ("client_id", json!("ä")),
        ("client_id", json!("c".repeat(5000))),
        ("client_secret", json!("a\nb")),
        ("client_secret", json!({"s": 1})),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("token_endpoint_auth_method", json!(1)),
        ("redirect_uris", json!(["https://evil.example/cb"])),
    ] {
        let mut answer = good.clone();
        answer[member] = bad;
        let read = read(&["client_secret_basic"], &answer);
        assert!(matches!(read, Err(RegistrationError::Unusable(_))), "{answer}");
    }
    let needs = read(
        &["client_secret_post"],
        &json!({"client_id": "c", "token_endpoint_auth_method": "client_secret_post"}),
    );
    assert!(matches!(needs, Err(RegistrationError::Unusable(_))));
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(crate::client::MAX_ANSWER));
    for (status, body) in
        [(201, ""), (201, "[]"), (201, &large), (302, "{}"), (201, r#"{"client_id":"a","client_id":"b"}"#)]
    {
        let read = RegisteredClient::read(status, body.as_bytes(), &taking(&["none"]), &own());
        assert!(matches!(read, Err(RegistrationError::Unusable(_))), "{status} {body:.40}");
    }
}

#[test]
fn a_refusal_names_the_way_out_and_nothing_that_was_said() {
    let read = |status, body: &str| {
        RegisteredClient::read(status, body.as_bytes(), &taking(&["none"]), &own()).unwrap_err()
    };
    let refused = read(400, r#"{"error":"invalid_redirect_uri","error_description":"c4nary"}"#);
    assert_eq!(refused, RegistrationError::Refused("invalid_redirect_uri"));
    assert!(refused.to_string().contains("client_secret") && !refused.is_passing());
    let own_words = read(400, r#"{"error":"c4nary"}"#);
    assert!(!format!("{own_words} {own_words:?}").contains("c4nary"));
    for status in [401, 403, 404, 405] {
        assert!(matches!(read(status, "<html>"), RegistrationError::Refused(_)), "{status}");
    }
    for status in [429, 500, 503] {
        assert!(read(status, "<html>").is_passing(), "{status}");
    }
}

#[test]
fn a_client_proves_itself_as_it_is_registered() {
    let word = Secret::new("a.b.c".to_owned());
    let client = |method, secret: Option<&str>| RegisteredClient {
        id: "c".to_owned(),
        secret: secret.map(|secret| Secret::new(secret.to_owned())),
        method,
        secret_expires: None,
    };
    assert!(matches!(client(ClientMethod::None, Some("s")).proof(None), Some(Proof::None)));
    assert!(matches!(client(ClientMethod::Basic, Some("s")).proof(Some(&word)), Some(Proof::Secret(_))));
    assert!(matches!(client(ClientMethod::Post, Some("s")).proof(None), Some(Proof::Form(_))));
    assert!(matches!(
        client(ClientMethod::PrivateKeyJwt, None).proof(Some(&word)),
        Some(Proof::Assertion(_))
    ));
    assert!(client(ClientMethod::PrivateKeyJwt, Some("s")).proof(None).is_none());
    assert!(
        client(ClientMethod::Basic, None).proof(Some(&word)).is_none(),
        "nothing takes the place of a secret"
    );
    for method in ClientMethod::ALL {
        assert_eq!(ClientMethod::parse(method.name()), Some(method));
    }
}

proptest! {
    #[test]
    fn any_answer_is_read_or_refused(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..120)) {
        let _read = RegisteredClient::read(status, &body, &taking(&["none"]), &own());
    }

    #[test]
    fn a_client_that_is_read_can_prove_itself(
        id in ".{0,12}", secret in prop::option::of(".{0,12}"),
        said in prop::option::of("none|client_secret_basic|client_secret_post|private_key_jwt"),
        methods in prop::sample::select(vec!["none", "client_secret_basic", "private_key_jwt"]),
    ) {
        let answer = json!({"client_id": id, "client_secret": secret, "token_endpoint_auth_method": said});
        if let Ok(client) = read(&[methods], &answer) {
            prop_assert!(client.id.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let word = Secret::new("a.b.c".to_owned());
            prop_assert!(client.proof(Some(&word)).is_some());
        }
    }
}
