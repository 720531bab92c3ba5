//! Which fields are in a message, and what several of one number come to.

use std::borrow::Cow;

use super::{Place, append};
use crate::a2a::proto::{
    ProtoError, Schema,
    schema::{Kind, Label},
    wire::{self, Fields, Payload},
};

/// The known fields of a message by their places in its table, in the table's order; those of one place in the order in
/// which they came. Of the alternatives of a `oneof` only the one that came last is left; nobody looks into the others.
pub(super) fn fields<'a>(
    schema: &'static Schema,
    bytes: &'a [u8],
) -> Result<Vec<(usize, Payload<'a>)>, ProtoError> {
    let mut found: Vec<(usize, Payload<'a>)> = Vec::new();
    // The alternative that counts so far, and from where on: another one in between takes away what was before.
    let mut chosen = None;
    for field in Fields::of(bytes) {
        let (number, payload) = field?;
        let Some((at, field)) = schema.by_number(number) else { continue };
        if field.label == Label::OneOf && chosen.is_none_or(|(known, _)| known != at) {
            chosen = Some((at, found.len()));
        }
        found.push((at, payload));
    }
    if let Some(chosen) = chosen {
        drop_others(schema, &mut found, chosen);
    }
    if !found.is_sorted_by_key(|(at, _)| *at) {
        found.sort_by_key(|(at, _)| *at);
    }
    Ok(found)
}

/// Drops the alternatives that do not count: other ones, and those of before another one.
fn drop_others(schema: &Schema, found: &mut Vec<(usize, Payload<'_>)>, (chosen, from): (usize, usize)) {
    let is_alternative = |at: usize| schema.fields.get(at).is_some_and(|field| field.label == Label::OneOf);
    let mut place = 0;
    found.retain(|(at, _)| {
        let counts = !is_alternative(*at) || (*at == chosen && place >= from);
        place += 1;
        counts
    });
}

/// What is under one number of a message whose other fields do not matter.
pub(super) fn numbered(bytes: &[u8], number: u32) -> Result<Vec<Payload<'_>>, ProtoError> {
    Fields::of(bytes)
        .filter_map(|field| match field {
            Ok((found, payload)) => (found == number).then_some(Ok(payload)),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// What all that came for a field comes to.
pub(super) enum Merged<'a> {
    Varint(u64),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Merged<'a> {
    /// What one payload is, if it has the wire type of the field.
    pub(super) fn of(place: Place, payload: Payload<'a>) -> Result<Self, ProtoError> {
        match (place.field.kind, payload) {
            (Kind::Bool | Kind::Int32 | Kind::Enum(_), Payload::Varint(number)) => Ok(Self::Varint(number)),
            (Kind::Bool | Kind::Int32 | Kind::Enum(_), _) => Err(place.wire_type()),
            (_, Payload::Delimited(bytes)) => Ok(Self::Bytes(Cow::Borrowed(bytes))),
            (_, _) => Err(place.wire_type()),
        }
    }

    /// Whether it is what a scalar field has when it is not there. Messages have no default.
    pub(super) fn is_default(&self, kind: Kind) -> bool {
        match self {
            Self::Varint(number) => match kind {
                Kind::Bool => *number == 0,
                _ => wire::int32(*number) == 0,
            },
            Self::Bytes(bytes) => !is_message(kind) && bytes.is_empty(),
        }
    }
}

/// What several payloads of one field come to: the last scalar, or all messages together. Nothing is the default.
pub(super) fn merge<'a>(
    place: Place,
    payloads: impl Iterator<Item = Payload<'a>>,
) -> Result<Merged<'a>, ProtoError> {
    let mut merged = None;
    for payload in payloads {
        merged = Some(match (merged, Merged::of(place, payload)?) {
            (Some(Merged::Bytes(before)), Merged::Bytes(more)) if is_message(place.field.kind) => {
                Merged::Bytes(append(before, &more))
            }
            (_, last) => last,
        });
    }
    Ok(merged.unwrap_or(match place.field.kind {
        Kind::Bool | Kind::Int32 | Kind::Enum(_) => Merged::Varint(0),
        _ => Merged::Bytes(Cow::Borrowed(&[])),
    }))
}

const fn is_message(kind: Kind) -> bool {
    matches!(kind, Kind::Message(_) | Kind::Struct | Kind::Value | Kind::Timestamp | Kind::Duration)
}
