//! Refusals in the words of A2A: the same closed table, told by an error of the protocol on every binding.

use doorward_model::Fault;
use doorward_protocol::{
    a2a::{ErrorKind, Failure},
    json::quote,
    rpc::code,
};
use http::{HeaderName, HeaderValue, StatusCode};

use super::{Reason, Refusal, UpstreamFailure, connect};
use crate::path::record::OpenRecord;

impl Refusal {
    /// The refusal as an error of A2A, and the HTTP status where the binding has one. 200 is for what JSON-RPC tells
    /// in-band; HTTP+JSON has a status of its own for it.
    pub(in crate::path) fn failure(&self, record: &OpenRecord) -> (Failure, StatusCode) {
        let row = self.reason.row();
        let request_id = record.id.hex();
        let mut failure = match &self.reason {
            Reason::A2a(failure) => return ((**failure).clone(), row.status),
            reason => Failure::new(reason.kind(), reason.message()),
        };
        match &self.reason {
            Reason::Agent(failed, name) => {
                let fault = if failed.fault() == Fault::Gateway { "gateway" } else { "agent" };
                failure.metadata = Some(format!(
                    r#"{{"agent":{},"fault":"{fault}","reason":"{}","requestId":"{request_id}"}}"#,
                    quote(name),
                    row.reason
                ));
            }
            Reason::NotConnected(missing) => {
                failure.metadata = Some(connect::data(missing, &request_id));
            }
            Reason::Internal => {
                failure.metadata = Some(format!(r#"{{"fault":"gateway","requestId":"{request_id}"}}"#));
            }
            _ => {}
        }
        (failure, row.status)
    }

    /// Whether it is JSON that is refused, but no request of JSON-RPC. That is told in-band although it answers nothing,
    /// as agents' own libraries do.
    pub(in crate::path) fn is_of_the_envelope(&self) -> bool {
        matches!(self.reason, Reason::NotJsonRpc(_))
    }

    /// The headers of the answer.
    pub(in crate::path) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.reason.headers()
    }
}

impl Reason {
    /// The error of A2A that tells it.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::A2a(failure) => failure.kind,
            Self::Agent(failed, _) => failed.kind(),
            Self::NotConnected(_) => ErrorKind::Forbidden,
            reason => {
                let row = reason.row();
                kind(row.status, row.code)
            }
        }
    }
}

impl UpstreamFailure {
    /// The error that stands for an agent's failure.
    pub(super) fn kind(self) -> ErrorKind {
        match self {
            Self::Unreachable | Self::Timeout | Self::Broken => ErrorKind::Unavailable,
            Self::TooLarge | Self::Invalid | Self::Unauthorized | Self::Redirect | Self::Status(_) => {
                ErrorKind::InvalidAgentResponse
            }
            Self::NoCredential => ErrorKind::Internal,
        }
    }
}

/// What a refusal of the door is in A2A.
fn kind(status: StatusCode, rpc: i64) -> ErrorKind {
    match status {
        StatusCode::UNAUTHORIZED => ErrorKind::Unauthenticated,
        StatusCode::FORBIDDEN => ErrorKind::Forbidden,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => ErrorKind::MethodNotFound,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorKind::ContentTypeNotSupported,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        _ if rpc == code::PARSE_ERROR => ErrorKind::Parse,
        _ if rpc == code::INVALID_PARAMS => ErrorKind::InvalidParams,
        _ if status.is_server_error() => ErrorKind::Internal,
        _ => ErrorKind::InvalidRequest,
    }
}

/// What records call an error of A2A that Doorward answers.
pub(super) const fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TaskNotFound => "task_not_found",
        ErrorKind::TaskNotCancelable => "task_not_cancelable",
        ErrorKind::PushNotificationNotSupported => "push_not_supported",
        ErrorKind::UnsupportedOperation => "unsupported_operation",
        ErrorKind::ContentTypeNotSupported => "unsupported_media_type",
        ErrorKind::ExtensionSupportRequired => "extension_required",
        ErrorKind::VersionNotSupported => "unsupported_version",
        ErrorKind::Parse => "malformed_message",
        ErrorKind::MethodNotFound => "unknown_method",
        ErrorKind::InvalidParams => "invalid_params",
        ErrorKind::Unauthenticated => "credential_missing",
        ErrorKind::Forbidden => "scope_missing",
        ErrorKind::RateLimited => "rate_exceeded",
        // Agents say these; Doorward refuses in other words, or with a reason of its own.
        ErrorKind::InvalidRequest
        | ErrorKind::ExtendedAgentCardNotConfigured
        | ErrorKind::InvalidAgentResponse
        | ErrorKind::Internal
        | ErrorKind::Unavailable => "invalid_request",
    }
}
