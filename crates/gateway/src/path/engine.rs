//! Stage 5b: what the message means, and what of it goes upstream.
//!
//! [`understand`] tells the eras apart, checks what the revision demands, and writes the outbound message by
//! splicing single members. [`Exchange`] remembers what is needed to translate the answers.

mod exchange;
mod legacy;
mod modern;
mod rewrite;
mod templates;

use std::sync::Arc;

use bytes::Bytes;
use doorward_guard::{redact, uri_template::UriTemplate};
use doorward_protocol::{
    mcp::{Era, Method, modern::is_modern, target::Target},
    rpc::{EnvelopeError, Message},
};
use http::{HeaderMap, Method as HttpVerb};

pub(super) use rewrite::CONNECT;

pub(super) use exchange::{Broken, Client, Exchange, Fate, OwnSession, Purpose, Verdict};

use super::{
    Reason, Refusal,
    authenticate::Authenticated,
    read::{Content, Read},
    record::OpenRecord,
};
use crate::{App, routes::Published};

/// A request that is understood: what it is about, and what would be sent for it.
pub(super) struct Asked {
    caller: Authenticated,
    target: Target<'static>,
    pub(super) outbound: Outbound,
    /// Boxed: it goes through every stage that follows.
    pub(super) exchange: Box<Exchange>,
}

/// What would go upstream. Only `forward` sends it, and only with a permit.
pub(super) struct Outbound {
    pub(super) verb: HttpVerb,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn published(&self) -> &Arc<Published> {
        &self.exchange.published
    }

    pub(super) fn caller(&self) -> &Authenticated {
        &self.caller
    }

    pub(super) fn target(&self) -> &Target<'static> {
        &self.target
    }

    pub(super) fn era(&self) -> Era {
        self.exchange.era
    }

    pub(super) fn client_id(&self) -> Option<&Bytes> {
        self.exchange.client_id()
    }

    pub(super) fn upstream_templates(&self) -> &[UriTemplate] {
        &self.exchange.templates
    }
}

/// Understands a request: which era, which method, which capability.
pub(super) async fn understand(app: &App, read: Read, record: &mut OpenRecord) -> Result<Asked, Refusal> {
    let Read { published, caller, wire, content } = read;
    let document = match content {
        Content::Message(document) => document,
        Content::OpenStream => {
            return legacy::without_message(app, published, caller, &wire, Purpose::Stream, record).await;
        }
        Content::EndSession => {
            return legacy::without_message(app, published, caller, &wire, Purpose::End, record).await;
        }
    };
    let message = Message::read(&document);
    let modern = is_modern(&wire.mirror.version, message.as_ref().ok());
    let message = message.map_err(envelope)?;
    let id = message.id().map(|id| document.bytes().slice(id.span()));
    if published.server.payloads.arguments
        && let Some(params) = message.params()
    {
        record.arguments(redact::redact(&document, params.value()));
    }
    let asked = if modern {
        modern::understand(app, published, caller, &wire, (&document, &message), record).await
    } else {
        legacy::understand(app, published, caller, &wire, (&document, &message), record).await
    };
    asked.map_err(|refusal| match message {
        // An answer to a response would be an answer to nothing.
        Message::Response { .. } => refusal,
        _ => refusal.of(id.as_ref()),
    })
}

/// Whether the revision that applies to a request has batches.
pub(super) fn check_batches(app: &App, read: &Read) -> Result<(), Refusal> {
    legacy::check_batches(app, &read.published, &read.caller, &read.wire)
}

fn envelope(error: EnvelopeError) -> Refusal {
    Reason::NotJsonRpc(error.to_string()).into()
}

/// Looks the method up; records it even when it is unknown.
fn method(
    message: &Message<'_>,
    era: Era,
    version: Option<&str>,
    record: &mut OpenRecord,
) -> Result<Method, Refusal> {
    let name = message.method().unwrap_or_default();
    record.asked(version, Some(&name), None);
    let is_notification = matches!(message, Message::Notification { .. });
    let unknown = if is_notification { Reason::UnknownNotification } else { Reason::UnknownMethod(era) };
    let method = Method::parse(&name, era).filter(|method| method.is_notification() == is_notification);
    method.ok_or_else(|| unknown.into())
}

/// Reads what a request names, and records it.
fn target(
    method: Method,
    message: &Message<'_>,
    version: Option<&str>,
    record: &mut OpenRecord,
) -> Result<Target<'static>, Refusal> {
    let target =
        Target::read(method, message.params()).map_err(|error| Reason::InvalidParams(error.to_string()))?;
    record.asked(version, Some(method.name()), target.text());
    Ok(target.into_owned())
}
