//! Which authorization server an upstream has, and what that server says of itself (RFC 9728, RFC 8414, OpenID Connect
//! Discovery, in the order of MCP 2026-07-28).
//!
//! Documents are believed only about those whose addresses they were found at: a resource is the one that was called, an
//! issuer the one that was asked, both compared as text. Fetching, and noticing that a resource has another authorization
//! server than before, is done elsewhere. The fixed addresses of MCP 2025-03-26, which had no metadata, are not guessed.
//!
//! In the order in which they are needed: [`resource_metadata_urls`], [`ProtectedResource`], [`server_metadata_urls`],
//! [`AuthorizationServer`].

mod resource;
mod server;

use url::Url;

use crate::server::{redirect_uri, web_address};

pub use resource::{ProtectedResource, resource_metadata_urls};
pub use server::{AuthorizationServer, server_metadata_urls};

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 64 << 10;
/// The longest identifier of a resource or an issuer, in bytes.
const MAX_IDENTIFIER: usize = 2048;

/// Why a place cannot be connected to, as far as documents tell. Says nothing that a document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// No address has protected resource metadata.
    #[error(
        "it does not say which authorization server it has (no protected resource metadata, RFC 9728): name it as \
         `issuer` in the credential"
    )]
    NoResourceMetadata,
    /// No address has authorization server metadata.
    #[error("the authorization server has no metadata (RFC 8414, OpenID Connect Discovery)")]
    NoServerMetadata,
    /// More than [`MAX_DOCUMENT`] bytes.
    #[error("a metadata document is too large")]
    TooLarge,
    /// Not a JSON object without duplicate members.
    #[error("a metadata document is not a JSON object")]
    Malformed,
    /// The metadata are of another resource (RFC 9728 section 3.3).
    #[error("the protected resource metadata are those of another resource than the one that was called")]
    OtherResource,
    /// The resource wants tokens in another way than RFC 6750 section 2.1 has them.
    #[error("the resource does not take bearer tokens in the Authorization header")]
    NoBearer,
    /// The resource names no authorization server that has a usable identifier.
    #[error(
        "the protected resource metadata name no authorization server: name it as `issuer` in the credential"
    )]
    NoServer,
    /// The authorization server that the operator names is none of the resource's.
    #[error("the `issuer` of the credential is not among the authorization servers of the resource")]
    NotListed,
    /// Not the address of an issuer.
    #[error(
        "the authorization server's identifier is no address with https (or http on this computer) without user, query \
         and fragment"
    )]
    NotAnIssuer,
    /// The metadata are of another issuer (RFC 8414 section 3.3).
    #[error("the authorization server's metadata are those of another issuer")]
    OtherIssuer,
    /// An endpoint is missing, or no address with `https`, or `http` on this computer.
    #[error("the authorization server's metadata have no usable `{0}`")]
    Endpoint(&'static str),
    /// PKCE with S256 is not announced (MCP 2026-07-28, authorization code protection).
    #[error("the authorization server does not announce PKCE with S256 (`code_challenge_methods_supported`)")]
    NoPkce,
    /// The authorization code flow is not announced.
    #[error("the authorization server does not have the authorization code flow")]
    NoCodeFlow,
    /// Requests have to be pushed (RFC 9126), which Doorward does not do.
    #[error(
        "the authorization server takes pushed authorization requests only, which Doorward does not send"
    )]
    OnlyPushed,
    /// The server lists its resources, and this is none of them (RFC 9728 section 4).
    #[error("the authorization server does not list this resource among those that it protects")]
    NotProtected,
}

/// An address with `https`, or with `http` on this computer.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || redirect_uri::is_loopback(url.as_str())
}

/// The address that an issuer's identifier is (RFC 8414 section 2).
fn issuer_address(issuer: &str) -> Option<Url> {
    let url = web_address(issuer).filter(|url| issuer.len() <= MAX_IDENTIFIER && is_safe(url));
    url.filter(|url| url.query().is_none())
}

#[cfg(test)]
mod tests;
