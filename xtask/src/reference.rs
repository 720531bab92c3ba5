//! `docs/reference` is written by the code that it describes; this only calls the writers.

use anyhow::{Context, Result};
use clap::Args;

use crate::run;

/// Package and test that writes a page when `UPDATE_REFERENCE` is set, and compares it otherwise.
///
/// To add a page: write such a test beside the code that the page describes, and name it here.
const WRITERS: &[(&str, &str)] = &[("doorward-config", "reference")];

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
    for (package, test) in WRITERS {
        let mut command = run::cargo(&["test", "--quiet", "--package", package, test]);
        if !options.check {
            command.env("UPDATE_REFERENCE", "1");
        }
        run::run(command).with_context(|| {
            format!("docs/reference does not say what {package} does: `cargo xtask reference`, then look at the diff")
        })?;
    }
    Ok(())
}
