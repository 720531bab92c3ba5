//! The canonical text of a JSON value (RFC 8785).

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use crate::json::write_str;

/// The canonical text. The value is no deeper than its reader allowed.
pub(super) fn text(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

/// The canonical text of an object.
pub(super) fn object_text(members: &Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::new();
    write_object(&mut out, members);
    out
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(number_text(number).as_bytes()),
        Value::String(text) => write_str(out, text),
        Value::Array(elements) => write_list(out, *b"[]", elements, write),
        Value::Object(members) => write_object(out, members),
    }
}

fn write_object(out: &mut Vec<u8>, members: &Map<String, Value>) {
    let mut sorted: Vec<_> = members.iter().collect();
    // By UTF-16 code units, which is not the order of code points (section 3.2.3).
    sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
    write_list(out, *b"{}", sorted, |out, (name, value)| {
        write_str(out, name);
        out.push(b':');
        write(out, value);
    });
}

fn write_list<T>(
    out: &mut Vec<u8>,
    brackets: [u8; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(brackets[0]);
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(brackets[1]);
}

/// A number as ECMAScript's `Number::toString` writes it (ECMA-262 section 6.1.6.1.20).
fn number_text(number: &Number) -> String {
    if let Some(integer) = number.as_i64() {
        return integer.to_string();
    }
    // Finite: a `Number` without arbitrary precision is never anything else.
    let value = number.as_f64().unwrap_or_default();
    if value == 0.0 {
        // Minus zero, too.
        return "0".to_owned();
    }
    let (digits, exponent) = shortest_digits(&number.to_string());
    let mut out = if value < 0.0 { "-".to_owned() } else { String::new() };
    place_point(&mut out, &digits, exponent);
    out
}

/// The digits of a number, and the power of ten of the first one.
///
/// `serde_json` finds the shortest digits that lead back to the number and, of those, the ones that ECMAScript picks: where
/// two are as close, the even one. The standard library picks the other.
fn shortest_digits(written: &str) -> (String, i32) {
    let written = written.trim_start_matches('-');
    let (mantissa, exponent) = written.split_once('e').unwrap_or((written, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let first = whole.len() + digits.len();
    let exponent = exponent.parse::<i32>().unwrap_or_default();
    let place = i32::try_from(first).unwrap_or_default() - i32::try_from(all.len()).unwrap_or_default() - 1;
    (digits.trim_end_matches('0').to_owned(), exponent + place)
}

/// Writes `digits`, of which the first has the power of ten `exponent`.
fn place_point(out: &mut String, digits: &str, exponent: i32) {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    // Writing to a `String` does not fail.
    let _ = match exponent {
        0..21 if count <= exponent + 1 => write!(out, "{digits}{}", zeros(exponent + 1 - count)),
        0..21 => {
            let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or_default());
            write!(out, "{whole}.{fraction}")
        }
        -6..0 => write!(out, "0.{}{digits}", zeros(-exponent - 1)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            write!(out, "{first}{point}{rest}e{exponent:+}")
        }
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(value: f64) -> String {
        number_text(&Number::from_f64(value).unwrap())
    }

    /// RFC 8785 appendix B.
    #[test]
    fn the_numbers_of_the_standard() {
        for (bits, text) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"),
            (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(of(f64::from_bits(bits)), text, "{bits:x}");
        }
    }

    /// RFC 8785 sections 3.2.2 and 3.2.3.
    #[test]
    fn the_examples_of_the_standard() {
        let value = json!({
            "numbers": [f64::from_bits(0x41b3_de43_5555_5555), 1E30, 4.50, 2e-3, 0.000_000_000_000_000_000_000_000_001],
            "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/",
            "literals": [null, true, false]
        });
        let expected = concat!(
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
            r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        assert_eq!(String::from_utf8(text(&value)).unwrap(), expected);
        let names = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "o with diaeresis"
        });
        let written = String::from_utf8(text(&names)).unwrap();
        let order = ["Carriage", "One", "Control", "diaeresis", "Euro", "Grinning", "Hebrew"];
        let places: Vec<_> = order.iter().map(|word| written.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{written}");
        assert_eq!(text(&json!("\u{8}\u{9}\u{c}\u{1f}\u{7f}")), b"\"\\b\\t\\f\\u001f\x7f\"");
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
            let written = of(value);
            // Minus zero has no text of its own.
            let value = if value == 0.0 { 0.0 } else { value };
            prop_assert_eq!(written.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
