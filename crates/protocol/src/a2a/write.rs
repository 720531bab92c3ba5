//! Writes JSON objects member by member, straight into a text. It checks nothing: raw values must be JSON.

use crate::json::write_str;

/// An object that is being written.
pub(super) struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> ObjectWriter<'o> {
    /// Opens an object at the end of `out`.
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Begins a member and gives the text to which its value belongs.
    pub(super) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        write_str(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// A member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &str, value: &[u8]) {
        self.member(name).extend_from_slice(value);
    }

    /// A member that is a string.
    pub(super) fn string(&mut self, name: &str, value: &str) {
        write_str(self.member(name), value);
    }

    /// A member that is `true` or `false`.
    pub(super) fn bool(&mut self, name: &str, value: bool) {
        self.raw(name, if value { b"true" } else { b"false" });
    }

    /// Closes the object.
    pub(super) fn end(self) {
        self.out.push(b'}');
    }
}
