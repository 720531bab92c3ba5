//! Clients whose id is the address of a document that describes them (OAuth Client ID Metadata Document).
//!
//! The host vouches for what the document says, and for nothing else: it is shown to people with every name.
//! Fetching it is done elsewhere: one GET without redirects, of which only status 200 counts.

use std::time::Duration;

use doorward_model::{Client, ClientAuthentication, ClientKeys, ClientKind, GrantTypes, Timestamp};
use url::Url;

use super::{
    described::{Described, web_address, wrong},
    error::OAuthError,
};
use crate::keys::hash;

/// The largest document, in bytes.
pub const MAX_BYTES: usize = 5 << 10;
/// The most redirect URIs; the size of a document bounds them too.
const MAX_REDIRECT_URIS: usize = 32;
/// For how long a document counts at least and at most, and when its host does not say, in seconds.
const LIFETIMES: (u64, u64, u64) = (5 * 60, 24 * 3600, 3600);

/// A client that was read from its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentClient {
    /// The client.
    pub client: Client,
    /// [`digest_of`] the client.
    pub digest: String,
    /// Whether it may come without proof although it has keys: it names both methods, and does not tell
    /// which one it will use.
    pub or_none: bool,
}

/// Why there is no client at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The id cannot be the address of a document.
    #[error("a client id that is an address begins with https, has a path, and is written plainly")]
    Id,
    /// More than 5 KiB.
    #[error("the client's document is larger than 5 KiB")]
    TooLarge,
    /// The document's `client_id` is not its address.
    #[error("the client's document is that of another client")]
    OtherClient,
    /// The document has or asks for a secret, which everybody could read.
    #[error("the client's document has a shared secret, or a method that needs one")]
    SharedSecret,
    /// Something else in it is wrong.
    #[error("the client's document is wrong: {}", .0.description)]
    Metadata(#[from] OAuthError),
}

/// Whether a client's id is meant as an address; no other ids begin so.
pub fn is_address(id: &str) -> bool {
    id.starts_with("https://")
}

/// The address of a document: `https`, with a path, without user, fragment and dot segments, and written as
/// URL parsers write it, since ids are compared as text.
pub fn check_id(id: &str) -> Result<Url, DocumentError> {
    let url = web_address(id).filter(|url| url.scheme() == "https" && url.path() != "/");
    url.filter(|url| url.as_str() == id).ok_or(DocumentError::Id)
}

/// Reads the document that was fetched from `id`.
pub fn read(id: &str, body: &[u8], now: Timestamp) -> Result<DocumentClient, DocumentError> {
    check_id(id)?;
    if body.len() > MAX_BYTES {
        return Err(DocumentError::TooLarge);
    }
    let described = Described::parse(body)?;
    if described.text("client_id")? != Some(id) {
        return Err(DocumentError::OtherClient);
    }
    if described.get("client_secret").is_some() || described.get("client_secret_expires_at").is_some() {
        return Err(DocumentError::SharedSecret);
    }
    described.check_response_types()?;
    let (authentication, or_none) = authentication(&described)?;
    let client = Client {
        id: id.to_owned(),
        kind: ClientKind::Document,
        name: described.name("client_name")?,
        redirect_uris: described.redirect_uris(MAX_REDIRECT_URIS)?,
        authentication,
        // Anybody can publish a document: what it asks for in its own name, it does not get.
        grant_types: GrantTypes { client_credentials: false, ..described.grant_types()? },
        resource: None,
        created: now,
    };
    Ok(DocumentClient { digest: digest_of(&client), client, or_none })
}

/// The method that the document names, or else the best of those it could use (OpenID Connect Relying Party
/// Metadata Choices); and whether it may come without proof too.
fn authentication(described: &Described) -> Result<(ClientAuthentication, bool), DocumentError> {
    let keys = described.keys()?;
    let choices = described.texts("token_endpoint_auth_methods_supported")?.unwrap_or_default();
    let named = described.text("token_endpoint_auth_method")?;
    if named.is_some_and(needs_shared_secret) {
        return Err(DocumentError::SharedSecret);
    }
    let has = |method: &str| named == Some(method) || choices.contains(&method);
    match keys {
        Some(keys) if has("private_key_jwt") => Ok((ClientAuthentication::PrivateKeyJwt(keys), has("none"))),
        _ if has("none") || (named.is_none() && choices.is_empty()) => {
            Ok((ClientAuthentication::None, false))
        }
        None if has("private_key_jwt") => Err(wrong("private_key_jwt needs jwks or jwks_uri").into()),
        _ if choices.iter().copied().any(needs_shared_secret) => Err(DocumentError::SharedSecret),
        _ => Err(wrong("there is no such token_endpoint_auth_method here").into()),
    }
}

fn needs_shared_secret(method: &str) -> bool {
    method.starts_with("client_secret_")
}

/// What consent is bound to: the digest of a client's name, redirect URIs and keys. When one of them changes,
/// people are asked again.
pub fn digest_of(client: &Client) -> String {
    let keys = match &client.authentication {
        ClientAuthentication::None => "none",
        ClientAuthentication::Secret(_) => "secret",
        ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline(keys)) => keys,
        ClientAuthentication::PrivateKeyJwt(ClientKeys::Uri(uri)) => uri.as_str(),
    };
    let parts = [client.name.as_deref().unwrap_or_default(), keys];
    let parts = parts.into_iter().chain(client.redirect_uris.iter().map(String::as_str));
    let text = parts.fold(String::new(), |text, part| format!("{text}{}:{part}", part.len()));
    hash::hex(&hash::sha256(text.as_bytes()))
}

/// For how long a document counts, when its host says `max_age` seconds: at least 5 minutes and at most a day.
pub fn lifetime(max_age: Option<u64>) -> Duration {
    let (least, most, default) = LIFETIMES;
    Duration::from_secs(max_age.unwrap_or(default).clamp(least, most))
}

#[cfg(test)]
mod tests;
