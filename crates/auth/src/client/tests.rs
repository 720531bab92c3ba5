use std::collections::BTreeMap;

use super::*;

fn source() -> TokenSource {
    TokenSource {
        token_endpoint: "https://as.example.com/token".parse().unwrap(),
        client_id: "door ward".to_owned(),
        client_secret: None,
        scope: Some("read write".to_owned()),
        resource: Some("https://agent.example.com/".to_owned()),
        audience: None,
    }
}

fn fields(request: &TokenRequest) -> BTreeMap<String, String> {
    let pairs: Vec<_> = form_urlencoded::parse(request.form.expose().as_bytes()).into_owned().collect();
    let fields: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(fields.len(), pairs.len(), "nothing is said twice");
    fields
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn a_secret_goes_into_the_header_and_nowhere_else() {
    // The name goes into the form too.
    let secret = Secret::new("p:ä &".to_owned());
    let request = TokenRequest::new(&Target::of(&source()), Grant::ClientCredentials, Proof::Secret(&secret));
    // RFC 6749 section 2.3.1: both parts form-encoded, then Basic.
    let expected = format!("Basic {}", STANDARD.encode("door+ward:p%3A%C3%A4+%26"));
    assert_eq!(request.authorization.as_ref().unwrap().expose(), expected);
    assert_eq!(
        fields(&request),
        map([
            ("grant_type", "client_credentials"),
            ("client_id", "door ward"),
            ("scope", "read write"),
            ("resource", "https://agent.example.com/"),
        ])
    );
    assert!(!format!("{request:?}").contains("Basic"));
}

#[test]
fn an_assertion_goes_into_the_form() {
    let assertion = Secret::new("a.b.c".to_owned());
    let source = TokenSource { scope: None, resource: None, ..source() };
    let request =
        TokenRequest::new(&Target::of(&source), Grant::ClientCredentials, Proof::Assertion(&assertion));
    assert!(request.authorization.is_none());
    assert_eq!(
        fields(&request),
        map([
            ("grant_type", "client_credentials"),
            ("client_id", "door ward"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", "a.b.c"),
        ])
    );
}

#[test]
fn an_exchange_says_what_it_brings_and_wants() {
    let (subject, secret) = (Secret::new("a.b.c".to_owned()), Secret::new("s".to_owned()));
    let source = TokenSource { audience: Some("agent".to_owned()), scope: None, ..source() };
    let request = TokenRequest::new(&Target::of(&source), Grant::Exchange(&subject), Proof::Secret(&secret));
    assert_eq!(
        fields(&request),
        map([
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("client_id", "door ward"),
            ("subject_token", "a.b.c"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("resource", "https://agent.example.com/"),
            ("audience", "agent"),
        ])
    );
}

fn asked(grant: Grant<'_>) -> BTreeMap<String, String> {
    let target = Target {
        client_id: "doorward",
        scope: Some("notes:read"),
        resource: Some("https://notes.example.com/mcp"),
        audience: Some("https://as.example.com"),
    };
    fields(&TokenRequest::new(&target, grant, Proof::None))
}

#[test]
fn a_code_is_exchanged_for_the_resource_it_was_asked_for() {
    let (code, verifier) = (Secret::new("c&".to_owned()), Secret::new("v".to_owned()));
    let redirect_uri = "https://gw.example.com/oauth/callback";
    assert_eq!(
        asked(Grant::Code { code: &code, redirect_uri, verifier: &verifier }),
        map([
            ("grant_type", "authorization_code"),
            ("code", "c&"),
            ("redirect_uri", redirect_uri),
            ("code_verifier", "v"),
            ("resource", "https://notes.example.com/mcp"),
            ("client_id", "doorward"),
        ])
    );
}

#[test]
fn a_refresh_names_the_resource_and_keeps_the_scopes() {
    assert_eq!(
        asked(Grant::Refresh(&Secret::new("r".to_owned()))),
        map([
            ("grant_type", "refresh_token"),
            ("refresh_token", "r"),
            ("resource", "https://notes.example.com/mcp"),
            ("client_id", "doorward"),
        ])
    );
}

/// The members that the official suite asks for in `auth/enterprise-managed-authorization`.
#[test]
fn an_id_token_becomes_an_identity_assertion_and_that_a_token() {
    let word = Secret::new("a.b.c".to_owned());
    assert_eq!(
        asked(Grant::IdToken(&word)),
        map([
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", "a.b.c"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:id-jag"),
            ("audience", "https://as.example.com"),
            ("resource", "https://notes.example.com/mcp"),
            ("scope", "notes:read"),
            ("client_id", "doorward"),
        ])
    );
    let presented = asked(Grant::Assertion(&word));
    assert_eq!(presented["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!((&*presented["assertion"], &*presented["scope"]), ("a.b.c", "notes:read"));
}

#[test]
fn a_token_is_revoked_by_its_client() {
    let (token, secret) = (Secret::new("r".to_owned()), Secret::new("s".to_owned()));
    let form = TokenRequest::revocation("doorward", &token, TokenKind::Refresh, Proof::Form(&secret));
    let expected = [
        ("token", "r"),
        ("token_type_hint", "refresh_token"),
        ("client_id", "doorward"),
        ("client_secret", "s"),
    ];
    assert_eq!((fields(&form), form.authorization.is_none()), (map(expected), true));
    let header = TokenRequest::revocation("doorward", &token, TokenKind::Access, Proof::Secret(&secret));
    assert!(header.authorization.is_some());
    let expected = [("token", "r"), ("token_type_hint", "access_token"), ("client_id", "doorward")];
    assert_eq!(fields(&header), map(expected));
}
