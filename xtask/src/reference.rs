//! `docs/reference` is written by the code that it describes; this only calls the writers.

use anyhow::{Context, Result};
use clap::Args;

use crate::run;

/// Package, and its tests that each write a page when `UPDATE_REFERENCE` is set and compare it otherwise.
///
/// To add a page: write such a test beside the code that the page describes, and name it here.
const WRITERS: &[(&str, &[&str])] = &[
    ("doorward-config", &["the_reference_is_what_the_tables_say"]),
    (
        "doorward-gateway",
        &[
            "the_reference_page_is_current",
            "every_member_of_a_record_is_explained",
            "the_page_of_metrics_is_current",
            "the_page_of_commands_is_current",
        ],
    ),
];

#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing; fail if a page is not what the code says.
    #[arg(long)]
    check: bool,
}

/// Fails if a page is not what the code says.
pub(crate) fn check() -> Result<()> {
    run(&Options { check: true })
}

pub(crate) fn run(options: &Options) -> Result<()> {
    for (package, tests) in WRITERS {
        let mut command = run::cargo(&["test", "--quiet", "--package", package, "--lib", "--tests", "--"]);
        command.args(*tests);
        if !options.check {
            command.env("UPDATE_REFERENCE", "1");
        }
        run::run(command).with_context(|| {
            format!("docs/reference does not say what {package} does: `cargo xtask reference`, then look at the diff")
        })?;
    }
    Ok(())
}
