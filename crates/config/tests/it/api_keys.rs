//! `[[api_key]]`, and the ways in `api-key` and `mtls`.

use insta::assert_snapshot;

use crate::support::{World, accepted, good, mistakes, refused, warnings};

const LONG: &str = "0123456789abcdef0123456789abcdef";

fn world() -> World {
    World::usual()
        .variable("CI_KEY", LONG)
        .variable("OTHER_KEY", "fedcba9876543210fedcba9876543210")
        .file("/etc/doorward/ci.txt", &format!("{LONG}\n"))
}

fn key(name: &str, value: &str, more: &str) -> String {
    format!("[[api_key]]\nname = \"{name}\"\nvalue = {value}\n{more}\n")
}

fn agent(name: &str, more: &str) -> String {
    format!("[[agent]]\nname = \"{name}\"\ncard = \"http://127.0.0.1:1/\"\nskills = []\n{more}\n")
}

fn with_keys(more: &str) -> String {
    let keys = key("ci", "{ env = \"CI_KEY\" }", "groups = [\"eng\"]");
    format!("{keys}{}{}", key("cd", "{ env = \"OTHER_KEY\" }", ""), agent("helper", more))
}

#[test]
fn keys_are_kept_as_digests() {
    let loaded = world().parse(&with_keys("access = \"api-key\"")).expect("a good file");
    let keys = loaded.snapshot.agents["helper"].access.api_keys.clone().expect("keys are a way in");
    let names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["ci", "cd"]);
    assert_eq!(keys[0].hash, "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9".to_owned());
    assert_eq!((&keys[0].groups[..], keys[1].groups.len()), (&["eng".to_owned()][..], 0));
    assert!(!format!("{loaded:?}").contains(LONG));
    assert!(!doorward_config::export(&loaded).contains(LONG));
}

#[test]
fn keys_open_what_takes_them() {
    let taken = |more: &str| {
        let loaded = world().parse(&with_keys(more)).expect(more);
        let access = loaded.snapshot.agents["helper"].access.clone();
        access.api_keys.map(|keys| keys.iter().map(|key| key.name.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(taken("access = \"oauth\""), None);
    assert_eq!(taken("access = [\"oauth\", \"api-key\"]").map(|keys| keys.len()), Some(2));
    assert_eq!(taken("access = \"api-key\"\napi_keys = [\"cd\"]"), Some(vec!["cd".to_owned()]));
    let warned = |more: &str| {
        let loaded = world().parse(&with_keys(more)).expect(more);
        loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(warned("access = \"api-key\""), "");
    assert_snapshot!(warned("access = \"api-key\"\napi_keys = [\"cd\", \"cd\"]"), @r#"
    gateway.toml:1: api_key[0]: opens nothing: no access "api-key" takes this key
    gateway.toml:14: agent[0].api_keys[1]: `cd` is listed twice
    "#);
    assert_snapshot!(warned("api_keys = [\"cd\"]"), @r#"
    gateway.toml:1: api_key[0]: opens nothing: no access "api-key" takes this key
    gateway.toml:5: api_key[1]: opens nothing: no access "api-key" takes this key
    gateway.toml:13: agent[0].api_keys: has no effect without access "api-key"
    "#);
    let found = |more: &str| world().parse(&with_keys(more)).expect_err(more).to_string();
    assert!(found("access = \"api-key\"\napi_keys = []").contains("access `api-key` needs a key"));
    assert!(
        found("access = \"api-key\"\napi_keys = [\"ce\"]").contains("there is no api key `ce` (did you mean")
    );
    assert_snapshot!(mistakes(&agent("helper", "access = \"api-key\"")), @"gateway.toml:5: agent[0].access: access `api-key` needs a key (declare an [[api_key]])");
}

#[test]
fn keys_that_are_none() {
    refused(
        |value| key("ci", value, ""),
        &[
            ("\"inline\"", "api_key[0].value: a secret is never written in the file"),
            ("{ env = \"NONE\" }", "the environment variable `NONE` is not set"),
        ],
    );
    refused(|_| "[[api_key]]\nname = \"ci\"\n".into(), &[("", "api_key[0].value: is missing")]);
    refused(
        |more| key("ci", "{ env = \"KEY\" }", more),
        &[
            ("groups = [\"\"]", "api_key[0].groups[0]: expected a text that is not empty"),
            ("group = []", "api_key[0].group: unknown key (did you mean `groups`?)"),
        ],
    );
    for (value, expected) in [
        ("two\nlines and twenty characters", "cannot stand in a header"),
        ("schlüssel-von-zwanzig", "cannot stand"),
    ] {
        let found = World::default().variable("KEY", value).parse(&key("ci", "{ env = \"KEY\" }", ""));
        let found = found.expect_err(value).to_string();
        assert!(found.contains(expected) && !found.contains("zwanzig"), "{found}");
    }
    let short = warnings(&key("ci", "{ env = \"KEY\" }", ""));
    assert!(short.contains("api_key[0].value: is shorter than 20 characters"), "{short}");
}

#[test]
fn one_key_has_one_name() {
    let two = |second: &str| {
        let text = format!("{}{}", key("a", "{ env = \"CI_KEY\" }", ""), key("b", second, ""));
        world().parse(&text).err().map(|mistakes| mistakes.to_string()).unwrap_or_default()
    };
    assert_eq!(two("{ env = \"OTHER_KEY\" }"), "");
    assert_snapshot!(two("{ file = \"ci.txt\" }"), @"gateway.toml:7: api_key[1].value: is the same key as that of `api_key[0]`");
    let twice = format!("{0}{0}", key("a", "{ env = \"KEY\" }", ""));
    assert!(mistakes(&twice).contains("api_key[1].name: the name `a` is already taken by `api_key[0]`"));
}

#[test]
fn certificates_are_a_way_in_where_they_are_asked_for() {
    let listening = |tls: &str| format!("[listen]\n{tls}\n{}", agent("helper", "access = \"mtls\""));
    let tls = "tls = { certificate = \"c.pem\", key = \"k.pem\", client_ca = \"ca.pem\" }";
    assert!(good(&listening(tls)).snapshot.agents["helper"].access.mtls);
    refused(
        listening,
        &[
            (
                "",
                "agent[0].access: access `mtls` needs client certificates, and nobody is asked for one (give `client_ca` in `listen.tls`)",
            ),
            ("tls = { certificate = \"c.pem\", key = \"k.pem\" }", "access `mtls` needs client certificates"),
            // Not a second complaint.
            ("tls = { certificate = \"c.pem\", key = \"k.pem\", client_ca = 3 }", "client_ca: expected text"),
            ("tls = true", "listen.tls: expected a table"),
        ],
    );
    accepted(|way| agent("helper", way), &["", "access = \"open\""]);
}
