//! Rules about crates: who may depend on whom, what must never be in the tree, what every manifest says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::licence;
use crate::run;

/// Which of our crates a crate may use: from what is known to what runs, never back.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("protocol", &["model"]),
    ("auth", &["model", "protocol"]),
    ("guard", &["model", "protocol"]),
    ("config", &["model", "protocol", "auth", "guard"]),
    ("store", &["model"]),
    ("egress", &["model", "protocol"]),
    ("gateway", &["model", "protocol", "auth", "guard", "config", "store", "egress"]),
];

/// What the program must not be built from, and why.
const NOT_IN_THE_PROGRAM: &[(&str, &str)] = &[
    ("doorward-testkit", "it is the world around the program, for tests only"),
    ("rmcp", "nothing may come between the two sides; SDKs are peers of tests"),
];

/// What must not be in the tree at all, and why.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc is the one provider of cryptography"),
    ("openssl-sys", "aws-lc is the one provider of cryptography"),
    ("native-tls", "TLS is rustls, on every platform"),
];

/// What is wrong with the crates of the workspace.
pub(super) fn problems(metadata: &Value) -> Result<Vec<String>> {
    let graph = Graph::read(metadata)?;
    let mut problems = direction(&graph);
    problems.extend(lints(&graph)?);
    Ok(problems)
}

/// Entries of the dependency table without a line above them that says what they are here for.
///
/// One line may stand for a family: neighbours whose names begin with the same word.
pub(super) fn uncommented(manifest: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut inside = false;
    let mut above = Above::Nothing;
    for (number, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.trim() == "[workspace.dependencies]";
            above = Above::Nothing;
        } else if line.starts_with('#') {
            above = Above::Comment;
        } else if line.trim().is_empty() {
            above = Above::Nothing;
        } else if inside {
            let name = line.split(['=', '.', ' ']).next().unwrap_or(line);
            let family = name.split('-').next().unwrap_or(name);
            if above != Above::Comment && above != Above::Entry(family) {
                problems.push(format!("Cargo.toml:{}: say above {name} what it is here for", number + 1));
            }
            above = Above::Entry(family);
        }
    }
    problems
}

/// What stands above a line of the dependency table.
#[derive(PartialEq)]
enum Above<'a> {
    Nothing,
    Comment,
    /// An explained entry whose name begins with this word.
    Entry(&'a str),
}

/// The resolved dependencies, by package id.
struct Graph<'a> {
    packages: BTreeMap<&'a str, &'a Value>,
    nodes: BTreeMap<&'a str, &'a Value>,
    members: Vec<&'a str>,
}

impl<'a> Graph<'a> {
    fn read(metadata: &'a Value) -> Result<Self> {
        let by_id = |list: &'a Value| -> Option<BTreeMap<&'a str, &'a Value>> {
            list.as_array()?.iter().map(|each| Some((each["id"].as_str()?, each))).collect()
        };
        let members =
            metadata["workspace_members"].as_array().map(|ids| ids.iter().filter_map(Value::as_str));
        Ok(Self {
            packages: by_id(&metadata["packages"]).context("cargo metadata lists no packages")?,
            nodes: by_id(&metadata["resolve"]["nodes"]).context("cargo metadata resolves nothing")?,
            members: members.context("cargo metadata names no members")?.collect(),
        })
    }

    fn name(&self, id: &str) -> &'a str {
        self.packages.get(id).map_or("?", |package| text(package, "name"))
    }

    /// Ids of what this package needs to be built and run, without what only its tests need.
    fn needs(&self, id: &str) -> Vec<&'a str> {
        let dependencies = self.nodes.get(id).and_then(|node| node["deps"].as_array());
        let normal = |dependency: &&'a Value| {
            dependency["dep_kinds"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"))
        };
        dependencies.into_iter().flatten().filter(normal).filter_map(|each| each["pkg"].as_str()).collect()
    }

    fn member(&self, name: &str) -> Option<&'a str> {
        self.members.iter().copied().find(|id| self.name(id) == name)
    }
}

fn text<'a>(package: &'a Value, member: &str) -> &'a str {
    package[member].as_str().unwrap_or("?")
}

fn direction(graph: &Graph) -> Vec<String> {
    let mut problems = Vec::new();
    for (user, allowed) in MAY_USE {
        let Some(id) = graph.member(&format!("doorward-{user}")) else { continue };
        for used in graph.needs(id) {
            let name = graph.name(used);
            let ours = name.strip_prefix("doorward-");
            if ours.is_some_and(|short| !allowed.contains(&short)) {
                problems.push(format!("crates/{user}: may not depend on {name}"));
            }
        }
    }
    problems
}

/// What is built into the program, and into anything of the workspace; both as `cargo tree` prints them.
pub(super) struct Trees {
    pub(super) program: String,
    pub(super) workspace: String,
}

impl Trees {
    /// Asks cargo. Its `metadata` would not do: that also lists what weak features only could bring in.
    pub(super) fn read() -> Result<Self> {
        let tree = |arguments: &[&str]| {
            let common = ["tree", "--locked", "--target", "all", "--prefix", "none", "--format", "{p}|{l}"];
            run::output(run::cargo(&[&common, arguments].concat()))
        };
        Ok(Self {
            program: tree(&["--package", "doorward-gateway", "--edges", "normal,build"])?,
            workspace: tree(&["--workspace", "--all-features"])?,
        })
    }
}

/// What is wrong with the crates that we build from.
pub(super) fn unwanted(trees: &Trees) -> Vec<String> {
    let mut problems = Vec::new();
    let has = |tree: &str, name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    for (name, reason) in NOT_IN_THE_PROGRAM {
        if has(&trees.program, name) {
            problems.push(format!("{name} is in the program: {reason}"));
        }
    }
    for (name, reason) in BANNED {
        if has(&trees.workspace, name) {
            problems.push(format!("{name} is in the tree (`cargo tree -i {name}` says why): {reason}"));
        }
    }
    let licences: BTreeSet<(&str, &str)> =
        trees.workspace.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('|')).collect();
    for (package, licence) in licences {
        if !licence::is_allowed(licence) {
            problems.push(format!("{package}: the licence {licence:?} is not on our list"));
        }
    }
    problems
}

/// `unsafe_code = "forbid"` stands in the workspace's lints; a crate that does not take them escapes it.
fn lints(graph: &Graph) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for id in &graph.members {
        let path = graph.packages.get(id).map_or("?", |package| text(package, "manifest_path"));
        let manifest = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(format!("{}: its manifest must say `[lints]` `workspace = true`", graph.name(id)));
        }
    }
    Ok(problems)
}
