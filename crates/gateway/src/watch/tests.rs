use std::fs;

use super::*;

fn seen(directory: &tempfile::TempDir) -> Seen {
    Seen::of(["a", "b"].map(|name| directory.path().join(name)).to_vec())
}

#[test]
fn a_change_counts_when_it_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a");
    fs::write(&file, "one").expect("written");
    let mut settling = Settling::new(seen(&directory));
    assert!(!settling.has_changed(seen(&directory)), "nothing changed");
    fs::write(&file, "half").expect("written");
    assert!(!settling.has_changed(seen(&directory)), "somebody may be writing");
    fs::write(&file, "two").expect("written");
    assert!(!settling.has_changed(seen(&directory)), "somebody was writing");
    assert!(settling.has_changed(seen(&directory)));
    settling.settle(seen(&directory));
    assert!(!settling.has_changed(seen(&directory)), "acted on once");
    fs::write(&file, "three").expect("written");
    assert!(!settling.has_changed(seen(&directory)));
    fs::write(&file, "two").expect("written");
    assert!(!settling.has_changed(seen(&directory)) && !settling.has_changed(seen(&directory)), "taken back");
}

#[test]
fn a_file_that_comes_or_goes_is_a_change() {
    let directory = tempfile::tempdir().expect("a directory");
    let before = seen(&directory);
    fs::write(directory.path().join("b"), "").expect("written");
    let empty = seen(&directory);
    assert_ne!(before, empty, "an empty file is not none");
    assert_eq!(before.look_again(), empty);
    fs::remove_file(directory.path().join("b")).expect("removed");
    assert_eq!(empty.look_again(), before);
}

#[test]
fn what_cannot_be_used_is_not_tried_again_before_it_changes() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a");
    fs::write(&file, "good").expect("written");
    let mut settling = Settling::new(seen(&directory));
    fs::write(&file, [0xff, 0xfe]).expect("written");
    assert!(!settling.has_changed(seen(&directory)) && settling.has_changed(seen(&directory)));
    let ((), noted) = Seen::while_reading(|note| {
        for name in ["a", "b"] {
            let path = directory.path().join(name);
            note(&path, &fs::read_to_string(&path));
        }
    });
    settling.settle(noted);
    assert!(!settling.has_changed(seen(&directory)) && !settling.has_changed(seen(&directory)));
    fs::write(&file, "good again").expect("written");
    assert!(!settling.has_changed(seen(&directory)) && settling.has_changed(seen(&directory)));
}

#[test]
fn what_was_read_is_what_is_known() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a");
    fs::write(&file, "old").expect("written");
    let ((), noted) = Seen::while_reading(|note| note(&file, &fs::read_to_string(&file)));
    assert_eq!(noted, Seen::of(vec![file.clone()]));
    fs::write(&file, "new").expect("written");
    assert_ne!(noted, noted.look_again(), "changed while it was being read");
}

/// What runs, and what is read later.
fn change(before: &str, after: &str) -> (Again, Loaded) {
    let load = |text: &str| {
        let environment = doorward_config::Environment {
            base_dir: std::path::Path::new("/nowhere"),
            var: &|_| None,
            names: &Vec::new,
            read: &|path| Err(io::Error::other(path.display().to_string())),
            stored: doorward_config::StoredSecrets::Unknown,
            real: &|path| Ok(path.to_owned()),
            overrides: Overrides::default(),
        };
        doorward_config::parse(text, "x.toml", &environment).expect("a good configuration")
    };
    let Loaded { settings, snapshot, .. } = load(before);
    let (args, overrides, warned) = (ConfigArgs::default(), Overrides::default(), Vec::new());
    let again = Again { args, overrides, warned, settings, snapshot };
    (again, load(after))
}

#[test]
fn what_needs_a_restart_is_named() {
    let late = |before: &str, after: &str| {
        let (running, wanted) = change(before, after);
        restart::needed(&running, &wanted).join(" ")
    };
    assert_eq!(late("", ""), "");
    assert_eq!(
        late(
            "[limits]\ndepth = 9",
            "[limits]\ndepth = 10\n[listen]\nallowed_origins = [\"https://a.example\"]"
        ),
        ""
    );
    assert_eq!(
        late(
            "",
            "[listen]\naddress = \"127.0.0.1:1\"\nadmin = \"127.0.0.1:2\"\ngrace = \"1s\"\ntrusted_proxies = [\"10.0.0.0/8\"]\ntls = { certificate = \"c\", key = \"k\" }"
        ),
        "listen.address listen.admin listen.trusted_proxies listen.tls listen.grace"
    );
    assert_eq!(
        late(
            "[store]\nurl = \"sqlite:a.db\"",
            "[store]\nurl = \"postgres://db/x\"\n[keys]\nmaster = { file = \"k\" }\n[records]\nstdout = true\n\
             [network]\nca = \"c\"\nallow_private = [\"10.0.0.0/8\"]\n[limits]\nconnections = 5"
        ),
        "store keys records network.ca network.allow_private limits.connections"
    );
    assert_eq!(late("[store]\nurl = \"postgres://a@db/x\"", "[store]\nurl = \"postgres://b@db/x\""), "store");
}

#[test]
fn the_public_url_does_not_follow_a_listener_that_stays() {
    let follows = |before: &str, after: &str| {
        let (running, wanted) = change(before, after);
        restart::moves_public_url(&running.settings, &wanted)
    };
    let moved = "[listen]\naddress = \"127.0.0.1:1\"";
    assert!(follows("", moved));
    assert!(!follows("", "") && !follows(moved, moved));
    assert!(follows("", "[listen]\ntls = { certificate = \"c\", key = \"k\" }"));
    let published = format!("public_url = \"https://gw.example.com\"\n{moved}");
    assert!(!follows("", &published), "an address of its own is live");
}
