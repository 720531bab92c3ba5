//! Protected resource metadata (RFC 9728): where they are, and what of them counts.

use url::Url;

use super::{DiscoveryError, MAX_DOCUMENT, MAX_IDENTIFIER, is_safe, issuer_address};
use crate::{
    client::{challenge::Challenge, scope::ScopeList},
    metadata::Document,
    server::resource::canonical,
};

/// Where metadata are (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// The most authorization servers that are looked at.
const MAX_SERVERS: usize = 32;

/// Where the metadata of a resource may be, in the order in which to ask: of several, the first that answers with status
/// 200 counts.
///
/// Where the challenge says so, and nowhere else; otherwise at the well-known address of the resource, then at that of its
/// origin. An address with `http` is followed on this computer and on the resource's own origin only.
pub fn resource_metadata_urls(resource: &Url, challenge: Option<&Challenge>) -> Vec<Url> {
    let told = challenge.and_then(|challenge| challenge.resource_metadata.clone());
    if let Some(told) = told.filter(|url| is_safe(url) || url.origin() == resource.origin()) {
        return vec![told];
    }
    let at = |path: &str, query: Option<&str>| {
        let mut url = resource.clone();
        url.set_path(&format!("{WELL_KNOWN}{path}"));
        url.set_query(query);
        url.set_fragment(None);
        url
    };
    let path = resource
        .path()
        .strip_prefix('/')
        .map_or("", |rest| if rest.is_empty() { "" } else { resource.path() });
    let mut urls = vec![at(path, resource.query())];
    // RFC 9728 keeps a slash at the end of a path; official clients do not.
    urls.extend([at(path.trim_end_matches('/'), resource.query()), at("", None)]);
    urls.dedup();
    urls
}

/// What a resource says of itself, as far as it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    /// Its identifier exactly as it is published: what goes into `resource` of every request (RFC 8707).
    pub resource: String,
    /// The issuers of its authorization servers, in its order; at least one.
    pub authorization_servers: Vec<String>,
    /// All its scopes, if it says; absent also when they are too many to be asked for.
    pub scopes: Option<ScopeList>,
}

impl ProtectedResource {
    /// Reads the document that was found at `from` for the resource at `requested`.
    ///
    /// Its `resource` is the address that was called, or, at the well-known address of that origin, the origin: the two
    /// identifiers whose documents were asked for (RFC 9728 section 3.3). A slash at the end does not count, and is kept
    /// in what is sent. Prefixes in between are not believed, though official clients do.
    pub fn read(document: &[u8], from: &Url, requested: &Url) -> Result<Self, DiscoveryError> {
        if document.len() > MAX_DOCUMENT {
            return Err(DiscoveryError::TooLarge);
        }
        let document = Document::read(document).ok_or(DiscoveryError::Malformed)?;
        let resource = document.text("resource").filter(|resource| is_meant(resource, from, requested));
        let resource = resource.ok_or(DiscoveryError::OtherResource)?;
        let elsewhere =
            document.list("bearer_methods_supported").is_some_and(|ways| !ways.contains(&"header"));
        if elsewhere || document.says("dpop_bound_access_tokens_required") {
            return Err(DiscoveryError::NoBearer);
        }
        let servers = document.list("authorization_servers").unwrap_or_default();
        let servers = servers.into_iter().filter(|issuer| issuer_address(issuer).is_some());
        let authorization_servers: Vec<_> = servers.take(MAX_SERVERS).map(str::to_owned).collect();
        if authorization_servers.is_empty() {
            return Err(DiscoveryError::NoServer);
        }
        let scopes = document.list("scopes_supported").and_then(ScopeList::of);
        Ok(Self { resource: resource.to_owned(), authorization_servers, scopes })
    }

    /// A resource that says nothing, of which the operator names the authorization server.
    pub fn declared(requested: &Url, issuer: &str) -> Self {
        Self {
            resource: requested.as_str().to_owned(),
            authorization_servers: vec![issuer.to_owned()],
            scopes: None,
        }
    }

    /// The issuer to go to: the one that the operator names, else the first.
    ///
    /// # Errors
    /// [`DiscoveryError::NotListed`] when the operator's is none of the resource's.
    pub fn issuer(&self, named: Option<&str>) -> Result<&str, DiscoveryError> {
        let mut servers = self.authorization_servers.iter().map(String::as_str);
        let Some(named) = named else { return servers.next().ok_or(DiscoveryError::NoServer) };
        servers.find(|server| *server == named).ok_or(DiscoveryError::NotListed)
    }
}

/// Whether an identifier is that of the resource that was called.
fn is_meant(resource: &str, from: &Url, requested: &Url) -> bool {
    let Some(resource) = canonical(resource).filter(|_| resource.len() <= MAX_IDENTIFIER) else {
        return false;
    };
    let origin = requested.origin();
    let of_the_origin = from.origin() == origin && from.path() == WELL_KNOWN && from.query().is_none();
    canonical(requested.as_str()).as_ref() == Some(&resource)
        || (of_the_origin && resource == origin.ascii_serialization())
}
