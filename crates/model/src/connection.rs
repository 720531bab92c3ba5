//! Connections: stored authorizations of people at upstreams and agents, and what making them takes.

use url::Url;

use crate::{Name, Secret};

/// Where somebody connects: an upstream or an agent, under the name in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// An upstream.
    Upstream(Name),
    /// An agent.
    Agent(Name),
}

impl Place {
    /// The text that stands for it in the store: `upstream:<name>` or `agent:<name>`.
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind(), self.name())
    }

    /// What it is, in a word of the product.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Upstream(_) => "upstream",
            Self::Agent(_) => "agent",
        }
    }

    /// The operator's name for it.
    pub const fn name(&self) -> &Name {
        match self {
            Self::Upstream(name) | Self::Agent(name) => name,
        }
    }

    /// Where a person connects, below the public URL.
    pub fn path(&self) -> String {
        match self {
            Self::Upstream(name) => format!("/connect/{name}"),
            Self::Agent(name) => format!("/connect/agent/{name}"),
        }
    }
}

/// How connections at one place are made.
#[derive(Debug, Clone)]
pub struct Connecting {
    /// Where.
    pub place: Place,
    /// Whether an administrator connects once for all, instead of each person.
    pub shared: bool,
    /// The protected resource (RFC 8707): the upstream's address.
    pub resource: Url,
    /// The authorization server, where the operator names it: the exact string of its issuer. Otherwise the resource
    /// says who it is, and who that is at first is kept to.
    pub issuer: Option<String>,
    /// Doorward's client there, where it is registered by hand.
    pub client: Option<OwnClient>,
    /// The scopes to ask for, with spaces between them; otherwise those that the resource asks for.
    pub scope: Option<String>,
}

/// A client of Doorward's at another authorization server.
#[derive(Debug, Clone)]
pub struct OwnClient {
    /// Doorward's name there.
    pub id: String,
    /// Doorward's secret there; without one it is a public client, or signs assertions (`private_key_jwt`).
    pub secret: Option<Secret>,
}

/// Where Doorward gets tokens in exchange for an identity assertion.
#[derive(Debug, Clone)]
pub struct AssertionSource {
    /// Whose credential it is.
    pub place: Place,
    /// The authorization server of the upstream: the exact string of its issuer.
    pub issuer: String,
    /// Its token endpoint; what its metadata says when absent.
    pub token_endpoint: Option<Url>,
    /// Doorward's client there.
    pub client: OwnClient,
    /// The scopes to ask for, with spaces between them.
    pub scope: Option<String>,
    /// The protected resource (RFC 8707): the upstream's address.
    pub resource: Url,
}
