//! Reading one table of the file: typed keys, places, and unknown keys with suggestions.
//!
//! A section declares its keys once, in a constant [`Spec`]; the same table drives the detection of unknown keys,
//! the `DOORWARD_…` variables, the export and the reference page. Values are judged by the sections themselves.

mod reader;
mod secret;
mod word;

pub(crate) use reader::{Found, Section};
pub(crate) use secret::{Reference, TextOrContent};

use std::time::Duration;

use crate::quantity;

/// A table of the file.
pub(crate) struct Spec {
    /// The dotted name: empty for the root, `upstream.credential` for a table inside a section.
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// What the reference says about it.
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [Key],
}

/// How often a table may stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Once: `[name]`, or the root. Its keys have variables.
    Single,
    /// Any number of times: `[[name]]`.
    List,
    /// Once, inside a section that stands once: `key = { … }`. Its keys have variables.
    Nested,
    /// Inside another section: `key = { … }`.
    Inner,
}

/// A key of a table.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// As TOML, or what stands for it: `required`, `none`.
    pub(crate) default: &'static str,
    /// What the reference says about it.
    pub(crate) about: &'static str,
}

impl Key {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, kind, default, about }
    }
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Text,
    Boolean,
    /// A whole number within bounds.
    Count(u64, u64),
    /// Bytes within bounds, as a number or a text such as "4MiB".
    Size(u64, u64),
    /// A text such as "30s", within bounds.
    Time(Duration, Duration),
    Texts,
    TextOrTexts,
    /// `{ env = … }` or `{ file = … }`.
    Secret,
    /// A secret that may also be written as plain text.
    TextOrSecret,
    /// A list whose items are texts, or references as those of a secret.
    TextsOrContents,
    /// A table with keys of its own.
    Table,
    /// A table with keys of its own, or one word instead of it.
    TextOrTable,
}

impl Kind {
    /// What the reference says of the type.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Count(least, most) => format!("integer, {least} to {most}"),
            Self::Size(least, most) => {
                format!("size, {} to {}", quantity::show_size(least), quantity::show_size(most))
            }
            Self::Time(least, most) => {
                format!("duration, {} to {}", quantity::show_duration(least), quantity::show_duration(most))
            }
            Self::Texts => "list of texts".to_owned(),
            Self::TextOrTexts => "text or list of texts".to_owned(),
            Self::Secret => "secret".to_owned(),
            Self::TextOrSecret => "text or secret".to_owned(),
            Self::TextsOrContents => "list of texts or `{ file = … }`".to_owned(),
            Self::Table => "table".to_owned(),
            Self::TextOrTable => "text or table".to_owned(),
        }
    }
}

impl Spec {
    /// Whether the file can have no second one: then variables can stand for its keys.
    pub(crate) fn stands_once(&self) -> bool {
        matches!(self.shape, Shape::Single | Shape::Nested)
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().map(|key| key.name)
    }
}
