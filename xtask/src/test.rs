//! `cargo xtask test`: everything that has to hold, in the order in which it fails fastest.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::postgres::Postgres;
use crate::{apt, reference, run, tidy, tools};

#[derive(Args)]
pub(crate) struct Options {
    /// Run only these steps (repeat for several): format, lints, tidy, tools, testkit, tests, documents, peers, demo.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
}

/// What steps share: the database starts with the first step that needs it, and ends with the run.
#[derive(Default)]
struct Session {
    postgres: Option<Postgres>,
}

struct Step {
    name: &'static str,
    says: &'static str,
    run: fn(&mut Session) -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "format", says: "the code is formatted", run: format },
    Step { name: "lints", says: "clippy has nothing to say", run: lints },
    Step { name: "tidy", says: "sizes, directions and licences are in order", run: |_| tidy::run() },
    Step { name: "tools", says: "what the tests need is installed", run: |_| tools::install() },
    Step { name: "testkit", says: "the peers of the tests are built", run: testkit },
    Step { name: "tests", says: "unit, integration and documentation tests", run: tests },
    Step {
        name: "documents",
        says: "rustdoc has nothing to say, docs/reference is up to date",
        run: documents,
    },
    Step { name: "peers", says: "real clients and servers, and the conformance suite", run: peers },
    Step { name: "demo", says: "the demo of the release build holds", run: demo },
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let steps = chosen(&options.only)?;
    let mut session = Session::default();
    let mut took = Vec::new();
    let begin = Instant::now();
    for (number, step) in steps.iter().enumerate() {
        eprintln!("\n== {}/{} {}: {}", number + 1, steps.len(), step.name, step.says);
        let start = Instant::now();
        let outcome = (step.run)(&mut session);
        took.push((step.name, start.elapsed(), outcome.is_ok()));
        if let Err(error) = outcome {
            summary(&took, begin.elapsed());
            let again = format!("`cargo xtask test --only {}` runs this step again", step.name);
            return Err(error.context(format!("step {} failed; {again}", step.name)));
        }
    }
    summary(&took, begin.elapsed());
    Ok(())
}

fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| !STEPS.iter().any(|step| step.name == *name)) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown:?}; the steps are {}", names.join(", "));
    }
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

fn summary(took: &[(&str, Duration, bool)], total: Duration) {
    eprintln!("\n== summary");
    for (name, time, ok) in took {
        eprintln!("  {} {name:<10} {:>6.1} s", if *ok { "ok    " } else { "FAILED" }, time.as_secs_f64());
    }
    eprintln!("         all        {:>6.1} s", total.as_secs_f64());
}

fn format(_: &mut Session) -> Result<()> {
    run::run(run::cargo(&["fmt", "--all", "--check"])).context("`cargo fmt --all` puts it right")
}

fn lints(_: &mut Session) -> Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    run::run(run::cargo(&clippy))
}

fn testkit(_: &mut Session) -> Result<()> {
    run::run(run::cargo(&["build", "--package", "doorward-testkit", "--bins"]))
}

fn tests(session: &mut Session) -> Result<()> {
    if apt::on_path("cargo-nextest") {
        run::run(with_world(run::cargo(&["nextest", "run", "--workspace"]), session)?)?;
        // nextest knows nothing of examples in documentation.
        run::run(with_world(run::cargo(&["test", "--workspace", "--doc"]), session)?)
    } else {
        run::run(with_world(run::cargo(&["test", "--workspace"]), session)?)
    }
}

fn documents(_: &mut Session) -> Result<()> {
    let mut rustdoc = run::cargo(&["doc", "--workspace", "--no-deps", "--document-private-items"]);
    // Private items are documented too, so the overview of a crate may link to its private modules.
    rustdoc.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    run::run(rustdoc)?;
    reference::check()
}

fn peers(session: &mut Session) -> Result<()> {
    let test = ["test", "--package", "doorward-gateway", "--features", "peers", "--test", "peers"];
    run::run(with_world(run::cargo(&test), session)?)
}

fn demo(_: &mut Session) -> Result<()> {
    run::run(run::cargo(&["run", "--release", "--", "demo"]))
}

/// Tells the tests where the database, the tools and the testkit's programs are.
fn with_world(mut command: std::process::Command, session: &mut Session) -> Result<std::process::Command> {
    command.env("DOORWARD_TOOLS", run::tools_dir());
    command.env("DOORWARD_TESTKIT_BIN_DIR", run::target_dir().join("debug"));
    command.env("DOORWARD_TEST_PROMTOOL", tools::promtool());
    // A database that is there already, as in a pipeline with services, is used as it is.
    if std::env::var_os("DOORWARD_TEST_POSTGRES").is_none() {
        if session.postgres.is_none() {
            session.postgres = Some(Postgres::start()?);
        }
        if let Some(postgres) = &session.postgres {
            command.env("DOORWARD_TEST_POSTGRES", postgres.url());
        }
    }
    Ok(command)
}
