//! How children begin and end: what they are given, and that none stays behind.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Child, clock, everything,
    processes::{children, family},
    start, start_with, url,
};
use crate::{
    harness::EVERYTHING,
    programs::{npm_server, signal, until},
    wire::{Session, modern_call},
};

#[test]
fn a_child_has_four_variables_and_what_the_file_gives() {
    let child = Child {
        further: r#"env = { GIVEN = "by the file", RENAMED = { env = "DOORWARD_TEST_RENAMED" } }"#.into(),
        ..everything("everything")
    };
    let path = std::env::var("PATH").expect("a path");
    let passed = [("PATH", path.as_str()), ("HOME", "/nonexistent"), ("LANG", "C.UTF-8"), ("TMPDIR", "/tmp")];
    let others = [("DOORWARD_TEST_RENAMED", "renamed"), ("DOORWARD_TEST_OWN", "hunter2"), ("LC_ALL", "C")];
    let gateway = start_with(&[child], &[&passed[..], &others[..]].concat());
    let session = Session::begin(&url(&gateway, "everything"));
    let answer = session.call("get-env", &json!({}));
    let said = answer.result()["content"][0]["text"].as_str().expect("a text");
    let seen: BTreeMap<&str, &str> = serde_json::from_str(said).expect("its variables");
    let given = [("GIVEN", "by the file"), ("RENAMED", "renamed")];
    assert_eq!(seen, passed.into_iter().chain(given).collect::<BTreeMap<_, _>>());
    gateway.stop();
}

#[test]
fn a_session_takes_its_whole_family_with_it() {
    let gateway = start(&[with_grandchild("family")]);
    let url = url(&gateway, "family");
    let (session, other) = (Session::begin(&url), Session::begin(&url));
    let [first, second] = children(gateway.id())[..] else { panic!("not two children") };
    assert!([first, second].into_iter().all(|child| family(child).len() == 2), "not two generations");
    assert_eq!(session.end(), 200);
    until("the family of the session ends", || family(first).is_empty());
    assert_eq!(session.ping(), 404);
    assert_eq!(other.ping(), 200);
    assert_eq!(family(second).len(), 2, "the other family goes on");
    gateway.stop();
    until("the other family ends with the program", || family(second).is_empty());
}

#[test]
fn nobody_outlives_a_program_that_stops() {
    let gateway = start(&[everything("everything"), clock("clock")]);
    let session = Session::begin(&url(&gateway, "everything"));
    modern_call(&url(&gateway, "clock"), "get_current_time", &json!({ "timezone": "Asia/Tokyo" })).result();
    let running = children(gateway.id());
    assert_eq!(running.len(), 2, "a session's and a shared one");
    assert_eq!(session.ping(), 200);
    gateway.stop();
    until("they end with it", || running.iter().all(|child| family(*child).is_empty()));
}

#[test]
fn children_end_by_themselves_when_the_program_is_killed() {
    let gateway = start(&[everything("everything"), clock("clock")]);
    let _session = Session::begin(&url(&gateway, "everything"));
    modern_call(&url(&gateway, "clock"), "get_current_time", &json!({ "timezone": "Asia/Tokyo" })).result();
    let running = children(gateway.id());
    assert_eq!(running.len(), 2, "a session's and a shared one");
    // This is how a program ends here that nobody stops.
    drop(gateway);
    until("their standard input is closed, and they end", || {
        running.iter().all(|child| family(*child).is_empty())
    });
}

#[test]
fn a_child_that_is_killed_takes_only_its_session_with_it() {
    let gateway = start(&[with_grandchild("one"), everything("two")]);
    let (one, two) = (url(&gateway, "one"), url(&gateway, "two"));
    let (broken, whole, elsewhere) = (Session::begin(&one), Session::begin(&one), Session::begin(&two));
    let stream = broken.stream();
    let child = children(gateway.id())[0];
    signal("KILL", child);
    // What the server said before its end is about its tools.
    assert!(stream.into_iter().all(|message| message["method"] == "notifications/tools/list_changed"));
    until("the session is lost", || {
        let status = broken.ping();
        assert_ne!(status, 200, "answered by the dead");
        status == 404
    });
    until("what it started ends too", || family(child).is_empty());
    assert_eq!([whole.ping(), elsewhere.ping()], [200, 200]);
    assert_eq!(Session::begin(&one).ping(), 200);
    gateway.stop();
}

#[test]
fn a_shared_child_that_is_killed_is_replaced() {
    let gateway = start(&[clock("clock"), everything("other")]);
    let url_of_clock = url(&gateway, "clock");
    let zone = json!({ "timezone": "Asia/Tokyo" });
    modern_call(&url_of_clock, "get_current_time", &zone).result();
    let other = Session::begin(&url(&gateway, "other"));
    let before = children(gateway.id());
    signal("KILL", before[0]);
    until("a new one answers", || {
        modern_call(&url_of_clock, "get_current_time", &zone).response()["result"].is_object()
    });
    assert_eq!(other.ping(), 200);
    let after = children(gateway.id());
    assert_eq!(after.len(), 2, "one for the clock, one for the other session");
    assert!(after.contains(&before[1]) && !after.contains(&before[0]), "{before:?} {after:?}");
    gateway.stop();
}

/// The reference server, started by a shell that leaves another process behind: a grandchild, once the shell is it.
fn with_grandchild(name: &str) -> Child<'_> {
    let script = r#"sleep 1000 < /dev/null > /dev/null 2>&1 & exec "$@""#;
    let shell = ["sh", "-c", script, "sh"].map(str::to_owned);
    let command = shell.into_iter().chain(npm_server(EVERYTHING, &["stdio"])).collect();
    Child { command, ..everything(name) }
}

#[test]
fn children_get_their_time_when_the_program_stops() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let file = directory.path().join("ended");
    let script = r#"node=$1; shift; "$node" "$@"; sleep 0.5; echo well > "$OUT""#;
    let shell = ["sh", "-c", script, "sh"].map(str::to_owned);
    let command = shell.into_iter().chain(npm_server(EVERYTHING, &["stdio"])).collect();
    let gateway =
        start(&[Child { command, further: format!("env = {{ OUT = {file:?} }}"), ..everything("one") }]);
    let _session = Session::begin(&url(&gateway, "one"));
    let child = children(gateway.id())[0];
    gateway.stop();
    until("it ends", || family(child).is_empty());
    assert!(file.exists(), "it was not given its time");
}
