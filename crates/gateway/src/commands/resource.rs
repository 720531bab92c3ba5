//! What tokens are for: the virtual server or the agent at an address that the command line names.

use anyhow::bail;
use doorward_auth::server::resource;
use doorward_config::Loaded;
use doorward_model::{Access, Name, Record, Scopes};

/// A virtual server or an agent of the configuration.
pub(super) struct Resource<'a> {
    /// What it is, for people.
    pub(super) kind: &'static str,
    pub(super) name: &'a Name,
    /// Its address.
    pub(super) url: &'a str,
    pub(super) access: &'a Access,
    /// All scopes that it knows.
    pub(super) scopes: Scopes,
}

impl<'a> Resource<'a> {
    /// The one at that address.
    pub(super) fn at(loaded: &'a Loaded, url: &str) -> anyhow::Result<Self> {
        let asked = resource::canonical(url);
        if let Some(found) = Self::all(loaded).find(|known| asked.as_deref() == Some(known.url)) {
            return Ok(found);
        }
        let known: Vec<_> = Self::all(loaded).map(|known| known.url).collect();
        bail!(
            "--resource {url}: the configuration publishes neither a virtual server nor an agent there; it publishes {}",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        );
    }

    fn all(loaded: &'a Loaded) -> impl Iterator<Item = Self> {
        let servers = loaded.snapshot.servers.values().map(|server| Self {
            kind: "virtual server",
            name: &server.name,
            url: &server.resource,
            access: &server.access,
            scopes: Scopes::MCP,
        });
        let agents = loaded.snapshot.agents.values().map(|agent| Self {
            kind: "agent",
            name: &agent.name,
            url: &agent.resource,
            access: &agent.access,
            scopes: Scopes::A2A,
        });
        servers.chain(agents)
    }

    /// Names it in a record.
    pub(super) fn note(&self, record: &mut Record) {
        let place = if self.scopes == Scopes::A2A { &mut record.agent } else { &mut record.server };
        *place = Some(self.name.to_string());
    }
}
