//! Another implementation of protobuf and ProtoJSON, which knows the official files and not our tables, reads and writes
//! the same.

use proptest::prelude::*;
use prost_reflect::{DynamicMessage, ReflectMessage as _, prost::Message as _};
use serde_json::Value;

use super::{
    tape::{Tape, bytes, json},
    *,
};

const TAPE: std::ops::Range<usize> = 0..400;
const DEPTH: usize = 6;

/// Whether our text says what their message says: to their eyes as JSON, and exactly once it is protobuf again.
fn agree(schema: &'static Schema, text: &str, theirs: &DynamicMessage) -> bool {
    let (of, json) = (theirs.descriptor(), official::to_json(theirs).unwrap());
    let again = DynamicMessage::decode(of.clone(), &*encoded(schema, text).unwrap()).unwrap();
    // What JSON cannot say is lost in both: fields that nobody knows, values that are nothing.
    let through_json = DynamicMessage::deserialize(of.clone(), &json).unwrap().encode_to_vec();
    alike(&serde_json::from_str(text).unwrap(), &json)
        && again == DynamicMessage::decode(of, &*through_json).unwrap()
}

/// Numbers compare as doubles, and `serde_json` reads them to the last bit but one.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= one.abs() * 1e-15
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|other| alike(one, other)))
        }
        _ => one == other,
    }
}

proptest! {
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
        let ours = decoded(schema, &theirs.encode_to_vec()).unwrap();
        prop_assert!(agree(schema, &ours, &theirs), "{text}: {ours}");
    }

    #[test]
    fn protobuf_is_read_alike(which in any::<prop::sample::Index>(), tape in prop::collection::vec(any::<u8>(), TAPE)) {
        let (version, schema) = *which.get(&schemas());
        let message = bytes(schema, &mut Tape(&tape), DEPTH);
        let official = official::message(official::package(version), schema.name());
        let theirs = DynamicMessage::decode(official, &*message).unwrap();
        let ours = decoded(schema, &message).unwrap();
        prop_assert!(agree(schema, &ours, &theirs), "{message:?}: {ours}");
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
            prop_assert!(agree(schema, &text, &theirs), "{message:?}: {text}");
        }
    }
}
