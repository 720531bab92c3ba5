//! Who may come in: the rules around `access`, issuers, audiences and the listener.

use doorward_model::Algorithm;
use insta::assert_snapshot;

use crate::support::{accepted, good, mistakes, refused, warnings};

const WHOLE: &str = "tools = []\nprompts = []\nresources = []\nresource_templates = []\n";

fn upstream() -> &'static str {
    "[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:3001/mcp\"\n"
}

fn server(name: &str, more: &str) -> String {
    format!("[[server]]\nname = \"{name}\"\nupstreams = [\"u\"]\n{WHOLE}{more}\n")
}

fn issuer(name: &str, more: &str) -> String {
    format!("[[issuer]]\nname = \"{name}\"\nissuer = \"https://{name}.example.com\"\n{more}\n")
}

fn with_server(more: &str) -> String {
    format!("{}{}{}", upstream(), issuer("corp", ""), server("demo", more))
}

#[test]
fn ways_in_are_words_or_lists_of_words() {
    accepted(
        with_server,
        &["", "access = \"oauth\"", "access = \"jwt\"", "access = [\"jwt\", \"oauth\", \"open\"]"],
    );
    refused(
        with_server,
        &[
            ("access = []", "server[0].access: with no way in nobody gets in"),
            ("access = 3", "expected text or a list of texts, found an integer"),
            ("access = \"jtw\"", "unknown access `jtw` (did you mean `jwt`?)"),
            ("access = \"everything\"", "(known: oauth, jwt, api-key, mtls, open)"),
            ("access = \"apikey\"", "(did you mean `api-key`?)"),
            (
                "access = \"api-key\"",
                "server[0].access: access `api-key` needs a key (declare an [[api_key]])",
            ),
            ("access = [\"jwt\", \"mtls\"]", "access `mtls` needs client certificates"),
            ("allow_open = 1", "expected true or false, found an integer"),
        ],
    );
    let access = &good(&with_server("access = [\"jwt\", \"open\"]")).snapshot.servers["demo"].access;
    assert!(access.open && !access.oauth);
    let jwt = access.jwt.as_ref().expect("jwt is a way in");
    assert_eq!(jwt.audience, "http://127.0.0.1:8420/mcp/demo");
    assert_eq!(jwt.issuers.iter().map(|issuer| issuer.name.as_str()).collect::<Vec<_>>(), ["corp"]);
    let access = &good(&with_server("")).snapshot.servers["demo"].access;
    assert!(access.oauth && !access.open && access.jwt.is_none());
}

#[test]
fn what_has_no_effect_or_opens_a_door_is_warned_about() {
    assert_snapshot!(warnings(&with_server("access = \"open\"")), @"gateway.toml:15: server[0].access: nobody is asked who they are");
    assert_snapshot!(warnings(&with_server("access = \"oauth\"\nissuers = [\"corp\"]\naudience = \"x\"")), @r#"
    gateway.toml:16: server[0].issuers: has no effect without access "jwt"
    gateway.toml:17: server[0].audience: has no effect without access "jwt"
    "#);
    assert_snapshot!(warnings(&with_server("access = [\"jwt\", \"jwt\"]\nallow = {}")), @r#"
    gateway.toml:15: server[0].access[1]: `jwt` is listed twice
    gateway.toml:16: server[0].allow: names nobody, so nobody gets in (leave it out for everybody)
    "#);
    assert_eq!(warnings(&with_server("access = \"jwt\"")), "");
}

#[test]
fn open_is_for_loopback_unless_it_is_meant() {
    let listening = |address: &str, more: &str| {
        format!(
            "public_url = \"https://gw.example.com\"\n[listen]\naddress = \"{address}\"\n{}{}",
            upstream(),
            server("demo", &format!("access = \"open\"\n{more}"))
        )
    };
    for loopback in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(mistakes(&listening(loopback, "")), "", "{loopback}");
    }
    for everywhere in ["0.0.0.0:1", "[::]:1", "192.168.1.1:1"] {
        let found = mistakes(&listening(everywhere, ""));
        assert!(found.contains("server[0].access: `open` on a listener that is not loopback"), "{found}");
        assert!(mistakes(&listening(everywhere, "allow_open = false")).contains("allow_open = true"));
        assert!(warnings(&listening(everywhere, "allow_open = true")).contains("nobody is asked"));
    }
}

#[test]
fn the_address_that_callers_know_follows_a_loopback_listener_only() {
    let public = |text: &str| good(text).snapshot.origin();
    assert_eq!(public(""), "http://127.0.0.1:8420");
    assert_eq!(public("[listen]\naddress = \"[::1]:9\"\n"), "http://[::1]:9");
    assert_eq!(public("[listen]\naddress = \"127.0.0.1:80\"\n"), "http://127.0.0.1");
    assert_eq!(public("public_url = \"https://gw.example.com\""), "https://gw.example.com");
    assert_snapshot!(mistakes("[listen]\naddress = \"0.0.0.0:8420\"\n"), @r#"gateway.toml:2: public_url: must be given, because `listen.address` is not a loopback address (such as public_url = "https://gateway.example.com")"#);
    assert_snapshot!(warnings("public_url = \"http://gw.example.com\""), @"gateway.toml:1: public_url: tokens travel in clear: callers reach this address by http (use https outside a laboratory)");
}

#[test]
fn jwt_needs_issuers_that_exist() {
    assert_snapshot!(mistakes(&format!("{}{}", upstream(), server("demo", "access = \"jwt\""))), @"gateway.toml:11: server[0].access: access `jwt` needs an issuer (declare an [[issuer]])");
    refused(
        with_server,
        &[
            ("access = \"jwt\"\nissuers = [\"crop\"]", "there is no issuer `crop` (did you mean `corp`?)"),
            ("access = \"jwt\"\nissuers = []", "access `jwt` needs an issuer"),
            ("issuers = [\"crop\"]", "there is no issuer `crop`"),
            ("access = \"jwt\"\naudience = \"\"", "server[0].audience: expected a text that is not empty"),
        ],
    );
    let two = format!(
        "{}{}{}{}",
        upstream(),
        issuer("a", ""),
        issuer("b", ""),
        server("demo", "access = \"jwt\"\nissuers = [\"b\"]\naudience = \"api://demo\"")
    );
    let loaded = good(&two);
    let jwt = loaded.snapshot.servers["demo"].access.jwt.clone().expect("jwt is a way in");
    assert_eq!((jwt.audience.as_str(), jwt.issuers.len()), ("api://demo", 1));
    assert_eq!(jwt.issuers[0].issuer, "https://b.example.com");
}

#[test]
fn one_audience_never_opens_two_resources() {
    let two = |a: &str, b: &str| {
        let access = "access = \"jwt\"\n";
        format!(
            "{}{}{}{}{}",
            upstream(),
            issuer("x", ""),
            issuer("y", ""),
            server("a", &format!("{access}{a}")),
            server("b", &format!("{access}{b}"))
        )
    };
    for fine in [
        two("", ""),
        two("audience = \"one\"", "audience = \"two\""),
        two("audience = \"one\"\nissuers = [\"x\"]", "audience = \"one\"\nissuers = [\"y\"]"),
        two("audience = \"http://127.0.0.1:8420/mcp/a\"", ""),
    ] {
        assert_eq!(mistakes(&fine), "", "{fine}");
    }
    assert_snapshot!(mistakes(&two("audience = \"one\"", "audience = \"one\"\nissuers = [\"y\"]")), @"gateway.toml:29: server[1].audience: a token of the issuer `y` for this audience opens the virtual server `a` too (one audience never opens two resources)");
    assert_snapshot!(mistakes(&two("", "audience = \"http://127.0.0.1:8420/mcp/a\"")), @"gateway.toml:29: server[1].audience: this audience is the address of the virtual server `a` (one audience never opens two resources)");
    // Also when the other virtual server takes no such tokens, and whatever the issuers.
    let open = format!(
        "{}{}{}{}",
        upstream(),
        issuer("x", ""),
        server("a", "access = \"open\""),
        server("b", "access = \"jwt\"\naudience = \"http://127.0.0.1:8420/mcp/a\"")
    );
    assert!(mistakes(&open).contains("this audience is the address of the virtual server `a`"));
}

#[test]
fn those_who_may_stay_are_named() {
    let loaded = good(&with_server(
        "access = \"jwt\"\nallow = { groups = [\"eng\"], users = [\"alice\"], clients = [\"ci\"] }",
    ));
    let allow = loaded.snapshot.servers["demo"].access.allow.clone().expect("a list of callers");
    assert!(allow.groups.contains("eng") && allow.users.contains("alice") && allow.clients.contains("ci"));
    assert!(good(&with_server("")).snapshot.servers["demo"].access.allow.is_none());
    refused(
        with_server,
        &[
            ("allow = \"eng\"", "expected a table, found text"),
            ("allow = { group = [\"eng\"] }", "server[0].allow.group: unknown key (did you mean `groups`?)"),
            ("allow = { users = [\"\"] }", "server[0].allow.users[0]: expected a text that is not empty"),
            ("allow = { users = \"alice\" }", "expected a list of texts, found text"),
            ("access = \"open\"\nallow = { users = [\"a\"] }", "`open` asks nobody who they are"),
        ],
    );
}

#[test]
fn issuers_are_judged_character_for_character() {
    let more = |more: &str| issuer("corp", more);
    accepted(
        more,
        &[
            "jwks_uri = \"https://keys.example.com/jwks?v=1\"",
            "jwks_uri = \"http://127.0.0.1:1/jwks\"",
            "algorithms = [\"ES256\", \"EdDSA\"]",
            "required_scope = \"mcp:read\"",
        ],
    );
    refused(
        more,
        &[
            ("jwks_uri = \"http://keys.example.com\"", "issuer[0].jwks_uri: expected https"),
            ("jwks_uri = \"https://u@keys.example.com\"", "no user name or password"),
            ("algorithms = []", "with no algorithm no token is believed"),
            (
                "algorithms = [\"HS256\"]",
                "unknown algorithm `HS256` (only asymmetric signatures are believed)",
            ),
            ("algorithms = [\"none\"]", "only asymmetric"),
            ("algorithms = [\"ES265\"]", "did you mean `ES256`?"),
            ("required_scope = \"a b\"", "expected one scope"),
            ("required_scope = \"\"", "expected one scope"),
            ("audience = \"x\"", "issuer[0].audience: unknown key"),
        ],
    );
    let loaded = good(&issuer("corp", "algorithms = [\"ES256\"]\nrequired_scope = \"x\""));
    let corp = &loaded.snapshot.issuers["corp"];
    assert_eq!(corp.algorithms, [Algorithm::Es256]);
    assert_eq!(corp.required_scope.as_deref(), Some("x"));
    assert_eq!(good(&issuer("corp", "")).snapshot.issuers["corp"].algorithms, Algorithm::ALL);
    assert!(
        warnings(&issuer("corp", "algorithms = [\"ES256\", \"ES256\"]")).contains("`ES256` is listed twice")
    );
}

#[test]
fn issuers_have_one_entry_each() {
    let named = |name: &str, issuer: &str| format!("[[issuer]]\nname = \"{name}\"\nissuer = \"{issuer}\"\n");
    let two = |a: String, b: String| mistakes(&format!("{a}{b}"));
    assert_eq!(two(named("a", "https://i.example"), named("b", "https://i.example/")), "");
    assert_snapshot!(two(named("a", "https://i.example"), named("b", "https://i.example")), @"gateway.toml:6: issuer[1].issuer: is already declared by `issuer[0]`");
    assert_snapshot!(two(named("a", "https://i.example"), named("a", "https://j.example")), @"gateway.toml:5: issuer[1].name: the name `a` is already taken by `issuer[0]`");
    let text = |text: &str| named("a", text);
    accepted(text, &["https://i.example", "http://127.0.0.1:9000/realms/x", "http://localhost:1"]);
    refused(
        text,
        &[
            ("http://i.example", "issuer[0].issuer: expected https (http only on a loopback address)"),
            ("https://i.example?tenant=1", "no query"),
            ("https://i.example#x", "no fragment"),
            ("i.example", "expected a URL"),
        ],
    );
    refused(|_| "[[issuer]]\nname = \"a\"\n".into(), &[("", "issuer[0].issuer: is missing")]);
}
