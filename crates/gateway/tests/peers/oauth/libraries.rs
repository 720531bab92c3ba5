//! Libraries: the official SDKs, and two clients that forgive nothing.

use std::process::Command;

use serde_json::Value;

use super::{
    ground::{ANSWER, Certificates, Document, Ground, PERSON, TOOL},
    providers::script,
};
use crate::programs::{node, python, tools};

/// What the scripts of the SDKs are redirected to.
const REDIRECTS: [&str; 2] = ["http://localhost:33418/callback", "http://localhost:33419/callback"];

#[test]
fn typescript_sdks() {
    sdks(&["refused", "call", "refresh", "step-up"], |sdk| {
        let mut script = node();
        script.args(["peers/oauth.mjs", sdk]);
        script
    });
}

#[test]
fn python_sdks() {
    sdks(&["call", "refresh", "step-up"], |sdk| {
        let mut script = python(&format!("mcp-{sdk}"));
        script.args(["oauth.py", sdk]);
        script
    });
}

/// Both SDKs of a language, each as a client that registers itself, and as one that is described by a document.
#[track_caller]
fn sdks(checks: &[&str], script: impl Fn(&str) -> Command) {
    let certificates = Certificates::make();
    let document = Document::publish(&certificates, &REDIRECTS);
    let ground = Ground::with(&certificates.section());
    for (sdk, document) in
        [("v1", None), ("v2", None), ("v1", Some(&document.id)), ("v2", Some(&document.id))]
    {
        let found = ground.checks(script(sdk).args([&ground.url(), TOOL]).args(document));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, checks, "{sdk}");
        let said = found.iter().filter(|(name, _)| name != "refused").map(|(_, said)| said.to_string());
        said.for_each(|said| assert!(said.contains(ANSWER), "{sdk}: {said}"));
    }
    let calls = ground.end();
    assert_eq!(calls.len(), 4 * 3);
    let by_document = calls.iter().filter(|call| call["client"] == *document.id).count();
    assert_eq!(by_document, 2 * 3);
}

/// Signs in by itself, and fetches the authorization server's page once before it opens a browser.
#[test]
fn fastmcp() {
    let ground = Ground::start();
    let program = r#"
import asyncio, sys
from fastmcp import Client

async def main(url, tool):
    async with Client(url, auth="oauth") as client:
        print((await client.call_tool(tool, {})).content)

asyncio.run(main(*sys.argv[1:]))
"#;
    let mut python = ground.command(tools().join("python/fastmcp/bin/python"));
    let said = ground.run(python.args(["-c", program, &ground.url(), TOOL]));
    assert!(said.contains(ANSWER), "{said}");
    assert_eq!(ground.end().len(), 1);
}

#[test]
fn strict_clients() {
    let ground = Ground::start();
    let url = ground.url();
    let added = ground.gateway.command(&["client", "add", "ci", "--credentials", "--resource", &url]);
    let added: Value = serde_json::from_str(&added).expect("JSON");
    let secret = added["client_secret"].as_str().expect("a secret");
    let found = ground.checks(script("strict.mjs").args([&url, TOOL, "ci", secret]));
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let ways = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
    assert_eq!(names, [&["discovery"], &ways[..], &["client_credentials", "openid-client"]].concat());
    let mut calls = ground.records();
    calls.retain(|record| record["method"] == "tools/call" && record["decision"] == "allowed");
    let (own, of_people): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call["client"] == "ci");
    assert!(own.len() == 1 && own[0]["subject"] == "client:ci", "{own:?}");
    assert!(of_people.len() == ways.len() * 2 + 1 && of_people.iter().all(|call| call["subject"] == PERSON));
}
