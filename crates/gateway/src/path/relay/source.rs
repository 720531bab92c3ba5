//! Where the messages of a stream come from: the events of an HTTP answer, or a conversation.

use std::time::Instant;

use bytes::Bytes;
use doorward_protocol::sse::{Event, EventReader, write_event};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::{
    conversations::Reading,
    path::{engine::Verdict, refusal::UpstreamFailure},
};

/// A source of messages.
pub(in crate::path) enum Source {
    /// The event stream of an HTTP answer.
    Events { body: Incoming, reader: EventReader, heard: Instant },
    /// What a conversation has for one request.
    Conversation { reading: Reading, first: Option<(Bytes, Verdict)>, heard: Instant },
}

/// One piece of a stream: an event as it was received, or a bare message.
pub(in crate::path) enum Piece {
    Event(Event),
    /// A message, and its translation where it was seen before that it begins a stream.
    Message(Bytes, Option<Box<Verdict>>),
}

/// Why a source stopped before its end.
#[derive(Debug)]
pub(in crate::path) struct Cut(pub(in crate::path) UpstreamFailure, pub(in crate::path) String);

impl Source {
    /// The events of an answer's body, each of at most `limit` bytes.
    pub(in crate::path) fn events(body: Incoming, limit: usize) -> Self {
        Self::Events { body, reader: EventReader::new(limit), heard: Instant::now() }
    }

    /// The messages of a conversation, after one that was already taken and translated.
    pub(in crate::path) fn conversation(reading: Reading, first: Option<(Bytes, Verdict)>) -> Self {
        Self::Conversation { reading, first, heard: Instant::now() }
    }

    /// When the upstream last said something.
    pub(super) fn heard(&self) -> Instant {
        match self {
            Self::Events { heard, .. } | Self::Conversation { heard, .. } => *heard,
        }
    }

    /// The next piece; none at the end. May be dropped while it waits: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, Cut> {
        match self {
            Self::Events { body, reader, heard } => loop {
                match reader.next_event() {
                    Ok(Some(event)) => return Ok(Some(Piece::Event(event))),
                    Ok(None) => {}
                    Err(error) => return Err(Cut(UpstreamFailure::TooLarge, error.to_string())),
                }
                match body.frame().await {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(Cut(UpstreamFailure::Broken, error.to_string())),
                    Some(Ok(frame)) => {
                        *heard = Instant::now();
                        if let Ok(data) = frame.into_data() {
                            reader.push(data);
                        }
                    }
                }
            },
            Self::Conversation { reading, first, heard } => {
                if let Some((message, verdict)) = first.take() {
                    return Ok(Some(Piece::Message(message, Some(Box::new(verdict)))));
                }
                let message = reading.next().await;
                *heard = Instant::now();
                Ok(message.map(|message| Piece::Message(message, None)))
            }
        }
    }
}

impl Piece {
    /// The JSON-RPC message, if the piece carries one.
    pub(super) fn data(&self) -> Option<Bytes> {
        match self {
            Self::Event(event) => event.data().filter(|data| !data.is_empty()),
            Self::Message(data, _) => Some(data.clone()),
        }
    }

    /// The translation of the message, if there is one already.
    pub(super) fn take_verdict(&mut self) -> Option<Verdict> {
        match self {
            Self::Event(_) => None,
            Self::Message(_, verdict) => verdict.take().map(|verdict| *verdict),
        }
    }

    /// The piece as an event, unchanged.
    pub(super) fn raw(&self) -> Bytes {
        match self {
            Self::Event(event) => event.raw().clone(),
            Self::Message(data, _) => write_event(data),
        }
    }

    /// The piece as an event with another message.
    pub(super) fn with_data(&self, data: &[u8]) -> Bytes {
        match self {
            Self::Event(event) => event.with_data(data),
            Self::Message(..) => write_event(data),
        }
    }

    /// Whether the rest of the stream can be asked for by this piece's id.
    pub(super) fn has_id(&self) -> bool {
        matches!(self, Self::Event(event) if event.id().is_some())
    }
}
