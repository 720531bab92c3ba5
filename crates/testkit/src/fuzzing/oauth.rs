//! What OAuth clients send: whatever it is, no code goes where its client did not say, and nothing counts that another
//! reader would read in another way.

use doorward_auth::server::{
    authorize::{self, Asked},
    client_document,
    form::Parameters,
    redirect_uri as places, registration as registrations,
    resource::{self, Offered},
};
use doorward_model::{
    Client, ClientAuthentication, ClientKeys, ClientKind, GrantTypes, Scope, Scopes, Secret, Timestamp,
};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::first_line;

/// 2026-07-28T00:00:00Z in microseconds.
const NOW: Timestamp = Timestamp::from_micros(1_785_196_800_000_000);
const KNOWN: [&str; 4] = ["client_id", "redirect_uri", "resource", "state"];
const HOME: &str = "https://app.example.com/cb?x=1";
const ISSUER: &str = "https://gw.example.com";

/// A form that is accepted means the same to another reader; and as a query of the authorization endpoint it is answered
/// at the client's redirect URI, or not at all.
///
/// # Panics
/// If that does not hold.
pub fn form(data: &[u8]) {
    if let Ok(parameters) = Parameters::read(data, &KNOWN) {
        for name in KNOWN {
            let theirs: Vec<_> = form_urlencoded::parse(data)
                .filter(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value)
                .collect();
            assert_eq!(parameters.get(name), theirs.first().map(AsRef::as_ref), "{name}");
            assert_eq!(parameters.repeats(name), theirs.len() > 1, "{name}");
        }
        let twice = KNOWN.iter().any(|name| parameters.repeats(name));
        assert_eq!(Parameters::parse(data, &KNOWN).is_err(), twice, "what is there twice is refused");
    }
    let client = client();
    let Ok(request) = Asked::parse(data).and_then(|asked| asked.redirect(&client)) else { return };
    assert_eq!(request.redirect_uri(), HOME);
    let answer = match request.check(&|asked| (asked == "https://gw.example.com/mcp/a").then(offered)) {
        Ok(valid) => {
            assert!(valid.scopes.within(Scopes::MCP.with(Scope::OfflineAccess)), "scopes of elsewhere");
            assert_eq!(valid.state.as_deref(), request.state());
            let code = Secret::new("c".into());
            authorize::success_redirect(HOME, &code, request.state(), ISSUER).expose().to_owned()
        }
        Err(error) => authorize::error_redirect(HOME, &error, request.state(), ISSUER),
    };
    assert!(answer.starts_with(HOME) && answer.bytes().all(|byte| byte.is_ascii_graphic()));
    let Ok(url) = Url::parse(&answer) else { panic!("an answer that goes nowhere") };
    let states: Vec<_> = url.query_pairs().filter(|(name, _)| name == "state").collect();
    assert_eq!(states.first().map(|(_, value)| value.as_ref()), request.state());
    assert!(states.len() <= 1 && url.query_pairs().filter(|(name, _)| name == "iss").count() == 1);
}

fn offered() -> Offered {
    Offered { resource: "https://gw.example.com/mcp/a".into(), scopes: Scopes::MCP }
}

fn client() -> Client {
    Client {
        id: "cli".into(),
        kind: ClientKind::Registered,
        name: None,
        redirect_uris: vec![HOME.into()],
        authentication: ClientAuthentication::None,
        grant_types: GrantTypes { authorization_code: true, ..GrantTypes::default() },
        resource: None,
        created: NOW,
    }
}

/// The first line is what a client registered, the rest what it asks for. What matches is the same place but for the
/// port of this computer, and a browser goes where the text says. Either line is tried as a resource, too.
///
/// # Panics
/// If that does not hold.
pub fn redirect_uri(data: &[u8]) {
    let (registered, asked) = first_line(data);
    let (Ok(registered), Ok(asked)) = (std::str::from_utf8(registered), std::str::from_utf8(asked)) else {
        return;
    };
    for uri in [registered, asked] {
        place(uri);
        if let Some(canonical) = resource::canonical(uri) {
            assert!(!canonical.contains('#') && Url::parse(&canonical).is_ok(), "{canonical:?}");
            assert_eq!(
                resource::canonical(&canonical).as_ref(),
                Some(&canonical),
                "the canonical text is its own"
            );
        }
    }
    if places::matches(&[registered.to_owned()], asked) && registered != asked {
        assert!(places::is_loopback(registered) && places::is_loopback(asked));
        let (Ok(mut one), Ok(mut other)) = (Url::parse(registered), Url::parse(asked)) else {
            panic!("a match that is no address")
        };
        assert!(one.set_port(None).is_ok() && other.set_port(None).is_ok());
        assert_eq!(one, other, "only the port may differ");
    }
}

/// What holds for a redirect URI that passes the check.
fn place(uri: &str) {
    let source = places::form_action_source(uri);
    assert!(source == "'none'" || !source.contains([';', ',', ' ', '\'', '"', '\n']), "{source:?}");
    if places::check(uri).is_err() {
        return;
    }
    let Ok(url) = Url::parse(uri) else { panic!("a browser cannot go to {uri:?}") };
    assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    assert!(uri.starts_with(&places::origin_shown(uri)), "people are shown another place");
    match url.scheme() {
        "https" => assert!(url.host().is_some()),
        "http" => assert!(places::is_loopback(uri), "a code would leave this computer in clear"),
        scheme => {
            let harmful = ["javascript", "data", "file", "blob", "vbscript", "about", "ftp", "ws", "wss"];
            assert!(!harmful.contains(&scheme), "{scheme}");
        }
    }
}

/// A registration that is accepted is one to another reader too, and what the client hears back would register the same
/// client again.
///
/// # Panics
/// If that does not hold.
pub fn registration(data: &[u8]) {
    let Ok(registration) = registrations::register(data, "dcr_x".into(), NOW) else { return };
    let Ok(theirs) = serde_json::from_slice::<Value>(data) else { panic!("only Doorward reads this") };
    described(&registration.client, &theirs);
    assert!(
        !registration.client.grant_types.client_credentials && !registration.client.grant_types.jwt_bearer
    );
    let answer = registrations::response(&registration, None);
    let Ok(again) = registrations::register(answer.to_string().as_bytes(), "dcr_x".into(), NOW) else {
        panic!("what was said back cannot be registered: {answer}")
    };
    let mut told = registration.client.clone();
    // Who named no method was told the default.
    if again.client.authentication != told.authentication {
        assert!(theirs["token_endpoint_auth_method"].as_str().unwrap_or_default().is_empty());
        told.authentication = again.client.authentication.clone();
    }
    assert_eq!(again.client, told);
    assert_eq!(registrations::response(&again, None), answer);
}

/// The first line is a client's id, the rest its document. What is accepted describes that very client, has no secret, and
/// gives the client no tokens of its own.
///
/// # Panics
/// If that does not hold.
pub fn client_document(data: &[u8]) {
    let (id, body) = first_line(data);
    let Ok(id) = std::str::from_utf8(id) else { return };
    let Ok(read) = client_document::read(id, body, NOW) else { return };
    let Ok(theirs) = serde_json::from_slice::<Value>(body) else { panic!("only Doorward reads this") };
    assert!(
        Url::parse(id).is_ok_and(|url| url.scheme() == "https" && url.as_str() == id && url.path() != "/")
    );
    assert_eq!(theirs["client_id"], id);
    assert!(theirs["client_secret"].is_null());
    described(&read.client, &theirs);
    assert!(!read.client.grant_types.client_credentials);
    assert!(!matches!(read.client.authentication, ClientAuthentication::Secret(_)));
    assert_eq!(client_document::digest_of(&read.client), read.digest);
}

/// What holds for every client that described itself.
fn described(client: &Client, theirs: &Value) {
    assert_eq!(theirs["redirect_uris"], Value::from(client.redirect_uris.clone()));
    assert!(!client.redirect_uris.is_empty());
    for uri in &client.redirect_uris {
        assert!(places::check(uri).is_ok(), "{uri:?}");
        place(uri);
    }
    if let Some(name) = &client.name {
        assert!(!name.is_empty() && name.chars().count() <= 128 && !name.chars().any(char::is_control));
    }
    if let ClientAuthentication::PrivateKeyJwt(keys) = &client.authentication {
        match keys {
            ClientKeys::Inline(text) => {
                let Ok(set) = serde_json::from_str::<Value>(text) else { panic!("keys that are no JSON") };
                let listed = set["keys"].as_array().into_iter().flatten();
                assert!(listed.map(|key| &key["d"]).all(Value::is_null), "a private key is kept");
            }
            ClientKeys::Uri(uri) => assert_eq!(uri.scheme(), "https"),
        }
    }
}

/// Whether a target gets as far as its last checks with an input.
#[cfg(test)]
pub(super) fn accepted(target: &str, data: &[u8]) -> bool {
    let (line, rest) = first_line(data);
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    match target {
        "form" => {
            let client = client();
            let request = Asked::parse(data).and_then(|asked| asked.redirect(&client));
            request.is_ok_and(|request| request.check(&|_| Some(offered())).is_ok())
        }
        "redirect_uri" => places::matches(&[text(line).to_owned()], text(rest)),
        "registration" => registrations::register(data, "dcr_x".into(), NOW).is_ok(),
        _ => client_document::read(text(line), rest, NOW).is_ok(),
    }
}
