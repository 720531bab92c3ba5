//! The JSON reader against `serde_json`, and its views against the text itself.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use doorward_protocol::json::{Array, Document, JsonError, Kind, Object, Value};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::DEPTH;

/// A text is accepted exactly if `serde_json` accepts it, apart from what only Doorward refuses: a name twice in one
/// object, more depth than allowed, half of a surrogate pair in a name. Everything that the views say is in the text.
///
/// # Panics
/// If that does not hold.
pub fn json(data: &[u8]) {
    let theirs = serde_json::from_slice::<&RawValue>(data).ok();
    match Document::parse(Bytes::copy_from_slice(data), DEPTH) {
        Ok(document) => {
            let Some(theirs) = theirs else { panic!("only Doorward accepts this") };
            assert_eq!(document.root().raw(), theirs.get().as_bytes(), "the value lies elsewhere");
            if !has_surrogate(data) {
                assert_eq!(names_are_unique(theirs, 0), Some(true), "a name stands twice, or cannot be read");
            }
            let mut walk = Walk { document: &document, copies: 32 };
            walk.value(document.root());
        }
        Err(JsonError::DuplicateKey { .. }) => {
            let unique = theirs.map(|theirs| names_are_unique(theirs, 0));
            assert_ne!(unique, Some(Some(true)), "no name stands twice");
        }
        Err(JsonError::TooDeep { offset, .. }) => {
            let opened = data[..=offset].iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
            assert!(opened > DEPTH, "only {opened} brackets opened so far");
        }
        Err(JsonError::Syntax { .. }) if has_surrogate(data) => {}
        Err(error) => assert!(theirs.is_none(), "only Doorward refuses this: {error}"),
    }
}

/// Whether an escape could be half of a surrogate pair.
fn has_surrogate(data: &[u8]) -> bool {
    data.windows(3).any(|window| window[..2] == *b"\\u" && window[2].eq_ignore_ascii_case(&b'd'))
}

/// Whether no object in this text has two members of one name, as `serde_json` reads names. `None` if it cannot tell.
fn names_are_unique(text: &RawValue, depth: usize) -> Option<bool> {
    if depth > DEPTH {
        return None;
    }
    let parts: Vec<&RawValue> = match text.get().as_bytes().first()? {
        b'[' => serde_json::from_str(text.get()).ok()?,
        b'{' => {
            let members = members(text)?;
            let names: BTreeSet<&String> = members.iter().map(|(name, _)| name).collect();
            if names.len() < members.len() {
                return Some(false);
            }
            members.into_iter().map(|(_, value)| value).collect()
        }
        _ => return Some(true),
    };
    for part in parts {
        match names_are_unique(part, depth + 1) {
            Some(true) => {}
            other => return other,
        }
    }
    Some(true)
}

/// The members of an object as `serde_json` reads them, those of one name included.
pub(super) fn members(text: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    serde_json::Deserializer::from_str(text.get()).deserialize_map(Members).ok()
}

/// A walk over every value of a document.
struct Walk<'d> {
    document: &'d Document,
    /// How many more values are made documents of their own; each costs a walk.
    copies: usize,
}

impl<'d> Walk<'d> {
    fn value(&mut self, value: Value<'d>) {
        assert_eq!(value.raw(), &self.document.bytes()[value.span()], "raw bytes are those of the span");
        match value.kind() {
            Kind::Object => value.as_object().into_iter().for_each(|object| self.object(object)),
            Kind::Array => value.as_array().into_iter().for_each(|array| self.array(array)),
            _ => scalar(value),
        }
        if self.copies > 0 && matches!(value.kind(), Kind::Object | Kind::Array) {
            self.copies -= 1;
            same_alone(value, self.document);
        }
    }

    fn object(&mut self, object: Object<'d>) {
        let spans = object.members().map(|member| member.span);
        self.covers(object.value(), spans, object.is_empty());
        for member in object.members() {
            let found = object.get(&member.name).map(Value::span);
            assert_eq!(found, Some(member.value.span()), "a member is found by its name");
            let written = &self.document.bytes()[member.span.start..member.value.span().start];
            let name = written.iter().rposition(|byte| *byte == b'"').map(|quote| &written[..=quote]);
            let theirs = name.and_then(|name| serde_json::from_slice::<String>(name).ok());
            assert_eq!(theirs.as_deref(), Some(&*member.name), "the name is unescaped");
            self.value(member.value);
        }
    }

    fn array(&mut self, array: Array<'d>) {
        self.covers(array.value(), array.iter().map(Value::span), array.is_empty());
        array.iter().for_each(|element| self.value(element));
    }

    /// Between the items there is white space and one comma, at the ends white space only.
    fn covers(&self, container: Value<'d>, items: impl Iterator<Item = std::ops::Range<usize>>, empty: bool) {
        let text = self.document.bytes();
        let (mut at, mut count) = (container.span().start + 1, 0);
        for item in items {
            let commas = commas_in(&text[at..item.start]);
            assert_eq!(commas, Some(usize::from(count > 0)), "between items");
            (at, count) = (item.end, count + 1);
        }
        assert_eq!(commas_in(&text[at..container.span().end - 1]), Some(0), "after the last item");
        assert_eq!(empty, count == 0);
    }
}

/// How many commas there are in what must be white space otherwise.
fn commas_in(gap: &[u8]) -> Option<usize> {
    let rest: Vec<u8> =
        gap.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).collect();
    rest.iter().all(|byte| *byte == b',').then_some(rest.len())
}

fn scalar(value: Value<'_>) {
    match value.kind() {
        Kind::String => {
            let theirs = serde_json::from_slice::<String>(value.raw()).ok();
            assert_eq!(value.as_str().as_deref(), theirs.as_deref(), "a string's text");
        }
        Kind::Number => {
            // `-0` is an integer for one of the two and a float for the other.
            let theirs = serde_json::from_slice::<i64>(value.raw()).ok();
            assert!(value.as_i64() == theirs || value.raw() == b"-0", "a number's value");
        }
        Kind::Bool => assert_eq!(value.as_bool(), Some(value.raw() == b"true")),
        Kind::Null => assert!(value.is_null() && value.raw() == b"null"),
        Kind::Object | Kind::Array => unreachable!("a container is no scalar"),
    }
}

/// A value says the same when it is a document of its own, and when it is read anew.
fn same_alone(value: Value<'_>, source: &Document) {
    let alone = value.to_document(source);
    assert_eq!(alone.root().raw(), value.raw());
    let Ok(anew) = Document::parse(Bytes::copy_from_slice(value.raw()), DEPTH) else {
        panic!("a part of a document is one")
    };
    let parts = items(value);
    assert_eq!(items(alone.root()), parts);
    assert_eq!(items(anew.root()), parts);
}

/// The raw items of a container.
pub(super) fn items(container: Value<'_>) -> Vec<&[u8]> {
    let members = container.as_object().into_iter().flat_map(Object::members).map(|member| member.value);
    let elements = container.as_array().into_iter().flat_map(Array::iter);
    members.chain(elements).map(Value::raw).collect()
}
