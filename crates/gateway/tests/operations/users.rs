//! `doorward user`, at a terminal and without one.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::Stdio,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use serde_json::{Value, json};

use crate::program::{Place, Ran};

const PASSWORD: &str = "correct horse";

/// A place with a configuration and nothing else.
fn place() -> Place {
    let place = Place::new();
    place.write("doorward.toml", "");
    place
}

fn add(place: &Place, name: &str, more: &[&str]) -> Ran {
    let mut args = vec!["user", "add", name, "--password-stdin"];
    args.extend(more);
    place.run(&args, PASSWORD)
}

/// Name, administrator and groups of everybody.
fn everybody(place: &Place) -> Value {
    let mut users = place.run(&["user", "list", "--json"], "").json();
    for user in users.as_array_mut().expect("a list") {
        let user = user.as_object_mut().expect("an object");
        assert!(user.remove("created").is_some());
        assert!(!user.values().any(|value| value.to_string().contains("argon2")), "{user:?}");
    }
    users
}

#[tokio::test]
async fn users_come_change_and_go() {
    let place = place();
    assert_eq!(add(&place, "alice", &["--admin"]).text(), "added alice, administrator");
    let bob = add(&place, "bob", &["--group", "ops", "--group", "eng", "--group", "ops", "--json"]).json();
    assert_eq!(bob["groups"], json!(["eng", "ops"]));
    let alice = json!({ "name": "alice", "administrator": true, "groups": [] });
    let bob = json!({ "name": "bob", "administrator": false, "groups": ["eng", "ops"] });
    assert_eq!(everybody(&place), json!([alice, bob]));
    assert_eq!(place.run(&["user", "list"], "").text(), "alice, administrator\nbob, in eng, ops");

    place.run(&["user", "change", "bob", "--admin", "--no-groups"], "").text();
    let alone = place.run(&["user", "change", "alice", "--no-admin", "--group", "eng"], "");
    assert!(alone.stderr.is_empty(), "{}", alone.stderr);
    assert_eq!(alone.text(), "alice, in eng");
    let bob = json!({ "name": "bob", "administrator": true, "groups": [] });
    assert_eq!(everybody(&place)[1], bob);
    place.run(&["user", "password", "bob", "--password-stdin"], "another one").text();

    let removed = place.run(&["user", "remove", "bob", "--yes"], "");
    assert!(removed.stderr.contains("no administrator is left"), "{}", removed.stderr);
    assert_eq!(removed.text(), "removed bob");
    assert_eq!(everybody(&place), json!([{ "name": "alice", "administrator": false, "groups": ["eng"] }]));

    let records = place.records().await;
    let done: Vec<_> = records.iter().map(|record| record["path"].as_str().expect("a command")).collect();
    let mut expected =
        ["add", "add", "change", "change", "password", "remove"].map(|what| format!("doorward user {what}"));
    expected.sort_unstable();
    let mut sorted = done.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert!(!format!("{records:?}").contains(PASSWORD));
    assert!(place.verify_audit().0);
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let place = place();
    add(&place, "alice", &[]).text();
    assert!(add(&place, "alice", &[]).refused().contains("there is a user `alice` already"));
    for name in ["Alice", "a b", "corp:alice", "", ".alice", &"x".repeat(64)] {
        assert!(add(&place, name, &[]).refused().contains("a name is 1 to 63 characters"), "{name}");
    }
    assert!(add(&place, "bob", &["--group", ""]).refused().contains("a group has a name"));
    for password in ["", "\n", "seven c", "seven c\r\n", &"x".repeat(5000)] {
        let said = place.run(&["user", "add", "bob", "--password-stdin"], password).refused();
        assert!(said.contains("password"), "{said}");
        assert!(password.len() < 3 || !said.contains(password.trim()), "{said}");
    }
    for args in [
        ["user", "password", "bob", "--password-stdin"],
        ["user", "change", "bob", "--admin"],
        ["user", "remove", "bob", "--yes"],
    ] {
        assert!(place.run(&args, PASSWORD).refused().contains("there is no local user `bob`"), "{args:?}");
    }
    assert!(place.run(&["user", "add", "bob"], PASSWORD).refused().contains("--password-stdin"));
    assert!(place.run(&["user", "remove", "alice"], "y\n").refused().contains("--yes"));
    assert!(place.run(&["user", "change", "alice"], "").refused().contains("--no-groups"));
    assert!(!place.run(&["user", "change", "alice", "--admin", "--no-admin"], "").success);
    assert_eq!(everybody(&place), json!([{ "name": "alice", "administrator": false, "groups": [] }]));
}

#[test]
fn a_store_that_is_not_there_is_not_made_to_be_looked_at() {
    let place = place();
    for args in [
        &["user", "list"][..],
        &["user", "remove", "alice", "--yes"],
        &["client", "list"],
        &["client", "remove", "ci", "--yes"],
        &["token", "list"],
        &["token", "revoke", "x"],
        &["token", "issue", "--user", "alice", "--resource", "http://127.0.0.1:8420/mcp/demo"],
        &["key", "rotate"],
    ] {
        assert!(place.run(args, "").refused().contains("there is no store at"), "{args:?}");
    }
    assert!(!place.path("doorward-data").exists());
}

/// A terminal of the test's own, and the end that a program gets.
struct Terminal {
    ours: File,
    theirs: OwnedFd,
    seen: String,
}

impl Terminal {
    fn new() -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("granted");
        unlockpt(&ours).expect("unlocked");
        let name = ptsname(&ours, Vec::new()).expect("a name");
        let theirs =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        Self { ours: File::from(ours), theirs, seen: String::new() }
    }

    /// Runs a command whose standard input and error are this terminal; types an answer to each question.
    fn run(&mut self, place: &Place, args: &[&str], answers: &[(&str, &str)]) -> (bool, String) {
        let end = || self.theirs.try_clone().expect("a copy");
        let (stdin, stderr) = (end(), end());
        let mut child = place
            .command(args)
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::piped())
            .stderr(Stdio::from(stderr))
            .spawn()
            .expect("the program starts");
        for (question, answer) in answers {
            self.wait_for(question);
            self.ours.write_all(answer.as_bytes()).expect("typed");
        }
        let mut printed = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut printed).expect("text");
        (child.wait().expect("it ends").success(), printed)
    }

    /// Reads until a text is on the screen.
    fn wait_for(&mut self, text: &str) {
        let mut buffer = [0; 256];
        while !self.seen.contains(text) {
            let length = self.ours.read(&mut buffer).expect("something is shown");
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }

    fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.theirs).expect("a terminal").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ISIG)
    }
}

#[test]
fn a_password_is_asked_for_twice_and_never_shown() {
    let place = place();
    let mut terminal = Terminal::new();
    let same = [("Password: ", "correct horse\n"), ("again: ", "correct horse\n")];
    let (success, printed) = terminal.run(&place, &["user", "add", "alice"], &same);
    assert!(success && printed == "added alice\n", "{printed}{}", terminal.seen);
    assert!(!terminal.seen.contains("horse"), "{}", terminal.seen);
    assert!(terminal.echoes(), "the terminal is as it was");

    let mut terminal = Terminal::new();
    let other = [("Password: ", "correct horse\n"), ("again: ", "another horse\n")];
    assert!(!terminal.run(&place, &["user", "add", "bob"], &other).0);
    terminal.wait_for("two different passwords");

    // Ctrl-C neither adds somebody nor leaves the terminal mute.
    let mut terminal = Terminal::new();
    assert!(!terminal.run(&place, &["user", "add", "bob"], &[("Password: ", "corr\u{3}")]).0);
    terminal.wait_for("interrupted");
    assert!(terminal.echoes());
    assert_eq!(everybody(&place), json!([{ "name": "alice", "administrator": false, "groups": [] }]));
}

#[test]
fn removing_asks_first() {
    let place = place();
    add(&place, "alice", &[]).text();
    let remove = ["user", "remove", "alice"];
    for answer in ["n\n", "\n", "perhaps\n"] {
        let (success, _) = Terminal::new().run(&place, &remove, &[("[y/N] ", answer)]);
        assert!(!success, "{answer}");
    }
    assert_eq!(everybody(&place).as_array().map(Vec::len), Some(1));
    assert!(Terminal::new().run(&place, &remove, &[("[y/N] ", "y\n")]).0);
    assert_eq!(everybody(&place), json!([]));
}
