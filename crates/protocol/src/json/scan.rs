//! Walking over text that is already checked: where a value or a string ends. Nothing is validated again, so
//! none of this may be used on bytes that did not pass [`super::check`].

use std::ops::Range;

/// A checked text with what is known of its containers.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Start and end of long containers, counted from `base`, in the order of their starts.
    pub(super) containers: &'a [(u32, u32)],
    /// Where the text begins in the one that was checked.
    pub(super) base: usize,
}

impl Text<'_> {
    /// The end of a container, if it is one of those that are noted.
    fn noted_end(self, start: usize) -> Option<usize> {
        let start = u32::try_from(start + self.base).ok()?;
        let found = self.containers.binary_search_by_key(&start, |(start, _)| *start).ok()?;
        let (_, end) = self.containers.get(found)?;
        usize::try_from(*end).ok().map(|end| end - self.base)
    }
}

/// Whether a byte is one of the four white space characters of RFC 8259, section 2.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first position at or after `at` that is not white space, or the end of the text.
pub(super) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

/// The position after the string whose opening quote stands at `open`.
pub(super) fn skip_string(text: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(rest) = text.get(at..) {
        at += plain(rest);
        match text.get(at) {
            Some(b'\\') => at += 2,
            Some(_) => return at + 1,
            None => break,
        }
    }
    text.len()
}

/// How many bytes at the start of `text` stand for themselves in a string: up to a quote, a backslash or a
/// control character. This one is for text that is not checked, too.
pub(super) fn plain(text: &[u8]) -> usize {
    /// Most strings are over before a vector search has begun; so many bytes are looked at eight at a time.
    const SHORT: usize = 64;
    let (words, _) = text[..text.len().min(SHORT)].as_chunks();
    for (number, word) in words.iter().enumerate() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return number * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let done = words.len() * 8;
    let rest = &text[done..];
    let run = &rest[..memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
    // Without an early exit this is a vector loop; the position is looked for only when there is one.
    if run.iter().copied().fold(u8::MAX, u8::min) >= 0x20 {
        return done + run.len();
    }
    done + run.iter().position(|byte| *byte < 0x20).unwrap_or(run.len())
}

/// Marks the bytes of a word that are a quote, a backslash or a control character with their highest bit. The
/// lowest mark is exact; above it there may be false ones, from borrowing.
const fn special(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let zero_quote = quote.wrapping_sub(EACH) & !quote;
    let zero_backslash = backslash.wrapping_sub(EACH) & !backslash;
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    (zero_quote | zero_backslash | control) & (EACH * 0x80)
}

/// The position after the value that begins at `start`.
pub(super) fn skip_value(text: Text<'_>, start: usize) -> usize {
    match text.bytes.get(start) {
        Some(b'{' | b'[') => text.noted_end(start).unwrap_or_else(|| skip_container(text.bytes, start)),
        Some(b'"') => skip_string(text.bytes, start),
        _ => skip_scalar(text.bytes, start),
    }
}

/// The position after a number, `true`, `false` or `null`.
fn skip_scalar(text: &[u8], start: usize) -> usize {
    let ends = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b']' | b'}');
    text[start..].iter().position(ends).map_or(text.len(), |length| start + length)
}

/// The position after the object or array that begins at `start`.
fn skip_container(text: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = skip_string(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Where the items of a container begin: after its bracket and white space.
fn first_item(text: &[u8], container: &Range<usize>) -> usize {
    skip_space(text, container.start + 1)
}

/// The start of the item after one that ends at `end`, or the closing bracket.
fn next_item(text: &[u8], end: usize) -> usize {
    let at = skip_space(text, end);
    if text.get(at) == Some(&b',') { skip_space(text, at + 1) } else { at }
}

/// Steps through the members of an object: the spans of name (with quotes) and value.
#[derive(Clone)]
pub(super) struct Members<'a> {
    text: Text<'a>,
    at: usize,
    last: usize,
}

impl<'a> Members<'a> {
    /// The members of the object that fills `container`.
    pub(super) fn new(text: Text<'a>, container: &Range<usize>) -> Self {
        Self { text, at: first_item(text.bytes, container), last: container.end - 1 }
    }
}

impl Iterator for Members<'_> {
    type Item = (Range<usize>, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.last {
            return None;
        }
        let name = self.at..skip_string(self.text.bytes, self.at);
        let colon = skip_space(self.text.bytes, name.end);
        let start = skip_space(self.text.bytes, colon + 1);
        let value = start..skip_value(self.text, start);
        self.at = next_item(self.text.bytes, value.end);
        Some((name, value))
    }
}

/// Steps through the elements of an array: their spans.
#[derive(Clone)]
pub(super) struct Elements<'a> {
    text: Text<'a>,
    at: usize,
    last: usize,
}

impl<'a> Elements<'a> {
    /// The elements of the array that fills `container`.
    pub(super) fn new(text: Text<'a>, container: &Range<usize>) -> Self {
        Self { text, at: first_item(text.bytes, container), last: container.end - 1 }
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.last {
            return None;
        }
        let value = self.at..skip_value(self.text, self.at);
        self.at = next_item(self.text.bytes, value.end);
        Some(value)
    }
}
