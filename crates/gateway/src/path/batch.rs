//! A batch of revision 2025-03-26: several messages in one request.
//!
//! There is no way around the checks here. Every message becomes a request of its own, is judged by the stages that
//! judge single messages, and gets a permit of its own; only when all have one does the first message go upstream, and
//! each then goes alone: an upstream need not know batches, and its answers are examined like any others. One refused
//! message refuses the batch.
//!
//! Messages that want no answer go first, one after the other; then the requests, all at once, so that no permit grows
//! old. The answers are a JSON array, or an event stream as soon as one of them is.

mod answers;

use std::sync::Arc;

use doorward_guard::Permit;
use doorward_protocol::{
    json::Document,
    mcp::batch::{self, BatchError},
};
use http::StatusCode;

pub(crate) use answers::Answers;

use super::{
    Answer, Reason, Refusal,
    engine::{self, Asked, Purpose},
    fetch, judge,
    read::{Content, Read},
    record::OpenRecord,
    refusal::Place,
};
use crate::App;

/// A message of a batch that may go upstream.
struct Message {
    position: usize,
    asked: Asked,
    permit: Permit,
    part: OpenRecord,
}

/// Answers a request whose body is an array.
pub(super) async fn answer(app: &Arc<App>, read: Read, record: &mut OpenRecord) -> Result<Answer, Refusal> {
    let messages = judge_all(app, read, record).await?;
    record.allow();
    let (told, asked): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|message| matches!(message.asked.exchange.purpose, Purpose::Hearing));
    let heard = tell(app, told, record).await;
    match Answers::ask(app, asked) {
        Some(answers) => Ok(answers.first(record).await),
        None => Ok(heard),
    }
}

/// Judges every message; the first that is refused refuses all.
async fn judge_all(app: &App, read: Read, record: &mut OpenRecord) -> Result<Vec<Message>, Refusal> {
    engine::check_batches(app, &read)?;
    let Read { published, caller, wire, content } = read;
    let Content::Message(document) = content else { return Err(Reason::Internal.into()) };
    let documents = split(&document, published.entrance.limits.batch)?;
    let count = documents.len();
    let mut messages = Vec::with_capacity(count);
    for (position, document) in documents.into_iter().enumerate() {
        let read = Read {
            published: Arc::clone(&published),
            caller: caller.clone(),
            wire: wire.clone(),
            content: Content::Message(document),
        };
        let mut part = record.part();
        let judged = judge(app, read, &mut part).await;
        if let Err(refusal) = &judged {
            refusal.note(&mut part);
        }
        record.take_in(position, &part);
        let (asked, permit) = judged.map_err(|refusal| refusal.for_all(Place(position, count)))?;
        messages.push(Message { position, asked, permit, part });
    }
    Ok(messages)
}

fn split(document: &Document, most: usize) -> Result<Vec<Document>, Refusal> {
    let count = document.root().as_array().map_or(0, |array| array.iter().count());
    batch::split(document, most).map_err(|error| match error {
        BatchError::TooLong(most) => Reason::BatchTooLong(most).into(),
        BatchError::Message(position, error) => {
            Refusal::from(Reason::NotJsonRpc(error.to_string())).for_all(Place(position, count))
        }
        error => Reason::NotJsonRpc(error.to_string()).into(),
    })
}

/// Sends what wants no answer, in its order. Returns the answer that the batch gets when nothing in it wants one.
async fn tell(app: &Arc<App>, messages: Vec<Message>, record: &mut OpenRecord) -> Answer {
    let mut answer = Answer::empty(StatusCode::ACCEPTED);
    for message in messages {
        let (position, heard, part) = outcome(Arc::clone(app), message).await;
        record.take_in(position, &part);
        record.add_up(&part);
        if answer.status.is_success() {
            answer = heard;
        }
    }
    answer
}

/// What becomes of one message. A failure is an answer.
async fn outcome(app: Arc<App>, message: Message) -> (usize, Answer, OpenRecord) {
    let Message { position, asked, permit, mut part } = message;
    let answer = match fetch(&app, asked, permit, &mut part).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_answer(&app, &mut part),
    };
    (position, answer, part)
}
