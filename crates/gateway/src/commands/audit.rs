//! `doorward audit verify`: does every record still say what it said?

use std::process::ExitCode;

use anyhow::Context as _;
use doorward_config::Overrides;
use doorward_store::{AuditReport, Store, verify_audit};

use super::{counted, load, opened::refuse_absent, say};
use crate::{app::store_url, cli::ConfigArgs};

/// Checks every chain of the store.
pub(crate) fn verify(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let loaded = load(args, Overrides::default())?;
    refuse_absent(&loaded.settings.store_url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let store = Store::open(&store_url(&loaded.settings.store_url)).await;
        let store = store.context("the store cannot be opened")?;
        let report = verify_audit(&store).await;
        store.close().await;
        anyhow::Ok(report?)
    })?;
    if args.json {
        say(&serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &AuditReport) {
    say(&format!("{} in {}", counted(report.records, "record"), counted(report.chains, "chain")));
    for gap in &report.gaps {
        let lost = gap.lost_up_to_ms.map_or_else(|| "some".to_owned(), |ms| format!("up to {ms} ms of"));
        say(&format!(
            "gap: chain {} before entry {} ({}): the run before it did not end by itself; {lost} records may be missing",
            gap.chain, gap.seq, gap.time
        ));
    }
    for run in &report.open {
        say(&format!(
            "open: chain {} since entry {} ({}): still running, or ended without saying so",
            run.chain, run.seq, run.time
        ));
    }
    for broken in &report.broken {
        say(&format!("broken: chain {} entry {}: {:?}", broken.chain, broken.seq, broken.why));
    }
    say(if report.holds() { "the chains hold" } else { "the chains are broken" });
}
