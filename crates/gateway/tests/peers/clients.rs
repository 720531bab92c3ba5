//! The real clients, and which checks each of them must report: none may be skipped in silence.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use crate::{
    harness::Kind,
    programs::{Said, finish, node, python, testkit},
};

/// A client program and the era that it is told to speak.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    program: Program,
    /// What the script gets as its third argument; none when the SDK knows one era only.
    era: Option<&'static str>,
    /// Checks that this SDK has no call for.
    lacks: &'static [&'static str],
    /// Checks that only this client's suite has.
    also: &'static [&'static str],
    /// Whether it closes the answer of a call that it gives up, in the older revisions too.
    closes: bool,
}

#[derive(Debug, Clone, Copy)]
enum Program {
    Node(&'static str),
    Python(&'static str, &'static str),
    Testkit(&'static str),
}

/// TypeScript SDK v1.
pub(crate) const TS_V1: Client = Client {
    program: Program::Node("ts_v1.mjs"),
    era: None,
    lacks: &[],
    also: &["image", "end"],
    closes: false,
};
/// TypeScript SDK v2, which asks for the modern era when told to.
pub(crate) const TS_V2: Client = Client {
    program: Program::Node("ts_v2.mjs"),
    era: Some("auto"),
    lacks: &[],
    also: &["image", "end"],
    closes: false,
};
/// TypeScript SDK v2 as it is by default: legacy.
pub(crate) const TS_V2_LEGACY: Client = Client { era: Some("legacy"), ..TS_V2 };
/// Python SDK v1.
pub(crate) const PYTHON_V1: Client = Client {
    program: Program::Python("mcp-v1", "mcp_v1.py"),
    era: None,
    lacks: &[],
    also: &[],
    closes: false,
};
/// Python SDK v2, which asks for the modern era first.
pub(crate) const PYTHON_V2: Client = Client {
    program: Program::Python("mcp-v2", "mcp_v2.py"),
    era: Some("auto"),
    lacks: &[],
    also: &[],
    closes: false,
};
/// Python SDK v2, told to be legacy.
pub(crate) const PYTHON_V2_LEGACY: Client = Client { era: Some("legacy"), ..PYTHON_V2 };
/// `FastMCP`, which has no call for subscriptions.
pub(crate) const FASTMCP: Client = Client {
    program: Program::Python("fastmcp", "fastmcp_client.py"),
    era: Some("auto"),
    lacks: &["updated", "list_changed"],
    also: &[],
    closes: false,
};
/// The Rust SDK.
pub(crate) const RMCP: Client = Client {
    program: Program::Testkit("rmcp-client"),
    era: Some("auto"),
    lacks: &[],
    also: &[],
    closes: true,
};
/// The Rust SDK, told to be legacy.
pub(crate) const RMCP_LEGACY: Client = Client { era: Some("legacy"), ..RMCP };

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// What every suite does, whatever is behind the address.
const ALWAYS: &[&str] = &[
    "connect",
    "tools",
    "call",
    "structured",
    "progress",
    "cancel",
    "resources",
    "templates",
    "read",
    "missing_resource",
    "prompts",
    "prompt",
    "completion",
    "elicitation",
    "sampling",
];

/// What a client of the older revisions cannot have from a server without sessions: everything that ties a second message
/// to an earlier one. The gateway relays each era as it is and does not translate, so these must fail both ways.
const NEEDS_A_SESSION: &[&str] = &["cancel", "elicitation", "sampling", "list_changed"];

/// Whether the address is the server's own or one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Through,
}

impl Client {
    /// Runs the client's suite and panics with everything that did not hold.
    ///
    /// `version` is the revision that both sides must agree on.
    pub(crate) fn run(self, way: Way, kind: Kind, url: &str, token: Option<&str>, version: &str) {
        let mut command = self.command(url, token);
        if way == Way::Through {
            command.env("PEER_HIDDEN", kind.hidden());
        }
        let Said { output: said, complaints, .. } = finish(&mut command);
        let reports = read(&said);
        let modern = version == MODERN;
        let without_session = kind == Kind::Modern && !modern;
        let fails = |check: &str| {
            without_session && NEEDS_A_SESSION.contains(&check) && !(check == "cancel" && self.closes)
        };
        let mut wrong: Vec<String> = reports
            .iter()
            .filter(|(check, report)| report["ok"] == fails(check))
            .map(|(check, report)| format!("{check}: {} {}", report["ok"], report["detail"]))
            .collect();
        let ran: BTreeSet<&str> = reports.keys().map(String::as_str).collect();
        let wanted = self.wanted(way, kind, modern);
        wrong.extend(wanted.difference(&ran).map(|check| format!("{check}: did not run")));
        wrong.extend(ran.difference(&wanted).map(|check| format!("{check}: ran, but nobody wants it")));
        if let Some(agreed) = reports.get("connect").filter(|report| report["detail"] != version) {
            wrong.push(format!("connect: agreed on {} instead of {version}", agreed["detail"]));
        }
        if token.is_some_and(|token| said.contains(token)) {
            wrong.push("the caller's token came back from the upstream".into());
        }
        assert!(wrong.is_empty(), "{self:?} at {kind:?}, {way:?}:\n  {}\n{complaints}", wrong.join("\n  "));
    }

    /// The revision that this client and this server agree on.
    pub(crate) fn agrees_with(self, kind: Kind) -> &'static str {
        if kind == Kind::Modern && self.era == Some("auto") { MODERN } else { LEGACY }
    }

    fn command(self, url: &str, token: Option<&str>) -> Command {
        let mut command = match self.program {
            Program::Node(script) => {
                let mut command = node();
                command.arg(format!("peers/{script}"));
                command
            }
            Program::Python(environment, script) => {
                let mut command = python(environment);
                command.arg(script);
                command
            }
            Program::Testkit(program) => testkit(program),
        };
        command.arg(url).arg(token.unwrap_or_default()).args(self.era);
        command
    }

    /// Which checks must have run.
    fn wanted(self, way: Way, kind: Kind, modern: bool) -> BTreeSet<&'static str> {
        let mut wanted: BTreeSet<&str> = ALWAYS.iter().copied().collect();
        match kind {
            Kind::Everything => wanted.extend(["error", "updated"]),
            Kind::Modern => wanted.extend(["headers", "logging", "list_changed"]),
        }
        if !modern {
            wanted.insert("ping");
        }
        if kind == Kind::Everything && !modern {
            // In a session this server asks for roots and logs on its own account, tied to no call.
            wanted.extend(["roots", "logging"]);
        }
        if way == Way::Through {
            wanted.extend(["hidden", "refused"]);
        }
        for also in self.also {
            let applies = match *also {
                "image" => kind == Kind::Everything,
                "end" => !modern && kind == Kind::Everything,
                _ => true,
            };
            if applies {
                wanted.insert(also);
            }
        }
        wanted.retain(|check| !self.lacks.contains(check));
        wanted
    }
}

/// The reports by their check; a check that reports twice keeps its first failure.
fn read(said: &str) -> BTreeMap<String, Value> {
    let mut reports: BTreeMap<String, Value> = BTreeMap::new();
    for line in said.lines() {
        let report: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not a report: {line}"));
        let check = report["check"].as_str().expect("the name of a check").to_owned();
        if reports.get(&check).is_none_or(|earlier| earlier["ok"] == true) {
            reports.insert(check, report);
        }
    }
    reports
}
