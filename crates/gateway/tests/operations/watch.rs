//! Files that change under a running process.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use doorward_testkit::recorder::{Recorder, Reply};
use serde_json::json;

use crate::{
    client::Connection,
    program::{Place, Program, configuration},
    soon,
};

const LIVE: &str = "the configuration was read again and is live";

/// Waits until so many changes are counted. One is live a moment before it is.
async fn expect_changes(program: &Program, outcome: &str, count: usize) {
    let sample = format!("doorward_configuration_changes_total{{outcome=\"{outcome}\"}} {count}\n");
    let mut connection = Connection::to(program.address).await;
    let counting = async { while !connection.get("/metrics").await.body.contains(&sample) {} };
    soon(&sample, counting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_live_without_a_dropped_request() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let before = configuration(&upstream, "", "");
    let program = place.start(&before);
    let mut listening = Connection::to(program.address).await;
    let events = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": 1 } });
    upstream.once("subscriptions/listen", Reply::events([events]).hang_after(usize::MAX));
    listening.send_modern("demo", "subscriptions/listen", None, json!({ "notifications": {} }), &[]).await;
    assert_eq!(listening.head().await.expect("an answer").0, 200);

    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..8)
        .map(|_| {
            let (done, address) = (Arc::clone(&done), program.address);
            tokio::spawn(async move {
                let (mut connection, mut count) = (Connection::to(address).await, 0);
                while !done.load(Ordering::Relaxed) {
                    let answer = connection.call("x").await.answer();
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    assert!(answer.json()["result"].is_object(), "{}", answer.body);
                    count += 1;
                }
                count
            })
        })
        .collect();
    for name in ["one", "two", "three"] {
        let more = format!(
            "{before}[[server]]\nname = \"{name}\"\nupstreams = [\"u\"]\naccess = \"open\"\ntools = [\"echo\"]\n"
        );
        place.write("doorward.toml", &more);
        let mut connection = Connection::to(program.address).await;
        let coming = async {
            while connection.modern(name, "tools/list", None, json!({}), &[]).await.answer().status != 200 {
                tokio::task::yield_now().await;
            }
        };
        soon(name, coming).await;
    }
    let gone = Connection::to(program.address).await.modern("one", "tools/list", None, json!({}), &[]).await;
    assert_eq!(gone.answer().status, 404, "what the file no longer has is gone");
    done.store(true, Ordering::Relaxed);
    for task in load {
        assert!(task.await.expect("no request was dropped") > 0);
    }
    assert!(listening.chunk().await.expect("still open").contains("notifications/message"));
    expect_changes(&program, "applied", 3).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_changes_nothing_and_all_are_named() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let before = configuration(&upstream, "", "");
    let program = place.start(&before);
    let broken = before.replace("[[server]]", "[[sever]]").replace("127.0.0.1:0", "nowhere");
    place.write("doorward.toml", &broken);
    program.wait_for_log("sever: unknown key");
    program.wait_for_log("listen.address: expected an IP address and a port");
    program.wait_for_log("everything stays as it was");
    assert_eq!(Connection::to(program.address).await.call("x").await.answer().status, 200);
    place.write("doorward.toml", "this is no TOML [");
    program.wait_for_logs("everything stays as it was", 2);
    std::fs::remove_file(place.path("doorward.toml")).expect("removed");
    program.wait_for_log("cannot read the configuration file");
    assert_eq!(Connection::to(program.address).await.call("x").await.answer().status, 200);
    place.write("doorward.toml", &before);
    program.wait_for_log(LIVE);
    expect_changes(&program, "refused", 3).await;
    expect_changes(&program, "applied", 1).await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_changes_is_used() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let credential =
        "credential = { kind = \"header\", name = \"x-key\", value = { file = \"key.txt\" } }\n[[server]]";
    let text = configuration(&upstream, "", "").replace("[[server]]", credential);
    place.write("key.txt", "first-secret\n");
    let program = place.start(&text);
    let mut connection = Connection::to(program.address).await;
    connection.call("x").await.answer();
    assert!(upstream.saw("first-secret") && !upstream.saw("second-secret"));
    place.write("key.txt", "second-secret\n");
    program.wait_for_log(LIVE);
    connection.call("x").await.answer();
    assert!(upstream.saw("second-secret"));
    place.write("key.txt", "");
    program.wait_for_log("key.txt` is empty");
    connection.call("x").await.answer();
    let seen = upstream.requests_of("tools/call");
    assert_eq!(seen.last().and_then(|request| request.header("x-key")), Some("second-secret"));
    assert!(!program.everything().contains("-secret"), "{}", program.everything());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_is_named_and_the_rest_is_live() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let before = configuration(&upstream, "", "");
    let program = place.start(&before);
    let after = before
        .replace("127.0.0.1:0", "127.0.0.1:1")
        .replace("name = \"demo\"", "name = \"renamed\"")
        .replace("access = \"open\"", "access = \"jwt\"")
        + "[store]\nurl = \"sqlite:other.db\"\n[records]\nstdout = true\n\
           [[issuer]]\nname = \"corp\"\nissuer = \"https://idp.example.com\"\n";
    place.write("doorward.toml", &after);
    let line = program.wait_for_log("only a restart changes");
    assert!(line.contains("listen.address, store, records:"), "{line}");
    let mut connection = Connection::to(program.address).await;
    let metadata = connection.get("/.well-known/oauth-protected-resource/mcp/renamed").await.json();
    assert_eq!(metadata["resource"], format!("{}/mcp/renamed", program.url()), "it still listens there");
    assert!(!place.path("other.db").exists());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_at_once_and_ends_nothing() {
    let (place, upstream) = (Place::new(), Recorder::start().await.expect("an upstream"));
    let program = place.start(&configuration(&upstream, "", ""));
    program.signal("HUP");
    program.wait_for_logs(LIVE, 1);
    program.signal("HUP");
    program.wait_for_logs(LIVE, 2);
    assert_eq!(Connection::to(program.address).await.call("x").await.answer().status, 200);
    program.stop().await;
}
