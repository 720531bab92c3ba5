//! Stage 1: Host and Origin. Nothing else is looked at before (DNS rebinding, cross-site requests).

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use hyper::body::Incoming;

use super::{Reason, Refusal, a2a};
use crate::{
    endpoint::{Endpoint, Origins},
    hosts::is_address,
    listen::Probe,
    routes::{PublishedAgent, Routes},
};

/// Proof that Host and Origin are ours or allowed.
pub(crate) struct Admitted {
    pub(super) request: Request<Incoming>,
    /// Whose card is asked for under a host name that the agent has for it. There is nothing else under that name.
    pub(super) card_of: Option<Arc<PublishedAgent>>,
}

/// Checks the host that the request names and the origin that a browser names.
pub(super) fn host_and_origin(request: Request<Incoming>, routes: &Routes) -> Result<Admitted, Refusal> {
    let host = host(&request).ok_or(Reason::HostNotAllowed)?;
    // Health probes name whatever they like, and learn nothing. Metrics may be asked for by address: no name
    // server can make a browser send an address to a page of somebody else's.
    let may_name_others = match Probe::of(request.uri().path()) {
        Some(Probe::Health | Probe::Readiness) => true,
        Some(Probe::Metrics) => is_address(host),
        None => false,
    };
    let is_ours = may_name_others || routes.is_own_host(host);
    let card_of = card_of(&request, host, routes);
    if !is_ours && card_of.is_none() {
        return Err(Reason::HostNotAllowed.into());
    }
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) if !may_call(origin, request.uri().path(), routes) => {
            Err(Reason::OriginNotAllowed.into())
        }
        (_, None) => Ok(Admitted { request, card_of }),
        _ => Err(Reason::OriginNotAllowed.into()),
    }
}

/// The agent whose card is asked for under its own host name, and asked for as a document is.
fn card_of(request: &Request<Incoming>, host: &str, routes: &Routes) -> Option<Arc<PublishedAgent>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    (is_read && request.uri().path() == a2a::CARD).then(|| routes.agent_at(host))?
}

/// Whether a page of that origin may send a request to that path.
fn may_call(origin: &HeaderValue, path: &str, routes: &Routes) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    match origins(path) {
        Origins::Any => true,
        Origins::OwnPages => origin == routes.snapshot.origin() || origin == "null",
        Origins::Allowed => routes.is_allowed_origin(origin),
    }
}

fn origins(path: &str) -> Origins {
    match Endpoint::of(path) {
        Some(endpoint) => endpoint.origins(),
        // Documents for everybody.
        None if path.starts_with("/.well-known/") || a2a::is_card(path) => Origins::Any,
        None => Origins::Allowed,
    }
}

/// The authority of the request: `:authority` or absolute form first, else exactly one Host header.
fn host(request: &Request<Incoming>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

/// What a browser on another origin needs to see of an answer.
pub(crate) struct CrossOrigin(Option<HeaderValue>);

impl CrossOrigin {
    /// Remembers the origin of a request, whatever becomes of it.
    pub(super) fn of(request: &Request<Incoming>) -> Self {
        Self(request.headers().get(header::ORIGIN).cloned())
    }

    /// Adds the headers of the CORS protocol. A refused origin's answer is not marked as readable.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        let refused = headers.remove(&REFUSED_ORIGIN).is_some();
        let Some(origin) = &self.0 else { return };
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if refused {
            return;
        }
        // Documents for everybody say so themselves.
        if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(
                "WWW-Authenticate, Mcp-Session-Id, Retry-After, ETag, Last-Modified, A2A-Version, A2A-Extensions",
            ),
        );
    }
}

/// Set by the refusal of an origin and taken out again before the answer leaves.
pub(super) static REFUSED_ORIGIN: HeaderName = HeaderName::from_static("doorward-refused-origin");

/// Takes away what would let pages of other origins read an answer.
pub(crate) fn hide_from_other_origins(answer: &mut super::Answer) {
    answer.headers.insert(REFUSED_ORIGIN.clone(), HeaderValue::from_static("1"));
}

/// The answer to a CORS preflight at a virtual server, an agent or a document.
pub(crate) fn preflight() -> super::Answer {
    let mut answer = super::Answer::empty(http::StatusCode::NO_CONTENT);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, X-API-Key, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, \
             A2A-Version, A2A-Extensions, X-A2A-Extensions, If-None-Match, If-Modified-Since, Last-Event-ID, \
             traceparent, tracestate",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        answer.headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
