//! Why a text is refused. Says where, never what: the content may be secret and may be hostile.

/// Why a text is not accepted as JSON. Offsets are bytes from the start; the content is never echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text departs from RFC 8259, or a member name holds half of a surrogate pair.
    #[error("not valid JSON at byte {offset}")]
    Syntax {
        /// The first byte that does not fit, or the length of the text when it ends too early.
        offset: usize,
    },
    /// The text is not UTF-8 (RFC 8259, section 8.1).
    #[error("not valid UTF-8 at byte {offset}")]
    Utf8 {
        /// Where the first ill-formed sequence begins.
        offset: usize,
    },
    /// Containers are nested deeper than allowed.
    #[error("nested deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// Where the first container too many opens.
        offset: usize,
        /// The deepest level allowed; the root container is level 1.
        limit: usize,
    },
    /// An object has two members of the same name, compared after unescaping.
    #[error("duplicate member name at byte {offset}")]
    DuplicateKey {
        /// Where a name that the object already has begins (its opening quote).
        offset: usize,
    },
    /// Something other than white space follows the value.
    #[error("data after the JSON value at byte {offset}")]
    TrailingData {
        /// The first byte of it.
        offset: usize,
    },
    /// There is nothing, or only white space.
    #[error("empty, where JSON was expected")]
    Empty,
}
