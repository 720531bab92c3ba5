//! Requests of 2026-07-28: complete in themselves, headers and body agreeing.

use std::sync::Arc;

use bytes::Bytes;
use doorward_protocol::{
    json::{Document, Value},
    mcp::{Era, Method, capabilities, header, modern, request_id::Tag, target::Target},
    rpc::Message,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method as HttpVerb};

use super::super::{
    Reason, Refusal, authenticate::Authenticated, read::Wire, record::OpenRecord, refusal::Manner,
};
use super::{Asked, Client, Exchange, Outbound, Purpose, rewrite, templates};
use crate::{App, handles::Holder, lists::PageKey, routes::Published};

/// Understands a modern message. The order of the checks is the specification's.
pub(super) async fn understand(
    app: &App,
    published: Arc<Published>,
    caller: Authenticated,
    wire: &Wire,
    (document, message): (&Document, &Message<'_>),
    record: &mut OpenRecord,
) -> Result<Asked, Refusal> {
    let id = id(message)?;
    let refuse = |error| Refusal::from(Reason::Modern(error));
    let name = message.method().unwrap_or_default();
    record.asked(wire.mirror.version.text(), Some(&name), None);
    let version = modern::check_version(&wire.mirror, message.params()).map_err(refuse)?;
    modern::check_method(&wire.mirror, &name).map_err(refuse)?;
    let method = super::method(message, Era::Modern, Some(version), record)?;
    let target = super::target(method, message, Some(version), record)?;
    modern::check_name(&wire.mirror, method, &target).map_err(refuse)?;
    modern::check_tasks(method, message.params()).map_err(refuse)?;

    let client = client(message);
    let templates = templates::needed(app, (&published, &caller), method, Era::Modern, None, record).await;
    let manner = Manner::of(Era::Modern, method, client.elicits_urls);
    let templates = templates.map_err(|refusal| refusal.told(manner))?;
    let tag = Tag::new(record.id.tag());
    let own_id = tag.own(&id);
    let context = rewrite::Context {
        sealers: app.sealers(),
        holder: Holder { published: &published, caller: &caller.key },
        now: app.clock().now(),
        templates: &templates,
        shares_channel: published.uri.is_none(),
    };
    let rewritten =
        rewrite::request(&context, document, message, (method, &target), &own_id, &mut record.trace)?;
    let named = rewritten.task.as_deref().or(match &target {
        Target::Nothing | Target::TemplateOrUri(_) => None,
        target => target.text(),
    });
    let headers = headers(version, &name, named, wire);
    let page = page(&published, &caller, method, message);
    let exchange = Exchange {
        about: rewrite::about(method, &target),
        published,
        caller: caller.key.clone(),
        on_behalf: caller.caller.clone(),
        era: Era::Modern,
        purpose: Purpose::Answer { method, client_id: id },
        tag,
        templates,
        progress: rewritten.progress,
        page,
        lease: caller.lease.clone(),
        session: None,
        client,
        presented: None,
    };
    let outbound = Outbound { verb: HttpVerb::POST, headers, body: rewritten.body };
    Ok(Asked { caller, target, outbound, exchange: Box::new(exchange) })
}

/// What a client says of itself in a request.
fn client(message: &Message<'_>) -> Client {
    let params = message.params();
    let declared = params.and_then(modern::meta).and_then(|meta| meta.get(modern::META_CAPABILITIES));
    let declared = declared.and_then(Value::as_object);
    let has_declined = rewrite::own_response(params).is_some_and(|action| action != "accept");
    Client { revision: None, elicits_urls: capabilities::elicits_urls(declared) && !has_declined }
}

/// The JSON text of a request's id.
fn id(message: &Message<'_>) -> Result<Bytes, Refusal> {
    match message {
        // A copy: a slice would hold the connection's buffer for as long as the answer takes.
        Message::Request { id, .. } => Ok(Bytes::copy_from_slice(id.raw())),
        // Over HTTP this revision has no notification of a client, and a response is never posted.
        Message::Notification { .. } => Err(Reason::UnknownNotification.into()),
        Message::Response { .. } => Err(Reason::NotJsonRpc("responses are not posted".into()).into()),
    }
}

/// Where the answer to a request for a list is kept.
fn page(
    published: &Published,
    caller: &Authenticated,
    method: Method,
    message: &Message<'_>,
) -> Option<PageKey> {
    let params = message.params().filter(|_| method.is_list())?;
    let place = (&published.server.upstream.name, &published.server.name);
    published.entrance.memory.lists.key(place, &caller.key, method, params)
}

/// The mirrored headers, made anew from what was checked.
fn headers(version: &'static str, method: &str, named: Option<&str>, wire: &Wire) -> HeaderMap {
    let mut headers = super::legacy::message_headers();
    headers.insert(HeaderName::from_static("mcp-protocol-version"), HeaderValue::from_static(version));
    let mut put = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("mcp-method", method);
    if let Some(named) = named {
        put("mcp-name", &header::encode(named));
    }
    for (name, value) in &wire.parameters {
        headers.append(name.clone(), value.clone());
    }
    headers
}
