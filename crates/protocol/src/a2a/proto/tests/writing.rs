//! Protobuf to JSON, hostile bytes included.

use proptest::prelude::*;

use super::*;

fn task() -> &'static Schema {
    response(Version::V1_0, Operation::GetTask)
}

fn send() -> &'static Schema {
    response(Version::V1_0, Operation::SendMessage)
}

fn task_error(bytes: &[u8]) -> ProtoError {
    decoded(task(), bytes).unwrap_err()
}

#[test]
fn defaults_are_left_out_unless_they_can_be_told() {
    let defaults = b"\x0a\x00\x12\x00";
    assert_eq!(decoded(task(), defaults).unwrap(), "{}");
    let request = request(Version::V1_0, Operation::ListTasks);
    assert_eq!(
        decoded(request, b"\x18\x00\x20\x00\x40\x00").unwrap(),
        r#"{"pageSize":0,"includeArtifacts":false}"#
    );
    // An empty message is there all the same.
    assert_eq!(decoded(task(), b"\x1a\x00\x32\x00").unwrap(), r#"{"status":{},"metadata":{}}"#);
}

#[test]
fn the_last_scalar_counts_and_messages_are_merged() {
    assert_eq!(decoded(task(), b"\x0a\x01a\x12\x01c\x0a\x01b").unwrap(), r#"{"id":"b","contextId":"c"}"#);
    // The last one is the default, so there is none.
    assert_eq!(decoded(task(), b"\x0a\x01a\x0a\x00").unwrap(), "{}");
    // The state from one, the time from the other.
    let merged = b"\x1a\x02\x08\x01\x1a\x06\x08\x02\x1a\x02\x08\x05";
    let status = r#"{"status":{"state":"TASK_STATE_WORKING","timestamp":"1970-01-01T00:00:05Z"}}"#;
    assert_eq!(decoded(task(), merged).unwrap(), status);
    // What is repeated is appended, whatever comes in between, and in whatever order.
    let message = b"\x12\x0c\x42\x01x\x0a\x01m\x3a\x01e\x42\x01y";
    let repeated = r#"{"message":{"messageId":"m","extensions":["e"],"referenceTaskIds":["x","y"]}}"#;
    assert_eq!(decoded(send(), message).unwrap(), repeated);
}

#[test]
fn the_last_alternative_counts() {
    let task_then_message = b"\x0a\x03\x0a\x01t\x12\x03\x0a\x01m";
    assert_eq!(decoded(send(), task_then_message).unwrap(), r#"{"message":{"messageId":"m"}}"#);
    // The same alternative again is merged with itself,
    let task_twice = b"\x0a\x03\x0a\x01t\x0a\x03\x12\x01c";
    assert_eq!(decoded(send(), task_twice).unwrap(), r#"{"task":{"id":"t","contextId":"c"}}"#);
    // but not with what was taken away by another one.
    let in_between = b"\x0a\x03\x0a\x01t\x12\x00\x0a\x03\x12\x01c";
    assert_eq!(decoded(send(), in_between).unwrap(), r#"{"task":{"contextId":"c"}}"#);
    // Values have alternatives too.
    let metadata = |value: &[u8]| {
        let entry = [b"\x0a\x01k\x12", &[u8::try_from(value.len()).unwrap()][..], value].concat();
        let fields = [b"\x0a", &[u8::try_from(entry.len()).unwrap()][..], &entry].concat();
        let bytes = [b"\x32", &[u8::try_from(fields.len()).unwrap()][..], &fields].concat();
        decoded(task(), &bytes)
    };
    assert_eq!(metadata(b"\x20\x01\x1a\x01s").unwrap(), r#"{"metadata":{"k":"s"}}"#);
    assert_eq!(metadata(b"\x1a\x01s\x08\x05").unwrap(), r#"{"metadata":{"k":null}}"#);
    assert_eq!(metadata(b"").unwrap(), r#"{"metadata":{"k":null}}"#);
    let lists = b"\x32\x04\x0a\x02\x20\x01\x32\x04\x0a\x02\x20\x00";
    assert_eq!(metadata(lists).unwrap(), r#"{"metadata":{"k":[true,false]}}"#);
    for not_finite in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let number = [&b"\x11"[..], &not_finite.to_le_bytes()].concat();
        assert_eq!(metadata(&number), Err(ProtoError::NotFinite));
    }
}

#[test]
fn of_two_entries_with_one_key_the_later_counts() {
    let card = card(Version::V1_0);
    // Security schemes: "k" with a description "a", "l" without anything, "k" again with a location "b".
    let bytes = b"\x42\x0a\x0a\x01k\x12\x05\x0a\x03\x0a\x01a\x42\x03\x0a\x01l\x42\x0a\x12\x05\x0a\x03\x12\x01b\x0a\x01k";
    let schemes = r#"{"securitySchemes":{"l":{},"k":{"apiKeySecurityScheme":{"location":"b"}}}}"#;
    assert_eq!(decoded(card, bytes).unwrap(), schemes);
    // As many as take another way.
    let mut bytes = Vec::new();
    for number in 0..100_u8 {
        bytes.extend_from_slice(&[0x32, 9, 0x0a, 7, 0x0a, 1, number % 40 + b'0', 0x12, 2, 0x20, number / 40]);
    }
    let text = decoded(task(), &bytes).unwrap();
    let text: serde_json::Value = serde_json::from_str(&text).unwrap();
    let metadata = text["metadata"].as_object().unwrap();
    assert_eq!(metadata.len(), 40);
    assert!(metadata.values().all(|value| *value == true));
    // Neither key nor value.
    assert_eq!(decoded(card, b"\x42\x00").unwrap(), r#"{"securitySchemes":{"":{}}}"#);
}

#[test]
fn unknown_fields_are_skipped_and_groups_are_not() {
    let unknown = b"\x50\x07\x0a\x01t\x59\0\0\0\0\0\0\0\0\x5d\0\0\0\0\x62\x02ab";
    assert_eq!(decoded(task(), unknown).unwrap(), r#"{"id":"t"}"#);
    for (bytes, error) in [
        (&b"\x53\x54"[..], ProtoError::Tag),
        (b"\x54", ProtoError::Tag),
        (b"\x56", ProtoError::Tag),
        (b"\x57", ProtoError::Tag),
        (b"\x00\x00", ProtoError::Tag),
        (b"\x02\x00", ProtoError::Tag),
        (b"\x82\x80\x80\x80\x10\x00", ProtoError::Tag),
        (b"\x0a", ProtoError::Truncated),
        (b"\x0a\x02t", ProtoError::Truncated),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01t", ProtoError::Truncated),
        (b"\x50\x80", ProtoError::Truncated),
        (b"\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", ProtoError::Varint),
        (b"\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", ProtoError::Varint),
        (b"\x59\0\0\0", ProtoError::Truncated),
        (b"\x5d\0\0\0", ProtoError::Truncated),
        (b"\x08\x01", ProtoError::WireType { message: "Task", field: "id" }),
        (b"\x1a\x03\x0a\x01x", ProtoError::WireType { message: "TaskStatus", field: "state" }),
        (b"\x1a\x05\x1a\x03\x0a\x01x", ProtoError::WireType { message: "Timestamp", field: "seconds" }),
        (b"\x32\x02\x08\x01", ProtoError::WireType { message: "Struct", field: "fields" }),
        (b"\x0a\x01\xff", ProtoError::Utf8 { message: "Task" }),
        (b"\x32\x05\x0a\x03\x0a\x01\xff", ProtoError::Utf8 { message: "Struct" }),
    ] {
        assert_eq!(task_error(bytes), error, "{bytes:?}");
    }
}

#[test]
fn enumerations_and_integers_are_the_lower_half_of_their_varint() {
    let state = b"\x1a\x0b\x08\x82\x80\x80\x80\x80\x80\x80\x80\x80\x01";
    assert_eq!(decoded(task(), state).unwrap(), r#"{"status":{"state":"TASK_STATE_WORKING"}}"#);
    assert_eq!(decoded(task(), b"\x1a\x02\x08\x63").unwrap(), r#"{"status":{"state":99}}"#);
    let request = request(Version::V1_0, Operation::GetTask);
    let negative = b"\x18\xff\xff\xff\xff\x0f";
    assert_eq!(decoded(request, negative).unwrap(), r#"{"historyLength":-1}"#);
}

#[test]
fn limits_hold() {
    let bytes =
        encoded(task(), &format!(r#"{{"metadata":{{"k":{}1{}}}}}"#, "[".repeat(20), "]".repeat(20))).unwrap();
    let text = decoded(task(), &bytes).unwrap();
    let limits = Limits { depth: 22, bytes: text.len().max(bytes.len()) };
    assert_eq!(decode(task(), &bytes, limits).unwrap(), text.as_bytes());
    assert_eq!(
        decode(task(), &bytes, Limits { depth: 21, ..limits }),
        Err(ProtoError::TooDeep { limit: 21 })
    );
    let less = limits.bytes - 1;
    assert_eq!(
        decode(task(), &bytes, Limits { bytes: less, ..limits }),
        Err(ProtoError::TooLarge { limit: less })
    );
    // Text that grows by escapes.
    let nuls = [&b"\x0a\x64"[..], &[0; 100]].concat();
    assert_eq!(
        decode(task(), &nuls, Limits { depth: 9, bytes: 600 }),
        Err(ProtoError::TooLarge { limit: 600 })
    );
}

#[test]
fn many_fields_cost_no_more_than_their_bytes() {
    // Were alternatives or repeated messages looked at anew for each of them, this would take minutes.
    let alternating = b"\x0a\x00\x12\x00".repeat(100_000);
    assert_eq!(decoded(send(), &alternating).unwrap(), r#"{"message":{}}"#);
    let limits = Limits { depth: 64, bytes: 1 << 24 };
    let merged = b"\x1a\x02\x08\x01".repeat(200_000);
    assert!(decode(task(), &merged, limits).is_ok());
    let values = b"\x2a\x00".repeat(200_000);
    let mut message = Vec::new();
    wire::write_tag(&mut message, 6, wire::DELIMITED);
    wire::write_delimited(&mut message, |out| {
        wire::write_tag(out, 1, wire::DELIMITED);
        wire::write_delimited(out, |out| {
            wire::write_tag(out, 2, wire::DELIMITED);
            wire::write_len(out, values.len());
            out.extend_from_slice(&values);
            Ok(())
        })
    })
    .unwrap();
    assert_eq!(decode(task(), &message, limits).unwrap(), br#"{"metadata":{"":{}}}"#);
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic_and_what_is_accepted_comes_back(
        which in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..0x20], 0..120),
    ) {
        let (_, schema) = *which.get(&schemas());
        if let Ok(text) = decoded(schema, &bytes) {
            prop_assert_eq!(through(schema, &text).unwrap(), text);
        }
    }

    #[test]
    fn hostile_json_never_panics(
        which in any::<prop::sample::Index>(),
        json in r#"\{("(id|parts|metadata|status|raw|data|timestamp|task|message|x)":[\{\["0-9a-zA-Z\]\},:.]{0,12},?){0,4}\}"#,
    ) {
        let (_, schema) = *which.get(&schemas());
        if let Ok(document) = Document::parse(json.into(), 64)
            && let Ok(bytes) = encode(schema, document.root())
        {
            let text = decoded(schema, &bytes).unwrap();
            prop_assert_eq!(encoded(schema, &text).and_then(|bytes| decoded(schema, &bytes)), Ok(text));
        }
    }
}

/// As the SDKs of 0.3 write parts and files, though the released file has neither.
#[test]
fn parts_and_files_of_0_3_have_what_came_after_its_release() {
    let task = response(Version::V0_3, Operation::GetTask);
    let text = r#"{"artifacts":[{"parts":[{"text":"t","metadata":{"k":"v"}},{"file":{"fileWithUri":"u","mimeType":"m","name":"n"}}]}]}"#;
    let bytes = encoded(task, text).unwrap();
    assert!(bytes.windows(3).any(|window| window == b"\x22\x01n"), "{bytes:x?}");
    assert_eq!(decoded(task, &bytes).unwrap(), text);
}
