//! `cargo xtask bench`: what a request costs at Doorward, beside nginx as a plain reverse proxy and beside nothing.
//!
//! One run compares: the same load, the same upstream, the same minute. The proxy under test has CPU 1 for itself; load
//! and upstream share CPU 0. Doorward checks a JWT, filters and records; nginx does nothing but pass on. What is
//! counted in instructions needs no quiet machine: [`instructions`].

mod agents;
mod aims;
mod http;
mod instructions;
mod load;
mod processes;
mod report;
mod scenario;
mod standing;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::{apt, run};
use load::Load;
use processes::{Doorward, Nginx, Place, Upstream};
use report::{Report, Row};
use scenario::SCENARIOS;

#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct Options {
    /// How long each figure under load is measured, in seconds; a third of it goes before as a warm-up.
    #[arg(long, default_value_t = 9)]
    seconds: u64,
    /// Only what has this in its name: `call`, `list`, `SSE`, `100 KB`, `memory`, `streams`, `start`, `token`,
    /// `SendMessage`, `100 events`, `gRPC`, `first event`.
    #[arg(long, default_value = "", value_name = "TEXT")]
    scenario: String,
    /// Only these targets (repeat for several): direct, nginx, doorward.
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Measure this program instead of what is shipped: of another commit, or of another profile.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The CPUs of the proxy, as taskset takes them; load and upstream are on CPU 0.
    #[arg(long, default_value = "1", value_name = "LIST")]
    cpus: String,
    /// Count instructions under valgrind instead of measuring time; fail where more are needed than before.
    #[arg(long)]
    instructions: bool,
    /// Write what was measured into xtask/baseline, for later runs to be compared with.
    #[arg(long)]
    update_baseline: bool,
}

const HELP: &str = "\
What is measured under load, with 32 connections and with one, at each target:
  CPU µs/request  user and system time of the target's process, from /proc, for one request
  p50, p99        latency as wrk sees it; on one connection, what is above `direct` was added by the proxy
  (…)             the ratio to nginx in the same run; `before` is the committed baseline, of another machine perhaps
Then memory and start, each with a process of its own, and the table of aims.

Times mean something on a quiet machine only; CPU time suffers less from company, instructions hardly at all:
  cargo xtask bench --seconds 3 --scenario list       a quick look at one scenario
  cargo xtask bench --instructions                    what changed, in instructions; a minute
  cargo xtask bench --instructions --update-baseline  the same, and commit xtask/baseline/instructions.json

Where the time goes, with debug lines and perf (Debian: linux-perf):
  CARGO_PROFILE_DIST_DEBUG=line-tables-only CARGO_PROFILE_DIST_STRIP=none cargo xtask bench --scenario 2026 --target doorward --seconds 30 &
  perf record -g -p $(pgrep -x doorward) -- sleep 10; perf report --no-children";

impl Options {
    fn wants(&self, target: &str) -> bool {
        self.target.is_empty() || self.target.iter().any(|name| name == target)
    }

    /// Where the proxies run.
    fn place(&self, directory: &Path, port: u16) -> Place {
        let program = self.program.clone().unwrap_or_else(|| run::target_dir().join("dist/doorward"));
        Place { program, directory: directory.to_owned(), port, cpus: self.cpus.clone() }
    }

    fn wants_scenario(&self, name: &str) -> bool {
        name.contains(&self.scenario)
    }
}

/// How many connections ask at once: enough to fill the proxy's CPU, and one to see what a request takes alone.
const CONNECTIONS: [u32; 2] = [32, 1];

pub(crate) fn run(options: &Options) -> Result<()> {
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    ensure!(cpus >= 2, "the bench needs two CPUs, one for the proxy and one for everything else");
    if options.program.is_none() {
        build("dist", &["doorward-gateway"])?;
    }
    build("release", &["doorward-testkit", "--bin", "bench-upstream", "--bin", "bench-steps"])?;
    build("release", &["doorward-testkit", "--bin", "bench-agent", "--bin", "bench-caller"])?;
    let directory = std::env::temp_dir().join(format!("doorward-bench-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let outcome = if options.instructions {
        instructions::run(options, &directory)
    } else {
        compare(options, &directory)
    };
    fs::remove_dir_all(&directory)?;
    outcome
}

fn build(profile: &str, what: &[&str]) -> Result<()> {
    run::run(run::cargo(&[&["build", "--profile", profile, "--package"], what].concat()))
}

/// Measures time and memory, and prints them beside the baseline.
fn compare(options: &Options, directory: &Path) -> Result<()> {
    apt::ensure(&["wrk", "nginx-light"], || apt::on_path("wrk") && apt::on_path("nginx"))?;
    let report = measure(options, directory)?;
    ensure!(!report.is_empty(), "no such scenario or target");
    let baseline = baseline("load");
    let before = fs::read_to_string(&baseline).unwrap_or_default();
    report.print(&serde_json::from_str(&before).unwrap_or(Value::Null))?;
    let file = run::target_dir().join("bench.json");
    fs::write(&file, report.json()?)?;
    eprintln!("written to {}", file.display());
    if options.update_baseline {
        ensure!(options.scenario.is_empty() && options.target.is_empty(), "a baseline holds everything");
        fs::write(&baseline, report.json()?)?;
        eprintln!("written to {}", baseline.display());
    }
    Ok(())
}

/// The committed figures of a kind.
fn baseline(kind: &str) -> PathBuf {
    run::root().join("xtask/baseline").join(kind).with_extension("json")
}

fn measure(options: &Options, directory: &Path) -> Result<Report> {
    let port = processes::free_port()?;
    let upstream = Upstream::start(&[format!("http://127.0.0.1:{port}/mcp/bench")])?;
    let place = options.place(directory, port);
    let rows = under_load(options, &place, &upstream)?;
    let figures = standing::measure(options, &place, &upstream)?;
    let mut report = Report { rows, figures };
    report.figures.extend(tokens::measure(options, &place, &upstream)?);
    agents::measure(options, &place, &mut report)?;
    Ok(report)
}

fn under_load(options: &Options, place: &Place, upstream: &Upstream) -> Result<Vec<Row>> {
    let wanted: Vec<_> =
        SCENARIOS.into_iter().filter(|scenario| options.wants_scenario(scenario.name)).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let nginx = Nginx::start(place, upstream.port)?;
    let doorward = Doorward::start(place, upstream, &[])?;
    let mut targets = vec![upstream.target(), nginx.target(), doorward.target()];
    targets.retain(|target| options.wants(target.name));
    let steps = wanted.len() * CONNECTIONS.len() * targets.len();
    let mut rows = Vec::new();
    for scenario in wanted {
        for connections in CONNECTIONS {
            for target in &targets {
                let measured = Load::prepare(scenario, target)
                    .and_then(|load| load.measure(connections, options.seconds, &place.directory))
                    .with_context(|| format!("{} at {}", scenario.name, target.name))?;
                rows.push(Row { scenario: scenario.name, target: target.name, connections, measured });
                let Row { scenario, target, measured, .. } = &rows[rows.len() - 1];
                let cpu = measured.cpu_micros;
                eprintln!("  {}/{steps} {target} {scenario} x{connections}: {cpu:.1} µs", rows.len());
            }
        }
    }
    Ok(rows)
}
