//! A checked text and views of the values in it. Views are two offsets; looking something up walks over the
//! text between them and allocates only to unescape.

use std::{borrow::Cow, fmt, ops::Range};

use bytes::Bytes;

use super::{
    JsonError, check,
    index::Index,
    scan::{Elements, Members, Text},
    text::unescape,
};

/// A text that passed every check. Cloning it copies nothing.
#[derive(Clone)]
pub struct Document {
    bytes: Bytes,
    /// Where the value lies, without the white space around it.
    start: usize,
    end: usize,
    index: Index,
    /// Where the text begins in the one that was checked.
    base: usize,
}

impl Document {
    /// Checks a whole text: RFC 8259 to the letter (no byte order mark, nothing behind the value), UTF-8, no
    /// more than `max_depth` containers inside each other (the root container is the first), and no object with
    /// two members of one name. Halves of surrogate pairs, written as escapes, are accepted in values and
    /// refused in names, where they could not be compared.
    pub fn parse(bytes: Bytes, max_depth: usize) -> Result<Self, JsonError> {
        let (Range { start, end }, index) = check::check(&bytes, max_depth)?;
        Ok(Self { bytes, start, end, index, base: 0 })
    }

    /// Reads a text that was written here, or checked before: it may be nested as deeply as anything that is let in.
    pub fn reread(bytes: Bytes) -> Result<Self, JsonError> {
        Self::parse(bytes, usize::from(u8::MAX))
    }

    /// The text as it came, with any white space around the value.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The value that the text consists of.
    pub fn root(&self) -> Value<'_> {
        let text = Text { bytes: &self.bytes, containers: self.index.containers(), base: self.base };
        Value { text, start: self.start, end: self.end }
    }
}

impl fmt::Debug for Document {
    /// Never the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// What a [`Value`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number of any form.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// A value inside a document.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    text: Text<'a>,
    start: usize,
    end: usize,
}

impl<'a> Value<'a> {
    /// The bytes of the value, exactly as written.
    pub fn raw(self) -> &'a [u8] {
        &self.text.bytes[self.start..self.end]
    }

    /// Where the value lies in its document, in bytes.
    pub fn span(self) -> Range<usize> {
        self.start..self.end
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        match self.text.bytes[self.start] {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The value as an object, if it is one.
    pub fn as_object(self) -> Option<Object<'a>> {
        (self.kind() == Kind::Object).then_some(Object(self))
    }

    /// The value as an array, if it is one.
    pub fn as_array(self) -> Option<Array<'a>> {
        (self.kind() == Kind::Array).then_some(Array(self))
    }

    /// The text of a string, unescaped. `None` for anything else, and for a string with half of a surrogate
    /// pair in it, which has no text.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        unescape(&self.text.bytes[self.start + 1..self.end - 1])
    }

    /// A number that is written as an integer and fits. `1.0` and `1e0` are not.
    pub fn as_i64(self) -> Option<i64> {
        if self.kind() != Kind::Number {
            return None;
        }
        std::str::from_utf8(self.raw()).ok()?.parse().ok()
    }

    /// `true` or `false`.
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.text.bytes[self.start] == b't')
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value as a document of its own, which shares the bytes of `source` and is not checked again.
    ///
    /// # Panics
    /// If the value is not one of `source`.
    pub fn to_document(self, source: &Document) -> Document {
        self.assert_in(source);
        let bytes = source.bytes.slice(self.span());
        Document {
            start: 0,
            end: bytes.len(),
            bytes,
            index: source.index.clone(),
            base: source.base + self.start,
        }
    }

    /// Offsets mean something in one document only.
    pub(super) fn assert_in(self, document: &Document) {
        assert!(std::ptr::eq(self.text.bytes, &raw const document.bytes[..]), "a value of another document");
    }

    pub(super) fn at(self, span: Range<usize>) -> Self {
        Self { start: span.start, end: span.end, ..self }
    }

    pub(super) fn text(self) -> Text<'a> {
        self.text
    }
}

impl fmt::Debug for Value<'_> {
    /// Never the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value")
            .field("kind", &self.kind())
            .field("span", &self.span())
            .finish_non_exhaustive()
    }
}

/// A value that is an object.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a>(Value<'a>);

impl<'a> Object<'a> {
    /// The object as a value.
    pub fn value(self) -> Value<'a> {
        self.0
    }

    /// The members, in the order in which they are written.
    pub fn members(self) -> impl Iterator<Item = Member<'a>> + Clone {
        let container = self.0;
        Members::new(container.text, &container.span()).map(move |(name, value)| Member {
            // A name that cannot be unescaped was refused by the check.
            name: unescape(&container.text.bytes[name.start + 1..name.end - 1]).unwrap_or_default(),
            span: name.start..value.end,
            value: container.at(value),
        })
    }

    /// The value of the member with exactly this name.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        let container = self.0;
        Members::new(container.text, &container.span())
            .find(|(span, _)| same_name(&container.text.bytes[span.start + 1..span.end - 1], name))
            .map(|(_, value)| container.at(value))
    }

    /// The values of the members with exactly these names, found in one walk that ends with the last of them. Of
    /// equal names only the first is found.
    pub fn pick<const N: usize>(self, names: [&str; N]) -> [Option<Value<'a>>; N] {
        let container = self.0;
        let mut found = [None; N];
        let mut missing = N;
        let mut members = Members::new(container.text, &container.span());
        while missing > 0
            && let Some((span, value)) = members.next()
        {
            let written = &container.text.bytes[span.start + 1..span.end - 1];
            if let Some(at) = names.iter().position(|name| same_name(written, name)) {
                found[at] = Some(container.at(value));
                missing -= 1;
            }
        }
        found
    }

    /// Whether there is a member that lenient readers would take for `name`: not the same name, but equal to
    /// it when case is ignored. Counts ASCII case and the two other letters that fold to ASCII (`ſ` to `s`, the
    /// Kelvin sign to `k`), which is what Go's `encoding/json` accepts.
    pub fn has_case_variant(self, name: &str) -> bool {
        let container = self.0;
        Members::new(container.text, &container.span())
            .any(|(span, _)| is_case_variant(&container.text.bytes[span.start + 1..span.end - 1], name))
    }

    /// Whether it has no members.
    pub fn is_empty(self) -> bool {
        Members::new(self.0.text, &self.0.span()).next().is_none()
    }
}

/// Whether a name between its quotes, as written, says `name`.
fn same_name(inner: &[u8], name: &str) -> bool {
    if inner == name.as_bytes() {
        // A name with a backslash in it is never written with a single one.
        return !name.contains('\\');
    }
    // An escape is longer than what it stands for.
    inner.len() > name.len()
        && memchr::memchr(b'\\', inner).is_some()
        && unescape(inner).is_some_and(|written| written == name)
}

/// Whether a name between its quotes differs from `name`, but in nothing except case.
fn is_case_variant(inner: &[u8], name: &str) -> bool {
    unescape(inner).is_some_and(|written| differs_only_in_case(&written, name))
}

/// Whether `written` differs from `name`, but in nothing except case: a reader that ignores case, as Go's
/// does, takes one for the other.
pub fn differs_only_in_case(written: &str, name: &str) -> bool {
    // Most names differ in their first letter: nothing else of them is looked at.
    if let (Some(first), Some(other)) = (written.bytes().next(), name.bytes().next())
        && first.is_ascii()
        && other.is_ascii()
        && !first.eq_ignore_ascii_case(&other)
    {
        return false;
    }
    if written.is_ascii() && name.is_ascii() {
        return written.eq_ignore_ascii_case(name) && written != name;
    }
    written.chars().map(fold).eq(name.chars().map(fold)) && written != name
}

/// The lower case letter that stands for all cases of an ASCII letter; anything else as it is.
fn fold(character: char) -> char {
    match character {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

/// One member of an object.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// The name, unescaped.
    pub name: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
    /// Where the member lies in the document, from the name's opening quote to the value's end, in bytes.
    pub span: Range<usize>,
}

/// A value that is an array.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a>(Value<'a>);

impl<'a> Array<'a> {
    /// The array as a value.
    pub fn value(self) -> Value<'a> {
        self.0
    }

    /// The elements.
    pub fn iter(self) -> impl Iterator<Item = Value<'a>> + Clone {
        let container = self.0;
        Elements::new(container.text, &container.span()).map(move |span| container.at(span))
    }

    /// Whether it has no elements.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}
