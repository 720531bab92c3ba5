//! Secrets in the store: by command and by the admin API, live without a restart, and never seen again.

use doorward_testkit::recorder::Recorder;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Connection},
    program::{Place, Program},
    soon,
};

const CANARY: &str = "canary-4f1c-value";
const SECOND: &str = "canary-9d02-value";

/// A place whose upstream wants the secret `mail`.
fn text(upstream: &Recorder) -> String {
    format!(
        "[listen]\naddress = \"127.0.0.1:0\"\n[[upstream]]\nname = \"u\"\nurl = \"{}\"\n\
         credential = {{ kind = \"bearer\", value = {{ stored = \"mail\" }} }}\n\
         [[server]]\nname = \"demo\"\nupstreams = [\"u\"]\naccess = \"open\"\n",
        upstream.url()
    )
}

/// The credentials that have reached the upstream.
fn presented(upstream: &Recorder) -> Vec<String> {
    let requests = upstream.requests();
    requests.iter().filter_map(|request| request.header("authorization")).map(str::to_owned).collect()
}

async fn calls_until(program: &Program, what: &str, enough: impl Fn(&Answer) -> bool) {
    let mut connection = Connection::to(program.address).await;
    let calling = async { while !enough(&connection.call("x").await.answer()) {} };
    soon(what, calling).await;
}

fn is_refused(answer: &Answer) -> bool {
    answer.json()["error"]["data"]["reason"] == "upstream_no_credential"
}

fn goes_through(answer: &Answer) -> bool {
    answer.json()["result"].is_object()
}

/// Everything that is written on disk, but for the key.
fn on_disk(place: &Place) -> String {
    let entries = std::fs::read_dir(place.path("doorward-data")).expect("a directory");
    let texts = entries.map(|entry| {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        String::from_utf8_lossy(&bytes).into_owned()
    });
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_live_at_once_and_nothing_goes_out_without_it() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&text(&upstream));
    program.wait_for_log("doorward secret set mail");
    let mut connection = Connection::to(program.address).await;
    let refused = connection.call("x").await.answer();
    assert!(is_refused(&refused), "{}", refused.body);
    assert_eq!(refused.json()["error"]["data"]["fault"], "gateway");
    assert!(upstream.requests().is_empty(), "nothing is sent without it");

    let set = place.run(&["secret", "set", "mail", "--stdin", "--json"], &format!("{CANARY}\n")).json();
    assert_eq!(set, json!({ "name": "mail", "new": true }));
    calls_until(&program, "the secret", goes_through).await;
    place.run(&["secret", "set", "mail", "--stdin"], SECOND).text();
    let second = format!("Bearer {SECOND}");
    calls_until(&program, "the second value", |_| presented(&upstream).contains(&second)).await;
    assert!(presented(&upstream).contains(&format!("Bearer {CANARY}")));

    let kept = place.run(&["secret", "remove", "mail"], "").refused();
    assert!(kept.contains("--force"), "{kept}");
    place.run(&["secret", "remove", "mail", "--force"], "").text();
    let gone = place.run(&["secret", "remove", "mail"], "").refused();
    assert!(gone.contains("no secret `mail`") && !gone.contains("--force"), "{gone}");
    calls_until(&program, "the removal", is_refused).await;
    program.stop().await;
    let records = place.records().await;
    for command in ["doorward secret set", "doorward secret remove"] {
        let record = records.iter().find(|record| record["path"] == command).expect("a record");
        assert_eq!((&record["detail"], &record["decision"]), (&json!("secret mail"), &json!("allowed")));
    }
    let seen = format!("{records:?}{}", on_disk(&place));
    assert!(!seen.contains(CANARY) && !seen.contains(SECOND), "a value is in the records or in the store");
}

/// The port is chosen by the system and the secrets are read when the store is open: the file is read three times.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_says_each_warning_once() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let unused = "[[upstream]]\nname = \"idle\"\nurl = \"http://127.0.0.1:9/mcp\"\n\
                  credential = { kind = \"bearer\", value = { stored = \"other\" } }\n";
    let program = place.start(&format!("{}{unused}", text(&upstream)));
    program.wait_for_log("doorward secret set mail");
    let connection = Connection::to(program.address).await;
    drop(connection);
    let count = |part: &str| program.everything().lines().filter(|line| line.contains(part)).count();
    for warning in ["secret set mail", "secret set other", "no virtual server shows this upstream"] {
        assert_eq!(count(warning), 1, "{warning}: {}", program.everything());
    }
    // Whoever has the file read again is told what stands.
    program.signal("HUP");
    program.wait_for_logs("no virtual server shows this upstream", 2);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_and_exported_is_the_name() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    place.write("doorward.toml", &text(&upstream));
    place.run(&["secret", "set", "mail", "--stdin"], CANARY).text();
    place.run(&["secret", "set", "other", "--stdin"], CANARY).text();
    let mut listed = place.run(&["secret", "list", "--json"], "").json();
    for secret in listed.as_array_mut().expect("a list") {
        let secret = secret.as_object_mut().expect("an object");
        assert!(secret.remove("created").is_some() && secret.remove("changed").is_some());
    }
    assert_eq!(listed, json!([{ "name": "mail", "used": true }, { "name": "other", "used": false }]));
    let exported = place.run(&["export"], "").text();
    assert!(exported.contains("stored = \"mail\"") && !exported.contains(CANARY), "{exported}");
    for (name, value) in [("mail", ""), ("mail", "two\nlines"), ("Mail", "x"), ("mail", &*"x".repeat(20_000))]
    {
        place.run(&["secret", "set", name, "--stdin"], value).refused();
    }
    let said = place.run(&["secret", "remove", "nothing"], "").refused();
    assert!(said.contains("no secret `nothing`"), "{said}");
    let unasked = place.run(&["check"], "");
    assert!(unasked.text().contains("the secret `mail` must be in the store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_enter_secrets_through_the_api_and_nobody_else_does() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let configuration = text(&upstream);
    let program = place.start(&configuration);
    for args in [&["alice", "--admin"][..], &["bob"]] {
        place.run(&[&["user", "add", "--password-stdin"], args].concat(), "correct horse").text();
    }
    // The port is known only now: what the command reads must say where the tokens count.
    let at = format!("public_url = \"{}\"\n{configuration}", program.url());
    place.write("doorward.toml", &at);
    let api = format!("{}/api/v1", program.url());
    let issue = ["token", "issue", "--resource", &api, "--user"];
    place.run(&[&issue[..], &["bob"]].concat(), "").refused();
    place.run(&[&issue[..], &["alice", "--scope", "mcp:read"]].concat(), "").refused();
    let token = place.run(&[&issue[..], &["alice"]].concat(), "").text();
    let bearer = format!("Bearer {token}");
    let mut connection = Connection::to(program.address).await;
    let mut ask = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let typed = [&[("Content-Type", "application/json")][..], headers].concat();
        connection.send(method, path, &typed, body).await;
        connection.receive().await.answer()
    };
    let by = [("Authorization", &*bearer)];
    let body = json!({ "value": CANARY }).to_string();
    let nobody = ask("PUT", "/api/v1/secrets/mail", &[], &body).await;
    assert_eq!((nobody.status, nobody.json()["reason"].as_str()), (401, Some("credential_missing")));
    assert_eq!(nobody.header("content-type"), Some("application/problem+json"));
    for bad in [
        json!({ "value": CANARY, "command": ["sh"] }),
        json!({ "value": CANARY, "args": [] }),
        json!({ "value": CANARY, "env": {} }),
        json!({ "value": 1 }),
        json!({}),
        json!([CANARY]),
    ] {
        let refused = ask("PUT", "/api/v1/secrets/mail", &by, &bad.to_string()).await;
        assert_eq!((refused.status, refused.json()["reason"].as_str()), (400, Some("body_invalid")), "{bad}");
    }
    let twice = format!(r#"{{"value":"{CANARY}","value":"x"}}"#);
    assert_eq!(ask("PUT", "/api/v1/secrets/mail", &by, &twice).await.status, 400);
    let long = json!({ "value": "x".repeat(16_385) }).to_string();
    assert_eq!(ask("PUT", "/api/v1/secrets/mail", &by, &long).await.json()["reason"], "secret_invalid");
    assert_eq!(ask("PUT", "/api/v1/secrets/Mail", &by, &body).await.json()["reason"], "name_invalid");
    let stored = ask("PUT", "/api/v1/secrets/mail", &by, &body).await;
    assert_eq!((stored.status, &stored.json()["used"]), (201, &Value::Bool(true)), "{}", stored.body);
    let listed = ask("GET", "/api/v1/secrets", &by, "").await;
    assert_eq!(listed.json()["secrets"][0]["name"], "mail");
    assert_eq!(ask("DELETE", "/api/v1/secrets/mail", &by, "").await.json()["reason"], "secret_in_use");
    assert_eq!(ask("PUT", "/api/v1/secrets/spare", &by, &body).await.status, 201);
    assert_eq!(ask("DELETE", "/api/v1/secrets/spare", &by, "").await.status, 204);
    assert_eq!(ask("DELETE", "/api/v1/secrets/spare", &by, "").await.json()["reason"], "secret_unknown");
    assert_eq!(ask("POST", "/api/v1/secrets/mail", &by, &body).await.header("allow"), Some("PUT, DELETE"));
    assert_eq!(ask("GET", "/api/v1/openapi.json", &[], "").await.json()["openapi"], "3.1.0");
    calls_until(&program, "the secret", goes_through).await;

    place.fill_with_secrets().await;
    let full = ask("PUT", "/api/v1/secrets/spare", &by, &body).await;
    assert_eq!((full.status, full.json()["reason"].as_str()), (409, Some("too_many_secrets")));
    let full = place.run(&["secret", "set", "spare", "--stdin"], CANARY).refused();
    assert!(full.contains("1000 secrets") && full.contains("secret remove"), "{full}");
    assert_eq!(ask("PUT", "/api/v1/secrets/mail", &by, &body).await.status, 200, "one that is there");

    place.run(&["user", "change", "alice", "--no-admin"], "").text();
    let dismissed = ask("GET", "/api/v1/secrets", &by, "").await;
    assert_eq!(
        (dismissed.status, dismissed.json()["reason"].as_str()),
        (403, Some("administrator_required"))
    );
    program.stop().await;
    let records = place.records().await;
    let put = records.iter().find(|record| record["detail"] == "stored secret mail").expect("a record");
    assert_eq!((&put["subject"], &put["reason"]), (&json!("alice"), &json!("ok")));
    let seen = format!("{records:?}{}{}", on_disk(&place), listed.body);
    assert!(!seen.contains(CANARY), "a value is in the records, the store or a list");
}
