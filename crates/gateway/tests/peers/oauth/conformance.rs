//! The official suite against the authorization server: with a client that names the resource, and, as the suite does by
//! itself, with one that names none and is bound to one resource.

use std::{fs, io, path::Path, process::Command};

use doorward_model::{Client, ClientAuthentication, ClientKind, GrantTypes, Timestamp};
use doorward_store::Store;
use serde_json::Value;

use super::ground::Ground;
use crate::{
    harness::{free_port, within},
    programs::{Running, newer_node, tools, until},
};

const SCENARIOS: [&str; 2] = ["authorization-code-grant", "authorization-server-metadata-endpoint"];

#[test]
fn the_suite_passes_against_the_authorization_server() {
    let ground = Ground::start();
    let resource = ground.url();
    for (id, bound, named) in [("bound", Some(resource.clone()), None), ("free", None, Some(resource))] {
        let port = free_port();
        add_client(&ground, client(id, bound, port));
        let results = ground.root.path().join(id);
        let mut suite = Command::new(newer_node());
        suite.arg(tools().join("conformance/node_modules/@modelcontextprotocol/conformance/dist/index.js"));
        suite.args(["authorization", "--url", &ground.gateway.address, "--client-id", id]);
        suite.args(["--port", &port.to_string(), "-o"]).arg(&results);
        if let Some(resource) = named {
            suite.args(["--resource", &resource]);
        }
        let address = |line: &str| line.split_whitespace().find(|word| word.contains("/authorize?")).map(str::to_owned);
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

/// A client that the operator wrote down.
fn client(id: &str, resource: Option<String>, port: u16) -> Client {
    Client {
        id: id.to_owned(),
        kind: ClientKind::Registered,
        name: Some("The suite".to_owned()),
        redirect_uris: vec![format!("http://127.0.0.1:{port}/callback")],
        authentication: ClientAuthentication::None,
        grant_types: GrantTypes { authorization_code: true, refresh_token: true, ..GrantTypes::default() },
        resource,
        created: Timestamp::from_micros(0),
    }
}

fn add_client(ground: &Ground, client: Client) {
    let url = format!("sqlite:{}", ground.gateway.directory().join("doorward.db").display());
    within(async {
        let store = Store::open(&url).await.map_err(io::Error::other)?;
        store.add_client(&client, None).await.map_err(io::Error::other)
    });
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
