//! The binding HTTP+JSON: which operation a path stands for, and back (A2A 1.0 section 11; for 0.3 the `google.api.http`
//! rules of its proto).
//!
//! What lies below `/v1/` is 0.3 and written in the `ProtoJSON` of its proto; all else is 1.0. Where the two documents of
//! 1.0 contradict each other, both are taken: `:subscribe` may be got or posted. One segment in front of either may name a
//! tenant. Nothing here reads headers or judges a state; whether an id exists is for others to say.

mod format;
mod params;
mod path;
mod percent;
mod query;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use format::{RestOutbound, format, format_bare_webhook};
pub use params::params;
pub use path::parse;

use super::{ErrorKind, Operation, Version};

/// What a method and a path below an interface stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestRequest<'a> {
    /// What is asked.
    pub operation: Operation,
    /// The version whose path it is.
    pub version: Version,
    /// The tenant that the path names.
    pub tenant: Option<Cow<'a, str>>,
    /// The task that the path names.
    pub task: Option<Cow<'a, str>>,
    /// The webhook that the path names.
    pub config: Option<Cow<'a, str>>,
    /// `A2A-Version` in the query, which stands for the header (section 3.6.1); as it came, decoded.
    pub version_in_query: Option<Cow<'a, str>>,
    /// What the query says, typed as the parameters need it.
    query: Vec<(&'static str, query::Typed<'a>)>,
}

/// Why a request is none, or why parameters cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// No such path.
    #[error("there is nothing at this path")]
    NotFound,
    /// The path is there, the method is not. What `Allow` says.
    #[error("this path takes {0}")]
    MethodNotAllowed(&'static str),
    /// A segment of the path, or a parameter that must become one: empty, not UTF-8, with `/` or NUL, a dot segment, or
    /// one that ends like a verb.
    #[error("`{0}` is not an id that a path can carry")]
    Id(&'static str),
    /// A parameter of the query that is not of its type, or is there twice.
    #[error("`{0}` in the query is not what it must be, or is there twice")]
    Query(&'static str),
    /// A body is needed, and it must be an object.
    #[error("the body must be a JSON object")]
    Body,
    /// Path, query and body do not say the same.
    #[error("`{0}` differs between the path, the query and the body")]
    Conflict(&'static str),
    /// A parameter that the path needs.
    #[error("`{0}` is missing or is not of its type")]
    Missing(&'static str),
    /// The version has no such operation.
    #[error("this operation does not exist in this version")]
    Unknown,
}

impl RestError {
    /// The field that is to blame, where one is.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::Id(field) | Self::Query(field) | Self::Conflict(field) | Self::Missing(field) => {
                Some(field)
            }
            Self::NotFound | Self::MethodNotAllowed(_) | Self::Body | Self::Unknown => None,
        }
    }

    /// What it is in the table of errors. A method that is not allowed is no error of A2A: HTTP has 405 for it.
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::NotFound | Self::MethodNotAllowed(_) => ErrorKind::MethodNotFound,
            Self::Body => ErrorKind::InvalidRequest,
            Self::Unknown => ErrorKind::UnsupportedOperation,
            Self::Id(_) | Self::Query(_) | Self::Conflict(_) | Self::Missing(_) => ErrorKind::InvalidParams,
        }
    }
}

/// The verbs behind the last colon of a task's segment.
const VERBS: [(&str, Operation); 2] =
    [("cancel", Operation::CancelTask), ("subscribe", Operation::SubscribeToTask)];
