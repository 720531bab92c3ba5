use proptest::prelude::*;

use super::*;

fn read(values: &[&str]) -> Option<Challenge> {
    Challenge::read(values.iter().map(|value| value.as_bytes()))
}

/// Metadata, scopes and error of the challenge as a text.
fn said(value: &str) -> Option<String> {
    let Challenge { resource_metadata, scope, error } = read(&[value])?;
    let metadata = resource_metadata.map(String::from).unwrap_or_default();
    Some(format!("{metadata}|{}|{error:?}", scope.unwrap_or_default()))
}

#[test]
fn the_bearer_challenge_is_found_among_others() {
    let wanted = "https://a.example/m|read write|None";
    for value in [
        r#"Bearer resource_metadata="https://a.example/m", scope="read write""#,
        r#"bEARER scope="read write",RESOURCE_METADATA="https://a.example/m""#,
        r#"Bearer realm="a, Bearer scope=\"evil\"", scope="read write", resource_metadata="https://a.example/m""#,
        r#"Basic realm="x", charset="UTF-8", Bearer scope="read write", resource_metadata="https://a.example/m""#,
        r#"Negotiate, Bearer scope="read write" , resource_metadata="https://a.example/m", Digest nonce="y""#,
        r#"Negotiate YWJj==, Bearer scope="read write",,resource_metadata="https://a.example/m","#,
        r#", ,Bearer scope="read write"	,	resource_metadata = "https://a.example/m""#,
        r#"Bearer scope="read\ write", resource_metadata="https:\/\/a.example/m""#,
        r#"Bearer scope="read write", resource_metadata=https://a.example/m"#,
        r#"Bearer error_description="\"\\", max-age=3, scope="read write", resource_metadata="https://a.example/m""#,
        r#"DPoP algs="ES256", Bearer scope="read write", resource_metadata="https://a.example/m""#,
    ] {
        assert_eq!(said(value).as_deref(), Some(wanted), "{value}");
    }
    let several =
        [r#"Basic realm="x""#, "not, a <challenge", r#"Bearer scope="late""#, r#"Bearer scope="later""#];
    assert_eq!(read(&several).unwrap().scope.unwrap().to_string(), "late");
}

#[test]
fn what_was_wrong_is_one_of_four_things() {
    for (value, error) in [
        ("Bearer", None),
        ("Bearer  ", None),
        ("Bearer abc==", None),
        ("Bearer error=invalid_token", Some(ChallengeError::InvalidToken)),
        (r#"Bearer error="insufficient_scope""#, Some(ChallengeError::InsufficientScope)),
        (r#"Bearer error="invalid_request""#, Some(ChallengeError::InvalidRequest)),
        (r#"Bearer error="Invalid_Token""#, Some(ChallengeError::Other)),
        (r#"Bearer error="""#, Some(ChallengeError::Other)),
    ] {
        assert_eq!(read(&[value]), Some(Challenge { error, ..Challenge::default() }), "{value}");
    }
}

/// A15 of the attacks on OAuth proxies: what is no web address is not taken for one.
#[test]
fn a15_hostile_challenges_say_nothing() {
    for metadata in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "https://user@a.example/",
        "https://a.example/#x",
        "https://a.example\\\\@evil.example/",
        "https://a.example/$(calc)`",
        "//evil.example",
        "https://a.example/../x",
        "",
    ] {
        let value = format!(r#"Bearer resource_metadata="{metadata}""#);
        assert_eq!(read(&[&value]), Some(Challenge::default()), "{value}");
    }
    assert_eq!(read(&[r#"Bearer scope="a\"b""#]), Some(Challenge::default()), "a quote is in no scope");
    for value in [
        "",
        ",",
        "\"Bearer\"",
        "Bearerx scope=\"a\"",
        "Bearer\tscope=\"a\"",
        r#"Bearer scope="a"#,
        r#"Bearer scope="a\"#,
        r#"Bearer scope="a" error="b""#,
        r#"Bearer scope="a", scope="b""#,
        r#"Bearer scope="a", SCOPE="a""#,
        "Bearer scope=",
        "Bearer =a",
        r#"Basic x="unterminated, Bearer scope="a""#,
    ] {
        let found = read(&[value]).and_then(|challenge| challenge.scope);
        assert_eq!(found, None, "{value}");
    }
}

#[test]
fn what_is_read_is_bounded() {
    let far = format!("{}Bearer scope=\"a\"", ",".repeat(MAX_BYTES));
    assert_eq!(read(&[&far]), None);
    let many = format!("{}Bearer scope=\"a\"", "Basic,".repeat(MAX_PARTS));
    assert_eq!(read(&[&many]), None);
    let crowded = format!("Bearer {}scope=\"a\"", "x=1,".repeat(MAX_PARTS));
    assert_eq!(read(&[&crowded]), None);
    let headers = vec!["Basic"; MAX_HEADERS].into_iter().chain(["Bearer"]).collect::<Vec<_>>();
    assert_eq!(read(&headers), None);
    assert_eq!(Challenge::read([&b"Bearer scope=\"\xff\""[..]]), Some(Challenge::default()));
}

fn quoted(text: &str, escape: bool) -> String {
    let each = |character: char| match character {
        '"' | '\\' => format!("\\{character}"),
        other if escape => format!("\\{other}"),
        other => other.to_string(),
    };
    format!("\"{}\"", text.chars().map(each).collect::<String>())
}

proptest! {
    #[test]
    fn any_header_is_read_or_not(value in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = Challenge::read([&value[..]]);
    }

    #[test]
    fn anything_like_a_challenge_is_read_or_not(value in "((Bearer|Basic|scope|error)?[ ,=\"\\\\a]{0,3}){0,12}") {
        let _read = read(&[&value]);
    }

    #[test]
    fn what_is_quoted_well_is_read_as_it_was(
        realm in "[ -~]{0,30}", scope in "[a-z:.]{1,9}( [a-z:.]{1,9}){0,3}", escape in any::<bool>(),
        before in "(Basic realm=\"x\", |Negotiate abc=, |Digest, )?", after in "(, Basic realm=\"y\"|, Negotiate z==)?",
    ) {
        let (realm, asked) = (quoted(&realm, escape), quoted(&scope, escape));
        let value = format!("{before}Bearer realm={realm}, scope={asked}{after}");
        let found = read(&[&value]).and_then(|challenge| challenge.scope);
        prop_assert_eq!(found, ScopeList::parse(&scope), "{}", value);
    }
}
