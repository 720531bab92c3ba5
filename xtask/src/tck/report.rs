//! The tables for the terminal and for `docs/reference/a2a-tck.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stdout};

use anyhow::Result;

use super::kit::Found;
use crate::run;

const PAGE: &str = "docs/reference/a2a-tck.md";

/// What fails through Doorward alone and is right so, by the end of the test's name, with the reason.
const EXPLAINED: [(&str, &str); 2] = [
    (
        "::test_agent_interfaces_structure",
        "the kit wants `http` before the address of gRPC; the SDKs of 0.3 hand the text to gRPC, which takes host and port, and \
         the agent is switched to the kit's form",
    ),
    (
        "::test_get_push_notification_config",
        "the kit sets a webhook without an id and asks for `default`; the SDK answers with the first webhook, whatever id \
         is asked for, and Doorward that there is none of this id",
    ),
];

/// One kit, one agent, one way.
pub(super) struct Run {
    pub(super) kit: &'static str,
    pub(super) agent: &'static str,
    pub(super) way: &'static str,
    pub(super) found: Found,
}

/// Everything that was run.
#[derive(Default)]
pub(super) struct Report(Vec<Run>);

impl Report {
    pub(super) fn add(&mut self, run: Run) {
        self.0.push(run);
    }

    pub(super) fn print(&self) -> Result<()> {
        Ok(write!(stdout(), "{}", self.body())?)
    }

    pub(super) fn write(&self) -> Result<()> {
        let head = "# The test kits of A2A\n\n\
                    Written by `cargo xtask tck --update`, which runs the protocol's own kits at a real agent, and at Doorward in front of\n\
                    it: with every binding, and with an agent that has one only, so that the others are translated. What fails at the\n\
                    agent is the agent's, or the kit's where it lags behind 1.0.1; what fails only through Doorward would be Doorward's,\n\
                    but where a reason stands beside it.\n\n";
        fs::write(run::root().join(PAGE), format!("{head}{}", self.body()))?;
        Ok(())
    }

    fn body(&self) -> String {
        let mut body = String::from(
            "| kit | agent | way | passed | failed | skipped | expected to fail |\n|---|---|---|---|---|---|---|\n",
        );
        for Run { kit, agent, way, found } in &self.0 {
            let (passed, failed) = (found.count("PASSED") + found.count("XPASS"), found.failed().count());
            let (skipped, expected) = (found.skipped, found.count("XFAIL"));
            let _ =
                writeln!(body, "| {kit} | {agent} | {way} | {passed} | {failed} | {skipped} | {expected} |");
        }
        for run in &self.0 {
            self.differences(run, &mut body);
        }
        body
    }

    /// What fails in a run, and what the same kit and agent do better or worse without Doorward.
    fn differences(&self, run: &Run, body: &mut String) {
        let control = self.0.iter().find(|other| (other.kit, other.agent) == (run.kit, run.agent));
        let failed: BTreeSet<&str> = run.found.failed().collect();
        let direct: BTreeSet<&str> = control.into_iter().flat_map(|control| control.found.failed()).collect();
        let is_control = control.is_some_and(|control| std::ptr::eq(control, run));
        let _ = writeln!(body, "\n## Kit of {}, {}, {}\n", run.kit, run.agent, run.way);
        if failed.is_empty() {
            let _ = writeln!(body, "Nothing fails.");
        }
        for test in &failed {
            let also = if !is_control && direct.contains(test) { " (at the agent too)" } else { "" };
            let explained = EXPLAINED.iter().find(|(end, _)| !is_control && test.ends_with(end));
            let why = explained.map(|(_, why)| format!(": {why}")).unwrap_or_default();
            let _ = writeln!(body, "- fails: `{test}`{also}{why}");
        }
        for test in direct.difference(&failed) {
            let _ = writeln!(body, "- holds, and fails at the agent: `{test}`");
        }
    }
}
