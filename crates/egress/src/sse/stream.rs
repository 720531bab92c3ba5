//! The stream that brings messages.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use doorward_protocol::sse::{Event, EventReader};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{error::Elapsed, timeout};

use crate::channel::{Cause, ChannelError, Feed, Finish, State};

/// The type of the first event.
const ENDPOINT: &str = "endpoint";
/// The type of an event that carries a message; also what an event without a type is.
const MESSAGE: &str = "message";

/// The events of an answer's body.
#[derive(Debug)]
pub(super) struct Events {
    body: Incoming,
    reader: EventReader,
    max_message: usize,
}

impl Events {
    pub(super) fn new(body: Incoming, max_message: usize) -> Self {
        // A message may be spread over data lines, each with some bytes of its own.
        let max_event = max_message.saturating_mul(2).saturating_add(4 << 10);
        Self { body, reader: EventReader::new(max_event), max_message }
    }

    /// The data of the first event, which must name the endpoint.
    pub(super) async fn endpoint(&mut self) -> Result<Bytes, ChannelError> {
        loop {
            while let Some(event) = self.next_event()? {
                // Comments, ids and retry hints are nothing yet.
                let Some(data) = event.data() else { continue };
                return if event.event_type().as_deref() == Some(ENDPOINT) {
                    Ok(data)
                } else {
                    Err(ChannelError::Endpoint("the first event names none"))
                };
            }
            self.more().await.map_err(|_| ChannelError::Endpoint("the stream ended before it"))?;
        }
    }

    /// The next message among the events that have arrived.
    fn next_message(&mut self) -> Result<Option<Bytes>, ChannelError> {
        while let Some(event) = self.next_event()? {
            let is_message = event.event_type().is_none_or(|kind| kind == MESSAGE);
            let Some(data) = event.data().filter(|data| is_message && !data.trim_ascii().is_empty()) else {
                continue;
            };
            if data.len() > self.max_message {
                return Err(ChannelError::TooLarge(self.max_message));
            }
            return Ok(Some(data));
        }
        Ok(None)
    }

    fn next_event(&mut self) -> Result<Option<Event>, ChannelError> {
        self.reader.next_event().map_err(|_| ChannelError::TooLarge(self.max_message))
    }

    /// Takes the next piece of the stream, or says how the stream ended.
    async fn more(&mut self) -> Result<(), Cause> {
        match self.body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.reader.push(data);
                }
                Ok(())
            }
            Some(Err(error)) => Err(Cause::Broken(error.to_string())),
            None => Err(Cause::PeerGone),
        }
    }
}

/// Hands messages up until the stream or the channel ends. The stream is all that is left of an ended channel.
pub(super) async fn read(mut events: Events, feed: Feed, state: Arc<State>, idle: Option<Duration>) {
    let finish = Finish(Arc::clone(&state));
    loop {
        match events.next_message() {
            Ok(Some(message)) => {
                if !feed.push(message, &state).await {
                    break;
                }
                continue;
            }
            Ok(None) => {}
            Err(error) => {
                state.begin(Cause::TooLarge(events.max_message));
                drop((events, finish));
                return feed.fail(error, &state).await;
            }
        }
        let more = tokio::select! {
            biased;
            cause = state.closing() => Err(cause),
            more = bounded(idle, events.more()) => more.unwrap_or_else(|_| Err(Cause::Idle(idle.unwrap_or_default()))),
        };
        if let Err(cause) = more {
            state.begin(cause);
            break;
        }
    }
}

async fn bounded<T>(limit: Option<Duration>, waits: impl Future<Output = T>) -> Result<T, Elapsed> {
    match limit {
        Some(limit) => timeout(limit, waits).await,
        None => Ok(waits.await),
    }
}
