//! One event: its bytes, what its fields say, and the same event with other data.

use std::{borrow::Cow, ops::Range};

use bytes::{Bytes, BytesMut};

use super::BOM;

/// One event of a stream, blank line included. Cloning it copies nothing.
#[derive(Clone)]
pub struct Event {
    raw: Bytes,
    /// Where its lines begin: behind a byte order mark, else at the start.
    start: usize,
}

impl Event {
    pub(super) fn new(raw: Bytes, at_stream_start: bool) -> Self {
        let start = if at_stream_start && raw.starts_with(BOM) { BOM.len() } else { 0 };
        Self { raw, start }
    }

    /// Exactly the bytes received, with the blank line that ends the event.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The data: its lines joined by line feeds, a slice of the event when it is one line. `None` when no
    /// line is a data field (a comment, an id alone, a retry alone), so that readers dispatch nothing.
    pub fn data(&self) -> Option<Bytes> {
        let mut lines = self.values(b"data");
        let first = lines.next()?;
        let Some(second) = lines.next() else {
            return Some(self.raw.slice(first));
        };
        let mut joined = BytesMut::from(&self.raw[first]);
        for line in std::iter::once(second).chain(lines) {
            joined.extend_from_slice(b"\n");
            joined.extend_from_slice(&self.raw[line]);
        }
        Some(joined.freeze())
    }

    /// The event's id. The last one counts; one with a NUL in it is ignored, as the standard says. Ill-formed
    /// UTF-8 is replaced.
    pub fn id(&self) -> Option<Cow<'_, str>> {
        let ids = self.values(b"id").filter(|value| !self.raw[value.clone()].contains(&0));
        ids.last().map(|value| String::from_utf8_lossy(&self.raw[value]))
    }

    /// The event's type, unless it is the default (`message`, when the field is absent or empty). The last one
    /// counts. Ill-formed UTF-8 is replaced.
    pub fn event_type(&self) -> Option<Cow<'_, str>> {
        let last = self.values(b"event").last().filter(|value| !value.is_empty())?;
        Some(String::from_utf8_lossy(&self.raw[last]))
    }

    /// How many milliseconds to wait before reconnecting, if the event says so. The last one counts; anything
    /// but digits is ignored.
    pub fn retry(&self) -> Option<u64> {
        let number = |value: Range<usize>| {
            let digits = &self.raw[value];
            let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
            std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
        };
        self.values(b"retry").filter_map(number).last()
    }

    /// The same event with other data: one data line in the place of the first one (or before the blank line
    /// when there was none), every other field and comment where and as it was. Line breaks in `data` make
    /// further data lines.
    pub fn with_data(&self, data: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(self.raw.len() + data.len());
        out.extend_from_slice(&self.raw[..self.start]);
        let has_data = self.values(b"data").next().is_some();
        let mut written = false;
        let mut line_end: &[u8] = b"\n";
        for line in self.lines() {
            let is_data = field(&self.raw[line.content.clone()]).0 == b"data";
            let last = line.end == self.raw.len();
            if line.content.end < line.end && !last {
                line_end = &self.raw[line.content.end..line.end];
            }
            if !written && (is_data || (last && !has_data)) {
                write_data(&mut out, data, line_end);
                written = true;
            }
            if !is_data {
                append(&mut out, &self.raw[line.content.start..line.end]);
            }
        }
        out.into()
    }

    /// Where the values of a field lie, in order.
    fn values(&self, name: &'static [u8]) -> impl Iterator<Item = Range<usize>> {
        self.lines().filter_map(move |line| {
            let (found, value) = field(&self.raw[line.content.clone()]);
            (found == name).then(|| line.content.start + value..line.content.end)
        })
    }

    fn lines(&self) -> impl Iterator<Item = Line> {
        let mut at = self.start;
        std::iter::from_fn(move || {
            let rest = self.raw.get(at..).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line_end = match &rest[length..] {
                [b'\r', b'\n', ..] => 2,
                [] => 0,
                _ => 1,
            };
            let content = at..at + length;
            at = content.end + line_end;
            Some(Line { content, end: at })
        })
    }
}

impl std::fmt::Debug for Event {
    /// Never the content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event").field("bytes", &self.raw.len()).finish_non_exhaustive()
    }
}

/// One line: what it says, and where its line end is over.
struct Line {
    content: Range<usize>,
    end: usize,
}

/// The name of the field that a line is, and where in the line its value begins. A comment has an empty name;
/// a line without a colon is a name without a value; one space after the colon is dropped.
fn field(line: &[u8]) -> (&[u8], usize) {
    let Some(colon) = memchr::memchr(b':', line) else { return (line, line.len()) };
    let space = usize::from(line.get(colon + 1) == Some(&b' '));
    (&line[..colon], colon + 1 + space)
}

/// Writes `data` as data lines. Whatever ends a line in it ends a line here.
fn write_data(out: &mut Vec<u8>, data: &[u8], line_end: &[u8]) {
    let mut rest = data;
    loop {
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&rest[..length]);
        out.extend_from_slice(line_end);
        rest = match &rest[length..] {
            [] => return,
            [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
        };
    }
}

/// Appends a line. Where lines between them are gone, a line feed must not complete the carriage return
/// before it: the blank line that ends the event would be lost.
fn append(out: &mut Vec<u8>, line: &[u8]) {
    if line.first() == Some(&b'\n') && out.last() == Some(&b'\r') {
        out.push(b'\n');
    }
    out.extend_from_slice(line);
}

/// A whole event with `data` and nothing else. Line breaks in `data` make further data lines.
pub fn write_event(data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 8);
    write_data(&mut out, data, b"\n");
    out.push(b'\n');
    out.into()
}
