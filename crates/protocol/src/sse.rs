//! Event streams (WHATWG HTML, section 9.2), bounded: the stream is cut into events whose bytes can be relayed
//! untouched, and whose data can be looked at and exchanged.
//!
//! It does not reconnect, remember the last event id or wait as `retry` asks; that is up to whoever owns the
//! connection.

mod event;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

pub use event::{Event, write_event};

/// What keeps an idle stream open: a comment, which every reader ignores.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// The byte order mark that may open a stream.
const BOM: &[u8] = "\u{FEFF}".as_bytes();

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is larger than allowed. The reader has let go of what it held and stays in this state.
    #[error("an event is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that one event may have.
        limit: usize,
    },
}

/// Cuts a stream that arrives in arbitrary pieces into events. Every byte belongs to exactly one event, so the
/// raw events in a row are the stream.
///
/// A blank line ends an event. Blocks without data, comments alone and stray blank lines are events too, so that
/// they are relayed. After a carriage return the reader does not wait for a line feed; should one follow in a
/// later chunk, it becomes the first byte of the next event's raw bytes (and means nothing there).
#[derive(Debug)]
pub struct EventReader {
    max_event_bytes: usize,
    /// What has arrived and is not looked at, except the first `scanned` bytes of the first chunk.
    chunks: VecDeque<Bytes>,
    /// The beginning of the current event, when it began in an earlier chunk.
    carry: BytesMut,
    lines: Lines,
    first: bool,
    failed: bool,
}

impl EventReader {
    /// A reader at the start of a stream. An event may have `max_event_bytes` with all its lines and line ends.
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            chunks: VecDeque::new(),
            carry: BytesMut::new(),
            lines: Lines::new(),
            first: true,
            failed: false,
        }
    }

    /// Takes the next piece of the stream. Call [`Self::next_event`] until it has no more before taking another:
    /// the limit is looked at there.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.failed && !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next complete event, or `None` when more bytes are needed. An event that arrived in one piece is a
    /// slice of that piece.
    pub fn next_event(&mut self) -> Result<Option<Event>, SseError> {
        while let Some(mut chunk) = self.chunks.pop_front() {
            let end = self.lines.find_blank(&chunk);
            if self.carry.len() + end.unwrap_or(chunk.len()) > self.max_event_bytes {
                return Err(self.fail());
            }
            let Some(end) = end else {
                self.carry.extend_from_slice(&chunk);
                continue;
            };
            let mut raw = chunk.split_to(end);
            if !chunk.is_empty() {
                self.chunks.push_front(chunk);
            }
            if !self.carry.is_empty() {
                self.carry.extend_from_slice(&raw);
                raw = self.carry.split().freeze();
            }
            let at_start = std::mem::take(&mut self.first);
            return Ok(Some(Event::new(raw, at_start)));
        }
        if self.failed { Err(self.fail()) } else { Ok(None) }
    }

    /// How many bytes wait here: the beginning of an unfinished event, and chunks not yet looked at. When the
    /// stream ends, this is what it ended in the middle of (or a line feed that completes the last line end).
    pub fn buffered(&self) -> usize {
        self.carry.len() + self.chunks.iter().map(Bytes::len).sum::<usize>()
    }

    fn fail(&mut self) -> SseError {
        self.failed = true;
        self.chunks.clear();
        self.carry = BytesMut::new();
        SseError::TooLarge { limit: self.max_event_bytes }
    }
}

/// Looks for blank lines, and remembers across chunks where in a line it is, so that no byte is read twice.
#[derive(Debug)]
struct Lines {
    /// How much of a byte order mark has been seen; `None` once the stream has begun.
    mark: Option<usize>,
    /// Whether the current line has no bytes yet.
    at_line_start: bool,
    /// Whether the last byte was a carriage return, so that a line feed still belongs to that line's end.
    after_return: bool,
}

impl Lines {
    fn new() -> Self {
        Self { mark: Some(0), at_line_start: true, after_return: false }
    }

    /// The position after the first blank line, or `None` when the whole chunk has none.
    fn find_blank(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = self.skip_mark(chunk);
        loop {
            if self.after_return && at < chunk.len() {
                at += usize::from(chunk[at] == b'\n');
                self.after_return = false;
            }
            let rest = &chunk[at..];
            let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            self.at_line_start &= length == 0;
            if length == rest.len() {
                return None;
            }
            at += length;
            let blank = std::mem::replace(&mut self.at_line_start, true);
            self.after_return = chunk[at] == b'\r';
            at += 1;
            if blank {
                if self.after_return && chunk.get(at) == Some(&b'\n') {
                    self.after_return = false;
                    at += 1;
                }
                return Some(at);
            }
        }
    }

    /// Passes the part of a byte order mark that this chunk begins with, at the start of the stream.
    fn skip_mark(&mut self, chunk: &[u8]) -> usize {
        let Some(seen) = self.mark else { return 0 };
        let expected = &BOM[seen..];
        let matched = expected.iter().zip(chunk).take_while(|(mark, byte)| mark == byte).count();
        let seen = seen + matched;
        if seen < BOM.len() && matched == chunk.len() {
            self.mark = Some(seen);
        } else {
            self.mark = None;
            // A mark begun and not finished is the beginning of a line like any other.
            self.at_line_start = seen == 0 || seen == BOM.len();
        }
        matched
    }
}

#[cfg(test)]
mod tests;
