//! Stage 2: which virtual server, or which public document.

use std::{net::IpAddr, sync::Arc};

use doorward_auth::client::registration;
use doorward_protocol::a2a::{Version, proto};
use http::{HeaderMap, Method, header, request::Parts};
use hyper::body::Incoming;

use super::{Reason, Refusal, a2a, admit::Admitted, authenticate::Presented, record::OpenRecord};
use crate::{
    App,
    endpoint::{Endpoint, Origins},
    listen::{ClientCertificate, Probe},
    routes::{Entrance, Published, PublishedAgent, Routes},
    signer,
};

/// A request that has found its virtual server.
pub(crate) struct Routed {
    pub(super) published: Arc<Published>,
    pub(super) method: HttpMethod,
    pub(super) headers: HeaderMap,
    pub(super) query_has_token: bool,
    pub(super) certificate: Option<ClientCertificate>,
    pub(super) address: IpAddr,
    pub(super) body: Incoming,
}

impl Routed {
    /// Where it may carry a credential.
    pub(super) fn presented(&self) -> Presented<'_> {
        Presented {
            headers: &self.headers,
            query_has_token: self.query_has_token,
            certificate: self.certificate.as_ref(),
            address: self.address,
        }
    }
}

impl Visit {
    /// How large the body is, as far as the request says.
    pub(crate) fn announced_bytes(&self) -> usize {
        let length = self.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        length.and_then(|length| length.parse().ok()).unwrap_or(0)
    }
}

/// The HTTP methods of an MCP endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpMethod {
    Get,
    Post,
    Delete,
}

/// What a path stands for.
pub(super) enum Found {
    VirtualServer(Routed),
    Agent(a2a::Visit),
    Document(Document),
    Endpoint(Visit),
}

/// A request to an endpoint of the authorization server or to a page.
pub(crate) struct Visit {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// As received; empty when there is none.
    pub(crate) query: String,
    pub(crate) body: Incoming,
    /// Where the request comes from, as far as proxies are trusted to tell it.
    pub(crate) address: IpAddr,
}

/// A public document or a small fixed answer: nobody is asked who they are.
#[derive(Debug, Clone)]
pub(crate) enum Document {
    /// RFC 9728 metadata of a virtual server or an agent.
    ProtectedResource(Arc<Entrance>),
    /// RFC 8414 metadata of Doorward's authorization server.
    AuthorizationServer,
    /// The keys that Doorward signs with (RFC 7517 section 5).
    Keys,
    /// What Doorward says of itself as a client of other authorization servers.
    OwnClient,
    /// Health, readiness, metrics.
    Probe(Probe),
    /// A CORS preflight.
    Preflight,
}

/// Finds what a path stands for. Comparison is on the path as received: no decoding, no normalisation, so
/// that no two stages can see two different paths.
pub(super) fn find(
    admitted: Admitted,
    routes: &Routes,
    (app, peer): (&App, IpAddr),
    record: &mut OpenRecord,
) -> Result<Found, Refusal> {
    let (mut parts, body) = admitted.request.into_parts();
    let path = parts.uri.path();
    if let Some(agent) = admitted.card_of {
        return to_agent(a2a::Visit::to_card(agent), parts, body, (app, peer));
    }
    if let Some(name) = path.strip_prefix("/mcp/") {
        let published = routes.server(name).ok_or(Reason::NotFound)?;
        record.door(&published.entrance);
        if parts.method == Method::OPTIONS {
            return Ok(Found::Document(Document::Preflight));
        }
        let method = http_method(&parts).ok_or(Reason::MethodNotAllowed("GET, POST, DELETE, OPTIONS"))?;
        let query_has_token = parts.uri.query().is_some_and(has_token);
        let address = app.caller_address(&parts.headers, peer);
        return Ok(Found::VirtualServer(Routed {
            published,
            method,
            headers: parts.headers,
            query_has_token,
            certificate: parts.extensions.remove(),
            address,
            body,
        }));
    }
    if path.starts_with("/a2a/") || is_grpc(path) {
        let found = a2a::Visit::find_way(path, routes);
        let found =
            found.ok_or(if path == ORPHAN_CARD { Reason::CardElsewhere } else { Reason::NotFound })?;
        return to_agent(found, parts, body, (app, peer));
    }
    // Without a virtual server that takes its tokens there is no authorization server to be found.
    if let Some(endpoint) = Endpoint::of(path).filter(|it| routes.issues_tokens() || !it.is_oauth()) {
        let address = app.caller_address(&parts.headers, peer);
        return visit(endpoint, parts, body, address);
    }
    let document = match Probe::of(path).filter(|_| app.answers_probes()) {
        Some(probe) => Document::Probe(probe),
        None if path == a2a::CARD => return Err(Reason::CardElsewhere.into()),
        None => document(path, routes).ok_or(Reason::NotFound)?,
    };
    if parts.method == Method::GET || parts.method == Method::HEAD {
        Ok(Found::Document(document))
    } else if parts.method == Method::OPTIONS {
        Ok(Found::Document(Document::Preflight))
    } else {
        Err(Reason::MethodNotAllowed("GET, HEAD, OPTIONS").into())
    }
}

/// Where clients look that were given the address of all agents instead of one.
const ORPHAN_CARD: &str = "/a2a/.well-known/agent-card.json";

/// Whether a path is one of the gRPC services of A2A.
fn is_grpc(path: &str) -> bool {
    Version::ALL
        .into_iter()
        .any(|version| path.strip_prefix('/').is_some_and(|it| it.starts_with(proto::service(version))))
}

fn to_agent(
    found: (Option<Arc<PublishedAgent>>, a2a::Way),
    parts: Parts,
    body: Incoming,
    (app, peer): (&App, IpAddr),
) -> Result<Found, Refusal> {
    if parts.method == Method::OPTIONS {
        return Ok(Found::Document(Document::Preflight));
    }
    let query_has_token = parts.uri.query().is_some_and(has_token);
    let address = app.caller_address(&parts.headers, peer);
    a2a::Visit::of(found, parts, body, query_has_token, address).map(Found::Agent)
}

fn visit(endpoint: Endpoint, parts: Parts, body: Incoming, address: IpAddr) -> Result<Found, Refusal> {
    if parts.method == Method::OPTIONS && endpoint.origins() == Origins::Any {
        return Ok(Found::Document(Document::Preflight));
    }
    let Parts { method, uri, mut headers, .. } = parts;
    let method = if method == Method::HEAD {
        // As GET, for whoever looks whether there is something: for nobody who is signed in.
        headers.remove(header::COOKIE);
        Method::GET
    } else {
        method
    };
    let is_answered = endpoint.methods().contains(&method);
    let endpoint = match endpoint {
        // Where somebody gets by their browser's address line: there is nothing to see, but a way on.
        endpoint if !is_answered && endpoint.is_form() && method == Method::GET => Endpoint::Console,
        endpoint if !is_answered => return Err(Reason::MethodNotAllowed(endpoint.allow()).into()),
        endpoint => endpoint,
    };
    let query = uri.query().unwrap_or_default().to_owned();
    Ok(Found::Endpoint(Visit { endpoint, method, headers, query, body, address }))
}

fn document(path: &str, routes: &Routes) -> Option<Document> {
    // The OpenID location for clients that look there first; at the origin, where the issuer is.
    if matches!(path, "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration") {
        return routes.issues_tokens().then_some(Document::AuthorizationServer);
    }
    if path == signer::PATH {
        return Some(Document::Keys);
    }
    if path == registration::DOCUMENT {
        return Some(Document::OwnClient);
    }
    let entrance = routes.entrance_at(path.strip_prefix("/.well-known/oauth-protected-resource/")?)?;
    entrance.metadata.is_some().then(|| Document::ProtectedResource(Arc::clone(entrance)))
}

fn http_method(parts: &Parts) -> Option<HttpMethod> {
    match parts.method {
        Method::GET => Some(HttpMethod::Get),
        Method::POST => Some(HttpMethod::Post),
        Method::DELETE => Some(HttpMethod::Delete),
        _ => None,
    }
}

/// RFC 6750 section 2.3 is a way in that Doorward does not have: tokens in URLs end up in logs.
fn has_token(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}
