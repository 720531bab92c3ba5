use proptest::prelude::*;
use serde_json::json;

use super::*;

fn list(text: &str) -> ScopeList {
    ScopeList::parse(text).unwrap()
}

fn resource(scopes: Option<&str>) -> ProtectedResource {
    let declared =
        ProtectedResource::declared(&"https://a.example/mcp".parse().unwrap(), "https://as.example");
    ProtectedResource { scopes: scopes.map(list), ..declared }
}

fn server(scopes: &[&str]) -> AuthorizationServer {
    let document = json!({
        "issuer": "https://as.example", "token_endpoint": "https://as.example/token", "scopes_supported": scopes,
    });
    AuthorizationServer::read(document.to_string().as_bytes(), "https://as.example").unwrap()
}

#[test]
fn a_list_of_scopes_is_what_the_standard_says() {
    assert_eq!(list(" b  a b ").to_string(), "b a");
    assert!(list("").is_empty());
    for bad in ["a\"b", "a\\b", "a\tb", "a\nb", "ä", "\u{7f}", &"x".repeat(MAX_BYTES + 1)] {
        assert_eq!(ScopeList::parse(bad), None, "{bad:.20}");
    }
    let many: Vec<_> = (0..=MAX_SCOPES).map(|n| n.to_string()).collect();
    assert_eq!(ScopeList::parse(&many.join(" ")), None);
    assert!(ScopeList::parse(&many[1..].join(" ")).is_some());
    assert_eq!(ScopeList::of(["a b"]), None, "one name is one scope");
}

/// `auth/scope-*` and `auth/offline-access-*` of the official suite.
#[test]
fn the_operator_counts_first_then_the_challenge_then_the_resource() {
    let plain = server(&["a"]);
    let (configured, challenged) = (list("mine"), list("basic"));
    let all = resource(Some("read write"));
    let ask = |configured, challenged, resource: &_, server: &_| {
        choose(configured, challenged, resource, server).to_string()
    };
    assert_eq!(ask(Some(&configured), Some(&challenged), &all, &plain), "mine");
    assert_eq!(ask(None, Some(&challenged), &all, &plain), "basic");
    assert_eq!(ask(None, None, &all, &plain), "read write");
    assert_eq!(ask(None, None, &resource(None), &plain), "");
    let offline = server(&["a", "offline_access"]);
    assert_eq!(ask(None, Some(&challenged), &all, &offline), "basic offline_access");
    assert_eq!(ask(None, None, &resource(None), &offline), "offline_access");
}

proptest! {
    #[test]
    fn a_list_reads_back_and_a_union_covers_both(one in "[!-~ ]{0,60}", other in "[a-e ]{0,20}") {
        prop_assume!(ScopeList::parse(&one).is_some());
        let (one, other) = (list(&one), list(&other));
        prop_assert_eq!(&list(&one.to_string()), &one);
        let both = one.union(&other);
        prop_assert!(both.covers(&one) && both.covers(&other));
        prop_assert!(both.iter().all(|scope| one.contains(scope) || other.contains(scope)));
    }
}
