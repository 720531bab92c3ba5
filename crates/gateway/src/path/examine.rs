//! Stage 8: is what came back an answer, and what of it may pass?

use std::sync::Arc;

use bytes::Bytes;
use doorward_egress::{BodyError, read_capped};
use doorward_guard::redact;
use doorward_model::Timestamp;
use doorward_protocol::{
    json::Document,
    mcp::{Era, Method, batch},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;

mod conversation;

use super::{
    Answer, Reason, Refusal,
    answer::Content,
    engine::{Exchange, Fate, OwnSession, Purpose, Verdict},
    forward::{Reply, Voice, failed, invalid},
    record::OpenRecord,
    refusal::UpstreamFailure,
    relay::{self, Relay, Source, StreamGuard},
};
use crate::{App, handles::Session, routes::Published};

/// Turns an upstream's reply into the caller's answer.
pub(super) async fn reply(app: &Arc<App>, reply: Reply, record: &mut OpenRecord) -> Result<Answer, Refusal> {
    let Reply { voice, exchange } = reply;
    let id = exchange.client_id().cloned();
    let outcome = match voice {
        Voice::Http(answer) => http(app, answer, exchange, record).await,
        Voice::Conversation(said) => Box::pin(conversation::reply(app, said, exchange, record)).await,
    };
    outcome.map_err(|refusal| refusal.of(id.as_ref()))
}

async fn http(
    app: &Arc<App>,
    answer: Response<Incoming>,
    exchange: Box<Exchange>,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    match exchange.purpose {
        Purpose::Answer { .. } => request(app, answer, exchange, record).await,
        Purpose::Stream => stream(app, answer, exchange, record),
        Purpose::Hearing => hearing(&answer, &exchange),
        // Boxed, so that others do not carry the room of the query.
        Purpose::End => Box::pin(end(app, &answer, &exchange)).await,
    }
}

/// The reply to a request: JSON, a stream, or an error with a status.
async fn request(
    app: &Arc<App>,
    answer: Response<Incoming>,
    exchange: Box<Exchange>,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let status = answer.status();
    let content = content_type(answer.headers());
    match (status.as_u16(), content) {
        (200..=299, Some(ContentType::Events)) => Ok(events(app, answer, exchange, record)),
        // 400 and 404 have a meaning in the protocol; the error in the body says which.
        (200..=299 | 400 | 404, Some(ContentType::Json)) => whole(app, answer, &exchange, record).await,
        (200..=299, None) => Err(invalid(&exchange.published, "neither JSON nor an event stream")),
        (404, _) if exchange.session.is_some() => Err(Reason::SessionUnknown.into()),
        (400 | 404 | 405 | 406 | 415, _) if exchange.era == Era::Modern => Err(other_era(&exchange)),
        (status, _) => Err(failed(&exchange.published, failure(status))),
    }
}

/// A reply that is one JSON message.
async fn whole(
    app: &Arc<App>,
    answer: Response<Incoming>,
    exchange: &Exchange,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let (parts, body) = answer.into_parts();
    let text = read(exchange, body).await?;
    let verdict = relay::translate(app, exchange, text);
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(_) if parts.status.is_client_error() && exchange.era == Era::Modern => {
            return Err(other_era(exchange));
        }
        Err(_) if parts.status == StatusCode::NOT_FOUND && exchange.session.is_some() => {
            return Err(Reason::SessionUnknown.into());
        }
        Err(_) if parts.status.is_client_error() => {
            return Err(failed(&exchange.published, failure(parts.status.as_u16())));
        }
        Err(broken) => return Err(invalid(&exchange.published, broken.0)),
    };
    if !verdict.is_answer {
        return Err(invalid(&exchange.published, "a message that does not answer the request"));
    }
    note(exchange, &verdict, record);
    let Fate::Replace(body) = verdict.fate else {
        return Err(Reason::Internal.into());
    };
    let mut answer = Answer::json(parts.status, body);
    if verdict.error_code.is_none()
        && let Some(id) = begun_session(exchange, &parts.headers)
    {
        let session = Beginning { id, is_conversation: false, answer: verdict.document.as_ref() };
        session.announce(app, exchange, &mut answer.headers);
    }
    Ok(answer)
}

/// The upstream does not take messages of this era. Until the eras are bridged the virtual server answers
/// as a server without this era does, so that clients which know both fall back.
fn other_era(exchange: &Exchange) -> Refusal {
    Reason::OtherEra(exchange.published.server.upstream.name.to_string()).into()
}

async fn read(exchange: &Exchange, body: Incoming) -> Result<Bytes, Refusal> {
    let limit = exchange.published.server.upstream.timeout;
    match tokio::time::timeout(limit, read_capped(body, exchange.published.entrance.limits.response_body))
        .await
    {
        Err(_) => Err(failed(&exchange.published, UpstreamFailure::Timeout)),
        Ok(Err(BodyError::TooLarge(_))) => Err(failed(&exchange.published, UpstreamFailure::TooLarge)),
        Ok(Err(BodyError::Broken)) => Err(failed(&exchange.published, UpstreamFailure::Broken)),
        Ok(Ok(text)) => Ok(text),
    }
}

/// A reply that is a stream of events.
fn events(
    app: &Arc<App>,
    answer: Response<Incoming>,
    exchange: Box<Exchange>,
    record: &mut OpenRecord,
) -> Answer {
    let (parts, body) = answer.into_parts();
    let begun = begun_session(&exchange, &parts.headers);
    let begun = begun.map(|id| Beginning { id, is_conversation: false, answer: None });
    let source = Source::events(body, exchange.published.entrance.limits.response_body);
    relay(app, source, exchange, begun, record)
}

/// Answers with a stream of what comes from `source`.
fn relay(
    app: &Arc<App>,
    source: Source,
    exchange: Box<Exchange>,
    begun: Option<Beginning<'_>>,
    record: &mut OpenRecord,
) -> Answer {
    let guard = exchange.is_endless().then(|| StreamGuard::enter(&exchange.published.entrance.streams));
    record.streams();
    let mut headers = HeaderMap::new();
    if let Some(begun) = begun {
        begun.announce(app, &exchange, &mut headers);
    }
    let relay = Relay::new(Arc::clone(app), *exchange, source, guard);
    let mut answer = Answer::events(Content::Events(Box::new(relay)));
    answer.headers.extend(headers);
    answer
}

/// The reply to a GET: the stream of a session, or the news that there is none.
fn stream(
    app: &Arc<App>,
    answer: Response<Incoming>,
    exchange: Box<Exchange>,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    match answer.status().as_u16() {
        200..=299 if content_type(answer.headers()) == Some(ContentType::Events) => {
            Ok(events(app, answer, exchange, record))
        }
        200..=299 => Err(invalid(&exchange.published, "not an event stream")),
        status => refused(status, &exchange),
    }
}

/// The reply to a notification, or to the response to a request of the server.
fn hearing(answer: &Response<Incoming>, exchange: &Exchange) -> Result<Answer, Refusal> {
    match answer.status().as_u16() {
        200..=299 => Ok(Answer::empty(StatusCode::ACCEPTED)),
        status => refused(status, exchange),
    }
}

/// The reply to a DELETE. A session that the upstream does not know either has ended all the same.
async fn end(app: &Arc<App>, answer: &Response<Incoming>, exchange: &Exchange) -> Result<Answer, Refusal> {
    match answer.status().as_u16() {
        200..=299 => {
            end_session(app, exchange).await;
            Ok(Answer::empty(answer.status()))
        }
        404 => {
            end_session(app, exchange).await;
            Err(Reason::SessionUnknown.into())
        }
        status => refused(status, exchange),
    }
}

/// A status that refuses something which is owed no answer.
fn refused(status: u16, exchange: &Exchange) -> Result<Answer, Refusal> {
    match status {
        405 => Err(Reason::MethodNotAllowed("POST").into()),
        404 if exchange.session.is_some() => Err(Reason::SessionUnknown.into()),
        400 | 404 | 406 | 409 => {
            Ok(Answer::empty(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)))
        }
        status => Err(failed(&exchange.published, failure(status))),
    }
}

async fn end_session(app: &App, exchange: &Exchange) {
    forget_session(app, exchange.session.as_ref()).await;
}

/// Remembers that a session has ended.
pub(super) async fn forget_session(app: &App, session: Option<&OwnSession>) {
    if let Some(session) = session
        && let Err(error) = app.ended_sessions().end(&session.hash, session.handle.expires).await
    {
        tracing::error!(%error, "the end of a session could not be stored; it holds until a restart");
    }
}

/// The upstream's id of a session that begins with this answer.
fn begun_session<'h>(exchange: &Exchange, upstream: &'h HeaderMap) -> Option<&'h str> {
    let begins = exchange.method() == Some(Method::Initialize) && exchange.era == Era::Legacy;
    upstream.get("mcp-session-id").filter(|_| begins)?.to_str().ok().filter(|id| !id.is_empty())
}

/// A session that begins with an answer.
struct Beginning<'a> {
    /// What the upstream, or the conversation with it, is called.
    id: &'a str,
    is_conversation: bool,
    /// The answer, where it is at hand before the head leaves.
    answer: Option<&'a Document>,
}

impl Beginning<'_> {
    /// Gives the client a session id of ours.
    fn announce(&self, app: &App, exchange: &Exchange, headers: &mut HeaderMap) {
        let session = Session {
            upstream_id: self.id.to_owned(),
            is_conversation: self.is_conversation,
            has_batches: self
                .answer
                .map_or(exchange.client.revision == Some(batch::REVISION), batch::are_agreed),
            elicits_urls: exchange.client.elicits_urls,
            connection: exchange.presented.as_ref().map(|presented| presented.held.id),
            expires: end_of_session(app, &exchange.published),
        };
        let sealed = app.sealers().session(&session, exchange.holder());
        if let Ok(value) = HeaderValue::from_str(&sealed) {
            headers.insert(HeaderName::from_static("mcp-session-id"), value);
        }
    }
}

/// When a session ends that begins now.
pub(super) fn end_of_session(app: &App, published: &Published) -> Timestamp {
    let lifetime = published.entrance.limits.session_lifetime.as_secs();
    app.clock().now().plus_secs(i64::try_from(lifetime).unwrap_or(i64::MAX))
}

/// Notes an answer in the record.
pub(super) fn note(exchange: &Exchange, verdict: &Verdict, record: &mut OpenRecord) {
    record.filtered(verdict.filtered);
    if let Some(code) = verdict.error_code {
        record.rpc_error(code);
    }
    if exchange.published.server.payloads.results
        && let Some(document) = &verdict.document
    {
        keep_result(document, record);
    }
}

/// Keeps the redacted result of an answer, for a virtual server whose records ask for it.
pub(super) fn keep_result(answer: &Document, record: &mut OpenRecord) {
    if let Some(result) = answer.root().as_object().and_then(|root| root.get("result")) {
        record.result(redact::redact(answer, result));
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

fn failure(status: u16) -> UpstreamFailure {
    match status {
        401 | 403 => UpstreamFailure::Unauthorized,
        300..=399 => UpstreamFailure::Redirect,
        status => UpstreamFailure::Status(status),
    }
}
