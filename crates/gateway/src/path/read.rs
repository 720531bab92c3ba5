//! Stage 5a: what is on the wire. Headers are taken by name, the body is read whole and checked once.
//!
//! What is not taken here does not exist for the stages after this one: no caller's header map, credential
//! or cookie goes any further.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use doorward_egress::{BodyError, read_capped};
use doorward_model::Limits;
use doorward_protocol::{
    json::{Document, JsonError},
    mcp::modern::{HeaderText, Mirror},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use hyper::body::Body;

use super::{Reason, Refusal, Routed, authenticate::Authenticated, record::OpenRecord, route::HttpMethod};
use crate::routes::Published;

/// A request of a known caller, read and checked, not yet understood.
pub(super) struct Read {
    pub(super) published: Arc<Published>,
    pub(super) caller: Authenticated,
    pub(super) wire: Wire,
    pub(super) content: Content,
}

/// The headers that mean something at an MCP endpoint.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) mirror: Mirror,
    pub(super) session: HeaderText,
    pub(super) last_event_id: Option<HeaderValue>,
    /// `Mcp-Param-*`, for the upstream to compare with the arguments.
    pub(super) parameters: Vec<(HeaderName, HeaderValue)>,
}

/// What a request carries.
pub(super) enum Content {
    /// POST: one JSON document.
    Message(Document),
    /// GET: the stream of a session.
    OpenStream,
    /// DELETE: the end of a session.
    EndSession,
}

/// What a browser is told at a virtual server.
const ENDPOINT: &str = "This is an MCP endpoint: the address for an MCP client, not a page for a browser.\n\
    Add it to your client as a server over Streamable HTTP.\n\
    What MCP is: https://modelcontextprotocol.io\n";

/// Most `Mcp-Param-*` headers of one request.
const MAX_PARAMETERS: usize = 64;

/// Reads a request.
pub(super) async fn message(
    routed: Routed,
    caller: Authenticated,
    record: &mut OpenRecord,
) -> Result<Read, Refusal> {
    let wire = Wire::of(&routed.headers);
    let content = match routed.method {
        HttpMethod::Get => Content::OpenStream,
        HttpMethod::Delete => Content::EndSession,
        HttpMethod::Post => {
            check_media(&routed.headers)?;
            let limits = &routed.published.entrance.limits;
            let body = body(routed.body, limits).await?;
            record.received(body.len());
            Content::Message(parse(body, limits.depth)?)
        }
    };
    if routed.method == HttpMethod::Get && is_browser(&routed.headers) {
        return Err(Reason::NotAPage(ENDPOINT).into());
    }
    if routed.method == HttpMethod::Get && !accepts(&routed.headers, "text/event-stream") {
        return Err(Reason::NotAcceptable.into());
    }
    Ok(Read { published: routed.published, caller, wire, content })
}

impl Read {
    /// Whether the body is an array: several messages, or none.
    pub(super) fn is_array(&self) -> bool {
        matches!(&self.content, Content::Message(document) if document.root().as_array().is_some())
    }
}

impl Wire {
    fn of(headers: &HeaderMap) -> Self {
        let mirror = Mirror {
            version: text(headers, "mcp-protocol-version"),
            method: text(headers, "mcp-method"),
            name: text(headers, "mcp-name"),
        };
        let parameters = headers.iter().filter(|(name, _)| name.as_str().starts_with("mcp-param-"));
        Self {
            mirror,
            session: text(headers, "mcp-session-id"),
            last_event_id: headers.get("last-event-id").cloned(),
            parameters: parameters
                .take(MAX_PARAMETERS)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }
}

/// A header that may be sent at most once.
fn text(headers: &HeaderMap, name: &str) -> HeaderText {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => HeaderText::Absent,
        (Some(value), None) => {
            value.to_str().map_or(HeaderText::Malformed, |text| HeaderText::Text(text.to_owned()))
        }
        _ => HeaderText::Malformed,
    }
}

/// Content-Type must be JSON; Accept, where it is sent, must allow both kinds of answer.
fn check_media(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(Reason::UnsupportedMediaType.into());
    }
    if accepts(headers, "application/json") && accepts(headers, "text/event-stream") {
        Ok(())
    } else {
        Err(Reason::NotAcceptable.into())
    }
}

/// Whether Accept allows a media type. No Accept header allows everything (RFC 9110 section 12.5.1).
fn accepts(headers: &HeaderMap, media: &str) -> bool {
    if !headers.contains_key(header::ACCEPT) {
        return true;
    }
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let main = media.split('/').next().unwrap_or_default();
    ranges.flat_map(|ranges| ranges.split(',')).any(|range| {
        let range = range.split(';').next().unwrap_or_default().trim();
        range == "*/*"
            || range.eq_ignore_ascii_case(media)
            || range.strip_suffix("/*").is_some_and(|kind| kind.eq_ignore_ascii_case(main))
    })
}

/// Whether a page is asked for by name, and no session and no stream is.
pub(super) fn is_browser(headers: &HeaderMap) -> bool {
    let names = |media: &str| {
        let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut named = ranges.flat_map(|ranges| ranges.split(',')).map(|range| range.split(';').next());
        named.any(|range| range.unwrap_or_default().trim().eq_ignore_ascii_case(media))
    };
    names("text/html") && !names("text/event-stream") && !headers.contains_key("mcp-session-id")
}

pub(super) async fn body<B>(body: B, limits: &Limits) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let limit: Duration = limits.request_time;
    let read = tokio::time::timeout(limit, read_capped(body, limits.request_body)).await;
    match read {
        Err(_) => Err(Reason::BodyTimeout.into()),
        Ok(Err(BodyError::TooLarge(_))) => Err(Reason::BodyTooLarge.into()),
        Ok(Err(BodyError::Broken)) => Err(Reason::BodyBroken.into()),
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

pub(super) fn parse(bytes: Bytes, depth: usize) -> Result<Document, Refusal> {
    Document::parse(bytes, depth).map_err(|error| {
        let reason = match error {
            JsonError::TooDeep { .. } => Reason::TooDeep,
            JsonError::DuplicateKey { .. } => Reason::DuplicateKey,
            _ => Reason::MalformedJson,
        };
        Refusal::from(reason).detail(error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(value).expect("a header value"));
        headers
    }

    #[test]
    fn accept_is_read_as_ranges() {
        for (value, json, events) in [
            ("application/json, text/event-stream", true, true),
            ("application/json;q=0.9, Text/Event-Stream", true, true),
            ("*/*", true, true),
            ("application/*", true, false),
            ("text/html", false, false),
        ] {
            assert_eq!(accepts(&accept(value), "application/json"), json, "{value}");
            assert_eq!(accepts(&accept(value), "text/event-stream"), events, "{value}");
        }
        assert!(accepts(&HeaderMap::new(), "application/json"));
    }
}
