//! `[[agent]]`: what is published of A2A agents, and to whom.

use std::time::Duration;

use doorward_model::{Binding, CardKeys, Credential, Quotas, SignatureMode};
use insta::assert_snapshot;

use crate::support::{World, accepted, good, mistakes, refused, warnings};

const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}"#;

fn named(name: &str, more: &str) -> String {
    format!(
        "[[agent]]\nname = \"{name}\"\ncard = \"http://127.0.0.1:9999/.well-known/agent-card.json\"\n{more}\n"
    )
}

fn agent(more: &str) -> String {
    named("helper", &format!("skills = []\n{more}"))
}

fn issuer() -> &'static str {
    "[[issuer]]\nname = \"corp\"\nissuer = \"https://idp.example.com\"\n"
}

fn server(name: &str, more: &str) -> String {
    format!(
        "[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:1/\"\n[[server]]\nname = \"{name}\"\nupstreams = [\"u\"]\n{more}\n"
    )
}

#[test]
fn an_agent_with_nothing_but_its_card() {
    let loaded = good(&named("helper", ""));
    let agent = &loaded.snapshot.agents["helper"];
    assert_eq!(agent.resource, "http://127.0.0.1:8420/a2a/helper");
    assert_eq!(agent.card.as_str(), "http://127.0.0.1:9999/.well-known/agent-card.json");
    assert_eq!(agent.timeout, Duration::from_mins(10));
    assert!(matches!(agent.credential, Credential::None) && !agent.assertion);
    assert!(agent.access.oauth && !agent.access.open && agent.access.jwt.is_none());
    assert_eq!(agent.bindings, [Binding::JsonRpc, Binding::HttpJson]);
    assert_eq!((agent.host.as_deref(), agent.skills.as_ref()), (None, None));
    assert_eq!((agent.signature.mode, agent.signature.keys.len()), (SignatureMode::Off, 0));
    assert!(agent.push && agent.rate.is_none());
    assert_eq!((agent.quotas, agent.delegation_depth), (Quotas::default(), 5));
    assert_snapshot!(warnings(&named("helper", "")), @"gateway.toml:1: agent[0].skills: shows all skills of the approved card (list what is shown in `skills`)");
}

#[test]
fn an_agent_with_everything() {
    let text = agent(
        "timeout = \"1h\"\nassertion = true\nbindings = [\"grpc\", \"jsonrpc\"]\nhost = \"Helper.example.com\"\npush = false\n\
         quotas = { tasks = 7, streams = 8 }\ndelegation_depth = 0\n\
         signature = { mode = \"required\", keys = [\"https://a.example/jwks.json\", { file = \"card.jwks\" }] }",
    );
    let loaded = World::usual().file("/etc/doorward/card.jwks", KEYS).parse(&text).expect("a good file");
    let agent = &loaded.snapshot.agents["helper"];
    assert_eq!((agent.timeout, agent.assertion, agent.push), (Duration::from_hours(1), true, false));
    assert_eq!(agent.bindings, [Binding::Grpc, Binding::JsonRpc]);
    assert_eq!(agent.host.as_deref(), Some("helper.example.com"));
    assert_eq!(agent.skills.as_ref().map(std::collections::BTreeSet::len), Some(0));
    assert_eq!((agent.quotas.tasks, agent.quotas.input_required, agent.quotas.streams), (7, 100, 8));
    assert_eq!((agent.delegation_depth, agent.signature.mode), (0, SignatureMode::Required));
    let [CardKeys::At(url), CardKeys::Text(text)] = agent.signature.keys.as_slice() else {
        panic!("two sets of keys")
    };
    assert_eq!((url.as_str(), text.as_str()), ("https://a.example/jwks.json", KEYS));
}

#[test]
fn what_an_agent_cannot_be() {
    refused(|_| "[[agent]]\nname = \"a\"\nskills = []\n".into(), &[("", "agent[0].card: is missing")]);
    refused(
        |_| format!("{}{}", agent(""), agent("")),
        &[("", "the name `helper` is already taken by `agent[0]`")],
    );
    refused(
        agent,
        &[
            ("bindings = []", "agent[0].bindings: without a binding nobody can call the agent"),
            ("bindings = [\"http-json\"]", "unknown binding `http-json` (did you mean `http+json`?)"),
            ("bindings = [\"soap\"]", "(known: jsonrpc, http+json, grpc)"),
            ("bindings = [\"grpc\", \"grpc\"]", "agent[0].bindings[1]: `grpc` is listed twice"),
            ("bindings = \"grpc\"", "expected a list of texts, found text"),
            ("timeout = \"25h\"", "must be between 100ms and 1d"),
            ("assertion = \"yes\"", "expected true or false, found text"),
            ("push = 1", "expected true or false, found an integer"),
            ("delegation_depth = 101", "must be between 0 and 100"),
            ("quotas = { tasks = 0 }", "agent[0].quotas.tasks: must be between 1 and 1000000"),
            ("quotas = { task = 1 }", "agent[0].quotas.task: unknown key (did you mean `tasks`?)"),
            ("quotas = 3", "agent[0].quotas: expected a table, found an integer"),
            ("upstreams = []", "agent[0].upstreams: unknown key"),
        ],
    );
    refused(
        |skills| named("a", &format!("skills = {skills}")),
        &[("[\"\"]", "a skill has an id"), ("\"x\"", "a list of texts")],
    );
    refused(
        |url| format!("[[agent]]\nname = \"a\"\ncard = \"{url}\"\nskills = []\n"),
        &[
            ("a.example/card", "agent[0].card: expected a URL"),
            ("https://u@a.example/", "no user name or password"),
            ("http://169.254.169.254/", "a cloud metadata address is never a destination"),
        ],
    );
}

#[test]
fn a_host_has_one_card_and_is_not_doorwards_own() {
    let host = |host: &str| {
        format!("public_url = \"https://gw.example.com\"\n{}", agent(&format!("host = \"{host}\"")))
    };
    accepted(host, &["agent.example.com", "localhost", "other.gw.example.com"]);
    refused(
        host,
        &[
            ("gw.example.com", "agent[0].host: is the host of `public_url`"),
            ("GW.example.com", "agent[0].host: is the host of `public_url`"),
            ("https://a.example.com", "expected the name of a host (without scheme, port and path"),
            ("a.example.com:443", "expected the name of a host"),
            ("a.example.com/x", "expected the name of a host"),
            ("*.example.com", "expected the name of a host"),
            ("", "expected the name of a host"),
        ],
    );
    let two = format!("{}{}", named("a", "host = \"x.example\""), named("b", "host = \"X.example\""));
    assert_snapshot!(mistakes(&two), @"gateway.toml:8: agent[1].host: is already the host of `agent[0]`");
}

#[test]
fn signatures_are_judged_by_keys_that_are_pinned() {
    let world = || {
        World::usual()
            .file("/etc/doorward/good", KEYS)
            .file("/etc/doorward/empty", "{\"keys\":[]}")
            .file("/etc/doorward/other", "not a set")
    };
    let found = |signature: &str| {
        let text = agent(&format!("signature = {signature}"));
        world().parse(&text).err().map(|mistakes| mistakes.to_string()).unwrap_or_default()
    };
    for fine in [
        "{}",
        "{ mode = \"off\" }",
        "{ mode = \"if-present\", keys = [\"http://127.0.0.1:1/jwks\"] }",
        "{ mode = \"required\", keys = [{ file = \"good\" }] }",
    ] {
        assert_eq!(found(fine), "", "{fine}");
    }
    for (bad, expected) in [
        ("\"required\"", "agent[0].signature: expected a table"),
        ("{ mode = \"require\" }", "unknown mode `require` (did you mean `required`?)"),
        ("{ mode = \"required\" }", "agent[0].signature.keys: without keys no signature is good"),
        (
            "{ mode = \"if-present\", keys = [] }",
            "agent[0].signature.keys: without keys no signature is good",
        ),
        (
            "{ mode = \"required\", keys = \"https://a.example/\" }",
            "expected a list of texts and tables, found text",
        ),
        ("{ mode = \"required\", keys = [\"http://a.example/\"] }", "signature.keys[0]: expected https"),
        (
            "{ mode = \"required\", keys = [3] }",
            "signature.keys[0]: expected text or a table, found an integer",
        ),
        (
            "{ mode = \"required\", keys = [{ fiel = \"good\" , file = \"good\" }] }",
            "unknown key (did you mean `file`?)",
        ),
        (
            "{ mode = \"required\", keys = [{ file = \"none\" }] }",
            "the file `/etc/doorward/none` cannot be read",
        ),
        (
            "{ mode = \"required\", keys = [{ file = \"empty\" }] }",
            "the set holds no key that can verify a signature",
        ),
        ("{ mode = \"required\", keys = [{ file = \"other\" }] }", "this is not a JWK Set"),
    ] {
        let found = found(bad);
        assert!(
            found.contains(expected) && found.lines().count() == 1,
            "{bad}\nexpected: {expected}\nfound: {found}"
        );
    }
    let unused = agent("signature = { keys = [\"https://a.example/jwks\"] }");
    assert!(warnings(&unused).contains("signature.keys: has no effect with mode \"off\""));
}

#[test]
fn access_is_the_same_for_agents() {
    let with_issuer = |more: &str| format!("{}{}", issuer(), agent(more));
    let loaded = good(&with_issuer(
        "access = [\"jwt\", \"oauth\"]\nissuers = [\"corp\"]\nallow = { groups = [\"eng\"] }",
    ));
    let access = &loaded.snapshot.agents["helper"].access;
    assert_eq!(access.jwt.as_ref().expect("jwt is a way in").audience, "http://127.0.0.1:8420/a2a/helper");
    assert!(access.oauth && access.allow.as_ref().expect("a list").groups.contains("eng"));
    refused(
        with_issuer,
        &[
            ("access = \"opne\"", "unknown access `opne` (did you mean `open`?)"),
            ("access = \"jwt\"\nissuers = [\"crop\"]", "agent[0].issuers[0]: there is no issuer `crop`"),
            ("allow = { user = [\"a\"] }", "agent[0].allow.user: unknown key (did you mean `users`?)"),
            ("access = \"open\"\nallow = { users = [\"a\"] }", "`open` asks nobody who they are"),
        ],
    );
    assert!(mistakes(&agent("access = \"jwt\"")).contains("access `jwt` needs an issuer"));
    assert!(warnings(&agent("access = \"open\"")).contains("agent[0].access: nobody is asked who they are"));
    let everywhere = |more: &str| {
        format!(
            "public_url = \"https://gw.example.com\"\n[listen]\naddress = \"0.0.0.0:1\"\n{}",
            agent(&format!("access = \"open\"\n{more}"))
        )
    };
    assert!(mistakes(&everywhere("")).contains("`open` on a listener that is not loopback"));
    assert_eq!(mistakes(&everywhere("allow_open = true")), "");
}

#[test]
fn one_audience_never_opens_two_resources_of_any_kind() {
    let two = |server_more: &str, agent_more: &str| {
        let jwt = "access = \"jwt\"\n";
        format!(
            "{}{}{}",
            issuer(),
            server("demo", &format!("{jwt}{server_more}")),
            agent(&format!("{jwt}{agent_more}"))
        )
    };
    accepted(|name| two("", "").replace("helper", name), &["helper", "demo"]);
    assert_snapshot!(mistakes(&two("audience = \"one\"", "audience = \"one\"")), @"gateway.toml:17: agent[0].audience: a token of the issuer `corp` for this audience opens the virtual server `demo` too (one audience never opens two resources)");
    assert_snapshot!(mistakes(&two("", "audience = \"http://127.0.0.1:8420/mcp/demo\"")), @"gateway.toml:17: agent[0].audience: this audience is the address of the virtual server `demo` (one audience never opens two resources)");
    assert_snapshot!(mistakes(&two("audience = \"http://127.0.0.1:8420/a2a/helper\"", "")), @"gateway.toml:11: server[0].audience: this audience is the address of the agent `helper` (one audience never opens two resources)");
}
