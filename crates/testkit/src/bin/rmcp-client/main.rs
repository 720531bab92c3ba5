//! The official Rust SDK as a client: `rmcp-client URL [TOKEN] [auto|modern|legacy]`.
//!
//! Goes through the same checks as the scripts of `tests/peers` and prints one JSON line for each:
//! `{"check", "ok", "detail"}`. `PEER_HIDDEN` names a tool that must not exist. The exit code is 0 when all held.

mod everything;
mod modern;
mod peer;

use std::{env, future::Future, io::Write as _, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, ensure};
use peer::Peer;
use serde_json::{Value, json};

/// A hung peer must not hang the run; nothing else is measured.
const LIMIT: Duration = Duration::from_secs(30);

/// What the model that is none says; looked for in what servers say next.
const ANSWER: &str = "a model that is none";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or_default();
    let token = arguments.next().filter(|token| !token.is_empty());
    let era = arguments.next().unwrap_or_else(|| "auto".into());
    let mut report = Report { held: true };
    match Peer::connect(&url, token, &era).await {
        Ok(peer) => run(&peer, &mut report).await,
        Err(error) => report.print("connect", &Err(error)),
    }
    if report.held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(peer: &Peer, report: &mut Report) {
    report.print("connect", &Ok(json!(peer.version())));
    let names = match peer.tools().await {
        Ok(tools) => names(&tools["tools"], "name"),
        Err(error) => return report.print("tools", &Err(error)),
    };
    report.print("tools", &Ok(json!(names)));
    if names.iter().any(|name| name == "add") {
        modern::run(peer, report).await;
    } else {
        everything::run(peer, report).await;
    }
    if !peer.modern() {
        report.check("ping", peer.ping()).await;
    }
    if let Ok(hidden) = env::var("PEER_HIDDEN") {
        let listed = names.contains(&hidden);
        report.check("hidden", async { equal(&json!(listed), &json!(false), "whether it is listed") }).await;
        report.check("refused", refused(peer, &hidden)).await;
    }
}

async fn refused(peer: &Peer, hidden: &str) -> Result<Value> {
    let of_hidden = peer.refusal(hidden, json!({})).await?;
    equal(&of_hidden, &peer.refusal("no_such_tool", json!({})).await?, "hidden and unknown differ")?;
    equal(&of_hidden["code"], &json!(-32601), "code")?;
    Ok(of_hidden)
}

/// Prints what the checks found.
struct Report {
    held: bool,
}

impl Report {
    /// Runs one check; what it gives back becomes the detail.
    async fn check(&mut self, name: &str, body: impl Future<Output = Result<Value>>) {
        let outcome = tokio::time::timeout(LIMIT, body).await;
        self.print(name, &outcome.context("no end in time").flatten());
    }

    fn print(&mut self, check: &str, outcome: &Result<Value>) {
        let detail = match outcome {
            Ok(detail) => detail.clone(),
            Err(error) => json!(format!("{error:#}")),
        };
        self.held &= outcome.is_ok();
        // Nobody reads any more: then there is nobody to tell that.
        let _ = writeln!(
            std::io::stdout(),
            "{}",
            json!({"check": check, "ok": outcome.is_ok(), "detail": detail})
        );
    }
}

/// One member of every entry of a list.
fn names(list: &Value, member: &str) -> Vec<String> {
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| Some(entry[member].as_str()?.to_owned())).collect()
}

fn equal(actual: &Value, wanted: &Value, what: &str) -> Result<Value> {
    ensure!(actual == wanted, "{what}: {actual} instead of {wanted}");
    Ok(Value::Null)
}

fn holds(text: &Value, wanted: &str) -> Result<Value> {
    // As text, so that quotes inside look the same in both.
    let all = text.to_string();
    ensure!(all.contains(wanted), "{wanted:?} is not in {all}");
    Ok(Value::Null)
}
