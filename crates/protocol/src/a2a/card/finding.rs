//! What is wrong with a card, each with its place. Never what the card says: it is hostile until approved.

use std::fmt;

/// How many complaints are listed.
const MAX_FINDINGS: usize = 50;

/// Something about one value of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The value's place, such as `supportedInterfaces[0].url`. Names that the card made up are shortened.
    pub path: String,
    /// What is wrong there, and what was done about it.
    pub problem: &'static str,
}

/// Why a card cannot be used: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CardError {
    /// At least one, at most 50, in the order of the card's members in the specification.
    pub complaints: Vec<Finding>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() { "the card" } else { &self.path };
        write!(f, "{place}: {}", self.problem)
    }
}

impl fmt::Display for CardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, complaint) in self.complaints.iter().enumerate() {
            if number > 0 {
                f.write_str("; ")?;
            }
            complaint.fmt(f)?;
        }
        Ok(())
    }
}

/// Findings as they are gathered.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// What makes the card unusable.
    complaints: Vec<Finding>,
    /// What was dropped or mended.
    notes: Vec<Finding>,
}

impl Findings {
    pub(super) fn complain(&mut self, path: &Path<'_>, problem: &'static str) {
        push(&mut self.complaints, path, problem);
    }

    pub(super) fn note(&mut self, path: &Path<'_>, problem: &'static str) {
        push(&mut self.notes, path, problem);
    }

    /// The complaints, when nothing else can be found.
    pub(super) fn refuse<T>(self) -> Result<T, CardError> {
        Err(CardError { complaints: self.complaints })
    }

    /// The notes, if there are no complaints.
    pub(super) fn finish(self) -> Result<Vec<Finding>, CardError> {
        if self.complaints.is_empty() { Ok(self.notes) } else { self.refuse() }
    }
}

fn push(list: &mut Vec<Finding>, path: &Path<'_>, problem: &'static str) {
    if list.len() < MAX_FINDINGS {
        list.push(Finding { path: path.to_string(), problem });
    }
}

/// A place in a card, as a chain from the value to the root; written out only when there is something to say.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'p str),
    Element(&'p Path<'p>, usize),
    /// An element that is known by a member: which one, and what it says.
    Keyed(&'p Path<'p>, &'p str, &'p str),
}

/// The longest name that is repeated in a path, in characters.
const MAX_NAME: usize = 64;

impl Path<'_> {
    pub(super) fn member<'p>(&'p self, name: &'p str) -> Path<'p> {
        Path::Member(self, name)
    }

    pub(super) fn element(&self, index: usize) -> Path<'_> {
        Path::Element(self, index)
    }

    pub(super) fn keyed<'p>(&'p self, key: &'p str, value: &'p str) -> Path<'p> {
        Path::Keyed(self, key, value)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(parent, name) => {
                parent.fmt(f)?;
                if !matches!(parent, Self::Root) {
                    f.write_str(".")?;
                }
                write_plain(f, name)
            }
            Self::Element(parent, index) => write!(f, "{parent}[{index}]"),
            Self::Keyed(parent, key, value) => {
                write!(f, "{parent}[{key}=")?;
                write_plain(f, value)?;
                f.write_str("]")
            }
        }
    }
}

/// The start of a name that the card made up, in visible ASCII.
fn write_plain(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let mut plain = name.chars().filter(char::is_ascii_graphic);
    plain.by_ref().take(MAX_NAME).try_for_each(|character| write!(f, "{character}"))?;
    if plain.next().is_some() { f.write_str("…") } else { Ok(()) }
}
