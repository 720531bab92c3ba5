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
        &state=s%26t&code_challenge=c&code_challenge_method=S256&nonce=n";
    assert_eq!(url.as_str(), expected);
    let again = authorization_url(&provider(None), &endpoints(false), &Attempt { again: true, ..attempt() });
    assert_eq!(again.as_str(), format!("{expected}&prompt=login"));
}

#[test]
fn the_secret_travels_one_way() {
    let call = |secret, in_form| {
        let (code, verifier) = (Secret::new("c&".into()), Secret::new("v".into()));
        let call = code_exchange(&provider(secret), &endpoints(in_form), &code, "https://gw/cb", &verifier);
        (call.authorization.map(|header| header.expose().to_owned()), call.form.expose().to_owned())
    };
    let form = "grant_type=authorization_code&code=c%26&redirect_uri=https%3A%2F%2Fgw%2Fcb&code_verifier=v";
    let header = format!("Basic {}", STANDARD.encode("door+ward:p%3Aw"));
    // Its name goes along in the form, too: some providers look for it there (RFC 6749 section 3.2.1).
    assert_eq!(call(Some("p:w"), false), (Some(header), format!("{form}&client_id=door+ward")));
    assert_eq!(call(Some("p:w"), true), (None, format!("{form}&client_id=door+ward&client_secret=p%3Aw")));
    assert_eq!(call(None, false), (None, format!("{form}&client_id=door+ward")));
}

#[test]
fn an_id_token_is_in_the_answer_or_not() {
    let token = |body: &str| id_token(body.as_bytes()).map(|token| token.expose().to_owned());
    assert_eq!(token(r#"{"id_token":"a.b.c","access_token":"x"}"#), Ok("a.b.c".into()));
    assert_eq!(token(r#"{"error":"invalid_grant"}"#), Err(CallbackError::Refused("invalid_grant")));
    for empty in [r#"{"access_token":"x"}"#, r#"{"id_token":1}"#, r#"{"id_token":"a.b.c","error":1}"#] {
        assert_eq!(token(empty), Err(CallbackError::Empty), "{empty}");
    }
    for bad in ["", "<html>", "[]", r#"{"id_token":"a","id_token":"b"}"#] {
        assert_eq!(token(bad), Err(CallbackError::Unreadable), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_judged(body in "\\PC{0,60}") {
        let _token = id_token(body.as_bytes());
    }
}
