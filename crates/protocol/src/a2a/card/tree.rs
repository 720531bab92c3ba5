//! A checked text as a tree, for cards only: small documents off the hot path that are rebuilt rather than relayed.
//!
//! Numbers are read as ECMAScript reads them. What has no one meaning to all readers (an integer beyond 2^53, a number
//! beyond all doubles, half of a surrogate pair) becomes `null` and is reported.

use serde_json::{Map, Number, Value};

use super::finding::Path;
use crate::json::{Kind, Value as View};

/// The largest integer that every reader of JSON takes for itself (RFC 8785 section 3.2.2.3).
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// The tree of a value; `ambiguous` is told where something has no one meaning.
pub(super) fn tree(view: View<'_>, path: &Path<'_>, ambiguous: &mut dyn FnMut(&Path<'_>)) -> Value {
    let whole = match view.kind() {
        Kind::Null => return Value::Null,
        Kind::Bool => view.as_bool().map(Value::Bool),
        Kind::Number => number(view).map(Value::Number),
        Kind::String => view.as_str().map(|text| Value::String(text.into_owned())),
        Kind::Array => view.as_array().map(|array| {
            let elements = array.iter().enumerate();
            Value::Array(
                elements.map(|(index, each)| tree(each, &path.element(index), ambiguous)).collect(),
            )
        }),
        Kind::Object => view.as_object().map(|object| {
            let mut members = Map::new();
            for member in object.members() {
                let value = tree(member.value, &path.member(&member.name), ambiguous);
                members.insert(member.name.into_owned(), value);
            }
            Value::Object(members)
        }),
    };
    whole.unwrap_or_else(|| {
        ambiguous(path);
        Value::Null
    })
}

fn number(view: View<'_>) -> Option<Number> {
    let text = std::str::from_utf8(view.raw()).ok()?;
    if text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        let integer: i64 = text.parse().ok()?;
        return is_safe(integer).then(|| integer.into());
    }
    Number::from_f64(text.parse().ok()?)
}

fn is_safe(integer: i64) -> bool {
    (-MAX_INTEGER..=MAX_INTEGER).contains(&integer)
}

/// Whether a number can be written such that it is read again: as an integer that is safe, or as anything else.
pub(super) fn is_lasting(number: &Number) -> bool {
    match number.as_i64() {
        Some(integer) => is_safe(integer),
        // From 10^21 on numbers are written with an exponent.
        None => number.as_f64().is_some_and(|value| {
            value.fract() != 0.0 || value.abs() >= 1e21 || value.abs() < 9_007_199_254_740_992.0
        }),
    }
}
