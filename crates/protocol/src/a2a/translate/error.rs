//! Why a payload has no translation. Names the member, never its content.

use std::fmt;

/// A payload that cannot be said in another dialect, because it is not what its own says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslatable {
    path: String,
    reason: Reason,
}

/// What is wrong with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("is missing")]
    Missing,
    #[error("must be {0}")]
    Must(&'static str),
    #[error("is there in two spellings")]
    Twice,
    #[error("has no content, or more than one")]
    Content,
    #[error("contradicts another member")]
    Contradicts,
    #[error("is not known to the other version")]
    NoCounterpart,
}

impl Untranslatable {
    /// Where the trouble lies, as `message.parts[0].file`. Empty for the payload as a whole.
    pub fn field(&self) -> &str {
        &self.path
    }

    /// The same, seen from the object or array that has the member.
    pub(super) fn within(mut self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{name}{dot}{}", self.path);
        self
    }
}

impl From<Reason> for Untranslatable {
    fn from(reason: Reason) -> Self {
        Self { path: String::new(), reason }
    }
}

impl Reason {
    /// The same, of a member.
    pub(super) fn at(self, name: &str) -> Untranslatable {
        Untranslatable::from(self).within(name)
    }
}

impl fmt::Display for Untranslatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the payload {}", self.reason),
            path => write!(f, "`{path}` {}", self.reason),
        }
    }
}

impl std::error::Error for Untranslatable {}
