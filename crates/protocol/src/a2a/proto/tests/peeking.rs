//! What is known of a message of which only the beginning is there.

use proptest::prelude::*;

use super::*;

fn tenant(beginning: &[u8]) -> Result<Option<&str>, ProtoError> {
    peek(request(Version::V1_0, Operation::SendMessage), "tenant", beginning)
}

#[test]
fn a_text_is_found_before_the_rest_is_there() {
    let message = encoded(
        request(Version::V1_0, Operation::SendMessage),
        r#"{"tenant":"helper","message":{"messageId":"m","parts":[{"text":"tenant"}]}}"#,
    );
    let message = message.unwrap();
    for end in 0..message.len() {
        let expected = match end {
            0 => Ok(None),
            1..8 => Err(ProtoError::Truncated),
            _ => Ok(Some("helper")),
        };
        assert_eq!(tenant(&message[..end]), expected, "{end}");
    }
}

#[test]
fn what_lies_deeper_or_is_none_is_not_taken_for_it() {
    // A message (field 2) that has a field 1.
    assert_eq!(tenant(b"\x12\x03\x0a\x01x"), Ok(None));
    assert_eq!(tenant(b"\x12\x03\x0a\x01x\x0a\x01y"), Ok(Some("y")));
    assert_eq!(tenant(b"\x12\x7f\x0a\x01x"), Err(ProtoError::Truncated));
    assert!(matches!(tenant(b"\x08\x01"), Err(ProtoError::WireType { field: "tenant", .. })));
    assert!(matches!(tenant(b"\x0a\x01\xff"), Err(ProtoError::Utf8 { .. })));
    assert_eq!(tenant(b"\xff\xff"), Err(ProtoError::Truncated));
    assert_eq!(tenant(b"\x0b"), Err(ProtoError::Tag));
    // The version has no tenants.
    assert_eq!(peek(request(Version::V0_3, Operation::SendMessage), "tenant", b"\x0a\x01x"), Ok(None));
}

proptest! {
    /// Whoever sees the beginning and whoever reads the whole agree, unless the field is there twice.
    #[test]
    fn it_is_what_the_whole_message_says(tenant_text in ".{1,20}", rest in proptest::collection::vec(any::<u8>(), 0..64)) {
        let json = serde_json::json!({ "tenant": tenant_text }).to_string();
        let mut message = encoded(request(Version::V1_0, Operation::SendMessage), &json).unwrap();
        message.extend(rest);
        prop_assert_eq!(tenant(&message), Ok(Some(tenant_text.as_str())));
    }

    #[test]
    fn nothing_hostile_does_more_than_fail(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = tenant(&bytes);
    }
}
