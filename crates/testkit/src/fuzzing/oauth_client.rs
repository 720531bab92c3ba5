//! What other servers say to Doorward as their client: whatever it is, nobody is sent, and nothing is sent, to a place that
//! was not asked, and nothing is taken that another reader would not see.

use doorward_auth::client::{
    Grant, Granted,
    authorization::Callback,
    challenge::Challenge,
    discovery::{AuthorizationServer, ProtectedResource, resource_metadata_urls, server_metadata_urls},
    registration::{OwnAddresses, RegisteredClient},
    scope::ScopeList,
};
use doorward_model::Secret;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::first_line;

const ISSUER: &str = "https://as.example.com";
const CALLED: &str = "https://notes.example.com/mcp";

/// Every line is the value of a `WWW-Authenticate` header. What is read is in the headers, leads to a web address, and is
/// read again when it is written plainly.
///
/// # Panics
/// If that does not hold.
pub fn challenge(data: &[u8]) {
    let Some(challenge) = Challenge::read(data.split(|byte| *byte == b'\n')) else { return };
    let text: String = String::from_utf8_lossy(data).replace('\\', "");
    let mut plain = Vec::new();
    if let Some(url) = &challenge.resource_metadata {
        is_web_address(url);
        plain.push(format!("resource_metadata=\"{url}\""));
    }
    if let Some(scopes) = &challenge.scope {
        assert!(!scopes.is_empty() && scopes.iter().all(|scope| text.contains(scope)), "made up: {scopes}");
        plain.push(format!("scope=\"{scopes}\""));
    }
    let plain = format!("Bearer {}", plain.join(", "));
    let again = Challenge::read([plain.as_bytes()]);
    assert_eq!(again, Some(Challenge { error: None, ..challenge.clone() }), "{plain}");
    let Ok(called) = Url::parse(CALLED) else { return };
    for url in resource_metadata_urls(&called, Some(&challenge)) {
        is_web_address(&url);
        assert!(is_safe(&url) || url.origin() == called.origin(), "in clear to {url}");
    }
}

/// A query that a browser brings back. A code is taken only if every other reader finds the same code, no other issuer and
/// no error.
///
/// # Panics
/// If that does not hold.
pub fn callback(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let Ok(callback) = Callback::parse(query) else { return };
    let theirs = |wanted: &str| {
        let found = form_urlencoded::parse(data).filter(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| value.into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(theirs("state"), [callback.state()]);
    for names_issuer in [false, true] {
        let Ok(code) = callback.code(ISSUER, names_issuer) else { continue };
        assert_eq!(theirs("code"), [code.expose()]);
        assert!(theirs("error").is_empty());
        assert!(theirs("iss") == [ISSUER] || (theirs("iss").is_empty() && !names_issuer), "{query}");
    }
}

/// The first line is an issuer, the rest a document of that server or of a resource. What is believed says so to another
/// reader, and leads to safe addresses only.
///
/// # Panics
/// If that does not hold.
pub fn metadata(data: &[u8]) {
    let (issuer, document) = first_line(data);
    let Ok(issuer) = std::str::from_utf8(issuer) else { return };
    if let Ok(urls) = server_metadata_urls(issuer) {
        let Ok(own) = Url::parse(issuer) else { panic!("no address, and asked: {issuer:?}") };
        assert!(urls.iter().all(|url| url.origin() == own.origin() && is_safe(url)), "{urls:?}");
    }
    let theirs = serde_json::from_slice::<Value>(document).unwrap_or_default();
    if let Ok(server) = AuthorizationServer::read(document, issuer) {
        assert_eq!(theirs["issuer"], issuer);
        for url in [Some(&server.token), server.registration.as_ref(), server.revocation.as_ref()] {
            assert!(url.is_none_or(is_safe), "{url:?}");
        }
        if let Ok(endpoint) = server.authorizes(CALLED) {
            assert!(is_safe(endpoint), "{endpoint}");
            let methods = theirs["code_challenge_methods_supported"].as_array();
            assert!(methods.is_some_and(|methods| methods.contains(&"S256".into())), "without PKCE");
        }
    }
    let (Ok(called), Ok(from)) = (Url::parse(CALLED), Url::parse(&format!("{CALLED}/metadata"))) else {
        return;
    };
    if let Ok(resource) = ProtectedResource::read(document, &from, &called) {
        assert_eq!(theirs["resource"], resource.resource.as_str());
        let Ok(believed) = Url::parse(&resource.resource) else { panic!("no address: {resource:?}") };
        assert_eq!(believed.as_str().trim_end_matches('/'), CALLED);
        for issuer in &resource.authorization_servers {
            assert!(server_metadata_urls(issuer).is_ok(), "cannot be asked: {issuer:?}");
        }
    }
}

/// The first line is a status, the rest the answer of a token or registration endpoint. What is taken is what another reader
/// finds, and fits where it goes.
///
/// # Panics
/// If that does not hold.
pub fn token_answer(data: &[u8]) {
    let (status, body) = first_line(data);
    let status = std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let theirs = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let word = Secret::new("a.b.c".into());
    let grants =
        [Grant::ClientCredentials, Grant::Exchange(&word), Grant::Refresh(&word), Grant::IdToken(&word)];
    for grant in grants {
        let Ok(granted) = Granted::read(status, body, grant) else { continue };
        assert_eq!((status, &theirs["access_token"]), (200, &Value::from(granted.token.expose())));
        assert!(granted.token.expose().bytes().all(|byte| byte.is_ascii_graphic()), "no header carries this");
        assert!(theirs.get("error").is_none() && (0..=24 * 3600).contains(&granted.usable));
        if let Some(refresh) = &granted.refresh {
            assert_eq!(theirs["refresh_token"], refresh.expose());
        }
        if let Some(scopes) = &granted.scopes {
            assert_eq!(theirs["scope"].as_str().and_then(ScopeList::parse).as_ref(), Some(scopes));
        }
    }
    let server =
        serde_json::json!({"issuer": ISSUER, "token_endpoint": format!("{ISSUER}/token")}).to_string();
    let Ok(server) = AuthorizationServer::read(server.as_bytes(), ISSUER) else { panic!("a server") };
    let own = OwnAddresses::at("https://gw.example.com");
    if let Ok(client) = RegisteredClient::read(status, body, &server, &own) {
        assert_eq!(theirs["client_id"], client.id.as_str());
        assert!(client.proof(Some(&word)).is_some(), "a client that cannot say who it is");
    }
}

fn is_web_address(url: &Url) {
    assert!(matches!(url.scheme(), "http" | "https") && url.host().is_some(), "{url}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
}

/// `https`, or this computer.
fn is_safe(url: &Url) -> bool {
    is_web_address(url);
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || here
}

/// Whether a target got to the end of what it checks.
#[cfg(test)]
pub(super) fn accepted(target: &str, data: &[u8]) -> bool {
    let (first, rest) = first_line(data);
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    match target {
        "challenge" => Challenge::read(data.split(|byte| *byte == b'\n')).is_some(),
        "callback" => Callback::parse(text(data)).is_ok_and(|callback| callback.code(ISSUER, false).is_ok()),
        "metadata" => {
            let called = Url::parse(CALLED).expect("an address");
            AuthorizationServer::read(rest, text(first)).is_ok_and(|server| server.authorizes(CALLED).is_ok())
                || ProtectedResource::read(rest, &called, &called).is_ok()
        }
        _ => Granted::read(text(first).parse().unwrap_or(200), rest, Grant::ClientCredentials).is_ok(),
    }
}
