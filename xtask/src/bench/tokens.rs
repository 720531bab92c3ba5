//! Doorward's own tokens: how many it issues in a second, and what it costs to judge one.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Options;
use super::http::Connection;
use super::processes::{self, Doorward, Place, Upstream};
use super::report::Figure;
use crate::run;

pub(super) const REQUESTS: &str = "token requests, one after the other";
pub(super) const REQUEST_CPU: &str = "CPU of a token request";
pub(super) const CACHED: &str = "check of a token that is known";
pub(super) const STORED: &str = "check of a token that is asked of the store";

/// As many as one address may send at once.
const COUNT: u32 = 380;

/// Measures what of this is asked for.
pub(super) fn measure(options: &Options, place: &Place, upstream: &Upstream) -> Result<Vec<Figure>> {
    let wants = |names: [&str; 2]| names.iter().any(|name| options.wants_scenario(name));
    let mut figures = Vec::new();
    if options.wants("doorward") && wants([REQUESTS, REQUEST_CPU]) {
        figures.extend(requests(place, upstream)?);
    }
    if options.wants("doorward") && wants([CACHED, STORED]) {
        figures.extend(checks()?);
    }
    for Figure { name, value, unit, .. } in &figures {
        eprintln!("  doorward {name}: {value:.2} {unit}");
    }
    Ok(figures)
}

/// Client credentials, by secret, for the virtual server.
fn requests(place: &Place, upstream: &Upstream) -> Result<Vec<Figure>> {
    let doorward = Doorward::start(place, upstream, &[])?;
    let target = doorward.target();
    let name = format!("bench-{}", std::process::id());
    let mut command = run::command(&place.program, &["client", "add", &name, "--credentials"]);
    command.arg("--config").arg(place.directory.join("doorward.toml")).current_dir(&place.directory);
    let client: Value = serde_json::from_str(&run::output(command)?)?;
    let secret = client["client_secret"].as_str().context("no client_secret")?;
    let resource = format!("http%3A%2F%2F127.0.0.1%3A{}%2Fmcp%2Fbench", target.port);
    let form =
        format!("grant_type=client_credentials&client_id={name}&client_secret={secret}&resource={resource}");
    let headers = [("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let mut connection = Connection::open(target.port)?;
    let (begin, before) = (Instant::now(), processes::cpu_time(target.pid)?);
    for _ in 0..COUNT {
        let answer = connection.post("/token", &headers, &form)?;
        ensure!(answer.status == 200, "no token: {}", answer.body);
    }
    let (took, spent) = (begin.elapsed(), processes::cpu_time(target.pid)?.saturating_sub(before));
    doorward.stop()?;
    let figure = |name, value, unit| Figure { name, target: "doorward", value, unit };
    Ok(vec![
        figure(REQUESTS, f64::from(COUNT) / took.as_secs_f64(), "/s"),
        figure(REQUEST_CPU, spent.as_secs_f64() * 1e6 / f64::from(COUNT), "µs"),
    ])
}

/// What the program's own bench of a look-up says.
fn checks() -> Result<Vec<Figure>> {
    let said = run::output(run::cargo(&["bench", "--package", "doorward-gateway", "--bench", "own_token"]))?;
    let line =
        said.lines().find_map(|line| line.strip_prefix("RESULT ")).context("the bench gave no result")?;
    let result: Value = serde_json::from_str(line)?;
    let figure = |name, member: &str| -> Result<Figure> {
        let value = result[member].as_f64().with_context(|| format!("no {member}"))?;
        Ok(Figure { name, target: "doorward", value, unit: "µs" })
    };
    Ok(vec![figure(CACHED, "cached_us")?, figure(STORED, "stored_us")?])
}
