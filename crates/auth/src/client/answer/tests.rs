use proptest::prelude::*;
use serde_json::json;

use super::*;

const FOR_US: Grant<'_> = Grant::ClientCredentials;

fn read(status: u16, body: &Value) -> Result<Granted, AnswerError> {
    Granted::read(status, body.to_string().as_bytes(), FOR_US)
}

fn exchanged(body: &Value) -> Result<Granted, AnswerError> {
    Granted::read(200, body.to_string().as_bytes(), Grant::Exchange(&Secret::new("s".to_owned())))
}

#[test]
fn a_token_is_usable_until_shortly_before_it_expires() {
    for (expires_in, usable) in [
        (json!(3600), 3570),
        (json!(120), 90),
        (json!(60), 45),
        (json!(1), 1),
        (json!(0), 0),
        (json!(i64::MAX), LONGEST - MARGIN),
    ] {
        let body = json!({"access_token": "t0k.en-_~+/==", "token_type": "bearer", "expires_in": expires_in});
        let granted = read(200, &body).unwrap();
        assert_eq!((granted.token.expose(), granted.usable), ("t0k.en-_~+/==", usable), "{expires_in}");
    }
    let unsaid = read(200, &json!({"access_token": "t", "token_type": "Bearer"})).unwrap();
    assert_eq!(unsaid.usable, UNSAID - MARGIN);
}

#[test]
fn what_is_not_a_bearer_token_is_not_taken() {
    let good = json!({"access_token": "t", "token_type": "Bearer", "expires_in": 60});
    for (member, value) in [
        ("token_type", json!("DPoP")),
        ("token_type", json!("N_A")),
        ("token_type", Value::Null),
        ("access_token", json!("")),
        ("access_token", json!("==")),
        ("access_token", json!("two words")),
        ("access_token", json!("a\r\nx-evil: 1")),
        ("access_token", json!("ä")),
        ("access_token", json!("t".repeat(MAX_TOKEN + 1))),
        ("access_token", json!(["t"])),
        ("expires_in", json!("60")),
        ("expires_in", json!(-1)),
        ("expires_in", json!(1.5)),
        ("expires_in", json!(u64::MAX)),
    ] {
        let mut body = good.clone();
        body[member] = value;
        assert!(matches!(read(200, &body), Err(AnswerError::Unusable(_))), "{body}");
    }
    assert!(read(200, &good).is_ok());
    assert!(matches!(read(201, &good), Err(AnswerError::Unusable(_))));
    for body in
        ["", "[]", "null", "<html>", r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#]
    {
        let answer = Granted::read(200, body.as_bytes(), FOR_US);
        assert!(matches!(answer, Err(AnswerError::Unusable(_))), "{body}");
    }
    let large = format!(r#"{{"x":"{}"}}"#, "x".repeat(MAX_ANSWER));
    let answer = Granted::read(200, large.as_bytes(), FOR_US);
    assert_eq!(answer.unwrap_err(), AnswerError::Unusable("it is too large"));
}

#[test]
fn an_exchange_must_say_what_it_issued() {
    let mut body = json!({"access_token": "t", "token_type": "Bearer"});
    assert!(matches!(exchanged(&body), Err(AnswerError::Unusable(_))));
    for (kind, taken) in [
        ("urn:ietf:params:oauth:token-type:access_token", true),
        ("urn:ietf:params:oauth:token-type:jwt", true),
        ("urn:ietf:params:oauth:token-type:refresh_token", false),
        ("urn:ietf:params:oauth:token-type:id_token", false),
        ("urn:ietf:params:oauth:token-type:saml2", false),
    ] {
        body["issued_token_type"] = kind.into();
        assert_eq!(exchanged(&body).is_ok(), taken, "{kind}");
    }
}

#[test]
fn what_passes_is_told_apart_from_what_stays() {
    for code in PERMANENT {
        for status in [400, 401, 403, 200] {
            let error = read(status, &json!({"error": code, "access_token": "t", "token_type": "Bearer"}));
            assert_eq!(error.unwrap_err(), AnswerError::Refused(code));
        }
    }
    for code in PASSING {
        assert!(read(400, &json!({"error": code})).unwrap_err().is_passing(), "{code}");
    }
    for status in [429, 500, 502, 503] {
        let error = Granted::read(status, b"<html>", FOR_US).unwrap_err();
        assert!(error.is_passing(), "{status}");
    }
    assert!(!read(400, &json!({"error": 7})).unwrap_err().is_passing());
    assert!(!read(302, &json!({})).unwrap_err().is_passing());
}

#[test]
fn an_error_says_nothing_that_the_other_side_wrote() {
    let error = read(400, &json!({"error": "c4nary", "error_description": "c4nary"})).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
}

proptest! {
    #[test]
    fn any_answer_is_read_or_refused(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Granted::read(status, &body, FOR_US);
    }

    #[test]
    fn what_is_taken_fits_into_a_header(token in ".{0,40}", lifetime in any::<i64>()) {
        let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime});
        if let Ok(granted) = read(200, &body) {
            prop_assert!(granted.token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!((0..=LONGEST).contains(&granted.usable));
        }
    }
}
