//! The agent under test, and Doorward in front of it; none outlives its value.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Agent;
use crate::run;

/// How long a program may take to begin.
const PATIENCE: Duration = Duration::from_mins(1);

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running agent.
pub(super) struct Peer {
    /// Where its card is, without the path of the standard.
    pub(super) base: String,
    _process: Process,
}

impl Peer {
    /// Starts it, with one binding or with all.
    pub(super) fn start(agent: Agent, binding: Option<&str>) -> Result<Self> {
        let mut command = command(agent);
        if let Some(binding) = binding {
            command.args(["--bindings", binding]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start the agent; `cargo xtask tools` installs it")?;
        let mut said = String::new();
        let output = child.stdout.take().context("the agent has no output")?;
        let process = Process(child);
        BufReader::new(output).read_line(&mut said)?;
        let said: Value = serde_json::from_str(&said).context("the agent did not say where it listens")?;
        let base = said["base"].as_str().context("the agent did not say where it listens")?;
        Ok(Self { base: base.to_owned(), _process: process })
    }
}

fn command(agent: Agent) -> Command {
    let python = |environment: &str, script: &str| {
        let mut command =
            run::command(run::tools_dir().join("python").join(environment).join("bin/python"), &[]);
        command.current_dir(run::root().join("tests/peers/a2a")).arg(script);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    match agent {
        Agent::V1 => python("a2a-v1", "agent_v1.py"),
        Agent::V03 => {
            let mut command = python("a2a-v03", "agent_v03.py");
            command.arg("--kit");
            command
        }
        Agent::Js => {
            let arguments =
                ["--preserve-symlinks", "--preserve-symlinks-main", "peers/agent.mjs", "--also-v03"];
            let mut command = run::command("node", &arguments);
            command.current_dir(run::tools_dir().join("a2a"));
            command
        }
    }
}

/// Builds the program.
pub(super) fn build() -> Result<()> {
    run::run(run::cargo(&["build", "--package", "doorward-gateway"]))
}

/// The program with one open agent.
pub(super) struct Doorward {
    port: u16,
    _process: Process,
}

impl Doorward {
    pub(super) fn start(peer: &Peer, versions: &str) -> Result<Self> {
        let directory = run::target_dir().join("tck");
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        fs::write(directory.join("doorward.toml"), configuration(port, &peer.base, versions))?;
        let log = directory.join("log");
        let output = File::create(&log)?;
        let mut command = Command::new(program());
        command.args(["serve", "--config", "doorward.toml"]).current_dir(&directory).stdin(Stdio::null());
        command.stdout(output.try_clone()?).stderr(output);
        let mut process = Process(command.spawn().context("cannot start Doorward")?);
        let begin = Instant::now();
        while !is_ready(port) {
            let ended = process.0.try_wait()?.is_some() || begin.elapsed() > PATIENCE;
            ensure!(!ended, "Doorward does not come up:\n{}", fs::read_to_string(&log)?);
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { port, _process: process })
    }

    /// Where the agent's card is, without the path of the standard.
    pub(super) fn base(&self) -> String {
        // By a host of the agent's own: the kit of 0.3 looks for the card at the root.
        format!("http://localhost:{}/a2a/agent", self.port)
    }
}

fn program() -> PathBuf {
    run::target_dir().join("debug/doorward")
}

fn configuration(port: u16, base: &str, versions: &str) -> String {
    format!(
        r#"public_url = "http://127.0.0.1:{port}"

[listen]
address = "127.0.0.1:{port}"

[store]
url = "sqlite:doorward.db"

[keys]
master = {{ file = "master.key" }}

[network]
allow_private = ["127.0.0.1/32"]

[[agent]]
name = "agent"
card = "{base}/.well-known/agent-card.json"
access = "open"
bindings = ["jsonrpc", "http+json", "grpc"]
versions = {versions}
host = "localhost"
"#
    )
}

fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok(start.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
