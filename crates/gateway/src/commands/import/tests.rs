//! Files of each client, hostile files, and what holds for any file.

use std::{io, path::Path};

use doorward_config::{Environment, Loaded, Overrides};
use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

const CLAUDE_DESKTOP: &str = include_str!("fixtures/claude_desktop_config.json");
const CLAUDE_CODE: &str = include_str!("fixtures/claude_code.mcp.json");
const CURSOR: &str = include_str!("fixtures/cursor.mcp.json");
const VS_CODE: &str = include_str!("fixtures/vscode.mcp.json");
const VS_CODE_SETTINGS: &str = include_str!("fixtures/vscode.settings.json");

fn imported(text: &str) -> Import {
    import(text.as_bytes(), "mcp.json", BTreeSet::new()).unwrap_or_else(|error| panic!("{error:#}\n{text}"))
}

/// The output as Doorward reads it when exactly the named variables are set.
fn loaded(import: &Import) -> Result<Loaded, String> {
    let environment = Environment {
        base_dir: Path::new("/srv"),
        var: &|name| import.variables.iter().any(|(set, _)| set == name).then(|| format!("value-of-{name}")),
        names: &Vec::new,
        read: &|_| Err(io::ErrorKind::NotFound.into()),
        stored: doorward_config::StoredSecrets::Unknown,
        real: &|path| Ok(path.to_owned()),
        overrides: Overrides::default(),
    };
    let found = doorward_config::parse(&import.toml, "out.toml", &environment);
    found.map_err(|mistakes| format!("{mistakes}\n---\n{}", import.toml))
}

/// Everything that is printed.
fn all(import: &Import) -> String {
    format!("{}\n---\n{}", import.toml.trim_end(), import.aside().join("\n"))
}

/// The output reads back with the upstreams that it claims, and nothing of the fixture's secrets is anywhere.
fn checked(text: &str) -> String {
    let import = imported(text);
    let loaded = loaded(&import).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut claimed = import.upstreams.clone();
    claimed.sort();
    let names = |names: Vec<&doorward_model::Name>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(loaded.snapshot.upstreams.keys().collect()), claimed);
    assert_eq!(names(loaded.snapshot.servers.keys().collect()), claimed);
    let all = all(&import);
    assert!(!all.contains("canary") && !import.to_json().to_string().contains("canary"), "{all}");
    all
}

#[test]
fn claude_desktop() {
    assert_snapshot!(checked(CLAUDE_DESKTOP));
}

#[test]
fn claude_code() {
    assert_snapshot!(checked(CLAUDE_CODE));
}

#[test]
fn cursor() {
    assert_snapshot!(checked(CURSOR));
}

#[test]
fn vs_code() {
    assert_snapshot!(checked(VS_CODE));
}

#[test]
fn vs_code_settings() {
    assert_snapshot!(checked(VS_CODE_SETTINGS));
}

/// The notes and variables of a file with these servers.
fn aside(servers: &str) -> String {
    let import = imported(&format!("{{\"mcpServers\": {{{servers}}}}}"));
    loaded(&import).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    import.aside().join("\n")
}

#[test]
fn what_is_no_file_of_servers_is_refused_with_its_place() {
    let refused = |text: &[u8]| format!("{:#}", import(text, "x", BTreeSet::new()).err().expect("refused"));
    for (text, expected) in [
        ("", "line 1: empty, where JSON was expected"),
        ("[]", "expected an object"),
        ("{}", "it has neither `mcpServers` nor `servers`"),
        ("{\"mcpServers\": []}", "`mcpServers` is not an object"),
        ("{\n\"mcpServers\": {\n\"a\": }\n}", "line 3: not valid JSON"),
        ("{\"mcpServers\": {\"a\": {},\n\"a\": {}}}", "line 2: duplicate member name"),
        (
            "{\"mcpServers\": {\"a\": {\"url\": \"canary\",\n\"url\": \"x\"}}}",
            "line 2: duplicate member name",
        ),
        ("{\"mcpServers\": {}} x", "data after the JSON value"),
    ] {
        let found = refused(text.as_bytes());
        assert!(found.contains(expected) && !found.contains("canary"), "{text}: {found}");
    }
    assert!(refused(b"{\"mcpServers\": \"\xff\"}").contains("not valid UTF-8"));
    assert!(refused("{\"x\":".repeat(100).as_bytes()).contains("nested deeper"));
    assert!(imported("{\"mcpServers\": {}}").upstreams.is_empty());
}

#[test]
fn files_have_a_largest_size() {
    let most = usize::try_from(FILE_MAX).expect("fits");
    assert_eq!(bounded(&vec![b' '; most][..]).expect("at the bound").len(), most);
    let refused = bounded(&vec![b' '; most + 1][..]).expect_err("too large").to_string();
    assert!(refused.contains("larger than 1 MiB"), "{refused}");
}

#[test]
fn servers_that_make_no_sense_are_comments_that_say_why() {
    for (server, why) in [
        ("3", "it is not an object"),
        ("{}", "it has neither `command` nor `url`"),
        ("{\"type\": \"http\"}", "it has neither `command` nor `url`"),
        ("{\"type\": \"http\", \"command\": \"sh\"}", "its `type` does not fit the rest"),
        ("{\"type\": \"stdio\", \"url\": \"https://a.example\"}", "its `type` does not fit the rest"),
        ("{\"type\": \"ws\", \"url\": \"https://a.example\"}", "its `type` is none of"),
        (
            "{\"type\": \"http\", \"transport\": \"stdio\", \"command\": \"sh\"}",
            "both `type` and `transport`",
        ),
        ("{\"url\": \"https://a.example\", \"command\": \"sh\"}", "it has several of `command`, `url`"),
        ("{\"url\": \"https://a.example\", \"serverUrl\": \"https://b.example\"}", "it has several of"),
        ("{\"command\": [\"sh\"]}", "its `command` is not text"),
        ("{\"command\": \"sh\", \"args\": \"-c\"}", "its `args` is not a list"),
        ("{\"command\": \"sh\", \"args\": [1]}", "its `args` holds something that is not text"),
        ("{\"command\": \"sh\", \"env\": []}", "its `env` is not an object"),
        ("{\"command\": \"sh\", \"env\": {\"A\": {}}}", "its `env` holds something that is not text"),
        ("{\"command\": \"\"}", "command[0]: expected a text that is not empty"),
        ("{\"command\": \"sh\", \"args\": [\"\"]}", "command[1]: expected a text that is not empty"),
        ("{\"command\": \"s\\u0000h\"}", "command[0]: expected a text that is not empty"),
        ("{\"command\": \"sh\", \"cwd\": \"\"}", "directory: expected a text that is not empty"),
        ("{\"url\": \"a.example\"}", "its address is not a URL"),
        ("{\"url\": \"ws://a.example/x\"}", "url: expected an http or https URL"),
        (
            "{\"url\": \"http://169.254.169.254/latest\"}",
            "url: a cloud metadata address is never a destination",
        ),
    ] {
        let text = format!("{{\"mcpServers\": {{\"bad\": {server}, \"good\": {{\"command\": \"run\"}}}}}}");
        let import = imported(&text);
        assert_eq!(import.upstreams, ["good"], "{server}");
        assert!(
            import.toml.contains("# \"bad\": ") && import.toml.contains(why),
            "{server}: {}",
            import.toml
        );
        assert!(import.aside().iter().any(|line| line.contains(why)), "{server}");
        loaded(&import).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    }
}

#[test]
fn nothing_turns_an_address_into_a_command() {
    for member in ["Command", "COMMAND", "cmd", "transport_type", "run", "args"] {
        let import = imported(&format!(
            "{{\"mcpServers\": {{\"a\": {{\"url\": \"https://a.example/mcp\", \"{member}\": [\"evil\"]}}}}}}"
        ));
        assert_eq!(import.upstreams, ["a"]);
        assert!(!import.toml.contains("evil") && !import.toml.contains("command ="), "{}", import.toml);
    }
}

#[test]
fn names_that_are_taken_are_numbered_and_said() {
    let text = "{\"mcpServers\": {\"A b\": {\"command\": \"x\"}, \"a-b\": {\"command\": \"y\"}, \"c\": {\"command\": \"z\"}}}";
    let import = import(text.as_bytes(), "x", BTreeSet::from(["c".to_owned()])).expect("imported");
    assert_eq!(import.upstreams, ["a-b", "a-b-2", "c-2"]);
    assert_eq!(
        import.notes,
        ["\"A b\" is called `a-b` here", "\"a-b\" is called `a-b-2` here", "\"c\" is called `c-2` here"]
    );
}

#[test]
fn one_variable_for_one_secret() {
    let same = "\"command\": \"x\", \"env\": {\"API_KEY\": \"canary-one\"}";
    let other = "\"command\": \"x\", \"env\": {\"API_KEY\": \"canary-two\", \"X\": \"${API_KEY_2}\"}";
    assert_snapshot!(aside(&format!("\"a\": {{{same}}}, \"b\": {{{same}}}, \"c\": {{{other}}}")), @r#"
    set API_KEY: the value in the file; for env.API_KEY of "a", env.API_KEY of "b"
    set API_KEY_3: the value in the file; for env.API_KEY of "c"
    set API_KEY_2: the file refers to it by this name; for env.X of "c"
    "#);
}

#[test]
fn headers_become_the_one_credential() {
    let headers = |headers: &str| {
        aside(&format!("\"s\": {{\"url\": \"https://a.example\", \"headers\": {{{headers}}}}}"))
    };
    assert_snapshot!(headers("\"X-Org\": \"acme\""), @r#"set S_X_ORG: the value in the file; for the header "X-Org" of "s""#);
    assert_snapshot!(headers("\"X-Org\": \"acme\", \"authorization\": \"bearer canary\", \"Api-Key\": \"canary\""), @r#"
    set S_TOKEN: the token in the file, without `Bearer`; for the header "authorization" of "s"
    note: "s": the header "X-Org" is left out: an upstream gets one
    note: "s": the header "Api-Key" is left out: an upstream gets one
    "#);
    assert_snapshot!(headers("\"Authorization\": \"Basic Y2FuYXJ5\", \"Accept\": \"text/html\""), @r#"
    set S_AUTHORIZATION: the value in the file; for the header "Authorization" of "s"
    note: "s": the header "Accept" is left out: the header `accept` is Doorward's own to set
    "#);
    assert_snapshot!(headers("\"Authorization\": \"${AUTH}\", \"bad name\": \"x\""), @r#"
    set AUTH: the file refers to it by this name; for the header "Authorization" of "s"
    note: "s": the header "bad name" is left out: not the name of a header (such as "x-api-key")
    "#);
    assert_snapshot!(headers("\"Authorization\": \"Bearer pre-${A}-${input:b}\""), @r#"set S_TOKEN: the token in the file, without `Bearer`, with ${A}, ${input:b} filled in; for the header "Authorization" of "s""#);
}

#[test]
fn the_json_form_has_the_same() {
    let import = imported(VS_CODE);
    let json = import.to_json();
    assert_eq!(json["toml"], import.toml.as_str());
    assert_eq!(json["upstreams"], serde_json::json!(["github", "perplexity", "fetch"]));
    assert_eq!(json["variables"][0]["name"], "GITHUB_TOKEN");
    assert_eq!(json["notes"].as_array().map(Vec::len), Some(import.notes.len()));
}

#[test]
fn nothing_of_the_file_reaches_a_terminal_or_a_line_of_toml_unescaped() {
    let evil = "a\\u001b]0;x\\u0007\\n[[upstream]]\\ncommand=[\\\"evil\\\"]\\u202e\\r\\u0085\\u2028";
    let import = imported(&format!(
        "{{\"{evil}\": 1, \"mcpServers\": {{\"{evil}\": {{\"command\": \"{evil}\", \"args\": [\"{evil}\"], \"{evil}\": 1,\
         \"env\": {{\"{evil}\": \"x\", \"OK\": \"{evil}\", \"KEY\": \"${{input:{evil}}}\"}}}},\
         \"held{evil}\": {{\"command\": \"{evil}${{x}}\", \"args\": [\"{evil}${{{evil}}}\"]}},\
         \"h\": {{\"url\": \"https://a.example\", \"headers\": {{\"{evil}\": \"{evil}\", \"X\": \"{evil}\"}}}}}}}}"
    ));
    let loaded = loaded(&import).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(loaded.snapshot.upstreams.len(), import.upstreams.len());
    let all = all(&import);
    let is_harmful = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{2028}');
    assert!(!all.contains(is_harmful), "{all:?}");
}

/// A name of anything: names are shown, so there is no secret in them.
fn any_name() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| text.replace("canary", "c"))
}

/// A text that may be anything, with what import looks for more often than chance.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[\u{0}-\u{7f}]{0,8}",
        "[A-Za-z_]{1,8}",
        prop::sample::select(vec![
            "${A}",
            "${env:B_C}",
            "${input:id}",
            "${workspaceFolder}/x",
            "$TOKEN",
            "${A:-canary}",
            "Bearer canary-token",
            "https://u:canary@a.example/x?token=canary",
            "https://a.example/mcp",
            "postgres://u:canary@h/d",
            "DOORWARD_LISTEN_ADDRESS",
            "API_KEY",
            "Authorization",
            "LD_PRELOAD",
            "PATH",
            "x-api-key",
            "http://[::1]:1/sse",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_server() -> impl Strategy<Value = serde_json::Value> {
    let pairs = || prop::collection::btree_map(any_name(), any_text(), 0..4);
    let command = (any_text(), prop::collection::vec(any_text(), 0..4), pairs(), any_text(), any::<bool>()).prop_map(
        |(command, args, env, cwd, disabled)| {
            serde_json::json!({ "command": command, "args": args, "env": env, "cwd": cwd, "disabled": disabled })
        },
    );
    let url = (any_text(), pairs(), prop::sample::select(vec!["http", "sse", "streamable-http"]))
        .prop_map(|(url, headers, kind)| serde_json::json!({ "type": kind, "url": url, "headers": headers }));
    prop_oneof![command, url]
}

proptest! {
    #[test]
    fn what_comes_out_is_a_configuration(servers in prop::collection::btree_map(any_name(), any_server(), 0..5)) {
        let text = serde_json::json!({ "mcpServers": servers }).to_string();
        let import = imported(&text);
        let loaded = loaded(&import).map_err(TestCaseError::fail)?;
        let claimed: BTreeSet<_> = import.upstreams.iter().cloned().collect();
        let found: BTreeSet<_> = loaded.snapshot.upstreams.keys().map(ToString::to_string).collect();
        prop_assert_eq!(claimed, found);
        prop_assert!(!all(&import).contains("canary"), "{}", all(&import));
    }

    #[test]
    fn a_secret_of_any_form_is_nowhere_in_the_output(secret in "[a-zA-Z0-9+/_.~-]{6,40}", server in 0..5_usize) {
        // Not by chance a word of the output.
        let secret = format!("zq{secret}qz");
        let server = match server {
            0 => serde_json::json!({ "command": "x", "env": { "MY_SECRET": secret } }),
            1 => serde_json::json!({ "command": "x", "args": ["--api-key", secret] }),
            2 => serde_json::json!({ "url": "https://a.example", "headers": { "Authorization": format!("Bearer {secret}") } }),
            3 => serde_json::json!({ "url": "https://a.example", "headers": { "X-Org": secret } }),
            _ => serde_json::json!({ "url": format!("https://a.example/?token={secret}") }),
        };
        let import = imported(&serde_json::json!({ "mcpServers": { "s": server } }).to_string());
        prop_assert!(!all(&import).contains(&secret), "{}", all(&import));
    }

    #[test]
    fn any_bytes_are_imported_or_refused(text in "[\\PC\n\"{}:,/*]{0,80}") {
        let _ = import(text.as_bytes(), &text, BTreeSet::new());
    }
}
