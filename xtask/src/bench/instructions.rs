//! Instructions instead of time: the same on a busy machine as on a quiet one, so that a change of 3 % shows.
//!
//! Steps run alone in `bench-steps`: callgrind counts a run with more rounds and one with fewer, and the difference is
//! what the rounds took. Whole requests run through the program, and what is counted is `path::handle` with all that it
//! calls: sockets, timers and the writing of records, which depend on how busy the machine is, are outside. Valgrind's processor knows neither AVX-512 nor the instructions for SHA-256, so hashing weighs more here than it
//! does in time.

use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stdout};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::http::Connection;
use super::load::Load;
use super::processes::{self, Doorward, Upstream};
use super::scenario::{CALL, EVENTS, LIST, Scenario};
use super::{Options, baseline};
use crate::{apt, run};

/// Something whose instructions are counted.
struct Counted {
    name: &'static str,
    work: Work,
    /// By how much the count may grow, in hundredths of what it was.
    tolerance: f64,
}

enum Work {
    /// A step of `bench-steps`, and how often it is done at least.
    Step(&'static str, u32),
    /// A request to the program.
    Request(&'static Scenario),
}

/// How much more the longer run does than the shorter.
const LONGER: u32 = 3;
/// Requests that are counted.
const REQUESTS: u32 = 1_000;
/// Requests before, so that caches are warm and buffers have grown.
const WARM_UP: u32 = 200;

const fn step(name: &'static str, step: &'static str, rounds: u32) -> Counted {
    Counted { name, work: Work::Step(step, rounds), tolerance: 3.0 }
}

const fn request(name: &'static str, scenario: &'static Scenario) -> Counted {
    Counted { name, work: Work::Request(scenario), tolerance: 3.0 }
}

/// The way of a request, as the debugger calls it.
const PATH: &str = "--toggle-collect=doorward_gateway::path::handle::{{closure}}";

const COUNTED: [Counted; 10] = [
    step("step: verify a new token", "new-token", 20),
    step("step: hash a known token", "known-token", 1000),
    step("step: check and splice a tools/call", "call", 1000),
    step("step: check and splice a result", "result", 1000),
    step("step: check and splice 100 KB", "large-result", 100),
    step("step: filter 200 tools to 20", "list", 20),
    step("step: relay an event", "event", 1000),
    request("request: tools/call", CALL),
    request("request: tools/call, SSE", EVENTS),
    request("request: tools/list, kept", LIST),
];

/// Counts, compares with the committed counts, and fails when something grew.
pub(super) fn run(options: &Options, directory: &Path) -> Result<()> {
    apt::ensure(&["valgrind"], || apt::on_path("valgrind"))?;
    let file = baseline("instructions");
    let before: Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap_or_default()).unwrap_or_default();
    let wanted: Vec<_> = COUNTED.iter().filter(|counted| options.wants_scenario(counted.name)).collect();
    ensure!(!wanted.is_empty(), "nothing of that name is counted");
    let mut table = format!("{:<36} {:>14} {:>14} {:>8}\n", "instructions", "before", "now", "change");
    let mut counts = before.as_object().cloned().unwrap_or_else(Map::new);
    let mut grown = Vec::new();
    for (number, Counted { name, work, tolerance }) in wanted.iter().enumerate() {
        eprintln!("  {}/{} {name}", number + 1, wanted.len());
        let now = work.count(options, directory).with_context(|| format!("cannot count {name}"))?;
        counts.insert((*name).to_owned(), json!(now.round()));
        let Some(was) = before[*name].as_f64() else {
            writeln!(table, "{name:<36} {:>14} {now:>14.0}", "-")?;
            continue;
        };
        let change = (now / was - 1.0) * 100.0;
        let verdict = if change > *tolerance { "GREW" } else { "" };
        writeln!(table, "{name:<36} {was:>14.0} {now:>14.0} {change:>+7.1}% {verdict}")?;
        if change > *tolerance {
            grown.push(*name);
        }
    }
    stdout().write_all(table.as_bytes())?;
    if options.update_baseline {
        fs::write(&file, serde_json::to_string_pretty(&counts)? + "\n")?;
        eprintln!("written to {}", file.display());
        return Ok(());
    }
    ensure!(
        grown.is_empty(),
        "more instructions than before: {}; if that is what the change is worth, commit it with --update-baseline",
        grown.join(", ")
    );
    Ok(())
}

impl Work {
    /// Instructions of one round.
    fn count(&self, options: &Options, directory: &Path) -> Result<f64> {
        match self {
            Self::Step(step, rounds) => {
                let few = steps(step, *rounds, directory)?;
                let many = steps(step, rounds * LONGER, directory)?;
                Ok((many - few) / f64::from(rounds * (LONGER - 1)))
            }
            Self::Request(scenario) => Ok(requests(scenario, options, directory)? / f64::from(REQUESTS)),
        }
    }
}

/// Callgrind with its options; what it counted is at the end of a file.
fn callgrind(directory: &Path) -> [String; 4] {
    let file = format!("--callgrind-out-file={}", directory.join("callgrind.out").display());
    ["valgrind".into(), "--tool=callgrind".into(), "--quiet".into(), file]
}

/// The total that callgrind wrote to a file.
fn total(directory: &Path, file: &str) -> Result<f64> {
    let text = fs::read_to_string(directory.join(file))?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(line.context("callgrind counted nothing")?.trim().parse()?)
}

fn steps(step: &str, rounds: u32, directory: &Path) -> Result<f64> {
    let program = run::target_dir().join("release/bench-steps");
    let [valgrind, options @ ..] = callgrind(directory);
    let mut command = run::command(valgrind, &[]);
    command.args(options).arg(program).args([step, &rounds.to_string()]);
    run::output(command)?;
    total(directory, "callgrind.out")
}

/// Requests to the program on one connection, one after the other.
fn requests(scenario: &Scenario, options: &Options, directory: &Path) -> Result<f64> {
    let port = processes::free_port()?;
    let upstream = Upstream::start(&[format!("http://127.0.0.1:{port}/mcp/bench")])?;
    let under: Vec<String> = callgrind(directory).into_iter().chain([PATH.to_owned()]).collect();
    let under: Vec<&str> = under.iter().map(String::as_str).collect();
    let place = options.place(directory, port);
    let doorward = Doorward::start(&place, &upstream, &under)?;
    let target = doorward.target();
    let monitor = |command| {
        let process = format!("--pid={}", target.pid);
        ensure!(run::succeeds(run::command("vgdb", &[&process, command])), "valgrind does not listen");
        Ok(())
    };
    let load = Load::prepare(scenario, &target)?;
    let mut connection = Connection::open(port)?;
    load.send(&mut connection, WARM_UP)?;
    monitor("zero")?;
    load.send(&mut connection, REQUESTS)?;
    monitor("dump")?;
    let total = total(directory, "callgrind.out.1");
    doorward.stop()?;
    total
}
