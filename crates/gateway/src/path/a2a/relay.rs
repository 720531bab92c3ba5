//! A stream on its way to the caller: every event is examined, ownership and states are written down before it leaves, and
//! what broke off is repaired or told.
//!
//! The caller going away ends the stream, never the task (A2A 1.0 section 3.1.2). After the end of the task, or a message,
//! the agent has to end the stream; where it does not, Doorward does, shortly after.

use std::{
    borrow::Cow,
    future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use doorward_model::{Binding, Fault};
use doorward_protocol::{
    a2a::{
        Dialect, Failure, Operation, TaskState, Told,
        translate::{self, AtInput},
    },
    json::Document,
    sse::KEEP_ALIVE,
};
use futures_util::{Stream, stream};
use http::{HeaderMap, Response};
use hyper::body::{Frame, Incoming};

use super::{
    super::{
        Answer, Content, Refusal,
        record::OpenRecord,
        refusal::UpstreamFailure,
        relay::{Silence, connection_ended},
    },
    call::parse,
    limit::Held,
    send::{Talk, failed},
    source::{Cut, Piece, Source},
};
use crate::App;

/// How long the head of the answer waits for the first event: an error before it has an answer of its own.
const FIRST: Duration = Duration::from_secs(1);

/// How long an agent has to end a stream in which everything is said.
const LAST: Duration = Duration::from_secs(1);

/// One stream being relayed.
pub(crate) struct Relay {
    app: Arc<App>,
    talk: Talk,
    source: Source,
    first: Option<Piece>,
    /// Done when the stream must end, whatever the agent says. One for all events: to be told of it costs more than to ask.
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    silence: Silence,
    seen: Seen,
    /// Since when everything is said.
    over: Option<Instant>,
    ended: bool,
    /// What is left to say at the end.
    trailers: Option<HeaderMap>,
    held: Held,
}

/// What the stream has told.
#[derive(Debug, Default)]
struct Seen {
    any: bool,
    /// A message ends the exchange.
    message: bool,
    task: Option<String>,
    context: Option<String>,
    state: Option<TaskState>,
}

impl Seen {
    /// Whether something says nothing that is not written down: a piece of a result tells no state, and whose its task and
    /// its context are was written down with the first that named them.
    fn has_all_of(&self, told: &Told<'_>) -> bool {
        let Told::Artifact { task, context } = told else { return false };
        let is_same = |said: &str, known: &Option<String>| known.as_deref() == Some(said);
        is_same(task, &self.task) && context.as_deref().is_none_or(|said| is_same(said, &self.context))
    }
}

/// What happened next.
enum Next {
    Piece(Piece),
    Silence,
    End,
    /// Doorward is stopping, or who opened the stream may no longer.
    Closing,
    Broken(UpstreamFailure, String),
}

/// Begins to relay a stream. An error that comes before anything else is answered like a unary one.
pub(super) async fn begin(
    app: &Arc<App>,
    talk: Talk,
    response: Response<Incoming>,
    held: Held,
    record: &mut OpenRecord,
) -> Result<Answer, Refusal> {
    let mut source = talk.listen(talk.call.operation, response)?;
    let first = match tokio::time::timeout(FIRST, source.next()).await {
        Err(_) => None,
        Ok(Ok(Some(Piece::Error(failure)))) => {
            talk.undo_brought(app).await;
            return talk.judged(failure).map(|failure| talk.error(&failure, record));
        }
        Ok(Ok(Some(piece))) => Some(piece),
        Ok(Ok(None)) => return Err(talk.invalid("a stream without an event")),
        Ok(Err(Cut(failure, detail))) => return Err(failed(&talk.call, failure).detail(detail)),
    };
    record.streams();
    let face = talk.call.face.clone();
    let relay = Relay {
        app: Arc::clone(app),
        closing: Box::pin(closing(Arc::clone(app), &talk)),
        silence: Silence::new(talk.call.agent.entrance.limits.keep_alive),
        talk,
        source,
        first,
        seen: Seen::default(),
        over: None,
        ended: false,
        trailers: None,
        held,
    };
    Ok(face.stream(Content::Agent(Box::new(relay))))
}

/// Done when Doorward stops, or when who opened the stream may no longer.
fn closing(app: Arc<App>, talk: &Talk) -> impl Future<Output = ()> + Send + use<> {
    let (lease, presented) = (talk.call.caller.lease.clone(), talk.presented.clone());
    async move {
        tokio::select! {
            biased;
            () = app.closing().cancelled() => {}
            () = lease.revoked(&app) => {}
            () = connection_ended(&app, presented.as_ref()) => {}
        }
    }
}

/// Done after so long, where that is bounded.
async fn after(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => future::pending().await,
    }
}

impl Relay {
    /// The frames for the caller. The record is closed when the stream is dropped, at the latest.
    pub(crate) fn into_stream(
        self: Box<Self>,
        record: OpenRecord,
    ) -> impl Stream<Item = Frame<Bytes>> + Send {
        // Boxed, for they are handed on with every event.
        stream::unfold((self, Box::new(record)), |(mut relay, mut record)| async move {
            let frame = relay.next_frame(&mut record).await?;
            if let Some(data) = frame.data_ref() {
                record.sent(data.len());
            }
            Some((frame, (relay, record)))
        })
    }

    async fn next_frame(&mut self, record: &mut OpenRecord) -> Option<Frame<Bytes>> {
        while !self.ended {
            let bytes = match self.next().await {
                Next::Piece(Piece::Said(document, event)) => {
                    let raw = event.map(|event| event.raw().clone());
                    self.say(&document, raw, record).await
                }
                Next::Piece(Piece::Error(failure)) => match self.talk.judged(failure) {
                    Ok(failure) => self.fail(&failure, record),
                    Err(refusal) => self.refuse(&refusal, record),
                },
                Next::Silence if self.talk.call.face.binding == Binding::Grpc => None,
                Next::Silence => Some(Bytes::from_static(KEEP_ALIVE)),
                Next::End => self.end(record).await,
                Next::Closing => self.finish(record),
                Next::Broken(failure, detail) => self.broken(failure, detail, record).await,
            };
            if self.ended && record.is_strict() {
                record.sent(bytes.as_ref().map_or(0, Bytes::len));
                record.commit().await;
            }
            if let Some(bytes) = bytes {
                return Some(Frame::data(bytes));
            }
        }
        self.trailers.take().map(Frame::trailers)
    }

    /// Waits for the next piece, or for a silence that is long enough to say something.
    async fn next(&mut self) -> Next {
        if let Some(first) = self.first.take() {
            return Next::Piece(first);
        }
        if self.talk.call.caller.lease.has_ended(&self.app) || self.has_lost_its_ground() {
            return Next::Closing;
        }
        // An agent that goes on talking is not waited for: nothing of it would pass.
        let left = self.over.map(|since| LAST.saturating_sub(since.elapsed()));
        if left == Some(Duration::ZERO) {
            return Next::End;
        }
        let next = tokio::select! {
            biased;
            () = &mut self.closing => return Next::Closing,
            () = after(left) => return Next::End,
            next = self.source.next() => Some(next),
            () = self.silence.lasts() => None,
        };
        let idle = self.talk.call.agent.entrance.limits.stream_idle;
        match next {
            None if self.source.heard.elapsed() > idle => {
                Next::Broken(UpstreamFailure::Timeout, "the stream has been silent too long".into())
            }
            None => Next::Silence,
            Some(Ok(Some(piece))) => Next::Piece(piece),
            Some(Ok(None)) => Next::End,
            Some(Err(Cut(failure, detail))) => Next::Broken(failure, detail),
        }
    }

    /// Whether the rules of the agent are no longer those under which the stream was opened.
    fn has_lost_its_ground(&self) -> bool {
        let entrance = &self.talk.call.agent.entrance;
        let routes = self.app.routes();
        routes.entrance(&entrance.to).is_none_or(|present| present.rules != entrance.rules)
    }

    /// One event: examined, written down, and said as the caller reads it.
    async fn say(
        &mut self,
        document: &Document,
        raw: Option<Bytes>,
        record: &mut OpenRecord,
    ) -> Option<Bytes> {
        match self.examine(document, record).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(refusal) => return self.refuse(&refusal, record),
        }
        match self.written(document, raw) {
            Ok(bytes) => Some(bytes),
            Err(refusal) => self.refuse(&refusal, record),
        }
    }

    /// Whether an event may pass. What follows an end is dropped, and told to the operator.
    async fn examine(&mut self, document: &Document, record: &mut OpenRecord) -> Result<bool, Refusal> {
        let v1 = self.event_to_v1(document)?;
        let told = Told::read(v1.root()).map_err(|wrong| self.talk.invalid(wrong.to_string()))?;
        if self.over.is_some() {
            let detail = "the agent went on after the end of the task; what it said was dropped".to_owned();
            record.failed("agent_invalid", Some(detail), Fault::Upstream);
            return Ok(false);
        }
        if self.seen.task.is_some() && told.task().is_some_and(|task| self.seen.task.as_deref() != Some(task))
        {
            return Err(self.talk.invalid("the stream is about two tasks"));
        }
        let is_first = !std::mem::replace(&mut self.seen.any, true);
        if is_first {
            record.first_event();
            let begins_well = !matches!(told, Told::Status(_) | Told::Artifact { .. });
            if self.talk.call.operation == Operation::SubscribeToTask && !begins_well {
                tracing::debug!("the first event of a subscription is not the task");
            }
        }
        if self.seen.has_all_of(&told) {
            return Ok(true);
        }
        let stands = self.talk.tell(&self.app, &told, record).await?;
        self.held.has_begun();
        self.seen.message |= matches!(told, Told::Message { .. });
        self.seen.task = told.task().map(ToOwned::to_owned).or(self.seen.task.take());
        self.seen.context = told.context().map(ToOwned::to_owned).or(self.seen.context.take());
        self.seen.state = told.state().and(stands).or(self.seen.state);
        if self.seen.message || self.seen.state.is_some_and(TaskState::is_terminal) {
            self.over = Some(Instant::now());
        }
        Ok(true)
    }

    fn event_to_v1<'a>(&self, document: &'a Document) -> Result<Cow<'a, Document>, Refusal> {
        let dialect = self.talk.interface.dialect();
        if dialect == Dialect::V1 {
            return Ok(Cow::Borrowed(document));
        }
        let translated = translate::event(dialect, Dialect::V1, document.root(), AtInput::GoesOn);
        parse(translated.map_err(|error| self.talk.invalid(error.to_string()))?).map(Cow::Owned)
    }

    /// An event as the caller reads it: as it came, where both sides write alike.
    fn written(&self, document: &Document, raw: Option<Bytes>) -> Result<Bytes, Refusal> {
        let (from, face) = (self.talk.interface.dialect(), &self.talk.call.face);
        if let Some(raw) = raw.filter(|_| self.talk.passes()) {
            return Ok(raw);
        }
        let operation = self.talk.call.operation;
        if from == face.dialect() {
            return face.event_of(operation, document.root());
        }
        let translated = translate::event(from, face.dialect(), document.root(), AtInput::Ends);
        face.event(operation, &translated.map_err(|error| self.talk.invalid(error.to_string()))?)
    }

    /// The agent ended the stream. Where nothing says that it is complete, the task is asked for (section 11.7).
    async fn end(&mut self, record: &mut OpenRecord) -> Option<Bytes> {
        let state = self.seen.state.unwrap_or(TaskState::Unspecified);
        if self.seen.message || state.is_terminal() || state.is_interrupted() {
            return self.finish(record);
        }
        self.broken(UpstreamFailure::Broken, "the stream ended before the task did".to_owned(), record).await
    }

    /// A stream that broke off is completed by the task as it is now, if it has ended meanwhile or waits; otherwise the
    /// caller is told that it goes on without this stream.
    async fn broken(
        &mut self,
        failure: UpstreamFailure,
        detail: String,
        record: &mut OpenRecord,
    ) -> Option<Bytes> {
        let whole = match self.seen.task.clone() {
            Some(task) => self.repair(&task, record).await,
            None => None,
        };
        if let Some(bytes) = whole {
            record.complete();
            return Some(bytes);
        }
        let refusal = failed(&self.talk.call, failure).detail(detail);
        self.refuse(&refusal, record)
    }

    async fn repair(&mut self, task: &str, record: &mut OpenRecord) -> Option<Bytes> {
        let answer = self.talk.get_task(&self.app, task, None, record).await;
        let document = answer.ok()?.ok()?;
        let mut text = br#"{"task":"#.to_vec();
        text.extend_from_slice(document.root().raw());
        text.push(b'}');
        let event = parse(text).ok()?;
        let told = Told::read(event.root()).ok()?;
        let state = self.talk.tell(&self.app, &told, record).await.ok()??;
        if !state.is_terminal() && !state.is_interrupted() {
            return None;
        }
        let face = &self.talk.call.face;
        let written = match face.dialect() {
            Dialect::V1 => face.event(self.talk.call.operation, event.root().raw()).ok(),
            dialect => {
                let translated = translate::event(Dialect::V1, dialect, event.root(), AtInput::Ends).ok()?;
                face.event(self.talk.call.operation, &translated).ok()
            }
        };
        self.ended = true;
        self.trailers = face.end();
        written
    }

    fn finish(&mut self, record: &mut OpenRecord) -> Option<Bytes> {
        record.complete();
        self.ended = true;
        self.trailers = self.talk.call.face.end();
        None
    }

    fn refuse(&mut self, refusal: &Refusal, record: &mut OpenRecord) -> Option<Bytes> {
        refusal.note(record);
        let (failure, _) = refusal.failure(record);
        self.fail(&failure, record)
    }

    /// Ends the stream with an error.
    fn fail(&mut self, failure: &Failure, record: &mut OpenRecord) -> Option<Bytes> {
        record.rpc_error(failure.json_rpc_code());
        record.complete();
        self.ended = true;
        let (bytes, trailers) = self.talk.call.face.failure_event(failure);
        self.trailers = trailers;
        bytes
    }
}
