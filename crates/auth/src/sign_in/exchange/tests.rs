use base64::{Engine, engine::general_purpose::STANDARD};
use doorward_model::{Name, SignInAllow};
use proptest::prelude::*;

use super::*;

const ISSUER: &str = "https://idp.example.com";

fn provider(secret: Option<&str>) -> SignInProvider {
    SignInProvider {
        name: Name::parse("corp").unwrap(),
        issuer: ISSUER.into(),
        client_id: "door ward".into(),
        client_secret: secret.map(|secret| Secret::new(secret.into())),
        scopes: ["email", "openid", "profile"].map(Into::into).to_vec(),
        groups_claim: "groups".into(),
        allow: SignInAllow::default(),
    }
}

fn endpoints(secret_in_form: bool) -> Endpoints {
    let url = |path: &str| Url::parse(&format!("{ISSUER}{path}")).unwrap();
    Endpoints {
        authorization: url("/authorize?tenant=a%20b"),
        token: url("/token"),
        keys: url("/keys"),
        names_issuer: false,
        secret_in_form,
    }
}

fn attempt() -> Attempt<'static> {
    let redirect_uri = "https://gw.example.com/sign-in/callback/corp";
    Attempt { redirect_uri, state: "s&t", nonce: "n", challenge: "c", again: false }
}

#[test]
fn the_browser_is_sent_with_all_that_is_needed() {
    let url = authorization_url(&provider(None), &endpoints(false), &attempt());
    let expected = "https://idp.example.com/authorize?tenant=a%20b&response_type=code&client_id=door+ward\
        &redirect_uri=https%3A%2F%2Fgw.example.com%2Fsign-in%2Fcallback%2Fcorp&scope=openid+email+profile\
        &state=s%26t&nonce=n&code_challenge=c&code_challenge_method=S256";
    assert_eq!(url.as_str(), expected);
    let again = authorization_url(&provider(None), &endpoints(false), &Attempt { again: true, ..attempt() });
    assert_eq!(again.as_str(), format!("{expected}&prompt=login"));
}

#[test]
fn the_secret_travels_one_way() {
    let call = |secret, in_form| {
        let (code, verifier) = (Secret::new("c&".into()), Secret::new("v".into()));
        let call = TokenCall::new(&provider(secret), &endpoints(in_form), &code, "https://gw/cb", &verifier);
        (call.authorization.map(|header| header.expose().to_owned()), call.form.expose().to_owned())
    };
    let form = "grant_type=authorization_code&code=c%26&redirect_uri=https%3A%2F%2Fgw%2Fcb&code_verifier=v";
    let header = format!("Basic {}", STANDARD.encode("door+ward:p%3Aw"));
    assert_eq!(call(Some("p:w"), false), (Some(header), form.into()));
    assert_eq!(call(Some("p:w"), true), (None, format!("{form}&client_id=door+ward&client_secret=p%3Aw")));
    assert_eq!(call(None, false), (None, format!("{form}&client_id=door+ward")));
}

/// A3 of the attacks on OAuth proxies (mix-up), with Doorward as the client.
#[test]
fn answers_of_others_are_refused() {
    let code = |query: &str, names_issuer| {
        Callback::parse(query)
            .and_then(|callback| callback.code(ISSUER, names_issuer))
            .map(|code| code.expose().to_owned())
    };
    let good = "code=c&state=s&iss=https%3A%2F%2Fidp.example.com";
    assert_eq!(code(good, true), Ok("c".into()));
    assert_eq!(code(good, false), Ok("c".into()));
    assert_eq!(code("code=c&state=s", false), Ok("c".into()));
    for (query, names_issuer, error) in [
        ("code=c&state=s", true, CallbackError::Issuer),
        ("code=c&state=s&iss=https%3A%2F%2Fevil.example", false, CallbackError::Issuer),
        ("code=c&state=s&iss=https%3A%2F%2Fidp.example.com%2F", false, CallbackError::Issuer),
        ("error=access_denied&state=s&iss=https%3A%2F%2Fevil.example", false, CallbackError::Issuer),
        ("error=access_denied&state=s", false, CallbackError::Refused("access_denied".into())),
        ("error=access_denied&code=c&state=s", false, CallbackError::Refused("access_denied".into())),
        ("state=s", false, CallbackError::Empty),
        ("code=c", false, CallbackError::NoState),
        ("", false, CallbackError::NoState),
        ("code=c&code=d&state=s", false, CallbackError::Unreadable),
        ("code=c&state=s&state=t", false, CallbackError::Unreadable),
        ("code=%ff&state=s", false, CallbackError::Unreadable),
    ] {
        assert_eq!(code(query, names_issuer), Err(error), "{query}");
    }
    assert_eq!(Callback::parse(good).unwrap().state(), "s");
}

#[test]
fn what_the_provider_says_is_cut_and_cleaned() {
    let long = "x".repeat(1000);
    let Err(CallbackError::Refused(code)) =
        Callback::parse(&format!("state=s&error=a%E2%80%AEb{long}")).unwrap().code(ISSUER, false)
    else {
        panic!("an error is an error")
    };
    assert_eq!((code.len(), &code[..3]), (64, "abx"));
}

#[test]
fn an_id_token_is_in_the_answer_or_not() {
    let token = |body: &str| id_token(body.as_bytes()).map(|token| token.expose().to_owned());
    assert_eq!(token(r#"{"id_token":"a.b.c","access_token":"x"}"#), Ok("a.b.c".into()));
    assert_eq!(token(r#"{"error":"invalid_grant"}"#), Err(CallbackError::Refused("invalid_grant".into())));
    for empty in [r#"{"access_token":"x"}"#, r#"{"id_token":1}"#, r#"{"id_token":"a.b.c","error":1}"#] {
        assert_eq!(token(empty), Err(CallbackError::Empty), "{empty}");
    }
    for bad in ["", "<html>", "[]", r#"{"id_token":"a","id_token":"b"}"#] {
        assert_eq!(token(bad), Err(CallbackError::Unreadable), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_callback_is_judged(query in "(state=s&)?[a-z=&%0-9]{0,60}", body in "\\PC{0,60}") {
        let _code = Callback::parse(&query).map(|callback| callback.code(ISSUER, true));
        let _token = id_token(body.as_bytes());
    }
}
