//! Which fields are in a message, and what several of one number come to.

use std::{borrow::Cow, collections::HashMap};

use super::{Place, append, scalar};
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

/// The key and the value of a map's entry. What is missing has its type's default.
pub(super) fn entry(place: Place, entry: &[u8]) -> Result<(&str, Merged<'_>), ProtoError> {
    let (mut key, mut value): (&[u8], _) = (&[], None);
    for field in Fields::of(entry) {
        match field? {
            (1, payload) => key = payload.delimited().ok_or(place.wire_type())?,
            (2, payload) => value = Some(Merged::and(value, place, payload)?),
            _ => {}
        }
    }
    Ok((scalar::text(place, key)?, value.unwrap_or(Merged::default(place))))
}

/// Up to this many entries are compared with each other.
const FEW: usize = 16;

/// Which entries are followed by one with the same key, in their order.
pub(super) fn superseded(entries: &[(&str, Merged<'_>)]) -> Vec<usize> {
    let places = 0..entries.len();
    if entries.len() <= FEW {
        let again = |at: &usize| entries[at + 1..].iter().any(|(key, _)| *key == entries[*at].0);
        return places.filter(again).collect();
    }
    let last: HashMap<_, _> = entries.iter().enumerate().map(|(at, (key, _))| (*key, at)).collect();
    places.filter(|at| last.get(entries[*at].0) != Some(at)).collect()
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

    /// What came before, and one payload more: the last scalar, or all messages together.
    fn and(before: Option<Self>, place: Place, payload: Payload<'a>) -> Result<Self, ProtoError> {
        Ok(match (before, Self::of(place, payload)?) {
            (Some(Self::Bytes(before)), Self::Bytes(more)) if is_message(place.field.kind) => {
                Self::Bytes(append(before, &more))
            }
            (_, last) => last,
        })
    }

    /// What a field is that did not come.
    const fn default(place: Place) -> Self {
        match place.field.kind {
            Kind::Bool | Kind::Int32 | Kind::Enum(_) => Self::Varint(0),
            _ => Self::Bytes(Cow::Borrowed(&[])),
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

/// What several payloads of one field come to. Nothing is the default.
pub(super) fn merge<'a>(
    place: Place,
    payloads: impl Iterator<Item = Payload<'a>>,
) -> Result<Merged<'a>, ProtoError> {
    let mut merged = None;
    for payload in payloads {
        merged = Some(Merged::and(merged, place, payload)?);
    }
    Ok(merged.unwrap_or(Merged::default(place)))
}

const fn is_message(kind: Kind) -> bool {
    matches!(kind, Kind::Message(_) | Kind::Struct | Kind::Value | Kind::Timestamp | Kind::Duration)
}
