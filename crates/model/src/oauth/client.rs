//! OAuth clients, however they came to be known.

use url::Url;

use crate::Timestamp;

/// An OAuth client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The operator's name for it, `dcr_…`, or the URL of its document. The three never meet: no operator's name
    /// begins with `dcr_` or has a colon.
    pub id: String,
    /// How it came to be known.
    pub kind: ClientKind,
    /// What it calls itself: a claim.
    pub name: Option<String>,
    /// Where codes may go. Each passed the one check of redirect URIs; none for clients without people.
    pub redirect_uris: Vec<String>,
    /// How it proves who it is.
    pub authentication: ClientAuthentication,
    /// What it may send to the token endpoint.
    pub grant_types: GrantTypes,
    /// The one resource that it may ask for, and gets when it names none.
    pub resource: Option<String>,
    /// When it came to be known here.
    pub created: Timestamp,
}

/// How a client came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientKind {
    /// The operator wrote it down: `doorward client add`.
    Registered,
    /// It registered itself (RFC 7591). Nobody vouches for what it says.
    Dynamic,
    /// Its id is the URL of its description (Client ID Metadata Document): the host vouches.
    Document,
}

/// How a client proves who it is at the token endpoint. One method per client, enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// It cannot: a public client.
    None,
    /// By a secret, of which the store keeps a hash.
    Secret(SecretMethod),
    /// By signed assertions (RFC 7523 section 2.2).
    PrivateKeyJwt(ClientKeys),
}

/// How a client's secret travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretMethod {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// Either: the operator's clients.
    Either,
}

/// Where a client's public keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientKeys {
    /// In its registration: a JWK set as JSON.
    Inline(String),
    /// At this address, on which nobody but the client decides.
    Uri(Url),
}

/// Grant types of the token endpoint (RFC 7591 section 2).
#[expect(clippy::struct_excessive_bools, reason = "a set of four, each with a name")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct GrantTypes {
    /// `authorization_code`.
    pub authorization_code: bool,
    /// `refresh_token`.
    pub refresh_token: bool,
    /// `client_credentials`.
    pub client_credentials: bool,
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`: another authorization server's assertion about a person.
    pub jwt_bearer: bool,
}

impl Client {
    /// Whether it can prove who it is.
    pub fn is_confidential(&self) -> bool {
        self.authentication != ClientAuthentication::None
    }
}
