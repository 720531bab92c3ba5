//! `google.protobuf.Struct`, `Value` and `ListValue` as the JSON that they stand for.

use std::borrow::Cow;

use super::{Decoder, Place, append, scalar};
use crate::{
    a2a::proto::{
        ProtoError, Schema,
        schema::{Field, VALUE, field},
        wire::{Fields, Payload},
    },
    json::write_str,
};

/// What holds the entries of a struct, whatever field the struct is in.
static STRUCT: Schema = Schema::new("Struct", &[FIELDS]);
const FIELDS: Field = field(1, "fields", "fields", VALUE).map();

/// What a `Value` is, by the last of its alternatives.
enum Any<'a> {
    Null,
    Number(f64),
    Text(&'a [u8]),
    Bool(bool),
    Struct(Cow<'a, [u8]>),
    List(Cow<'a, [u8]>),
}

impl<'a> Any<'a> {
    /// The alternative of that number, on top of what was there before. `None` if the wire type is another one.
    fn and(self, number: u32, payload: Payload<'a>) -> Option<Self> {
        Some(match (number, self) {
            (1, _) => payload.varint().map(|_| Self::Null)?,
            (2, _) => Self::Number(payload.double()?),
            (3, _) => Self::Text(payload.delimited()?),
            (4, _) => Self::Bool(payload.varint()? != 0),
            (5, Self::Struct(before)) => Self::Struct(append(before, payload.delimited()?)),
            (5, _) => Self::Struct(Cow::Borrowed(payload.delimited()?)),
            (6, Self::List(before)) => Self::List(append(before, payload.delimited()?)),
            (6, _) => Self::List(Cow::Borrowed(payload.delimited()?)),
            (_, before) => before,
        })
    }
}

impl Decoder {
    /// Writes a `Value`; one that is nothing is null.
    pub(super) fn any(&mut self, place: Place, bytes: &[u8]) -> Result<(), ProtoError> {
        let mut any = Any::Null;
        for field in Fields::of(bytes) {
            let (number, payload) = field?;
            any = any.and(number, payload).ok_or(place.wire_type())?;
        }
        match any {
            Any::Null => self.out.extend_from_slice(b"null"),
            Any::Number(number) => scalar::double(&mut self.out, number)?,
            Any::Text(text) => write_str(&mut self.out, scalar::text(place, text)?),
            Any::Bool(value) => self.out.extend_from_slice(if value { b"true" } else { b"false" }),
            Any::Struct(bytes) => self.structure(&bytes)?,
            Any::List(bytes) => self.list(place, &bytes)?,
        }
        Ok(())
    }

    /// Writes a `Struct`.
    pub(super) fn structure(&mut self, bytes: &[u8]) -> Result<(), ProtoError> {
        let place = Place { schema: &STRUCT, field: &FIELDS };
        self.map(place, &delimited(place, bytes)?)
    }

    fn list(&mut self, place: Place, bytes: &[u8]) -> Result<(), ProtoError> {
        self.open(b'[')?;
        for element in delimited(place, bytes)? {
            self.comma()?;
            self.any(place, element)?;
        }
        self.close(b']')
    }
}

/// What is under number 1, which is where both containers keep what they hold.
fn delimited(place: Place, bytes: &[u8]) -> Result<Vec<&[u8]>, ProtoError> {
    let mut held = Vec::new();
    for field in Fields::of(bytes) {
        if let (1, payload) = field? {
            held.push(payload.delimited().ok_or(place.wire_type())?);
        }
    }
    Ok(held)
}
