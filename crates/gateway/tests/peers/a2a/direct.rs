//! The control: every client straight at the agents.
//!
//! What is left out here is what the SDKs do not do with each other; through the gateway it holds.

use doorward_testkit::{
    agent::{Binding, CardKey, ScriptedAgent, Version},
    issuer::KeyKind,
};

use super::{
    agents::{Agent, BINDINGS, Kind},
    clients::{Client, Visit},
};
use crate::harness::within;

/// What an agent of the old SDK does not send, or does not have over a binding.
fn lacks(binding: &str, client: Client) -> &'static [&'static str] {
    match (binding, client) {
        // The old SDK knows neither the list nor the deletion of webhooks over gRPC, and over HTTP+JSON its answers are not
        // what the layers of compatibility understand.
        ("GRPC", Client::PythonV1) | ("GRPC" | "HTTP+JSON", Client::JavaScriptV03) => &["push"],
        ("HTTP+JSON", Client::PythonV1) => &["push", "missing"],
        _ => &["credentials"],
    }
}

#[test]
fn python_v1_agent() {
    let agent = Agent::start(Kind::PythonV1, &["--sign", "--token", "the-word"]);
    for client in [Client::PythonV1, Client::JavaScript, Client::Rust] {
        for binding in BINDINGS {
            let (base, token) = (agent.base.as_str(), Some("the-word"));
            let signed = client != Client::Rust;
            Visit { client, base, binding, token, signed, skip: &[] }.run();
        }
    }
}

#[test]
fn python_v03_agent() {
    let agent = Agent::start(Kind::PythonV03, &["--token", "the-word"]);
    for client in [Client::PythonV03, Client::PythonV1, Client::JavaScriptV03] {
        for binding in BINDINGS {
            let skip: &[&str] = if client == Client::PythonV1 {
                &[&["list"], lacks(binding, client)].concat()
            } else {
                lacks(binding, client)
            };
            let (base, token) = (agent.base.as_str(), Some("the-word"));
            Visit { client, base, binding, token, signed: false, skip }.run();
        }
    }
}

#[test]
fn javascript_agent() {
    let agent = Agent::start(Kind::JavaScript, &["--sign"]);
    for client in [Client::PythonV1, Client::JavaScript, Client::PythonV03] {
        for binding in BINDINGS {
            let skip: &[&str] = match (client, binding) {
                // It answers a deletion without a body, which the client of Python cannot read.
                (Client::PythonV1 | Client::PythonV03, "HTTP+JSON") => &["push"],
                // With credentials it sends no token.
                _ => &["token"],
            };
            let signed = client != Client::PythonV03;
            Visit { client, base: &agent.base, binding, token: None, signed, skip }.run();
        }
    }
}

/// What the scripted agent is not made for.
const NO_SCRIPT: [&str; 9] =
    ["extended", "message", "stream", "question", "failure", "cancel", "subscribe", "push", "headers"];

/// The tests in process lean on it: the SDKs must take what it says, and its signature.
#[test]
fn the_scripted_agent_has_the_manners_of_both_versions() {
    let interfaces = |version| [(Binding::JsonRpc, version), (Binding::HttpJson, version)];
    let key = CardKey::generate(KeyKind::Es256, "scripted").expect("a key");
    for (version, clients) in [
        (Version::V1_0, [Client::PythonV1, Client::JavaScript]),
        (Version::V0_3, [Client::PythonV03, Client::JavaScriptV03]),
    ] {
        let agent = within(ScriptedAgent::start_as(&interfaces(version)));
        let signed = version == Version::V1_0;
        if signed {
            agent.sign_card(&key).expect("a signature");
        }
        for client in clients {
            for binding in ["JSONRPC", "HTTP+JSON"] {
                Visit { client, base: agent.origin(), binding, token: None, signed, skip: &NO_SCRIPT }.run();
            }
        }
    }
}
