//! Every client at every agent through the gateway: over each binding to each, in each version to each.

use super::{
    agents::{Agent, BINDINGS, Kind},
    clients::{Client, Visit},
};
use crate::{
    harness::{Gateway, Trusted},
    issuer::Issuer,
};

const CLIENTS: [Client; 5] =
    [Client::PythonV1, Client::PythonV03, Client::JavaScript, Client::JavaScriptV03, Client::Rust];

/// The name of the one agent of a gateway here.
const NAME: &str = "helper";

/// The program in front of an agent.
struct Ground {
    gateway: Gateway,
    _agent: Agent,
}

impl Ground {
    fn start(agent: Agent, trusted: Option<&Trusted>) -> Self {
        let access = if trusted.is_some() { "jwt" } else { "open" };
        let card = agent.card();
        let sections = format!(
            r#"
[network]
allow_private = ["127.0.0.0/8"]

[[agent]]
name = "{NAME}"
card = "{card}"
access = "{access}"
bindings = ["jsonrpc", "http+json", "grpc"]
{}"#,
            trusted.map(Trusted::section).unwrap_or_default()
        );
        Self { gateway: Gateway::launch(&sections, &[], Vec::new()), _agent: agent }
    }

    fn base(&self) -> String {
        format!("{}/a2a/{NAME}", self.gateway.address)
    }

    /// Every client over every binding.
    fn visit(self, clients: &[Client]) {
        let base = self.base();
        for client in clients.iter().copied() {
            for binding in BINDINGS {
                let signed = matches!(client, Client::PythonV1 | Client::JavaScript);
                // The extended card is for callers who are known.
                let skip = &["extended"];
                Visit { client, base: &base, binding, token: None, signed, skip }.run();
            }
        }
        self.gateway.stop();
    }
}

#[test]
fn clients_at_the_python_v1_agent() {
    Ground::start(Agent::start(Kind::PythonV1, &["--sign"]), None).visit(&CLIENTS);
}

#[test]
fn clients_at_the_python_v03_agent() {
    Ground::start(Agent::start(Kind::PythonV03, &[]), None).visit(&CLIENTS);
}

#[test]
fn clients_at_the_javascript_agent() {
    Ground::start(Agent::start(Kind::JavaScript, &[]), None).visit(&CLIENTS);
}

#[test]
fn every_binding_leads_to_every_binding() {
    for kind in [Kind::PythonV1, Kind::PythonV03] {
        for binding in BINDINGS {
            let agent = Agent::with_binding(kind, binding);
            Ground::start(agent, None).visit(&[Client::PythonV1, Client::PythonV03]);
        }
    }
}

#[test]
fn tokens_open_the_door_and_stay_at_it() {
    let issuer = Issuer::start();
    let ground = Ground::start(Agent::start(Kind::PythonV1, &[]), Some(&issuer.trusted));
    let base = ground.base();
    let token = issuer.token(&base);
    for client in CLIENTS {
        for binding in BINDINGS {
            let (token, signed) = (Some(token.as_str()), false);
            // Over HTTP+JSON of 0.3 the SDKs read an extended card in two ways: Doorward writes what the SDK of 0.3 reads.
            let skip: &[_] = match (client, binding) {
                (Client::JavaScriptV03, "HTTP+JSON") => &["extended"],
                _ => &[],
            };
            let said = Visit { client, base: &base, binding, token, signed, skip }.run();
            let reached = said["headers"].to_string();
            assert!(!reached.contains("authorization"), "the agent was shown {reached}");
        }
    }
    assert!(!ground.gateway.log().contains(&token), "the log holds a token");
    ground.gateway.stop();
}
