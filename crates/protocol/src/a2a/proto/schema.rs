//! What a message looks like: fields with their numbers, names and types, as constant tables.
//!
//! Only what the tables of A2A and `google.rpc` need is there: keys of maps are strings, what is repeated is delimited
//! (so nothing is packed), a message has one `oneof` at most. A test holds the tables against the official files.

/// One message: a constant table of its fields.
#[derive(Debug)]
pub struct Schema {
    pub(super) name: &'static str,
    /// In the order of their numbers.
    pub(super) fields: &'static [Field],
}

impl Schema {
    /// A message with these fields, in the order of their numbers.
    pub(crate) const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields }
    }

    /// The message's name, without its package.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The field that a JSON member names: by its JSON name, or by its name in the proto.
    pub(super) fn by_name(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.json == name || field.name == name)
    }

    /// The field of that number.
    pub(super) fn by_number(&self, number: u32) -> Option<(usize, &'static Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.number == number)
    }
}

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(super) number: u32,
    /// As the proto has it, in snake case.
    pub(super) name: &'static str,
    /// As ProtoJSON has it.
    pub(super) json: &'static str,
    pub(super) kind: Kind,
    pub(super) label: Label,
}

/// A field that is not told from one with the default value, or that is a message. By its names in the proto and in JSON.
pub(crate) const fn field(number: u32, name: &'static str, json: &'static str, kind: Kind) -> Field {
    Field { number, name, json, kind, label: Label::Implicit }
}

/// The type of a field that is a message of that table.
pub(crate) const fn message(schema: &'static Schema) -> Kind {
    Kind::Message(schema)
}

/// The type of a field that is an enumeration with these names.
pub(super) const fn names(names: &'static Names) -> Kind {
    Kind::Enum(names)
}

pub(super) const BOOL: Kind = Kind::Bool;
pub(super) const BYTES: Kind = Kind::Bytes;
pub(super) const INT32: Kind = Kind::Int32;
pub(crate) const STRING: Kind = Kind::String;
pub(super) const STRUCT: Kind = Kind::Struct;
pub(super) const VALUE: Kind = Kind::Value;
pub(super) const TIMESTAMP: Kind = Kind::Timestamp;
pub(crate) const DURATION: Kind = Kind::Duration;

impl Field {
    pub(crate) const fn optional(self) -> Self {
        Self { label: Label::Optional, ..self }
    }

    pub(crate) const fn one_of(self) -> Self {
        Self { label: Label::OneOf, ..self }
    }

    pub(crate) const fn repeated(self) -> Self {
        Self { label: Label::Repeated, ..self }
    }

    /// A map from strings to what the field's type says.
    pub(crate) const fn map(self) -> Self {
        Self { label: Label::Map, ..self }
    }
}

/// How often a field may be there, and whether that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Implicit,
    Optional,
    /// An alternative of the message's `oneof`.
    OneOf,
    Repeated,
    Map,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Bool,
    Int32,
    String,
    Bytes,
    Enum(&'static Names),
    Message(&'static Schema),
    /// `google.protobuf.Struct`: any JSON object.
    Struct,
    /// `google.protobuf.Value`: any JSON value.
    Value,
    /// `google.protobuf.Timestamp`: RFC 3339.
    Timestamp,
    /// `google.protobuf.Duration`: seconds with an `s` behind them.
    Duration,
}

/// The names of an enumeration, in the order of their numbers, from 0 without a gap.
#[derive(Debug)]
pub(crate) struct Names(pub(super) &'static [&'static str]);

impl Names {
    pub(super) fn number(&self, name: &str) -> Option<i32> {
        self.0.iter().position(|known| *known == name).and_then(|at| i32::try_from(at).ok())
    }

    pub(super) fn name(&self, number: i32) -> Option<&'static str> {
        usize::try_from(number).ok().and_then(|at| self.0.get(at).copied())
    }
}
