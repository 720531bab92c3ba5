//! Libraries: the official SDKs, and two clients that forgive nothing.

use super::{
    ground::{ANSWER, Certificates, Document, Ground, TOOL},
    providers::script,
};
use crate::programs::{node, python, tools};

/// What the scripts of the SDKs are redirected to.
const REDIRECTS: [&str; 2] = ["http://localhost:33418/callback", "http://localhost:33419/callback"];

#[test]
fn typescript_sdks() {
    let certificates = Certificates::make();
    let document = Document::publish(&certificates, &REDIRECTS);
    let ground = Ground::with(&certificates.section());
    for (sdk, document) in [("v1", None), ("v2", None), ("v1", Some(&document.id)), ("v2", Some(&document.id))] {
        let mut script = node();
        script.args(["peers/oauth.mjs", sdk, &ground.url(), TOOL]).args(document);
        let found = ground.checks(&mut script);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["refused", "call", "refresh", "step-up"]);
        assert!(found[1..].iter().all(|(_, said)| said.to_string().contains(ANSWER)), "{found:?}");
    }
    let calls = ground.end();
    assert_eq!(calls.len(), 4 * 3);
    let by_document = calls.iter().filter(|call| call["client"] == *document.id).count();
    assert_eq!(by_document, 2 * 3);
}

#[test]
fn python_sdks() {
    let certificates = Certificates::make();
    let document = Document::publish(&certificates, &REDIRECTS);
    let ground = Ground::with(&certificates.section());
    for (sdk, document) in [("v1", None), ("v2", None), ("v1", Some(&document.id)), ("v2", Some(&document.id))] {
        let mut script = python(&format!("mcp-{sdk}"));
        script.args(["oauth.py", sdk, &ground.url(), TOOL]).args(document);
        let found = ground.checks(&mut script);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["call", "refresh", "step-up"]);
        assert!(found.iter().all(|(_, said)| said == ANSWER), "{found:?}");
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
    let found = ground.checks(script("strict.mjs").args([&ground.url(), TOOL]));
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let ways = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
    assert_eq!(names, [&["discovery"], &ways[..], &["openid-client"]].concat());
    assert_eq!(ground.end().len(), ways.len() * 2 + 1);
}
