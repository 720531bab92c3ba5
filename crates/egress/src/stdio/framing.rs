//! Lines: how messages follow each other in a pipe.

use bytes::{Buf as _, Bytes, BytesMut};

/// How much is made room for when the buffer is full.
const CHUNK: usize = 16 << 10;

/// A line has more bytes than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// Cuts what arrives into lines, without their ends; lines without anything in them are left out.
#[derive(Debug)]
pub(super) struct Lines {
    max: usize,
    buffer: BytesMut,
    /// How much of the buffer is known to have no line feed.
    scanned: usize,
}

impl Lines {
    pub(super) fn new(max: usize) -> Self {
        Self { max, buffer: BytesMut::new(), scanned: 0 }
    }

    /// Where to put what arrives next. Call [`Self::next`] until it has no more before asking again: the limit
    /// is looked at there.
    pub(super) fn space(&mut self) -> &mut BytesMut {
        self.buffer.reserve(CHUNK);
        &mut self.buffer
    }

    /// The next whole line.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        while let Some(found) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) {
            let mut line = self.buffer.split_to(self.scanned + found);
            self.buffer.advance(1);
            self.scanned = 0;
            drop_return(&mut line);
            if line.len() > self.max {
                return Err(TooLong);
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line.freeze()));
            }
        }
        self.scanned = self.buffer.len();
        // One more: the carriage return of a line end whose line feed is still to come.
        if self.buffer.len() > self.max.saturating_add(1) { Err(TooLong) } else { Ok(None) }
    }

    /// What the stream ended in the middle of.
    pub(super) fn rest(self) -> Result<Option<Bytes>, TooLong> {
        let Self { mut buffer, max, .. } = self;
        drop_return(&mut buffer);
        if buffer.len() > max {
            return Err(TooLong);
        }
        Ok((!buffer.trim_ascii().is_empty()).then(|| buffer.freeze()))
    }
}

/// A carriage return before a line feed belongs to the line's end.
fn drop_return(line: &mut BytesMut) {
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
}

/// The same JSON text without raw line breaks: each becomes a space. In a JSON text they can only stand between
/// tokens, so nothing of its meaning changes; whoever sends what is no JSON text gets what they sent for.
pub fn on_one_line(message: Bytes) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &message).is_none() {
        return message;
    }
    message.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

#[cfg(test)]
mod tests;
