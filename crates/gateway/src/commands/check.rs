//! `doorward check`: all mistakes in one run.

use std::process::ExitCode;

use doorward_config::{Mistake, Overrides};

use super::{Checked, read, say};
use crate::{cli::ConfigArgs, listen::Tls, metrics::Metrics, routes::Routes};

/// Reports mistakes and warnings; exit 0 when there is no mistake.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    if args.config.is_none() {
        anyhow::bail!("name the file to check: doorward check --config FILE");
    }
    let (mistakes, warnings) = match read(args, Overrides::default())? {
        Checked::Good(loaded) => {
            // What the file cannot show by itself: whether the snapshot can be served.
            Routes::compile(loaded.snapshot, &Metrics::new(), None)?;
            loaded.settings.listen.tls.as_ref().map(Tls::load).transpose()?;
            (Vec::new(), loaded.warnings)
        }
        Checked::Bad(mistakes) => (mistakes.mistakes, mistakes.warnings),
    };
    if args.json {
        let list = |items: &[Mistake]| items.iter().map(ToString::to_string).collect::<Vec<_>>();
        let report = serde_json::json!({
            "ok": mistakes.is_empty(), "mistakes": list(&mistakes), "warnings": list(&warnings),
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

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}
