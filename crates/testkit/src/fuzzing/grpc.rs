//! gRPC without HTTP/2: messages do not depend on how their bytes arrive, trailers are read whatever they are, and protobuf
//! and ProtoJSON are two forms of one thing.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use doorward_protocol::{
    a2a::{
        GrpcCode, Operation, Version,
        proto::{self, Limits, Schema, decode, encode},
    },
    grpc::{FrameReader, GrpcError, Status, frame},
    json::Document,
};

use super::first_line;

/// Larger than any input.
const UNLIMITED: usize = 1 << 30;

/// What a message may measure. What is no deeper than this as JSON is never too deep as protobuf.
const LIMITS: Limits = Limits { depth: 30, bytes: 1 << 20 };

/// The first line says how the stream is cut, a byte a chunk, its size, over and over; the rest is the stream. The line is
/// also a message for people, and the rest the details, of trailers.
///
/// # Panics
/// If two ways of cutting give different messages, bytes are lost, or trailers are not read back.
pub fn grpc(data: &[u8]) {
    let (line, rest) = first_line(data);
    let (messages, ended) = read([rest], UNLIMITED);
    let sizes = line.iter().map(|size| usize::from(*size % 16) + 1).chain([7]);
    assert_eq!(read(chunks(sizes, rest), UNLIMITED), (messages.clone(), ended));
    assert_eq!(read(rest.chunks(1), UNLIMITED), (messages.clone(), ended));
    let framed = messages.iter().map(|message| frame(message)).collect::<Vec<_>>().concat();
    assert!(rest.starts_with(&framed), "the messages are the stream");
    assert_eq!(ended == Ok(true), rest.len() == framed.len(), "what is no message yet is no end");
    limited(rest, &messages);
    trailers(line, rest);
}

/// Messages, and whether the stream may end behind them.
type Read = (Vec<Bytes>, Result<bool, GrpcError>);

fn read<'s>(chunks: impl IntoIterator<Item = &'s [u8]>, limit: usize) -> Read {
    let mut reader = FrameReader::new(limit);
    let mut messages = Vec::new();
    for chunk in chunks {
        reader.push(Bytes::copy_from_slice(chunk));
        loop {
            match reader.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
    }
    (messages, Ok(reader.is_clean_end()))
}

fn chunks(sizes: impl Iterator<Item = usize> + Clone, mut stream: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    for size in sizes.cycle() {
        if stream.is_empty() {
            break;
        }
        let (chunk, rest) = stream.split_at(size.min(stream.len()));
        chunks.push(chunk);
        stream = rest;
    }
    chunks
}

/// With a small limit, what comes out are the messages before the first one that is too large.
fn limited(stream: &[u8], messages: &[Bytes]) {
    const LIMIT: usize = 16;
    let (few, _) = read(stream.chunks(3), LIMIT);
    let expected: Vec<_> = messages.iter().take_while(|message| message.len() <= LIMIT).cloned().collect();
    assert_eq!(few, expected);
}

/// Trailers of a peer are read, and what was read is written and read again.
fn trailers(line: &[u8], rest: &[u8]) {
    let details = STANDARD_NO_PAD.encode(rest);
    let theirs = |name: &str| match name {
        "grpc-status" => Some(&b"3"[..]),
        "grpc-message" => Some(line),
        _ => Some(details.as_bytes()),
    };
    let Some(read) = Status::from_headers(theirs) else { panic!("there was a status") };
    assert_eq!(read.code, GrpcCode::InvalidArgument);
    let again = through(&read);
    assert!(read.message.starts_with(&again.message), "a message is cut at most");
    assert!(again.details.iter().all(|detail| read.details.contains(detail)), "a detail is left out at most");
    assert_eq!(through(&again), again, "what was once written is written so again");
}

fn through(status: &Status) -> Status {
    let trailers = status.encode_trailers();
    for (_, value) in &trailers {
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "no header can carry this");
    }
    let value = |name: &str| trailers.iter().find(|(known, _)| *known == name).map(|(_, it)| it.as_bytes());
    let Some(status) = Status::from_headers(value) else { panic!("a status is lost") };
    status
}

/// The first byte says which message of which version it is; the rest is that message, as protobuf or as ProtoJSON.
///
/// # Panics
/// If what is accepted in one form does not come back from the other, or is not JSON to another reader.
pub fn proto(data: &[u8]) {
    let Some((which, message)) = data.split_first() else { return };
    let schemas = schemas();
    let schema = schemas[usize::from(*which) % schemas.len()];
    if let Ok(json) = decode(schema, message, LIMITS) {
        comes_back(schema, &json);
    }
    if let Ok(document) = Document::parse(Bytes::copy_from_slice(message), LIMITS.depth)
        && let Ok(bytes) = encode(schema, document.root())
    {
        let Ok(json) = decode(schema, &bytes, LIMITS) else { panic!("our own protobuf is refused") };
        comes_back(schema, &json);
    }
}

/// How an input of [`proto`] is accepted: as protobuf, as JSON.
#[cfg(test)]
pub(super) fn accepted(data: &[u8]) -> (bool, bool) {
    let schemas = schemas();
    let schema = schemas[usize::from(data[0]) % schemas.len()];
    let document = Document::parse(Bytes::copy_from_slice(&data[1..]), LIMITS.depth);
    let as_json = document.is_ok_and(|document| encode(schema, document.root()).is_ok());
    (decode(schema, &data[1..], LIMITS).is_ok(), as_json)
}

/// How many messages are in an input of [`grpc`], and how many details.
#[cfg(test)]
pub(super) fn found(data: &[u8]) -> (usize, usize) {
    let (_, rest) = first_line(data);
    let details = STANDARD_NO_PAD.encode(rest);
    let trailers = |name: &str| (name != "grpc-message").then_some(details.as_bytes());
    let status = Status::from_headers(trailers);
    (read([rest], UNLIMITED).0.len(), status.map_or(0, |status| status.details.len()))
}

fn schemas() -> Vec<&'static Schema> {
    let pairs = Version::ALL.into_iter().flat_map(|version| Operation::ALL.map(|it| (version, it)));
    pairs
        .flat_map(|(version, operation)| {
            [proto::request(version, operation), proto::response(version, operation)]
        })
        .flatten()
        .collect()
}

/// JSON of ours is JSON to everybody, and the same after a way through protobuf.
fn comes_back(schema: &'static Schema, json: &[u8]) {
    assert!(serde_json::from_slice::<serde_json::Value>(json).is_ok(), "only Doorward reads this");
    let Ok(document) = Document::parse(Bytes::copy_from_slice(json), LIMITS.depth) else {
        panic!("not even Doorward reads this")
    };
    let Ok(bytes) = encode(schema, document.root()) else { panic!("our own JSON is refused") };
    assert_eq!(decode(schema, &bytes, LIMITS).as_deref(), Ok(json));
}
