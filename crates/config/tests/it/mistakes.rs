//! One run reports everything, each with its line and key.

use insta::assert_snapshot;
use proptest::prelude::*;

use crate::support::{World, mistakes, parse};

const MANY: &str = r#"public_url = "https://gw.example.com/mcp"
listn = 3

[listen]
adress = "127.0.0.1:1"
address = "localhost:8420"
tls = { certificate = "c.pem", keys = "k.pem", client_ca = "" }

[store]
url = "mysql://db/x"

[keys]
master = "0123456789abcdef-inline-secret"

[[upstream]]
name = "Every Thing"
url = "http://user:pw-of-user@127.0.0.1:3001/mcp"
credential = { kind = "header", name = "Mcp-Session-Id", value = "inline-secret" }

[[upstream]]
name = "files"
command = ["npx", ""]

[[upstream]]
name = "cloud"
url = "http://169.254.169.254/latest"
timeout = 60
credential = { kind = "oauth", client_secret = { env = "KEY" } }

[[server]]
name = "demo"
upstreams = ["clowd"]
access = ["jwt", "api-key", "opne"]
tools = ["echo", ""]
record = ["argument"]
rate = { limit = 0, per = "minuet", by = "color" }

[[server]]
name = "demo"
upstreams = ["cloud", "files"]
resource_templates = ["file:///{path"]
issuers = ["corp"]

[[agent]]
name = "helper"
colour = "red"
card = "nowhere"
access = ["mtls", "api-key"]
bindings = ["grpc", "grcp", "grpc"]
credential = { kind = "token-exchange", name = "x" }
signature = { mode = "required" }

[[api_key]]
name = "ci"
value = "inline-secret"

[tokens]
access_ttl = "1y"

[network]
allow_private = ["10.0.0.1/8"]

[limits]
depth = 100000
request_body = "4MB"

[records]
durability = "eventual"
stdout = "yes"
"#;

#[test]
fn all_mistakes_of_all_sections_in_one_run() {
    for secret in ["inline-secret", "pw-of-user"] {
        assert!(!mistakes(MANY).contains(secret), "{secret} is shown");
    }
    assert_snapshot!(mistakes(MANY), @r#"
    gateway.toml:1: public_url: expected exactly scheme://host[:port], nothing more (write "https://gw.example.com")
    gateway.toml:2: listn: unknown key (did you mean `listen`?)
    gateway.toml:5: listen.adress: unknown key (did you mean `address`?)
    gateway.toml:6: listen.address: expected an IP address and a port ("127.0.0.1:8420")
    gateway.toml:7: listen.tls.key: is missing
    gateway.toml:7: listen.tls.keys: unknown key (did you mean `key`?)
    gateway.toml:7: listen.tls.client_ca: expected a path
    gateway.toml:10: store.url: expected `sqlite:PATH` or `postgres://…`
    gateway.toml:13: keys.master: a secret is never written in the file (write { env = "NAME" } or { file = "path" })
    gateway.toml:16: upstream[0].name: a name is 1 to 63 characters of a-z, 0-9, `.`, `_`, `-` and starts with a letter or digit (such as "every-thing")
    gateway.toml:17: upstream[0].url: a URL holds no user name or password (use `credential`)
    gateway.toml:18: upstream[0].credential.name: the header `mcp-session-id` is Doorward's own to set
    gateway.toml:18: upstream[0].credential.value: a secret is never written in the file (write { env = "NAME" }, { file = "path" } or { stored = "name" })
    gateway.toml:22: upstream[1].command[1]: expected a text that is not empty, without NUL
    gateway.toml:26: upstream[2].url: a cloud metadata address is never a destination
    gateway.toml:27: upstream[2].timeout: expected a text such as "30s", found an integer
    gateway.toml:28: upstream[2].credential.client_secret: is the secret of no client: `client_id` is missing
    gateway.toml:32: server[0].upstreams[0]: there is no upstream `clowd` (did you mean `cloud`?)
    gateway.toml:33: server[0].access: access `jwt` needs an issuer (declare an [[issuer]])
    gateway.toml:33: server[0].access[2]: unknown access `opne` (did you mean `open`?)
    gateway.toml:34: server[0].tools[1]: a capability has a name
    gateway.toml:35: server[0].record[0]: expected `arguments` or `results`, found `argument` (did you mean `arguments`?)
    gateway.toml:36: server[0].rate.limit: must be between 1 and 1000000
    gateway.toml:36: server[0].rate.per: unknown period `minuet` (did you mean `minute`?)
    gateway.toml:36: server[0].rate.by: unknown way to count `color` (known: caller, subject, client, all)
    gateway.toml:39: server[1].name: the name `demo` is already taken by `server[0]`
    gateway.toml:40: server[1].upstreams: several upstreams in one virtual server: not supported in this version
    gateway.toml:41: server[1].resource_templates[0]: not a URI template: its braces do not match, or hold nothing (such as "file:///{path}")
    gateway.toml:42: server[1].issuers[0]: there is no issuer `corp` (no [[issuer]] is declared)
    gateway.toml:46: agent[0].colour: unknown key (known here: name, card, access, allow_open, issuers, audience, api_keys, allow, rate, bindings, versions, host, skills, credential, assertion, signature, timeout, push, quotas, delegation_depth)
    gateway.toml:47: agent[0].card: expected a URL (such as "https://agent.example.com/.well-known/agent-card.json")
    gateway.toml:49: agent[0].bindings[1]: unknown binding `grcp` (did you mean `grpc`?)
    gateway.toml:49: agent[0].bindings[2]: `grpc` is listed twice
    gateway.toml:50: agent[0].credential.token_endpoint: is missing
    gateway.toml:50: agent[0].credential.client_id: is missing
    gateway.toml:50: agent[0].credential.name: a credential of kind `token-exchange` has no such key
    gateway.toml:51: agent[0].signature.keys: without keys no signature is good (such as keys = ["https://agent.example.com/jwks.json"])
    gateway.toml:55: api_key[0].value: a secret is never written in the file (write { env = "NAME" } or { file = "path" })
    gateway.toml:58: tokens.access_ttl: expected a duration: a whole number of ms, s, m, h or d (such as "30s")
    gateway.toml:61: network.allow_private[0]: this address is inside a network, not the network's own (the network is "10.0.0.0/8")
    gateway.toml:64: limits.depth: must be between 8 and 128
    gateway.toml:65: limits.request_body: expected a size: a whole number of B, KiB, MiB or GiB (such as "4MiB")
    gateway.toml:68: records.durability: expected `grouped` or `strict`, found `eventual`
    gateway.toml:69: records.stdout: expected true or false, found text
    "#);
}

#[test]
fn lines_columns_and_keys_are_data_too() {
    let mistakes = parse("[listen]\naddress = \"x\"\n").expect_err("a bad address").mistakes;
    let [mistake] = mistakes.as_slice() else { panic!("{mistakes:?}") };
    assert_eq!((mistake.line, mistake.column, mistake.key.as_str()), (2, 11, "listen.address"));
}

#[test]
fn what_is_not_toml_is_reported_with_its_lines_and_without_its_text() {
    assert_snapshot!(mistakes("[listen]\naddress = \n\n[keys]\nmaster = \"hunter2\n\n[nope\n"), @r#"
    gateway.toml:2: string values must be quoted, expected literal string
    gateway.toml:5: invalid basic string, expected `"`
    gateway.toml:7: unclosed table, expected `]` (the rest is checked once the file is TOML)
    "#);
}

#[test]
fn a_key_that_is_given_twice_hides_no_other_mistake() {
    assert_snapshot!(mistakes("[records]\nstdout = true\nstdout = false\n[limits]\ndepth = 1\n"), @r#"
    gateway.toml:3: this key is given twice
    gateway.toml:5: limits.depth: must be between 8 and 128
    "#);
}

#[test]
fn sections_of_the_wrong_shape() {
    assert_snapshot!(mistakes("listen = 3\n[server]\nname = \"x\"\n[[store]]\nurl = \"x\"\n"), @r#"
    gateway.toml:1: listen: expected a table, found an integer
    gateway.toml:2: server: expected a list of tables: write [[server]]
    gateway.toml:4: store: expected a table, found a list
    "#);
}

#[test]
fn nothing_of_the_file_reaches_a_terminal_unescaped() {
    let found =
        mistakes("\"\\u001b[31mred\" = 1\n[[server]]\nname = \"a\"\nupstreams = [\"\\u001b]0;x\\u0007\"]\n");
    assert!(!found.contains('\u{1b}') && found.contains("\\u{1b}"), "{found}");
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,6}",
        prop::sample::select(vec![
            "listen",
            "address",
            "server",
            "upstream",
            "upstreams",
            "name",
            "url",
            "credential",
            "kind",
            "access",
            "issuer",
            "allow",
            "tools",
            "limits",
            "depth",
            "store",
            "keys",
            "master",
            "env",
            "file",
            "public_url",
        ])
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "\"[ -!#-\\[\\]-~]{0,12}\"",
        "-?[0-9]{1,20}",
        Just("true".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("0xFFFFFFFFFFFFFFFFFF".to_owned()),
        Just("nan".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::btree_map(word(), inner, 0..4).prop_map(|table| {
                let pairs: Vec<_> = table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", pairs.join(", "))
            }),
        ]
    })
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (word(), value()).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => word().prop_map(|name| format!("[{name}]")),
        1 => word().prop_map(|name| format!("[[{name}]]")),
        1 => "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_places(text in "[\\PC\n\r\t\u{0}]{0,200}") {
        check(&text)?;
    }

    #[test]
    fn any_toml_is_read_or_refused_with_places(lines in prop::collection::vec(line(), 0..24)) {
        check(&lines.join("\n"))?;
    }

    #[test]
    fn a_broken_good_file_is_read_or_refused_with_places(cut in 0..MANY.len(), junk in "\\PC{0,3}") {
        let mut text = MANY.to_owned();
        text.insert_str(cut, &junk);
        check(&text)?;
    }
}

/// No panic, no silent refusal, and every mistake inside the file.
fn check(text: &str) -> Result<(), TestCaseError> {
    if let Err(refused) = World::usual().parse(text) {
        prop_assert!(!refused.mistakes.is_empty());
        for mistake in &refused.mistakes {
            prop_assert!((1..=text.lines().count() + 1).contains(&mistake.line), "{mistake:?}");
        }
    }
    Ok(())
}
