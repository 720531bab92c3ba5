use bytes::Bytes;
use proptest::prelude::*;
use prost_reflect::{DynamicMessage, Value as Reflected, prost::Message as _};

use super::*;
use crate::a2a::{
    GrpcCode,
    proto::tests::{official, tables::assert_official},
};

/// All messages of a stream that arrives in these pieces, and whether it may end there.
fn read(limit: usize, pieces: &[&[u8]]) -> Result<(Vec<Bytes>, bool), GrpcError> {
    let mut reader = FrameReader::new(limit);
    let mut messages = Vec::new();
    for piece in pieces {
        reader.push(Bytes::copy_from_slice(piece));
        while let Some(message) = reader.next_message()? {
            messages.push(message);
        }
    }
    Ok((messages, reader.is_clean_end()))
}

#[test]
fn messages_come_out_as_they_went_in() {
    let stream = [&frame(b"one")[..], &frame(b""), &frame(b"three")].concat();
    assert_eq!(stream, b"\0\0\0\0\x03one\0\0\0\0\0\0\0\0\0\x05three");
    let (messages, clean) = read(5, &[&stream]).unwrap();
    assert_eq!((messages, clean), (vec!["one".into(), "".into(), "three".into()], true));
    let (messages, clean) = read(5, &[&stream[..stream.len() - 1]]).unwrap();
    assert_eq!((messages.len(), clean), (2, false));
    assert_eq!(read(5, &[&stream[..8], &stream[8..9]]).unwrap(), (vec!["one".into()], false));
    assert_eq!(read(5, &[]).unwrap(), (vec![], true));
}

#[test]
fn a_message_in_one_piece_is_not_copied() {
    let mut reader = FrameReader::new(100);
    let piece = frame(b"message");
    reader.push(piece.clone());
    assert!(!reader.is_clean_end());
    let message = reader.next_message().unwrap().unwrap();
    assert_eq!(message.as_ptr(), piece[5..].as_ptr());
    assert!(reader.is_clean_end());
}

#[test]
fn the_first_message_is_seen_as_far_as_it_is_there() {
    let stream = [&frame(b"one")[..], &frame(b"two")].concat();
    for end in 0..=stream.len() {
        let expected = match end {
            0..5 => None,
            5..8 => Some((&b"one"[..end - 5], false)),
            _ => Some((&b"one"[..], true)),
        };
        assert_eq!(first_message(&stream[..end], 3), Ok(expected), "{end}");
    }
    assert_eq!(first_message(&stream, 2), Err(GrpcError::TooLarge { limit: 2 }));
    assert_eq!(first_message(b"\x01", 2), Err(GrpcError::Compressed));
}

#[test]
fn what_is_refused_stays_refused() {
    for (stream, error) in [
        (&b"\0\0\0\0\x06"[..], GrpcError::TooLarge { limit: 5 }),
        (b"\0\xff\xff\xff\xff", GrpcError::TooLarge { limit: 5 }),
        (b"\x01", GrpcError::Compressed),
        (b"\x02\0\0\0\0", GrpcError::Malformed),
        (b"HTTP/1.1", GrpcError::Malformed),
    ] {
        let mut reader = FrameReader::new(5);
        reader.push(frame(b"first"));
        assert_eq!(reader.next_message(), Ok(Some("first".into())));
        reader.push(Bytes::copy_from_slice(stream));
        for _ in 0..2 {
            assert_eq!(reader.next_message(), Err(error));
            reader.push(frame(b""));
        }
        assert!(!reader.is_clean_end());
    }
}

/// A status as it looks after a way through trailers.
fn through(status: &Status) -> Status {
    let trailers = status.encode_trailers();
    let value = |name: &str| trailers.iter().find(|(known, _)| *known == name).map(|(_, it)| it.as_bytes());
    Status::from_headers(value).unwrap()
}

fn from(trailers: &[(&str, &[u8])]) -> Option<Status> {
    Status::from_headers(|name| trailers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
}

const ERROR_INFO: &str = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"TASK_NOT_FOUND","domain":"a2a-protocol.org","metadata":{"taskId":"t"}}"#;
const BAD_REQUEST: &str = r#"{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.role","description":"unknown"}]}"#;
const RETRY_INFO: &str = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.500s"}"#;

fn details(of: &[&'static str]) -> Vec<Bytes> {
    of.iter().map(|text| Bytes::from_static(text.as_bytes())).collect()
}

#[test]
fn trailers_say_how_a_call_ended() {
    assert_eq!(Status::new(GrpcCode::Ok, "").encode_trailers(), [("grpc-status", "0".to_owned())]);
    let status = Status {
        details: details(&[ERROR_INFO, BAD_REQUEST, RETRY_INFO]),
        ..Status::new(GrpcCode::NotFound, "No such task: 100% né\n")
    };
    let trailers = status.encode_trailers();
    assert_eq!(trailers[0], ("grpc-status", "5".to_owned()));
    assert_eq!(trailers[1], ("grpc-message", "No such task: 100%25 n%C3%A9%0A".to_owned()));
    assert_eq!(trailers[2].0, "grpc-status-details-bin");
    assert!(!trailers[2].1.ends_with('='));
    assert_eq!(through(&status), status);
}

#[test]
fn another_implementation_reads_and_writes_the_same_details() {
    let of = official::pool().get_message_by_name("google.rpc.Status").unwrap();
    let all = [ERROR_INFO, BAD_REQUEST, RETRY_INFO];
    let json = format!(r#"{{"code":5,"message":"gone","details":[{}]}}"#, all.join(","));
    let theirs = official::from_json(of.clone(), &json).unwrap();
    assert_eq!(super::details::read(&theirs.encode_to_vec()), ("gone".to_owned(), details(&all)));
    let ours = super::details::write(GrpcCode::NotFound, "gone", &details(&all), 4096);
    assert_eq!(DynamicMessage::decode(of, &*ours).unwrap(), theirs);
    for (name, schema) in super::details::TYPES {
        assert_official(schema, &official::pool().get_message_by_name(name).unwrap());
    }
}

#[test]
fn details_of_other_types_are_dropped() {
    let help = r#"{"@type":"type.googleapis.com/google.rpc.Help","links":[{"url":"https://example.com"}]}"#;
    let status =
        |of: &[&'static str]| Status { details: details(of), ..Status::new(GrpcCode::Internal, "m") };
    let kept =
        through(&status(&[help, RETRY_INFO, "{}", "[]", "", r#"{"@type":7}"#, r#"{"@type":"RetryInfo"}"#]));
    assert_eq!(kept, status(&[RETRY_INFO]));
    // As a peer writes it.
    let of = official::pool().get_message_by_name("google.rpc.Status").unwrap();
    let theirs = official::from_json(of, &format!(r#"{{"details":[{help},{RETRY_INFO}]}}"#)).unwrap();
    assert_eq!(super::details::read(&theirs.encode_to_vec()).1, details(&[RETRY_INFO]));
    let any = theirs.get_field_by_name("details").unwrap();
    assert_eq!(any.as_list().map(<[Reflected]>::len), Some(2));
}

#[test]
fn whatever_peers_write_is_a_status() {
    assert_eq!(from(&[]), None);
    assert_eq!(from(&[("grpc-message", b"lost")]), None);
    for unknown in [&b""[..], b"17", b"-1", b"x", b"\xff", b"99999999999999999999999"] {
        assert_eq!(from(&[("grpc-status", unknown)]).unwrap().code, GrpcCode::Unknown, "{unknown:?}");
    }
    for (written, read) in [
        (&b"100%"[..], "100%"),
        (b"%4", "%4"),
        (b"%zz%41", "%zzA"),
        (b"%+1", "%+1"),
        (b"%C3%A9 \xc3\xa9", "é é"),
        (b"%FF", "\u{FFFD}"),
        (b"%%41", "%A"),
    ] {
        assert_eq!(from(&[("grpc-status", b"2"), ("grpc-message", written)]).unwrap().message, read);
    }
    // With padding and without; the message is taken from the details when there is no other.
    for details in [&b"CAUSBGdvbmU"[..], b"CAUSBGdvbmU="] {
        let status = from(&[("grpc-status", b"5"), ("grpc-status-details-bin", details)]).unwrap();
        assert_eq!(status, Status::new(GrpcCode::NotFound, "gone"));
    }
    for broken in [&b"*"[..], b"CAUSBG", b"GgIKAA", b"GgQKAhIA"] {
        let status = from(&[("grpc-status", b"5"), ("grpc-status-details-bin", broken)]).unwrap();
        assert_eq!(status, Status::new(GrpcCode::NotFound, ""), "{broken:?}");
    }
}

#[test]
fn trailers_stay_small() {
    let long = "é%".repeat(10_000);
    let violations = r#"{"field":"f","description":"d"},"#.repeat(1_000);
    let large = format!(
        r#"{{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{}]}}"#,
        &violations[..violations.len() - 1]
    );
    let status = Status {
        details: vec![large.into(), ERROR_INFO.into()],
        ..Status::new(GrpcCode::InvalidArgument, long.clone())
    };
    let size: usize =
        status.encode_trailers().iter().map(|(name, value)| name.len() + value.len() + 32).sum();
    assert!(size < 8 * 1024, "{size}");
    let read = through(&status);
    assert!(long.starts_with(&read.message) && read.message.len() > 500);
    assert_eq!(read.details, details(&[ERROR_INFO]));
}

proptest! {
    #[test]
    fn messages_do_not_depend_on_the_pieces(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..8),
        cuts in prop::collection::vec(1_usize..12, 0..40),
    ) {
        let stream = messages.iter().map(|message| frame(message)).collect::<Vec<_>>().concat();
        let mut rest = &stream[..];
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let (read, clean) = read(20, &pieces).unwrap();
        prop_assert_eq!(read, messages);
        prop_assert!(clean);
    }

    #[test]
    fn messages_for_people_come_back(message in any::<String>()) {
        let status = Status::new(GrpcCode::Aborted, message);
        let [_, rest @ ..] = &status.encode_trailers()[..] else { panic!() };
        prop_assert!(rest.iter().all(|(_, value)| value.bytes().all(|byte| matches!(byte, b' '..=b'~'))));
        prop_assert_eq!(through(&status), status);
    }

    #[test]
    fn hostile_trailers_never_panic(code in any::<Vec<u8>>(), message in any::<Vec<u8>>(), details in any::<Vec<u8>>()) {
        let status = from(&[("grpc-status", &code), ("grpc-message", &message), ("grpc-status-details-bin", &details)]);
        let status = status.unwrap();
        prop_assert_eq!(through(&status), status);
        super::details::read(&details);
    }
}
