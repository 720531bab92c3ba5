//! The real agents, each on free ports.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::programs::{Running, node, python, repository, tools};

/// The bindings, as cards name them.
pub(super) const BINDINGS: [&str; 3] = ["JSONRPC", "HTTP+JSON", "GRPC"];

/// Which SDK an agent is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `a2a-sdk` of 1.0.
    PythonV1,
    /// The last `a2a-sdk` of 0.3.
    PythonV03,
    /// `@a2a-js/sdk` of 1.0, which also speaks 0.3.
    JavaScript,
}

/// A running agent.
pub(super) struct Agent {
    /// Where its card is, without the path of the standard.
    pub(super) base: String,
    _process: Running,
}

impl Agent {
    /// Starts it with all bindings.
    pub(super) fn start(kind: Kind, options: &[&str]) -> Self {
        let mut command = kind.command();
        command.args(options).stderr(Stdio::null());
        let says = |line: &str| Some(serde_json::from_str::<Value>(line).ok()?["base"].as_str()?.to_owned());
        let (process, base) = Running::until_it_says(&mut command, says);
        Self { base, _process: process }
    }

    /// Starts it with one binding only.
    pub(super) fn with_binding(kind: Kind, binding: &str) -> Self {
        Self::start(kind, &["--bindings", binding])
    }

    /// The address of its card.
    pub(super) fn card(&self) -> String {
        format!("{}/.well-known/agent-card.json", self.base)
    }
}

impl Kind {
    fn command(self) -> Command {
        match self {
            Self::PythonV1 => script("a2a-v1", "agent_v1.py"),
            Self::PythonV03 => script("a2a-v03", "agent_v03.py"),
            Self::JavaScript => {
                let mut command = module("agent.mjs");
                command.arg("--also-v03");
                command
            }
        }
    }
}

/// A script of `tests/peers/a2a` with the packages of this environment.
pub(super) fn script(environment: &str, name: &str) -> Command {
    let mut command = python(environment);
    command.current_dir(repository().join("tests/peers/a2a")).arg(name);
    command
}

/// A module of `tests/peers/a2a`, beside its packages.
pub(super) fn module(name: &str) -> Command {
    let mut command = node();
    command.current_dir(tools().join("a2a")).arg(format!("peers/{name}"));
    command
}
