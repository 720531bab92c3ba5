//! ProtoJSON to protobuf, in the order of the JSON's members.

mod any;
mod scalar;

use super::{
    ProtoError, Schema,
    schema::{Field, Kind, Label},
    time, wire,
};
use crate::json::Value;

/// How many messages may be inside each other, the outermost and the entries of maps included. It is what the readers of
/// C++, Java, Python and Rust take: what is deeper would be refused by the other side.
pub const DEEPEST: usize = 100;

/// Turns ProtoJSON into protobuf. Members that the message does not have are passed over, `null` is as good as nothing.
///
/// # Errors
/// When a member is not what its field takes, with the field's name; when a field is there twice; when it is nested deeper
/// than [`DEEPEST`].
pub fn encode(schema: &'static Schema, value: Value<'_>) -> Result<Vec<u8>, ProtoError> {
    let mut out = Vec::with_capacity(value.raw().len());
    message(&mut out, schema, value, 0)?;
    Ok(out)
}

/// Which field is being written: what complaints name.
#[derive(Clone, Copy)]
struct Place {
    schema: &'static Schema,
    field: &'static Field,
}

impl Place {
    const fn expects(self, expected: &'static str) -> ProtoError {
        ProtoError::Value { message: self.schema.name, field: self.field.json, expected }
    }
}

/// One level further down.
const fn deeper(depth: usize) -> Result<usize, ProtoError> {
    if depth >= DEEPEST { Err(ProtoError::TooDeep { limit: DEEPEST }) } else { Ok(depth + 1) }
}

fn message(
    out: &mut Vec<u8>,
    schema: &'static Schema,
    value: Value<'_>,
    depth: usize,
) -> Result<(), ProtoError> {
    let depth = deeper(depth)?;
    let object = value.as_object().ok_or(ProtoError::NotAnObject { message: schema.name })?;
    let mut seen = 0_u64;
    let mut chosen = false;
    for member in object.members() {
        let Some((at, field)) = schema.by_name(&member.name) else { continue };
        if seen & (1 << at) != 0 {
            return Err(ProtoError::Twice { message: schema.name, field: field.json });
        }
        seen |= 1 << at;
        // Of all types only `Value` has a null of its own.
        if member.value.is_null() && !matches!(field.kind, Kind::Value) {
            continue;
        }
        if field.label == Label::OneOf && std::mem::replace(&mut chosen, true) {
            return Err(ProtoError::Alternatives { message: schema.name, field: field.json });
        }
        labelled(out, Place { schema, field }, member.value, depth)?;
    }
    Ok(())
}

/// Writes a field as often as it is there.
fn labelled(out: &mut Vec<u8>, place: Place, value: Value<'_>, depth: usize) -> Result<(), ProtoError> {
    let number = place.field.number;
    match place.field.label {
        Label::Implicit => one(out, place, number, Presence::Implicit, value, depth),
        Label::Optional | Label::OneOf => one(out, place, number, Presence::Explicit, value, depth),
        Label::Repeated => {
            let array = value.as_array().ok_or(place.expects("an array"))?;
            array.iter().try_for_each(|element| one(out, place, number, Presence::Explicit, element, depth))
        }
        Label::Map => {
            let object = value.as_object().ok_or(place.expects("an object"))?;
            let depth = deeper(depth)?;
            object.members().try_for_each(|member| {
                wire::write_tag(out, number, wire::DELIMITED);
                wire::write_delimited(out, |out| {
                    scalar::string(out, 1, &member.name);
                    one(out, place, 2, Presence::Explicit, member.value, depth)
                })
            })
        }
    }
}

/// Whether a field with the default value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Implicit,
    Explicit,
}

/// Writes one value of a field's type, under a number.
fn one(
    out: &mut Vec<u8>,
    place: Place,
    number: u32,
    presence: Presence,
    value: Value<'_>,
    depth: usize,
) -> Result<(), ProtoError> {
    let start = out.len();
    let is_default = match place.field.kind {
        Kind::Bool => scalar::boolean(out, place, number, value)?,
        Kind::Int32 => scalar::int32(out, place, number, value)?,
        Kind::Enum(names) => scalar::enumeration(out, place, number, names, value)?,
        Kind::String => scalar::text(out, place, number, value)?,
        Kind::Bytes => scalar::base64(out, place, number, value)?,
        kind => {
            wire::write_tag(out, number, wire::DELIMITED);
            wire::write_delimited(out, |out| nested(out, place, kind, value, depth))?;
            false
        }
    };
    if is_default && presence == Presence::Implicit {
        out.truncate(start);
    }
    Ok(())
}

/// Writes what is a message in protobuf, without its length.
fn nested(
    out: &mut Vec<u8>,
    place: Place,
    kind: Kind,
    value: Value<'_>,
    depth: usize,
) -> Result<(), ProtoError> {
    match kind {
        Kind::Message(schema) => message(out, schema, value, depth),
        Kind::Struct => any::structure(out, place, value, depth),
        Kind::Timestamp => {
            let text = value.as_str();
            let parsed = text.as_deref().and_then(time::parse_timestamp);
            time::write(out, parsed.ok_or(place.expects("a time as RFC 3339 writes it"))?);
            Ok(())
        }
        Kind::Duration => {
            let text = value.as_str();
            let parsed = text.as_deref().and_then(time::parse_duration);
            time::write(out, parsed.ok_or(place.expects("seconds, as in \"1.5s\""))?);
            Ok(())
        }
        // Scalars do not come here.
        Kind::Value | Kind::Bool | Kind::Int32 | Kind::Enum(_) | Kind::String | Kind::Bytes => {
            any::value(out, place, value, depth)
        }
    }
}
