//! What is said of a message of the upstream.

use bytes::Bytes;
use doorward_protocol::json::Document;

/// What becomes of a message of the upstream.
pub(in crate::path) struct Verdict {
    pub(in crate::path) fate: Fate,
    /// It is the answer to the request.
    pub(in crate::path) is_answer: bool,
    pub(in crate::path) error_code: Option<i64>,
    pub(in crate::path) filtered: usize,
    /// The notification says that a list of the upstream has changed.
    pub(in crate::path) list_changed: Option<String>,
    /// The checked message, when it is the answer.
    pub(in crate::path) document: Option<Document>,
}

/// Whether and how a message goes on to the caller.
pub(in crate::path) enum Fate {
    /// As it came.
    Pass,
    /// With these bytes instead.
    Replace(Bytes),
    /// Not at all.
    Drop,
}

/// A message of an upstream that is not valid.
#[derive(Debug, Clone)]
pub(in crate::path) struct Broken(pub(in crate::path) String);

impl Verdict {
    /// A message that is not the answer.
    pub(super) fn message(fate: Fate) -> Self {
        Self { fate, is_answer: false, error_code: None, filtered: 0, list_changed: None, document: None }
    }
}
