//! The snapshot, compiled for the request path: one look-up finds everything that a virtual server needs.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_guard::{Exposure, uri_template::TemplateError};
use doorward_model::{Kind, Limits, Scopes, Snapshot, Transport, VirtualServer};
use http::{HeaderName, HeaderValue, Uri, header};

use crate::{
    conversations, hosts,
    lists::Lists,
    metrics::{Meters, Metrics},
    tokens::TokenCache,
};

/// Everything that routes and decides, for one snapshot. Swapped as a whole.
pub(crate) struct Routes {
    pub(crate) memory: Arc<Memory>,
    pub(crate) snapshot: Snapshot,
    servers: HashMap<String, Arc<Published>>,
    own_authority: String,
    origin: String,
}

/// What is remembered under one snapshot. A new snapshot begins with nothing: what was verified or filtered
/// under the old one, and arrives late, cannot count under the new one.
pub(crate) struct Memory {
    pub(crate) tokens: TokenCache,
    pub(crate) lists: Lists,
}

/// What a virtual server shares with others, or keeps across snapshots.
struct Kept {
    memory: Arc<Memory>,
    limits: Arc<Limits>,
    streams: Arc<AtomicUsize>,
    meters: Arc<Meters>,
}

/// A virtual server with what its requests need, made once per snapshot.
pub(crate) struct Published {
    pub(crate) server: Arc<VirtualServer>,
    pub(crate) exposure: Exposure,
    pub(crate) memory: Arc<Memory>,
    /// The bounds of its snapshot.
    pub(crate) limits: Arc<Limits>,
    /// Equal as long as nothing about who may come in and what they see has changed.
    pub(crate) rules: [u8; 32],
    /// Where requests go; none where there always is a conversation instead.
    pub(crate) uri: Option<Uri>,
    /// What handles are bound to besides the caller: they mean nothing at another upstream.
    pub(crate) place: String,
    /// What sets its upstream apart from all others, its variables included.
    pub(crate) identity: String,
    /// Whether URIs can only be judged by the upstream's own templates.
    pub(crate) judges_by_upstream_templates: bool,
    /// `resource_metadata="…"[, scope="…"]` of the challenge.
    pub(crate) challenge: String,
    /// The RFC 9728 document; none for open access.
    pub(crate) metadata: Option<Bytes>,
    /// Event streams that are open now; lives on across snapshots.
    pub(crate) streams: Arc<AtomicUsize>,
    /// Where its requests are counted.
    pub(crate) meters: Arc<Meters>,
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
    /// Compiles a snapshot; counters of servers that stay are kept.
    pub(crate) fn compile(
        snapshot: Snapshot,
        metrics: &Metrics,
        before: Option<&Self>,
    ) -> Result<Self, RoutesError> {
        let memory = Arc::new(Memory { tokens: TokenCache::new(), lists: Lists::new() });
        let limits = Arc::new(snapshot.limits.clone());
        let mut servers = HashMap::new();
        for (name, server) in &snapshot.servers {
            let known = before.and_then(|before| before.servers.get(name.as_str()));
            let streams = known.map(|known| Arc::clone(&known.streams)).unwrap_or_default();
            let (memory, limits) = (Arc::clone(&memory), Arc::clone(&limits));
            let kept = Kept { memory, limits, streams, meters: metrics.server(name.as_str()) };
            servers.insert(name.to_string(), Arc::new(Published::compile(server, &snapshot, kept)?));
        }
        let own_authority = authority(&snapshot);
        let origin = snapshot.origin();
        Ok(Self { memory, snapshot, servers, own_authority, origin })
    }

    /// The virtual server of a name, exactly as written.
    pub(crate) fn server(&self, name: &str) -> Option<Arc<Published>> {
        self.servers.get(name).map(Arc::clone)
    }

    /// What sets the upstreams of all virtual servers apart.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &str> {
        self.servers.values().map(|published| published.identity.as_str())
    }

    /// Open event streams by virtual server.
    pub(crate) fn open_streams(&self) -> Vec<(&str, usize)> {
        let open = |published: &Published| published.streams.load(Ordering::Relaxed);
        self.servers.iter().map(|(name, published)| (name.as_str(), open(published))).collect()
    }

    /// The origin of the public URL: Doorward's issuer.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether any virtual server takes Doorward's own tokens.
    pub(crate) fn issues_tokens(&self) -> bool {
        self.snapshot.servers.values().any(|server| server.access.oauth)
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

/// `host[:port]` of the public URL.
fn authority(snapshot: &Snapshot) -> String {
    let url = &snapshot.public_url;
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl Published {
    fn compile(server: &Arc<VirtualServer>, snapshot: &Snapshot, kept: Kept) -> Result<Self, RoutesError> {
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
        let scopes = scopes(server);
        let metadata = (!server.access.open).then(|| metadata(server, snapshot, &scopes));
        let challenge = challenge(server, snapshot, &scopes);
        Ok(Self {
            server: Arc::clone(server),
            exposure,
            uri,
            place: server.upstream.place(),
            identity: conversations::identity(&server.upstream),
            judges_by_upstream_templates,
            challenge,
            metadata,
            rules: rules(server),
            memory: kept.memory,
            limits: kept.limits,
            streams: kept.streams,
            meters: kept.meters,
        })
    }

    /// RFC 6750 section 3.1: all scopes of the operation, in one challenge.
    pub(crate) fn scope_challenge(&self, scope: &str) -> (HeaderName, HeaderValue) {
        let metadata = self.challenge.split(", scope=").next().unwrap_or_default();
        let value = format!(r#"Bearer error="insufficient_scope", scope="{scope}", {metadata}"#);
        let value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"));
        (header::WWW_AUTHENTICATE, value)
    }

    /// A `WWW-Authenticate` value: the scheme, an error where there is one, then where to find metadata.
    pub(crate) fn challenge_with(&self, error: &str) -> HeaderValue {
        let value = format!("Bearer {error}{}", self.challenge);
        HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

/// A digest of who may come in and what they see. No secret is part of either.
fn rules(server: &VirtualServer) -> [u8; 32] {
    hash::sha256(format!("{:?}{:?}", server.access, server.curation).as_bytes())
}

/// What a client should ask for: Doorward's scopes for its own tokens, the issuers' where they demand one.
fn scopes(server: &VirtualServer) -> Vec<String> {
    let own = if server.access.oauth { Scopes::MCP } else { Scopes::NONE };
    let mut scopes: Vec<_> = own.iter().map(|scope| scope.name().to_owned()).collect();
    for issuer in server.access.jwt.iter().flat_map(|jwt| &jwt.issuers) {
        scopes.extend(
            issuer.required_scope.iter().filter(|scope| !scopes.contains(scope)).cloned().collect::<Vec<_>>(),
        );
    }
    scopes
}

fn challenge(server: &VirtualServer, snapshot: &Snapshot, scopes: &[String]) -> String {
    let origin = snapshot.origin();
    let mut challenge =
        format!(r#"resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp/{}""#, server.name);
    if !scopes.is_empty() {
        challenge.extend([r#", scope=""#, &scopes.join(" "), r#"""#]);
    }
    challenge
}

/// RFC 9728 section 2. Empty lists are left out, as section 3.2 wants.
fn metadata(server: &VirtualServer, snapshot: &Snapshot, scopes: &[String]) -> Bytes {
    let mut servers = Vec::new();
    if server.access.oauth {
        servers.push(snapshot.origin());
    }
    servers.extend(server.access.jwt.iter().flat_map(|jwt| &jwt.issuers).map(|issuer| issuer.issuer.clone()));
    let mut document = serde_json::json!({
        "resource": server.resource,
        "authorization_servers": servers,
        "bearer_methods_supported": ["header"],
        "resource_name": server.name.as_str(),
    });
    if !scopes.is_empty() {
        document["scopes_supported"] = scopes.into();
    }
    Bytes::from(document.to_string())
}
