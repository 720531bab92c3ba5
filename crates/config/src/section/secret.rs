//! Secrets: `{ env = "NAME" }` or `{ file = "path" }`, in credentials also `{ stored = "name" }`, never the value.
//!
//! What stands where a secret belongs is never shown, not even when it is of the wrong type.

use std::{io, path::PathBuf};

use doorward_model::{Name, Secret};

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
    /// In the store. Only credentials can refer to it: they are needed when the store is open, not before.
    Stored(Name),
}

/// An item of a list that holds texts, and references to longer ones.
pub(crate) enum TextOrContent<'a> {
    Text(Found<&'a str>),
    Content(Found<Secret>),
}

const ENV: Key = Key::new("env", Kind::Text, "none", "the name of an environment variable");
const FILE: Key = Key::new("file", Kind::Text, "none", "the path of a file");

const SPEC: Spec = Spec { name: "secret", shape: Shape::Inner, about: "", keys: &[ENV, FILE] };

/// The same, where the store is open by the time that the secret is needed.
const WITH_STORED: Spec = Spec {
    name: "secret",
    shape: Shape::Inner,
    about: "",
    keys: &[ENV, FILE, Key::new(STORED, Kind::Text, "none", "the name of a secret in the store")],
};

const STORED: &str = "stored";

impl<'a> Section<'a> {
    /// Where a secret is, without reading it.
    pub(crate) fn reference(&self, name: &str) -> Option<Found<Reference<'a>>> {
        self.reference_as(name, &SPEC, r#"write { env = "NAME" } or { file = "path" }"#)
    }

    /// Where the secret of a credential is, without reading it.
    fn reference_of_credential(&self, name: &str) -> Option<Found<Reference<'a>>> {
        let forms = r#"write { env = "NAME" }, { file = "path" } or { stored = "name" }"#;
        self.reference_as(name, &WITH_STORED, forms)
    }

    fn reference_as(&self, name: &str, spec: &'static Spec, forms: &str) -> Option<Found<Reference<'a>>> {
        let found = self.get(name)?;
        let Value::Table(_) = &found.value.value else {
            let complaint = Complaint::new("a secret is never written in the file");
            self.context.mistake(&found.at, complaint.hint(forms));
            return None;
        };
        self.table(name, spec)?.as_reference()
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

    /// What this table of [`SPEC`] or [`WITH_STORED`] refers to.
    fn as_reference(&self) -> Option<Found<Reference<'a>>> {
        let takes_stored = self.takes(STORED);
        if self.has(STORED) && !takes_stored {
            let complaint = Complaint::new("a secret of the store can only be part of a `credential`");
            self.mistake(STORED, complaint.hint(r#"write { env = "NAME" } or { file = "path" }"#));
            return None;
        }
        self.refuse_unknown(&[]);
        let at = self.at.clone();
        let forms = ["env", "file", STORED];
        let mut written = forms.into_iter().filter(|form| self.has(form));
        let (Some(form), None) = (written.next(), written.next()) else {
            let expected = if takes_stored { "`env`, `file` and `stored`" } else { "`env` and `file`" };
            self.context.mistake(&at, Complaint::new(format!("expected exactly one of {expected}")));
            return None;
        };
        let text = self.text(form)?;
        let value = match form {
            "env" => Reference::Variable(text.value),
            "file" => Reference::File(self.context.env.base_dir.join(text.value)),
            _ => {
                let name = Name::parse(text.value).map_err(|error| Complaint::new(error.to_string()));
                Reference::Stored(self.context.accept(&text.at, name)?)
            }
        };
        Some(Found { value, at })
    }

    /// The secret itself, without the line end that editors leave at the end of a file.
    pub(crate) fn secret(&self, name: &str) -> Option<Found<Secret>> {
        self.reference(name).and_then(|reference| self.content(reference))
    }

    /// The same for a secret of a credential, which may be in the store. Absent also when it is not there; the context
    /// knows that then, and it is no mistake.
    pub(crate) fn secret_of_credential(&self, name: &str) -> Option<Found<Secret>> {
        self.reference_of_credential(name).and_then(|reference| self.content(reference))
    }

    fn content(&self, Found { value, at }: Found<Reference<'_>>) -> Option<Found<Secret>> {
        let secret = match value {
            Reference::Variable(variable) => self.context.variable(&at, variable),
            Reference::File(path) => self.secret_file(&at, &path),
            Reference::Stored(name) => self.context.stored(&at, name),
        };
        secret.map(|value| Found { value, at })
    }

    fn secret_file(&self, at: &At, path: &std::path::Path) -> Option<Secret> {
        let file = shown(&path.display().to_string());
        self.context.note_secret_file(path);
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
