//! Another implementation of protobuf and ProtoJSON, which knows the official files and not our tables, reads and writes
//! the same.

use proptest::prelude::*;
use prost_reflect::{DynamicMessage, prost::Message as _};
use serde_json::Value;

use super::{
    tape::{Tape, bytes, json},
    *,
};

const TAPE: std::ops::Range<usize> = 0..400;
const DEPTH: usize = 6;

/// Numbers compare as doubles: 42 and 42.0 are one number, written by two implementations.
fn same(value: Value) -> Value {
    match value {
        Value::Number(number) => serde_json::json!(number.as_f64()),
        Value::Array(elements) => elements.into_iter().map(same).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, same(value))).collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn json_is_read_alike(which in any::<prop::sample::Index>(), tape in prop::collection::vec(any::<u8>(), TAPE)) {
        let (version, schema) = *which.get(&schemas());
        let text = json(schema, &mut Tape(&tape), DEPTH).to_string();
        let official = official::message(official::package(version), schema.name());
        let theirs = official::from_json(official.clone(), &text).unwrap();
        let ours = encoded(schema, &text).unwrap();
        let of_ours = DynamicMessage::decode(official.clone(), &*ours).unwrap();
        // Read from bytes again: they tell an empty list that was there from none.
        let theirs = DynamicMessage::decode(official, &*theirs.encode_to_vec()).unwrap();
        prop_assert!(of_ours == theirs, "{text}");
        // And what they wrote is read here.
        let ours: Value = serde_json::from_str(&decoded(schema, &theirs.encode_to_vec()).unwrap()).unwrap();
        prop_assert_eq!(same(ours), same(official::to_json(&theirs).unwrap()), "{}", text);
    }

    #[test]
    fn protobuf_is_read_alike(which in any::<prop::sample::Index>(), tape in prop::collection::vec(any::<u8>(), TAPE)) {
        let (version, schema) = *which.get(&schemas());
        let message = bytes(schema, &mut Tape(&tape), DEPTH);
        let official = official::message(official::package(version), schema.name());
        let theirs = DynamicMessage::decode(official, &*message).unwrap();
        let ours: Value = serde_json::from_str(&decoded(schema, &message).unwrap()).unwrap();
        prop_assert_eq!(same(ours), same(official::to_json(&theirs).unwrap()), "{:?}", message);
    }

    #[test]
    fn damaged_protobuf_is_read_alike_or_refused(
        which in any::<prop::sample::Index>(),
        tape in prop::collection::vec(any::<u8>(), TAPE),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (version, schema) = *which.get(&schemas());
        let mut message = bytes(schema, &mut Tape(&tape), DEPTH);
        for (at, byte) in damage {
            if !message.is_empty() {
                let at = at.index(message.len());
                message[at] = byte;
            }
        }
        let official = official::message(official::package(version), schema.name());
        // They look into what a later field has made void, and refuse what is wrong there.
        if let (Ok(text), Ok(theirs)) = (decoded(schema, &message), DynamicMessage::decode(official, &*message)) {
            let ours: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(same(ours), same(official::to_json(&theirs).unwrap()), "{:?}", message);
        }
    }
}
