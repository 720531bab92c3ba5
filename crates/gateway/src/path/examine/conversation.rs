//! Replies in a conversation.

use std::sync::Arc;

use http::StatusCode;

use super::{Beginning, Fate, end_session, note, relay as relay_of};
use crate::{
    App,
    conversations::{Begun, Reading},
    path::{
        Answer, Reason, Refusal,
        engine::{Exchange, Purpose},
        forward::{Said, failed, invalid},
        record::OpenRecord,
        refusal::UpstreamFailure,
        relay::{self, Source},
    },
};

/// Turns what is heard in a conversation into the caller's answer.
pub(super) async fn reply(
    app: &Arc<App>,
    said: Said,
    exchange: Box<Exchange>,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    match said {
        Said::Heard => Ok(Answer::empty(StatusCode::ACCEPTED)),
        Said::Ended => {
            end_session(app, &exchange).await;
            Ok(Answer::empty(StatusCode::OK))
        }
        Said::Hearing { reading, .. } if matches!(exchange.purpose, Purpose::Stream) => {
            Ok(relay_of(app, Source::conversation(reading, None), exchange, None, record))
        }
        Said::Hearing { reading, begun } => answer(app, (reading, begun), exchange, record).await,
    }
}

/// The answer to a request: JSON when it comes first, else a stream that begins with what comes before it.
async fn answer(
    app: &Arc<App>,
    (mut reading, begun): (Reading, Option<Begun>),
    exchange: Box<Exchange>,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let since = std::time::Instant::now();
    let first = tokio::time::timeout(exchange.published.server.upstream.timeout, reading.next()).await;
    record.waited(since);
    let first = match first {
        Ok(Some(first)) => first,
        Ok(None) => return Err(failed(&exchange.published, UpstreamFailure::Broken)),
        Err(_) => return Err(failed(&exchange.published, UpstreamFailure::Timeout)),
    };
    let verdict = relay::translate(app, &exchange, first.clone());
    let verdict = verdict.map_err(|broken| invalid(&exchange.published, broken.0))?;
    if !verdict.is_answer {
        let source = Source::conversation(reading, Some((first, verdict)));
        let begun = begun.map(Begun::keep);
        let begun = begun.as_deref().map(|id| Beginning { id, is_conversation: true, answer: None });
        return Ok(relay_of(app, source, exchange, begun, record));
    }
    note(&exchange, &verdict, record);
    let Fate::Replace(body) = verdict.fate else { return Err(Reason::Internal.into()) };
    let mut answer = Answer::json(StatusCode::OK, body);
    // A session whose beginning was refused ends with its handle.
    if verdict.error_code.is_none()
        && let Some(id) = begun.map(Begun::keep)
    {
        let session = Beginning { id: &id, is_conversation: true, answer: verdict.document.as_ref() };
        session.announce(app, &exchange, &mut answer.headers);
    }
    Ok(answer)
}
