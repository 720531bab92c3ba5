//! Upstreams that speak HTTP+SSE, the transport of MCP 2024-11-05: one event stream brings messages, and its first
//! event names the endpoint that takes them.
//!
//! The endpoint must have the origin of the stream, since it gets the credential. Redirects are not followed and
//! a broken stream is not taken up again: the session ends with it.

mod post;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use tokio::{sync::watch, time::timeout};
use url::Url;

use crate::{
    Egress, EgressError, Outbound, Protocol, Trust,
    channel::{self, Channel, ChannelError, Messages},
};
use stream::Events;

/// Bounds on an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseLimits {
    /// Largest message from the upstream, in bytes; also what all waiting messages have together.
    pub max_message: usize,
    /// How long the stream may be silent, comments not counted as silence. Then the channel ends. `None`: for ever.
    pub idle: Option<Duration>,
}

impl Default for SseLimits {
    fn default() -> Self {
        Self { max_message: 16 << 20, idle: None }
    }
}

/// Opens the stream at `url`, and the channel when the stream has named its endpoint.
///
/// `headers` carry the credential, as it is when a request is sent; they go with both kinds of request and nowhere else.
/// `first_byte` bounds the head of every answer, and the wait for the endpoint.
pub async fn connect(
    egress: &Egress,
    url: &Url,
    headers: watch::Receiver<HeaderMap>,
    trust: Trust,
    limits: &SseLimits,
    first_byte: Duration,
) -> Result<(Channel, Messages), ChannelError> {
    let mut asked = headers.borrow().clone();
    asked.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    let uri = uri_of(url)?;
    let (method, body, protocol) = (Method::GET, Bytes::new(), Protocol::Http1OrAlpn);
    let request = Outbound { method, uri, headers: asked, body, trust, protocol };
    let answer = egress.send(request, first_byte).await?;
    if answer.status() != StatusCode::OK {
        return Err(EgressError::Status(answer.status().as_u16()).into());
    }
    if !is_event_stream(answer.headers()) {
        return Err(ChannelError::NotAnEventStream);
    }
    let mut events = Events::new(answer.into_body(), limits.max_message);
    let first = timeout(first_byte, events.endpoint()).await;
    let endpoint = endpoint(url, &first.map_err(|_| EgressError::Timeout(first_byte))??)?;

    let (channel, messages, transport) = channel::open(limits.max_message);
    let channel::Transport { state, outbox, feed } = transport;
    let target = post::Target { egress: egress.clone(), endpoint, headers, trust, first_byte };
    tokio::spawn(post::post(target, outbox, state.clone()));
    tokio::spawn(stream::read(events, feed, state, limits.idle));
    Ok((channel, messages))
}

/// Where messages go: `named` as seen from the stream's address, if it has the same origin.
fn endpoint(stream: &Url, named: &[u8]) -> Result<Uri, ChannelError> {
    let named = std::str::from_utf8(named).map_err(|_| ChannelError::Endpoint("it is not a URL"))?;
    let mut endpoint = stream.join(named).map_err(|_| ChannelError::Endpoint("it is not a URL"))?;
    if endpoint.origin() != stream.origin() {
        return Err(ChannelError::Endpoint("it has another origin than the stream"));
    }
    let plain = endpoint.set_username("").and_then(|()| endpoint.set_password(None));
    plain.map_err(|()| ChannelError::Endpoint("it is not a URL"))?;
    endpoint.set_fragment(None);
    uri_of(&endpoint)
}

fn uri_of(url: &Url) -> Result<Uri, ChannelError> {
    url.as_str().parse().map_err(|_| ChannelError::Endpoint("it is not a usable URL"))
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/event-stream")
}

#[cfg(test)]
mod tests;
