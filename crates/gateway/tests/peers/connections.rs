//! Connections to real third parties: servers on the official SDKs, locked by authorization servers of independent makes,
//! the demonstrations of the SDKs themselves among them. The third party asks whom it likes; Doorward's people are those
//! of its own.

mod chromium;
mod ground;

use ground::{ADA, BOB, Ground};
use serde_json::Value;

use crate::{
    harness::free_port,
    programs::{node, python},
};

/// Checks of `connections.mjs` that need to know what the authorization server saw.
const COUNTED: [&str; 8] = [
    "connect",
    "call",
    "renewed",
    "renewed once for all",
    "somebody else",
    "untouched",
    "disconnect",
    "led back",
];

#[test]
fn an_sdk_server_behind_an_openid_provider() {
    // As a client that registers itself, and as one that is described by a document.
    for (sdk, ground, registered) in [
        ("v1", Ground::of_third_party(), 1),
        ("v2", Ground::of_third_party(), 1),
        ("v2", Ground::published(), 0),
    ] {
        let control = ground.control.clone().expect("a control");
        let found = ground.checks(sdk, "whoami", Some(&control));
        assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), COUNTED, "{sdk}");
        let said =
            |check: &str| found.iter().find(|(name, _)| name == check).map(|(_, said)| said.to_string());
        for (check, account) in [("call", ADA), ("renewed", ADA), ("somebody else", BOB), ("untouched", ADA)]
        {
            let account = account.split(':').next().expect("a name");
            assert!(
                said(check).is_some_and(|said| said.contains(&format!("account of {account}"))),
                "{sdk}, {check}: {found:?}"
            );
        }
        assert_eq!(ground.seen()["counts"]["registered"], registered, "{sdk}");
        ground.nothing_of_ours_went_there();
        ground.end();
    }
}

#[test]
fn the_demonstration_of_the_typescript_sdk() {
    let (port, authority) = (free_port(), free_port());
    let mut command = node();
    command.args(["--import", "./peers/loopback.mjs"]);
    command.arg("node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js");
    command.args(["--oauth", "--oauth-strict"]);
    command.env("MCP_PORT", port.to_string()).env("MCP_AUTH_PORT", authority.to_string());
    let ready =
        |line: &str| serde_json::from_str::<Value>(line).ok().filter(|said| said["listening"] == port);
    let ground = Ground::of(&mut command, |line| ready(line).map(|_| format!("http://localhost:{port}/mcp")));
    let found = ground.checks("v1", "greet", None);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["connect", "call", "disconnect", "led back"]);
    ground.end();
}

#[test]
fn the_authorization_server_of_fastmcp() {
    let mut command = python("fastmcp");
    command.arg("guarded.py");
    let resource =
        |line: &str| serde_json::from_str::<Value>(line).ok()?["resource"].as_str().map(str::to_owned);
    let ground = Ground::of(&mut command, resource);
    let found = ground.checks("v2", "whoami", None);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["connect", "call", "renewed", "disconnect", "led back"]);
    ground.end();
}
