//! A11 on the other transports: what callers present reaches no HTTP+SSE server in any part of a request, and no child by
//! its standard input, its arguments or its variables.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    admission::passthrough::{WORDS, laden},
    harness::{
        World,
        sse::{Server, Speaks},
    },
};

/// A child of both eras that writes down how it was started and what it reads, and answers everything.
const CHILD: &str = r#"
tr '\0' '\n' < /proc/$$/environ >> "$0"
tr '\0' '\n' < /proc/$$/cmdline >> "$0"
while read -r line; do
    printf '%s\n' "$line" >> "$0"
    case "$line" in *'"id"'*)
        id=${line#*\"id\":}
        id=${id%%[,\}]*}
        printf '{"jsonrpc":"2.0","id":%s,"result":{"supportedVersions":["2026-07-28"],"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"child","version":"1"},"resultType":"complete","tools":[],"content":[]}}\n' "$id"
    esac
done
"#;

/// The usual world with another upstream, and a virtual server `behind` for people of the issuer.
async fn world(upstream: &str) -> World {
    World::with(&format!(
        r#"
        [[upstream]]
        name = "behind"
        {upstream}
        [[server]]
        name = "behind"
        upstreams = ["behind"]
        access = "jwt"
        issuers = ["corp"]
        "#
    ))
    .await
}

/// A session with a call, an answer to the server and an end, each with all that a caller can present.
async fn session(world: &World, token: &str) {
    let begun = laden(world.gateway.initialize("behind"), token).send().await;
    let session = begun.header("mcp-session-id").unwrap_or_else(|| panic!("{}", begun.text())).to_owned();
    let notified = world.gateway.notify("behind", Some(&session), "notifications/initialized", &json!({}));
    assert_eq!(laden(notified, token).send().await.status, 202);
    let call = json!({ "name": "echo", "arguments": { "text": "what-is-meant-for-it" } });
    let called = world.gateway.legacy("behind", Some(&session), "tools/call", &call);
    let answer = laden(called, token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let end = world.gateway.call("DELETE", "/mcp/behind").header("Mcp-Session-Id", &session);
    assert_eq!(laden(end, token).send().await.status, 200);
}

#[track_caller]
fn nothing_travelled(heard: &str, token: &str) {
    assert!(heard.contains("what-is-meant-for-it"), "the message itself arrived: {heard}");
    let (_, signature) = token.rsplit_once('.').unwrap();
    assert!(!heard.contains(token) && !heard.contains(signature), "a caller's token travelled: {heard}");
    // A port may have these digits.
    for word in WORDS.into_iter().filter(|word| *word != "4999") {
        assert!(!heard.contains(word), "{word} travelled: {heard}");
    }
    assert!(!heard.to_ascii_lowercase().contains("authorization"), "{heard}");
}

#[tokio::test]
async fn what_callers_present_reaches_no_server_over_http_and_sse() {
    let server = Server::start(Speaks::Sse(405)).await;
    let world = world(&format!("url = \"{}\"\ntransport = \"sse\"", server.url)).await;
    let token = world.token("alice", "behind");
    session(&world, &token).await;
    nothing_travelled(&server.heard(), &token);
    world.finish().await;
}

#[tokio::test]
async fn what_callers_present_reaches_no_child() {
    let directory = tempfile::tempdir().unwrap();
    let heard = directory.path().join("heard");
    let argv = ["/bin/sh", "-c", CHILD, heard.to_str().unwrap()];
    let world = world(&format!("command = {}", json!(argv))).await;
    let token = world.token("alice", "behind");
    session(&world, &token).await;
    nothing_travelled(&read(&heard), &token);
    fs::remove_file(&heard).unwrap();
    let call = json!({ "name": "echo", "arguments": { "text": "what-is-meant-for-it" } });
    let answer = laden(world.gateway.modern("behind", "tools/call", call), &token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    nothing_travelled(&read(&heard), &token);
    world.finish().await;
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}
