//! A2A agents that Doorward publishes.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use url::Url;

use crate::{A2aVersion, Access, Algorithm, Credential, Name, RateLimit};

/// An A2A agent that Doorward publishes at `/a2a/<name>`: `[[agent]]`.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its name and route.
    pub name: Name,
    /// `<public_url>/a2a/<name>`: the OAuth resource, exactly as clients must name it.
    pub resource: String,
    /// Where its own card is.
    pub card: Url,
    /// Until a unary answer, or the first event of a stream. Sending waits for the task by default, so it is long.
    pub timeout: Duration,
    /// What Doorward presents to it.
    pub credential: Credential,
    /// Whether a short-lived assertion that names the caller, signed by Doorward, goes along.
    pub assertion: bool,
    /// Who may come in.
    pub access: Access,
    /// What the published card offers, in this order.
    pub bindings: Vec<Binding>,
    /// What callers may speak; never empty.
    pub versions: Vec<A2aVersion>,
    /// Another host name at whose root the card stands too.
    pub host: Option<String>,
    /// What is asked of its card's signature.
    pub signature: CardSignature,
    /// The skills that the published card shows, by id; absent means all.
    pub skills: Option<BTreeSet<String>>,
    /// Whether webhooks are relayed. Otherwise the agent has none, as far as callers know.
    pub push: bool,
    /// How often a caller may call.
    pub rate: Option<RateLimit>,
    /// How much of it one caller may hold.
    pub quotas: Quotas,
    /// Through how many agents of this gateway a request may have come.
    pub delegation_depth: usize,
}

/// A protocol binding of A2A (1.0 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Binding {
    /// JSON-RPC 2.0 by POST.
    JsonRpc,
    /// HTTP+JSON.
    HttpJson,
    /// gRPC.
    Grpc,
}

impl Binding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::JsonRpc, Self::HttpJson, Self::Grpc];

    /// As the configuration names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::JsonRpc => "jsonrpc",
            Self::HttpJson => "http+json",
            Self::Grpc => "grpc",
        }
    }

    /// As cards name it: `protocolBinding` of 1.0, `transport` of 0.3.
    pub const fn card_name(self) -> &'static str {
        match self {
            Self::JsonRpc => "JSONRPC",
            Self::HttpJson => "HTTP+JSON",
            Self::Grpc => "GRPC",
        }
    }
}

/// What is asked of the signature of an agent's own card.
#[derive(Debug, Clone, Default)]
pub struct CardSignature {
    /// Whether there must be one.
    pub mode: SignatureMode,
    /// Whose signatures count. A card names keys; it never brings one that is believed.
    pub keys: Vec<CardKeys>,
}

/// Whether a card must be signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignatureMode {
    /// Signatures are not looked at.
    #[default]
    Off,
    /// A signature must be good where there is one.
    IfPresent,
    /// There must be a good one.
    Required,
}

/// Keys that the operator has pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CardKeys {
    /// A JWK set at an address.
    At(Url),
    /// A JWK set as text, read from a file.
    Text(String),
}

impl CardKeys {
    /// The algorithms that are believed on cards.
    pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];
}

/// How much of an agent one caller may hold at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Tasks that have not ended.
    pub tasks: usize,
    /// Tasks that wait for the caller.
    pub input_required: usize,
    /// Open streams.
    pub streams: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { tasks: 1_000, input_required: 100, streams: 100 }
    }
}

/// A key that programs present instead of a token: `[[api_key]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Who presents it: the subject `api-key:<name>`, and the client of this name.
    pub name: Name,
    /// SHA-256 of the key, in lower-case hex.
    pub hash: String,
    /// The groups of who presents it.
    pub groups: Vec<String>,
}

/// Keys as a way in.
pub type ApiKeys = Vec<Arc<ApiKey>>;
