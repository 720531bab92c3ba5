//! What is measured of a process that stands or begins, rather than of single requests: memory and start.

use std::path::Path;

use anyhow::Result;

use super::Options;
use super::load::Load;
use super::processes::{self, Doorward, Nginx, Place, Upstream};
use super::report::Figure;
use super::scenario::{CALL, STREAM, Target};

/// The requests after which memory is looked at.
const CALLS: f64 = 100_000.0;
/// The streams that are open at once.
const STREAMS: u32 = 1_000;
/// How often the program is started.
const STARTS: usize = 9;

pub(super) const START: &str = "start until ready";
pub(super) const IDLE: &str = "memory after the start";
pub(super) const AFTER_CALLS: &str = "memory after 100,000 calls";
pub(super) const WITH_STREAMS: &str = "memory with 1,000 idle streams";

/// Measures what of this is asked for, each with a process of its own.
pub(super) fn measure(options: &Options, place: &Place, upstream: &Upstream) -> Result<Vec<Figure>> {
    let directory = place.directory.as_path();
    let mut figures = Vec::new();
    let memory = |name, target: &Target| -> Result<Figure> {
        let value = processes::resident(target.pid)?;
        eprintln!("  {} {name}: {value:.1} MiB", target.name);
        Ok(Figure { name, target: target.name, value, unit: "MiB" })
    };
    for name in [AFTER_CALLS, WITH_STREAMS].into_iter().filter(|name| options.wants_scenario(name)) {
        let work =
            |target: &Target| if name == AFTER_CALLS { calls(target, directory) } else { streams(target) };
        if options.wants("nginx") {
            let nginx = Nginx::start(place, upstream.port)?;
            let _held = work(&nginx.target())?;
            figures.push(memory(name, &nginx.target())?);
        }
        if options.wants("doorward") {
            let doorward = Doorward::start(place, upstream, &[])?;
            if name == AFTER_CALLS {
                figures.push(memory(IDLE, &doorward.target())?);
            }
            let _held = work(&doorward.target())?;
            figures.push(memory(name, &doorward.target())?);
        }
    }
    if options.wants("doorward") && options.wants_scenario(START) {
        figures.push(start(place, upstream)?);
    }
    Ok(figures)
}

/// Calls a tool, on 32 connections, until there were enough.
fn calls(target: &Target, directory: &Path) -> Result<Vec<super::http::Connection>> {
    let load = Load::prepare(CALL, target)?;
    let mut called = 0.0;
    while called < CALLS {
        called += load.run(32, std::time::Duration::from_secs(2), directory)?.requests;
    }
    Ok(Vec::new())
}

/// Opens streams; they live as long as what is returned.
fn streams(target: &Target) -> Result<Vec<super::http::Connection>> {
    let load = Load::of(STREAM, target);
    (1..=STREAMS).map(|number| load.stream(number)).collect()
}

/// The median of several starts.
fn start(place: &Place, upstream: &Upstream) -> Result<Figure> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let doorward = Doorward::start(place, upstream, &[])?;
        times.push(doorward.started_in.as_secs_f64() * 1e3);
        doorward.stop()?;
    }
    times.sort_by(f64::total_cmp);
    let value = times[STARTS / 2];
    eprintln!("  doorward {START}: {value:.1} ms");
    Ok(Figure { name: START, target: "doorward", value, unit: "ms" })
}
