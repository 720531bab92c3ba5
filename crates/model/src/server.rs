//! What Doorward publishes.

use std::{collections::BTreeSet, sync::Arc};

use crate::{ApiKeys, Issuer, Name, RateLimit, Upstream};

/// An MCP endpoint that Doorward publishes at `/mcp/<name>`: `[[server]]`.
#[derive(Debug, Clone)]
pub struct VirtualServer {
    /// Its name and route.
    pub name: Name,
    /// `<public_url>/mcp/<name>`: the OAuth resource, exactly as clients must name it.
    pub resource: String,
    /// Whose capabilities it shows. Exactly one until capabilities of several are merged.
    pub upstream: Arc<Upstream>,
    /// Who may come in.
    pub access: Access,
    /// What they see.
    pub curation: Curation,
    /// What of a message's content its records keep.
    pub payloads: Payloads,
    /// How often a caller may call.
    pub rate: Option<RateLimit>,
}

/// Who may come in. Several ways may be open at once; with none of them nobody gets in.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Nobody is asked.
    pub open: bool,
    /// Doorward's own access tokens.
    pub oauth: bool,
    /// Tokens of trusted issuers.
    pub jwt: Option<JwtAccess>,
    /// Keys of programs, in `X-API-Key`; absent when that is no way in.
    pub api_keys: Option<ApiKeys>,
    /// Client certificates of the authorities that the listener trusts.
    pub mtls: bool,
    /// Who of those that get in may stay; absent means everybody.
    pub allow: Option<Allow>,
}

/// Tokens of trusted issuers as a way in.
#[derive(Debug, Clone)]
pub struct JwtAccess {
    /// Whose tokens count here.
    pub issuers: Vec<Arc<Issuer>>,
    /// What `aud` must contain.
    pub audience: String,
}

/// The callers that an operator lets in by name. A caller passes when any list names it.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Groups, as the credential names them.
    pub groups: BTreeSet<String>,
    /// Subjects.
    pub users: BTreeSet<String>,
    /// OAuth clients.
    pub clients: BTreeSet<String>,
}

/// The kinds of capability that are curated, each on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A tool, by name.
    Tool,
    /// A prompt, by name.
    Prompt,
    /// A resource, by URI.
    Resource,
    /// A resource template, by its URI template.
    ResourceTemplate,
}

/// Which capabilities are shown: per kind absent = all, empty = none, else exactly these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Curation {
    /// Tools by name.
    pub tools: Option<BTreeSet<String>>,
    /// Prompts by name.
    pub prompts: Option<BTreeSet<String>>,
    /// Resources by URI.
    pub resources: Option<BTreeSet<String>>,
    /// Resource templates by URI template.
    pub resource_templates: Option<BTreeSet<String>>,
}

/// Which content a server's records keep, redacted. Nothing unless asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payloads {
    /// The `params` of requests.
    pub arguments: bool,
    /// The `result` of answers.
    pub results: bool,
}
