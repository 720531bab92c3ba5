//! Where mistakes are gathered while sections are read.
//!
//! Shared by reference, so that a section and the tables inside it can complain at the same time.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use doorward_model::{Name, Secret};

use crate::{
    Environment, Mistake, Origin, StoredSecrets, Warning,
    mistake::Complaint,
    tree::{At, Place},
};

/// The text that is read, the world around it, and what is wrong so far.
pub(crate) struct Context<'a> {
    pub(crate) env: &'a Environment<'a>,
    text: &'a str,
    file_name: &'a str,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    mistakes: Vec<Mistake>,
    warnings: Vec<Warning>,
    unreadable: bool,
    referenced: BTreeSet<String>,
    stored: BTreeSet<Name>,
    missing: Option<Name>,
    secret_files: Vec<PathBuf>,
    allowed: Vec<(At, PathBuf)>,
    programs: Vec<(At, PathBuf)>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(text: &'a str, file_name: &'a str, env: &'a Environment<'a>) -> Self {
        Self { env, text, file_name, state: RefCell::default() }
    }

    pub(crate) fn mistake(&self, at: &At, complaint: impl Into<Complaint>) {
        let mistake = self.place(at, complaint.into());
        self.state.borrow_mut().mistakes.push(mistake);
    }

    pub(crate) fn warn(&self, at: &At, complaint: impl Into<Complaint>) {
        let warning = self.place(at, complaint.into());
        self.state.borrow_mut().warnings.push(warning);
    }

    /// A mistake of syntax after which the tree cannot be trusted.
    pub(crate) fn unreadable(&self, at: &At, complaint: impl Into<Complaint>) {
        self.mistake(at, complaint);
        self.state.borrow_mut().unreadable = true;
    }

    pub(crate) fn is_unreadable(&self) -> bool {
        self.state.borrow().unreadable
    }

    /// The value or a recorded mistake.
    pub(crate) fn accept<T>(&self, at: &At, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|complaint| self.mistake(at, complaint)).ok()
    }

    /// A variable that the file refers to; it is not a misspelt override then.
    pub(crate) fn variable(&self, at: &At, name: &str) -> Option<Secret> {
        self.state.borrow_mut().referenced.insert(name.to_owned());
        match (self.env.var)(name) {
            None => self.mistake(at, format!("the environment variable `{}` is not set", shown(name))),
            Some(value) if value.is_empty() => {
                self.mistake(at, format!("the environment variable `{}` is empty", shown(name)));
            }
            Some(value) => return Some(Secret::new(value)),
        }
        None
    }

    /// A secret of the store that the file refers to, if it is there.
    pub(crate) fn stored(&self, at: &At, name: Name) -> Option<Secret> {
        let command = format!("`doorward secret set {name}` puts it there");
        let found = match self.env.stored {
            StoredSecrets::Known(value) => {
                let found = value(&name);
                if found.is_none() {
                    let complaint =
                        format!("the secret `{name}` is not in the store: calls that need it are refused");
                    self.warn(at, Complaint::new(complaint).hint(command));
                }
                found
            }
            StoredSecrets::Unknown => {
                self.warn(
                    at,
                    Complaint::new(format!("the secret `{name}` must be in the store")).hint(command),
                );
                None
            }
            StoredSecrets::Awaited => None,
        };
        let mut state = self.state.borrow_mut();
        state.stored.insert(name.clone());
        if found.is_none() {
            state.missing = Some(name);
        }
        found
    }

    /// The secret that the store did not have, of those that were asked for since the last call.
    pub(crate) fn take_missing(&self) -> Option<Name> {
        self.state.borrow_mut().missing.take()
    }

    /// The secrets of the store that the file refers to.
    pub(crate) fn stored_names(&self) -> BTreeSet<Name> {
        self.state.borrow().stored.clone()
    }

    /// Remembers a file that a secret is read from.
    pub(crate) fn note_secret_file(&self, path: &Path) {
        self.state.borrow_mut().secret_files.push(path.to_owned());
    }

    /// The files that secrets were read from so far.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        self.state.borrow().secret_files.clone()
    }

    /// Remembers a path of a sandbox, as it is written.
    pub(crate) fn note_allowed(&self, at: &At, path: &Path) {
        self.state.borrow_mut().allowed.push((at.clone(), path.to_owned()));
    }

    /// The paths of sandboxes so far.
    pub(crate) fn allowed(&self) -> Vec<(At, PathBuf)> {
        self.state.borrow().allowed.clone()
    }

    /// Remembers the program of a command, links not followed.
    pub(crate) fn note_program(&self, at: &At, path: &Path) {
        self.state.borrow_mut().programs.push((at.clone(), path.to_owned()));
    }

    /// The programs of commands so far, with a sandbox or without.
    pub(crate) fn programs(&self) -> Vec<(At, PathBuf)> {
        self.state.borrow().programs.clone()
    }

    /// The file that is read, as far as its name tells.
    pub(crate) fn file(&self) -> PathBuf {
        let name = Path::new(self.file_name).file_name().unwrap_or_default();
        self.env.base_dir.join(name)
    }

    pub(crate) fn is_referenced(&self, variable: &str) -> bool {
        self.state.borrow().referenced.contains(variable)
    }

    /// Mistakes and warnings, each in the order of the file.
    pub(crate) fn finish(self) -> (Vec<Mistake>, Vec<Warning>) {
        let mut state = self.state.into_inner();
        state.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        state.warnings.sort_by_key(|warning| (warning.line, warning.column));
        (state.mistakes, state.warnings)
    }

    fn place(&self, at: &At, complaint: Complaint) -> Mistake {
        let (origin, (line, column)) = match &at.place {
            Place::Text(offset) => (Origin::File(self.file_name.to_owned()), position(self.text, *offset)),
            Place::Variable(name) => (Origin::Variable(name.clone()), (0, 0)),
            Place::Flag(name) => (Origin::Flag(name), (0, 0)),
        };
        let Complaint { message, hint } = complaint;
        Mistake { origin, line, column, key: at.key.clone(), message, hint }
    }
}

/// Line and column from 1; an offset inside a character counts as its first byte.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.split(|&byte| byte == b'\n').count();
    let is_first_byte = |byte: &&u8| (**byte & 0xC0) != 0x80;
    (line, before[line_start..].iter().filter(is_first_byte).count() + 1)
}

/// A text of the file as a complaint may show it: on one line, without control characters, not too long.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}
