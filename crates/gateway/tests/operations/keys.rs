//! The master key: lost, wrong, changed while the program runs, and changed by a program that is killed. And the keys
//! that Doorward signs with, rotated while it runs.

use std::{fs, process::Stdio, thread, time::Duration};

use doorward_testkit::recorder::Recorder;

use crate::{
    client::Connection,
    program::{Place, configuration},
};

/// Rotations that are killed.
const KILLS: u64 = 30;

/// A program that has run once, and its configuration.
async fn begun() -> (Place, Recorder, String) {
    let upstream = Recorder::start().await.expect("an upstream");
    let place = Place::new();
    let configuration = configuration(&upstream, "", "");
    place.start(&configuration).stop().await;
    (place, upstream, configuration)
}

fn key(place: &Place) -> String {
    fs::read_to_string(place.path("doorward-data/master.key")).expect("a key file")
}

#[tokio::test]
async fn a_start_with_a_lost_or_another_key_says_so_and_changes_nothing() {
    let (place, _upstream, _) = begun().await;
    let path = place.path("doorward-data/master.key");
    let right = key(&place);
    fs::remove_file(&path).expect("removed");
    let said = place.run(&["serve"], "").refused();
    assert!(said.contains("there is no master key at") && said.contains("put that key back"), "{said}");
    assert!(!path.exists());
    let wrong = "ab".repeat(31) + "cd";
    fs::write(&path, &wrong).expect("written");
    let said = place.run(&["serve"], "").refused();
    assert!(said.contains("every replica needs the same key"), "{said}");
    assert!(!said.contains(&wrong) && !said.contains(right.trim()));
    assert_eq!(key(&place), wrong);
}

#[tokio::test]
async fn a_session_outlives_a_new_key_and_a_restart() {
    let (place, _upstream, configuration) = begun().await;
    let program = place.start(&configuration);
    let mut connection = Connection::to(program.address).await;
    let session = connection.session().await;
    let ask = serde_json::json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let before = key(&place);
    let rotated = place.run(&["key", "rotate", "--json"], "").json();
    assert_eq!((&rotated["data_keys"], &rotated["finished"]), (&2.into(), &false.into()));
    assert_ne!(key(&place), before);
    assert_eq!(connection.legacy(Some(&session), &ask).await.status, 200, "the running program goes on");
    program.stop().await;

    let program = place.start(&configuration);
    let mut connection = Connection::to(program.address).await;
    assert_eq!(connection.legacy(Some(&session), &ask).await.status, 200, "and so does the next one");
    program.stop().await;
    let records = place.records().await;
    assert!(records.iter().any(|record| record["path"] == "doorward key rotate"));
    assert!(!format!("{records:?}").contains(key(&place).trim()));
}

#[tokio::test]
async fn a_killed_rotation_leaves_a_store_that_opens() {
    let (place, _upstream, configuration) = begun().await;
    for round in 0..KILLS {
        let mut child = place
            .command(&["key", "rotate"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // The moment follows from the round, from before the first step to after the last.
        thread::sleep(Duration::from_millis(2 * round));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let keys = key(&place);
        assert!(matches!(keys.split_whitespace().count(), 1 | 2), "{keys}");
        place.start(&configuration).stop().await;
    }
    place.run(&["key", "rotate"], "").text();
    assert_eq!(key(&place).split_whitespace().count(), 1);
    let files = fs::read_dir(place.path("doorward-data")).expect("a directory").flatten();
    let keys: Vec<_> =
        files.map(|file| file.file_name()).filter(|name| name.to_string_lossy().contains("key")).collect();
    assert_eq!(keys, ["master.key"], "no rests are left");
    place.start(&configuration).stop().await;
}

#[tokio::test]
async fn a_key_in_a_variable_is_printed_before_it_counts() {
    let upstream = Recorder::start().await.expect("an upstream");
    let place = Place::new();
    place.write("doorward.toml", &configuration(&upstream, "", ""));
    let old = "0123456789abcdef".repeat(4);
    let rotate = |key: &str, more: &[&str], also: &[(&str, &str)]| {
        let variables = [&[("DOORWARD_KEYS_MASTER", key)], also].concat();
        place.run_with(&[&["key", "rotate"], more].concat(), "", &variables)
    };
    place.run(&["user", "add", "alice", "--password-stdin"], "correct horse").text();
    let first = rotate(&old, &["--json"], &[]).json();
    let made = first["master_key"].as_str().expect("the new key").to_owned();
    assert!(rotate(&old, &[], &[]).stderr.contains("every replica needs the same key"), "the old one is out");

    let chosen = "fedcba9876543210".repeat(4);
    let given = rotate(&made, &["--new-env", "NEXT", "--json"], &[("NEXT", &chosen)]);
    assert!(given.stderr.contains("set the variable"), "{}", given.stderr);
    assert!(!given.json().to_string().contains(&chosen));
    for (next, expected) in [("", "expected one master key"), ("x", "is not usable")] {
        assert!(
            rotate(&chosen, &["--new-env", "NEXT"], &[("NEXT", next)]).refused().contains(expected),
            "{next}"
        );
    }
    assert!(rotate(&chosen, &["--new-env", "NONE"], &[]).refused().contains("--new-env NONE"));
    // With both keys in the variable, the first is meant.
    let both = rotate(&format!("{old} {chosen}"), &["--json"], &[]).json();
    assert_eq!(both["finished"], true);
    assert!(
        place
            .run(&["key", "rotate", "--new-env", "X"], "")
            .refused()
            .contains("--new-env is for a master key in a variable")
    );
}

/// The ids of the published keys.
async fn published(connection: &mut Connection) -> Vec<String> {
    let keys = connection.get("/.well-known/jwks.json").await.json()["keys"].clone();
    let keys = keys.as_array().expect("a key set").iter();
    keys.map(|key| key["kid"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn signing_keys_are_rotated_while_the_program_runs() {
    let (place, _upstream, configuration) = begun().await;
    let program = place.start(&configuration);
    let mut connection = Connection::to(program.address).await;
    let before = published(&mut connection).await;
    assert_eq!(before.len(), 2);
    let early = place.run(&["key", "rotate-signing"], "").refused();
    assert!(early.contains("has not been published for long enough"), "{early}");
    let rotated = place.run(&["key", "rotate-signing", "--compromised", "--json"], "").json();
    program.wait_for_log("the signing keys have changed");
    let after = published(&mut connection).await;
    assert!(before.iter().all(|kid| !after.contains(kid)), "{before:?} {after:?}");
    for which in ["signing_key", "next_key"] {
        assert!(after.contains(&rotated[which].as_str().expect("an id").to_owned()), "{rotated}");
    }
    program.stop().await;
    let program = place.start(&configuration);
    let mut connection = Connection::to(program.address).await;
    assert_eq!(published(&mut connection).await, after, "a restart changes nothing");
    program.stop().await;
    let records = place.records().await;
    assert!(records.iter().any(|record| record["path"] == "doorward key rotate-signing"));
}
