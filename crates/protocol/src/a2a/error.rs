//! The closed table of errors (A2A 1.0.1 sections 3.3.2 and 5.4), with what each binding says for them.
//!
//! Peers follow the table of 1.0.0 or that of 1.0.1: an error is told by the `reason` of its `ErrorInfo` first, by its
//! code second, and both tables' codes are understood.

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no such task, as far as this caller may know.
    TaskNotFound,
    /// The task has ended.
    TaskNotCancelable,
    /// The agent has no webhooks.
    PushNotificationNotSupported,
    /// The agent, or the task's state, does not allow it.
    UnsupportedOperation,
    /// A media type that is not taken.
    ContentTypeNotSupported,
    /// The agent broke the protocol.
    InvalidAgentResponse,
    /// There is no extended card.
    ExtendedAgentCardNotConfigured,
    /// An extension that the agent demands is missing.
    ExtensionSupportRequired,
    /// The version is not spoken here.
    VersionNotSupported,
    /// Not JSON, or not protobuf.
    Parse,
    /// Not a request.
    InvalidRequest,
    /// No such method.
    MethodNotFound,
    /// The parameters are not what the method takes.
    InvalidParams,
    /// Something failed.
    Internal,
    /// No credential, or a bad one.
    Unauthenticated,
    /// A credential that is not enough.
    Forbidden,
    /// Too often, or too many.
    RateLimited,
    /// The agent cannot be reached, or took too long.
    Unavailable,
}

/// The codes of gRPC that are used here (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "gRPC's own names say it")]
pub enum GrpcCode {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// An error's constants: reason, JSON-RPC code, gRPC code, HTTP status.
struct Row(&'static str, i64, GrpcCode, u16);

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::TaskNotFound,
        Self::TaskNotCancelable,
        Self::PushNotificationNotSupported,
        Self::UnsupportedOperation,
        Self::ContentTypeNotSupported,
        Self::InvalidAgentResponse,
        Self::ExtendedAgentCardNotConfigured,
        Self::ExtensionSupportRequired,
        Self::VersionNotSupported,
        Self::Parse,
        Self::InvalidRequest,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::Internal,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::RateLimited,
        Self::Unavailable,
    ];

    const fn row(self) -> Row {
        use GrpcCode as G;
        match self {
            Self::TaskNotFound => Row("TASK_NOT_FOUND", -32001, G::NotFound, 404),
            Self::TaskNotCancelable => Row("TASK_NOT_CANCELABLE", -32002, G::FailedPrecondition, 400),
            Self::PushNotificationNotSupported => {
                Row("PUSH_NOTIFICATION_NOT_SUPPORTED", -32003, G::FailedPrecondition, 400)
            }
            Self::UnsupportedOperation => Row("UNSUPPORTED_OPERATION", -32004, G::FailedPrecondition, 400),
            Self::ContentTypeNotSupported => {
                Row("CONTENT_TYPE_NOT_SUPPORTED", -32005, G::InvalidArgument, 400)
            }
            Self::InvalidAgentResponse => Row("INVALID_AGENT_RESPONSE", -32006, G::Internal, 500),
            Self::ExtendedAgentCardNotConfigured => {
                Row("EXTENDED_AGENT_CARD_NOT_CONFIGURED", -32007, G::FailedPrecondition, 400)
            }
            Self::ExtensionSupportRequired => {
                Row("EXTENSION_SUPPORT_REQUIRED", -32008, G::FailedPrecondition, 400)
            }
            Self::VersionNotSupported => Row("VERSION_NOT_SUPPORTED", -32009, G::FailedPrecondition, 400),
            Self::Parse => Row("PARSE_ERROR", -32700, G::InvalidArgument, 400),
            Self::InvalidRequest => Row("INVALID_REQUEST", -32600, G::InvalidArgument, 400),
            Self::MethodNotFound => Row("METHOD_NOT_FOUND", -32601, G::Unimplemented, 404),
            Self::InvalidParams => Row("INVALID_PARAMS", -32602, G::InvalidArgument, 400),
            Self::Internal => Row("INTERNAL_ERROR", -32603, G::Internal, 500),
            Self::Unauthenticated => Row("UNAUTHENTICATED", -32000, G::Unauthenticated, 401),
            Self::Forbidden => Row("PERMISSION_DENIED", -32000, G::PermissionDenied, 403),
            Self::RateLimited => Row("RATE_LIMITED", -32000, G::ResourceExhausted, 429),
            Self::Unavailable => Row("UNAVAILABLE", -32603, G::Unavailable, 502),
        }
    }

    /// `ErrorInfo.reason`, in the domain `a2a-protocol.org`.
    pub const fn reason(self) -> &'static str {
        self.row().0
    }

    /// The code on JSON-RPC.
    pub const fn json_rpc(self) -> i64 {
        self.row().1
    }

    /// The code on gRPC, by the table of 1.0.1.
    pub const fn grpc(self) -> GrpcCode {
        self.row().2
    }

    /// The HTTP status, by the table of 1.0.1.
    pub const fn http(self) -> u16 {
        self.row().3
    }

    /// The error of that reason.
    pub fn of_reason(reason: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.reason() == reason)
    }

    /// The error of a JSON-RPC code. -32000 says nothing about what went wrong.
    pub fn of_json_rpc(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.json_rpc() == code && code != -32000)
    }
}

impl GrpcCode {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// Its number, as `grpc-status` carries it.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The code of that number.
    pub fn of_number(number: u64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|index| Self::ALL.get(index).copied())
    }

    /// The code of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Its name, as `google.rpc.Code` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_codes_lead_back() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::of_reason(kind.reason()), Some(kind));
            let of_code = ErrorKind::of_json_rpc(kind.json_rpc());
            assert!(of_code.is_none_or(|of_code| of_code.json_rpc() == kind.json_rpc()));
        }
        for code in GrpcCode::ALL {
            assert_eq!(GrpcCode::of_number(u64::from(code.number())), Some(code));
        }
        assert_eq!(GrpcCode::of_number(17), None);
    }
}
