//! The official suite against the authorization server: with a client that names the resource, and, as the suite does by
//! itself, with one that names none and is bound to one resource.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::ground::Ground;
use crate::{
    harness::free_port,
    programs::{Running, newer_node, tools, until},
};

const SCENARIOS: [&str; 2] = ["authorization-code-grant", "authorization-server-metadata-endpoint"];

#[test]
fn the_suite_passes_against_the_authorization_server() {
    let ground = Ground::start();
    let resource = ground.url();
    let resource = ["--resource", &resource];
    let nothing: &[&str] = &[];
    for (id, bound, named) in [("bound", &resource[..], nothing), ("free", nothing, &resource)] {
        let port = free_port();
        let callback = format!("http://127.0.0.1:{port}/callback");
        ground.gateway.command(&[&["client", "add", id, "--redirect-uri", &callback], bound].concat());
        let results = ground.root.path().join(id);
        let mut suite = Command::new(newer_node());
        suite.arg(tools().join("conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js"));
        suite.args(["authorization", "--url", &ground.gateway.address, "--client-id", id]);
        suite.args(["--port", &port.to_string(), "-o"]).arg(&results).args(named);
        let address =
            |line: &str| line.split_whitespace().find(|word| word.contains("/authorize?")).map(str::to_owned);
        let (mut running, address) = Running::until_it_says(&mut suite, address);
        ground.browse(&address);
        until("the suite ends", || running.ended().is_some());
        let outcomes = outcomes(&results);
        for scenario in SCENARIOS {
            let checks = outcomes.iter().filter(|(name, _)| name.contains(scenario));
            assert!(checks.clone().count() > 0, "{id}: nothing of {scenario}: {outcomes:?}");
        }
        assert!(outcomes.iter().all(|(_, check)| check["status"] == "SUCCESS"), "{id}: {outcomes:#?}");
    }
    ground.end();
}

/// What the suite wrote down: each check with the directory of its scenario.
fn outcomes(results: &Path) -> Vec<(String, Value)> {
    let scenarios = fs::read_dir(results).expect("results").map(|entry| entry.expect("a scenario").path());
    scenarios
        .flat_map(|scenario| {
            let name = scenario.file_name().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(scenario.join("checks.json")).expect("the checks of a scenario");
            let checks: Vec<Value> = serde_json::from_str(&text).expect("JSON");
            checks.into_iter().map(move |check| (name.clone(), check))
        })
        .collect()
}
