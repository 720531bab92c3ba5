//! The table for people and the figures for machines.

use std::io::{Write, stdout};

use anyhow::Result;
use serde_json::{Value, json};

use super::load::Measured;

/// One scenario at one target.
pub(super) struct Row {
    pub(super) scenario: &'static str,
    pub(super) target: &'static str,
    pub(super) connections: u32,
    pub(super) measured: Measured,
}

impl Row {
    /// What nginx needed for the same; the measure of all things here.
    fn nginx<'a>(&self, rows: &'a [Row]) -> Option<&'a Measured> {
        let same = |row: &&Row| {
            row.target == "nginx" && row.scenario == self.scenario && row.connections == self.connections
        };
        rows.iter().find(same).map(|row| &row.measured)
    }
}

/// The table, with ratios to nginx in parentheses: below 1 is less than nginx.
pub(super) fn print(rows: &[Row]) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(
        out,
        "{:<22} {:>5}  {:<9} {:>15} {:>16} {:>16} {:>16}",
        "scenario", "conns", "target", "requests/s", "p50 ms", "p99 ms", "CPU µs/request"
    )?;
    for row in rows {
        let Row { scenario, target, connections, measured } = row;
        let nginx = row.nginx(rows);
        let with = |value: f64, of: fn(&Measured) -> f64, digits: usize| {
            let ratio = nginx.map(|nginx| format!(" ({:.2})", value / of(nginx))).unwrap_or_default();
            format!("{value:.digits$}{ratio}")
        };
        writeln!(
            out,
            "{scenario:<22} {connections:>5}  {target:<9} {:>15} {:>16} {:>16} {:>16}",
            with(measured.per_second, |of| of.per_second, 0),
            with(measured.p50, |of| of.p50, 3),
            with(measured.p99, |of| of.p99, 3),
            with(measured.cpu_micros, |of| of.cpu_micros, 1),
        )?;
    }
    Ok(())
}

/// The same as JSON.
pub(super) fn json(rows: &[Row]) -> Result<String> {
    let all: Vec<Value> = rows
        .iter()
        .map(|row| {
            let Row { scenario, target, connections, measured } = row;
            json!({
                "scenario": scenario,
                "target": target,
                "connections": connections,
                "requests": measured.requests,
                "requests_per_second": measured.per_second,
                "p50_ms": measured.p50,
                "p99_ms": measured.p99,
                "cpu_us_per_request": measured.cpu_micros,
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}
