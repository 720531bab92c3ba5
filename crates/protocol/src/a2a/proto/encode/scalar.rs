//! Scalars of ProtoJSON, with their tags. Each function says whether what it wrote is its type's default.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;

use super::Place;
use crate::{
    a2a::proto::{
        ProtoError,
        schema::Names,
        wire::{self, DELIMITED, VARINT},
    },
    json::{Document, Kind, Value},
};

/// Both alphabets are read, with padding or without, and whatever is in the bits that mean nothing.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Writes a string field.
pub(super) fn string(out: &mut Vec<u8>, number: u32, text: &str) {
    wire::write_tag(out, number, DELIMITED);
    wire::write_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn text(
    out: &mut Vec<u8>,
    place: Place,
    number: u32,
    value: Value<'_>,
) -> Result<bool, ProtoError> {
    let text = value.as_str().ok_or(place.expects("a string"))?;
    string(out, number, &text);
    Ok(text.is_empty())
}

pub(super) fn base64(
    out: &mut Vec<u8>,
    place: Place,
    number: u32,
    value: Value<'_>,
) -> Result<bool, ProtoError> {
    let refused = place.expects("bytes in base64");
    let text = value.as_str().ok_or(refused)?;
    let engine = if text.contains(['-', '_']) { BASE64URL } else { BASE64 };
    wire::write_tag(out, number, DELIMITED);
    let start = out.len();
    wire::write_delimited(out, |out| engine.decode_vec(&*text, out).map_err(|_| refused))?;
    Ok(out[start..] == [0])
}

pub(super) fn boolean(
    out: &mut Vec<u8>,
    place: Place,
    number: u32,
    value: Value<'_>,
) -> Result<bool, ProtoError> {
    let boolean = value.as_bool().ok_or(place.expects("true or false"))?;
    wire::write_tag(out, number, VARINT);
    out.push(u8::from(boolean));
    Ok(!boolean)
}

pub(super) fn int32(
    out: &mut Vec<u8>,
    place: Place,
    number: u32,
    value: Value<'_>,
) -> Result<bool, ProtoError> {
    let integer = match value.kind() {
        Kind::String => value.as_str().and_then(|text| integer_of_text(&text)),
        _ => integer(value),
    };
    let integer = integer.ok_or(place.expects("a 32 bit integer"))?;
    wire::write_tag(out, number, VARINT);
    wire::write_int(out, i64::from(integer));
    Ok(integer == 0)
}

pub(super) fn enumeration(
    out: &mut Vec<u8>,
    place: Place,
    number: u32,
    names: &Names,
    value: Value<'_>,
) -> Result<bool, ProtoError> {
    let known = match value.kind() {
        Kind::String => value.as_str().and_then(|name| names.number(&name)),
        _ => integer(value),
    };
    let known = known.ok_or(place.expects("one of its names or a number"))?;
    wire::write_tag(out, number, VARINT);
    wire::write_int(out, i64::from(known));
    Ok(known == 0)
}

/// A JSON number without a fraction, however it is written: `1.0` and `1e0` are integers too.
fn integer(value: Value<'_>) -> Option<i32> {
    if let Some(integer) = value.as_i64() {
        return i32::try_from(integer).ok();
    }
    // A whole number is displayed without a point, and without an exponent.
    double(value)?.to_string().parse().ok()
}

/// A JSON number inside a string, with nothing around it.
fn integer_of_text(text: &str) -> Option<i32> {
    let document = Document::parse(Bytes::copy_from_slice(text.as_bytes()), 0).ok()?;
    let number = document.root();
    (number.raw().len() == text.len()).then(|| integer(number)).flatten()
}

/// A JSON number as a double, if it is in its range.
pub(super) fn double(value: Value<'_>) -> Option<f64> {
    if value.kind() != Kind::Number {
        return None;
    }
    let number: f64 = std::str::from_utf8(value.raw()).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}
