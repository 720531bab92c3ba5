//! `cargo xtask bench`: what a request costs at Doorward, beside nginx as a plain reverse proxy and beside nothing.
//!
//! One run compares: the same load, the same upstream, the same minute. The proxy under test has CPU 1 for itself; load
//! and upstream share CPU 0. Doorward checks a JWT, filters and records; nginx does nothing but pass on.

mod http;
mod load;
mod processes;
mod report;

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{apt, run};
use load::{Load, Measured};
use processes::{Doorward, Nginx, Upstream};
use report::Row;

#[derive(Args)]
pub(crate) struct Options {
    /// How long each figure is measured, in seconds; a third of it goes before as a warm-up.
    #[arg(long, default_value_t = 9)]
    seconds: u64,
    /// Only scenarios whose name contains this.
    #[arg(long, default_value = "")]
    scenario: String,
    /// Only these targets (repeat for several): direct, nginx, doorward.
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
}

impl Options {
    fn wants(&self, target: &str) -> bool {
        self.target.is_empty() || self.target.iter().any(|name| name == target)
    }
}

/// One kind of request.
struct Scenario {
    name: &'static str,
    /// Whether it is a request of 2026-07-28, or of a session of 2025-11-25.
    modern: bool,
    method: &'static str,
    /// What must be in the answer of each target.
    marker: &'static str,
}

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "tools/call 2026-07-28", modern: true, method: "tools/call", marker: "dull boy" },
    Scenario { name: "tools/call 2025-11-25", modern: false, method: "tools/call", marker: "dull boy" },
    Scenario { name: "tools/list 200 to 20", modern: true, method: "tools/list", marker: "tool-019" },
];

/// How many connections ask at once: enough to fill the proxy's CPU, and one to see what a request takes alone.
const CONNECTIONS: [u32; 2] = [32, 1];

/// The tools that the virtual server publishes, of the 200 that the upstream has.
const PUBLISHED: usize = 20;

/// Where requests go.
struct Target {
    name: &'static str,
    port: u16,
    path: &'static str,
    /// The process whose CPU time counts.
    pid: u32,
    token: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    ensure!(cpus >= 2, "the bench needs two CPUs, one for the proxy and one for everything else");
    apt::ensure(&["wrk", "nginx-light"], || apt::on_path("wrk") && apt::on_path("nginx"))?;
    if options.wants("doorward") {
        run::run(run::cargo(&["build", "--release", "--package", "doorward-gateway"]))?;
    }
    run::run(run::cargo(&[
        "build",
        "--release",
        "--package",
        "doorward-testkit",
        "--bin",
        "bench-upstream",
    ]))?;
    let directory = std::env::temp_dir().join(format!("doorward-bench-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let outcome = measure(options, &directory);
    fs::remove_dir_all(&directory)?;
    let rows = outcome?;
    ensure!(!rows.is_empty(), "no such scenario or target");
    let file = run::target_dir().join("bench.json");
    fs::write(&file, report::json(&rows)?)?;
    report::print(&rows)?;
    eprintln!("written to {}", file.display());
    Ok(())
}

fn measure(options: &Options, directory: &std::path::Path) -> Result<Vec<Row>> {
    let port = processes::free_port()?;
    let upstream = Upstream::start(&format!("http://127.0.0.1:{port}/mcp/bench"))?;
    let nginx = Nginx::start(directory, upstream.port)?;
    let plain = |name, port, pid| Target { name, port, path: "/mcp", pid, token: None };
    let mut targets =
        vec![plain("direct", upstream.port, upstream.pid()), plain("nginx", nginx.port, nginx.pid())];
    let doorward =
        if options.wants("doorward") { Some(Doorward::start(directory, port, &upstream)?) } else { None };
    if let Some(doorward) = &doorward {
        let token = Some(upstream.token.clone());
        targets.push(Target { name: "doorward", port, path: "/mcp/bench", pid: doorward.pid(), token });
    }
    targets.retain(|target| options.wants(target.name));
    let mut rows = Vec::new();
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.name.contains(&options.scenario)) {
        for connections in CONNECTIONS {
            for target in &targets {
                let load = prepare(scenario, target)?;
                let measured = once(&load, target, connections, options.seconds, directory)
                    .with_context(|| format!("{} at {}", scenario.name, target.name))?;
                eprintln!("  {} {} x{connections}: {:.0}/s", target.name, scenario.name, measured.per_second);
                rows.push(Row { scenario: scenario.name, target: target.name, connections, measured });
            }
        }
    }
    Ok(rows)
}

/// Opens a session where one is needed, and looks at one answer before thousands are counted.
fn prepare(scenario: &Scenario, target: &Target) -> Result<Load> {
    let mut load = Load::new(scenario, target);
    if !scenario.modern {
        let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
        let answer = http::post(target.port, target.path, &load.headers, initialize)?;
        let session =
            answer.header("mcp-session-id").with_context(|| format!("no session: {}", answer.text))?;
        load.headers.push(("Mcp-Session-Id".into(), session.into()));
        load.headers.push(("MCP-Protocol-Version".into(), "2025-11-25".into()));
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        http::post(target.port, target.path, &load.headers, initialized)?;
    }
    let answer = http::post(target.port, target.path, &load.headers, &load.body("1"))?;
    if answer.status != 200 || !answer.text.contains(scenario.marker) {
        bail!("{} does not answer {}: {}", target.name, scenario.name, answer.text);
    }
    if target.name == "doorward" && answer.text.contains("tool-020") {
        bail!("doorward does not filter: {}", answer.text);
    }
    Ok(load)
}

fn once(
    load: &Load,
    target: &Target,
    connections: u32,
    seconds: u64,
    directory: &std::path::Path,
) -> Result<Measured> {
    let script = directory.join("load.lua");
    fs::write(&script, load.script())?;
    load::wrk(&script, target.port, connections, Duration::from_secs(seconds.div_ceil(3)))?;
    let before = processes::cpu_time(target.pid)?;
    let mut measured = load::wrk(&script, target.port, connections, Duration::from_secs(seconds))?;
    let spent = processes::cpu_time(target.pid)?.saturating_sub(before);
    measured.cpu_micros = spent.as_secs_f64() * 1e6 / measured.requests;
    Ok(measured)
}
