//! The load: wrk with a script that gives every request an id of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Scenario, Target};
use crate::run;

/// What is sent, again and again.
pub(super) struct Load {
    pub(super) headers: Vec<(String, String)>,
    path: &'static str,
    method: &'static str,
    params: Value,
}

/// What came out of one run.
pub(super) struct Measured {
    pub(super) requests: f64,
    pub(super) per_second: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    /// Milliseconds.
    pub(super) p99: f64,
    /// Microseconds of CPU time of the target's process for one request.
    pub(super) cpu_micros: f64,
}

impl Load {
    pub(super) fn new(scenario: &Scenario, target: &Target) -> Self {
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("Accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ];
        if let Some(token) = &target.token {
            headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        let call = scenario.method == "tools/call";
        let mut params = if call {
            json!({"name": "tool-000", "arguments": {"query": "a modest question", "limit": 3}})
        } else {
            json!({})
        };
        if scenario.modern {
            headers.push(("MCP-Protocol-Version".into(), "2026-07-28".into()));
            headers.push(("Mcp-Method".into(), scenario.method.into()));
            if call {
                headers.push(("Mcp-Name".into(), "tool-000".into()));
            }
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            });
        }
        Self { headers, path: target.path, method: scenario.method, params }
    }

    /// The message with this id.
    pub(super) fn body(&self, id: &str) -> String {
        let (method, params) = (self.method, &self.params);
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
    }

    /// The same as a script for wrk, which prints what it measured as one line of JSON.
    pub(super) fn script(&self) -> String {
        let body = self.body("@");
        let (before, after) = body.split_once('@').unwrap_or((&body, ""));
        let headers: Vec<String> =
            self.headers.iter().map(|(name, value)| format!("  [{name:?}] = {value:?},\n")).collect();
        let headers = headers.concat();
        let path = self.path;
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
}

/// Runs wrk on CPU 0 and reads its result; an answer other than 2xx spoils the run.
pub(super) fn wrk(script: &Path, port: u16, connections: u32, time: Duration) -> Result<Measured> {
    let mut command = run::command("taskset", &["-c", "0", "wrk", "-t1"]);
    command.arg(format!("-c{connections}")).arg(format!("-d{}s", time.as_secs())).arg("-s").arg(script);
    command.arg(format!("http://127.0.0.1:{port}"));
    let said = run::output(command)?;
    let line = said.lines().find_map(|line| line.strip_prefix("RESULT ")).context("wrk gave no result")?;
    let result: Value = serde_json::from_str(line)?;
    let number = |name: &str| result[name].as_f64().with_context(|| format!("wrk gave no {name}"));
    ensure!(number("errors")? == 0.0, "answers were wrong: {line}");
    let requests = number("requests")?;
    Ok(Measured {
        requests,
        per_second: requests / (number("micros")? / 1e6),
        p50: number("p50")? / 1e3,
        p99: number("p99")? / 1e3,
        cpu_micros: 0.0,
    })
}
