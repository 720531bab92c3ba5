//! `doorward token`: access tokens without a browser, and what becomes of them.

use std::time::Duration;

use doorward_model::Timestamp;
use doorward_store::Store;
use doorward_testkit::recorder::Recorder;
use serde_json::{Value, json};

use crate::{
    client::Connection,
    program::{Place, Ran, configuration},
    soon,
};

const DEMO: &str = "http://127.0.0.1:8420/mcp/demo";

/// A place with the virtual servers `demo` and `eng` (for a group) for Doorward's own tokens, `corp` for others', and
/// the users alice (of that group) and bob.
async fn place() -> (Place, Recorder) {
    let upstream = Recorder::start().await.expect("an upstream");
    let place = Place::new();
    let server =
        |name: &str, more: &str| format!("[[server]]\nname = \"{name}\"\nupstreams = [\"u\"]\n{more}\n");
    place.write(
        "doorward.toml",
        &format!(
            "[[upstream]]\nname = \"u\"\nurl = \"{}\"\n[[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\n\
             [tokens]\naccess_ttl = \"5m\"\n{}{}{}",
            upstream.url(),
            server("demo", ""),
            server("eng", "allow = { groups = [\"eng\"] }"),
            server("corp", "access = \"jwt\""),
        ),
    );
    for args in [&["alice", "--group", "eng"][..], &["bob"]] {
        place.run(&[&["user", "add", "--password-stdin"], args].concat(), "correct horse").text();
    }
    (place, upstream)
}

fn issue(place: &Place, user: &str, resource: &str, more: &[&str]) -> Ran {
    place.run(&[&["token", "issue", "--user", user, "--resource", resource], more].concat(), "")
}

/// What the store says of a token, now.
async fn known(place: &Place, token: &str) -> Option<doorward_store::StoredAccessToken> {
    let url = format!("sqlite:{}", place.path("doorward-data/doorward.db").display());
    let store = Store::open(&url).await.expect("the store opens");
    let hash = doorward_auth::server::token::hash(token);
    let now = doorward_model::Clock::now(&doorward_model::SystemClock);
    let token = store.access_token(&hash, now).await.expect("an answer");
    store.close().await;
    token
}

#[tokio::test]
async fn a_token_is_printed_recorded_and_in_the_store() {
    let (place, _upstream) = place().await;
    let token = issue(&place, "alice", DEMO, &[]).text();
    assert!(token.starts_with("dwat_") && token.lines().count() == 1, "{token}");
    let stored = known(&place, &token).await.expect("it is good");
    assert_eq!(stored.grant.subject, "alice");
    assert_eq!(stored.grant.groups, ["eng"]);
    assert_eq!(stored.grant.resource, DEMO);
    assert_eq!(stored.scopes.to_string(), "mcp:read mcp:call");
    let life = |stored: &doorward_store::StoredAccessToken| {
        let [issued, expires] = [stored.issued, stored.expires].map(Timestamp::as_secs);
        expires - issued
    };
    assert_eq!(life(&stored), 300);

    let more = ["--scope", "mcp:read", "--ttl", "90d", "--json"];
    let issued = issue(&place, "alice", &format!("{DEMO}/"), &more).json();
    assert_eq!(issued["expires_in"], 90 * 24 * 3600);
    assert_eq!(issued["scope"], "mcp:read");
    assert_eq!(issued["resource"], DEMO);
    let second = known(&place, issued["access_token"].as_str().expect("a token")).await.expect("it is good");
    assert_eq!((second.scopes.to_string().as_str(), life(&second)), ("mcp:read", 90 * 24 * 3600));

    let records = place.records().await;
    let records: Vec<_> = records.iter().filter(|record| record["path"] == "doorward token issue").collect();
    assert_eq!(records.len(), 2);
    for record in &records {
        let named = ["subject", "server", "issuer", "decision"].map(|member| &record[member]);
        assert_eq!(named, ["alice", "demo", "http://127.0.0.1:8420", "allowed"]);
        assert!(record["detail"].as_str().is_some_and(|detail| detail.contains("mcp:read")));
    }
    assert!(!format!("{records:?}").contains("dwat_"));
    assert!(place.verify_audit().0);
}

#[tokio::test]
async fn a_token_is_issued_only_where_it_would_open_something() {
    let (place, _upstream) = place().await;
    for (user, resource, more, expected) in [
        ("carol", DEMO, &[][..], "there is no local user `carol`"),
        ("corp:1", DEMO, &[], "there is no local user `corp:1`"),
        ("bob", "http://127.0.0.1:8420/mcp/eng", &[], "names neither bob nor a group of theirs"),
        ("alice", "http://127.0.0.1:8420/mcp/corp", &[], "has no \"oauth\""),
        (
            "alice",
            "http://127.0.0.1:8420/mcp/none",
            &[],
            "the configuration publishes neither a virtual server nor an agent there",
        ),
        (
            "alice",
            "http://127.0.0.1:8420",
            &[],
            "the configuration publishes neither a virtual server nor an agent there",
        ),
        ("alice", "demo", &[], "the configuration publishes neither a virtual server nor an agent there"),
        ("alice", DEMO, &["--scope", "mcp:admin"], "a virtual server knows mcp:read mcp:call"),
        ("alice", DEMO, &["--scope", "a2a:send"], "a virtual server knows mcp:read mcp:call"),
        ("alice", DEMO, &["--scope", ""], "a virtual server knows mcp:read mcp:call"),
        ("alice", DEMO, &["--ttl", "1s"], "must be between 10s and 90d"),
        ("alice", DEMO, &["--ttl", "91d"], "must be between 10s and 90d"),
        ("alice", DEMO, &["--ttl", "soon"], "expected a duration"),
    ] {
        let said = issue(&place, user, resource, more).refused();
        assert!(said.contains(expected), "{user} {resource} {more:?}: {said}");
    }
    assert_eq!(place.run(&["token", "list", "--json"], "").json(), json!([]));
    issue(&place, "alice", "http://127.0.0.1:8420/mcp/eng", &[]).text();
}

#[tokio::test]
async fn what_is_revoked_is_gone() {
    let (place, _upstream) = place().await;
    let token = issue(&place, "alice", DEMO, &[]).text();
    let others = issue(&place, "bob", DEMO, &[]).text();
    let list =
        |more: &[&str]| -> Value { place.run(&[&["token", "list", "--json"], more].concat(), "").json() };
    assert_eq!(list(&[]).as_array().map(Vec::len), Some(2));
    let alices = list(&["--user", "alice"]);
    assert_eq!((alices[0]["subject"].as_str(), alices[1].as_object()), (Some("alice"), None));
    assert!(place.run(&["token", "list"], "").text().contains("alice by command:token-issue at "));
    let id = alices[0]["id"].as_str().expect("an id");
    assert_eq!(place.run(&["token", "revoke", id], "").text(), format!("revoked {id}"));
    assert!(known(&place, &token).await.is_none());
    assert!(place.run(&["token", "revoke", id], "").refused().contains("nothing was changed"));
    assert!(
        place.run(&["token", "revoke", "x"], "").refused().contains("`doorward token list` shows the ids")
    );

    assert!(known(&place, &others).await.is_some());
    place.run(&["user", "remove", "bob", "--yes"], "").text();
    assert!(known(&place, &others).await.is_none());
    assert_eq!(list(&[]), json!([]));
}

/// Calls until the answer has this status: what a command did counts within a second, not at once.
async fn until(connection: &mut Connection, token: &str, status: u16) {
    let authorization = format!("Bearer {token}");
    let asking = async {
        while connection.call_with("x", &[("Authorization", &authorization)]).await.answer().status != status
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(&format!("status {status}"), asking).await;
}

#[tokio::test]
async fn a_running_program_honours_what_commands_change() {
    let upstream = Recorder::start().await.expect("an upstream");
    let place = Place::new();
    let configuration = configuration(&upstream, "", "");
    let configuration =
        configuration.replace("access = \"open\"", "allow = { groups = [\"eng\"], users = [\"carol\"] }");
    let program = place.start(&configuration);
    let url = program.url();
    let run = |args: &[&str]| place.run_with(args, "correct horse", &[("DOORWARD_PUBLIC_URL", &url)]).text();
    let resource = format!("{url}/mcp/demo");
    let issue = |user: &str| run(&["token", "issue", "--user", user, "--resource", &resource]);
    let mut connection = Connection::to(program.address).await;

    run(&["user", "add", "alice", "--group", "eng", "--password-stdin"]);
    run(&["user", "add", "carol", "--password-stdin"]);
    let (alices, carols) = (issue("alice"), issue("carol"));
    until(&mut connection, &alices, 200).await;
    until(&mut connection, &carols, 200).await;
    run(&["user", "change", "alice", "--no-groups"]);
    until(&mut connection, &alices, 404).await;
    run(&["user", "change", "alice", "--group", "eng"]);
    until(&mut connection, &alices, 200).await;
    let listed = run(&["token", "list", "--user", "alice", "--json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    run(&["token", "revoke", listed[0]["id"].as_str().expect("an id")]);
    until(&mut connection, &alices, 401).await;
    until(&mut connection, &carols, 200).await;
    run(&["user", "remove", "carol", "--yes"]);
    until(&mut connection, &carols, 401).await;
    program.stop().await;
    assert!(place.verify_audit().0);
}
