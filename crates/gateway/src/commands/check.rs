//! `doorward check`: all mistakes in one run.

use std::process::ExitCode;

use doorward_config::{Loaded, Mistake, Overrides};

use super::{Checked, counted, read, say};
use crate::{cli::ConfigArgs, listen::Tls, metrics::Metrics, routes::Routes};

/// Reports mistakes and warnings; exit 0 when there is no mistake.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    if args.config.is_none() {
        anyhow::bail!("name the file to check: doorward check --config FILE");
    }
    let (mistakes, warnings) = match read(args, Overrides::default())? {
        Checked::Good(loaded) => {
            let Loaded { settings, snapshot, warnings, .. } = *loaded;
            // What the file cannot show by itself: whether the snapshot can be served, and with which certificate.
            let compiled = Routes::compile(snapshot, &Metrics::new(), None).map(drop);
            let tls = settings.listen.tls.as_ref().map(Tls::load).transpose().map(drop);
            let unusable = [
                compiled.err().map(|error| error.to_string()),
                tls.err().map(|error| format!("listen.tls: {error}")),
            ];
            (unusable.into_iter().flatten().collect(), warnings)
        }
        Checked::Bad(bad) => (texts(&bad.mistakes), bad.warnings),
    };
    let warnings = texts(&warnings);
    if args.json {
        let report = serde_json::json!({
            "ok": mistakes.is_empty(), "mistakes": mistakes, "warnings": warnings,
        });
        say(&report.to_string());
    } else {
        for mistake in &mistakes {
            say(&format!("error: {mistake}"));
        }
        for warning in &warnings {
            say(&format!("warning: {warning}"));
        }
        say(&format!("{}, {}", counted(mistakes.len(), "mistake"), counted(warnings.len(), "warning")));
    }
    Ok(if mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn texts(items: &[Mistake]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}
