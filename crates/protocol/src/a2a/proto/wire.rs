//! Protobuf's wire format: tags, varints, and what lies between (<https://protobuf.dev/programming-guides/encoding/>).

use super::ProtoError;

/// The wire type of varints.
pub(crate) const VARINT: u8 = 0;
/// The wire type of eight bytes.
pub(crate) const FIXED64: u8 = 1;
/// The wire type of bytes with their length before them.
pub(crate) const DELIMITED: u8 = 2;
/// The wire type of four bytes.
const FIXED32: u8 = 5;

/// What a field of a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Delimited(&'a [u8]),
    /// Nothing of ours has four bytes.
    Fixed32,
}

impl<'a> Payload<'a> {
    pub(crate) fn varint(self) -> Option<u64> {
        if let Self::Varint(number) = self { Some(number) } else { None }
    }

    pub(crate) fn delimited(self) -> Option<&'a [u8]> {
        if let Self::Delimited(bytes) = self { Some(bytes) } else { None }
    }

    pub(crate) fn double(self) -> Option<f64> {
        if let Self::Fixed64(bits) = self { Some(f64::from_bits(bits)) } else { None }
    }
}

/// The fields of a message, in the order in which they were written. Ends after the first error.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<(u32, Payload<'a>), ProtoError> {
        let tag = u32::try_from(self.varint()?).map_err(|_| ProtoError::Tag)?;
        let (number, wire_type) = (tag >> 3, (tag & 7).to_le_bytes()[0]);
        if number == 0 {
            return Err(ProtoError::Tag);
        }
        let payload = match wire_type {
            VARINT => Payload::Varint(self.varint()?),
            FIXED64 => Payload::Fixed64(u64::from_le_bytes(self.array()?)),
            DELIMITED => {
                let length = usize::try_from(self.varint()?).map_err(|_| ProtoError::Truncated)?;
                Payload::Delimited(self.take(length)?)
            }
            FIXED32 => self.array::<4>().map(|_| Payload::Fixed32)?,
            // Groups, which proto3 does not have.
            _ => return Err(ProtoError::Tag),
        };
        Ok((number, payload))
    }

    fn varint(&mut self) -> Result<u64, ProtoError> {
        let mut number = 0;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte has room for one bit.
            if at == 9 && *byte > 1 {
                return Err(ProtoError::Varint);
            }
            number |= u64::from(byte & 0x7F) << (7 * at);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(number);
            }
        }
        Err(ProtoError::Truncated)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ProtoError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ProtoError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtoError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ProtoError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Payload<'a>), ProtoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// What `int32` and enumerations carry: the lower half, whatever is above it.
pub(crate) fn int32(varint: u64) -> i32 {
    let [a, b, c, d, ..] = varint.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// Writes a varint.
pub(crate) fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Writes a length.
pub(crate) fn write_len(out: &mut Vec<u8>, length: usize) {
    // No platform has lengths of more than 64 bits.
    write_varint(out, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Writes a tag.
pub(crate) fn write_tag(out: &mut Vec<u8>, number: u32, wire_type: u8) {
    write_varint(out, u64::from(number) << 3 | u64::from(wire_type));
}

/// Writes an `int32`, an `int64` or an enumeration: negative ones take ten bytes.
pub(crate) fn write_int(out: &mut Vec<u8>, number: i64) {
    write_varint(out, u64::from_le_bytes(number.to_le_bytes()));
}

/// Writes what `write` writes with its length before it. Room for a short length is left; what turns out to be longer than
/// 127 bytes is moved.
pub(crate) fn write_delimited(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), ProtoError>,
) -> Result<(), ProtoError> {
    let at = out.len();
    out.push(0);
    write(out)?;
    let length = out.len() - at - 1;
    if let Ok(short @ 0..0x80) = u8::try_from(length) {
        out[at] = short;
        return Ok(());
    }
    // The length is written behind, and exchanged with what it stands for.
    write_len(out, length);
    out.remove(at);
    out[at..].rotate_left(length);
    Ok(())
}
