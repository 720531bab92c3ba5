//! A lossless JSON reader: checks a text once, then answers questions about the bytes themselves.
//!
//! Nothing is converted on the way through: numbers, order, white space and unknown members stay as they were
//! written. Changes are spliced into the original bytes ([`Splice`]). It deliberately builds no tree and has no
//! typed model; that is what `serde_json` is for, off the hot path.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;

/// Why a text is not accepted as JSON. Offsets are bytes from the start; the content is never echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text departs from RFC 8259, or a member name holds half of a surrogate pair.
    #[error("not valid JSON at byte {offset}")]
    Syntax {
        /// Where.
        offset: usize,
    },
    /// The text is not UTF-8 (RFC 8259, section 8.1).
    #[error("not valid UTF-8 at byte {offset}")]
    Utf8 {
        /// Where.
        offset: usize,
    },
    /// Containers are nested deeper than allowed.
    #[error("nested deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// Where the first container too many opens.
        offset: usize,
        /// The deepest level allowed; the root container is level 1.
        limit: usize,
    },
    /// An object has two members of the same name.
    #[error("duplicate member name at byte {offset}")]
    DuplicateKey {
        /// Where the name appears again.
        offset: usize,
    },
    /// Something follows the value.
    #[error("data after the JSON value at byte {offset}")]
    TrailingData {
        /// Where.
        offset: usize,
    },
    /// There is no value at all.
    #[error("empty, where JSON was expected")]
    Empty,
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

/// A checked JSON text.
#[derive(Clone)]
pub struct Document(Bytes);
/// A value inside a document.
#[derive(Clone, Copy)]
pub struct Value<'a>(&'a [u8]);
/// A value that is an object.
#[derive(Clone, Copy)]
pub struct Object<'a>(Value<'a>);
/// A value that is an array.
#[derive(Clone, Copy)]
pub struct Array<'a>(Value<'a>);
/// One member of an object.
#[derive(Clone)]
pub struct Member<'a> {
    /// The name, unescaped.
    pub name: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
    /// Where the member stands in the document, from the name's opening quote to the value's end.
    pub span: Range<usize>,
}

#[expect(missing_docs, unused_variables, reason = "stubs, replaced by the next commit")]
mod stubs {
    use super::{Array, Bytes, Cow, Document, JsonError, Kind, Member, Object, Range, Value};
    impl Document {
        pub fn parse(bytes: Bytes, max_depth: usize) -> Result<Self, JsonError> {
            Ok(Self(bytes))
        }
        pub fn bytes(&self) -> &Bytes {
            &self.0
        }
        pub fn root(&self) -> Value<'_> {
            Value(&self.0)
        }
    }
    impl<'a> Value<'a> {
        pub fn raw(self) -> &'a [u8] {
            self.0
        }
        pub fn span(self) -> Range<usize> {
            unimplemented!()
        }
        pub fn kind(self) -> Kind {
            unimplemented!()
        }
        pub fn as_object(self) -> Option<Object<'a>> {
            unimplemented!()
        }
        pub fn as_array(self) -> Option<Array<'a>> {
            unimplemented!()
        }
        pub fn as_str(self) -> Option<Cow<'a, str>> {
            unimplemented!()
        }
        pub fn as_i64(self) -> Option<i64> {
            unimplemented!()
        }
        pub fn as_bool(self) -> Option<bool> {
            unimplemented!()
        }
        pub fn is_null(self) -> bool {
            unimplemented!()
        }
        pub fn to_document(self, source: &Document) -> Document {
            unimplemented!()
        }
    }
    impl<'a> Object<'a> {
        pub fn value(self) -> Value<'a> {
            self.0
        }
        pub fn members(self) -> impl Iterator<Item = Member<'a>> {
            std::iter::empty()
        }
        pub fn get(self, name: &str) -> Option<Value<'a>> {
            unimplemented!()
        }
        pub fn has_case_variant(self, name: &str) -> bool {
            unimplemented!()
        }
        pub fn is_empty(self) -> bool {
            unimplemented!()
        }
    }
    impl<'a> Array<'a> {
        pub fn value(self) -> Value<'a> {
            self.0
        }
        pub fn iter(self) -> impl Iterator<Item = Value<'a>> {
            std::iter::empty()
        }
        pub fn is_empty(self) -> bool {
            unimplemented!()
        }
    }
    impl<'d> super::Splice<'d> {
        pub fn new(document: &'d Document) -> Self {
            Self(document)
        }
        pub fn replace(&mut self, value: Value<'d>, with: impl Into<Vec<u8>>) {}
        pub fn remove_member(&mut self, object: Object<'d>, name: &str) -> bool {
            unimplemented!()
        }
        pub fn retain_members(
            &mut self,
            object: Object<'d>,
            keep: impl FnMut(&Member<'d>) -> bool,
        ) -> usize {
            unimplemented!()
        }
        pub fn retain_elements(
            &mut self,
            array: Array<'d>,
            keep: impl FnMut(Value<'d>) -> bool,
        ) -> usize {
            unimplemented!()
        }
        pub fn set_member(&mut self, object: Object<'d>, name: &str, raw: &[u8]) {}
        pub fn is_empty(&self) -> bool {
            unimplemented!()
        }
        pub fn finish(self) -> Bytes {
            self.0.0.clone()
        }
    }
    pub fn quote(text: &str) -> String {
        unimplemented!()
    }
    pub fn write_str(out: &mut Vec<u8>, text: &str) {}
}
pub use stubs::{quote, write_str};

/// Edits against one document, applied in one pass.
pub struct Splice<'d>(&'d Document);
