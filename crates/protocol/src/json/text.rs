//! JSON strings: reading their escapes and writing them (RFC 8259, section 7).

use std::borrow::Cow;

/// The text of a checked string literal, given without its quotes. `None` if an escape leaves half of a
/// surrogate pair, which no Rust string can hold.
pub(super) fn unescape(inner: &[u8]) -> Option<Cow<'_, str>> {
    let Some(first) = memchr::memchr(b'\\', inner) else {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    };
    let mut out = String::with_capacity(inner.len());
    let (mut plain, mut rest) = inner.split_at(first);
    loop {
        out.push_str(std::str::from_utf8(plain).ok()?);
        if rest.is_empty() {
            return Some(Cow::Owned(out));
        }
        let (character, length) = read_escape(rest)?;
        out.push(character);
        rest = &rest[length..];
        (plain, rest) = rest.split_at(memchr::memchr(b'\\', rest).unwrap_or(rest.len()));
    }
}

/// The character that the escape at the start of `text` stands for, and how many bytes it takes.
fn read_escape(text: &[u8]) -> Option<(char, usize)> {
    let character = match text.get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return read_unicode(text),
        other => char::from(*other),
    };
    Some((character, 2))
}

/// One `\uXXXX`, or two that make a surrogate pair.
fn read_unicode(text: &[u8]) -> Option<(char, usize)> {
    let first = u32::from(hex4(text.get(2..6)?)?);
    if !(0xD800..0xDC00).contains(&first) {
        // A low half alone is not a `char`, so this is `None` for it.
        return Some((char::from_u32(first)?, 6));
    }
    if text.get(6..8)? != b"\\u" {
        return None;
    }
    let second = u32::from(hex4(text.get(8..12)?)?);
    if !(0xDC00..0xE000).contains(&second) {
        return None;
    }
    let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    Some((char::from_u32(code)?, 12))
}

/// Four hexadecimal digits.
pub(super) fn hex4(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, digit| {
        let digit = u16::try_from(char::from(*digit).to_digit(16)?).ok()?;
        Some((value << 4) | digit)
    })
}

/// Writes `text` as a JSON string literal, with its quotes. Only what RFC 8259, section 7, demands is escaped.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..0x20) {
            continue;
        }
        out.extend_from_slice(&bytes[plain..at]);
        plain = at + 1;
        write_escape(out, *byte);
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Writes one byte that must be escaped.
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0C => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 0x0F)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// `text` as a JSON string literal, with its quotes.
pub fn quote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_str(&mut out, text);
    // What was written is UTF-8; were it not, nothing of it would be lost silently.
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
