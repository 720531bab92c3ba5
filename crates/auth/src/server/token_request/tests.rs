//! Requests to the token endpoint, and what codes and refresh tokens are bound to.

use doorward_model::{ClientAuthentication, ClientKind, GrantTypes, Scope};
use proptest::prelude::*;

use super::*;
use crate::server::token::mint;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const RESOURCE: &str = "https://gw.example.com/mcp/a";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn read(text: &str) -> Result<TokenRequest, ErrorCode> {
    let parameters = Parameters::parse(text, &PARAMETERS).map_err(|error| error.code)?;
    TokenRequest::read(&parameters).map_err(|error| error.code)
}

fn client(grant_types: GrantTypes) -> Client {
    Client {
        id: "cli".into(),
        kind: ClientKind::Registered,
        name: None,
        redirect_uris: vec![],
        authentication: ClientAuthentication::None,
        grant_types,
        resource: None,
        created: NOW,
    }
}

fn code_request(changes: impl Fn(&mut CodeRequest)) -> CodeRequest {
    let mut request = CodeRequest {
        code: mint(TokenKind::Code),
        redirect_uri: None,
        verifier: Secret::new(VERIFIER.into()),
        resource: None,
    };
    changes(&mut request);
    request
}

#[test]
fn each_grant_type_and_what_it_needs() {
    let [code, refresh] = [TokenKind::Code, TokenKind::Refresh].map(|kind| mint(kind).expose().to_owned());
    let jwt = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let good_code = format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}");
    assert!(matches!(read(&good_code), Ok(TokenRequest::AuthorizationCode(_))));
    let good_refresh = format!("grant_type=refresh_token&refresh_token={refresh}&scope=mcp%3Aread");
    assert!(matches!(read(&good_refresh), Ok(TokenRequest::Refresh { scope: Some(_), resource: None, .. })));
    assert!(matches!(read("grant_type=client_credentials"), Ok(TokenRequest::ClientCredentials { .. })));
    assert!(matches!(
        read(&format!("grant_type={jwt}&assertion=x")),
        Ok(TokenRequest::JwtBearer { assertion, .. }) if assertion.expose() == "x"
    ));
    for (text, error) in [
        ("", ErrorCode::InvalidRequest),
        ("grant_type=password&username=a&password=b", ErrorCode::UnsupportedGrantType),
        ("grant_type=urn:ietf:params:oauth:grant-type:device_code", ErrorCode::UnsupportedGrantType),
        ("grant_type=authorization_code", ErrorCode::InvalidRequest),
        (&format!("grant_type=authorization_code&code={code}"), ErrorCode::InvalidRequest),
        (&format!("grant_type=authorization_code&code=x&code_verifier={VERIFIER}"), ErrorCode::InvalidGrant),
        (
            &format!("grant_type=authorization_code&code={refresh}&code_verifier={VERIFIER}"),
            ErrorCode::InvalidGrant,
        ),
        ("grant_type=refresh_token", ErrorCode::InvalidRequest),
        (&format!("grant_type=refresh_token&refresh_token={code}"), ErrorCode::InvalidGrant),
        (&format!("grant_type={jwt}"), ErrorCode::InvalidRequest),
        (&format!("{good_code}&code={code}"), ErrorCode::InvalidRequest),
        (&format!("{good_code}&resource=a&resource=b"), ErrorCode::InvalidTarget),
    ] {
        assert_eq!(read(text).err(), Some(error), "{text}");
    }
}

#[test]
fn what_a_client_may_send() {
    let all = GrantTypes {
        authorization_code: true,
        refresh_token: true,
        client_credentials: true,
        jwt_bearer: true,
    };
    let proved = |confidential| Authenticated { confidential, once: None };
    let own = TokenRequest::ClientCredentials { scope: None, resource: None };
    let code = TokenRequest::AuthorizationCode(code_request(|_| ()));
    let assertion = Secret::new("x".into());
    let person = TokenRequest::JwtBearer { assertion, scope: None, resource: None };
    let refresh = TokenRequest::Refresh { token: mint(TokenKind::Refresh), scope: None, resource: None };
    for request in [&own, &code, &person, &refresh] {
        assert_eq!(request.allowed_for(&client(all), &proved(true)), Ok(()), "{request:?}");
        let refused = request.allowed_for(&client(GrantTypes::default()), &proved(true));
        assert_eq!(refused.map_err(|error| error.code), Err(ErrorCode::UnauthorizedClient), "{request:?}");
    }
    for (request, may) in [(&own, false), (&code, true), (&person, false), (&refresh, true)] {
        assert_eq!(request.allowed_for(&client(all), &proved(false)).is_ok(), may, "{request:?}");
    }
}

fn terms(challenge: &str) -> CodeTerms<'_> {
    CodeTerms {
        client: "cli",
        redirect_uri: "https://app.example.com/cb",
        challenge,
        resource: RESOURCE,
        expires: NOW.plus_secs(60),
        redeemed: false,
    }
}

/// A7 of the attacks on OAuth proxies: a code is of use to nobody but who asked for it, and for a minute.
#[test]
fn a_code_is_bound() {
    let challenge = pkce::challenge(VERIFIER);
    let terms = terms(&challenge);
    let check = |request: &CodeRequest, client: &str, now| {
        check_code(request, client, &terms, now).map_err(|error| error.code)
    };
    let good = code_request(|_| ());
    assert_eq!(check(&good, "cli", NOW), Ok(()));
    assert_eq!(check(&good, "other", NOW), Err(ErrorCode::InvalidGrant));
    assert_eq!(check(&good, "cli", NOW.plus_secs(60)), Err(ErrorCode::InvalidGrant));
    let full = code_request(|request| {
        request.redirect_uri = Some("https://app.example.com/cb".into());
        request.resource = Some("https://GW.example.com/mcp/a/".into());
    });
    assert_eq!(check(&full, "cli", NOW), Ok(()));
    let elsewhere = code_request(|request| request.redirect_uri = Some("https://app.example.com/cb/".into()));
    assert_eq!(check(&elsewhere, "cli", NOW), Err(ErrorCode::InvalidGrant));
    let foreign = code_request(|request| request.resource = Some("https://gw.example.com/mcp/b".into()));
    assert_eq!(check(&foreign, "cli", NOW), Err(ErrorCode::InvalidTarget));
    for verifier in ["", &challenge, &VERIFIER.to_lowercase(), &VERIFIER[1..]] {
        let wrong = code_request(|request| request.verifier = Secret::new((*verifier).to_owned()));
        assert_eq!(check(&wrong, "cli", NOW), Err(ErrorCode::InvalidGrant), "{verifier}");
    }
}

#[test]
fn a_right_replay_passes_however_late_so_that_the_grant_is_revoked() {
    let challenge = pkce::challenge(VERIFIER);
    let redeemed = CodeTerms { redeemed: true, ..terms(&challenge) };
    let late = NOW.plus_secs(3600);
    assert_eq!(check_code(&code_request(|_| ()), "cli", &redeemed, late), Ok(()));
    let wrong = code_request(|request| request.verifier = Secret::new("x".repeat(43)));
    assert!(check_code(&wrong, "cli", &redeemed, late).is_err(), "a stranger must not revoke");
}

#[test]
fn a_refresh_stays_within_the_grant() {
    let grant = ClientGrant {
        id: "1".into(),
        subject: "alice".into(),
        groups: vec![],
        domain: None,
        client: "cli".into(),
        client_name: None,
        redirect: None,
        resource: RESOURCE.into(),
        scopes: Scopes::MCP,
        created: NOW,
        expires: NOW,
    };
    let check = |client: &str, scope: Option<&str>, resource: Option<&str>| {
        check_refresh(&grant, client, scope, resource).map_err(|error| error.code)
    };
    assert_eq!(check("cli", None, None), Ok(Scopes::MCP));
    assert_eq!(check("cli", Some("mcp:read"), Some(RESOURCE)), Ok(Scopes::NONE.with(Scope::McpRead)));
    assert_eq!(check("other", None, None), Err(ErrorCode::InvalidGrant));
    assert_eq!(check("cli", None, Some("https://gw.example.com/mcp/b")), Err(ErrorCode::InvalidTarget));
    assert_eq!(check("cli", Some("a2a:send"), None), Err(ErrorCode::InvalidScope));
}

#[test]
fn a_client_of_its_own_names_its_resource() {
    let resources =
        |asked: &str| (asked == RESOURCE).then(|| Offered { resource: asked.into(), scopes: Scopes::MCP });
    let mut client = client(GrantTypes::default());
    let check = |client: &Client, resource: Option<&str>| {
        check_client_credentials(client, Some("mcp:call"), resource, &resources).map_err(|error| error.code)
    };
    let call = Scopes::NONE.with(Scope::McpCall);
    assert_eq!(check(&client, Some(RESOURCE)), Ok(Offered { resource: RESOURCE.into(), scopes: call }));
    assert_eq!(check(&client, None), Err(ErrorCode::InvalidTarget));
    client.resource = Some(RESOURCE.into());
    assert!(check(&client, None).is_ok());
}

#[test]
fn the_answer_is_that_of_the_standard() {
    let (access, refresh) = (Secret::new("a".into()), Secret::new("r".into()));
    let answer = token_response(&access, Some(&refresh), Duration::from_hours(1), Scopes::MCP, RESOURCE);
    let expected = json!({
        "access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r",
        "scope": "mcp:read mcp:call", "resource": RESOURCE,
    });
    assert_eq!(answer, expected);
    let without = token_response(&access, None, Duration::from_secs(1), Scopes::MCP, RESOURCE);
    assert!(without.get("refresh_token").is_none());
}

proptest! {
    #[test]
    fn any_form_is_judged(text in "(grant_type=(authorization_code|refresh_token|client_credentials))?[&=%a-z_0-9+]{0,80}") {
        let _request = read(&text);
    }
}
