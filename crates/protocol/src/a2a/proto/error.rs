//! Why a text cannot become protobuf, or bytes cannot become JSON. Says where, never what: the content may be secret.

/// Why JSON or protobuf is refused. Fields are named as ProtoJSON names them; the content is never echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    /// JSON of another type than the field's, or a value that the type does not have.
    #[error("`{field}` of {message} must be {expected}")]
    Value {
        /// The message that the field belongs to.
        message: &'static str,
        /// The field's JSON name.
        field: &'static str,
        /// What would be accepted.
        expected: &'static str,
    },
    /// JSON that has to be an object and is not.
    #[error("{message} must be an object")]
    NotAnObject {
        /// What the object would be.
        message: &'static str,
    },
    /// JSON that names a field by its JSON name and by its name in the proto.
    #[error("`{field}` of {message} is given twice")]
    Twice {
        /// The message that the field belongs to.
        message: &'static str,
        /// The field's JSON name.
        field: &'static str,
    },
    /// JSON with two alternatives of a `oneof`.
    #[error("`{field}` of {message} and another of its alternatives are given")]
    Alternatives {
        /// The message with the alternatives.
        message: &'static str,
        /// The later one of the two.
        field: &'static str,
    },
    /// Protobuf that ends in the middle of a field.
    #[error("the protobuf message ends too early")]
    Truncated,
    /// Protobuf with a varint of more than 64 bits.
    #[error("the protobuf message has a number that is too large")]
    Varint,
    /// Protobuf with a tag that cannot be: field 0, a field number beyond 2^29 - 1, a group, or no wire type.
    #[error("the protobuf message has a tag that is not accepted")]
    Tag,
    /// Protobuf with another wire type than the field's.
    #[error("`{field}` of {message} has another wire type")]
    WireType {
        /// The message that the field belongs to.
        message: &'static str,
        /// The field's JSON name.
        field: &'static str,
    },
    /// A string that is not UTF-8.
    #[error("a string of {message} is not UTF-8")]
    Utf8 {
        /// The message that the string belongs to.
        message: &'static str,
    },
    /// A number that JSON has no form for.
    #[error("a number is infinite or none")]
    NotFinite,
    /// A point in time outside the years 1 to 9999, or a duration of more than ten thousand years.
    #[error("a time is out of range")]
    Time,
    /// Something is nested deeper than allowed.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The deepest level allowed: messages when writing protobuf, containers when writing JSON.
        limit: usize,
    },
    /// More bytes than allowed.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The most bytes allowed.
        limit: usize,
    },
}
