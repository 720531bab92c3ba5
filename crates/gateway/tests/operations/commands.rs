//! Nothing but the operator's file can name a command: not a request, a document, an import or a variable.
//!
//! Every text that is sent here names a program that leaves a trace. The trace is what is looked for.

use std::path::Path;

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use crate::{client::Connection, program::Place};

/// A program whose only upstream is one that nobody calls.
const CONFIGURATION: &str = "[listen]\naddress = \"127.0.0.1:0\"\n[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:1/\"\n\
    [[server]]\nname = \"demo\"\nupstreams = [\"u\"]\naccess = \"open\"\n\
    [[server]]\nname = \"own\"\nupstreams = [\"u\"]\n";

/// Where requests come in, and where gateways with such holes had them.
const PLACES: [&str; 26] = [
    "/",
    "/mcp/demo",
    "/mcp/own",
    "/mcp/new",
    "/a2a/new",
    "/register",
    "/token",
    "/revoke",
    "/introspect",
    "/authorize",
    "/sign-in",
    "/console",
    "/console/connections",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/mcp/demo",
    "/.well-known/agent-card.json",
    "/api/servers",
    "/api/v1/mcp/servers",
    "/servers/test",
    "/preview",
    "/validate",
    "/mcp-rest/test/connection",
    "/mcp-rest/test/tools/list",
    "/mcp/demo/test",
    "/v1/mcp/server",
    "/import",
];

/// The words by which products name a program in their configuration.
fn naming(trace: &Path) -> Vec<Value> {
    let (program, argument) = ("/usr/bin/touch", trace.display().to_string());
    let shell = format!("touch {argument}");
    let server = json!({ "command": program, "args": [argument], "env": { "LD_PRELOAD": "/x.so" } });
    vec![
        server.clone(),
        json!({ "transport": "stdio", "command": program, "args": [argument] }),
        json!({ "transport_type": "stdio", "url": "http://127.0.0.1:1/", "command": [program, argument] }),
        json!({ "type": "stdio", "command": "sh", "args": ["-c", shell] }),
        json!({ "command": "npx", "args": ["-y", "-c", shell] }),
        json!({ "command": ["docker", "run", "-v", "/:/host", "x", "sh", "-c", shell] }),
        json!({ "mcpServers": { "x": server } }),
        json!({ "upstream": [{ "name": "u", "command": [program, argument] }] }),
        json!({ "server": { "name": "x", "upstreams": ["u"], "command": [program, argument] } }),
        json!({ "labels": { "io.docker.server.metadata": format!("command: [{program}, {argument}]") } }),
        json!({ "authorization_endpoint": format!("x://$({shell})"), "redirect_uris": [format!("`{shell}`")] }),
    ]
}

/// One of them, inside of whatever a request may be made of.
fn messages(naming: Vec<Value>) -> impl Strategy<Value = Value> {
    prop::sample::select(naming).prop_recursive(4, 16, 3, |inner| {
        let key = prop::sample::select(vec![
            "params", "config", "servers", "mcp_servers", "_meta", "client_metadata", "arguments", "message", "data",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from),
            (key, inner.clone()).prop_map(|(key, value)| json!({ key: value })),
            (prop::sample::select(vec!["initialize", "tools/call", "server/discover", "servers/add", "message/send"]), inner)
                .prop_map(|(method, params)| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })),
        ]
    })
}

/// Configurations for every public address: CVE-2026-30623 (an API that takes `transport: stdio`), CVE-2026-42271
/// (endpoints that try a configuration out), the family of CVE-2026-30617, the `transport_type` of `DocsGPT` and Letta,
/// CVE-2026-55887 (labels of images), CVE-2025-6514 (addresses in documents).
#[tokio::test]
async fn no_request_names_a_command() {
    let place = Place::new();
    let trace = place.path("trace");
    let program = place.start(CONFIGURATION);
    let strategy = messages(naming(&trace));
    let mut runner = TestRunner::new(Config::default());
    for path in PLACES {
        for method in ["POST", "PUT", "PATCH"] {
            let mut connection = Connection::to(program.address).await;
            for kind in ["application/json", "application/x-www-form-urlencoded", "application/yaml"] {
                let message = strategy.new_tree(&mut runner).expect("a message").current().to_string();
                let headers = [("Content-Type", kind), ("Accept", "application/json, text/event-stream")];
                let answer = connection.ask(method, path, &headers, &message).await;
                if answer.is_over() {
                    connection = Connection::to(program.address).await;
                }
            }
        }
        assert!(!trace.exists(), "{path} started a program");
    }
    program.stop().await;
    assert!(!trace.exists());
}

#[tokio::test]
async fn an_import_starts_nothing_and_writes_nothing_but_its_output() {
    let place = Place::new();
    let trace = place.path("trace");
    let servers: serde_json::Map<String, Value> = naming(&trace)
        .into_iter()
        .enumerate()
        .map(|(number, server)| (format!("s{number}"), server))
        .collect();
    place.write("doorward.toml", CONFIGURATION);
    place.write("mcp.json", &json!({ "mcpServers": servers }).to_string());
    let file = place.path("mcp.json").display().to_string();
    let ran = place.run(&["import", &file], "");
    assert!(ran.stdout.contains("touch"), "{ran:?}");
    assert!(!trace.exists());
    assert_eq!(std::fs::read_to_string(place.path("doorward.toml")).expect("there"), CONFIGURATION);
}

#[tokio::test]
async fn variables_of_doorward_name_no_command() {
    let place = Place::new();
    let trace = place.path("trace");
    place.write("doorward.toml", CONFIGURATION);
    let command = format!("/usr/bin/touch,{}", trace.display());
    let variables = [
        "DOORWARD_UPSTREAM_COMMAND",
        "DOORWARD_UPSTREAM_0_COMMAND",
        "DOORWARD_UPSTREAM_U_COMMAND",
        "DOORWARD_UPSTREAMS",
        "DOORWARD_COMMAND",
    ];
    for name in variables {
        let ran = place.run_with(&["check"], "", &[(name, &command)]);
        assert!(
            ran.stdout.contains(&format!("{name}: this variable stands for no key")),
            "{name} is taken without a word: {ran:?}"
        );
        let exported = place.run_with(&["export"], "", &[(name, &command)]);
        assert!(!exported.stdout.contains("touch"), "{name}: {exported:?}");
    }
    assert!(!trace.exists());
}
