//! A stream of events on its way through: examined one by one, kept alive, and recorded when it ends.
//!
//! Only single events are buffered, never a stream. When the caller goes away the relay is dropped, and with
//! it the upstream's connection: for 2026-07-28 that is the cancellation, for sessions it means nothing.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use doorward_model::Fault;
use doorward_protocol::{
    mcp::{Era, batch},
    sse::{KEEP_ALIVE, write_event},
};
use futures_util::{Stream, stream};

mod silence;
mod source;

pub(super) use silence::Silence;
pub(super) use source::{Cut, Piece, Source};

use super::{
    Refusal,
    engine::{Broken, Exchange, Fate, Verdict},
    examine,
    forward::{failed, invalid},
    record::OpenRecord,
    refusal::UpstreamFailure,
};
use crate::{App, connections::Presented};

/// Translates one message of the upstream, and keeps or forgets lists by what it says.
pub(super) fn translate(app: &App, exchange: &Exchange, data: Bytes) -> Result<Verdict, Broken> {
    let now = app.clock().now();
    let verdict = exchange.examine(app.sealers(), now, exchange.published.entrance.limits.depth, data)?;
    if let (Some(page), true, Fate::Replace(answer)) = (&exchange.page, verdict.is_answer, &verdict.fate) {
        exchange.published.entrance.memory.lists.keep(page, answer, verdict.filtered, now);
    }
    if let Some(changed) = &verdict.list_changed {
        // Under the present snapshot, which may be a later one than this stream's.
        app.routes().memory.lists.changed(&exchange.published.server.upstream.name, changed);
    }
    Ok(verdict)
}

/// One stream being relayed.
pub(crate) struct Relay {
    app: Arc<App>,
    exchange: Exchange,
    source: Source,
    silence: Silence,
    idle: Duration,
    ids: Ids,
    ended: bool,
    /// Something was sent.
    opened: bool,
    _guard: Option<StreamGuard>,
}

/// Counts an open stream while it lives.
pub(super) struct StreamGuard(Arc<AtomicUsize>);

impl StreamGuard {
    /// Counts a stream in. Whether one more may be opened was decided before the upstream was asked.
    pub(super) fn enter(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Ids of events, by which the rest of a stream can be fetched elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    /// The upstream gave none so far.
    None,
    /// It did.
    Seen,
    /// They do not pass.
    Withheld,
}

/// Done when the account that a stream is of is connected no more, or is another one.
pub(super) async fn connection_ended(app: &App, presented: Option<&Presented>) {
    match presented {
        // Boxed, so that other streams do not carry the room of a query.
        Some(presented) => Box::pin(app.connections().ended(presented)).await,
        None => future::pending().await,
    }
}

/// What the upstream did next.
enum Next {
    Piece(Piece),
    Silence,
    End,
    /// The stream would not end by itself, and must: Doorward is stopping, or who opened it may no longer.
    Closing,
    Broken(UpstreamFailure, String),
}

impl Relay {
    pub(super) fn new(app: Arc<App>, exchange: Exchange, source: Source, guard: Option<StreamGuard>) -> Self {
        Self {
            silence: Silence::new(exchange.published.entrance.limits.keep_alive),
            idle: exchange.published.entrance.limits.stream_idle,
            app,
            exchange,
            source,
            ids: Ids::None,
            ended: false,
            opened: false,
            _guard: guard,
        }
    }

    /// As one answer of several on one stream: event ids, by which the rest of a stream can be had elsewhere, mean
    /// nothing there, so they do not pass.
    pub(super) fn in_batch(self) -> Self {
        Self { ids: Ids::Withheld, ..self }
    }

    /// Whether nothing more comes.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The bytes for the caller. The record is closed when the stream is dropped, at the latest.
    pub(super) fn into_stream(self: Box<Self>, record: OpenRecord) -> impl Stream<Item = Bytes> + Send {
        // Boxed, for they are handed on with every event.
        stream::unfold((self, Box::new(record)), |(mut relay, mut record)| async move {
            let bytes = relay.next_bytes(&mut record).await?;
            record.sent(bytes.len());
            Some((bytes, (relay, record)))
        })
    }

    /// The next bytes for the caller; none at the end.
    pub(super) async fn next_bytes(&mut self, record: &mut OpenRecord) -> Option<Bytes> {
        while !self.ended {
            let bytes = match self.next().await {
                Next::Piece(piece) => self.translate(piece, record),
                Next::Silence => Some(Bytes::from_static(KEEP_ALIVE)),
                Next::End => self.end(record),
                Next::Closing => {
                    record.complete();
                    self.ended = true;
                    None
                }
                // A stream whose rest can be had elsewhere just ends, however it ends.
                Next::Broken(UpstreamFailure::Broken, _) if self.may_just_end() => self.end(record),
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
                self.opened = true;
                return bytes;
            }
            if !self.opened && !self.ended {
                // What was dropped opened the upstream's stream, and a byte order mark counts at the very
                // beginning only: nothing that follows may come to stand there.
                self.opened = true;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
        None
    }

    /// Waits for the next whole message, or for a silence that is long enough to say something.
    async fn next(&mut self) -> Next {
        if self.exchange.is_endless() && self.has_lost_its_ground() {
            return Next::Closing;
        }
        let next = tokio::select! {
            // However busy the stream is.
            biased;
            () = self.app.closing().cancelled(), if self.exchange.is_endless() => return Next::Closing,
            () = self.exchange.lease.revoked(&self.app), if self.exchange.is_endless() => return Next::Closing,
            () = connection_ended(&self.app, self.exchange.presented.as_ref()), if self.exchange.is_endless() => {
                return Next::Closing;
            }
            next = self.source.next() => Some(next),
            () = self.silence.lasts() => None,
        };
        match next {
            None if self.source.heard().elapsed() > self.idle => {
                Next::Broken(UpstreamFailure::Timeout, "the stream has been silent too long".into())
            }
            None => Next::Silence,
            Some(Ok(Some(_))) if self.exchange.is_endless() && self.has_lost_its_ground() => Next::Closing,
            Some(Ok(Some(piece))) => Next::Piece(piece),
            Some(Ok(None)) => Next::End,
            Some(Err(Cut(failure, detail))) => Next::Broken(failure, detail),
        }
    }

    /// Whether the credential that opened the stream has expired, or the rules of the virtual server are no
    /// longer those under which it was opened. The client comes again, and is judged again.
    fn has_lost_its_ground(&self) -> bool {
        let expired = self.exchange.lease.has_ended(&self.app);
        let published = &self.exchange.published;
        let present = self.app.routes().server(published.server.name.as_str());
        expired || present.is_none_or(|present| present.entrance.rules != published.entrance.rules)
    }

    fn translate(&mut self, mut piece: Piece, record: &mut OpenRecord) -> Option<Bytes> {
        let data = piece.data();
        if let Some(messages) = data.as_ref().and_then(|data| self.messages(data)) {
            return self.translate_all(messages, record);
        }
        let batched = self.ids == Ids::Withheld;
        if piece.has_id() && !batched {
            self.ids = Ids::Seen;
        }
        let Some(data) = data else {
            return (!batched).then(|| piece.raw());
        };
        match self.judge(data.clone(), piece.take_verdict(), record) {
            Ok(Fate::Pass) if batched => Some(write_event(&data)),
            Ok(Fate::Replace(data)) if batched => Some(write_event(&data)),
            Ok(Fate::Pass) => Some(piece.raw()),
            Ok(Fate::Replace(data)) => Some(piece.with_data(&data)),
            Ok(Fate::Drop) => None,
            Err(Broken(detail)) => self.fail(&invalid(&self.exchange.published, detail), record),
        }
    }

    /// The messages of an upstream's batch, which only sessions of 2025-03-26 know.
    fn messages(&self, data: &Bytes) -> Option<Vec<Bytes>> {
        let has_batches = self.exchange.session.as_ref().is_some_and(|session| session.handle.has_batches);
        batch::elements(data, self.exchange.published.entrance.limits.depth).filter(|_| has_batches)
    }

    /// Translates the messages of a batch. They pass as single events, without the id of the one that they came in.
    fn translate_all(&mut self, messages: Vec<Bytes>, record: &mut OpenRecord) -> Option<Bytes> {
        let mut events = BytesMut::new();
        for data in messages {
            match self.judge(data.clone(), None, record) {
                Ok(Fate::Pass) => events.extend_from_slice(&write_event(&data)),
                Ok(Fate::Replace(data)) => events.extend_from_slice(&write_event(&data)),
                Ok(Fate::Drop) => {}
                Err(Broken(detail)) => {
                    let error = self.fail(&invalid(&self.exchange.published, detail), record);
                    events.extend(error);
                }
            }
            if self.ended {
                break;
            }
        }
        (!events.is_empty()).then(|| events.freeze())
    }

    /// Says what becomes of a message; with the answer, the stream is at its end.
    fn judge(
        &mut self,
        data: Bytes,
        known: Option<Verdict>,
        record: &mut OpenRecord,
    ) -> Result<Fate, Broken> {
        let verdict = known.map_or_else(|| translate(&self.app, &self.exchange, data), Ok)?;
        if verdict.is_answer {
            examine::note(&self.exchange, &verdict, record);
            if self.exchange.client_id().is_some() {
                record.complete();
                self.ended = true;
            }
        }
        Ok(verdict.fate)
    }

    /// Whether the caller is owed nothing more when the stream ends here.
    fn may_just_end(&self) -> bool {
        let can_be_resumed = self.exchange.era == Era::Legacy && self.ids == Ids::Seen;
        self.exchange.client_id().is_none() || self.exchange.listens() || can_be_resumed
    }

    /// The upstream closed the stream. Fine for a session's stream, and where the rest can be fetched by
    /// event id; else the caller is owed an answer.
    fn end(&mut self, record: &mut OpenRecord) -> Option<Bytes> {
        self.ended = true;
        if self.exchange.client_id().is_none() || (self.exchange.era == Era::Legacy && self.ids == Ids::Seen)
        {
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
