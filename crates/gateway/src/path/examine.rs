//! Stage 8: is what came back an answer, and what of it may pass?

use bytes::Bytes;
use doorward_egress::{BodyError, read_capped};
use doorward_guard::redact;
use doorward_model::Limits;
use doorward_protocol::{json::Value, mcp::Era, mcp::Method};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;

use super::{
    Answer, Reason, Refusal,
    answer::Content,
    engine::{Exchange, Fate, Verdict},
    forward::{Reply, failed, invalid},
    record::OpenRecord,
    refusal::UpstreamFailure,
    relay::{Relay, StreamGuard},
};
use crate::App;

/// Turns an upstream's reply into the caller's answer.
pub(super) async fn reply(app: &App, reply: Reply, record: &mut OpenRecord) -> Result<Answer, Refusal> {
    let Reply { answer, exchange } = reply;
    let id = exchange.client_id.clone();
    let outcome = match (exchange.method, &exchange.client_id) {
        (None, None) if answer.status().is_success() && is_event_stream(answer.headers()) => {
            events(app, answer, exchange, record)
        }
        (Some(_), Some(_)) => request(app, answer, exchange, record).await,
        _ => without_answer(app, answer, &exchange).await,
    };
    outcome.map_err(|refusal| refusal.of(id.as_ref()))
}

/// The reply to a request: JSON, a stream, or an error with a status.
async fn request(
    app: &App,
    answer: Response<Incoming>,
    exchange: Exchange,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let status = answer.status();
    let content = content_type(answer.headers());
    match (status.as_u16(), content) {
        (200..=299, Some(ContentType::Events)) => events(app, answer, exchange, record),
        (200..=299, Some(ContentType::Json)) => whole(app, answer, exchange, record).await,
        (200..=299, None) => Err(invalid(&exchange.published, "neither JSON nor an event stream")),
        // Statuses that the protocol gives a meaning, with the error that says which.
        (400 | 404, Some(ContentType::Json)) => whole(app, answer, exchange, record).await,
        (404, _) if exchange.session.is_some() => Err(Reason::SessionUnknown.into()),
        (status, _) => Err(failed(&exchange.published, failure(status))),
    }
}

/// A reply that is one JSON message.
async fn whole(
    app: &App,
    answer: Response<Incoming>,
    exchange: Exchange,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let (parts, body) = answer.into_parts();
    let routes = app.routes();
    let limits = &routes.snapshot.limits;
    let text = read(&exchange, body, limits).await?;
    let verdict = exchange.examine(app.sealers(), app.clock().now(), limits.depth, text);
    let verdict = verdict.map_err(|broken| invalid(&exchange.published, broken.0))?;
    if !verdict.is_answer {
        return Err(invalid(&exchange.published, "a message that does not answer the request"));
    }
    note(&exchange, &verdict, record);
    let Fate::Replace(body) = verdict.fate else {
        return Err(Reason::Internal.into());
    };
    let mut answer = Answer::json(parts.status, body);
    session_header(app, &exchange, &parts.headers, limits, &mut answer.headers);
    Ok(answer)
}

async fn read(exchange: &Exchange, body: Incoming, limits: &Limits) -> Result<Bytes, Refusal> {
    let limit = exchange.published.server.upstream.timeout;
    match tokio::time::timeout(limit, read_capped(body, limits.response_body)).await {
        Err(_) => Err(failed(&exchange.published, UpstreamFailure::Timeout)),
        Ok(Err(BodyError::TooLarge(_))) => Err(failed(&exchange.published, UpstreamFailure::TooLarge)),
        Ok(Err(BodyError::Broken)) => Err(failed(&exchange.published, UpstreamFailure::Broken)),
        Ok(Ok(text)) => Ok(text),
    }
}

/// A reply that is a stream of events.
fn events(
    app: &App,
    answer: Response<Incoming>,
    exchange: Exchange,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let routes = app.routes();
    let limits = &routes.snapshot.limits;
    let guard = StreamGuard::enter(&exchange.published.streams, limits.streams).ok_or(Reason::TooManyStreams)?;
    record.streams();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    let (parts, body) = answer.into_parts();
    session_header(app, &exchange, &parts.headers, limits, &mut headers);
    let relay = Relay::new(app.translator(), exchange, body, limits, guard);
    Ok(Answer { status: StatusCode::OK, headers, content: Content::Events(Box::new(relay)) })
}

/// The reply to what wants no answer: a notification, a response, a DELETE, a GET that opened no stream.
async fn without_answer(app: &App, answer: Response<Incoming>, exchange: &Exchange) -> Result<Answer, Refusal> {
    let status = answer.status();
    let is_end = exchange.method.is_none() && answer_to_delete(exchange, status);
    match status.as_u16() {
        200..=299 | 404 if is_end => {
            end_session(app, exchange).await;
            Ok(Answer::empty(if status.is_success() { status } else { StatusCode::NOT_FOUND }))
        }
        200..=299 => Ok(Answer::empty(StatusCode::ACCEPTED)),
        405 => Err(Reason::MethodNotAllowed("POST").into()),
        404 if exchange.session.is_some() => Err(Reason::SessionUnknown.into()),
        status @ (400 | 404 | 406 | 409) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            Ok(Answer::empty(status))
        }
        status => Err(failed(&exchange.published, failure(status))),
    }
}

/// Whether this was a DELETE that named a session.
fn answer_to_delete(exchange: &Exchange, status: StatusCode) -> bool {
    exchange.ends_session && exchange.session.is_some() && status != StatusCode::METHOD_NOT_ALLOWED
}

async fn end_session(app: &App, exchange: &Exchange) {
    if let Some(session) = &exchange.session
        && let Err(error) = app.ended_sessions().end(&session.hash, session.expires).await
    {
        tracing::error!(%error, "the end of a session could not be stored; it holds until a restart");
    }
}

/// Gives the client a session id of ours for the upstream's, when a session begins.
fn session_header(
    app: &App,
    exchange: &Exchange,
    upstream: &HeaderMap,
    limits: &Limits,
    headers: &mut HeaderMap,
) {
    let Some(id) = upstream.get("mcp-session-id").and_then(|value| value.to_str().ok()) else { return };
    if exchange.method != Some(Method::Initialize) || exchange.era != Era::Legacy {
        return;
    }
    let lifetime = i64::try_from(limits.session_lifetime.as_secs()).unwrap_or(i64::MAX);
    let expires = app.clock().now().plus_secs(lifetime);
    let sealed = app.sealers().session(id, expires, exchange.holder());
    if let Ok(value) = HeaderValue::from_str(&sealed) {
        headers.insert(HeaderName::from_static("mcp-session-id"), value);
    }
}

/// Notes an answer in the record.
pub(super) fn note(exchange: &Exchange, verdict: &Verdict, record: &mut OpenRecord) {
    record.filtered(verdict.filtered);
    if let Some(code) = verdict.error_code {
        record.rpc_error(code);
    }
    if exchange.published.server.payloads.results
        && let Some(document) = &verdict.document
        && let Some(result) = document.root().as_object().and_then(|root| root.get("result"))
    {
        let result: Value<'_> = result;
        record.result(redact::redact(document, result));
    }
}

/// The content types of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentType {
    Json,
    Events,
}

fn content_type(headers: &HeaderMap) -> Option<ContentType> {
    // Nothing was asked to be compressed: what is compressed all the same cannot be examined.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return None;
    }
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media = value.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        Some(ContentType::Json)
    } else if media.eq_ignore_ascii_case("text/event-stream") {
        Some(ContentType::Events)
    } else {
        None
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    content_type(headers) == Some(ContentType::Events)
}

fn failure(status: u16) -> UpstreamFailure {
    match status {
        401 | 403 => UpstreamFailure::Unauthorized,
        300..=399 => UpstreamFailure::Redirect,
        status => UpstreamFailure::Status(status),
    }
}
