use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use doorward_model::{ApiKey, Issuer, Limits, Name, Place, SignInAllow, SignInProvider, TokenRules};
use url::Url;

use super::*;

const ORIGIN: &str = "https://door.example";
const CORP: &str = "https://idp.example";

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// Sign-in providers and issuers that vouch for people, each with its URL.
fn snapshot(providers: &[(&str, &str)], issuers: &[(&str, &str)]) -> Snapshot {
    let provider = |(named, issuer): &(&str, &str)| {
        let provider = SignInProvider {
            name: name(named),
            issuer: (*issuer).to_owned(),
            client_id: "doorward".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            groups_claim: "groups".to_owned(),
            allow: SignInAllow::default(),
        };
        (name(named), Arc::new(provider))
    };
    let issuer = |(named, issuer): &(&str, &str)| {
        let issuer = Issuer {
            name: name(named),
            issuer: (*issuer).to_owned(),
            jwks_uri: None,
            algorithms: Vec::new(),
            required_scope: None,
            id_jag: true,
        };
        (name(named), Arc::new(issuer))
    };
    Snapshot {
        public_url: Url::parse(ORIGIN).expect("a URL"),
        allowed_origins: Vec::new(),
        allow_private: Vec::new(),
        upstreams: BTreeMap::new(),
        issuers: issuers.iter().map(issuer).collect(),
        sign_in: providers.iter().map(provider).collect(),
        tokens: TokenRules::default(),
        servers: BTreeMap::new(),
        agents: BTreeMap::new(),
        limits: Limits::default(),
        stored_secrets: BTreeSet::default(),
    }
}

fn caller(issuer: &str, subject: &str) -> Caller {
    let (scopes, groups, audiences) = (Vec::new(), Vec::new(), Vec::new());
    let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
    Caller::Issued(Arc::new(Identity { issuer, subject, client: None, scopes, groups, audiences }))
}

#[test]
fn a_token_of_doorwards_own_names_its_person() {
    let snapshot = snapshot(&[("corp", CORP)], &[]);
    for (subject, person) in [
        ("alice", Some("alice")),
        ("corp:alice", Some("corp:alice")),
        ("corp:a:b", Some("corp:a:b")),
        ("client:ci", None),
        ("gone:alice", None),
    ] {
        assert_eq!(person_of(&snapshot, &caller(ORIGIN, subject)).as_deref(), person, "{subject}");
    }
}

#[test]
fn a_token_of_an_issuer_names_a_person_where_people_sign_in_by_it() {
    let snapshot = snapshot(&[("corp", CORP)], &[("staff", CORP), ("partners", "https://other.example")]);
    for (issuer, person) in [
        (CORP, Some("corp:alice")),
        ("https://idp.example/", None),
        ("https://other.example", None),
        ("api-key", None),
    ] {
        assert_eq!(person_of(&snapshot, &caller(issuer, "alice")).as_deref(), person, "{issuer}");
    }
}

#[test]
fn a_program_with_a_token_of_its_own_is_nobody() {
    let snapshot = snapshot(&[("corp", CORP)], &[("staff", CORP)]);
    let of = |issuer: &str, subject: &str, client: &str| {
        let Caller::Issued(identity) = caller(issuer, subject) else { panic!("a caller") };
        let client = Some(client.to_owned());
        person_of(&snapshot, &Caller::Issued(Arc::new(Identity { client, ..(*identity).clone() })))
    };
    assert_eq!(of(CORP, "robot", "robot"), None);
    assert_eq!(of(CORP, "alice", "robot").as_deref(), Some("corp:alice"));
    assert_eq!(of(ORIGIN, "alice", "alice").as_deref(), Some("alice"), "names of ours are given out by us");
}

#[test]
fn whom_an_assertion_named_is_who_signs_in_by_the_same_issuer() {
    let known = snapshot(&[("corp", CORP)], &[("staff", CORP)]);
    assert_eq!(person_of(&known, &caller(ORIGIN, "staff:alice")).as_deref(), Some("corp:alice"));
    let other = snapshot(&[("corp", CORP)], &[("corp", "https://other.example")]);
    assert_eq!(person_of(&other, &caller(ORIGIN, "corp:alice")), None, "one name for two");
}

#[test]
fn keys_certificates_and_strangers_are_nobody() {
    let snapshot = snapshot(&[("corp", CORP)], &[]);
    let key = ApiKey { name: name("robot"), hash: String::new(), groups: Vec::new() };
    for caller in [
        Caller::Anonymous,
        Caller::Issued(Arc::new(Identity::of_api_key(&key))),
        Caller::Issued(Arc::new(Identity::of_certificate("spiffe://example/robot"))),
    ] {
        assert_eq!(person_of(&snapshot, &caller), None, "{caller:?}");
    }
}

#[test]
fn a_shared_connection_serves_everybody() {
    let snapshot = snapshot(&[], &[]);
    let resource = Url::parse("https://u.example/mcp").expect("a URL");
    let place = Place::Upstream(name("u"));
    let mut connecting =
        Connecting { place, shared: true, resource, issuer: None, client: None, scope: None };
    assert_eq!(whose(&snapshot, &connecting, &Caller::Anonymous).as_deref(), Some(""));
    connecting.shared = false;
    assert_eq!(whose(&snapshot, &connecting, &Caller::Anonymous), None);
}
