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
    for code in [
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "unsupported_grant_type",
    ] {
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

fn refreshed(body: &Value) -> Result<Granted, AnswerError> {
    let old = Secret::new("r".to_owned());
    Granted::read(200, body.to_string().as_bytes(), Grant::Refresh(&old))
}

#[test]
fn a_connection_lives_as_long_as_the_server_says() {
    let mut body = json!({"access_token": "t", "token_type": "Bearer", "expires_in": 9_999_999});
    let (granted, now) = (refreshed(&body).unwrap(), Timestamp::from_secs(1_000_000));
    assert_eq!(granted.expires_in, Some(9_999_999));
    assert_eq!(
        granted.ends(now),
        Some(now.plus_secs(9_999_999 - MARGIN)),
        "in the store nothing ends after a day"
    );
    body["expires_in"] = Value::Null;
    let unsaid = refreshed(&body).unwrap();
    assert_eq!((unsaid.expires_in, unsaid.usable, unsaid.ends(now)), (None, UNSAID - MARGIN, None));
}

#[test]
fn refresh_tokens_and_scopes_are_taken_where_they_belong() {
    let body = json!({
        "access_token": "t", "token_type": "Bearer", "refresh_token": "r 2", "scope": "a b a",
    });
    let granted = refreshed(&body).unwrap();
    assert_eq!(granted.refresh.unwrap().expose(), "r 2");
    assert_eq!(granted.scopes.unwrap().to_string(), "a b");
    assert!(read(200, &body).unwrap().refresh.is_none(), "nothing refreshes what Doorward gets for itself");
    for absent in [json!({"refresh_token": null, "scope": null}), json!({"scope": ""}), json!({})] {
        let mut body = json!({"access_token": "t", "token_type": "Bearer"});
        body.as_object_mut().unwrap().extend(absent.as_object().unwrap().clone());
        let granted = refreshed(&body).unwrap();
        assert!(granted.refresh.is_none() && granted.scopes.is_none(), "{body}");
    }
    for (member, bad) in [
        ("refresh_token", json!("")),
        ("refresh_token", json!("a\nb")),
        ("refresh_token", json!("r".repeat(MAX_TOKEN + 1))),
        ("refresh_token", json!(1)),
        ("scope", json!(["a"])),
        ("scope", json!("a\"b")),
        ("scope", json!("x".repeat(1 << 13))),
    ] {
        let mut body = body.clone();
        body[member] = bad;
        assert!(matches!(refreshed(&body), Err(AnswerError::Unusable(_))), "{body}");
    }
}

#[test]
fn an_identity_assertion_is_no_bearer_token() {
    let word = Secret::new("s".to_owned());
    let read = |body: &Value| Granted::read(200, body.to_string().as_bytes(), Grant::IdToken(&word));
    let id_jag = "urn:ietf:params:oauth:token-type:id-jag";
    let good = json!({"access_token": "a.b.c", "token_type": "N_A", "issued_token_type": id_jag});
    assert_eq!(read(&good).unwrap().token.expose(), "a.b.c");
    for (member, bad) in [
        ("token_type", json!("Bearer")),
        ("issued_token_type", json!("urn:ietf:params:oauth:token-type:access_token")),
        ("issued_token_type", Value::Null),
    ] {
        let mut body = good.clone();
        body[member] = bad;
        assert!(matches!(read(&body), Err(AnswerError::Unusable(_))), "{body}");
    }
}

#[test]
fn what_ends_a_connection_is_told_apart_from_what_ends_a_client() {
    for (code, ends, refuses) in [
        ("invalid_grant", true, false),
        ("invalid_client", false, true),
        ("unauthorized_client", false, false),
        ("invalid_request", false, false),
        ("server_error", false, false),
    ] {
        let error = read(400, &json!({"error": code})).unwrap_err();
        assert_eq!((error.ends_grant(), error.refuses_client()), (ends, refuses), "{code}");
    }
    let away = Granted::read(503, b"", FOR_US).unwrap_err();
    assert!(!away.ends_grant() && !away.refuses_client());
}

#[test]
fn a_token_is_revoked_or_the_server_says_why_not() {
    for (status, body) in [(200, ""), (200, "<html>"), (204, "")] {
        assert_eq!(revoked(status, body.as_bytes()), Ok(()), "{status}");
    }
    assert_eq!(revoked(503, b""), Err(AnswerError::Away(503)));
    let refused = revoked(400, br#"{"error":"unsupported_token_type"}"#);
    assert_eq!(refused, Err(AnswerError::Refused("unsupported_token_type")));
    assert!(matches!(revoked(404, b"<html>"), Err(AnswerError::Unusable(_))));
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
