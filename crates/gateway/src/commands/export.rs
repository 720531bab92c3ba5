//! `doorward export`: the whole configuration as one TOML file without secrets.

use std::process::ExitCode;

use doorward_config::Overrides;

use super::{load, say};
use crate::cli::ConfigArgs;

/// Prints the configuration.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let loaded = load(args, Overrides::default())?;
    let text = doorward_config::export(&loaded);
    say(&if args.json { serde_json::json!({ "toml": text }).to_string() } else { text });
    Ok(ExitCode::SUCCESS)
}
