//! The corpora of `fuzz/` on stable: every file, and some thousands of changed ones, through the targets of
//! `doorward_testkit::fuzzing`.
//!
//! The changes are the same in every run. `DOORWARD_FUZZ_ROUNDS` sets how many there are for each target, and
//! `DOORWARD_FUZZ_SEED` where they begin, for a longer look without a nightly compiler.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use doorward_testkit::fuzzing::{TARGETS, Target};

/// How many changed inputs each target gets.
const ROUNDS: usize = 1_000;
/// The longest changed input, in bytes.
const LONGEST: usize = 4_096;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The files of a target's corpus, in the order of their names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let directory = fuzz().join("corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            (
                path.file_name().expect("a name").to_string_lossy().into_owned(),
                fs::read(&path).expect("a readable file"),
            )
        })
        .collect();
    files.sort();
    files
}

/// Runs a target and says which input it was that it panicked on.
fn check(name: &str, target: Target, origin: &str, input: &[u8]) {
    let held = catch_unwind(AssertUnwindSafe(|| target(input))).is_ok();
    assert!(held, "{name} broke on {origin}: b\"{}\"", input.escape_ascii());
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

fn replay(name: &str) {
    let (_, target) = TARGETS.into_iter().find(|(known, _)| *known == name).expect("a target");
    let files = corpus(name);
    for (file, input) in &files {
        check(name, target, file, input);
    }
    let mut changes =
        Changes(0x9E37_79B9_7F4A_7C15 ^ u64::try_from(number("DOORWARD_FUZZ_SEED", 0)).expect("64 bits"));
    // What was changed once is changed again, so that changes add up.
    let mut inputs: Vec<Vec<u8>> = files.into_iter().map(|(_, input)| input).collect();
    let seeds = inputs.len();
    for round in 0..number("DOORWARD_FUZZ_ROUNDS", ROUNDS) {
        let mut input = inputs[changes.below(inputs.len())].clone();
        for _ in 0..=changes.below(4) {
            let other = changes.below(seeds);
            changes.change(&mut input, &inputs[other]);
        }
        input.truncate(LONGEST);
        check(name, target, &format!("round {round}"), &input);
        if inputs.len() < 4 * seeds {
            inputs.push(input);
        } else {
            let place = seeds + changes.below(inputs.len() - seeds);
            inputs[place] = if round % 64 == 0 { inputs[changes.below(seeds)].clone() } else { input };
        }
    }
}

macro_rules! replays {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name));
        })*

        const REPLAYED: &[&str] = &[$(stringify!($name)),*];
    };
}

replays!(
    agent_card,
    a2a_payload,
    a2a_rest,
    callback,
    challenge,
    client_document,
    configuration,
    form,
    grpc,
    header,
    json,
    jwks,
    jwt,
    metadata,
    modern_request,
    proto,
    redirect_uri,
    registration,
    splice,
    sse,
    token_answer,
    uri_template,
);

#[test]
fn every_target_has_a_corpus_a_program_and_a_replay() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let in_directory = |directory: &str| -> BTreeSet<String> {
        let entries =
            fs::read_dir(fuzz().join(directory)).unwrap().map(|entry| entry.expect("an entry").path());
        entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(in_directory("corpus"), names);
    assert_eq!(in_directory("fuzz_targets"), names);
    assert_eq!(REPLAYED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), names);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let mut bytes = 0;
    for name in &names {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "no program {name} in fuzz/Cargo.toml");
        let files = corpus(name);
        assert!((5..=60).contains(&files.len()), "{name} has {} files", files.len());
        bytes += files.iter().map(|(_, input)| input.len()).sum::<usize>();
    }
    assert!(bytes < 200_000, "the corpora have {bytes} bytes: keep what finds something, and minimise it");
}

/// Changes made of a simple generator of numbers (xorshift64*), the same on every machine.
struct Changes(u64);

impl Changes {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `bound`; 0 if that is 0.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % bound.max(1)
    }

    fn range(&mut self, text: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(text.len() + 1);
        let length = self.below(24.min(text.len() - start) + 1);
        start..start + length
    }

    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.range(input);
        match self.below(7) {
            0 => {
                if let Some(byte) = input.get_mut(at.start) {
                    *byte ^= 1 << (self.next() % 8);
                }
            }
            1 => {
                input.drain(at);
            }
            2 => {
                let piece = input[at].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, piece);
            }
            3 => {
                let piece = other[self.range(other)].to_vec();
                input.splice(at, piece);
            }
            4 => {
                let piece = PIECES[self.below(PIECES.len())];
                input.splice(at.start..at.start, piece.iter().copied());
            }
            5 => {
                let piece = PIECES[self.below(PIECES.len())];
                input.splice(at, piece.iter().copied());
            }
            _ => {
                let byte = self.next().to_le_bytes()[0];
                input.insert(at.start, byte);
            }
        }
    }
}

/// What means something to one parser or another.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b" ",
    b"\t",
    b".",
    b"..",
    b"/",
    b"%2e",
    b"%2F",
    b"=",
    b"'",
    b"\"\"",
    b"[]",
    b"{}",
    b"[[",
    b"]]",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"0.5",
    b"\\u0061",
    b"\\ud83d",
    b"\\udE00",
    b"\\\"",
    b"\xEF\xBB\xBF",
    "\u{17F}".as_bytes(),
    "\u{212A}".as_bytes(),
    b"\xFF",
    b"\0",
    b"data:",
    b"data: ",
    b"id:",
    b"event:",
    b"retry:",
    b": ",
    b"=?base64?",
    b"?=",
    b"\"name\":",
    b"\"Name\":",
    b"\"_meta\":",
    b"\"params\":",
    b"\"id\":",
    b"9223372036854775808",
    b"{+",
    b"{?",
    b"{/",
    b"{a}",
    b":3",
    b"*",
    b"env = \"KEY\"",
    b"&",
    b"?",
    b"#",
    b"@",
    b"%3A",
    b"://",
    b"http://localhost:1",
    b"\"none\"",
    b"\"jwks_uri\":",
    b"\"client_secret\":",
    b"\0\0\0\0\x04",
    b"\x01\0\0\0\0",
    b"\x0a\x00",
    b"\x12\x02\x08\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\"data\":",
    b"\"metadata\":",
    b"\"1970-01-01T00:00:00Z\"",
    b"\"taskId\":",
    b"\"task_id\":",
    b"\"kind\":",
    b"\"data\":",
    b"\"file\":",
    b"tasks/",
    b":cancel",
];
