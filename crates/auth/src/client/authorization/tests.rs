use proptest::prelude::*;

use super::*;

const ISSUER: &str = "https://as.example.com";

fn sent(endpoint: &str, scope: &str) -> Url {
    let scope = ScopeList::parse(scope).unwrap();
    let request = AuthorizationRequest {
        client_id: "door ward",
        redirect_uri: "https://gw.example.com/oauth/callback",
        resource: "https://notes.example.com/mcp",
        scope: &scope,
        state: "s&t",
        challenge: "c",
    };
    authorization_url(&endpoint.parse().unwrap(), &request)
}

#[test]
fn a_person_is_sent_with_all_that_is_needed() {
    assert_eq!(
        sent("https://as.example.com/authorize?tenant=a%20b", "read write").as_str(),
        "https://as.example.com/authorize?tenant=a%20b&response_type=code&client_id=door+ward\
         &redirect_uri=https%3A%2F%2Fgw.example.com%2Foauth%2Fcallback&scope=read+write&state=s%26t\
         &code_challenge=c&code_challenge_method=S256&resource=https%3A%2F%2Fnotes.example.com%2Fmcp"
    );
    let unscoped = sent("https://as.example.com/authorize", "");
    assert!(unscoped.query_pairs().all(|(name, _)| name != "scope"), "{unscoped}");
}

fn code(query: &str, names_issuer: bool) -> Result<String, CallbackError> {
    let callback = Callback::parse(query)?;
    callback.code(ISSUER, names_issuer).map(|code| code.expose().to_owned())
}

/// A3 of the attacks on OAuth proxies (mix-up), and the scenarios `auth/iss-*` of the official suite.
#[test]
fn a3_answers_of_other_issuers_are_refused() {
    let good = "code=c&state=s&iss=https%3A%2F%2Fas.example.com";
    assert_eq!(code(good, true), Ok("c".into()), "iss-supported");
    assert_eq!(code(good, false), Ok("c".into()));
    assert_eq!(code("code=c&state=s", false), Ok("c".into()), "iss-not-advertised");
    for (query, names_issuer, error) in [
        ("code=c&state=s", true, CallbackError::Issuer),
        ("code=c&state=s&iss=", true, CallbackError::Issuer),
        ("code=c&state=s&iss=https%3A%2F%2Fevil.example", true, CallbackError::Issuer),
        ("code=c&state=s&iss=https%3A%2F%2Fevil.example", false, CallbackError::Issuer),
        ("code=c&state=s&iss=https%3A%2F%2Fas.example.com%2F", true, CallbackError::Issuer),
        ("code=c&state=s&iss=https%3A%2F%2FAS.example.com", true, CallbackError::Issuer),
        ("code=c&state=s&iss=https%3A%2F%2Fas.example.com%3A443", true, CallbackError::Issuer),
        ("code=c&state=s&iss=null", false, CallbackError::Issuer),
        ("error=access_denied&state=s", true, CallbackError::Issuer),
        ("error=access_denied&state=s&iss=https%3A%2F%2Fevil.example", false, CallbackError::Issuer),
        ("error=access_denied&state=s", false, CallbackError::Refused("access_denied")),
        ("error=access_denied&code=c&state=s", false, CallbackError::Refused("access_denied")),
        ("state=s", false, CallbackError::Empty),
        ("code=&state=s", false, CallbackError::Empty),
        ("code=c", false, CallbackError::NoState),
        ("code=c&state=", false, CallbackError::NoState),
        ("", false, CallbackError::NoState),
        ("code=c&code=d&state=s", false, CallbackError::Unreadable),
        ("code=c&state=s&state=t", false, CallbackError::Unreadable),
        ("code=c&state=s&iss=https%3A%2F%2Fas.example.com&iss=x", true, CallbackError::Unreadable),
        ("code=%ff&state=s", false, CallbackError::Unreadable),
        ("code=%0d%0a&state=s", false, CallbackError::Unreadable),
    ] {
        assert_eq!(code(query, names_issuer), Err(error), "{query}");
    }
    assert_eq!(Callback::parse(good).unwrap().state(), "s");
}

#[test]
fn nothing_that_the_other_side_says_is_repeated() {
    for text in ["c4nary", "%3Cscript%3Ec4nary", "a%E2%80%AEc4nary", &"c4nary".repeat(100)] {
        let query = format!("state=s&error={text}&error_description={text}&error_uri={text}");
        let error = code(&query, false).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
        assert!(!format!("{:?}", Callback::parse(&query)).contains("c4nary"));
    }
}

proptest! {
    #[test]
    fn any_callback_is_judged(query in "((state|iss|code|error)=[a-z%0-9]{0,8}&){0,5}[a-z=&%0-9]{0,60}") {
        let (unnamed, named) = (code(&query, false), code(&query, true));
        prop_assert!(named.is_err() || unnamed == named, "{unnamed:?} {named:?}");
    }

    #[test]
    fn an_endpoint_keeps_its_query_and_each_parameter_is_there_once(query in "[a-z]{1,8}=[a-z0-9%]{0,4}") {
        let endpoint = format!("https://as.example.com/authorize?{query}");
        let url = sent(&endpoint, "read");
        prop_assert!(url.as_str().starts_with(Url::parse(&endpoint).unwrap().as_str()));
        let states = url.query_pairs().filter(|(name, value)| name == "state" && value == "s&t").count();
        prop_assert_eq!(states, 1);
    }
}
