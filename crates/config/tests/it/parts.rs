//! The sections that stand once: listener, store, keys, network, limits, records, tokens.

use std::{path::Path, time::Duration};

use doorward_config::{Durability, MasterKeySource, StoreUrl};
use doorward_model::Limits;
use insta::assert_snapshot;

use crate::support::{World, accepted, good, mistakes, refused, warnings};

#[test]
fn without_a_file_the_defaults_are_local() {
    let loaded = World::default().with(doorward_config::defaults).expect("the defaults are good");
    assert_eq!(loaded.settings.listen.address.to_string(), "127.0.0.1:8420");
    assert_eq!(loaded.settings.listen.admin, None);
    assert_eq!(loaded.snapshot.origin(), "http://127.0.0.1:8420");
    assert!(matches!(&loaded.settings.store_url, StoreUrl::Sqlite(path)
        if path == Path::new("/etc/doorward/doorward-data/doorward.db")));
    assert!(matches!(&loaded.settings.master_key, MasterKeySource::File(path)
        if path == Path::new("/etc/doorward/doorward-data/master.key")));
    assert_eq!(loaded.settings.records.durability, Durability::Grouped);
    assert!(!loaded.settings.records.stdout);
    assert_eq!(loaded.snapshot.limits, Limits::default());
    assert!(loaded.snapshot.servers.is_empty() && loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn public_addresses_are_origins() {
    let public = |url: &str| format!("public_url = {url}\n");
    accepted(
        public,
        &["\"https://gw.example.com\"", "\"http://127.0.0.1:8420\"", "\"https://[2001:db8::1]:8443\""],
    );
    refused(
        public,
        &[
            (
                "\"https://gw.example.com/\"",
                "public_url: expected exactly scheme://host[:port], nothing more (write \"https://gw.example.com\")",
            ),
            ("\"https://gw.example.com/x\"", "nothing more"),
            ("\"https://gw.example.com?x\"", "nothing more"),
            ("\"https://u:p@gw.example.com\"", "(write \"https://gw.example.com\")"),
            ("\"gw.example.com\"", "expected scheme://host[:port]"),
            ("\"ftp://gw.example.com\"", "expected scheme://host[:port]"),
            ("8420", "expected text, found an integer"),
        ],
    );
}

#[test]
fn listeners_proxies_and_origins() {
    let listen = |more: &str| format!("[listen]\n{more}\n");
    let loaded = good(&listen(
        "admin = \"127.0.0.1:9090\"\ntrusted_proxies = [\"10.0.0.0/8\", \"192.0.2.7\"]\nallowed_origins = [\"https://app.example.com\"]",
    ));
    assert_eq!(loaded.settings.listen.admin.map(|admin| admin.port()), Some(9090));
    assert_eq!(loaded.settings.listen.trusted_proxies.len(), 2);
    assert_eq!(loaded.snapshot.allowed_origins, ["https://app.example.com"]);
    assert_eq!((loaded.settings.listen.tls, loaded.settings.listen.grace.as_secs()), (None, 0));
    refused(
        listen,
        &[
            (
                "address = \":8420\"",
                "listen.address: expected an IP address and a port (every interface is \"0.0.0.0:8420\")",
            ),
            ("address = 8420", "expected text, found an integer"),
            ("admin = \"127.0.0.1:8420\"", "listen.admin: is the same as `listen.address`"),
            ("trusted_proxies = \"10.0.0.0/8\"", "expected a list of texts, found text"),
            ("trusted_proxies = [\"10.0.0.1/8\"]", "(the network is \"10.0.0.0/8\")"),
            ("trusted_proxies = [\"proxy\"]", "expected a network"),
            ("allowed_origins = [\"https://app.example.com/\"]", "nothing more"),
            ("allowed_origins = [\"*\"]", "listen.allowed_origins[0]: expected scheme://host[:port]"),
            ("tls = { certificate = \"c\" }", "listen.tls.key: is missing"),
            ("tls = { certificate = \"c\", key = \"\" }", "listen.tls.key: expected a path"),
            ("tls = \"c\"", "expected a table, found text"),
            ("grace = \"2m\"", "listen.grace: must be between 0s and 1m"),
            ("prot = 3", "listen.prot: unknown key"),
        ],
    );
    assert!(warnings(&listen("trusted_proxies = [\"0.0.0.0/0\"]")).contains("believes everybody"));
}

#[test]
fn tls_is_files_beside_the_file() {
    let loaded = good(
        "[listen]\ngrace = \"5s\"\ntls = { certificate = \"c.pem\", key = \"/k.pem\", client_ca = \"ca.pem\" }\n",
    );
    let tls = loaded.settings.listen.tls.expect("TLS");
    assert_eq!(tls.certificate.to_str(), Some("/etc/doorward/c.pem"));
    assert_eq!(tls.key.to_str(), Some("/k.pem"));
    assert_eq!(tls.client_ca.as_deref().and_then(|path| path.to_str()), Some("/etc/doorward/ca.pem"));
    assert_eq!(loaded.settings.listen.grace.as_secs(), 5);
    assert_eq!(loaded.snapshot.origin(), "https://127.0.0.1:8420");
    let told_http =
        "public_url = \"http://127.0.0.1:8420\"\n[listen]\ntls = { certificate = \"c\", key = \"k\" }\n";
    assert!(warnings(told_http).contains("callers are told http"));
}

#[test]
fn the_store_is_a_file_or_a_database() {
    let store = |url: &str| format!("[store]\nurl = {url}\n");
    let path = |url: &str| match good(&store(url)).settings.store_url {
        StoreUrl::Sqlite(path) => path.display().to_string(),
        StoreUrl::Postgres(_) => panic!("not SQLite"),
    };
    assert_eq!(path("\"sqlite:data/x.db\""), "/etc/doorward/data/x.db");
    assert_eq!(path("\"sqlite://data/x.db\""), "/etc/doorward/data/x.db");
    assert_eq!(path("\"sqlite:/var/x.db\""), "/var/x.db");
    assert_eq!(path("\"sqlite:///var/x.db\""), "/var/x.db");
    let world = World::default().variable("DATABASE_URL", "postgres://u:hunter2@db/x");
    let loaded = world.parse(&store("{ env = \"DATABASE_URL\" }")).expect("a database");
    assert!(
        matches!(&loaded.settings.store_url, StoreUrl::Postgres(url) if url.expose() == "postgres://u:hunter2@db/x")
    );
    assert!(loaded.warnings.is_empty() && !format!("{loaded:?}").contains("hunter2"));
    refused(
        store,
        &[
            ("\"mysql://u:hunter2@db/x\"", "store.url: expected `sqlite:PATH` or `postgres://…`"),
            ("\"sqlite:\"", "SQLite needs the path of a file"),
            ("\"sqlite::memory:\"", "SQLite needs the path of a file"),
            ("\"sqlite:x.db?mode=ro\"", "takes no parameters"),
            ("\"postgres:db\"", "expected `sqlite:PATH`"),
            ("\"postgres://u:hunter2@db:x/\"", "not a PostgreSQL address"),
            ("\"x.db\"", "expected `sqlite:PATH`"),
            ("3", "expected text, found an integer"),
            ("{ env = \"NONE\" }", "the environment variable `NONE` is not set"),
        ],
    );
    assert!(!mistakes(&store("\"mysql://u:hunter2@db/x\"")).contains("hunter2"));
    assert_snapshot!(warnings(&store("\"postgres://u:hunter2@db/x\"")), @r#"gateway.toml:2: store.url: a password stands in the file (write url = { env = "DATABASE_URL" })"#);
    assert!(
        warnings(&store("\"postgres://u@db/x?password=hunter2\"")).contains("a password stands in the file")
    );
    assert_eq!(warnings(&store("\"postgres://u@db/x\"")), "");
}

#[test]
fn the_master_key_is_a_reference() {
    let keys = |master: &str| format!("[keys]\nmaster = {master}\n");
    // A key file may not exist yet: it is not read here.
    let loaded = good(&keys("{ file = \"keys/none.key\" }"));
    assert!(
        matches!(&loaded.settings.master_key, MasterKeySource::File(path) if path == Path::new("/etc/doorward/keys/none.key"))
    );
    let loaded = good(&keys("{ env = \"KEY\" }"));
    assert!(
        matches!(&loaded.settings.master_key, MasterKeySource::Value(key) if key.expose() == "s3cr3t-value")
    );
    refused(
        keys,
        &[
            ("\"hunter2\"", "keys.master: a secret is never written in the file"),
            ("{ env = \"NONE\" }", "the environment variable `NONE` is not set"),
            ("[\"hunter2\"]", "a secret is never written in the file"),
        ],
    );
}

#[test]
fn private_networks_and_extra_roots() {
    let network = |more: &str| format!("[network]\n{more}\n");
    let loaded = good(&network("allow_private = [\"10.0.0.0/8\", \"fd00::/8\"]\nca = \"roots.pem\""));
    assert_eq!(loaded.snapshot.allow_private.len(), 2);
    assert_eq!(loaded.settings.ca.as_deref(), Some(Path::new("/etc/doorward/roots.pem")));
    assert!(loaded.warnings.is_empty());
    for public in ["0.0.0.0/0", "::/0", "8.8.8.8", "10.0.0.0/7"] {
        let found = warnings(&network(&format!("allow_private = [\"{public}\"]")));
        assert!(found.contains("network.allow_private[0]: is not a private network"), "{public}: {found}");
    }
    refused(
        network,
        &[
            (
                "allow_private = [\"10.0.0.0\", 3]",
                "network.allow_private[1]: expected text, found an integer",
            ),
            ("allow_private = true", "expected a list of texts"),
            ("ca = \"\"", "network.ca: expected a path"),
            ("ca = { file = \"x\" }", "expected text, found a table"),
        ],
    );
}

#[test]
fn limits_have_the_names_of_the_model_and_bounds() {
    let limits = |more: &str| format!("[limits]\n{more}\n");
    let all = "request_body = 1048576\nresponse_body = \"64KiB\"\nbatch = 7\ndepth = 16\nheader_bytes = \"8KiB\"\nrequest_time = \"5s\"\n\
               streams = 1\nconnections = 2\nkeep_alive = \"1s\"\nstream_idle = \"1m\"\nsession_lifetime = \"1h\"\nsessions = 3\nsession_idle = \"2m\"\ncommand_idle = \"3m\"\ndrain = \"0s\"";
    assert_eq!(
        good(&limits(all)).snapshot.limits,
        Limits {
            request_body: 1 << 20,
            response_body: 64 << 10,
            batch: 7,
            depth: 16,
            header_bytes: 8 << 10,
            request_time: Duration::from_secs(5),
            streams: 1,
            connections: 2,
            keep_alive: Duration::from_secs(1),
            stream_idle: Duration::from_mins(1),
            sessions: 3,
            session_idle: Duration::from_mins(2),
            command_idle: Duration::from_mins(3),
            session_lifetime: Duration::from_hours(1),
            drain: Duration::ZERO,
        }
    );
    refused(
        limits,
        &[
            ("request_body = 0", "limits.request_body: must be between 1KiB and 1GiB"),
            ("request_body = -1", "must be between 1KiB and 1GiB"),
            ("request_body = \"2GiB\"", "must be between 1KiB and 1GiB"),
            ("request_body = \"4MB\"", "expected a size"),
            ("request_body = 1.5", "found a number with a fraction"),
            ("request_body = 99999999999999999999", "an integer beyond 64 bits"),
            ("response_body = true", "found true or false"),
            ("depth = 129", "must be between 8 and 128"),
            ("depth = \"64\"", "expected an integer, found text"),
            ("header_bytes = \"4KiB\"", "must be between 8KiB and 1MiB"),
            ("request_time = \"0s\"", "must be between 1s and 10m"),
            ("streams = 0", "must be between 1 and 1000000"),
            ("connections = 0", "must be between 1 and 1000000"),
            ("keep_alive = \"1h\"", "must be between 1s and 5m"),
            ("stream_idle = \"2d\"", "must be between 1s and 1d"),
            ("session_lifetime = \"1s\"", "must be between 1m and 30d"),
            ("drain = 20", "expected a text such as \"30s\""),
            ("request_bdy = 1", "limits.request_bdy: unknown key (did you mean `request_body`?)"),
        ],
    );
}

#[test]
fn records() {
    let loaded = good("[records]\ndurability = \"strict\"\nstdout = true\n");
    assert_eq!(loaded.settings.records.durability, Durability::Strict);
    assert!(loaded.settings.records.stdout);
    refused(
        |text| format!("[records]\n{text}\n"),
        &[
            ("durability = \"strickt\"", "(did you mean `strict`?)"),
            ("stdout = \"true\"", "expected true or false, found text"),
        ],
    );
}
