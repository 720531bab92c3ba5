//! Messages of 2025-11-25 and before: sessions, notifications and responses of clients, GET and DELETE.

use std::sync::Arc;

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_protocol::{
    json::Document,
    mcp::{
        Era, Method,
        modern::HeaderText,
        request_id::Tag,
        revision::is_legacy_version,
        target::Target,
    },
    rpc::Message,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method as HttpVerb, header};

use super::super::{
    Reason, Refusal,
    authenticate::Authenticated,
    read::{Content, Wire},
    record::OpenRecord,
};
use super::{
    Asked, Exchange, Outbound,
    exchange::OwnSession,
    handle::Holder,
    rewrite, templates,
};
use crate::{App, identifiers::RequestId, routes::Published};

/// An opened session: what the upstream calls it, and what sets its ids apart.
pub(super) struct Session {
    pub(super) upstream_id: String,
    own: OwnSession,
}

/// Understands a legacy message.
pub(super) async fn understand(
    app: &App,
    published: Arc<Published>,
    caller: Authenticated,
    wire: &Wire,
    (document, message): (&Document, &Message<'_>),
    record: &mut OpenRecord,
) -> Result<Asked, Refusal> {
    let version = wire.mirror.version.text();
    let method = match message {
        Message::Response { .. } => {
            record.asked(version, None, None);
            None
        }
        _ => Some(super::method(message, Era::Legacy, version, record)?),
    };
    // A new session is beginning: an old one has no say in it.
    let session = match method {
        Some(Method::Initialize) => None,
        _ => open_session(app, &published, &caller, wire)?,
    };
    let tag = tag(session.as_ref(), record.id);
    let target = match method {
        Some(method) => super::target(method, message, version, record)?,
        None => Target::Nothing,
    };
    let upstream_session = session.as_ref().map(|session| session.upstream_id.as_str());
    let templates = match method {
        Some(method) => templates::needed(app, &published, method, Era::Legacy, upstream_session, record).await?,
        None => Vec::new(),
    };
    let mut headers = message_headers();
    session_headers(&mut headers, wire, session.as_ref());
    let client_id = match message {
        Message::Request { id, .. } => Some(document.bytes().slice(id.span())),
        _ => None,
    };
    let context = rewrite::Context {
        sealers: app.sealers(),
        holder: Holder { published: &published, caller: &caller.key },
        now: app.clock().now(),
        templates: &templates,
    };
    let body = match (method, &client_id) {
        (Some(method), Some(id)) => {
            let own_id = tag.own(id);
            rewrite::request(&context, document, message, (method, &target), &own_id, &mut record.trace)?.body
        }
        (Some(Method::Cancelled), None) if session.is_some() => rewrite::cancellation(document, &tag),
        _ => document.bytes().clone(),
    };
    let exchange = Exchange {
        about: String::new(),
        published,
        caller: caller.key.clone(),
        era: Era::Legacy,
        method,
        client_id,
        tag,
        templates: templates.clone(),
        ends_session: false,
        session: session.map(|session| session.own),
    };
    let outbound = Outbound { verb: HttpVerb::POST, headers, body };
    Ok(Asked { caller, target, upstream_templates: templates, outbound, exchange })
}

/// Understands a GET or DELETE: the stream of a session, or its end.
pub(super) async fn without_message(
    app: &App,
    published: Arc<Published>,
    caller: Authenticated,
    wire: &Wire,
    content: &Content,
    record: &mut OpenRecord,
) -> Result<Asked, Refusal> {
    let version = wire.mirror.version.text();
    record.asked(version, None, None);
    if wire.mirror.version == HeaderText::Malformed || version.is_some_and(|version| !is_legacy_version(version)) {
        return Err(Reason::MethodNotAllowed("POST").into());
    }
    let session = open_session(app, &published, &caller, wire)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    session_headers(&mut headers, wire, session.as_ref());
    let opens_stream = matches!(content, Content::OpenStream);
    let mut templates = Vec::new();
    if opens_stream {
        if let Some(id) = &wire.last_event_id {
            headers.insert(HeaderName::from_static("last-event-id"), id.clone());
        }
        let upstream_session = session.as_ref().map(|session| session.upstream_id.as_str());
        // What a session's stream may report depends on the same templates as a subscription does.
        let method = Method::ResourcesSubscribe;
        templates = templates::needed(app, &published, method, Era::Legacy, upstream_session, record).await?;
    }
    let tag = tag(session.as_ref(), record.id);
    let exchange = Exchange {
        about: String::new(),
        published,
        caller: caller.key.clone(),
        era: Era::Legacy,
        method: None,
        client_id: None,
        tag,
        templates: templates.clone(),
        ends_session: !opens_stream,
        session: session.map(|session| session.own),
    };
    let verb = if opens_stream { HttpVerb::GET } else { HttpVerb::DELETE };
    let outbound = Outbound { verb, headers, body: Bytes::new() };
    Ok(Asked { caller, target: Target::Nothing, upstream_templates: templates, outbound, exchange })
}

/// Opens the session that a request names. One that was given to somebody else, or elsewhere, or has ended,
/// does not exist.
fn open_session(
    app: &App,
    published: &Published,
    caller: &Authenticated,
    wire: &Wire,
) -> Result<Option<Session>, Refusal> {
    let text = match &wire.session {
        HeaderText::Absent => return Ok(None),
        HeaderText::Malformed => return Err(Reason::SessionUnknown.into()),
        HeaderText::Text(text) => text,
    };
    let holder = Holder { published, caller: &caller.key };
    let opened = app.sealers().open_session(text, app.clock().now(), holder);
    let (upstream_id, expires) = opened.ok_or(Reason::SessionUnknown)?;
    let hash = hash::hex(&hash::sha256(text.as_bytes()));
    if app.ended_sessions().contains(&hash) {
        return Err(Reason::SessionUnknown.into());
    }
    Ok(Some(Session { upstream_id, own: OwnSession { hash, expires } }))
}

/// Ids of a session must be the same on every connection and replica; without one, each request is alone.
fn tag(session: Option<&Session>, id: RequestId) -> Tag {
    let Some(session) = session else { return Tag::new(id.tag()) };
    let digest = hash::sha256(session.own.hash.as_bytes());
    let mut tag = [0; 9];
    tag.copy_from_slice(&digest[..9]);
    Tag::new(tag)
}

/// The headers of every message.
pub(super) fn message_headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers
}

fn session_headers(headers: &mut HeaderMap, wire: &Wire, session: Option<&Session>) {
    if let Some(version) = wire.mirror.version.text().and_then(|version| HeaderValue::from_str(version).ok()) {
        headers.insert(HeaderName::from_static("mcp-protocol-version"), version);
    }
    if let Some(id) = session.and_then(|session| HeaderValue::from_str(&session.upstream_id).ok()) {
        headers.insert(HeaderName::from_static("mcp-session-id"), id);
    }
}
