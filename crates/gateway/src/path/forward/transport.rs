//! By HTTP or in a conversation, and `transport = "auto"`: which of the two an address speaks is found out by the first
//! `initialize` (2025-11-25, `basic/transports`, backwards compatibility).
//!
//! What was found is remembered for as long as the program runs and the upstream is declared; it is found out again
//! when it no longer holds. Sessions say themselves which kind they are, on every replica and after a restart.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_model::Transport;
use doorward_protocol::mcp::Method;
use http::Uri;
use tokio::time::timeout;

use super::{
    Voice,
    conversation::{self, Opened, not_begun},
    http,
};
use crate::{
    App,
    conversations::StartError,
    handles::Session,
    path::{
        Refusal,
        engine::{Exchange, Outbound},
        record::OpenRecord,
    },
    routes::Published,
};

/// How long an address may take to name the endpoint of HTTP+SSE.
const PROBE: Duration = Duration::from_secs(10);

/// Where a request goes by HTTP; none where it is said in a conversation.
pub(in crate::path) fn address<'p>(
    app: &App,
    published: &'p Published,
    session: Option<&Session>,
) -> Option<&'p Uri> {
    let is_conversation = match session {
        Some(session) => session.is_conversation,
        None => finds_out(published) && app.conversations().speaks_sse(published),
    };
    published.uri.as_ref().filter(|_| !is_conversation)
}

/// Sends what was asked, the way that the upstream is reached.
pub(super) async fn send(
    app: &App,
    outbound: Outbound,
    exchange: &mut Exchange,
    record: &mut OpenRecord,
) -> Result<Voice, Refusal> {
    let published = &*Arc::clone(&exchange.published);
    let session = exchange.session.as_ref().map(|session| &session.handle);
    match (address(app, published, session), &published.uri) {
        (way, Some(uri)) if finds_out(published) && exchange.method() == Some(Method::Initialize) => {
            Box::pin(find_out(app, (uri, way.is_none()), outbound, exchange, record)).await
        }
        (Some(uri), _) => http(app, uri, outbound, exchange, record).await.map(Voice::Http),
        (None, _) => {
            Box::pin(conversation::send(app, &outbound.body, exchange, record)).await.map(Voice::Conversation)
        }
    }
}

fn finds_out(published: &Published) -> bool {
    matches!(published.server.upstream.transport, Transport::Auto(_))
}

/// Sends an `initialize`, which is answered once, by whichever transport is there.
async fn find_out(
    app: &App,
    (uri, spoke_sse): (&Uri, bool),
    outbound: Outbound,
    exchange: &mut Exchange,
    record: &mut OpenRecord,
) -> Result<Voice, Refusal> {
    let message = outbound.body.clone();
    if spoke_sse {
        match open(app, exchange, record).await {
            Ok(opened) => return opened.ask(&message, exchange).await.map(Voice::Conversation),
            // It is not what it was.
            Err(error) if error.is_no_sse() => app.conversations().forget_sse(&exchange.published),
            Err(error) => return Err(not_begun(exchange, &error)),
        }
    }
    let answer = http(app, uri, outbound, exchange, record).await?;
    if spoke_sse || !matches!(answer.status().as_u16(), 400 | 404 | 405) {
        return Ok(Voice::Http(answer));
    }
    // A server may hold the stream that was asked for open and say nothing.
    match timeout(PROBE, open(app, exchange, record)).await {
        Ok(Ok(opened)) => {
            app.conversations().learn_sse(&exchange.published);
            opened.ask(&message, exchange).await.map(Voice::Conversation)
        }
        _ => Ok(Voice::Http(answer)),
    }
}

async fn open(app: &App, exchange: &mut Exchange, record: &mut OpenRecord) -> Result<Opened, StartError> {
    record.upstream(exchange.published.server.upstream.name.as_str());
    let since = Instant::now();
    let opened = conversation::open(app, exchange).await;
    record.waited(since);
    opened
}
