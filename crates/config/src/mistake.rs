//! What is wrong with a configuration, said so that one can go there and mend it.
//!
//! Never holds a value of a place where a secret belongs.

use std::fmt;

/// One thing that is wrong, where it is, and often how to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What it stands in.
    pub origin: Origin,
    /// The line, from 1; 0 outside a file.
    pub line: usize,
    /// The column in characters, from 1; 0 outside a file.
    pub column: usize,
    /// The dotted key, such as `server[0].upstreams`; empty for mistakes of syntax.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Something that works and deserves a second look; the same shape as a [`Mistake`].
pub type Warning = Mistake;

/// What a configuration value was written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The file of that name.
    File(String),
    /// The environment variable of that name.
    Variable(String),
    /// The option of the command line of that name.
    Flag(&'static str),
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File(name) => write!(f, "{name}:{}: ", self.line)?,
            Origin::Variable(name) => write!(f, "{name}: ")?,
            Origin::Flag(name) => write!(f, "{name}: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// All that is wrong with a configuration; never without a mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes {
    /// The mistakes, in the order of the file.
    pub mistakes: Vec<Mistake>,
    /// What else deserves a look.
    pub warnings: Vec<Warning>,
}

impl fmt::Display for Mistakes {
    /// One mistake a line: `file:line: key: message (hint)`. Warnings are left to the reader of the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

/// What is wrong with a value, before anybody knows where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Complaint {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }
}

impl From<&str> for Complaint {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for Complaint {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}
