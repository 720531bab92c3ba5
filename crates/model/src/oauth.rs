//! OAuth as the authorization server knows it: scopes, clients, and what a client was granted.
//!
//! "Grant" alone means who may use which capability; what a person gave a client is a [`ClientGrant`].

mod client;
mod scope;

pub use client::{Client, ClientAuthentication, ClientKeys, ClientKind, GrantTypes, SecretMethod};
pub use scope::{Scope, Scopes, UnknownScope};

use crate::Timestamp;

/// What a client may do at one resource, and for whom: the root of a code and of all tokens that come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGrant {
    /// 128 random bits in hex.
    pub id: String,
    /// For whom the client acts: a person's subject, or `client:<id>` for the client itself.
    pub subject: String,
    /// The person's groups when the grant was given, or when it was last refreshed.
    pub groups: Vec<String>,
    /// The domain of the person's verified e-mail address, as the sign-in provider gave it.
    pub domain: Option<String>,
    /// The client's id.
    pub client: String,
    /// What the client called itself then.
    pub client_name: Option<String>,
    /// The redirect URI's scheme and host, for people to recognise.
    pub redirect: Option<String>,
    /// The one resource that its tokens open: `<public_url>/mcp/<name>` or `<public_url>/a2a/<name>`.
    pub resource: String,
    /// What its tokens may do there, at most.
    pub scopes: Scopes,
    /// When it was given.
    pub created: Timestamp,
    /// When it ends, whatever happens.
    pub expires: Timestamp,
}

/// Somebody who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// A local user's name, or `<sign-in provider>:<sub>`. A local name has no colon.
    pub subject: String,
    /// What the pages call them.
    pub name: String,
    /// Their groups: of the local user, or of the provider's claim.
    pub groups: Vec<String>,
    /// The domain of their verified e-mail address, in lower case, as the sign-in provider gave it.
    pub domain: Option<String>,
    /// Whether they may see and change what belongs to others.
    pub administrator: bool,
}
