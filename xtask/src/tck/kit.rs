//! A kit as it lies there: which version it is for, how it is started, and what it says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::Agent;
use crate::{run, tools};

/// What the kits import.
const PACKAGES: &str = "tests/conformance/a2a-tck.txt";

/// One kit.
pub(super) struct Kit {
    directory: PathBuf,
    version: &'static str,
    python: PathBuf,
}

/// What became of each test; a test that was skipped is only counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) outcomes: BTreeMap<String, String>,
    pub(super) skipped: usize,
}

impl Kit {
    /// What callers may speak while the kit is at work. The kit of 1.0 wants a card without a member of 0.3.
    pub(super) fn versions(&self) -> &'static str {
        if self.version == "1.0" { r#"["1.0"]"# } else { r#"["1.0", "0.3"]"# }
    }
}

impl Found {
    /// How many ended so.
    pub(super) fn count(&self, outcome: &str) -> usize {
        self.outcomes.values().filter(|known| *known == outcome).count()
    }

    /// The names of those that failed.
    pub(super) fn failed(&self) -> impl Iterator<Item = &str> {
        let failed =
            self.outcomes.iter().filter(|(_, outcome)| ["FAILED", "ERROR"].contains(&outcome.as_str()));
        failed.map(|(name, _)| name.as_str())
    }
}

impl Kit {
    /// Sees which kit lies there, and installs what it needs.
    pub(super) fn at(directory: &Path) -> Result<Self> {
        let shown = directory.display();
        let directory = directory.canonicalize().with_context(|| format!("there is no {shown}"))?;
        let version = if directory.join("tests/compatibility").is_dir() {
            "1.0"
        } else if directory.join("tests/mandatory").is_dir() {
            "0.3"
        } else {
            bail!("{shown} is no test kit of A2A: take its branch 1.0-dev or 0.3.x")
        };
        let python = tools::python(&run::root().join(PACKAGES))?.join("bin/python");
        Ok(Self { directory, version, python })
    }

    pub(super) fn version(&self) -> &'static str {
        self.version
    }

    /// The agent that speaks its version.
    pub(super) fn agent(&self) -> Agent {
        if self.version == "1.0" { Agent::V1 } else { Agent::V03 }
    }

    /// Runs it at an agent.
    pub(super) fn run(&self, base: &str) -> Result<Found> {
        let mut found = Found::default();
        for suite in self.suites() {
            let more = self.run_suite(suite, base)?;
            found.outcomes.extend(more.outcomes);
            found.skipped += more.skipped;
        }
        Ok(found)
    }

    /// What the kit's own runner selects. That of 0.3 has more groups, which say nothing about the protocol.
    fn suites(&self) -> &'static [&'static [&'static str]] {
        match self.version {
            "1.0" => &[&["tests/compatibility"]],
            _ => &[
                &["tests/mandatory", "--test-scope=all", "-m", "mandatory_jsonrpc or mandatory_protocol"],
                &["tests/optional/capabilities", "--test-scope=all"],
            ],
        }
    }

    fn run_suite(&self, suite: &[&str], base: &str) -> Result<Found> {
        let address = if self.version == "1.0" { "--sut-host" } else { "--sut-url" };
        let mut command = run::command(&self.python, &["-m", "pytest", "--quiet", "--tb=no", "-rA"]);
        command.args(["-p", "no:cacheprovider"]).args(suite).arg(format!("{address}={base}"));
        command.current_dir(&self.directory).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = command.output().context("cannot start the kit")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let found = read(&said);
        let complaints = String::from_utf8_lossy(&output.stderr);
        ensure!(!found.outcomes.is_empty(), "the kit tested nothing:\n{said}{complaints}");
        eprintln!("  {}", said.lines().last().unwrap_or_default());
        Ok(found)
    }
}

/// The short summary of pytest: `OUTCOME name - why`, and `SKIPPED [n] place`.
fn read(said: &str) -> Found {
    let mut found = Found::default();
    for line in said.lines() {
        let Some((outcome, rest)) = line.split_once(' ') else { continue };
        match outcome {
            "SKIPPED" => {
                let count =
                    rest.trim_start_matches('[').split(']').next().and_then(|count| count.parse().ok());
                found.skipped += count.unwrap_or(1);
            }
            "PASSED" | "FAILED" | "ERROR" | "XFAIL" | "XPASS" if rest.starts_with("tests/") => {
                let name = rest.split(" - ").next().unwrap_or(rest);
                found.outcomes.insert(name.to_owned(), outcome.to_owned());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_read_line_by_line() {
        let said = "PASSED tests/a.py::one\nSKIPPED [3] tests/b.py:7: not declared\nFAILED tests/a.py::two[x] - why\n\
                    XFAIL tests/a.py::three - later\nSKIPPED is a word\n4 passed in 1s\n";
        let found = read(said);
        assert_eq!(found.skipped, 4);
        assert_eq!((found.count("PASSED"), found.count("XFAIL")), (1, 1));
        assert_eq!(found.failed().collect::<Vec<_>>(), ["tests/a.py::two[x]"]);
    }
}
