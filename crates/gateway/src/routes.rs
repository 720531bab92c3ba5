//! The snapshot, compiled for the request path: one look-up finds everything that a virtual server or an agent needs.

mod entrance;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use arc_swap::ArcSwapOption;
use doorward_guard::{Exposure, uri_template::TemplateError};
use doorward_model::{Agent, Credential, Kind, Snapshot, Transport, Upstream, VirtualServer};
use http::Uri;

pub(crate) use entrance::{Destination, Entrance};

use entrance::Kept;

use crate::{
    agents::{Known, Shown},
    conversations, hosts,
    lists::Lists,
    metrics::Metrics,
    rates::Calls,
    tokens::TokenCache,
};

/// Everything that routes and decides, for one snapshot. Swapped as a whole.
pub(crate) struct Routes {
    pub(crate) memory: Arc<Memory>,
    pub(crate) snapshot: Snapshot,
    servers: HashMap<String, Arc<Published>>,
    agents: HashMap<String, Arc<PublishedAgent>>,
    /// Agents whose card stands at the root of a host of their own, by that host's name in lower case.
    hosts: Vec<(String, Arc<PublishedAgent>)>,
    own_authority: String,
    origin: String,
    issues_tokens: bool,
}

/// What is remembered under one snapshot. A new snapshot begins with nothing: what was verified or filtered
/// under the old one, and arrives late, cannot count under the new one.
pub(crate) struct Memory {
    pub(crate) tokens: TokenCache,
    pub(crate) lists: Lists,
}

/// A virtual server with what its requests need, made once per snapshot.
pub(crate) struct Published {
    pub(crate) server: Arc<VirtualServer>,
    pub(crate) entrance: Arc<Entrance>,
    pub(crate) exposure: Exposure,
    /// Where requests go; none where there always is a conversation instead.
    pub(crate) uri: Option<Uri>,
    /// What handles are bound to besides the caller: they mean nothing at another upstream.
    pub(crate) place: String,
    /// The tool of Doorward's own that leads to connecting an account, where the upstream wants one.
    pub(crate) own_tool: Option<String>,
    /// What sets its upstream apart from all others, its variables included.
    pub(crate) identity: String,
    /// Whether URIs can only be judged by the upstream's own templates.
    pub(crate) judges_by_upstream_templates: bool,
}

/// An agent with what its requests need, made once per snapshot.
pub(crate) struct PublishedAgent {
    pub(crate) agent: Arc<Agent>,
    pub(crate) entrance: Arc<Entrance>,
    /// What is known of its card; lives on across snapshots as long as it is declared alike.
    pub(crate) known: Arc<Known>,
    /// The card as callers see it under this snapshot.
    pub(crate) shown: ArcSwapOption<Shown>,
}

impl std::fmt::Debug for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Published").field("server", &self.server.name).finish_non_exhaustive()
    }
}

/// A snapshot that cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    /// A URI template of the configuration does not parse.
    #[error("virtual server `{server}`: a resource template is not a URI template: {error}")]
    Template {
        /// The virtual server.
        server: String,
        /// What is wrong.
        error: TemplateError,
    },
    /// An upstream's URL is not one that HTTP can carry.
    #[error("upstream `{0}`: the URL cannot be requested")]
    Url(String),
}

impl Routes {
    /// Compiles a snapshot; counters of what stays are kept.
    pub(crate) fn compile(
        snapshot: Snapshot,
        metrics: &Metrics,
        before: Option<&Self>,
    ) -> Result<Self, RoutesError> {
        let memory = Arc::new(Memory { tokens: TokenCache::new(), lists: Lists::new() });
        let limits = Arc::new(snapshot.limits.clone());
        let kept = |to: &Destination| {
            let known = before.and_then(|before| before.entrance(to));
            let streams = known.map(|known| Arc::clone(&known.streams));
            // What was counted at another rate means nothing.
            let calls = known.filter(|known| known.to.rate() == to.rate());
            let calls = calls.map(|known| Arc::clone(&known.calls));
            Kept {
                memory: Arc::clone(&memory),
                limits: Arc::clone(&limits),
                streams: streams.unwrap_or_default(),
                calls: calls.unwrap_or_else(|| Arc::new(Calls::new())),
                meters: metrics.server(&to.label()),
            }
        };
        let mut servers = HashMap::new();
        for (name, server) in &snapshot.servers {
            let to = Destination::Server(Arc::clone(server));
            let entrance = Entrance::compile(to.clone(), &snapshot, kept(&to));
            servers.insert(name.to_string(), Arc::new(Published::compile(server, entrance)?));
        }
        let mut agents = HashMap::new();
        for (name, agent) in &snapshot.agents {
            let to = Destination::Agent(Arc::clone(agent));
            let entrance = Arc::new(Entrance::compile(to.clone(), &snapshot, kept(&to)));
            let known =
                before.and_then(|before| before.agent(name.as_str())).filter(|it| it.is_declared_as(agent));
            let known = known.map(|it| Arc::clone(&it.known)).unwrap_or_default();
            let (agent, shown) = (Arc::clone(agent), ArcSwapOption::empty());
            agents.insert(name.to_string(), Arc::new(PublishedAgent { agent, entrance, known, shown }));
        }
        let own_authority = authority(&snapshot);
        let origin = snapshot.origin();
        let mut doors = servers.values().map(|server: &Arc<Published>| &server.entrance);
        let issues_tokens = doors.any(|door| door.access().oauth)
            || agents.values().any(|agent: &Arc<PublishedAgent>| agent.entrance.access().oauth);
        let hosts = hosts(agents.values());
        Ok(Self { memory, snapshot, servers, agents, hosts, own_authority, origin, issues_tokens })
    }

    /// The virtual server of a name, exactly as written.
    pub(crate) fn server(&self, name: &str) -> Option<Arc<Published>> {
        self.servers.get(name).map(Arc::clone)
    }

    /// The agent of a name, exactly as written.
    pub(crate) fn agent(&self, name: &str) -> Option<Arc<PublishedAgent>> {
        self.agents.get(name).map(Arc::clone)
    }

    /// All agents.
    pub(crate) fn agents(&self) -> impl Iterator<Item = &Arc<PublishedAgent>> {
        self.agents.values()
    }

    /// The agent whose card stands at the root of the host that a request names, with whatever port.
    pub(crate) fn agent_at(&self, authority: &str) -> Option<Arc<PublishedAgent>> {
        let host = hosts::without_port(authority);
        let named = |(name, _): &(String, _)| name.bytes().cmp(host.bytes().map(|b| b.to_ascii_lowercase()));
        self.hosts.binary_search_by(named).ok().map(|at| Arc::clone(&self.hosts[at].1))
    }

    /// The door that leads to the same place.
    pub(crate) fn entrance(&self, to: &Destination) -> Option<&Arc<Entrance>> {
        match to {
            Destination::Server(server) => {
                self.servers.get(server.name.as_str()).map(|known| &known.entrance)
            }
            Destination::Agent(agent) => self.agents.get(agent.name.as_str()).map(|known| &known.entrance),
        }
    }

    /// The door of a path below the public URL, without the first slash: `mcp/<name>` or `a2a/<name>`.
    pub(crate) fn entrance_at(&self, path: &str) -> Option<&Arc<Entrance>> {
        match path.split_once('/')? {
            ("mcp", name) => self.servers.get(name).map(|known| &known.entrance),
            ("a2a", name) => self.agents.get(name).map(|known| &known.entrance),
            _ => None,
        }
    }

    /// All doors.
    pub(crate) fn entrances(&self) -> impl Iterator<Item = &Arc<Entrance>> {
        let servers = self.servers.values().map(|published| &published.entrance);
        servers.chain(self.agents.values().map(|published| &published.entrance))
    }

    /// What sets the upstreams of all virtual servers apart.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &str> {
        self.servers.values().map(|published| published.identity.as_str())
    }

    /// Open event streams by virtual server and agent.
    pub(crate) fn open_streams(&self) -> Vec<(String, usize)> {
        self.entrances().map(|door| (door.to.label(), door.streams.load(Ordering::Relaxed))).collect()
    }

    /// The origin of the public URL: Doorward's issuer.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether any door opens to Doorward's own tokens.
    pub(crate) fn issues_tokens(&self) -> bool {
        self.issues_tokens
    }

    /// Whether browsers come over TLS, as far as the public URL says.
    pub(crate) fn has_tls(&self) -> bool {
        self.snapshot.public_url.scheme() == "https"
    }

    /// Whether a request that names this host is meant for us.
    pub(crate) fn is_own_host(&self, authority: &str) -> bool {
        let with_default_port = || {
            let port = self.snapshot.public_url.port_or_known_default();
            port.is_some_and(|port| format!("{}:{port}", self.own_authority).eq_ignore_ascii_case(authority))
        };
        self.own_authority.eq_ignore_ascii_case(authority)
            || hosts::is_loopback_authority(authority)
            || (self.snapshot.public_url.port().is_none() && with_default_port())
    }

    /// Whether pages of an origin may call: our own, those of the configuration, and, where we are
    /// ourselves published on loopback, any loopback origin.
    pub(crate) fn is_allowed_origin(&self, origin: &str) -> bool {
        origin == self.origin
            || self.snapshot.allowed_origins.iter().any(|allowed| allowed == origin)
            || (hosts::is_loopback_authority(&self.own_authority) && is_loopback_origin(origin))
    }
}

fn is_loopback_origin(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(scheme, authority)| {
        matches!(scheme, "http" | "https") && hosts::is_loopback_authority(authority)
    })
}

/// The agents with a host of their own, in the order of its bytes.
fn hosts<'a>(agents: impl Iterator<Item = &'a Arc<PublishedAgent>>) -> Vec<(String, Arc<PublishedAgent>)> {
    let with_host =
        |it: &Arc<PublishedAgent>| Some((it.agent.host.as_ref()?.to_ascii_lowercase(), Arc::clone(it)));
    let mut hosts: Vec<_> = agents.filter_map(with_host).collect();
    hosts.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    hosts
}

/// `host[:port]` of the public URL.
fn authority(snapshot: &Snapshot) -> String {
    let url = &snapshot.public_url;
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn own_tool(upstream: &Upstream) -> Option<String> {
    matches!(upstream.credential, Credential::Connection(_)).then(|| format!("connect_{}", upstream.name))
}

impl PublishedAgent {
    /// Whether another declaration means the same card, judged alike.
    fn is_declared_as(&self, agent: &Agent) -> bool {
        let of = |agent: &Agent| format!("{} {:?}", agent.card, agent.signature);
        of(&self.agent) == of(agent)
    }
}

impl Published {
    fn compile(server: &Arc<VirtualServer>, entrance: Entrance) -> Result<Self, RoutesError> {
        let exposure = Exposure::compile(&server.curation)
            .map_err(|error| RoutesError::Template { server: server.name.to_string(), error })?;
        let judges_by_upstream_templates =
            exposure.filters(Kind::Resource) && !exposure.filters(Kind::ResourceTemplate);
        let uri = match &server.upstream.transport {
            Transport::Http(url) | Transport::Auto(url) => {
                Some(url.as_str().parse().map_err(|_| RoutesError::Url(server.upstream.name.to_string()))?)
            }
            Transport::Sse(_) | Transport::Stdio(_) => None,
        };
        Ok(Self {
            server: Arc::clone(server),
            entrance: Arc::new(entrance),
            exposure,
            uri,
            place: server.upstream.place(),
            own_tool: own_tool(&server.upstream),
            identity: conversations::identity(&server.upstream),
            judges_by_upstream_templates,
        })
    }
}
