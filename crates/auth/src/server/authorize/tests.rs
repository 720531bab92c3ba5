//! Requests as real clients send them, and every way to get one wrong.

use doorward_model::{ClientAuthentication, ClientKind, GrantTypes, Scope, Timestamp};
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::server::resource::Offered;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const ISSUER: &str = "https://gw.example.com";

fn client(redirect_uris: &[&str]) -> Client {
    Client {
        id: "cli".into(),
        kind: ClientKind::Registered,
        name: None,
        redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
        authentication: ClientAuthentication::None,
        grant_types: GrantTypes { authorization_code: true, ..GrantTypes::default() },
        resource: None,
        created: Timestamp::from_secs(0),
    }
}

fn resources(resource: &str) -> Option<Offered> {
    (resource == "https://gw.example.com/mcp/a")
        .then(|| Offered { resource: resource.into(), scopes: Scopes::MCP })
}

/// A good request, with these parameters instead; without a value a parameter is left out.
fn query(changes: &[(&str, &str)]) -> String {
    let good = [
        ("response_type", "code"),
        ("client_id", "cli"),
        ("redirect_uri", "https://app.example.com/cb"),
        ("state", "a b&c=ä"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", "https://gw.example.com/mcp/a"),
    ];
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in good {
        if !changes.iter().any(|(changed, _)| *changed == name) {
            text.append_pair(name, value);
        }
    }
    text.extend_pairs(changes.iter().filter(|(_, value)| !value.is_empty()));
    text.finish()
}

fn judged(query: &str) -> Result<Result<Valid, OAuthError>, LocalError> {
    let client = client(&["https://app.example.com/cb"]);
    Ok(Asked::parse(query)?.redirect(&client)?.check(&resources))
}

fn code(changes: &[(&str, &str)]) -> Option<ErrorCode> {
    judged(&query(changes)).expect("a mistake that the client is told").err().map(|error| error.code)
}

#[test]
fn a_good_request_is_understood() {
    let valid = judged(&query(&[])).unwrap().unwrap();
    assert_eq!(
        valid,
        Valid {
            client_id: "cli".into(),
            redirect_uri: "https://app.example.com/cb".into(),
            state: Some("a b&c=ä".into()),
            scopes: Scopes::MCP,
            resource: "https://gw.example.com/mcp/a".into(),
            challenge: CHALLENGE.into(),
            prompt: Prompt::default(),
        }
    );
    let claude_code =
        judged(&query(&[("scope", "mcp:tools offline_access"), ("prompt", "consent"), ("state", "")]));
    let valid = claude_code.unwrap().unwrap();
    assert_eq!(valid.scopes, Scopes::MCP.with(Scope::OfflineAccess));
    assert_eq!((valid.prompt.consent, valid.prompt.none, valid.state), (true, false, None));
}

#[test]
fn mistakes_about_the_client_stay_here() {
    let local = |changes: &[(&str, &str)]| judged(&query(changes)).err();
    assert_eq!(local(&[("client_id", "")]), Some(LocalError::NoClient));
    assert_eq!(local(&[("client_id", "other")]), Some(LocalError::NoClient));
    assert_eq!(local(&[("redirect_uri", "https://evil.example/cb")]), Some(LocalError::RedirectUri));
    assert_eq!(local(&[("redirect_uri", "https://app.example.com/cb/")]), Some(LocalError::RedirectUri));
    for twice in ["&client_id=cli", "&client%5Fid=other", "&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb"]
    {
        assert_eq!(judged(&(query(&[]) + twice)).err(), Some(LocalError::Ambiguous), "{twice}");
    }
    assert!(matches!(judged(&(query(&[]) + "&prompt=%ff")), Err(LocalError::Unreadable(_))));
}

#[test]
fn the_redirect_uri_may_be_absent_when_there_is_one() {
    let without = query(&[("redirect_uri", "")]);
    let chosen = |uris: &[&str]| {
        let client = client(uris);
        let asked = Asked::parse(&without).unwrap();
        asked.redirect(&client).map(|request| request.redirect_uri().to_owned())
    };
    assert_eq!(chosen(&["https://app.example.com/cb"]), Ok("https://app.example.com/cb".into()));
    assert_eq!(chosen(&["https://a.example/", "https://b.example/"]), Err(LocalError::NoRedirectUri));
    assert_eq!(chosen(&[]), Err(LocalError::NoRedirectUri));
}

/// A6 of the attacks on OAuth proxies: PKCE is neither left out nor weakened.
#[test]
fn pkce_cannot_be_bypassed() {
    for changes in [
        &[("code_challenge", "")][..],
        &[("code_challenge_method", "")],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge", "short")],
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")],
        &[("code_challenge", ""), ("code_challenge_method", "")],
    ] {
        assert_eq!(code(changes), Some(ErrorCode::InvalidRequest), "{changes:?}");
    }
}

#[test]
fn other_mistakes_go_to_the_client() {
    for (changes, expected) in [
        (&[("response_type", "")][..], ErrorCode::InvalidRequest),
        (&[("response_type", "token")], ErrorCode::UnsupportedResponseType),
        (&[("response_type", "code id_token")], ErrorCode::UnsupportedResponseType),
        (&[("response_mode", "form_post")], ErrorCode::InvalidRequest),
        (&[("prompt", "none login")], ErrorCode::InvalidRequest),
        (&[("resource", "")], ErrorCode::InvalidTarget),
        (&[("resource", "https://gw.example.com/mcp/b")], ErrorCode::InvalidTarget),
        (&[("resource", "https://gw.example.com/mcp/a#x")], ErrorCode::InvalidTarget),
        (&[("scope", "a\"b")], ErrorCode::InvalidScope),
    ] {
        assert_eq!(code(changes), Some(expected), "{changes:?}");
    }
    let twice = |text: &str| judged(&(query(&[]) + text)).unwrap().unwrap_err().code;
    assert_eq!(twice("&resource=https%3A%2F%2Fgw.example.com%2Fmcp%2Fa"), ErrorCode::InvalidTarget);
    assert_eq!(twice("&state=x"), ErrorCode::InvalidRequest);
    assert_eq!(twice("&code_challenge=x"), ErrorCode::InvalidRequest);
    assert_eq!(code(&[("response_mode", "query"), ("nonce", "x"), ("unknown", "x")]), None);
    assert_eq!(code(&[("resource", "HTTPS://GW.example.com:443/mcp/a/")]), None);
}

#[test]
fn what_the_client_is_registered_for_counts() {
    let mut client = client(&["https://app.example.com/cb"]);
    client.resource = Some("https://gw.example.com/mcp/a".into());
    let check = |client: &Client, changes: &[(&str, &str)]| {
        let asked = Asked::parse(query(changes)).unwrap();
        asked.redirect(client).unwrap().check(&resources).map_err(|error| error.code)
    };
    let chosen = check(&client, &[("resource", "")]).map(|valid| valid.resource);
    assert_eq!(chosen, Ok("https://gw.example.com/mcp/a".into()));
    client.resource = Some("https://gw.example.com/mcp/b".into());
    assert_eq!(check(&client, &[]), Err(ErrorCode::InvalidTarget));
    client.resource = None;
    client.grant_types = GrantTypes { client_credentials: true, ..GrantTypes::default() };
    assert_eq!(check(&client, &[]), Err(ErrorCode::UnauthorizedClient));
}

#[test]
fn of_two_states_none_is_sent_back() {
    let client = client(&["https://app.example.com/cb"]);
    let request = Asked::parse(query(&[]) + "&state=x").unwrap().redirect(&client).unwrap();
    assert_eq!(request.state(), None);
}

#[test]
fn answers_keep_the_query_and_say_who_answers() {
    let code = Secret::new("dwac_x".into());
    let success = success_redirect("https://app.example.com/cb", &code, Some("a b"), ISSUER);
    let expected = "https://app.example.com/cb?code=dwac_x&state=a+b&iss=https%3A%2F%2Fgw.example.com";
    assert_eq!(success.expose(), expected);
    let error = OAuthError::new(ErrorCode::AccessDenied, "no");
    for (uri, begin) in [
        ("https://app.example.com/cb?x=%20y", "https://app.example.com/cb?x=%20y&error=access_denied&"),
        ("https://app.example.com/cb?", "https://app.example.com/cb?error=access_denied&"),
        ("https://app.example.com/cb?x&", "https://app.example.com/cb?x&error=access_denied&"),
        ("com.example.app:/cb", "com.example.app:/cb?error=access_denied&"),
    ] {
        assert!(error_redirect(uri, &error, None, ISSUER).starts_with(begin), "{uri}");
    }
}

proptest! {
    #[test]
    fn any_query_is_judged(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _judged = Asked::parse(&text).map(|asked| asked.redirect(&client(&[])).map(|_| ()));
    }

    #[test]
    fn the_answer_has_the_state_and_no_other_place(state in "\\PC{1,40}", changes in "[!-~]{0,20}") {
        let text = query(&[("state", &state), ("scope", &changes)]);
        let client = client(&["https://app.example.com/cb"]);
        let request = Asked::parse(&text).unwrap().redirect(&client).unwrap();
        let to = match request.check(&resources) {
            Ok(valid) => {
                let code = Secret::new("c".into());
                success_redirect(&valid.redirect_uri, &code, valid.state.as_deref(), ISSUER).expose().to_owned()
            }
            Err(error) => error_redirect(request.redirect_uri(), &error, request.state(), ISSUER),
        };
        let url = Url::parse(&to).unwrap();
        prop_assert!(to.starts_with("https://app.example.com/cb?") && to.is_ascii());
        let values = |name: &str| -> Vec<String> {
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
        };
        prop_assert_eq!(values("state"), vec![state]);
        prop_assert_eq!(values("iss"), vec![ISSUER.to_owned()]);
        prop_assert_eq!(values("code").len() + values("error").len(), 1);
    }
}
