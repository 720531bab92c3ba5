//! The load: wrk with a script that gives every request an id of its own.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::http::Connection;
use super::processes;
use super::scenario::{Scenario, Target};
use crate::run;

/// What is sent to a target, again and again.
pub(super) struct Load {
    pub(super) headers: Vec<(String, String)>,
    pub(super) path: String,
    pub(super) port: u16,
    pub(super) pid: u32,
    /// `@` stands where each request has a number of its own.
    pub(super) body: String,
}

/// What came out of one run.
pub(super) struct Measured {
    pub(super) requests: f64,
    pub(super) per_second: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    /// Milliseconds.
    pub(super) p99: f64,
    /// Microseconds until the first message of an answer, where the load looks at it: the median.
    pub(super) first: Option<f64>,
    /// Microseconds of CPU time of the target's process for one request.
    pub(super) cpu_micros: f64,
}

impl Measured {
    /// Reads what a load prints as its last line; an answer that was wrong spoils the run.
    pub(super) fn read(said: &str) -> Result<Self> {
        let line =
            said.lines().find_map(|line| line.strip_prefix("RESULT ")).context("the load gave no result")?;
        let result: Value = serde_json::from_str(line)?;
        let number = |name: &str| result[name].as_f64().with_context(|| format!("the load gave no {name}"));
        ensure!(number("errors")? == 0.0, "answers were wrong: {line}");
        let requests = number("requests")?;
        ensure!(requests > 0.0, "nothing was answered in time: {line}");
        Ok(Self {
            requests,
            per_second: requests / (number("micros")? / 1e6),
            p50: number("p50")? / 1e3,
            p99: number("p99")? / 1e3,
            first: result["first"].as_f64(),
            cpu_micros: 0.0,
        })
    }
}

/// Measures what a process spends on a load for so long, after a third of the time as a warm-up.
pub(super) fn measure(
    pid: u32,
    seconds: u64,
    run: impl Fn(Duration) -> Result<Measured>,
) -> Result<Measured> {
    run(Duration::from_secs(seconds.div_ceil(3)))?;
    let before = processes::cpu_time(pid)?;
    let mut measured = run(Duration::from_secs(seconds))?;
    let spent = processes::cpu_time(pid)?.saturating_sub(before);
    measured.cpu_micros = spent.as_secs_f64() * 1e6 / measured.requests;
    Ok(measured)
}

impl Load {
    /// What would be sent; nothing is.
    pub(super) fn of(scenario: &Scenario, target: &Target) -> Self {
        let mut headers = scenario.headers();
        headers
            .extend(target.token.as_ref().map(|token| ("Authorization".into(), format!("Bearer {token}"))));
        let (method, params) = (scenario.method(), scenario.params());
        let body = format!(r#"{{"jsonrpc":"2.0","id":@,"method":"{method}","params":{params}}}"#);
        Self { headers, path: target.path.to_owned(), port: target.port, pid: target.pid, body }
    }

    /// Opens a session where one is needed, and looks at one answer before thousands are counted.
    pub(super) fn prepare(scenario: &Scenario, target: &Target) -> Result<Self> {
        let mut load = Self::of(scenario, target);
        let mut connection = Connection::open(target.port)?;
        if !scenario.modern {
            load.begin_session(&mut connection)?;
        }
        let answer = connection.post(&load.path, &load.headers, &load.body("1"))?;
        if answer.status != 200 || !answer.body.contains(scenario.marker) {
            bail!("{} does not answer {}: {}", target.name, scenario.name, answer.body);
        }
        if target.name == "doorward" && answer.body.contains("tool-020") {
            bail!("doorward does not filter: {}", answer.body);
        }
        Ok(load)
    }

    fn begin_session(&mut self, connection: &mut Connection) -> Result<()> {
        let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
        let answer = connection.post(&self.path, &self.headers, initialize)?;
        let session =
            answer.header("mcp-session-id").with_context(|| format!("no session: {}", answer.body))?;
        self.headers.push(("Mcp-Session-Id".into(), session.into()));
        self.headers.push(("MCP-Protocol-Version".into(), "2025-11-25".into()));
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        connection.post(&self.path, &self.headers, initialized)?;
        Ok(())
    }

    /// Sends exactly so many requests, one after the other.
    pub(super) fn send(&self, connection: &mut Connection, requests: u32) -> Result<()> {
        for id in 1..=requests {
            let answer = connection.post(&self.path, &self.headers, &self.body(&id.to_string()))?;
            ensure!(answer.status == 200, "an answer was wrong: {}", answer.body);
        }
        Ok(())
    }

    /// Measures for so long, after a third of the time as a warm-up.
    pub(super) fn measure(&self, connections: u32, seconds: u64, directory: &Path) -> Result<Measured> {
        measure(self.pid, seconds, |time| self.run(connections, time, directory))
    }

    /// Runs wrk on the CPU of the world and reads its result; answers other than 2xx are wrong.
    pub(super) fn run(&self, connections: u32, time: Duration, directory: &Path) -> Result<Measured> {
        let script = directory.join("load.lua");
        fs::write(&script, self.script())?;
        let mut command = run::command("taskset", &["-c", processes::CPU_OF_THE_WORLD, "wrk", "-t1"]);
        command.arg(format!("-c{connections}")).arg(format!("-d{}s", time.as_secs())).arg("-s").arg(script);
        command.arg(format!("http://127.0.0.1:{}", self.port));
        Measured::read(&run::output(command)?)
    }

    /// The message with this id.
    pub(super) fn body(&self, id: &str) -> String {
        self.body.replacen('@', id, 1)
    }

    /// The same as a script for wrk, which prints what it measured as one line of JSON.
    fn script(&self) -> String {
        let (before, after) = self.body.split_once('@').unwrap_or((&self.body, ""));
        let headers: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("  [{name:?}] = {value:?},\n")).collect();
        let headers = headers.concat();
        let path = &self.path;
        format!(
            r#"
local id = 0
local headers = {{
{headers}}}
function request()
  id = id + 1
  return wrk.format("POST", "{path}", headers, [==[{before}]==] .. id .. [==[{after}]==])
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"errors":%d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"#
        )
    }

    /// Opens a stream and waits for its first event; the stream lives as long as what is returned.
    pub(super) fn stream(&self, number: u32) -> Result<Connection> {
        let mut connection = Connection::open(self.port)?;
        let answer = connection.listen(&self.path, &self.headers, &self.body(&number.to_string()))?;
        ensure!(answer.body.contains("acknowledged"), "no stream: {} {}", answer.status, answer.body);
        Ok(connection)
    }
}
