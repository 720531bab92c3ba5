//! Protobuf to ProtoJSON, in the order of the fields' numbers.
//!
//! Protobuf may scatter a message: fields come in any order, the last of several scalars counts, several messages under
//! one number are one message, whose bytes are simply all of theirs in a row. So a message's fields are found first and
//! written afterwards.

mod any;
mod found;
mod scalar;

use std::borrow::Cow;

use found::{Merged, merge};

use super::{
    ProtoError, Schema,
    schema::{Field, Kind, Label},
    wire::Payload,
};
use crate::json::write_str;

/// What a decoded text may measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many JSON containers may be inside each other; the outermost is the first.
    pub depth: usize,
    /// How many bytes the protobuf may have, and how many the JSON.
    pub bytes: usize,
}

impl Limits {
    /// For a message of at most `bytes` on the wire. Its JSON may have four times as many: it spells the names out.
    pub const fn of_message(bytes: usize) -> Self {
        Self { depth: super::DEEPEST, bytes: bytes.saturating_mul(4) }
    }
}

/// Turns protobuf into ProtoJSON: camel case names, no field that has its default value unless the field tells that apart,
/// no white space.
///
/// # Errors
/// When the bytes are not the wire format or a field has another wire type than its table says, when text is not UTF-8,
/// when a number or a time has no form in JSON, and when a limit is reached.
pub fn decode(schema: &'static Schema, bytes: &[u8], limits: Limits) -> Result<Vec<u8>, ProtoError> {
    if bytes.len() > limits.bytes {
        return Err(ProtoError::TooLarge { limit: limits.bytes });
    }
    let room = bytes.len().saturating_mul(2).min(limits.bytes);
    let mut decoder = Decoder { out: Vec::with_capacity(room), limits, depth: 0 };
    decoder.message(schema, bytes)?;
    Ok(decoder.out)
}

/// Which field is being read: what complaints name.
#[derive(Clone, Copy)]
struct Place {
    schema: &'static Schema,
    field: &'static Field,
}

impl Place {
    const fn wire_type(self) -> ProtoError {
        ProtoError::WireType { message: self.schema.name, field: self.field.json }
    }
}

struct Decoder {
    out: Vec<u8>,
    limits: Limits,
    /// How many containers are open.
    depth: usize,
}

impl Decoder {
    fn message(&mut self, schema: &'static Schema, bytes: &[u8]) -> Result<(), ProtoError> {
        self.open(b'{')?;
        let found = found::fields(schema, bytes)?;
        for run in found.chunk_by(|one, other| one.0 == other.0) {
            let field = run.first().and_then(|(at, _)| schema.fields.get(*at));
            if let Some(field) = field {
                self.field(Place { schema, field }, run)?;
            }
        }
        self.close(b'}')
    }

    /// Writes a field with all that was found of it.
    fn field(&mut self, place: Place, run: &[(usize, Payload<'_>)]) -> Result<(), ProtoError> {
        let payloads = run.iter().map(|(_, payload)| *payload);
        match place.field.label {
            Label::Repeated => {
                self.name(place.field.json)?;
                self.open(b'[')?;
                for payload in payloads {
                    self.comma()?;
                    self.value(place, Merged::of(place, payload)?)?;
                }
                self.close(b']')
            }
            Label::Map => {
                self.name(place.field.json)?;
                let entries = payloads.map(|payload| payload.delimited().ok_or(place.wire_type()));
                self.map(place, &entries.collect::<Result<Vec<_>, _>>()?)
            }
            label @ (Label::Implicit | Label::Optional | Label::OneOf) => {
                let merged = merge(place, payloads)?;
                if label == Label::Implicit && merged.is_default(place.field.kind) {
                    return Ok(());
                }
                self.name(place.field.json)?;
                self.value(place, merged)
            }
        }
    }

    /// Writes the entries of a map. Of two with one key the later one counts.
    fn map(&mut self, place: Place, entries: &[&[u8]]) -> Result<(), ProtoError> {
        self.open(b'{')?;
        let entries =
            entries.iter().map(|entry| found::entry(place, entry)).collect::<Result<Vec<_>, _>>()?;
        let mut void = found::superseded(&entries).into_iter().peekable();
        for (at, (key, value)) in entries.into_iter().enumerate() {
            if void.next_if_eq(&at).is_some() {
                continue;
            }
            self.comma()?;
            write_str(&mut self.out, key);
            self.out.push(b':');
            self.value(place, value)?;
        }
        self.close(b'}')
    }

    /// Writes what is under a field, of the field's type.
    fn value(&mut self, place: Place, merged: Merged<'_>) -> Result<(), ProtoError> {
        match (place.field.kind, merged) {
            (Kind::Message(schema), Merged::Bytes(bytes)) => self.message(schema, &bytes),
            (Kind::Struct, Merged::Bytes(bytes)) => self.structure(&bytes),
            (Kind::Value, Merged::Bytes(bytes)) => self.any(place, &bytes),
            (_, Merged::Bytes(bytes)) => scalar::delimited(&mut self.out, place, &bytes),
            (_, Merged::Varint(number)) => {
                scalar::varint(&mut self.out, place.field.kind, number);
                Ok(())
            }
        }
    }

    /// Opens a container.
    fn open(&mut self, bracket: u8) -> Result<(), ProtoError> {
        if self.depth >= self.limits.depth {
            return Err(ProtoError::TooDeep { limit: self.limits.depth });
        }
        self.depth += 1;
        self.out.push(bracket);
        Ok(())
    }

    /// Closes a container.
    fn close(&mut self, bracket: u8) -> Result<(), ProtoError> {
        self.depth -= 1;
        self.out.push(bracket);
        self.room()
    }

    /// Separates what follows from what is there already.
    fn comma(&mut self) -> Result<(), ProtoError> {
        // No value ends in an opening bracket.
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
        self.room()
    }

    /// Begins a member with a name of our own, which needs no escapes.
    fn name(&mut self, name: &'static str) -> Result<(), ProtoError> {
        self.comma()?;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        Ok(())
    }

    fn room(&self) -> Result<(), ProtoError> {
        let limit = self.limits.bytes;
        if self.out.len() > limit { Err(ProtoError::TooLarge { limit }) } else { Ok(()) }
    }
}

/// All the bytes of messages under one number, which are those of one message.
fn append<'a>(before: Cow<'a, [u8]>, more: &[u8]) -> Cow<'a, [u8]> {
    let mut all = before.into_owned();
    all.extend_from_slice(more);
    Cow::Owned(all)
}
