//! Messages of 2025-11-25 and before: sessions, notifications and responses of clients, GET and DELETE.

use std::sync::Arc;

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_guard::uri_template::UriTemplate;
use doorward_protocol::{
    json::{Document, Value},
    mcp::{
        Era, Method, Revision, batch, capabilities, modern::HeaderText, request_id::Tag,
        revision::is_legacy_version, target::Target,
    },
    rpc::Message,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method as HttpVerb, header};

use super::super::{
    Reason, Refusal, authenticate::Authenticated, read::Wire, record::OpenRecord, refusal::Manner,
};
use super::{Asked, Client, Exchange, Outbound, OwnSession, Purpose, rewrite, templates};
use crate::{App, handles::Holder, identifiers::RequestId, routes::Published};

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
    let setting = Setting::of(session, wire, record);
    let Some(method) = method else {
        return Ok(setting.asked(published, caller, Purpose::Hearing, document.bytes().clone()));
    };
    let target = super::target(method, message, version, record)?;
    let Message::Request { id, .. } = message else {
        let body = match method {
            Method::Cancelled if setting.session.is_some() => rewrite::cancellation(document, &setting.tag),
            _ => document.bytes().clone(),
        };
        return Ok(setting.asked(published, caller, Purpose::Hearing, body));
    };
    let templates = setting.templates(app, (&published, &caller), method, record).await?;
    let context = rewrite::Context {
        sealers: app.sealers(),
        holder: Holder { published: &published, caller: &caller.key },
        now: app.clock().now(),
        templates: &templates,
        shares_channel: false,
    };
    // A copy: a slice would hold the connection's buffer for as long as the answer takes.
    let client_id = Bytes::copy_from_slice(id.raw());
    let own_id = setting.tag.own(&client_id);
    let rewritten =
        rewrite::request(&context, document, message, (method, &target), &own_id, &mut record.trace)?;
    let mut asked = setting.asked(published, caller, Purpose::Answer { method, client_id }, rewritten.body);
    asked.target = target;
    asked.exchange.progress = rewritten.progress;
    asked.exchange.templates = templates;
    if method == Method::Initialize {
        asked.exchange.client = beginning(message);
    }
    Ok(asked)
}

/// What a client says of itself in `initialize`.
fn beginning(message: &Message<'_>) -> Client {
    let declared = message.params().and_then(|params| params.get("capabilities")).and_then(Value::as_object);
    Client {
        revision: Revision::named_by(message.params()),
        elicits_urls: capabilities::elicits_urls(declared),
    }
}

/// Understands a GET or DELETE: the stream of a session, or its end.
pub(super) async fn without_message(
    app: &App,
    published: Arc<Published>,
    caller: Authenticated,
    wire: &Wire,
    purpose: Purpose,
    record: &mut OpenRecord,
) -> Result<Asked, Refusal> {
    let version = wire.mirror.version.text();
    record.asked(version, None, None);
    if wire.mirror.version == HeaderText::Malformed
        || version.is_some_and(|version| !is_legacy_version(version))
    {
        return Err(Reason::MethodNotAllowed("POST").into());
    }
    let session = open_session(app, &published, &caller, wire)?;
    if session.is_none() && wire.last_event_id.is_some() {
        // An event id is bound to nobody; the session that it belongs to is.
        return Err(Reason::SessionMissing.into());
    }
    let setting = Setting::of(session, wire, record);
    let mut templates = Vec::new();
    if matches!(purpose, Purpose::Stream) {
        // What a session's stream may report depends on the same templates as a subscription does.
        templates = setting.templates(app, (&published, &caller), Method::ResourcesSubscribe, record).await?;
    }
    let mut asked = setting.asked(published, caller, purpose, Bytes::new());
    asked.outbound.headers.remove(header::CONTENT_TYPE);
    if matches!(asked.exchange.purpose, Purpose::Stream) {
        asked.outbound.verb = HttpVerb::GET;
        asked.outbound.headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(id) = &wire.last_event_id {
            asked.outbound.headers.insert(HeaderName::from_static("last-event-id"), id.clone());
        }
    } else {
        asked.outbound.verb = HttpVerb::DELETE;
    }
    asked.exchange.templates = templates;
    Ok(asked)
}

/// What all messages of a session share.
struct Setting {
    session: Option<OwnSession>,
    tag: Tag,
    headers: HeaderMap,
    client: Client,
}

impl Setting {
    fn of(session: Option<OwnSession>, wire: &Wire, record: &OpenRecord) -> Self {
        let tag = tag(session.as_ref(), record.id);
        let mut headers = message_headers();
        session_headers(&mut headers, wire, session.as_ref());
        let declared = session.as_ref().is_some_and(|session| session.handle.elicits_urls);
        // An older revision may have been agreed on than the client knows.
        let knows = wire.mirror.version.text() == Some(Revision::V2025_11_25.as_str());
        let client = Client { revision: None, elicits_urls: declared && knows };
        Self { session, tag, headers, client }
    }

    async fn templates(
        &self,
        app: &App,
        (published, caller): (&Published, &Authenticated),
        method: Method,
        record: &mut OpenRecord,
    ) -> Result<Vec<UriTemplate>, Refusal> {
        let session = self.session.as_ref().map(|session| &session.handle);
        let needed = templates::needed(app, (published, caller), method, Era::Legacy, session, record).await;
        needed.map_err(|refusal| refusal.told(Manner::of(Era::Legacy, method, self.client.elicits_urls)))
    }

    /// A POST of `body` that names nothing and needs no templates.
    fn asked(self, published: Arc<Published>, caller: Authenticated, purpose: Purpose, body: Bytes) -> Asked {
        let exchange = Exchange {
            published,
            caller: caller.key.clone(),
            on_behalf: caller.caller.clone(),
            era: Era::Legacy,
            purpose,
            tag: self.tag,
            about: String::new(),
            templates: Vec::new(),
            progress: None,
            page: None,
            lease: caller.lease.clone(),
            session: self.session,
            client: self.client,
            presented: None,
        };
        let outbound = Outbound { verb: HttpVerb::POST, headers: self.headers, body };
        Asked { caller, target: Target::Nothing, outbound, exchange: Box::new(exchange) }
    }
}

/// Whether a batch may come: the header says so, or it is missing, as in the revision that has batches, and the
/// session agreed on that revision. With neither, nobody has said that this is a client which knows them.
pub(super) fn check_batches(
    app: &App,
    published: &Published,
    caller: &Authenticated,
    wire: &Wire,
) -> Result<(), Refusal> {
    let has_batches = match &wire.mirror.version {
        HeaderText::Absent => {
            let session = open_session(app, published, caller, wire)?;
            session.is_some_and(|session| session.handle.has_batches)
        }
        version => version.text() == Some(batch::REVISION.as_str()),
    };
    if has_batches {
        return Ok(());
    }
    let text = "batches are for sessions of revision 2025-03-26: send each message alone";
    Err(Reason::NotJsonRpc(text.into()).into())
}

/// Opens the session that a request names. One that was given to somebody else, or elsewhere, or has ended,
/// does not exist.
fn open_session(
    app: &App,
    published: &Published,
    caller: &Authenticated,
    wire: &Wire,
) -> Result<Option<OwnSession>, Refusal> {
    let text = match &wire.session {
        HeaderText::Absent => return Ok(None),
        HeaderText::Malformed => return Err(Reason::SessionUnknown.into()),
        HeaderText::Text(text) => text,
    };
    let holder = Holder { published, caller: &caller.key };
    let opened = app.sealers().open_session(text, app.clock().now(), holder);
    let handle = opened.ok_or(Reason::SessionUnknown)?;
    let hash = hash::hex(&hash::sha256(text.as_bytes()));
    if app.ended_sessions().contains(&hash) {
        return Err(Reason::SessionUnknown.into());
    }
    Ok(Some(OwnSession { handle, hash }))
}

/// Ids of a session must be the same on every connection and replica; without one, each request is alone.
fn tag(session: Option<&OwnSession>, id: RequestId) -> Tag {
    let Some(session) = session else { return Tag::new(id.tag()) };
    let digest = hash::sha256(session.hash.as_bytes());
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

fn session_headers(headers: &mut HeaderMap, wire: &Wire, session: Option<&OwnSession>) {
    if let Some(version) = wire.mirror.version.text().and_then(|version| HeaderValue::from_str(version).ok())
    {
        headers.insert(HeaderName::from_static("mcp-protocol-version"), version);
    }
    if let Some(id) = session.and_then(|session| HeaderValue::from_str(&session.handle.upstream_id).ok()) {
        headers.insert(HeaderName::from_static("mcp-session-id"), id);
    }
}
