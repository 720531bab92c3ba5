//! The reader against the rules of the standard, whatever the chunks; events with other data.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const ROOMY: usize = 1 << 20;

/// Reads a stream that arrives in these chunks. Returns the events and what is left over.
fn read<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<Event>, usize) {
    let mut reader = EventReader::new(ROOMY);
    let mut events = Vec::new();
    for chunk in chunks {
        reader.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = reader.next_event().unwrap() {
            events.push(event);
        }
    }
    (events, reader.buffered())
}

fn one(stream: &str) -> Event {
    let (mut events, left) = read([stream.as_bytes()]);
    assert_eq!((events.len(), left), (1, 0), "{stream:?}");
    events.remove(0)
}

/// What an event says: data, id, type.
type Said = (Option<Vec<u8>>, Option<String>, Option<String>);

fn said(event: &Event) -> Said {
    let text = |text: Option<std::borrow::Cow<'_, str>>| text.map(std::borrow::Cow::into_owned);
    (event.data().map(|data| data.to_vec()), text(event.id()), text(event.event_type()))
}

#[test]
fn reads_fields_as_the_standard_says() {
    let text = |text: &str| Some(text.to_owned());
    let data = |text: &str| Some(text.as_bytes().to_vec());
    for (stream, expected) in [
        ("data: x\n\n", (data("x"), None, None)),
        ("data:x\n\n", (data("x"), None, None)),
        ("data:  x \n\n", (data(" x "), None, None)),
        ("data\n\n", (data(""), None, None)),
        ("data:\n\n", (data(""), None, None)),
        ("data\ndata\n\n", (data("\n"), None, None)),
        ("data: a\ndata: b\r\ndata: c\r\n\r\n", (data("a\nb\nc"), None, None)),
        ("data: a\r\rdata: lost", (data("a"), None, None)),
        ("data: a: b\n\n", (data("a: b"), None, None)),
        ("DATA: x\n data: x\ndata : x\n\n", (None, None, None)),
        (": comment\n\n", (None, None, None)),
        (":data: x\n\n", (None, None, None)),
        ("\n", (None, None, None)),
        ("retry: 10\n\n", (None, None, None)),
        ("id: 1\n\n", (None, text("1"), None)),
        ("id: 1\nid: 2\ndata: x\n\n", (data("x"), text("2"), None)),
        ("id: 1\nid\ndata: x\n\n", (data("x"), text(""), None)),
        ("id: 1\nid: a\0b\n\n", (None, text("1"), None)),
        ("event: e\ndata: x\n\n", (data("x"), None, text("e"))),
        ("event: e\nevent\ndata: x\n\n", (data("x"), None, None)),
        ("\u{feff}data: x\n\n", (data("x"), None, None)),
        ("\u{feff}\u{feff}data: x\n\n", (None, None, None)),
        ("\u{feff}\n", (None, None, None)),
        ("data: \u{feff}é\n\n", (data("\u{feff}é"), None, None)),
    ] {
        let (events, _) = read([stream.as_bytes()]);
        assert_eq!(events.len(), 1, "{stream:?}");
        assert_eq!(said(&events[0]), expected, "{stream:?}");
    }
}

#[test]
fn retry_is_digits_only() {
    for (line, expected) in [
        ("retry: 1500", Some(1500)),
        ("retry:0", Some(0)),
        ("retry: +1", None),
        ("retry: 1s", None),
        ("retry", None),
    ] {
        assert_eq!(one(&format!("{line}\n\n")).retry(), expected, "{line}");
    }
    assert_eq!(one("retry: 1\nretry: x\ndata\n\n").retry(), Some(1));
}

#[test]
fn an_event_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: one\n\nid: 2\ndata: two\n\n");
    let mut reader = EventReader::new(ROOMY);
    reader.push(chunk.clone());
    let first = reader.next_event().unwrap().unwrap();
    let second = reader.next_event().unwrap().unwrap();
    assert_eq!(first.raw().as_ptr(), chunk.as_ptr());
    assert_eq!(second.raw().as_ptr(), chunk[11..].as_ptr());
    assert_eq!(second.data().unwrap().as_ptr(), chunk[23..].as_ptr());
    assert!(reader.next_event().unwrap().is_none());
    assert_eq!(reader.buffered(), 0);
}

#[test]
fn a_carriage_return_is_not_waited_upon() {
    let mut reader = EventReader::new(ROOMY);
    reader.push(Bytes::from_static(b"data: a\r\n\r"));
    assert_eq!(reader.next_event().unwrap().unwrap().raw(), "data: a\r\n\r");
    reader.push(Bytes::from_static(b"\n"));
    assert!(reader.next_event().unwrap().is_none(), "the rest of a line end is not a blank line");
    reader.push(Bytes::from_static(b"data: b\r\n\r\n"));
    let second = reader.next_event().unwrap().unwrap();
    assert_eq!(second.raw(), "\ndata: b\r\n\r\n");
    assert_eq!(second.data().unwrap(), "b");
    assert_eq!(second.with_data(b"c"), "\ndata: c\r\n\r\n");
}

#[test]
fn a_large_event_ends_the_reading() {
    let too_large = Err(SseError::TooLarge { limit: 10 });
    let result = |chunks: &[&'static str]| {
        let mut reader = EventReader::new(10);
        for chunk in chunks {
            reader.push(Bytes::from_static(chunk.as_bytes()));
        }
        let mut count = 0;
        loop {
            match reader.next_event() {
                Ok(Some(_)) => count += 1,
                Ok(None) => return Ok(count),
                Err(error) => {
                    assert_eq!(reader.buffered(), 0, "lets go of what it held");
                    reader.push(Bytes::from_static(b"data\n\n"));
                    assert_eq!(reader.next_event().err(), Some(error), "stays refused");
                    return Err(error);
                }
            }
        }
    };
    assert_eq!(result(&["data: 78\n\n"]), Ok(1));
    assert_eq!(result(&["data: 789\n\n"]), too_large);
    assert_eq!(result(&["data: 789"]), Ok(0), "nothing is decided yet");
    assert_eq!(result(&["data: 78901"]), too_large, "without waiting for the end");
    assert_eq!(result(&["data: ", "7", "8", "\n", "\n"]), Ok(1));
    assert_eq!(result(&["data: ", "7", "8", "9", "\n", "\n"]), too_large);
    assert_eq!(result(&["data: 78\n\ndata: 78\n\n:\n\n\n\ndata:"]), Ok(5), "each event counts for itself");
    assert_eq!(result(&["data: 78\n\n:23456789\n\n"]), too_large);
}

#[test]
fn many_tiny_chunks_are_one_event() {
    let stream = format!("data: {}\n\n", "x".repeat(300_000));
    let (events, left) = read(stream.as_bytes().chunks(1));
    assert_eq!((events.len(), left), (1, 0));
    assert_eq!(events[0].raw(), stream.as_bytes());
}

#[test]
fn other_data_leaves_everything_else() {
    for (stream, data, expected) in [
        ("data: a\n\n", "b", "data: b\n\n"),
        ("data:a\n\n", "", "data: \n\n"),
        (
            ": c\r\nid:  7\r\ndata:a\r\nevent:x\r\ndata: b\r\n\r\n",
            "z",
            ": c\r\nid:  7\r\ndata: z\r\nevent:x\r\n\r\n",
        ),
        ("data\rid\r\r", "z", "data: z\rid\r\r"),
        ("id: 1\n\n", "z", "id: 1\ndata: z\n\n"),
        ("id: 1\r\n\r\n", "z", "id: 1\r\ndata: z\r\n\r\n"),
        ("\n", "z", "data: z\n\n"),
        ("\u{feff}data: a\n\n", "z", "\u{feff}data: z\n\n"),
        ("data: a\n\n", "b\nc\r\nd\re\n", "data: b\ndata: c\ndata: d\ndata: e\ndata: \n\n"),
        ("data: a\n\n", "\nevent: forged\n\n", "data: \ndata: event: forged\ndata: \ndata: \n\n"),
        // The blank line must not become the rest of a line end.
        ("data: a\rdata: b\n\n", "z", "data: z\r\n\n"),
        ("data: a\nid: 1\rdata: b\n\n", "z", "data: z\nid: 1\r\n\n"),
    ] {
        assert_eq!(one(stream).with_data(data.as_bytes()), expected, "{stream:?}");
    }
}

#[test]
fn what_is_written_reads_back() {
    assert_eq!(write_event(b"{}"), "data: {}\n\n");
    assert_eq!(write_event(b""), "data: \n\n");
    assert_eq!(write_event(b"a\r\nb"), "data: a\ndata: b\n\n");
    let (events, left) = read([KEEP_ALIVE]);
    assert_eq!((events.len(), left), (1, 0));
    assert_eq!(events[0].data(), None);
}

/// The standard's algorithm, slowly: the whole stream, line by line.
fn reference(stream: &[u8]) -> Vec<Said> {
    let mut rest = stream.strip_prefix(BOM).unwrap_or(stream);
    let (mut events, mut block): (_, Said) = (Vec::new(), Said::default());
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = &rest[..end];
        rest = if rest[end..].starts_with(b"\r\n") { &rest[end + 2..] } else { &rest[end + 1..] };
        if line.is_empty() {
            let (data, id, kind) = std::mem::take(&mut block);
            let data = data.map(|mut data: Vec<u8>| {
                data.pop();
                data
            });
            events.push((data, id, kind.filter(|kind: &String| !kind.is_empty())));
            continue;
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = String::from_utf8_lossy(value).into_owned();
        match name {
            b"data" => {
                let data = block.0.get_or_insert_default();
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            b"id" if !value.contains(&0) => block.1 = Some(text),
            b"event" => block.2 = Some(text),
            _ => {}
        }
    }
    events
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"data: x"[..],
        b"data:",
        b"data",
        b"data: {\"a\":\"\xc3\xa9\"}",
        b"id: 1",
        b"id:\0",
        b"id",
        b"event: e",
        b"event",
        b": c",
        b":",
        b"retry: 5",
        b"\n",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\r",
        b"\r",
        b"\n\n",
        b"\r\n\r\n",
        b"\r\r",
        b"\xef\xbb\xbf",
        b"\xef\xbb",
        b"\xff",
        b" ",
        b"unknown: 1",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Cuts the stream into chunks of these lengths, going round.
fn chunked<'s>(stream: &'s [u8], lengths: &'s [usize]) -> impl Iterator<Item = &'s [u8]> {
    let mut rest = stream;
    lengths.iter().cycle().map_while(move |length| {
        let chunk;
        (chunk, rest) = rest.split_at((*length).min(rest.len()));
        (!chunk.is_empty()).then_some(chunk)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn chunks_do_not_matter(stream in streams(), lengths in prop::collection::vec(1_usize..9, 1..8)) {
        let (events, left) = read(chunked(&stream, &lengths));
        prop_assert_eq!(events.iter().map(said).collect::<Vec<_>>(), reference(&stream));
        let raw: Vec<u8> = events.iter().flat_map(|event| event.raw().to_vec()).collect();
        prop_assert_eq!(raw.len() + left, stream.len());
        prop_assert!(stream.starts_with(&raw));
        let (whole, _) = read([&stream[..]]);
        prop_assert_eq!(events.iter().map(said).collect::<Vec<_>>(), whole.iter().map(said).collect::<Vec<_>>());
    }

    #[test]
    fn other_data_is_the_only_difference(stream in streams(), lengths in prop::collection::vec(1_usize..9, 1..8), data in "[a-z: ]{0,9}") {
        let (events, _) = read(chunked(&stream, &lengths));
        for (number, event) in events.iter().enumerate() {
            let out = event.with_data(data.as_bytes());
            // The rest of the previous event's line end is not part of this one.
            let out = if event.raw().len() > 1 { out.strip_prefix(b"\n").unwrap_or(&out) } else { &out };
            // A mark counts at the start of a stream only, so put something before it elsewhere.
            let before: &[u8] = if number == 0 { b"" } else { b"\n" };
            let (again, left) = read([before, out]);
            prop_assert_eq!((again.len(), left), (1 + before.len(), 0), "{:?}", out);
            let (_, id, kind) = said(event);
            prop_assert_eq!(said(&again[before.len()]), (Some(data.clone().into_bytes()), id, kind));
            let others = |event: &Event| -> Vec<Vec<u8>> {
                let raw = event.raw().strip_prefix(BOM).filter(|_| number == 0).unwrap_or(event.raw());
                let lines = raw.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::to_vec);
                lines.filter(|line| !line.is_empty() && line != b"data" && !line.starts_with(b"data:")).collect()
            };
            prop_assert_eq!(others(event), others(&again[before.len()]));
        }
    }

    #[test]
    fn written_events_read_back(data in prop::collection::vec(any::<u8>().prop_filter("no CR", |byte| *byte != b'\r'), 0..40)) {
        let (events, left) = read([&write_event(&data)[..]]);
        prop_assert_eq!((events.len(), left), (1, 0));
        prop_assert_eq!(events[0].data().unwrap(), data);
    }
}
