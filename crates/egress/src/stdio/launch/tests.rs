//! What the launcher is told and what it says. What it does is tested with the program that it is part of:
//! `crates/gateway/tests/operations/sandbox`.

use proptest::prelude::*;

use super::*;

fn texts(said: &[&str]) -> impl Iterator<Item = OsString> {
    said.iter().map(OsString::from).collect::<Vec<_>>().into_iter()
}

fn heard(stderr: &[u8]) -> (Option<Word>, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut stderr = stderr;
    let word = runtime.block_on(Word::hear(&mut stderr));
    (word, stderr.to_vec())
}

#[test]
fn other_arguments_are_for_others() {
    for said in
        [&[][..], &["doorward"], &["doorward", "serve"], &["doorward", "serve", ARGUMENT], &[ARGUMENT]]
    {
        assert!(launched(texts(said)).is_none(), "{said:?}");
    }
}

#[test]
fn a_launcher_that_is_told_something_unknown_starts_nothing() {
    for said in [
        &[][..],
        &["--parent", "1"],
        &["--parent", "one", "--", "true"],
        &["--read"],
        &["--read-only", "/usr", "--", "true"],
        &["--network=false", "--", "true"],
        &["true"],
    ] {
        assert!(Plan::read(texts(said)).is_err(), "{said:?}");
    }
}

#[test]
fn what_follows_the_program_is_its_own() {
    let plan =
        Plan::read(texts(&["--parent", "7", "--", "cat", "--network", "--", "--read", "/"])).expect("a plan");
    assert!(!plan.network && plan.read.is_empty());
    assert_eq!(plan.argv, ["cat", "--network", "--", "--read", "/"]);
}

#[test]
fn a_program_that_is_not_there_is_said_to_be_missing() {
    for (name, there) in [
        ("/nonexistent/x", false),
        ("no-such-program", false),
        ("/etc/passwd", false),
        ("/usr", false),
        ("sh", true),
    ] {
        let plan = Plan { argv: vec![name.into()], ..Plan::default() };
        assert_eq!(find(&plan).is_ok(), there, "{name}");
    }
    assert!(find(&Plan::default()).is_err());
}

#[test]
fn the_first_line_is_heard_and_nothing_else_is_taken() {
    let ready = Word::Ready { missing: None };
    assert_eq!(heard(b"doorward: ready\nhello\n"), (Some(ready), b"hello\n".to_vec()));
    let missing = Word::Ready { missing: Some("x".to_owned()) };
    assert_eq!(heard(format!("{missing}\n").as_bytes()), (Some(missing), Vec::new()));
    let refused: Word = Word::Refused("a\nb".to_owned());
    assert_eq!(heard(format!("{refused}\n").as_bytes()).0, Some(Word::Refused("a b".to_owned())));
}

#[test]
fn what_is_no_launcher_is_not_believed() {
    for said in [
        &b""[..],
        b"doorward: ready",
        b"ready\n",
        b"\n",
        b"doorward: ready \n",
        b"\xff\n",
        b"running 0 tests\n",
    ] {
        assert_eq!(heard(said).0, None, "{}", said.escape_ascii());
    }
    assert_eq!(heard(&vec![b'x'; 100_000]).0, None);
}

proptest! {
    #[test]
    fn a_plan_arrives_as_it_was_made(
        parent in any::<u32>(),
        network in any::<bool>(),
        read in prop::collection::vec("[^\0]{1,9}", 0..3),
        write in prop::collection::vec("(--|--read|[^\0]{1,9})", 0..3),
        program in prop::option::of("(--|[^\0]{1,9})"),
        argv in prop::collection::vec("(--|--write|[^\0]{0,9})", 0..4),
    ) {
        let plan = Plan {
            parent,
            network,
            read: read.into_iter().map(PathBuf::from).collect(),
            write: write.into_iter().map(PathBuf::from).collect(),
            program: program.map(PathBuf::from),
            argv: argv.into_iter().map(OsString::from).collect(),
        };
        let mut arguments = plan.arguments().into_iter();
        prop_assert_eq!(arguments.next(), Some(OsString::from(ARGUMENT)));
        prop_assert_eq!(Plan::read(arguments), Ok(plan));
    }

    #[test]
    fn any_first_line_is_read_without_panic(said in prop::collection::vec(any::<u8>(), 0..100)) {
        heard(&said);
    }
}
