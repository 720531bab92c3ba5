//! Virtual servers and upstreams: names, references, capabilities, credentials.

use std::time::Duration;

use doorward_model::{Credential, Transport};
use insta::assert_snapshot;

use crate::support::{World, accepted, good, mistakes, parse, refused, warnings};

fn upstream(more: &str) -> String {
    format!("[[upstream]]\nname = \"u\"\n{more}\n")
}

fn at(more: &str) -> String {
    upstream(&format!("url = \"http://127.0.0.1:3001/mcp\"\n{more}"))
}

fn server(more: &str) -> String {
    format!("{}[[server]]\nname = \"demo\"\nupstreams = [\"u\"]\naccess = \"oauth\"\n{more}\n", at(""))
}

#[test]
fn names_have_a_grammar_and_are_unique_in_their_kind() {
    let named = |name: &str| format!("[[upstream]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:1/\"\n");
    accepted(named, &["a", "0.a_b-c", &"x".repeat(63)]);
    refused(
        named,
        &[
            ("", "upstream[0].name: a name is 1 to 63 characters"),
            ("A B", "(such as \"a-b\")"),
            ("-a", "a name is 1 to 63 characters"),
            (&"x".repeat(64), "a name is 1 to 63 characters"),
            ("ä", "a name is 1 to 63 characters"),
        ],
    );
    refused(
        |_| format!("{}{}", named("a"), named("a")),
        &[("", "upstream[1].name: the name `a` is already taken by `upstream[0]`")],
    );
    // The same name in another kind is another thing.
    accepted(|_| server("").replace("\"demo\"", "\"u\""), &[""]);
    refused(
        |_| "[[upstream]]\nurl = \"http://127.0.0.1:1/\"\n".into(),
        &[("", "upstream[0].name: is missing")],
    );
}

#[test]
fn upstreams_are_called_by_http() {
    accepted(
        |url| upstream(&format!("url = \"{url}\"")),
        &["http://127.0.0.1:1/mcp", "https://a.example/mcp?x=1"],
    );
    refused(
        |url| upstream(&format!("url = \"{url}\"")),
        &[
            ("ws://a.example", "upstream[0].url: expected an http or https URL, found `ws:`"),
            ("a.example/mcp", "expected a URL"),
            ("https://user:secret-pw@a.example/", "a URL holds no user name or password"),
            ("https://a.example/#x", "no fragment"),
            ("http://169.254.169.254/", "a cloud metadata address is never a destination"),
            ("http://[fd00:ec2::254]/", "a cloud metadata address"),
            ("http://metadata.google.internal/", "a cloud metadata address"),
            ("http://100.100.100.200/", "a cloud metadata address"),
        ],
    );
    assert!(!mistakes(&upstream("url = \"https://user:secret-pw@a.example/\"")).contains("secret-pw"));
    refused(
        upstream,
        &[
            ("", "upstream[0].url: is missing (or `command`, for a server that is a program)"),
            ("url = 3", "expected text, found an integer"),
            ("url = \"http://127.0.0.1:1/\"\nenv = {}", "upstream[0].env: is for a `command`"),
            ("url = \"http://127.0.0.1:1/\"\ndirectory = \"/\"", "upstream[0].directory: is for a `command`"),
        ],
    );
}

#[test]
fn the_transport_of_a_url() {
    let transport = |word: &str| at(&format!("transport = {word}"));
    for (word, expected) in [("\"auto\"", "Auto("), ("\"http\"", "Http("), ("\"sse\"", "Sse(")] {
        let loaded = good(&transport(word));
        let found = format!("{:?}", loaded.snapshot.upstreams["u"].transport);
        assert!(found.starts_with(expected), "{word}: {found}");
    }
    assert!(matches!(good(&at("")).snapshot.upstreams["u"].transport, Transport::Auto(_)));
    refused(
        transport,
        &[
            ("\"htpp\"", "upstream[0].transport: unknown transport `htpp` (did you mean `http`?)"),
            ("\"stdio\"", "(known: auto, http, sse; for stdio write `command`)"),
            ("[]", "upstream[0].transport: expected text, found a list"),
        ],
    );
}

#[test]
fn time_outs_have_bounds() {
    let timeout = |value: &str| at(&format!("timeout = {value}"));
    accepted(timeout, &["\"100ms\"", "\"60s\"", "\"1h\""]);
    refused(
        timeout,
        &[
            ("60", "expected a text such as \"30s\", found an integer"),
            ("\"60\"", "expected a duration"),
            ("\"0s\"", "must be between 100ms and 1h"),
            ("\"2h\"", "must be between 100ms and 1h"),
        ],
    );
    assert_eq!(good(&at("")).snapshot.upstreams["u"].timeout, Duration::from_mins(1));
    assert_eq!(good(&timeout("\"2m\"")).snapshot.upstreams["u"].timeout, Duration::from_mins(2));
}

fn presented(credential: &str) -> (String, String) {
    let loaded = good(&at(&format!("credential = {credential}")));
    match &loaded.snapshot.upstreams["u"].credential {
        Credential::Header { name, value } => (name.clone(), value.expose().to_owned()),
        _ => panic!("not a header"),
    }
}

#[test]
fn credentials_are_headers_with_secret_values() {
    let expected = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let key = "value = { env = \"KEY\" }";
    assert_eq!(
        presented(&format!("{{ kind = \"header\", name = \"X-Api-Key\", {key} }}")),
        expected("x-api-key", "s3cr3t-value")
    );
    assert_eq!(
        presented(&format!("{{ kind = \"bearer\", {key} }}")),
        expected("authorization", "Bearer s3cr3t-value")
    );
    // The line end of the file is no part of the secret.
    let file = "{ kind = \"bearer\", value = { file = \"key.txt\" } }";
    assert_eq!(presented(file), expected("authorization", "Bearer s3cr3t-value"));
    assert!(matches!(good(&at("")).snapshot.upstreams["u"].credential, Credential::None));
}

#[test]
fn credentials_that_are_none() {
    refused(
        |credential| at(&format!("credential = {credential}")),
        &[
            ("\"x\"", "upstream[0].credential: expected a table, found text"),
            ("{}", "upstream[0].credential.kind: is missing"),
            ("{ kind = \"headr\" }", "unknown kind of credential `headr` (did you mean `header`?)"),
            ("{ kind = \"bearer\" }", "upstream[0].credential.value: is missing"),
            (
                "{ kind = \"bearer\", value = { env = \"KEY\" }, name = \"x\" }",
                "a credential of kind `bearer` has no such key",
            ),
            (
                "{ kind = \"bearer\", value = { env = \"KEY\" }, nmae = \"x\" }",
                "nmae: unknown key (did you mean `name`?)",
            ),
            ("{ kind = \"header\", value = { env = \"KEY\" } }", "upstream[0].credential.name: is missing"),
        ],
    );
    let header = |name: &str| {
        at(&format!("credential = {{ kind = \"header\", name = \"{name}\", value = {{ env = \"KEY\" }} }}"))
    };
    accepted(header, &["x-api-key", "Authorization", "Cookie", "X_Key"]);
    for own in [
        "Connection",
        "te",
        "Upgrade",
        "Transfer-Encoding",
        "Host",
        "Content-Length",
        "content-type",
        "Accept",
        "Mcp-Session-Id",
        "MCP-Protocol-Version",
    ] {
        refused(header, &[(own, "is Doorward's own to set")]);
    }
    refused(
        header,
        &[
            ("", "not the name of a header"),
            ("x y", "not the name of a header"),
            ("x:", "not the name of a header"),
        ],
    );
}

#[test]
fn secrets_are_references_that_lead_somewhere() {
    let secret = |value: &str| at(&format!("credential = {{ kind = \"bearer\", value = {value} }}"));
    refused(
        secret,
        &[
            (
                "\"hunter2\"",
                "a secret is never written in the file (write { env = \"NAME\" }, { file = \"path\" } or { stored = \"name\" })",
            ),
            ("42", "a secret is never written in the file"),
            ("{}", "expected exactly one of `env`, `file` and `stored`"),
            ("{ env = \"KEY\", file = \"key.txt\" }", "expected exactly one of `env`, `file` and `stored`"),
            ("{ evn = \"KEY\", file = \"key.txt\" }", "value.evn: unknown key (did you mean `env`?)"),
            ("{ env = 3 }", "expected text, found an integer"),
            ("{ env = \"NONE\" }", "the environment variable `NONE` is not set"),
            ("{ file = \"none.txt\" }", "the file `/etc/doorward/none.txt` cannot be read: there is none"),
        ],
    );
    assert!(!mistakes(&secret("\"hunter2\"")).contains("hunter2"));
    let world = |value: &str| World::default().variable("KEY", value).file("/etc/doorward/key.txt", value);
    for (value, expected) in [
        ("", "is empty"),
        ("two words", "a bearer token has no white space"),
        ("Bearer x", "the value is the token alone"),
        ("hunter2\r\nx-injected: 1", "cannot stand in a header"),
        ("hünter2", "cannot stand in a header"),
        ("hunter2 ", "cannot stand in a header"),
    ] {
        for reference in ["{ env = \"KEY\" }", "{ file = \"key.txt\" }"] {
            let found = world(value).parse(&secret(reference)).expect_err(value).to_string();
            assert!(found.contains(expected), "{value}: {found}");
            assert!(!found.contains("unter2"), "{found}");
        }
    }
}

#[test]
fn a_virtual_server_has_one_upstream_that_exists() {
    let upstreams = |value: &str| format!("{}[[server]]\nname = \"demo\"\n{value}\n", at(""));
    accepted(upstreams, &["upstreams = [\"u\"]"]);
    refused(
        upstreams,
        &[
            ("", "server[0].upstreams: is missing"),
            ("upstreams = []", "a virtual server needs an upstream"),
            ("upstreams = \"u\"", "expected a list of texts, found text"),
            (
                "upstreams = [\"u\", \"u\"]",
                "several upstreams in one virtual server: not supported in this version",
            ),
            ("upstreams = [\"v\"]", "server[0].upstreams[0]: there is no upstream `v` (did you mean `u`?)"),
        ],
    );
    // A declaration with a mistake of its own is no missing declaration.
    let broken = server("").replace("http://127.0.0.1:3001/mcp", "nowhere");
    assert_snapshot!(mistakes(&broken), @r#"gateway.toml:3: upstream[0].url: expected a URL (such as "https://tools.example.com/mcp")"#);
    let loaded = good(&server(""));
    assert_eq!(loaded.snapshot.servers["demo"].resource, "http://127.0.0.1:8420/mcp/demo");
    assert_eq!(loaded.snapshot.servers["demo"].upstream.name.as_str(), "u");
}

#[test]
fn each_kind_of_capability_is_curated_on_its_own() {
    let text =
        server("tools = [\"echo\", \"echo\"]\nprompts = []\nresource_templates = [\"file:///{path}\"]");
    let curation = &good(&text).snapshot.servers["demo"].curation;
    assert_eq!(curation.tools, Some(["echo".to_owned()].into()));
    assert_eq!(curation.prompts, Some([].into()));
    assert_eq!(curation.resources, None);
    assert_snapshot!(warnings(&text), @r#"
    gateway.toml:5: server[0].resources: shows all resources of its upstream, new ones too (list what is shown in `resources`)
    gateway.toml:9: server[0].tools[1]: `echo` is listed twice
    "#);
    refused(
        server,
        &[
            ("tools = [\"\"]", "server[0].tools[0]: a capability has a name"),
            ("prompts = [\"\"]", "server[0].prompts[0]: a capability has a name"),
            ("resources = [\"\"]", "server[0].resources[0]: a resource has a URI"),
            ("resource_templates = [\"\"]", "a resource template has a URI template"),
            ("resource_templates = [\"a://{b\"]", "not a URI template"),
            ("tools = \"echo\"", "expected a list of texts, found text"),
            ("tools = [1]", "server[0].tools[0]: expected text, found an integer"),
        ],
    );
    assert_snapshot!(warnings(&server("")), @r#"
    gateway.toml:5: server[0].tools: shows all tools and all prompts and all resources and all resource templates of its upstream, new ones too (list what is shown in `tools`, `prompts`, `resources`, `resource_templates`)
    "#);
}

#[test]
fn content_is_recorded_only_when_asked_for() {
    let payloads = |text: &str| good(text).snapshot.servers["demo"].payloads;
    assert!(!payloads(&server("")).arguments && !payloads(&server("")).results);
    let both = payloads(&server("record = [\"arguments\", \"results\"]"));
    assert!(both.arguments && both.results);
    refused(server, &[("record = [\"params\"]", "expected `arguments` or `results`, found `params`")]);
}

#[test]
fn what_nobody_uses_or_travels_in_clear_is_warned_about() {
    assert_snapshot!(warnings(&at("")), @"gateway.toml:1: upstream[0]: no virtual server shows this upstream");
    let clear = upstream(
        "url = \"http://tools.example/\"\ncredential = { kind = \"bearer\", value = { env = \"KEY\" } }",
    );
    assert!(warnings(&clear).contains("upstream[0].credential: travels in clear"));
}

#[test]
fn complaints_come_in_the_order_of_the_file() {
    let text = format!("[limits]\ndepth = 1\n{}[records]\nstdout = 1\n", at("timeout = 1"));
    let lines: Vec<_> =
        parse(&text).expect_err("mistakes").mistakes.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [2, 6, 8]);
}
