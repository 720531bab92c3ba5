//! Any JSON as `google.protobuf.Struct`, `Value` and `ListValue`. Numbers become doubles: integers beyond 2^53 lose digits.

use super::{Place, deeper, scalar};
use crate::{
    a2a::proto::{
        ProtoError,
        wire::{self, DELIMITED, FIXED64, VARINT},
    },
    json::{Kind, Value},
};

/// Writes an object as a `Struct`.
pub(super) fn structure(
    out: &mut Vec<u8>,
    place: Place,
    object: Value<'_>,
    depth: usize,
) -> Result<(), ProtoError> {
    let object = object.as_object().ok_or(place.expects("an object"))?;
    // The message itself, and the entries of its map.
    let depth = deeper(deeper(depth)?)?;
    object.members().try_for_each(|member| {
        wire::write_tag(out, 1, DELIMITED);
        wire::write_delimited(out, |out| {
            scalar::string(out, 1, &member.name);
            wire::write_tag(out, 2, DELIMITED);
            wire::write_delimited(out, |out| value(out, place, member.value, depth))
        })
    })
}

/// Writes anything as a `Value`.
pub(super) fn value(out: &mut Vec<u8>, place: Place, any: Value<'_>, depth: usize) -> Result<(), ProtoError> {
    let depth = deeper(depth)?;
    match any.kind() {
        Kind::Null => {
            wire::write_tag(out, 1, VARINT);
            out.push(0);
            Ok(())
        }
        Kind::Number => {
            let number =
                scalar::double(any).ok_or(place.expects("made of numbers that a double can hold"))?;
            wire::write_tag(out, 2, FIXED64);
            out.extend_from_slice(&number.to_le_bytes());
            Ok(())
        }
        Kind::String => {
            let text = any.as_str().ok_or(place.expects("made of whole characters"))?;
            scalar::string(out, 3, &text);
            Ok(())
        }
        Kind::Bool => {
            wire::write_tag(out, 4, VARINT);
            out.push(u8::from(any.as_bool() == Some(true)));
            Ok(())
        }
        Kind::Object => {
            wire::write_tag(out, 5, DELIMITED);
            wire::write_delimited(out, |out| structure(out, place, any, depth))
        }
        Kind::Array => {
            wire::write_tag(out, 6, DELIMITED);
            wire::write_delimited(out, |out| list(out, place, any, depth))
        }
    }
}

fn list(out: &mut Vec<u8>, place: Place, array: Value<'_>, depth: usize) -> Result<(), ProtoError> {
    let array = array.as_array().ok_or(place.expects("an array"))?;
    let depth = deeper(depth)?;
    array.iter().try_for_each(|element| {
        wire::write_tag(out, 1, DELIMITED);
        wire::write_delimited(out, |out| value(out, place, element, depth))
    })
}
