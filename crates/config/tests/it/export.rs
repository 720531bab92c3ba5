//! The document back, without secrets, to the same snapshot.

use std::fmt::Write as _;

use doorward_config::{Loaded, export};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::support::{World, good};

const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

const FULL: &str = r#"
[[server]]
name = "demo"
upstreams = ["u"]
access = ["jwt", "open"]
tools = ["echo", "say \"hi\"\n"]
resource_templates = ["file:///{path}"]
record = ["results"]

[limits]
depth = 0x10
request_body = "1MiB"

[[issuer]]
name = "corp"
issuer = "https://idp.example.com"

[tokens]
client_documents = ["client.example.com"]
registration = false
refresh_idle = "1d"

[[api_key]]
name = "ci"
value = { env = "KEY" }
groups = ["eng"]

[[agent]]
name = "helper"
access = ["api-key", "jwt"]
bindings = ["grpc"]
card = "https://agents.example.com/card"
[agent.rate]
by = "all"
limit = 60
[agent.signature]
keys = ["https://agents.example.com/jwks", { file = "card.jwks" }]
mode = "required"
[agent.credential]
kind = "token-exchange"
client_id = "doorward"
token_endpoint = "https://as.example.com/token"
client_secret = { env = "KEY" }

[[sign_in]]
name = "corp"
issuer = "https://idp.example.com"
client_id = "doorward"
client_secret = { env = "KEY" }
[sign_in.allow]
subjects = ["00u1"]
domains = ["example.com"]

[[sign_in]]
name = "other"
issuer = "https://other.example.com"
client_id = "doorward"
scopes = ["openid", "roles"]
allow = "anyone"

[[upstream]]
name = "u"
url = "https://tools.example.com/mcp"
[upstream.credential]
kind = "header"
name = "X-Key"
value = { env = "KEY" }

[[upstream]]
name = "files"
command = ["./run.sh", "-y", "say \"hi\""]
env = { ROOT = "/srv files", A_KEY = { env = "KEY" }, B_KEY = { file = "key.txt" } }
directory = "work"

[listen]
allowed_origins = ["https://app.example.com"]

[store]
url = "postgres://u:hunter2@db/x?password=hunter3&sslmode=require"

[keys]
master = { file = "master.key" }
"#;

#[test]
fn the_whole_configuration_without_secrets() {
    let world = World::usual().file("/etc/doorward/card.jwks", KEYS);
    let full = world.parse(FULL).expect("a good file");
    let exported = export(&full);
    assert_snapshot!(exported, @r#"
    [listen]
    allowed_origins = ["https://app.example.com"]

    [store]
    url = "postgres://u@db/x?sslmode=require"

    [keys]
    master = { file = "master.key" }

    [[upstream]]
    name = "u"
    url = "https://tools.example.com/mcp"
    credential = { kind = "header", name = "X-Key", value = { env = "KEY" } }

    [[upstream]]
    name = "files"
    command = ["./run.sh", "-y", 'say "hi"']
    env = { A_KEY = { env = "KEY" }, B_KEY = { file = "key.txt" }, ROOT = "/srv files" }
    directory = "work"

    [[server]]
    name = "demo"
    upstreams = ["u"]
    access = ["jwt", "open"]
    tools = ["echo", """
    say "hi"
    """]
    resource_templates = ["file:///{path}"]
    record = ["results"]

    [[agent]]
    name = "helper"
    card = "https://agents.example.com/card"
    access = ["api-key", "jwt"]
    rate = { by = "all", limit = 60 }
    bindings = ["grpc"]
    credential = { client_id = "doorward", client_secret = { env = "KEY" }, kind = "token-exchange", token_endpoint = "https://as.example.com/token" }
    signature = { keys = ["https://agents.example.com/jwks", { file = "card.jwks" }], mode = "required" }

    [[issuer]]
    name = "corp"
    issuer = "https://idp.example.com"

    [[api_key]]
    name = "ci"
    value = { env = "KEY" }
    groups = ["eng"]

    [[sign_in]]
    name = "corp"
    issuer = "https://idp.example.com"
    client_id = "doorward"
    client_secret = { env = "KEY" }
    allow = { domains = ["example.com"], subjects = ["00u1"] }

    [[sign_in]]
    name = "other"
    issuer = "https://other.example.com"
    client_id = "doorward"
    allow = "anyone"
    scopes = ["openid", "roles"]

    [tokens]
    refresh_idle = "1d"
    registration = false
    client_documents = ["client.example.com"]

    [limits]
    request_body = "1MiB"
    depth = 16
    "#);
    assert!(!exported.contains("s3cr3t") && !exported.contains("hunter"));
    same(&full, &world.parse(&exported).expect("a good file")).expect("the same configuration");
}

#[test]
fn overrides_are_exported_as_what_they_mean() {
    let mut world = World::default()
        .variable("DOORWARD_STORE_URL", "postgres://u:hunter2@db/x")
        .variable("DOORWARD_LIMITS_DEPTH", "16");
    world.overrides.listen = Some("127.0.0.1:7".into());
    let exported = export(&world.parse("").expect("good overrides"));
    assert_snapshot!(exported, @r#"
    [listen]
    address = "127.0.0.1:7"

    [store]
    url = { env = "DOORWARD_STORE_URL" }

    [limits]
    depth = 16
    "#);
}

/// `Debug` shows every field but secrets, and a document without passwords keeps its references.
fn same(a: &Loaded, b: &Loaded) -> Result<(), TestCaseError> {
    prop_assert_eq!(format!("{:?}", a.snapshot), format!("{:?}", b.snapshot));
    prop_assert_eq!(format!("{:?}", a.settings), format!("{:?}", b.settings));
    Ok(())
}

fn texts() -> impl Strategy<Value = String> {
    let text = "[^\u{0}]{1,8}".prop_map(|text| toml_text(&text));
    prop::collection::vec(text, 0..4).prop_map(|items| format!("[{}]", items.join(", ")))
}

fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

prop_compose! {
    fn file()(
        names in prop::collection::btree_set("[a-z0-9][a-z0-9._-]{0,8}", 1..4),
        tools in texts(), users in texts(), audience in "\\PC{1,8}",
        depth in 8..=128, body in 1024..=(1 << 30), timeout in 1..3600,
        access in prop::sample::select(vec!["\"oauth\"", "[\"jwt\"]", "[\"jwt\", \"oauth\"]"]),
        bindings in prop::sample::select(vec!["[\"grpc\"]", "[\"http+json\", \"grpc\", \"jsonrpc\"]"]),
        stdout: bool, transport in prop::sample::select(vec!["auto", "http", "sse"]),
        argv in prop::collection::vec("[^\u{0}]{1,8}", 1..4), value in "[^\u{0}]{0,8}", url in "https://[a-z]{1,8}\\.example/[a-z?=&%/]{0,8}",
    ) -> String {
        let mut out = format!(
            "[limits]\ndepth = {depth}\nrequest_body = {body}\n[records]\nstdout = {stdout}\n\
             [[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\n"
        );
        let argv = argv.iter().map(|text| toml_text(text)).collect::<Vec<_>>().join(", ");
        let value = toml_text(&value);
        write!(
            out,
            "[[upstream]]\nname = \"0-child\"\ncommand = [{argv}]\ndirectory = \"d\"\n\
             env = {{ X = {value}, KEY = {{ env = \"KEY\" }} }}\n"
        )
        .expect("text takes all");
        for (index, name) in names.iter().enumerate() {
            let audience = toml_text(&format!("{audience}{index}"));
            write!(
                out,
                "[[upstream]]\nname = \"{name}\"\nurl = \"{url}\"\ntransport = \"{transport}\"\ntimeout = \"{timeout}s\"\n\
                 credential = {{ kind = \"bearer\", value = {{ env = \"KEY\" }} }}\n\
                 [[server]]\nname = \"{name}\"\nupstreams = [\"{name}\"]\naccess = {access}\n\
                 tools = {tools}\naudience = {audience}\nallow = {{ users = {users} }}\n\
                 rate = {{ limit = {timeout}, per = \"{timeout}s\", burst = {depth} }}\n\
                 [[agent]]\nname = \"{name}\"\ncard = \"{url}\"\naccess = {access}\nskills = {tools}\nallow = {{ users = {users} }}\n\
                 bindings = {bindings}\nassertion = {stdout}\nquotas = {{ streams = {depth} }}\n"
            )
            .expect("text takes all");
        }
        out
    }
}

proptest! {
    #[test]
    fn an_export_reads_back_to_the_same(text in file()) {
        let loaded = good(&text);
        let exported = export(&loaded);
        let again = good(&exported);
        same(&loaded, &again)?;
        prop_assert_eq!(export(&again), exported);
    }
}
