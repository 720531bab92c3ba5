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
    let secret = Secret::new("p:ä &".to_owned());
    let request = TokenRequest::new(&source(), Grant::ClientCredentials, Proof::Secret(&secret));
    // RFC 6749 section 2.3.1: both parts form-encoded, then Basic.
    let expected = format!("Basic {}", STANDARD.encode("door+ward:p%3A%C3%A4+%26"));
    assert_eq!(request.authorization.as_ref().unwrap().expose(), expected);
    assert_eq!(
        fields(&request),
        map([
            ("grant_type", "client_credentials"),
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
    let request = TokenRequest::new(&source, Grant::ClientCredentials, Proof::Assertion(&assertion));
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
    let request = TokenRequest::new(&source, Grant::Exchange(&subject), Proof::Secret(&secret));
    assert_eq!(
        fields(&request),
        map([
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", "a.b.c"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("resource", "https://agent.example.com/"),
            ("audience", "agent"),
        ])
    );
}
