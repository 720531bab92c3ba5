//! Secrets: `{ env = "NAME" }` or `{ file = "path" }`, never the value.
//!
//! What stands where a secret belongs is never shown, not even when it is of the wrong type.

use std::{io, path::PathBuf};

use doorward_model::Secret;

use super::{Found, Key, Kind, Section, Shape, Spec};
use crate::{
    context::shown,
    mistake::Complaint,
    tree::{At, Node, Value},
};

/// How a secret is referred to.
pub(crate) enum Reference<'a> {
    Variable(&'a str),
    /// Resolved against the base directory.
    File(PathBuf),
}

/// An item of a list that holds texts, and references to longer ones.
pub(crate) enum TextOrContent<'a> {
    Text(Found<&'a str>),
    Content(Found<Secret>),
}

const SPEC: Spec = Spec {
    name: "secret",
    shape: Shape::Inner,
    about: "",
    keys: &[
        Key::new("env", Kind::Text, "none", "the name of an environment variable"),
        Key::new("file", Kind::Text, "none", "the path of a file"),
    ],
};

impl<'a> Section<'a> {
    /// Where a secret is, without reading it.
    pub(crate) fn reference(&self, name: &str) -> Option<Found<Reference<'a>>> {
        let found = self.get(name)?;
        let Value::Table(_) = &found.value.value else {
            let complaint = Complaint::new("a secret is never written in the file");
            self.context.mistake(&found.at, complaint.hint(r#"write { env = "NAME" } or { file = "path" }"#));
            return None;
        };
        self.table(name, &SPEC)?.as_reference()
    }

    /// A list of texts and of references, each with its place and what it leads to.
    pub(crate) fn texts_or_contents(&self, name: &str) -> Option<Vec<TextOrContent<'a>>> {
        let found = self.get(name)?;
        let Value::List(items) = &found.value.value else {
            return self.wrong_type(&found, "a list of texts and tables");
        };
        let read = |(index, item): (usize, &'a Node)| {
            let at = At { place: item.place.clone(), key: self.dotted(&format!("{name}[{index}]")) };
            match &item.value {
                Value::Text(text) => Some(TextOrContent::Text(Found { value: text.as_str(), at })),
                Value::Table(table) => {
                    let reference = self.inner(at, &SPEC, table).as_reference()?;
                    self.content(reference).map(TextOrContent::Content)
                }
                _ => self.wrong_type(&Found { value: item, at }, "text or a table"),
            }
        };
        Some(items.iter().enumerate().filter_map(read).collect())
    }

    /// What this table of [`SPEC`] refers to.
    fn as_reference(&self) -> Option<Found<Reference<'a>>> {
        self.refuse_unknown(&[]);
        let at = self.at.clone();
        match (self.text("env"), self.text("file")) {
            (Some(variable), None) if !self.has("file") => {
                Some(Found { value: Reference::Variable(variable.value), at })
            }
            (None, Some(file)) if !self.has("env") => {
                let path = self.context.env.base_dir.join(file.value);
                Some(Found { value: Reference::File(path), at })
            }
            _ if self.has("env") != self.has("file") => None,
            _ => {
                self.context.mistake(&at, Complaint::new("expected exactly one of `env` and `file`"));
                None
            }
        }
    }

    /// The secret itself, without the line end that editors leave at the end of a file.
    pub(crate) fn secret(&self, name: &str) -> Option<Found<Secret>> {
        self.reference(name).and_then(|reference| self.content(reference))
    }

    fn content(&self, Found { value, at }: Found<Reference<'_>>) -> Option<Found<Secret>> {
        let secret = match value {
            Reference::Variable(variable) => self.context.variable(&at, variable),
            Reference::File(path) => self.secret_file(&at, &path),
        };
        secret.map(|value| Found { value, at })
    }

    fn secret_file(&self, at: &At, path: &std::path::Path) -> Option<Secret> {
        let file = shown(&path.display().to_string());
        match (self.context.env.read)(path).map(Secret::new) {
            Err(error) => {
                self.context.mistake(at, format!("the file `{file}` cannot be read: {}", reason(&error)));
                None
            }
            Ok(text) => match text.expose().trim_end_matches(['\r', '\n']) {
                "" => {
                    self.context.mistake(at, format!("the file `{file}` is empty"));
                    None
                }
                secret => Some(Secret::new(secret.to_owned())),
            },
        }
    }
}

/// The kind of failure, without the numbers of one operating system.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is none".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        kind => kind.to_string(),
    }
}
