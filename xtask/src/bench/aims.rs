//! What is aimed at, beside what is reached. A miss is a finding, not a failure of the command.

use std::io::Write;

use anyhow::Result;

use super::agents::{AFTER_MESSAGES, EXCHANGES};
use super::report::Report;
use super::scenario::{CALL, LIST};
use super::standing::{AFTER_CALLS, START, WITH_STREAMS};
use super::tokens::CACHED;

/// A figure and the most that it should be.
struct Aim {
    says: String,
    at_most: f64,
    unit: &'static str,
    /// None when this run did not measure it.
    reached: Option<f64>,
}

/// Writes a table with a line for each aim of which something was measured.
pub(super) fn print(report: &Report, out: &mut impl Write) -> Result<()> {
    let aims = aims(report);
    if aims.iter().any(|aim| aim.reached.is_some()) {
        writeln!(out, "\n{:<58} {:>10} {:>10}", "aim", "at most", "reached")?;
    }
    for Aim { says, at_most, unit, reached } in aims {
        let Some(reached) = reached else { continue };
        let verdict = if reached <= at_most { "pass" } else { "MISS" };
        let reached = format!("{reached:.1} {unit}");
        writeln!(out, "{says:<58} {:>10} {reached:>10}  {verdict}", format!("{at_most} {unit}"))?;
    }
    Ok(())
}

fn aims(report: &Report) -> Vec<Aim> {
    let cpu = |scenario, target| report.measured(scenario, target, 32).map(|measured| measured.cpu_micros);
    let median = |target| report.measured(CALL.name, target, 1).map(|measured| measured.p50 * 1e3);
    let ours = |name| report.figure(name, "doorward");
    let against = |value: Option<f64>, other: Option<f64>, of: fn(f64, f64) -> f64| {
        value.zip(other).map(|(value, other)| of(value, other))
    };
    let mut aims = vec![
        aim("CPU of a tools/call, 32 connections", 60.0, "µs", cpu(CALL.name, "doorward")),
        aim(
            "  of nginx's in the same run",
            3.0,
            "×",
            against(cpu(CALL.name, "doorward"), cpu(CALL.name, "nginx"), |ours, nginx| ours / nginx),
        ),
        aim("CPU of a filtered tools/list, 32 connections", 60.0, "µs", cpu(LIST.name, "doorward")),
        aim(
            "median latency that is added to a tools/call, 1 connection",
            150.0,
            "µs",
            against(median("doorward"), median("direct"), |ours, direct| ours - direct),
        ),
        aim(AFTER_CALLS, 25.0, "MiB", ours(AFTER_CALLS)),
        aim(WITH_STREAMS, 40.0, "MiB", ours(WITH_STREAMS)),
        aim(START, 100.0, "ms", ours(START)),
        aim(CACHED, 2.0, "µs", ours(CACHED)),
        aim(AFTER_MESSAGES, 40.0, "MiB", ours(AFTER_MESSAGES)),
    ];
    aims.extend(of_agents(report));
    aims
}

fn of_agents(report: &Report) -> impl Iterator<Item = Aim> {
    EXCHANGES.iter().filter_map(|exchange| {
        let Some(first) = exchange.first() else {
            let at_most = if exchange.is_passed_on() { 60.0 } else { 120.0 };
            let measured = report.measured(exchange.name, "doorward", 32);
            let says = format!("CPU of a {}", exchange.name);
            return Some(aim(&says, at_most, "µs", measured.map(|measured| measured.cpu_micros)));
        };
        // The others have nothing to be compared with.
        let direct = report.figure(first, "direct");
        exchange.is_passed_on().then(|| {
            let reached = report.figure(first, "doorward").zip(direct).map(|(ours, direct)| ours - direct);
            aim(&format!("median delay of the {first}"), 1_000.0, "µs", reached)
        })
    })
}

fn aim(says: &str, at_most: f64, unit: &'static str, reached: Option<f64>) -> Aim {
    Aim { says: says.to_owned(), at_most, unit, reached }
}
