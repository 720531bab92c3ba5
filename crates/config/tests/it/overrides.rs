//! Variables over the file, options over variables.

use doorward_config::{Durability, MasterKeySource, Origin, Overrides, StoreUrl};
use insta::assert_snapshot;

use crate::support::World;

#[test]
fn every_key_that_stands_once_has_a_variable() {
    let world = World::default()
        .variable("DOORWARD_PUBLIC_URL", "https://gw.example.com")
        .variable("DOORWARD_LISTEN_ADDRESS", "0.0.0.0:80")
        .variable("DOORWARD_LISTEN_ADMIN", "127.0.0.1:81")
        .variable("DOORWARD_LISTEN_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1")
        .variable("DOORWARD_LISTEN_ALLOWED_ORIGINS", "https://a.example")
        .variable("DOORWARD_LISTEN_TLS_CERTIFICATE", "c.pem")
        .variable("DOORWARD_LISTEN_TLS_KEY", "k.pem")
        .variable("DOORWARD_STORE_URL", "postgres://u:hunter2@db/x")
        .variable("DOORWARD_KEYS_MASTER", "the key itself")
        .variable("DOORWARD_LIMITS_REQUEST_BODY", "1MiB")
        .variable("DOORWARD_LIMITS_RESPONSE_BODY", "2048")
        .variable("DOORWARD_LIMITS_DEPTH", "16")
        .variable("DOORWARD_RECORDS_DURABILITY", "strict")
        .variable("DOORWARD_RECORDS_STDOUT", "true")
        .variable("DOORWARD_NETWORK_CA", "ca.pem");
    let loaded =
        world.parse("[listen]\naddress = \"127.0.0.1:1\"\n[limits]\ndepth = 9\n").expect("good variables");
    assert_eq!(loaded.snapshot.origin(), "https://gw.example.com");
    assert_eq!(loaded.settings.listen.address.port(), 80);
    assert_eq!(loaded.settings.listen.trusted_proxies.len(), 2);
    assert!(loaded.settings.listen.tls.is_some_and(|tls| tls.key.ends_with("k.pem")));
    assert_eq!(loaded.snapshot.allowed_origins, ["https://a.example"]);
    assert!(
        matches!(&loaded.settings.store_url, StoreUrl::Postgres(url) if url.expose().contains("hunter2"))
    );
    assert!(
        matches!(&loaded.settings.master_key, MasterKeySource::Value(key) if key.expose() == "the key itself")
    );
    assert_eq!(loaded.snapshot.limits.request_body, 1 << 20);
    assert_eq!(loaded.snapshot.limits.response_body, 2048);
    assert_eq!(loaded.snapshot.limits.depth, 16);
    assert_eq!(loaded.settings.records.durability, Durability::Strict);
    assert!(loaded.settings.records.stdout && loaded.settings.ca.is_some());
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn secrets_may_come_from_files_that_variables_name() {
    let world = World::default()
        .variable("DOORWARD_KEYS_MASTER_FILE", "/run/secrets/master")
        .variable("DOORWARD_STORE_URL_FILE", "/run/secrets/store")
        .file("/run/secrets/store", "postgres://db/x\n");
    let loaded = world.parse("").expect("good variables");
    assert!(matches!(&loaded.settings.master_key, MasterKeySource::File(path) if path.ends_with("master")));
    assert!(
        matches!(&loaded.settings.store_url, StoreUrl::Postgres(url) if url.expose() == "postgres://db/x")
    );
}

#[test]
fn options_are_stronger_than_variables() {
    let mut world = World::default()
        .variable("DOORWARD_LISTEN_ADDRESS", "127.0.0.1:2")
        .variable("DOORWARD_PUBLIC_URL", "https://variable.example");
    world.overrides =
        Overrides { listen: Some("127.0.0.1:3".into()), public_url: Some("https://option.example".into()) };
    let loaded = world.parse("").expect("good options");
    assert_eq!(loaded.settings.listen.address.port(), 3);
    assert_eq!(loaded.snapshot.origin(), "https://option.example");
}

#[test]
fn mistakes_name_the_variable_or_the_option() {
    let mut world = World::default()
        .variable("DOORWARD_LIMITS_DEPTH", "deep")
        .variable("DOORWARD_RECORDS_STDOUT", "yes")
        .variable("DOORWARD_STORE_URL", "mysql://u:hunter2@db/x")
        .variable("DOORWARD_LISTEN_TRUSTED_PROXIES", "10.0.0.0/8,proxy");
    world.overrides.listen = Some("localhost:1".into());
    let mistakes = world.parse("[limits]\nstreams = 0\n").expect_err("bad variables");
    assert_snapshot!(mistakes, @r#"
    --listen: listen.address: expected an IP address and a port ("127.0.0.1:1")
    DOORWARD_LISTEN_TRUSTED_PROXIES: listen.trusted_proxies[1]: expected a network (such as "10.0.0.0/8")
    DOORWARD_STORE_URL: store.url: expected `sqlite:PATH` or `postgres://…`
    DOORWARD_RECORDS_STDOUT: records.stdout: expected true or false, found text
    DOORWARD_LIMITS_DEPTH: limits.depth: expected an integer, found text
    gateway.toml:2: limits.streams: must be between 1 and 1000000
    "#);
    assert_eq!(mistakes.mistakes[0].line, 0);
    assert!(matches!(mistakes.mistakes[0].origin, Origin::Variable(_) | Origin::Flag(_)));
}

#[test]
fn a_section_that_is_no_table_is_still_the_mistake() {
    let world = World::default().variable("DOORWARD_LISTEN_ADDRESS", "127.0.0.1:2");
    let mistakes = world.parse("listen = 3\n").expect_err("no table");
    assert_snapshot!(mistakes, @"gateway.toml:1: listen: expected a table, found an integer");
}

#[test]
fn variables_that_nothing_reads_are_warned_about() {
    let world = World::default()
        .variable("DOORWARD_LISTEN_ADRESS", "127.0.0.1:1")
        .variable("DOORWARD_LIMITS_DEPTH", "")
        .variable("DOORWARD_UPSTREAM_URL", "http://127.0.0.1/")
        // Read elsewhere, referred to by the file, or set by an orchestrator.
        .variable("DOORWARD_CONFIG", "x.toml")
        .variable("DOORWARD_LOG", "info")
        .variable("DOORWARD_MY_KEY", "k")
        .variable("DOORWARD_SERVICE_HOST", "10.0.0.1")
        .variable("DOORWARD_PORT_8420_TCP", "tcp://10.0.0.1:8420")
        .variable("OTHER", "x");
    let loaded = world.parse("[keys]\nmaster = { env = \"DOORWARD_MY_KEY\" }\n").expect("only warnings");
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_snapshot!(warnings.join("\n"), @r#"
    DOORWARD_LIMITS_DEPTH: limits.depth: is empty and counts as not set
    DOORWARD_LISTEN_ADRESS: this variable stands for no key (did you mean `DOORWARD_LISTEN_ADDRESS`?)
    DOORWARD_UPSTREAM_URL: this variable stands for no key (did you mean `DOORWARD_STORE_URL`?)
    "#);
}
