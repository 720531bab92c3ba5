//! The official conformance suite, once directly against an upstream and once through a virtual server.
//!
//! What the revision requires must pass through the gateway, and no check of any scenario may end worse there than
//! directly. The upstream is `conformance-upstream` of the test kit.

mod client;
mod results;

use std::{fs, path::PathBuf, process::Command, thread};

use results::{Results, required, table, worse};
use tempfile::TempDir;

use crate::{
    harness::{Gateway, Published, Upstream},
    programs::{finish, newer_node, tools},
};

#[test]
fn the_suite_of_2025_11_25_passes_through_the_gateway() {
    compare("2025-11-25", 30);
}

#[test]
fn the_suite_of_2026_07_28_passes_through_the_gateway() {
    compare("2026-07-28", 37);
}

/// Runs the suite of `revision` both ways at once, each with an upstream of its own, and compares.
fn compare(revision: &str, expected: usize) {
    let suite = Suite::find();
    let required = suite.required(revision, "server");
    assert_eq!(
        required.len(),
        expected,
        "the suite requires other scenarios than the ones this test was written for"
    );

    let (direct, through) = thread::scope(|scope| {
        let direct = scope.spawn(|| {
            let upstream = Upstream::start_conformance();
            suite.run(revision, &upstream.url)
        });
        let upstream = Upstream::start_conformance();
        let name = "conformance";
        let published = Published { name, upstream: upstream.keys(), access: "open", tools: None };
        let gateway = Gateway::launch(&published.sections(), &[], vec![upstream]);
        let through = suite.run(revision, &gateway.server(name));
        gateway.stop();
        (direct.join().expect("the direct run"), through)
    });

    assert_eq!(
        direct.not_passed(&required),
        "",
        "the upstream itself must pass, or the comparison says nothing"
    );
    assert_eq!(through.scenarios(), direct.scenarios(), "scenarios that left results");
    let differences = worse(&direct, &through);
    assert!(
        differences.is_empty(),
        "{} of {} checks of {revision} are worse through the gateway\n{}",
        differences.len(),
        direct.successes(),
        table(&differences)
    );
    let failed = through.not_passed(&required);
    assert!(failed.is_empty(), "required scenarios of {revision} that fail through the gateway\n{failed}");
    assert_eq!(required.iter().filter(|scenario| through.passed(scenario)).count(), expected);
}

/// The official suite and the Node.js that runs it.
struct Suite {
    node: PathBuf,
    package: PathBuf,
}

impl Suite {
    fn find() -> Self {
        let modules = tools().join("conformance/node_modules");
        let suite = Self { node: newer_node(), package: modules.join("@modelcontextprotocol/conformance") };
        let found = suite.node.exists() && suite.package.exists();
        assert!(found, "no suite in {}: install tests/conformance/package.json there", modules.display());
        suite
    }

    /// The suite, without words yet.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(self.package.join("dist/index.js"));
        command
    }

    fn required(&self, revision: &str, of: &str) -> Vec<String> {
        let file = self.package.join(format!("requirements/{revision}.yaml"));
        required(&fs::read_to_string(file).expect("the suite's requirements"), of)
    }

    /// Runs every scenario that the revision requires or knows against `url`.
    fn run(&self, revision: &str, url: &str) -> Results {
        let directory = TempDir::new().expect("a directory for results");
        let results = directory.path().join("results");
        let mut command = self.command();
        command.args(["server", "--url", url, "--requirements", revision, "-o"]).arg(&results);
        let said = finish(&mut command);
        Results::read(&results).unwrap_or_else(|error| panic!("{error} after a run against {url}\n{said:?}"))
    }
}
