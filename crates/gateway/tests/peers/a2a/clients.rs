//! The real clients, and which checks each of them must report.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use super::agents::{module, script};
use crate::programs::{finish, tools};

/// Every check, in no order.
const CHECKS: [&str; 15] = [
    "card",
    "extended",
    "send",
    "message",
    "stream",
    "get",
    "list",
    "question",
    "failure",
    "cancel",
    "subscribe",
    "push",
    "missing",
    "headers",
    "refused",
];

/// Which SDK a client is on, and the version that it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// `a2a-sdk` of 1.0.
    PythonV1,
    /// The last `a2a-sdk` of 0.3.
    PythonV03,
    /// `@a2a-js/sdk`, speaking 1.0.
    JavaScript,
    /// `@a2a-js/sdk`, speaking 0.3.
    JavaScriptV03,
    /// `a2a-client-lf`, of 1.0, which verifies no signatures.
    Rust,
}

/// One client at one agent, over one binding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) client: Client,
    pub(super) base: &'a str,
    pub(super) binding: &'a str,
    pub(super) token: Option<&'a str>,
    /// Whether the card must be signed.
    pub(super) signed: bool,
    /// Checks that are left out, and parts of `push` (see `visits.py`).
    pub(super) skip: &'a [&'a str],
}

impl Visit<'_> {
    /// Runs it; every check that was not left out must have been made, and must hold. Gives back what they said.
    #[track_caller]
    pub(super) fn run(self) -> BTreeMap<String, Value> {
        let said = finish(&mut self.command());
        let told = format!("{self:?}\n{}{}", said.output, said.complaints);
        let reports = said.output.lines().map(|line| {
            let report: Value =
                serde_json::from_str(line).unwrap_or_else(|_| panic!("not a report: {line}\n{told}"));
            assert_eq!(report["ok"], true, "{told}");
            (report["check"].as_str().expect("a name").to_owned(), report["detail"].clone())
        });
        let reports: BTreeMap<String, Value> = reports.collect();
        assert!(reports.keys().map(String::as_str).eq(self.wanted()), "{told}");
        reports
    }

    fn wanted(self) -> BTreeSet<&'static str> {
        let mut wanted: BTreeSet<&str> = CHECKS.into_iter().collect();
        wanted.retain(|check| !self.skip.contains(check));
        if self.token.is_none() {
            wanted.remove("refused");
        }
        if matches!(self.client, Client::PythonV03 | Client::JavaScriptV03) {
            // 0.3 has no call for it.
            wanted.remove("list");
        }
        wanted
    }

    fn command(self) -> Command {
        let mut command = match self.client {
            Client::PythonV1 => script("a2a-v1", "client_v1.py"),
            Client::PythonV03 => script("a2a-v03", "client_v03.py"),
            Client::JavaScript | Client::JavaScriptV03 => module("client.mjs"),
            Client::Rust => Command::new(tools().join("a2a-rust/debug/a2a-peer")),
        };
        command.args([self.base, self.binding]);
        if self.client == Client::JavaScriptV03 {
            command.arg("--v03");
        }
        if let Some(token) = self.token {
            command.args(["--token", token]);
        }
        if self.signed {
            command.arg("--signed");
        }
        if !self.skip.is_empty() {
            command.args(["--skip", &self.skip.join(",")]);
        }
        command
    }
}
