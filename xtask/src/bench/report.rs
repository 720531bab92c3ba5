//! The tables for people and the figures for machines.

use std::io::{Write, stdout};

use anyhow::Result;
use serde_json::{Value, json};

use super::aims;
use super::load::Measured;

/// One scenario at one target.
pub(super) struct Row {
    pub(super) scenario: &'static str,
    pub(super) target: &'static str,
    pub(super) connections: u32,
    pub(super) measured: Measured,
}

/// One figure of a process.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) target: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
}

/// Everything that a run measured.
#[derive(Default)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) figures: Vec<Figure>,
}

impl Report {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.figures.is_empty()
    }

    /// What was measured of a scenario.
    pub(super) fn measured(&self, scenario: &str, target: &str, connections: u32) -> Option<&Measured> {
        let same =
            |row: &&Row| row.target == target && row.scenario == scenario && row.connections == connections;
        self.rows.iter().find(same).map(|row| &row.measured)
    }

    /// A figure of a process.
    pub(super) fn figure(&self, name: &str, target: &str) -> Option<f64> {
        let same = |figure: &&Figure| figure.target == target && figure.name == name;
        self.figures.iter().find(same).map(|figure| figure.value)
    }

    /// The tables; `before` is an earlier report as JSON.
    pub(super) fn print(&self, before: &Value) -> Result<()> {
        let mut out = stdout().lock();
        if !self.rows.is_empty() {
            self.print_rows(before, &mut out)?;
        }
        if !self.figures.is_empty() {
            writeln!(out, "\n{:<34} {:<9} {:>12} {:>12}", "process", "target", "value", "before")?;
        }
        for Figure { name, target, value, unit } in &self.figures {
            let same = |figure: &&Value| figure["name"] == *name && figure["target"] == *target;
            let before = find(&before["figures"], same).and_then(|figure| figure["value"].as_f64());
            let before = before.map(|value| format!("{value:.1} {unit}")).unwrap_or_default();
            writeln!(out, "{name:<34} {target:<9} {:>12} {before:>12}", format!("{value:.1} {unit}"))?;
        }
        aims::print(self, &mut out)
    }

    /// Ratios to nginx are in parentheses: below 1 is less than nginx.
    fn print_rows(&self, before: &Value, out: &mut impl Write) -> Result<()> {
        writeln!(
            out,
            "\n{:<34} {:>5}  {:<9} {:>15} {:>16} {:>16} {:>16} {:>14}",
            "scenario", "conns", "target", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "before"
        )?;
        for Row { scenario, target, connections, measured } in &self.rows {
            let nginx = self.measured(scenario, "nginx", *connections);
            let with = |value: f64, of: fn(&Measured) -> f64, digits: usize| {
                let ratio = nginx.map(|nginx| format!(" ({:.2})", value / of(nginx))).unwrap_or_default();
                format!("{value:.digits$}{ratio}")
            };
            let cpu_before = |target: &str| {
                let same = |row: &&Value| {
                    row["scenario"] == *scenario
                        && row["target"] == target
                        && row["connections"] == *connections
                };
                find(&before["rows"], same).and_then(|row| row["cpu_us_per_request"].as_f64())
            };
            let before = match (cpu_before(target), cpu_before("nginx")) {
                (Some(cpu), Some(nginx)) => format!("{cpu:.1} ({:.2})", cpu / nginx),
                (Some(cpu), None) => format!("{cpu:.1}"),
                _ => String::new(),
            };
            writeln!(
                out,
                "{scenario:<34} {connections:>5}  {target:<9} {:>15} {:>16} {:>16} {:>16} {before:>14}",
                with(measured.per_second, |of| of.per_second, 0),
                with(measured.p50, |of| of.p50, 3),
                with(measured.p99, |of| of.p99, 3),
                with(measured.cpu_micros, |of| of.cpu_micros, 1),
            )?;
        }
        Ok(())
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Result<String> {
        let rows = self.rows.iter().map(|row| {
            let Row { scenario, target, connections, measured } = row;
            json!({
                "scenario": scenario,
                "target": target,
                "connections": connections,
                "requests": measured.requests,
                "requests_per_second": rounded(measured.per_second),
                "p50_ms": measured.p50,
                "p99_ms": measured.p99,
                "cpu_us_per_request": rounded(measured.cpu_micros),
            })
        });
        let figures = self.figures.iter().map(|figure| {
            let Figure { name, target, value, unit } = figure;
            json!({"name": name, "target": target, "value": rounded(*value), "unit": unit})
        });
        let all = json!({"rows": rows.collect::<Vec<_>>(), "figures": figures.collect::<Vec<_>>()});
        Ok(serde_json::to_string_pretty(&all)? + "\n")
    }
}

fn find(list: &Value, same: impl Fn(&&Value) -> bool) -> Option<&Value> {
    list.as_array().and_then(|list| list.iter().find(same))
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
