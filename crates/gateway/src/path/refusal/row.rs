//! What each refusal is in records, in HTTP and in JSON-RPC, and whose fault: one table.

use doorward_model::Fault;
use doorward_protocol::{mcp::Era, rpc::code};
use http::StatusCode;

use super::{Reason, a2a};

/// One refusal's constants.
pub(super) struct Row {
    pub(super) reason: &'static str,
    pub(super) status: StatusCode,
    pub(super) code: i64,
    pub(super) fault: Fault,
}

impl Reason {
    pub(super) fn row(&self) -> Row {
        let (reason, status, code) = match self {
            Self::HostNotAllowed => ("host_not_allowed", 421, code::SERVER_ERROR),
            Self::OriginNotAllowed => ("origin_not_allowed", 403, code::SERVER_ERROR),
            Self::NotFound | Self::CardElsewhere => ("not_found", 404, code::SERVER_ERROR),
            Self::MethodNotAllowed(_) => ("method_not_allowed", 405, code::SERVER_ERROR),
            Self::CredentialMissing(_) => ("credential_missing", 401, code::SERVER_ERROR),
            Self::CredentialInvalid(_, reason) => (*reason, 401, code::SERVER_ERROR),
            Self::CredentialInQuery(_) => ("credential_in_query", 400, code::SERVER_ERROR),
            Self::CredentialAmbiguous(_) => ("credential_ambiguous", 400, code::SERVER_ERROR),
            Self::ApiKeyUnknown(_) => ("api_key_unknown", 401, code::SERVER_ERROR),
            Self::NotAllowed => ("not_allowed", 404, code::SERVER_ERROR),
            Self::ScopeMissing(..) => ("scope_missing", 403, code::SERVER_ERROR),
            Self::NotAcceptable => ("not_acceptable", 406, code::SERVER_ERROR),
            Self::UnsupportedMediaType => ("unsupported_media_type", 415, code::SERVER_ERROR),
            Self::BodyTooLarge => ("body_too_large", 413, code::INVALID_REQUEST),
            Self::BodyTimeout => ("body_timeout", 408, code::INVALID_REQUEST),
            Self::BodyBroken => ("body_broken", 400, code::INVALID_REQUEST),
            Self::MalformedJson => ("malformed_json", 400, code::PARSE_ERROR),
            Self::TooDeep => ("too_deep", 400, code::INVALID_REQUEST),
            Self::DuplicateKey => ("duplicate_key", 400, code::INVALID_REQUEST),
            Self::NotJsonRpc(_) => ("not_json_rpc", 400, code::INVALID_REQUEST),
            Self::BatchTooLong(_) => ("batch_too_long", 400, code::INVALID_REQUEST),
            Self::NotAPage(_) => ("not_a_page", 406, code::SERVER_ERROR),
            Self::Modern(error) => (modern_reason(error.code), 400, error.code),
            Self::UnknownMethod(Era::Modern) => ("unknown_method", 404, code::METHOD_NOT_FOUND),
            Self::UnknownMethod(Era::Legacy) => ("unknown_method", 200, code::METHOD_NOT_FOUND),
            // Nobody waits for an answer to a notification; it just goes no further.
            Self::UnknownNotification => ("unknown_notification", 202, code::METHOD_NOT_FOUND),
            Self::HiddenName(_) => ("hidden", 200, code::METHOD_NOT_FOUND),
            Self::HiddenUri(Era::Modern, _) => ("hidden", 200, code::INVALID_PARAMS),
            Self::HiddenUri(Era::Legacy, _) => ("hidden", 200, code::RESOURCE_NOT_FOUND),
            Self::InvalidParams(_) => ("invalid_params", 200, code::INVALID_PARAMS),
            Self::HandleInvalid(_) => ("handle_invalid", 200, code::INVALID_PARAMS),
            Self::SessionUnknown => ("session_unknown", 404, code::SESSION_NOT_FOUND),
            Self::SessionMissing => ("session_missing", 400, code::SERVER_ERROR),
            Self::TooManySessions => ("too_many_sessions", 429, code::SERVER_ERROR),
            Self::TooManyStreams => ("too_many_streams", 429, code::SERVER_ERROR),
            Self::RateExceeded(_) => ("rate_exceeded", 429, code::SERVER_ERROR),
            Self::OtherEra(_) => ("other_era", 400, code::SERVER_ERROR),
            Self::Upstream(failure, _) => (failure.reason(), 200, code::INTERNAL_ERROR),
            Self::NotConnected(missing) => (missing.reason(), 200, code::SERVER_ERROR),
            Self::A2a(failure) => (a2a::reason(failure.kind), 200, failure.json_rpc_code()),
            Self::Agent(failure, _) => (failure.reason(), 200, failure.kind().json_rpc()),
            Self::AgentNotNamed => ("agent_not_named", 400, code::INVALID_PARAMS),
            Self::NotGrpc => ("not_grpc", 400, code::INVALID_REQUEST),
            Self::DelegationLoop => ("delegation_loop", 200, code::INVALID_REQUEST),
            Self::DelegationTooDeep(_) => ("delegation_too_deep", 200, code::INVALID_REQUEST),
            Self::TooManyTasks(..) => ("too_many_tasks", 429, code::SERVER_ERROR),
            Self::TooManyDeliveries => ("too_many_deliveries", 429, code::SERVER_ERROR),
            Self::NotAnEvent => ("not_an_event", 400, code::INVALID_REQUEST),
            Self::Internal => ("internal", 500, code::INTERNAL_ERROR),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Row { reason, status, code, fault: self.fault() }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Upstream(failure, _) | Self::Agent(failure, _) => failure.fault(),
            Self::Internal => Fault::Gateway,
            _ => Fault::Caller,
        }
    }
}

fn modern_reason(code: i64) -> &'static str {
    match code {
        code::HEADER_MISMATCH => "header_mismatch",
        code::MISSING_CAPABILITY => "capability_missing",
        code::UNSUPPORTED_VERSION => "unsupported_version",
        _ => "meta_missing",
    }
}
