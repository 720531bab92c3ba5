//! Upstreams that are child processes: what they are started with, and that only the file can say so.

use std::path::{Path, PathBuf};

use doorward_model::{Command, Sandbox, Transport};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::support::{World, accepted, good, mistakes, refused};

fn child(more: &str) -> String {
    format!("[[upstream]]\nname = \"u\"\ncommand = [\"npx\", \"-y\"]\n{more}\n")
}

fn command_of(text: &str) -> Command {
    match &good(text).snapshot.upstreams["u"].transport {
        Transport::Stdio(command) => command.clone(),
        other => panic!("{other:?}"),
    }
}

fn variables(command: &Command) -> Vec<(&str, &str)> {
    command.env.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

#[test]
fn a_command_with_all_that_belongs_to_it() {
    let command = command_of(&child(
        "env = { ROOT = \"/srv files\", EMPTY = \"\", A_KEY = { env = \"KEY\" }, B_KEY = { file = \"key.txt\" } }\n\
         directory = \"work\"\ntimeout = \"5s\"",
    ));
    assert_eq!(command.argv, ["npx", "-y"]);
    assert_eq!(
        variables(&command),
        [("A_KEY", "s3cr3t-value"), ("B_KEY", "s3cr3t-value"), ("EMPTY", ""), ("ROOT", "/srv files")]
    );
    assert_eq!(command.directory.as_deref(), Some(Path::new("/etc/doorward/work")));
    let bare = command_of(&child(""));
    assert!(bare.env.is_empty() && bare.directory.is_none());
    assert_eq!(command_of(&child("directory = \"/srv\"")).directory.as_deref(), Some(Path::new("/srv")));
}

#[test]
fn a_sandbox_is_what_is_written_and_holds_the_network_back() {
    let sandbox = |text: &str| command_of(&child(text)).sandbox;
    assert_eq!(sandbox(""), None);
    let program = Some(PathBuf::from("/usr/bin/npx"));
    assert_eq!(sandbox("sandbox = {}"), Some(Sandbox { program: program.clone(), ..Sandbox::default() }));
    let full = sandbox("sandbox = { read = [\"data\", \"/srv\"], write = [\"/var/u\"], network = true }");
    let path = |path: &str| PathBuf::from(path);
    assert_eq!(
        full,
        Some(Sandbox {
            read: vec![path("/etc/doorward/data"), path("/srv")],
            write: vec![path("/var/u")],
            program,
            network: true
        })
    );
    let linked = sandbox("sandbox = { read = [\"link\"] }").expect("a sandbox");
    assert_eq!(linked.read, [path("/var/lib")], "links are followed now, not when the child starts");
    let warned =
        |text: &str| good(&child(text)).warnings.iter().any(|w| w.key == "upstream[0].sandbox.network");
    assert!(warned("sandbox = { network = true }"));
    assert!(!warned("sandbox = { network = false }") && !warned("sandbox = {}"));
    let misplaced = mistakes("[[upstream]]\nname = \"u\"\nurl = \"https://a.example/\"\nsandbox = {}\n");
    assert!(misplaced.contains("upstream[0].sandbox: is for a `command`"), "{misplaced}");
}

#[test]
fn no_sandbox_leaves_a_secret_of_doorwards_within_reach() {
    let files = "[store]\nurl = \"sqlite:///var/lib/doorward.db\"\n[keys]\nmaster = { file = \"/srv/keys/master\" }\n\
                 [listen]\ntls = { certificate = \"/srv/tls/c.pem\", key = \"/srv/tls/k.pem\" }\n";
    let with = |sandbox: &str, env: &str| {
        mistakes(&format!("{files}{}", child(&format!("sandbox = {{ {sandbox} }}\n{env}"))))
    };
    for allowed in [
        "read = [\"/var/lib\"]",
        "read = [\"/var/lib/doorward.db\"]",
        "read = [\"link\"]",
        "write = [\"/var\"]",
    ] {
        let found = with(allowed, "");
        assert!(
            found.contains("`/var/lib/doorward.db`, which holds a secret of Doorward's"),
            "{allowed}: {found}"
        );
    }
    assert!(with("read = [\"/srv/keys\"]", "").contains("the command could read `/srv/keys/master`"));
    assert!(with("read = [\"/srv/tls\"]", "").contains("the command could read `/srv/tls/k.pem`"));
    let everything = with("write = [\"/\"]", "");
    for said in
        ["could write `/var/lib/doorward.db`", "could write `/srv/keys/master`", "could write this file"]
    {
        assert!(everything.contains(said), "{said}: {everything}");
    }
    let secret = with("read = [\"/etc/doorward\"]", "env = { A_KEY = { file = \"key.txt\" } }");
    assert!(secret.contains("the command could read `/etc/doorward/key.txt`"), "{secret}");
    assert_eq!(
        with("read = [\"/etc/doorward\", \"/srv/data\", \"/var/library\"], write = [\"/srv/out\"]", ""),
        ""
    );
    let usual = files.replace("/srv/keys/master", "/usr/local/etc/doorward.key");
    let found = mistakes(&format!("{usual}{}", child("sandbox = {}")));
    assert!(found.contains("the command could read `/usr/local/etc/doorward.key`"), "{found}");
}

#[test]
fn what_sqlite_keeps_beside_the_store_is_as_secret() {
    for ending in ["-wal", "-shm", "-journal"] {
        let path = format!("/var/lib/doorward.db{ending}");
        let store = "[store]\nurl = \"sqlite:///var/lib/doorward.db\"\n";
        let found = mistakes(&format!("{store}{}", child(&format!("sandbox = {{ read = [\"{path}\"] }}"))));
        assert!(found.contains(&format!("could read `{path}`, which holds a secret")), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn what_decides_what_is_run_or_trusted_may_be_read_and_not_written() {
    let files = "[listen]\ntls = { certificate = \"/srv/c.pem\", key = \"/srv/k.pem\", client_ca = \"/srv/ca.pem\" }\n\
                 [network]\nca = \"/var/roots/link/roots.pem\"\n";
    let with = |sandbox: &str| mistakes(&format!("{files}{}", child(&format!("sandbox = {{ {sandbox} }}"))));
    for (written, decisive) in [
        ("/srv/c.pem", "/srv/c.pem"),
        ("/srv/ca.pem", "/srv/ca.pem"),
        ("/var/roots", "/var/roots/link/roots.pem"),
        ("/var/roots/link", "/var/roots/link/roots.pem"),
        ("/opt/doorward", "/opt/doorward/bin/doorward"),
        ("/opt/doorward/bin/doorward", "/opt/doorward/bin/doorward"),
    ] {
        let found = with(&format!("write = [\"{written}\"]"));
        let expected = format!("could write `{decisive}`, which decides what is run or trusted");
        assert!(found.contains(&expected) && found.lines().count() == 1, "{written}: {found}");
        assert_eq!(with(&format!("read = [\"{written}\"]")), "");
    }
}

#[test]
fn what_a_child_could_replace_is_not_allowed_to_any() {
    let upstream = |name: &str, command: &str, more: &str| {
        format!("[[upstream]]\nname = \"{name}\"\ncommand = [\"{command}\"]\n{more}\n")
    };
    let with = |first: &str, second: &str| {
        mistakes(&format!(
            "{}{}",
            upstream("u", "npx", &format!("sandbox = {{ {first} }}")),
            upstream("v", "npx", &format!("sandbox = {{ {second} }}"))
        ))
    };
    let outer = "write = [\"/srv/a\"]";
    for (first, second, key) in [
        ("read = [\"/srv/a/ro\"], write = [\"/srv/a\"]", "", "upstream[0].sandbox.read[0]"),
        (outer, "read = [\"/srv\", \"/srv/a/x/ro\"]", "upstream[1].sandbox.read[1]"),
        ("read = [\"/srv/a/x/ro\"]", outer, "upstream[0].sandbox.read[0]"),
        (outer, "write = [\"/srv/a/b\"]", "upstream[1].sandbox.write[0]"),
        // It has been replaced already, and the file is read again.
        (outer, "read = [\"/srv/a/swapped\"]", "upstream[1].sandbox.read[0]"),
    ] {
        let found = with(first, second);
        assert!(found.contains(&format!("{key}: the command of `")), "{first} {second}: {found}");
        assert!(found.contains("which lies in its `/srv/a`") && found.lines().count() == 1, "{found}");
    }
    assert_eq!(with(outer, "read = [\"/srv/a\", \"/srv\", \"/srv/ab\"], write = [\"/srv/a\"]"), "");

    // Programs, with a sandbox of their own or without.
    let sandbox = "sandbox = { write = [\"/srv/a\", \"/srv/run\"] }";
    for program in ["/srv/a/bin/run", "/srv/a/swapped", "/srv/run"] {
        for more in ["", "sandbox = {}"] {
            let found =
                mistakes(&format!("{}{}", upstream("u", "npx", sandbox), upstream("v", program, more)));
            let expected =
                format!("upstream[1].command: the command of `u` could replace `{program}`, which lies in");
            assert!(found.contains(&expected) && found.lines().count() == 1, "{found}");
        }
    }
    let own_path = upstream("v", "run", "env = { PATH = \"/srv/a/bin:/bin\" }");
    let found = mistakes(&format!("{}{own_path}", upstream("u", "npx", sandbox)));
    assert!(found.contains("could replace `/srv/a/bin/run`"), "{found}");
}

#[test]
fn a_program_with_a_sandbox_has_to_be_there() {
    refused(
        |command| format!("[[upstream]]\nname = \"u\"\ncommand = [\"{command}\"]\nsandbox = {{}}\n"),
        &[(
            "/etc/doorward/missing",
            "upstream[0].command: there is no such program (with a `sandbox` it has to be there",
        )],
    );
    let bare = World::default().parse(&child("sandbox = {}")).expect_err("no PATH").to_string();
    assert!(bare.contains("upstream[0].command: there is no such program"), "{bare}");
    assert_eq!(mistakes("[[upstream]]\nname = \"u\"\ncommand = [\"/etc/doorward/missing\"]\n"), "");
}

#[test]
fn a_program_with_a_slash_is_relative_to_the_file_and_arguments_are_left_alone() {
    let argv = |command: &str| command_of(&format!("[[upstream]]\nname = \"u\"\ncommand = {command}\n")).argv;
    assert_eq!(
        argv("[\"bin/run\", \"./data\", \"$HOME; rm -rf\"]"),
        ["/etc/doorward/bin/run", "./data", "$HOME; rm -rf"]
    );
    assert_eq!(argv("[\"/usr/bin/run\"]"), ["/usr/bin/run"]);
    assert_eq!(argv("[\"run\"]"), ["run"]);
}

#[test]
fn commands_that_are_none() {
    refused(
        |command| format!("[[upstream]]\nname = \"u\"\ncommand = {command}\n"),
        &[
            ("[]", "upstream[0].command: a command needs a program (such as command = [\"npx\""),
            ("\"npx -y\"", "upstream[0].command: expected a list of texts, found text"),
            ("[\"\"]", "upstream[0].command[0]: expected a text that is not empty, without NUL"),
            ("[\"a\", 1]", "upstream[0].command[1]: expected text, found an integer"),
            (
                "[\"a\", \"b\\u0000c\"]",
                "upstream[0].command[1]: expected a text that is not empty, without NUL",
            ),
        ],
    );
    refused(
        child,
        &[
            ("url = \"http://127.0.0.1:1/\"", "upstream[0].url: expected exactly one of `url` and `command`"),
            (
                "transport = \"http\"",
                "upstream[0].transport: a `command` is always reached over its standard",
            ),
            (
                "credential = { kind = \"bearer\", value = { env = \"KEY\" } }",
                "upstream[0].credential: is for a `url` (give a `command` its secrets by `env`)",
            ),
            ("sandbox = true", "upstream[0].sandbox: expected a table, found"),
            ("sandbox = { wirte = [] }", "upstream[0].sandbox.wirte: unknown key (did you mean `write`?)"),
            (
                "sandbox = { read = \"/srv\" }",
                "upstream[0].sandbox.read: expected a list of texts, found text",
            ),
            ("sandbox = { network = 1 }", "upstream[0].sandbox.network: expected true or false"),
            (
                "sandbox = { read = [\"missing\"] }",
                "upstream[0].sandbox.read[0]: `/etc/doorward/missing` cannot be allowed: entity not found",
            ),
            (
                "sandbox = { write = [\"a\", \"\"] }",
                "upstream[0].sandbox.write[1]: expected a text that is not empty, without NUL",
            ),
            ("directory = \"\"", "upstream[0].directory: expected a text that is not empty"),
            ("directory = \"a\\u0000\"", "upstream[0].directory: expected a text that is not empty"),
            ("directory = 1", "upstream[0].directory: expected text, found an integer"),
            ("env = [\"A=b\"]", "upstream[0].env: expected a table, found a list"),
        ],
    );
}

#[test]
fn variables_that_a_child_is_not_given() {
    let env = |pairs: &str| child(&format!("env = {{ {pairs} }}"));
    for name in [
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "DYLD_INSERT_LIBRARIES",
        "NODE_OPTIONS",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PERL5OPT",
        "RUBYOPT",
        "BASH_ENV",
        "ENV",
        "IFS",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
        "Node_Options",
        "npm_config_node_options",
        "BASH_FUNC_x",
        "GIT_SSH_COMMAND",
        "DOTNET_STARTUP_HOOKS",
    ] {
        for value in ["\"x\"", "{ env = \"KEY\" }"] {
            let found = mistakes(&env(&format!("{name} = {value}")));
            let expected =
                format!("upstream[0].env.{name}: this variable decides which code a program loads or runs");
            assert!(found.contains(&expected) && found.lines().count() == 1, "{name}: {found}");
        }
    }
    refused(
        env,
        &[
            ("\"\" = \"x\"", "not the name of a variable (letters, digits and `_`, not a digit first)"),
            ("1A = \"x\"", "upstream[0].env.1A: not the name of a variable"),
            ("\"A=B\" = \"x\"", "not the name of a variable"),
            ("\"Ä\" = \"x\"", "not the name of a variable"),
            ("\"a-b\" = { env = \"KEY\" }", "not the name of a variable"),
            ("A = 1", "upstream[0].env.A: expected text, found an integer"),
            ("A = { env = \"NONE\" }", "upstream[0].env.A: the environment variable `NONE` is not set"),
            ("A = { env = \"KEY\", file = \"x\" }", "expected exactly one of `env` and `file`"),
            ("A = \"a\\u0000b\"", "upstream[0].env.A: a variable cannot hold NUL"),
        ],
    );
    accepted(env, &["_ = \"x\"", "a1 = \"x\"", "PATH = \"/opt/bin\"", "NODE_EXTRA_CA_CERTS = \"/x.pem\""]);
    let bad = mistakes(&env("\"\\u001b[31m\" = 1, B = { env = \"NONE\" }"));
    assert!(!bad.contains('\u{1b}') && bad.lines().count() == 2, "{bad}");
}

#[test]
fn secrets_of_a_child_are_references() {
    let env = |pairs: &str| child(&format!("env = {{ {pairs} }}"));
    refused(
        env,
        &[
            (
                "API_KEY = \"hunter2\"",
                "upstream[0].env.API_KEY: its name says that it is a secret, and a secret is never written in the \
                 file (write { env = \"NAME\" } or { file = \"path\" })",
            ),
            ("GITHUB_TOKEN = \"\"", "its name says that it is a secret"),
            ("db_password = \"hunter2\"", "its name says that it is a secret"),
            ("URL = \"postgres://u:hunter2@db/x\"", "upstream[0].env.URL: it looks like a secret"),
            ("HEADER = \"Authorization: Bearer hunter2hunter2\"", "it looks like a secret"),
        ],
    );
    for pairs in ["API_KEY = \"hunter2\"", "URL = \"postgres://u:hunter2@db/x\"", "TOKEN = [\"hunter2\"]"] {
        assert!(!mistakes(&env(pairs)).contains("hunter2"), "{pairs}");
    }
    accepted(env, &["TOKEN_FILE = \"/run/token\"", "MAX_TOKENS = \"4096\"", "URL = \"https://a.example/\""]);
    assert!(!format!("{:?}", command_of(&env("KEY = { env = \"KEY\" }"))).contains("s3cr3t"));
}

#[test]
fn no_variable_of_doorward_can_bring_or_change_a_command() {
    let file = child("env = { A = \"b\" }\ndirectory = \"d\"");
    let plain = format!("{:?}", good(&file).snapshot);
    let mut world = World::usual();
    for key in ["", "_COMMAND", "_ENV", "_ENV_A", "_DIRECTORY", "_URL", "_COMMAND_FILE"] {
        for section in ["UPSTREAM", "UPSTREAMS", "UPSTREAM_0", "UPSTREAM_U"] {
            world = world.variable(&format!("DOORWARD_{section}{key}"), "sh,-c,evil");
        }
    }
    let loaded = world.parse(&file).expect("only warnings");
    assert_eq!(format!("{:?}", loaded.snapshot), plain);
    assert!(world.parse("").expect("only warnings").snapshot.upstreams.is_empty());
    let ignored =
        loaded.warnings.iter().filter(|warning| warning.message == "this variable stands for no key");
    assert_eq!(ignored.count(), 28);
}

#[test]
fn everything_that_is_wrong_with_a_command_in_one_run() {
    let text = "[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:1/\"\ncommand = [\"\"]\n\
                env = { LD_PRELOAD = \"x\", KEY = \"hunter2\" }\ndirectory = \"\"\nsandbox = []\ntransport = \"sse\"\n";
    assert_snapshot!(mistakes(text), @r#"
    gateway.toml:3: upstream[0].url: expected exactly one of `url` and `command`
    gateway.toml:4: upstream[0].command[0]: expected a text that is not empty, without NUL
    gateway.toml:5: upstream[0].env.LD_PRELOAD: this variable decides which code a program loads or runs (if that is meant, set it in a script and make that the `command`)
    gateway.toml:5: upstream[0].env.KEY: its name says that it is a secret, and a secret is never written in the file (write { env = "NAME" } or { file = "path" })
    gateway.toml:6: upstream[0].directory: expected a text that is not empty, without NUL
    gateway.toml:7: upstream[0].sandbox: expected a table, found a list
    gateway.toml:8: upstream[0].transport: a `command` is always reached over its standard input and output
    "#);
}

proptest! {
    #[test]
    fn what_a_child_gets_is_what_the_file_says(
        argv in prop::collection::vec("[^\u{0}/]{1,12}", 1..5),
        name in "[A-Z][A-Z0-9_]{0,6}", value in "[^\u{0}]{0,12}",
    ) {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let list = argv.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", ");
        let text = format!("[[upstream]]\nname = \"u\"\ncommand = [{list}]\nenv = {{ {name} = {} }}\n", quote(&value));
        match World::usual().parse(&text) {
            Ok(loaded) => {
                let Transport::Stdio(command) = &loaded.snapshot.upstreams["u"].transport else {
                    return Err(TestCaseError::fail("no child"));
                };
                prop_assert_eq!(&command.argv, &argv);
                prop_assert_eq!(variables(command), [(name.as_str(), value.as_str())]);
            }
            Err(mistakes) => prop_assert!(mistakes.to_string().contains("upstream[0].env."), "{}", mistakes),
        }
    }
}
