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
            Value::Array(elements.map(|(index, each)| tree(each, &path.element(index), ambiguous)).collect())
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

/// An integer however it is written, so that what is the same is equal; else a double.
fn number(view: View<'_>) -> Option<Number> {
    let text = std::str::from_utf8(view.raw()).ok()?;
    if text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        let integer: i64 = text.parse().ok()?;
        return is_safe(integer).then(|| integer.into());
    }
    let double: f64 = text.parse().ok()?;
    let integer = (double.fract() == 0.0).then(|| format!("{double:.0}").parse().ok()).flatten();
    integer.filter(|integer| is_safe(*integer)).map(Number::from).or_else(|| Number::from_f64(double))
}

fn is_safe(integer: i64) -> bool {
    (-MAX_INTEGER..=MAX_INTEGER).contains(&integer)
}

/// Whether a number of a tree is still the same when its canonical text is read: from 10^21 on integers are written with
/// an exponent, below as integers, which are refused beyond 2^53.
pub(super) fn is_lasting(number: &Number) -> bool {
    let double = number.as_f64().filter(|_| number.as_i64().is_none());
    double.is_none_or(|double| double.fract() != 0.0 || double.abs() >= 1e21)
}
