//! `doorward demo`.
use std::process::ExitCode;
/// Placeholder.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
