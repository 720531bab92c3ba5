//! The immutable picture of all configuration that the request path reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ipnet::IpNet;
use url::Url;

use crate::{Agent, Issuer, Limits, Name, SignInProvider, TokenRules, Upstream, VirtualServer};

/// Everything that decides about a request, at one moment. Never changed: a new one is swapped in.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `scheme://host[:port]`; the root of every address in documents.
    pub public_url: Url,
    /// Origins besides our own that browsers may call from, as serialised origins.
    pub allowed_origins: Vec<String>,
    /// Private networks that documents and callers may lead to.
    pub allow_private: Vec<IpNet>,
    /// Declared upstreams by name.
    pub upstreams: BTreeMap<Name, Arc<Upstream>>,
    /// Declared issuers by name.
    pub issuers: BTreeMap<Name, Arc<Issuer>>,
    /// Declared sign-in providers by name.
    pub sign_in: BTreeMap<Name, Arc<SignInProvider>>,
    /// How the authorization server behaves.
    pub tokens: TokenRules,
    /// Published virtual servers by name.
    pub servers: BTreeMap<Name, Arc<VirtualServer>>,
    /// Published agents by name.
    pub agents: BTreeMap<Name, Arc<Agent>>,
    /// The secrets of the store that credentials refer to, whether they are there or not.
    pub stored_secrets: BTreeSet<Name>,
    /// Bounds.
    pub limits: Limits,
}

impl Snapshot {
    /// `public_url` without a trailing slash: the issuer and the prefix of resources.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }
}
