//! The official suite against Doorward as a client: towards an upstream, and as an OAuth client of the upstream's
//! authorization server.
//!
//! The suite starts `conformance_client.mjs` for each scenario, and that a Doorward. Every scenario that a revision
//! requires has to pass without a warning, and some that it does not; `docs/reference/conformance.md` says which.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
};

use tempfile::TempDir;

use super::{Suite, results::Results};
use crate::programs::{finish, repository, tools};

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// Scenarios that no revision requires, and what becomes of them here.
const BEYOND: [(&str, Outcome); 7] = [
    ("auth/client-credentials-basic", Outcome::Passes),
    (
        "auth/client-credentials-jwt",
        Outcome::NotOffered(
            "hands the client a private key; Doorward signs with keys of its own, and publishes them",
        ),
    ),
    (
        "auth/enterprise-managed-authorization",
        Outcome::NotOffered("starts from an ID token that a client holds; Doorward's callers keep theirs"),
    ),
    ("auth/dpop", Outcome::NotOffered("tokens bound to keys")),
    ("auth/dpop-nonce", Outcome::NotOffered("tokens bound to keys")),
    ("auth/wif-jwt-bearer", Outcome::NotOffered("a workload's own token instead of a client's credentials")),
    ("json-schema-2020-12-preservation", Outcome::Passes),
];

/// Scenarios that judge what only the program at the other end does, which is an official SDK here.
const OF_THE_CLIENT: [&str; 3] =
    ["elicitation-sep1034-client-defaults", "http-invalid-tool-headers", "sse-retry"];

/// A scenario with a check of the SDK's clock, which a busy machine may miss.
const OF_TIME: &str = "sse-retry";
const OF_THE_CLOCK: &str = "client-sse-retry-timing";

/// Scenarios in which nobody gets through: that must be because Doorward saw what is wrong.
const REFUSED: [&str; 6] = [
    "auth/resource-mismatch",
    "auth/metadata-issuer-mismatch",
    "auth/iss-supported-missing",
    "auth/iss-wrong-issuer",
    "auth/iss-unexpected",
    "auth/iss-normalized",
];
/// What a person is told then.
const NOT_CONNECTED: &str = "No account was connected for suite";

/// How many scenarios run at once.
const AT_ONCE: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passes,
    NotOffered(&'static str),
}

#[test]
fn doorward_passes_as_a_client() {
    let suite = Suite::find();
    let [legacy, modern] = [LEGACY, MODERN].map(|revision| suite.required(revision, "client"));
    assert_eq!([legacy.len(), modern.len()], [18, 32], "the suite requires other scenarios than before");
    for (revision, required) in [(LEGACY, &legacy), (MODERN, &modern)] {
        let beyond = BEYOND.iter().filter(|(_, outcome)| *outcome == Outcome::Passes);
        let beyond = beyond.map(|(name, _)| (*name).to_owned());
        let scenarios: Vec<String> = required.iter().cloned().chain(beyond).collect();
        let results = run(&suite, revision, &scenarios);
        let faults = [results.not_passed(&scenarios), results.warnings(&scenarios)].concat();
        assert!(faults.is_empty(), "{revision}, Doorward as a client\n{faults}");
    }
    compare(&page(&legacy, &modern));
}

/// Runs the scenarios, some at once.
fn run(suite: &Suite, revision: &str, scenarios: &[String]) -> Results {
    let directory = TempDir::new().expect("a directory for results");
    let waiting = Mutex::new(scenarios.iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(scenario) = next() {
                    one(suite, revision, scenario, &directory.path().join(scenario));
                }
            });
        }
    });
    let mut results = Results::default();
    for scenario in scenarios {
        // Without results it has not passed, which is said with the others.
        let said = results.read_one(scenario, &directory.path().join(scenario)).unwrap_or_default();
        if REFUSED.contains(&scenario.as_str()) {
            assert!(said.contains(NOT_CONNECTED), "{revision} {scenario} ended before it began\n{said}");
        }
    }
    results.forget(OF_THE_CLOCK);
    results
}

/// Runs a scenario.
fn one(suite: &Suite, revision: &str, scenario: &str, results: &Path) {
    let node = suite.node.display();
    let client = format!(
        "{node} --preserve-symlinks --preserve-symlinks-main peers/conformance_client.mjs {}",
        env!("CARGO_BIN_EXE_doorward")
    );
    let mut command = suite.command();
    command.current_dir(tools().join("node"));
    command.args(["client", "--command", &client, "--scenario", scenario, "--timeout", "120000"]);
    command.args(["--spec-version", revision, "--force", "-o"]).arg(results);
    let said = finish(&mut command);
    // The suite ends well when the client did, where it may not fail; a missed moment makes it end badly too.
    assert!(said.success || scenario == OF_TIME, "{revision} {scenario}\n{}", said.complaints);
}

/// The table for people.
fn page(legacy: &[String], modern: &[String]) -> String {
    let mut names: Vec<&str> = legacy.iter().chain(modern).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let mut page = format!(
        "# The official suite, Doorward as a client\n\n\
         Written by the test `doorward_passes_as_a_client`, which runs the client scenarios of the suite \
         (`@modelcontextprotocol/conformance`) with Doorward between the suite's server and an official SDK: v1 in {LEGACY}, v2 in \
         {MODERN}. A person connects their account at the suite's authorization server at `/connect/<upstream>`. All that a revision \
         requires passes, without warnings: {} of {} and {} of {}. The server scenarios are run directly and through Doorward, and \
         compared, by the tests beside it.\n\n| scenario | {LEGACY} | {MODERN} | |\n|---|---|---|---|\n",
        legacy.len(),
        legacy.len(),
        modern.len(),
        modern.len()
    );
    for name in names {
        let cell = |required: &[String]| {
            if required.iter().any(|one| one == name) { "passes" } else { "not required" }
        };
        let note = match name {
            OF_TIME => "judges the SDK, through Doorward; but for its clock, which a busy machine misses",
            name if OF_THE_CLIENT.contains(&name) => "judges the SDK, through Doorward",
            _ => "",
        };
        let _ = writeln!(page, "| {name} | {} | {} | {note} |", cell(legacy), cell(modern));
    }
    page.push_str(
        "\nNot required, of extensions or later than the revisions:\n\n| scenario | |\n|---|---|\n",
    );
    for (name, outcome) in BEYOND {
        let said = match outcome {
            Outcome::Passes => "passes in both".to_owned(),
            Outcome::NotOffered(what) => format!("not offered: {what}"),
        };
        let _ = writeln!(page, "| {name} | {said} |");
    }
    page
}

/// Compares the page, or writes it when `UPDATE_REFERENCE` is set.
fn compare(text: &str) {
    let path = repository().join("docs/reference/conformance.md");
    if env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, text).expect("the page can be written");
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        page == text,
        "docs/reference/conformance.md is out of date: UPDATE_REFERENCE=1 and this test write it"
    );
}
