//! `doorward client`: what is printed once, and what is refused.

use doorward_testkit::recorder::Recorder;
use serde_json::json;

use crate::program::Place;

const CALLBACK: &str = "http://127.0.0.1/callback";

/// A place whose configuration publishes `demo` for Doorward's own tokens and `corp` for those of an issuer.
async fn place() -> (Place, Recorder) {
    let upstream = Recorder::start().await.expect("an upstream");
    let place = Place::new();
    let server = |name: &str, access: &str| {
        format!("[[server]]\nname = \"{name}\"\nupstreams = [\"u\"]\naccess = \"{access}\"\n")
    };
    place.write(
        "doorward.toml",
        &format!(
            "[[upstream]]\nname = \"u\"\nurl = \"{}\"\n[[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\n{}{}",
            upstream.url(),
            server("demo", "oauth"),
            server("corp", "jwt"),
        ),
    );
    (place, upstream)
}

fn database(place: &Place) -> Vec<u8> {
    let names = ["doorward.db", "doorward.db-wal"];
    let files = names.map(|name| std::fs::read(place.path("doorward-data").join(name)).unwrap_or_default());
    files.concat()
}

#[tokio::test]
async fn a_client_is_printed_with_its_secret_once() {
    let (place, _upstream) = place().await;
    let public = place.run(&["client", "add", "desk", "--redirect-uri", CALLBACK], "").json();
    assert_eq!(public["client_id"], "desk");
    assert_eq!(public["redirect_uris"], json!([CALLBACK]));
    assert_eq!(public["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(public["token_endpoint_auth_method"], "none");
    assert!(public.get("client_secret").is_none());

    let web = [
        "client",
        "add",
        "web",
        "--redirect-uri",
        "https://app.example.com/cb",
        "--redirect-uri",
        CALLBACK,
        "--secret",
    ];
    let web = place.run(&web, "").json();
    assert_eq!(web["redirect_uris"], json!(["https://app.example.com/cb", CALLBACK]));
    let resource = "http://127.0.0.1:8420/mcp/demo";
    let ci = place
        .run(
            &[
                "client",
                "add",
                "ci",
                "--credentials",
                "--resource",
                "HTTP://127.0.0.1:8420/mcp/demo/",
                "--json",
            ],
            "",
        )
        .json();
    assert_eq!(ci["grant_types"], json!(["client_credentials"]));
    assert_eq!(ci["resource"], resource);
    let vouched = place.run(&["client", "add", "agent", "--id-jag"], "");
    assert!(vouched.stderr.contains("no [[issuer]] of the configuration has id_jag"), "{}", vouched.stderr);
    let vouched = vouched.json();
    assert_eq!(vouched["grant_types"], json!(["urn:ietf:params:oauth:grant-type:jwt-bearer"]));

    let listed = place.run(&["client", "list", "--json"], "").text();
    let (records, database) = (format!("{:?}", place.records().await), database(&place));
    for client in [&web, &ci, &vouched] {
        assert_eq!(client["token_endpoint_auth_method"], "client_secret_basic");
        let secret = client["client_secret"].as_str().expect("a secret");
        assert!(secret.starts_with("dwcs_"), "{secret}");
        assert!(!listed.contains(secret) && !records.contains(secret));
        assert!(!database.windows(secret.len()).any(|part| part == secret.as_bytes()), "hashed only");
    }
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let ids: Vec<_> = listed.as_array().expect("a list").iter().map(|client| &client["client_id"]).collect();
    assert_eq!(ids, ["agent", "ci", "desk", "web"]);
    let text = place.run(&["client", "list"], "").text();
    assert!(text.contains("desk, pre-registered, http://127.0.0.1/callback"), "{text}");

    assert!(place.run(&["client", "remove", "web"], "y\n").refused().contains("--yes"));
    assert_eq!(place.run(&["client", "remove", "web", "--yes"], "").text(), "removed web");
    assert!(
        place.run(&["client", "remove", "web", "--yes"], "").refused().contains("there is no client `web`")
    );
}

#[tokio::test]
async fn a_client_can_sign_with_a_key_of_its_own() {
    let (place, _upstream) = place().await;
    let key = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1""#;
    let with = |member: &str| format!("{{\"keys\":[{key}{member}}}]}}");
    place.write("public.json", &with(""));
    place.write("private.json", &with(",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\""));
    place.write("empty.json", "{\"keys\":[]}");
    place.write("large.json", &" ".repeat(70_000));
    let add =
        |name: &str, jwks: &str| place.run(&["client", "add", name, "--credentials", "--jwks", jwks], "");
    let path = |name: &str| place.path(name).display().to_string();
    let added = add("ci", &path("public.json")).json();
    assert_eq!(added["token_endpoint_auth_method"], "private_key_jwt");
    assert!(added.get("client_secret").is_none());
    let added = add("far", "https://client.example.com/jwks.json").json();
    assert_eq!(added["token_endpoint_auth_method"], "private_key_jwt");
    for (jwks, expected) in [
        (path("private.json"), "public keys"),
        (path("empty.json"), "public keys"),
        (path("large.json"), "larger than 65536 bytes"),
        (path("none.json"), "No such file"),
        ("http://client.example.com/jwks.json".to_owned(), "expected https"),
    ] {
        let said = add("bad", &jwks).refused();
        assert!(said.contains(expected) && !said.contains("870MB"), "{said}");
    }
}

#[tokio::test]
async fn what_no_client_can_be_is_said() {
    let (place, _upstream) = place().await;
    let add = |more: &[&str]| place.run(&[&["client", "add"], more].concat(), "").refused();
    place.run(&["client", "add", "desk", "--redirect-uri", CALLBACK], "").json();
    for (args, expected) in [
        (&["desk", "--redirect-uri", CALLBACK][..], "there is a client `desk` already"),
        (&["dcr_x", "--redirect-uri", CALLBACK], "register themselves"),
        (&["https://a.example/", "--redirect-uri", CALLBACK], "a name is 1 to 63 characters"),
        (&["a"], "--redirect-uri"),
        (&["a", "--credentials", "--redirect-uri", CALLBACK], "cannot be used with"),
        (&["a", "--credentials", "--secret", "--jwks", "x"], "cannot be used with"),
        (&["a", "--redirect-uri", "http://app.example.com/cb"], "--redirect-uri http://app.example.com/cb"),
        (&["a", "--redirect-uri", "https://app.example.com/cb#f"], "--redirect-uri"),
        (&["a", "--redirect-uri", "javascript:alert(1)"], "--redirect-uri"),
        (
            &["a", "--credentials", "--resource", "http://127.0.0.1:8420/mcp/other"],
            "it publishes http://127.0.0.1:8420/mcp/corp, http://127.0.0.1:8420/mcp/demo",
        ),
        (
            &["a", "--credentials", "--resource", "http://127.0.0.1:8420/mcp/corp"],
            "its `access` has no \"oauth\"",
        ),
    ] {
        let said = add(args);
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}
