//! The upstream's own resource templates, where a URI can only be judged by them.
//!
//! That is so when `resources` is filtered and `resource_templates` is not: a URI that is not named is
//! exposed if one of the upstream's templates matches it. They are asked for in the caller's own session and
//! era. A hidden URI and one that does not exist take the same way.

use bytes::Bytes;
use doorward_egress::{Outbound, Protocol, Trust, read_capped};
use doorward_guard::uri_template::UriTemplate;
use doorward_model::{Caller, Limits};
use doorward_protocol::{
    json::{Array, Document, Value, quote},
    mcp::{Era, Method, modern::OWN_META},
    rpc::{Message, Outcome},
    sse::EventReader,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method as HttpVerb, Response, header};
use hyper::body::Incoming;

use super::super::{Refusal, authenticate::Authenticated, forward, record::OpenRecord};
use super::legacy::message_headers;
use crate::{App, handles::Session, routes::Published};

/// Most templates of an upstream that are considered.
const MAX_TEMPLATES: usize = 1000;
/// Most pages that are asked for.
const MAX_PAGES: usize = 16;

/// The upstream's templates when this request's decision needs them, else none.
pub(super) async fn needed(
    app: &App,
    (published, caller): (&Published, &Authenticated),
    method: Method,
    era: Era,
    session: Option<&Session>,
    record: &mut OpenRecord,
) -> Result<Vec<UriTemplate>, Refusal> {
    let names_uris = matches!(
        method,
        Method::ResourcesRead
            | Method::ResourcesSubscribe
            | Method::ResourcesUnsubscribe
            | Method::CompletionComplete
            | Method::SubscriptionsListen
    );
    if !published.judges_by_upstream_templates || !names_uris {
        return Ok(Vec::new());
    }
    let mut templates = Vec::new();
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let own_id = format!("dw.templates.{}", record.id.hex());
        let request = page_request(era, cursor.as_deref(), &own_id);
        let asked = ask(app, (published, &caller.caller), (era, session), (&own_id, request), record);
        // Boxed, so that requests that need none do not carry the room for asking.
        let page = Box::pin(asked).await?;
        cursor = read_page(&page, &mut templates);
        if cursor.is_none() || templates.len() >= MAX_TEMPLATES {
            break;
        }
    }
    Ok(templates)
}

fn headers(era: Era, session: Option<&Session>) -> HeaderMap {
    let mut headers = message_headers();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if era == Era::Modern {
        put("mcp-protocol-version", "2026-07-28");
        put("mcp-method", Method::ResourceTemplatesList.name());
    }
    if let Some(session) = session {
        put("mcp-session-id", &session.upstream_id);
    }
    headers
}

fn page_request(era: Era, cursor: Option<&str>, own_id: &str) -> Bytes {
    let mut params = Vec::new();
    if era == Era::Modern {
        params.push(OWN_META.to_owned());
    }
    if let Some(cursor) = cursor {
        params.push(format!(r#""cursor":{}"#, quote(cursor)));
    }
    let method = Method::ResourceTemplatesList.name();
    Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","id":"{own_id}","method":"{method}","params":{{{}}}}}"#,
        params.join(",")
    ))
}

/// One page, as the document of its answer.
async fn ask(
    app: &App,
    (published, caller): (&Published, &Caller),
    (era, session): (Era, Option<&Session>),
    (own_id, body): (&str, Bytes),
    record: &mut OpenRecord,
) -> Result<Document, Refusal> {
    let limits = &published.entrance.limits;
    let text = match forward::address(app, published, session) {
        Some(uri) => {
            let outbound = Outbound {
                method: HttpVerb::POST,
                uri: uri.clone(),
                headers: headers(era, session),
                body,
                trust: Trust::Declared,
                protocol: Protocol::Http1OrAlpn,
            };
            let (answer, _) = forward::ask(app, (published, caller, session), outbound, record).await?;
            by_http(answer, published, own_id, limits).await
        }
        None => in_conversation(app, (published, caller), (era, session), (own_id, &body)).await?,
    };
    Document::parse(text, limits.depth)
        .map_err(|error| forward::invalid(published, format!("resources/templates/list: {error}")))
}

async fn by_http(answer: Response<Incoming>, published: &Published, own_id: &str, limits: &Limits) -> Bytes {
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    let is_stream = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let read = read_capped(answer.into_body(), limits.response_body);
    let text = tokio::time::timeout(published.server.upstream.timeout, read).await;
    let text = text.ok().and_then(Result::ok).unwrap_or_default();
    if is_stream { first_answer(text, own_id, limits.response_body) } else { text }
}

/// Asked like any message of the caller's: nothing is sent for an account that is connected no more.
async fn in_conversation(
    app: &App,
    (published, caller): (&Published, &Caller),
    (era, session): (Era, Option<&Session>),
    (own_id, body): (&str, &Bytes),
) -> Result<Bytes, Refusal> {
    let upstream = &published.server.upstream;
    let conversation = match (era, session) {
        (Era::Modern, _) => app.conversations().shared(published).await.ok().flatten(),
        (Era::Legacy, Some(session)) => {
            // Boxed, so that those who need no token do not carry the room for asking.
            Some(Box::pin(forward::held(app, (published, caller), session)).await?.0)
        }
        (Era::Legacy, None) => None,
    };
    let Some(conversation) = conversation else { return Ok(Bytes::new()) };
    let Ok(mut reading) = conversation.ask(own_id, None, body).await else { return Ok(Bytes::new()) };
    let answer = tokio::time::timeout(upstream.timeout, reading.next()).await;
    Ok(answer.ok().flatten().unwrap_or_default())
}

/// The data of the event that answers.
fn first_answer(text: Bytes, own_id: &str, limit: usize) -> Bytes {
    let mut reader = EventReader::new(limit);
    reader.push(text);
    while let Ok(Some(event)) = reader.next_event() {
        if let Some(data) = event.data().filter(|data| contains(data, own_id)) {
            return data;
        }
    }
    Bytes::new()
}

fn contains(data: &[u8], own_id: &str) -> bool {
    data.windows(own_id.len()).any(|window| window == own_id.as_bytes())
}

/// Takes a page's templates; returns the cursor of the next one.
fn read_page(page: &Document, templates: &mut Vec<UriTemplate>) -> Option<String> {
    let Ok(Message::Response { outcome: Outcome::Result(result), .. }) = Message::read(page) else {
        return None;
    };
    let entries = result.get("resourceTemplates").and_then(Value::as_array);
    let texts = entries.into_iter().flat_map(Array::iter);
    let texts = texts.filter_map(|entry| entry.as_object()?.get("uriTemplate")?.as_str());
    let room = MAX_TEMPLATES.saturating_sub(templates.len());
    templates.extend(texts.take(room).filter_map(|text| UriTemplate::parse(&text).ok()));
    result.get("nextCursor").and_then(Value::as_str).map(std::borrow::Cow::into_owned)
}
