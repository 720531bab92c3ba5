//! One text at the top of a message of which only the beginning may be there. Nothing else of it is decoded, and nothing
//! allocated: for whoever has to know a little of a message before it is known whether the rest may be read.

use super::{ProtoError, schema::Schema, wire::Fields};

/// The first value of a message's own field `name`, which is a string. `None` where the fields end without it.
///
/// # Errors
/// [`ProtoError::Truncated`] where the beginning ends within a field before it is found: more is needed. The others as
/// for [`super::decode()`].
pub fn peek<'m>(schema: &Schema, name: &str, beginning: &'m [u8]) -> Result<Option<&'m str>, ProtoError> {
    let Some((_, field)) = schema.by_name(name) else { return Ok(None) };
    for read in Fields::of(beginning) {
        let (number, payload) = read?;
        if number == field.number {
            let wire_type = ProtoError::WireType { message: schema.name, field: field.json };
            let text = payload.delimited().ok_or(wire_type)?;
            return str::from_utf8(text).map(Some).map_err(|_| ProtoError::Utf8 { message: schema.name });
        }
    }
    Ok(None)
}
