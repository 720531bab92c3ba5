//! The answers to the requests of a batch, as they come.
//!
//! While all of them are whole they are collected; with the first stream the answer to the batch becomes a stream, and
//! what was collected its first events.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use doorward_protocol::sse::{KEEP_ALIVE, write_event};
use futures_util::{Stream, StreamExt as _, stream};
use http::StatusCode;

use super::{Message, outcome};
use crate::{
    App,
    path::{Answer, OpenRecord, answer::Content, forward::failed, refusal::UpstreamFailure, relay::Relay},
};

/// What happens with one request.
enum Step {
    /// It has a whole answer.
    Whole(usize, StatusCode, Bytes, Box<OpenRecord>),
    /// Its answer is a stream, which begins.
    Opened,
    /// Its stream goes on.
    Piece(Bytes),
    /// Its stream has ended, perhaps with these bytes.
    Ended(usize, Option<Bytes>, Box<OpenRecord>),
}

/// Where one request is.
enum Stage {
    Waiting(Box<Message>),
    Streaming(usize, Box<Relay>, Box<OpenRecord>),
    Done,
}

/// The answers that are still to come, and those that wait to be sent.
pub(crate) struct Answers {
    steps: Pin<Box<dyn Stream<Item = Step> + Send>>,
    ready: VecDeque<Bytes>,
    open: usize,
    room: Room,
    keep_alive: Duration,
}

/// How many bytes whole answers may still have together while they are collected.
#[derive(Clone)]
struct Room(Arc<AtomicUsize>);

impl Room {
    fn take(&self, bytes: usize) -> bool {
        let left = |room: usize| room.checked_sub(bytes);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, left).is_ok()
    }

    /// Nothing is collected any more.
    fn open(&self) {
        self.0.store(usize::MAX, Ordering::Release);
    }
}

impl Answers {
    /// Prepares to send the requests; the first look at what comes back sends them.
    pub(super) fn ask(app: &Arc<App>, messages: Vec<Message>) -> Option<Self> {
        let limits = Arc::clone(&messages.first()?.asked.published().entrance.limits);
        let (app, open) = (Arc::clone(app), messages.len());
        let room = Room(Arc::new(AtomicUsize::new(limits.response_body)));
        let shared = room.clone();
        let each = move |message| Box::pin(steps(Arc::clone(&app), message, shared.clone()));
        let steps = Box::pin(stream::iter(messages).map(each).flatten_unordered(None));
        Some(Self { steps, ready: VecDeque::new(), open, room, keep_alive: limits.keep_alive })
    }

    /// The answer to the batch: an array when all answers have come whole, else a stream of what is still to come.
    pub(super) async fn first(mut self, record: &mut OpenRecord) -> Answer {
        let mut whole = Vec::with_capacity(self.open);
        while let Some(step) = self.steps.next().await {
            match step {
                Step::Whole(position, status, body, part) => {
                    self.settle(position, &part, record);
                    whole.push((position, status, body));
                }
                Step::Opened => {
                    self.room.open();
                    self.ready = whole.iter().map(|(.., body)| write_event(body)).collect();
                    record.streams();
                    return Answer::events(Content::Batch(Box::new(self)));
                }
                // Nothing of a stream comes before it opens.
                Step::Piece(_) | Step::Ended(..) => {}
            }
        }
        whole.sort_unstable_by_key(|(position, ..)| *position);
        array(&whole)
    }

    /// The bytes for the caller. The record is closed when the stream is dropped, at the latest.
    pub(in crate::path) fn into_stream(self, record: OpenRecord) -> impl Stream<Item = Bytes> + Send {
        stream::unfold((self, record), |(mut answers, mut record)| async move {
            let bytes = answers.next_bytes(&mut record).await?;
            record.sent(bytes.len());
            if answers.open == 0 && answers.ready.is_empty() && record.is_strict() {
                // The last bytes leave only when their record is on disk.
                record.commit().await;
            }
            Some((bytes, (answers, record)))
        })
    }

    async fn next_bytes(&mut self, record: &mut OpenRecord) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(bytes);
            }
            let step = match tokio::time::timeout(self.keep_alive, self.steps.next()).await {
                Err(_) => return Some(Bytes::from_static(KEEP_ALIVE)),
                Ok(step) => step?,
            };
            match step {
                Step::Whole(position, _, body, part) => {
                    self.settle(position, &part, record);
                    return Some(write_event(&body));
                }
                Step::Piece(bytes) => return Some(bytes),
                Step::Ended(position, bytes, part) => {
                    self.settle(position, &part, record);
                    self.ready.extend(bytes);
                }
                Step::Opened => {}
            }
        }
    }

    /// A request has its answer.
    fn settle(&mut self, position: usize, part: &OpenRecord, record: &mut OpenRecord) {
        record.take_in(position, part);
        record.add_up(part);
        self.open = self.open.saturating_sub(1);
        if self.open == 0 {
            record.complete();
        }
    }
}

/// The steps of one request, from its sending to the end of its answer.
fn steps(app: Arc<App>, message: Message, room: Room) -> impl Stream<Item = Step> + Send {
    stream::unfold(Stage::Waiting(Box::new(message)), move |stage| {
        let (app, room) = (Arc::clone(&app), room.clone());
        async move {
            match stage {
                Stage::Waiting(message) => Some(begin(app, *message, &room).await),
                Stage::Streaming(position, relay, part) => Some(go_on(position, relay, part).await),
                Stage::Done => None,
            }
        }
    })
}

async fn begin(app: Arc<App>, message: Message, room: &Room) -> (Step, Stage) {
    let exchange = &message.asked.exchange;
    let (published, id) = (Arc::clone(&exchange.published), exchange.client_id().cloned());
    let (position, mut answer, mut part) = outcome(Arc::clone(&app), message).await;
    if let Content::Whole(body) = &answer.content
        && !room.take(body.len())
    {
        let refusal = failed(&published, UpstreamFailure::TooLarge).detail("all answers to a batch together");
        answer = refusal.of(id.as_ref()).into_answer(&app, &mut part);
    }
    let part = Box::new(part);
    match answer.content {
        Content::Whole(body) => (Step::Whole(position, answer.status, body, part), Stage::Done),
        Content::Events(relay) => {
            (Step::Opened, Stage::Streaming(position, Box::new(relay.in_batch()), part))
        }
        // No single message of MCP is answered by a batch, or by an agent.
        Content::Batch(_) | Content::Agent(_) => (Step::Ended(position, None, part), Stage::Done),
    }
}

async fn go_on(position: usize, mut relay: Box<Relay>, mut part: Box<OpenRecord>) -> (Step, Stage) {
    match relay.next_bytes(&mut part).await {
        Some(bytes) if !relay.has_ended() => (Step::Piece(bytes), Stage::Streaming(position, relay, part)),
        last => (Step::Ended(position, last, part), Stage::Done),
    }
}

/// All answers in one document. Where all requests were refused alike, as by the end of their session, so is the batch.
fn array(whole: &[(usize, StatusCode, Bytes)]) -> Answer {
    let mut body = Vec::with_capacity(whole.iter().map(|(.., text)| text.len() + 1).sum::<usize>() + 1);
    for (.., text) in whole {
        body.push(if body.is_empty() { b'[' } else { b',' });
        body.extend_from_slice(text);
    }
    body.push(b']');
    let mut statuses = whole.iter().map(|(_, status, _)| *status);
    let first = statuses.next().unwrap_or(StatusCode::OK);
    let status = if statuses.all(|status| status == first) { first } else { StatusCode::OK };
    Answer::json(status, body)
}
