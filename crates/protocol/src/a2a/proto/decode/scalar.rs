//! Scalars as ProtoJSON writes them.

use std::io::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::Place;
use crate::{
    a2a::proto::{ProtoError, schema::Kind, time, wire},
    json::write_str,
};

/// Bytes as text.
pub(super) fn text(place: Place, bytes: &[u8]) -> Result<&str, ProtoError> {
    std::str::from_utf8(bytes).map_err(|_| ProtoError::Utf8 { message: place.schema.name })
}

/// Writes a truth value, an integer, or an enumeration: by its name, or by its number if it has none.
pub(super) fn varint(out: &mut Vec<u8>, kind: Kind, number: u64) {
    match kind {
        Kind::Bool => out.extend_from_slice(if number == 0 { b"false" } else { b"true" }),
        Kind::Enum(names) => match names.name(wire::int32(number)) {
            Some(name) => write_str(out, name),
            None => display(out, wire::int32(number)),
        },
        _ => display(out, wire::int32(number)),
    }
}

/// Writes what is in bytes and is no container in JSON.
pub(super) fn delimited(out: &mut Vec<u8>, place: Place, bytes: &[u8]) -> Result<(), ProtoError> {
    match place.field.kind {
        Kind::Bytes => {
            out.push(b'"');
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.push(b'"');
        }
        Kind::Timestamp => write_str(out, &time::timestamp(time::read(bytes, "Timestamp")?)?),
        Kind::Duration => write_str(out, &time::duration(time::read(bytes, "Duration")?)?),
        _ => write_str(out, text(place, bytes)?),
    }
    Ok(())
}

/// Writes a double with as few digits as it can be read back from; whole numbers have no point.
pub(super) fn double(out: &mut Vec<u8>, number: f64) -> Result<(), ProtoError> {
    if !number.is_finite() {
        return Err(ProtoError::NotFinite);
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        display(out, number);
    } else {
        display(out, format_args!("{number:e}"));
    }
    Ok(())
}

fn display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to memory does not fail.
    let _ = write!(out, "{value}");
}
