//! What a virtual server and an agent have in common: a resource with a door of its own.

use std::sync::{Arc, atomic::AtomicUsize};

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_model::{Access, Agent, Limits, RateLimit, Scopes, Snapshot, VirtualServer};
use http::{HeaderName, HeaderValue, header};

use super::Memory;
use crate::{metrics::Meters, rates::Calls};

/// One door, made once per snapshot: who may come in, what those are told who may not, and what is counted.
pub(crate) struct Entrance {
    /// Where it leads.
    pub(crate) to: Destination,
    pub(crate) memory: Arc<Memory>,
    /// The bounds of its snapshot.
    pub(crate) limits: Arc<Limits>,
    /// Equal as long as nothing about who may come in and what they see has changed.
    pub(crate) rules: [u8; 32],
    /// `resource_metadata="…"[, scope="…"]` of the challenge for tokens.
    challenge: String,
    /// The RFC 9728 document; none where no tokens are taken.
    pub(crate) metadata: Option<Bytes>,
    /// Event streams that are open now; lives on across snapshots.
    pub(crate) streams: Arc<AtomicUsize>,
    /// How often its callers called; lives on across snapshots.
    pub(crate) calls: Arc<Calls>,
    /// Where its requests are counted.
    pub(crate) meters: Arc<Meters>,
}

/// What a door leads to.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    /// A virtual server.
    Server(Arc<VirtualServer>),
    /// An agent.
    Agent(Arc<Agent>),
}

/// What a door shares with others, or keeps across snapshots.
pub(super) struct Kept {
    pub(super) memory: Arc<Memory>,
    pub(super) limits: Arc<Limits>,
    pub(super) streams: Arc<AtomicUsize>,
    pub(super) calls: Arc<Calls>,
    pub(super) meters: Arc<Meters>,
}

impl std::fmt::Debug for Entrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entrance").field("to", &self.to.path()).finish_non_exhaustive()
    }
}

impl Destination {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Server(server) => server.name.as_str(),
            Self::Agent(agent) => agent.name.as_str(),
        }
    }

    /// Its path below the public URL, without the first slash: unique among virtual servers and agents.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Server(server) => format!("mcp/{}", server.name),
            Self::Agent(agent) => format!("a2a/{}", agent.name),
        }
    }

    /// What metrics call it: an agent may have the name of a virtual server.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Server(server) => server.name.to_string(),
            Self::Agent(_) => self.path(),
        }
    }

    /// Its kind, in a word of the product.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Server(_) => "virtual server",
            Self::Agent(_) => "agent",
        }
    }

    /// The OAuth resource.
    pub(crate) fn resource(&self) -> &str {
        match self {
            Self::Server(server) => &server.resource,
            Self::Agent(agent) => &agent.resource,
        }
    }

    /// Who may come in.
    pub(crate) fn access(&self) -> &Access {
        match self {
            Self::Server(server) => &server.access,
            Self::Agent(agent) => &agent.access,
        }
    }

    /// How often a caller may call.
    pub(crate) fn rate(&self) -> Option<RateLimit> {
        match self {
            Self::Server(server) => server.rate,
            Self::Agent(agent) => agent.rate,
        }
    }

    /// What opens it wholly, of the scopes of Doorward's own tokens.
    pub(crate) fn scopes(&self) -> Scopes {
        match self {
            Self::Server(_) => Scopes::MCP,
            Self::Agent(_) => Scopes::A2A,
        }
    }

    /// A digest of who may come in and what they see. No secret is part of either.
    fn rules(&self) -> [u8; 32] {
        let text = match self {
            Self::Server(server) => format!("{:?}{:?}", server.access, server.curation),
            Self::Agent(agent) => format!("{:?}{:?}", agent.access, agent.skills),
        };
        hash::sha256(text.as_bytes())
    }
}

impl Entrance {
    pub(super) fn compile(to: Destination, snapshot: &Snapshot, kept: Kept) -> Self {
        let scopes = scopes(&to);
        Self {
            metadata: takes_tokens(to.access()).then(|| metadata(&to, snapshot, &scopes)),
            challenge: challenge(&to, snapshot, &scopes),
            rules: to.rules(),
            to,
            memory: kept.memory,
            limits: kept.limits,
            streams: kept.streams,
            calls: kept.calls,
            meters: kept.meters,
        }
    }

    /// Who may come in.
    pub(crate) fn access(&self) -> &Access {
        self.to.access()
    }

    /// RFC 6750 section 3.1: all scopes of the operation, in one challenge.
    pub(crate) fn scope_challenge(&self, scope: &str) -> (HeaderName, HeaderValue) {
        let metadata = self.challenge.split(", scope=").next().unwrap_or_default();
        let value = format!(r#"Bearer error="insufficient_scope", scope="{scope}", {metadata}"#);
        let value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"));
        (header::WWW_AUTHENTICATE, value)
    }

    /// Whether tokens are a way in.
    pub(crate) fn takes_tokens(&self) -> bool {
        takes_tokens(self.access())
    }

    /// The `WWW-Authenticate` values, one for each kind of credential that is taken; `error` is for tokens alone. API
    /// keys and certificates have no registered scheme: these name what is missing.
    pub(crate) fn challenges(&self, error: &str) -> Vec<(HeaderName, HeaderValue)> {
        let access = self.access();
        let bearer = || {
            let value = format!("Bearer {error}{}", self.challenge);
            HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"))
        };
        let key = || HeaderValue::from_static(r#"ApiKey header="X-API-Key""#);
        let certificate = || HeaderValue::from_static("ClientCertificate");
        let challenges = [
            self.takes_tokens().then(bearer),
            access.api_keys.is_some().then(key),
            access.mtls.then(certificate),
        ];
        challenges.into_iter().flatten().map(|value| (header::WWW_AUTHENTICATE, value)).collect()
    }
}

fn takes_tokens(access: &Access) -> bool {
    !access.open && (access.oauth || access.jwt.is_some())
}

/// What a client should ask for: Doorward's scopes for its own tokens, the issuers' where they demand one.
fn scopes(to: &Destination) -> Vec<String> {
    let own = if to.access().oauth { to.scopes() } else { Scopes::NONE };
    let mut scopes: Vec<_> = own.iter().map(|scope| scope.name().to_owned()).collect();
    for issuer in to.access().jwt.iter().flat_map(|jwt| &jwt.issuers) {
        scopes.extend(
            issuer.required_scope.iter().filter(|scope| !scopes.contains(scope)).cloned().collect::<Vec<_>>(),
        );
    }
    scopes
}

fn challenge(to: &Destination, snapshot: &Snapshot, scopes: &[String]) -> String {
    let origin = snapshot.origin();
    let mut challenge =
        format!(r#"resource_metadata="{origin}/.well-known/oauth-protected-resource/{}""#, to.path());
    if !scopes.is_empty() {
        challenge.extend([r#", scope=""#, &scopes.join(" "), r#"""#]);
    }
    challenge
}

/// RFC 9728 section 2. Empty lists are left out, as section 3.2 wants.
fn metadata(to: &Destination, snapshot: &Snapshot, scopes: &[String]) -> Bytes {
    let mut servers = Vec::new();
    if to.access().oauth {
        servers.push(snapshot.origin());
    }
    servers.extend(to.access().jwt.iter().flat_map(|jwt| &jwt.issuers).map(|issuer| issuer.issuer.clone()));
    let mut document = serde_json::json!({
        "resource": to.resource(),
        "authorization_servers": servers,
        "bearer_methods_supported": ["header"],
        "resource_name": to.name(),
    });
    if !scopes.is_empty() {
        document["scopes_supported"] = scopes.into();
    }
    Bytes::from(document.to_string())
}
