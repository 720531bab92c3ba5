//! A stream of events on its way through: examined one by one, kept alive, and recorded when it ends.
//!
//! Only single events are buffered, never a stream. When the caller goes away the relay is dropped, and with
//! it the upstream's connection: for 2026-07-28 that is the cancellation, for sessions it means nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use doorward_model::{Clock, Fault, Limits};
use doorward_protocol::{
    mcp::Era,
    sse::{Event, EventReader, KEEP_ALIVE, write_event},
};
use futures_util::{Stream, stream};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{
    Refusal,
    engine::{Broken, Exchange, Fate, Sealers, Verdict},
    examine,
    forward::{failed, invalid},
    record::OpenRecord,
    refusal::UpstreamFailure,
};
use crate::lists::Lists;

/// What translating needs of the program; cheap to clone into a stream.
#[derive(Clone)]
pub(crate) struct Translator {
    pub(crate) sealers: Arc<Sealers>,
    pub(crate) lists: Arc<Lists>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Translator {
    /// Translates one message of the upstream, and keeps or forgets lists by what it says.
    pub(super) fn translate(
        &self,
        exchange: &Exchange,
        depth: usize,
        data: Bytes,
    ) -> Result<Verdict, Broken> {
        let now = self.clock.now();
        let verdict = exchange.examine(&self.sealers, now, depth, data)?;
        if let (Some(page), true, Fate::Replace(answer)) = (&exchange.page, verdict.is_answer, &verdict.fate)
        {
            self.lists.keep(page, answer, now);
        }
        if let Some(changed) = &verdict.list_changed {
            self.lists.changed(&exchange.published.server.upstream.name, changed);
        }
        Ok(verdict)
    }
}

/// One stream being relayed.
pub(crate) struct Relay {
    translator: Translator,
    exchange: Exchange,
    body: Incoming,
    reader: EventReader,
    depth: usize,
    keep_alive: Duration,
    idle: Duration,
    heard: Instant,
    /// The upstream gave its events ids, so that the rest can be fetched elsewhere.
    resumable: bool,
    ended: bool,
    _guard: StreamGuard,
}

/// Counts an open stream while it lives.
pub(super) struct StreamGuard(Arc<AtomicUsize>);

impl StreamGuard {
    /// Counts a stream in, unless `limit` are open.
    pub(super) fn enter(count: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let before = count.fetch_add(1, Ordering::AcqRel);
        let guard = Self(Arc::clone(count));
        (before < limit).then_some(guard)
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What the upstream did next.
enum Next {
    Event(Event),
    Silence,
    End,
    Broken(UpstreamFailure, String),
}

impl Relay {
    pub(super) fn new(
        translator: Translator,
        exchange: Exchange,
        body: Incoming,
        limits: &Limits,
        guard: StreamGuard,
    ) -> Self {
        Self {
            translator,
            exchange,
            body,
            reader: EventReader::new(limits.response_body),
            depth: limits.depth,
            keep_alive: limits.keep_alive,
            idle: limits.stream_idle,
            heard: Instant::now(),
            resumable: false,
            ended: false,
            _guard: guard,
        }
    }

    /// The bytes for the caller. The record is closed when the stream is dropped, at the latest.
    pub(super) fn into_stream(self, record: OpenRecord) -> impl Stream<Item = Bytes> + Send {
        stream::unfold((self, record), |(mut relay, mut record)| async move {
            let bytes = relay.next_bytes(&mut record).await?;
            record.sent(bytes.len());
            Some((bytes, (relay, record)))
        })
    }

    async fn next_bytes(&mut self, record: &mut OpenRecord) -> Option<Bytes> {
        while !self.ended {
            let bytes = match self.next().await {
                Next::Event(event) => self.translate(&event, record),
                Next::Silence => Some(Bytes::from_static(KEEP_ALIVE)),
                Next::End => self.end(record),
                Next::Broken(failure, detail) => {
                    self.fail(&failed(&self.exchange.published, failure).detail(detail), record)
                }
            };
            if self.ended && record.is_strict() {
                // The last bytes leave only when their record is on disk.
                record.sent(bytes.as_ref().map_or(0, Bytes::len));
                record.commit().await;
            }
            if bytes.is_some() {
                return bytes;
            }
        }
        None
    }

    /// Waits for the next whole event, or for a silence that is long enough to say something.
    async fn next(&mut self) -> Next {
        loop {
            match self.reader.next_event() {
                Ok(Some(event)) => return Next::Event(event),
                Ok(None) => {}
                Err(error) => return Next::Broken(UpstreamFailure::TooLarge, error.to_string()),
            }
            match tokio::time::timeout(self.keep_alive, self.body.frame()).await {
                Err(_) if self.heard.elapsed() > self.idle => {
                    return Next::Broken(
                        UpstreamFailure::Timeout,
                        "the stream has been silent too long".into(),
                    );
                }
                Err(_) => return Next::Silence,
                Ok(None) => return Next::End,
                Ok(Some(Err(error))) => return Next::Broken(UpstreamFailure::Broken, error.to_string()),
                Ok(Some(Ok(frame))) => {
                    self.heard = Instant::now();
                    if let Ok(data) = frame.into_data() {
                        self.reader.push(data);
                    }
                }
            }
        }
    }

    fn translate(&mut self, event: &Event, record: &mut OpenRecord) -> Option<Bytes> {
        self.resumable |= event.id().is_some();
        let Some(data) = event.data().filter(|data| !data.is_empty()) else {
            return Some(event.raw().clone());
        };
        let verdict = match self.translator.translate(&self.exchange, self.depth, data) {
            Ok(verdict) => verdict,
            Err(broken) => return self.fail(&invalid(&self.exchange.published, broken.0), record),
        };
        if verdict.is_answer {
            examine::note(&self.exchange, &verdict, record);
            if self.exchange.client_id().is_some() {
                record.complete();
                self.ended = true;
            }
        }
        match verdict.fate {
            Fate::Pass => Some(event.raw().clone()),
            Fate::Replace(data) => Some(event.with_data(&data)),
            Fate::Drop => None,
        }
    }

    /// The upstream closed the stream. Fine for a session's stream, and where the rest can be fetched by
    /// event id; else the caller is owed an answer.
    fn end(&mut self, record: &mut OpenRecord) -> Option<Bytes> {
        self.ended = true;
        if self.exchange.client_id().is_none() || (self.exchange.era == Era::Legacy && self.resumable) {
            record.complete();
            return None;
        }
        if self.exchange.listens() {
            // An abrupt end of a listen stream carries no answer: the client listens again.
            record.failed("upstream_broken", None, Fault::Upstream);
            return None;
        }
        self.fail(&failed(&self.exchange.published, UpstreamFailure::Broken), record)
    }

    /// Ends the stream with an error in place of the answer that will not come.
    fn fail(&mut self, refusal: &Refusal, record: &mut OpenRecord) -> Option<Bytes> {
        self.ended = true;
        record.complete();
        let text = refusal.clone().of(self.exchange.client_id()).event(record);
        self.exchange.client_id().is_some().then(|| write_event(&text))
    }
}
