use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::client::challenge::Challenge;

const CALLED: &str = "https://notes.example.com/mcp";
const ISSUER: &str = "https://as.example.com/tenant1";
const ROOT: &str = "https://notes.example.com/.well-known/oauth-protected-resource";
const PATH: &str = "https://notes.example.com/.well-known/oauth-protected-resource/mcp";

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn texts(urls: Vec<Url>) -> Vec<String> {
    urls.into_iter().map(String::from).collect()
}

fn told(metadata: &str) -> Challenge {
    Challenge { resource_metadata: Some(url(metadata)), ..Challenge::default() }
}

#[test]
fn resource_metadata_are_where_the_standards_say() {
    for (resource, expected) in [
        (CALLED, &[PATH, ROOT][..]),
        ("https://notes.example.com/", &[ROOT]),
        ("https://notes.example.com", &[ROOT]),
        (
            "https://a.example:8443/mcp/?tenant=1",
            &[
                "https://a.example:8443/.well-known/oauth-protected-resource/mcp/?tenant=1",
                "https://a.example:8443/.well-known/oauth-protected-resource/mcp?tenant=1",
                "https://a.example:8443/.well-known/oauth-protected-resource",
            ],
        ),
    ] {
        assert_eq!(texts(resource_metadata_urls(&url(resource), None)), expected, "{resource}");
    }
}

#[test]
fn a_challenge_says_where_metadata_are_and_nothing_else_is_tried() {
    let elsewhere = "https://notes.example.com/custom/metadata/location.json";
    let asked =
        |resource: &str, metadata: &str| texts(resource_metadata_urls(&url(resource), Some(&told(metadata))));
    assert_eq!(asked(CALLED, elsewhere), [elsewhere]);
    assert_eq!(asked(CALLED, "https://other.example/m"), ["https://other.example/m"]);
    assert_eq!(asked(CALLED, "http://other.example/m"), [PATH, ROOT], "in clear, and elsewhere");
    assert_eq!(asked("http://10.0.0.1/mcp", "http://10.0.0.1/m"), ["http://10.0.0.1/m"]);
    assert_eq!(asked("http://localhost:1/mcp", "http://localhost:1/m"), ["http://localhost:1/m"]);
    assert_eq!(texts(resource_metadata_urls(&url(CALLED), Some(&Challenge::default()))), [PATH, ROOT]);
}

fn resource(from: &str, changes: &[(&str, Value)]) -> Result<ProtectedResource, DiscoveryError> {
    let mut document = json!({"resource": CALLED, "authorization_servers": [ISSUER]});
    for (name, value) in changes {
        document[*name] = value.clone();
    }
    ProtectedResource::read(document.to_string().as_bytes(), &url(from), &url(CALLED))
}

/// `auth/resource-mismatch` and `auth/metadata-*` of the official suite.
#[test]
fn a_resource_is_the_one_that_was_called() {
    for (from, identifier) in [
        (PATH, CALLED),
        (ROOT, CALLED),
        (ROOT, "https://notes.example.com"),
        (ROOT, "https://notes.example.com/"),
        ("https://notes.example.com/custom/metadata/location.json", CALLED),
        (PATH, "https://notes.example.com/mcp/"),
        (PATH, "HTTPS://NOTES.example.com:443/mcp"),
    ] {
        let read = resource(from, &[("resource", identifier.into())]).unwrap();
        assert_eq!(read.resource, identifier, "it is sent as it is published");
    }
    for (from, identifier) in [
        (PATH, json!("https://evil.example.com/mcp")),
        (PATH, json!("https://notes.example.com")),
        ("https://notes.example.com/custom", json!("https://notes.example.com")),
        ("https://evil.example/.well-known/oauth-protected-resource", json!("https://notes.example.com")),
        (
            "https://notes.example.com/.well-known/oauth-protected-resource?x",
            json!("https://notes.example.com"),
        ),
        (ROOT, json!("https://notes.example.com/other")),
        (ROOT, json!("https://notes.example.com/mcp/deeper")),
        (ROOT, json!("https://notes.example.com:8443/mcp")),
        (ROOT, json!("http://notes.example.com/mcp")),
        (ROOT, json!("https://notes.example.com/MCP")),
        (ROOT, json!("https://notes.example.com/mcp#x")),
        (ROOT, json!("https://user@notes.example.com/mcp")),
        (ROOT, json!("https://notes.example.com/a/../mcp")),
        (ROOT, json!([CALLED])),
        (ROOT, Value::Null),
    ] {
        let read = resource(from, &[("resource", identifier.clone())]);
        assert_eq!(read, Err(DiscoveryError::OtherResource), "{from} {identifier}");
    }
}

#[test]
fn a_resource_has_an_authorization_server_and_takes_bearer_tokens() {
    let servers = json!([
        "javascript:alert(1)",
        "http://as.example",
        7,
        "https://as.example?x",
        "https://b.example",
        ISSUER
    ]);
    let read = resource(PATH, &[("authorization_servers", servers)]).unwrap();
    assert_eq!(read.authorization_servers, ["https://b.example", ISSUER]);
    for none in [json!([]), json!(null), json!("https://b.example"), json!(["http://as.example"])] {
        assert_eq!(resource(PATH, &[("authorization_servers", none)]), Err(DiscoveryError::NoServer));
    }
    let scopes = |scopes| resource(PATH, &[("scopes_supported", scopes)]).unwrap().scopes;
    assert_eq!(scopes(json!(["a", "b"])).unwrap().to_string(), "a b");
    assert_eq!(scopes(json!(["a b"])), None);
    assert_eq!(scopes(Value::Null), None);
    for other in
        [json!({"bearer_methods_supported": ["body"]}), json!({"dpop_bound_access_tokens_required": true})]
    {
        let changes: Vec<_> =
            other.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(resource(PATH, &changes), Err(DiscoveryError::NoBearer), "{other}");
    }
    assert!(resource(PATH, &[("bearer_methods_supported", json!(["header", "body"]))]).is_ok());
}

/// A12 of the attacks on OAuth proxies: of several servers the operator's is the one, and no other takes its place.
#[test]
fn a12_the_operators_authorization_server_is_not_replaced() {
    let read = |servers: &[&str]| resource(PATH, &[("authorization_servers", json!(servers))]).unwrap();
    let both = read(&["https://b.example", ISSUER]);
    assert_eq!(both.issuer(None), Ok("https://b.example"));
    assert_eq!(both.issuer(Some(ISSUER)), Ok(ISSUER));
    let moved = read(&["https://evil.example"]);
    assert_eq!(moved.issuer(Some(ISSUER)), Err(DiscoveryError::NotListed));
    assert_eq!(
        both.issuer(Some("https://as.example.com/tenant1/")),
        Err(DiscoveryError::NotListed),
        "exactly"
    );
    let silent = ProtectedResource::declared(&url(CALLED), ISSUER);
    assert_eq!((silent.issuer(Some(ISSUER)), &*silent.resource), (Ok(ISSUER), CALLED));
}

#[test]
fn server_metadata_are_where_the_standards_say() {
    let urls = |issuer| server_metadata_urls(issuer).map(texts);
    let tenant = [
        "https://as.example.com/.well-known/oauth-authorization-server/tenant1",
        "https://as.example.com/.well-known/openid-configuration/tenant1",
        "https://as.example.com/tenant1/.well-known/openid-configuration",
    ];
    assert_eq!(urls(ISSUER).unwrap(), tenant);
    assert_eq!(urls("https://as.example.com/tenant1/").unwrap(), tenant);
    let root = [
        "http://127.0.0.1:9/.well-known/oauth-authorization-server",
        "http://127.0.0.1:9/.well-known/openid-configuration",
    ];
    assert_eq!(urls("http://127.0.0.1:9").unwrap(), root);
    assert_eq!(urls("http://127.0.0.1:9/").unwrap(), root);
    for bad in [
        "",
        "as.example.com",
        "http://as.example.com",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "ftp://as.example.com",
        "file:///etc/passwd",
        "https://user@as.example.com",
        "https://as.example.com?x",
        "https://as.example.com/?",
        "https://as.example.com#x",
        "https://as.example.com/../x",
        "https://as.example.com/%2e%2e/x",
        "https:as.example.com",
        "https://0x7f.1/",
        "https://as.example.com\n",
    ] {
        assert_eq!(urls(bad), Err(DiscoveryError::NotAnIssuer), "{bad}");
    }
}

fn server(changes: &[(&str, Value)]) -> Result<AuthorizationServer, DiscoveryError> {
    let mut document = json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://login.example.com/authorize?tenant=1",
        "token_endpoint": "https://as.example.com/token",
        "registration_endpoint": "https://as.example.com/register",
        "revocation_endpoint": "https://as.example.com/revoke",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["plain", "S256"],
    });
    for (name, value) in changes {
        document[*name] = value.clone();
    }
    AuthorizationServer::read(document.to_string().as_bytes(), ISSUER)
}

#[test]
fn a_server_is_known_by_its_own_word() {
    let plain = server(&[]).unwrap();
    assert_eq!((plain.issuer.as_str(), plain.token.as_str()), (ISSUER, "https://as.example.com/token"));
    assert_eq!(plain.registration, Some(url("https://as.example.com/register")));
    assert_eq!(plain.revocation, Some(url("https://as.example.com/revoke")));
    assert!(!plain.names_issuer && !plain.client_documents && !plain.offline_access);
    assert_eq!(plain.authorizes(CALLED).unwrap().as_str(), "https://login.example.com/authorize?tenant=1");
    let more = server(&[
        ("authorization_response_iss_parameter_supported", true.into()),
        ("client_id_metadata_document_supported", true.into()),
        ("scopes_supported", json!(["offline_access"])),
        ("registration_endpoint", Value::Null),
    ])
    .unwrap();
    assert!(more.names_issuer && more.client_documents && more.offline_access);
    assert_eq!(more.registration, None);
    let switched = server(&[("client_id_metadata_document_supported", "true".into())]).unwrap();
    assert!(!switched.client_documents, "only true is true");
}

/// A3 of the attacks on OAuth proxies (mix-up), and `auth/metadata-issuer-mismatch` of the official suite.
#[test]
fn a3_metadata_of_other_issuers_are_refused() {
    for other in [
        json!("https://attacker.example.com"),
        json!("https://as.example.com"),
        json!("https://as.example.com/tenant1/"),
        json!("https://AS.example.com/tenant1"),
        json!("https://as.example.com:443/tenant1"),
        json!([ISSUER]),
        Value::Null,
    ] {
        assert_eq!(server(&[("issuer", other.clone())]), Err(DiscoveryError::OtherIssuer), "{other}");
    }
    let own_word =
        json!({"issuer": "http://evil.example", "token_endpoint": "https://a.example/t"}).to_string();
    let read = AuthorizationServer::read(own_word.as_bytes(), "http://evil.example");
    assert_eq!(read, Err(DiscoveryError::NotAnIssuer));
}

/// A15 of the attacks on OAuth proxies: a browser, or a token, is sent to web addresses only, and in clear on this
/// computer only.
#[test]
fn a15_endpoints_are_web_addresses() {
    let names = ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"];
    for name in names {
        for bad in [
            json!(1),
            json!(""),
            json!("/token"),
            json!("javascript:alert(1)"),
            json!("https:/as.example.com"),
            json!("http://as.example.com/x"),
            json!("http://10.0.0.1/x"),
            json!("http://169.254.169.254/x"),
            json!("http://localhost.evil.example/x"),
            json!("https://user:pw@as.example.com/x"),
            json!("https://as.example.com/x#y"),
            json!("https://as.example.com/x\n"),
            json!("https://as.example.com/$(touch${IFS}x)`"),
            json!("https://as.example.com\\@evil.example/x"),
            json!(format!("https://as.example.com/{}", "x".repeat(2048))),
        ] {
            assert_eq!(server(&[(name, bad.clone())]), Err(DiscoveryError::Endpoint(name)), "{name} {bad}");
        }
        for good in ["http://127.0.0.1:9/x", "http://[::1]:9/x", "http://localhost:9/x?y=1"] {
            assert!(server(&[(name, good.into())]).is_ok(), "{name} {good}");
        }
    }
    assert_eq!(server(&[("token_endpoint", Value::Null)]), Err(DiscoveryError::Endpoint("token_endpoint")));
}

#[test]
fn a_person_is_sent_only_where_the_code_is_safe() {
    let endpoint = DiscoveryError::Endpoint("authorization_endpoint");
    for (name, value, expected) in [
        ("code_challenge_methods_supported", Value::Null, DiscoveryError::NoPkce),
        ("code_challenge_methods_supported", json!([]), DiscoveryError::NoPkce),
        ("code_challenge_methods_supported", json!(["plain"]), DiscoveryError::NoPkce),
        ("code_challenge_methods_supported", json!("S256"), DiscoveryError::NoPkce),
        ("code_challenge_methods_supported", json!(["s256"]), DiscoveryError::NoPkce),
        ("authorization_endpoint", Value::Null, endpoint),
        ("authorization_endpoint", json!("https://as.example.com/a?client_id=evil"), endpoint),
        ("authorization_endpoint", json!("https://as.example.com/a?x=1&redirect%5Furi=https://e"), endpoint),
        ("response_types_supported", json!(["token"]), DiscoveryError::NoCodeFlow),
        ("grant_types_supported", json!(["client_credentials"]), DiscoveryError::NoCodeFlow),
        ("require_pushed_authorization_requests", json!(true), DiscoveryError::OnlyPushed),
        ("protected_resources", json!(["https://other.example/mcp"]), DiscoveryError::NotProtected),
    ] {
        let server = server(&[(name, value.clone())]).unwrap();
        assert_eq!(server.authorizes(CALLED), Err(expected), "{name} {value}");
    }
    for (name, value) in [
        ("response_types_supported", Value::Null),
        ("grant_types_supported", json!(["refresh_token", "authorization_code"])),
        ("protected_resources", json!(["https://other.example", "https://NOTES.example.com/mcp/"])),
        ("protected_resources", json!([])),
    ] {
        assert!(server(&[(name, value.clone())]).unwrap().authorizes(CALLED).is_ok(), "{name} {value}");
    }
}

#[test]
fn documents_are_bounded_and_say_nothing_twice() {
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(MAX_DOCUMENT));
    let resource = |text: &str| ProtectedResource::read(text.as_bytes(), &url(PATH), &url(CALLED));
    let server = |text: &str| AuthorizationServer::read(text.as_bytes(), ISSUER);
    assert_eq!(resource(&large), Err(DiscoveryError::TooLarge));
    assert_eq!(server(&large), Err(DiscoveryError::TooLarge));
    let twice =
        format!(r#"{{"issuer":"{ISSUER}","issuer":"{ISSUER}","resource":"{CALLED}","resource":"{CALLED}"}}"#);
    for bad in ["", "[]", "<html>", &twice] {
        assert_eq!(resource(bad), Err(DiscoveryError::Malformed), "{bad}");
        assert_eq!(server(bad), Err(DiscoveryError::Malformed), "{bad}");
    }
    let crowd: Vec<_> = (0..1000).map(|n| format!("https://as{n}.example")).collect();
    let crowd = json!({"resource": CALLED, "authorization_servers": crowd}).to_string();
    assert_eq!(resource(&crowd).unwrap().authorization_servers.len(), 32);
}

proptest! {
    #[test]
    fn any_document_is_judged(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(AuthorizationServer::read(&bytes, ISSUER).is_err());
        prop_assert!(ProtectedResource::read(&bytes, &url(PATH), &url(CALLED)).is_err());
    }

    #[test]
    fn an_issuer_is_asked_at_its_own_origin(issuer in "https?://[a-z0-9.@:\\[\\]-]{1,20}(/[a-z0-9.%/?#]{0,12})?") {
        if let Ok(urls) = server_metadata_urls(&issuer) {
            let own = Url::parse(&issuer).unwrap().origin();
            prop_assert!(urls.iter().all(|url| url.origin() == own && url.path().contains("/.well-known/")));
        }
    }

    #[test]
    fn metadata_are_looked_for_at_the_origin_of_the_resource(path in "(/[a-z%2e.~-]{0,6}){0,4}(\\?[a-z=&]{0,6})?") {
        let resource = url(&format!("https://notes.example.com{path}"));
        let urls = resource_metadata_urls(&resource, None);
        prop_assert_eq!(urls.last().map(Url::as_str), Some(ROOT));
        prop_assert!(urls.iter().all(|url| url.as_str().starts_with(ROOT)));
    }

    #[test]
    fn a_resource_that_is_believed_is_the_called_one_or_its_origin(
        identifier in "https://(notes|evil)\\.example\\.com(:443|:8443)?(/|/mcp|/mc|/mcp/|/mcp2|/mcp/a|/%6dcp)?",
        from in prop::sample::select(vec![PATH, ROOT, "https://evil.example.com/.well-known/oauth-protected-resource"]),
    ) {
        if resource(from, &[("resource", identifier.clone().into())]).is_ok() {
            let believed = url(&identifier);
            prop_assert_eq!(believed.origin(), url(CALLED).origin());
            let called = believed.path().trim_end_matches('/') == "/mcp";
            prop_assert!(called || (from == ROOT && believed.path() == "/"), "{} at {}", identifier, from);
        }
    }
}
