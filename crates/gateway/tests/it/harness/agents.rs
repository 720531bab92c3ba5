//! The usual world of A2A: one scripted agent behind several doors, and one issuer.

use std::time::Duration;

use doorward_model::Name;
use doorward_testkit::{
    agent::{Asked, Binding, ScriptedAgent, Version},
    issuer::TestIssuer,
};
use serde_json::Value;

use super::{CREDENTIAL, Face, Gateway, PATIENCE, Plan, Tokens, V1_RPC};

/// Every door of the usual world.
const DOORS: [&str; 5] = ["open", "jwt", "twin", "own", "keyed"];

/// The API key that the door `keyed` takes.
pub(crate) const API_KEY: &str = "caller-api-key-51c7e0d2a94b";

/// Every header that may reach an agent. What a caller sends under another name must not.
const TRAVELS: [&str; 15] = [
    "a2a-extensions",
    "a2a-version",
    "accept",
    "content-length",
    "content-type",
    "doorward-assertion",
    "doorward-via",
    "host",
    "te",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-a2a-extensions",
    "x-api-key",
    "accept-encoding",
];

/// A gateway between an issuer and an agent.
///
/// | agent | access |
/// |---|---|
/// | `open` | open |
/// | `jwt`, `twin` | tokens of the issuer |
/// | `own` | Doorward's own tokens |
/// | `keyed` | [`API_KEY`] |
///
/// All are the same scripted agent, and offer every binding.
pub(crate) struct AgentWorld {
    pub(crate) gateway: Gateway,
    pub(crate) agent: ScriptedAgent,
    pub(crate) issuer: TestIssuer,
    toml: String,
}

/// What a world of agents is started with.
#[derive(Debug, Clone)]
pub(crate) struct AgentPlan {
    plan: Plan,
    interfaces: Vec<Face>,
    doors: Vec<&'static str>,
    each: String,
    more: String,
}

impl AgentWorld {
    /// The usual world: an agent of 1.0 on JSON-RPC.
    pub(crate) async fn start() -> Self {
        Self::plan().start().await
    }

    /// The usual world, to be changed before it starts.
    pub(crate) fn plan() -> AgentPlan {
        AgentPlan {
            plan: Plan::default(),
            interfaces: vec![V1_RPC],
            doors: DOORS.to_vec(),
            each: String::new(),
            more: String::new(),
        }
    }

    /// The configuration, to write variants of it.
    pub(crate) fn toml(&self) -> &str {
        &self.toml
    }

    /// A token of the issuer for an agent.
    pub(crate) fn token(&self, subject: &str, agent: &str) -> String {
        self.issuer.mint(self.claims(subject, agent)).unwrap()
    }

    /// The claims of such a token.
    pub(crate) fn claims(&self, subject: &str, agent: &str) -> Value {
        self.issuer.claims(subject, &self.gateway.agent_resource(agent))
    }

    /// Waits until another card of an agent waits for approval, and returns its digest.
    pub(crate) async fn waiting_card(&self, agent: &str) -> String {
        let agent = Name::parse(agent).unwrap();
        let waiting = async {
            loop {
                let pin = self.gateway.store().card_pin(&agent).await.unwrap();
                if let Some(waiting) = pin.and_then(|pin| pin.waiting) {
                    return waiting.card.digest;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("another card is seen")
    }

    /// A token of Doorward's own for a program, with these scopes.
    pub(crate) async fn own_token(&self, client: &str, agent: &str, scope: &str) -> String {
        let client = self.gateway.operators(client, "basic").await;
        let ask = client.form("/token").with("grant_type", "client_credentials").with("scope", scope);
        Tokens::of(&ask.with("resource", &self.gateway.agent_resource(agent)).send().await).access
    }

    /// What the agent was asked, fetches of its card and keys aside.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let mut asked = self.agent.requests();
        asked.retain(|asked| !matches!(asked.operation.as_str(), "card" | "jwks"));
        asked
    }

    /// Stops everything; checks what holds for every test, at the agent too.
    pub(crate) async fn finish(self) {
        let Self { gateway, agent, .. } = self;
        let secrets = gateway.log().callers_secrets.clone();
        gateway.finish().await;
        check_agent(&agent, &secrets);
    }
}

/// What holds for every agent at the end of a test: nothing of the caller's credentials, and nothing but ours, got there.
fn check_agent(agent: &ScriptedAgent, callers_secrets: &[String]) {
    for secret in callers_secrets {
        assert!(!agent.saw(secret), "the agent saw the caller's {secret:?}");
    }
    let authority = agent.origin().trim_start_matches("http://");
    for asked in agent.requests() {
        if matches!(asked.operation.as_str(), "card" | "jwks") {
            continue;
        }
        for (name, _) in &asked.request.headers {
            let travels = TRAVELS.contains(&name.to_ascii_lowercase().as_str());
            assert!(travels, "the header {name} reached the agent: {:?}", asked.request.headers);
        }
        assert_eq!(asked.header("x-api-key"), Some(CREDENTIAL), "{:?}", asked.request.headers);
        assert!(asked.header("user-agent").is_some_and(|agent| agent.starts_with("doorward/")));
        let version = if asked.version == Version::V1_0 { "1.0" } else { "0.3" };
        assert_eq!(asked.header("a2a-version"), Some(version), "that of the interface, never the caller's");
        if asked.binding != Binding::Grpc {
            assert_eq!(asked.header("host"), Some(authority));
        }
    }
}

impl AgentPlan {
    /// The interfaces that the agent's card names.
    pub(crate) fn interfaces(mut self, interfaces: &[Face]) -> Self {
        self.interfaces = interfaces.to_vec();
        self
    }

    /// Only these doors of the usual ones: the only agent with gRPC need not be named there.
    pub(crate) fn doors(mut self, doors: &[&'static str]) -> Self {
        self.doors = doors.to_vec();
        self
    }

    /// More keys for every agent.
    pub(crate) fn each(mut self, keys: &str) -> Self {
        self.each.push_str(keys);
        self.each.push('\n');
        self
    }

    /// More configuration.
    pub(crate) fn more(mut self, toml: &str) -> Self {
        self.more.push_str(toml);
        self.more.push('\n');
        self
    }

    /// Records are in the store before their answers leave.
    pub(crate) fn strict(self) -> Self {
        self.more("[records]\ndurability = \"strict\"")
    }

    /// Starts it.
    pub(crate) async fn start(self) -> AgentWorld {
        let agent = ScriptedAgent::start_as(&self.interfaces).await.unwrap();
        self.start_with(agent).await
    }

    /// Starts it with an agent that is there already.
    pub(crate) async fn start_with(self, agent: ScriptedAgent) -> AgentWorld {
        let issuer = TestIssuer::start().await.unwrap();
        let toml = self.toml(&agent.card_url(), issuer.url());
        let plan = self.plan.secret("CREDENTIAL", CREDENTIAL).secret("API_KEY", API_KEY);
        let gateway = plan.start(&toml).await;
        gateway.plant_callers(API_KEY);
        AgentWorld { gateway, agent, issuer, toml }
    }

    fn toml(&self, card: &str, issuer: &str) -> String {
        let each = &self.each;
        let doors = self.doors.iter().map(|door| {
            let access = match *door {
                "open" => "access = \"open\"",
                "jwt" | "twin" => "access = \"jwt\"\nissuers = [\"corp\"]",
                "own" => "access = \"oauth\"",
                _ => "access = \"api-key\"\napi_keys = [\"robot\"]",
            };
            format!(
                r#"
                [[agent]]
                name = "{door}"
                card = "{card}"
                {access}
                bindings = ["jsonrpc", "http+json", "grpc"]
                credential = {{ kind = "header", name = "x-api-key", value = {{ env = "CREDENTIAL" }} }}
                {each}
                "#
            )
        });
        // gRPC has a port of its own, which the operator did not declare.
        let network = if self.more.contains("[network]") || !self.has_grpc() {
            ""
        } else {
            "[network]\nallow_private = [\"127.0.0.0/8\"]"
        };
        let doors: String = doors.collect();
        let more = &self.more;
        format!(
            "{doors}\n[[issuer]]\nname = \"corp\"\nissuer = \"{issuer}\"\n\n[[api_key]]\nname = \"robot\"\n\
             value = {{ env = \"API_KEY\" }}\n{network}\n{more}"
        )
    }

    fn has_grpc(&self) -> bool {
        self.interfaces.iter().any(|(binding, _)| *binding == Binding::Grpc)
    }
}
