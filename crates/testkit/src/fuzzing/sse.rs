//! Event streams: what is read does not depend on how the bytes arrive, and every byte is passed on.

use bytes::Bytes;
use doorward_protocol::sse::{Event, EventReader, write_event};

use super::first_line;

/// Larger than any input.
const UNLIMITED: usize = 1 << 30;

/// The first line says how the stream is cut: a byte a chunk, its size, over and over. It is also the data that is
/// written in the place of an event's own. The rest is the stream.
///
/// # Panics
/// If two ways of cutting give different events, bytes are lost, or exchanged data are not read back.
pub fn sse(data: &[u8]) {
    let (line, stream) = first_line(data);
    let whole = read([stream], UNLIMITED);
    let cut = read(chunks(line, stream), UNLIMITED);
    let bytewise = read(stream.chunks(1), UNLIMITED);
    for each in [&whole, &cut, &bytewise] {
        assert!(!each.failed);
        let raw: Vec<u8> = each.events.iter().flat_map(|event| event.raw().to_vec()).collect();
        assert!(stream.starts_with(&raw), "the raw events are the stream");
        assert_eq!(raw.len() + each.buffered, stream.len(), "what is no event yet waits");
        let says = |read: &Read| read.events.iter().map(says).collect::<Vec<_>>();
        assert_eq!(says(each), says(&whole), "cutting changes nothing");
    }
    for read in [&whole, &cut] {
        for (number, event) in read.events.iter().enumerate() {
            with_data(event, number == 0, line);
            with_data(event, number == 0, b"{\"a\":\r\n1}\r");
        }
    }
    let written = read([&write_event(stream)[..]], UNLIMITED);
    assert_eq!(written.events.len(), 1);
    assert_eq!(written.events[0].data().as_deref(), Some(&*with_line_feeds(stream)));
    limited(line, stream);
}

/// What a stream was read to.
struct Read {
    events: Vec<Event>,
    buffered: usize,
    failed: bool,
}

fn read<'s>(chunks: impl IntoIterator<Item = &'s [u8]>, limit: usize) -> Read {
    let mut reader = EventReader::new(limit);
    let mut events = Vec::new();
    let mut failed = false;
    for chunk in chunks {
        reader.push(Bytes::copy_from_slice(chunk));
        loop {
            match reader.next_event() {
                Ok(Some(event)) => {
                    assert!(!failed, "an event after a failure");
                    assert!(event.raw().len() <= limit, "an event above the limit");
                    events.push(event);
                }
                Ok(None) => {
                    assert!(!failed, "a reader that failed recovers");
                    break;
                }
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }
        assert!(reader.buffered() <= limit, "more is held than allowed");
    }
    Read { events, buffered: reader.buffered(), failed }
}

/// The stream in chunks of the sizes that `sizes` says, in a circle.
fn chunks<'s>(sizes: &[u8], mut stream: &'s [u8]) -> Vec<&'s [u8]> {
    let mut sizes = sizes.iter().map(|size| usize::from(*size % 32) + 1).cycle();
    let mut chunks = Vec::new();
    while !stream.is_empty() {
        let (chunk, rest) = stream.split_at(sizes.next().unwrap_or(7).min(stream.len()));
        chunks.push(chunk);
        stream = rest;
    }
    chunks
}

/// Everything that an event says.
type Says = (Option<Bytes>, Option<String>, Option<String>, Option<u64>);

fn says(event: &Event) -> Says {
    let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(std::borrow::Cow::into_owned);
    (event.data(), owned(event.id()), owned(event.event_type()), event.retry())
}

/// The event with other data is one event that says that and otherwise what it said.
fn with_data(event: &Event, first: bool, data: &[u8]) {
    let changed = event.with_data(data);
    // Behind a blank line, an event is not at the start of its stream, where a byte order mark would be dropped.
    let before: &[u8] = if first { b"" } else { b"\n" };
    let again = read([before, &changed], UNLIMITED);
    assert_eq!(again.buffered, 0, "the event is complete");
    let mut with_data = again.events.iter().filter(|event| event.data().is_some());
    let Some(found) = with_data.next() else { panic!("the data are lost") };
    assert!(with_data.next().is_none(), "one event became two");
    let (_, id, event_type, retry) = says(event);
    let data = Bytes::from(with_line_feeds(data));
    assert_eq!(says(found), (Some(data), id, event_type, retry));
}

/// The text with every line end a line feed.
fn with_line_feeds(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte == b'\r' {
            rest.next_if_eq(&b'\n');
        }
        out.push(if byte == b'\r' { b'\n' } else { byte });
    }
    out
}

/// With a small limit, a reader fails if and only if an event is too large, and before it holds too much. A line feed
/// that arrives late counts for the next event, so cuts may differ by that one byte.
fn limited(line: &[u8], stream: &[u8]) {
    const LIMIT: usize = 48;
    let whole = read([stream], UNLIMITED);
    let largest =
        whole.events.iter().map(|event| event.raw().len()).chain([whole.buffered]).max().unwrap_or(0);
    assert_eq!(read([stream], LIMIT).failed, largest > LIMIT);
    let cut = read(chunks(line, stream), LIMIT);
    assert!(cut.failed || largest <= LIMIT + 1);
    assert!(!cut.failed || largest + 1 > LIMIT);
}
