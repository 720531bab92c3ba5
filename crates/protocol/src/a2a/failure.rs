//! An error on its way from an agent, or from Doorward, to a caller: told by any binding, said on any binding
//! (A2A 1.0.1 sections 5.4, 9.5, 10.6, 11.6).

use std::borrow::Cow;

use super::{ErrorKind, GrpcCode, Operation};
use crate::{
    json::{Object, Value, quote},
    rpc,
};

/// The domain of every `ErrorInfo` of A2A.
const DOMAIN: &str = "a2a-protocol.org";
/// How `ErrorInfo` is named in details.
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";
/// Most details of one error.
const MAX_DETAILS: usize = 16;

/// An error with what every binding needs to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub kind: ErrorKind,
    /// For people.
    pub message: String,
    /// Details besides `ErrorInfo`: JSON texts of objects with an `@type`.
    pub details: Vec<String>,
    /// JSON text of the `metadata` of its `ErrorInfo`.
    pub metadata: Option<String>,
    /// The JSON-RPC code of an error that is none of A2A's.
    pub foreign_code: Option<i64>,
}

impl Failure {
    /// An error without details.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new(), metadata: None, foreign_code: None }
    }

    /// Names the field that is wrong, as `google.rpc.BadRequest` (section 3.3.2).
    pub fn invalid(field: &str, description: &str) -> Self {
        let detail = format!(
            r#"{{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{{"field":{},"description":{}}}]}}"#,
            quote(field),
            quote(description)
        );
        let names_it = field.is_empty() || description.starts_with(&format!("`{field}`"));
        let message = if names_it { description.to_owned() } else { format!("{field}: {description}") };
        let mut failure = Self::new(ErrorKind::InvalidParams, message);
        failure.details.push(detail);
        failure
    }

    /// What a JSON-RPC `error` says: by its `ErrorInfo` first, by its code second.
    pub fn of_json_rpc(error: Object<'_>) -> Self {
        let code = error.get("code").and_then(Value::as_i64);
        let mut failure = Self::told(error.get("message"), error.get("data"));
        if let Some(kind) = failure.read_details(error.get("data")) {
            failure.kind = kind;
            return failure;
        }
        match code.and_then(ErrorKind::of_json_rpc) {
            Some(kind) => failure.kind = kind,
            None => failure.foreign_code = code,
        }
        failure
    }

    /// What an HTTP+JSON error says: by its `ErrorInfo` first, by its status second.
    pub fn of_http(operation: Operation, status: u16, body: Option<Object<'_>>) -> Self {
        let error = body.and_then(|body| body.get("error")).and_then(Value::as_object);
        let get = |name| error.and_then(|error| error.get(name));
        let mut failure =
            Self::told(get("message").or_else(|| body.and_then(|body| body.get("detail"))), None);
        let told = failure.read_details(get("details"));
        let named = get("status").and_then(Value::as_str).and_then(|name| GrpcCode::of_name(&name));
        failure.kind = told.unwrap_or_else(|| match named {
            Some(code) if code != GrpcCode::InvalidArgument => of_grpc_code(operation, code),
            _ => of_http_status(operation, status),
        });
        failure
    }

    /// What a gRPC status says: by its `ErrorInfo` first, by its code second.
    pub fn of_grpc<'d>(
        operation: Operation,
        code: GrpcCode,
        message: &str,
        details: impl IntoIterator<Item = Object<'d>>,
    ) -> Self {
        let mut failure = Self::new(of_grpc_code(operation, code), message);
        let told: Vec<_> = details.into_iter().filter_map(|detail| failure.read_detail(detail)).collect();
        if let Some(kind) = told.first() {
            failure.kind = *kind;
        }
        failure
    }

    fn told(message: Option<Value<'_>>, data: Option<Value<'_>>) -> Self {
        // Peers of 0.3 put the particulars into `data` as a text.
        let text = |value: Option<Value<'_>>| value.and_then(Value::as_str).map(Cow::into_owned);
        let message =
            text(message).or_else(|| text(data)).unwrap_or_else(|| "the agent answered with an error".into());
        Self::new(ErrorKind::Internal, message)
    }

    fn read_details(&mut self, details: Option<Value<'_>>) -> Option<ErrorKind> {
        let details = details.and_then(Value::as_array)?;
        let mut kind = None;
        for detail in details.iter().take(MAX_DETAILS).filter_map(Value::as_object) {
            kind = kind.or(self.read_detail(detail));
        }
        kind
    }

    /// Takes one detail in. An `ErrorInfo` of A2A says what the error is.
    fn read_detail(&mut self, detail: Object<'_>) -> Option<ErrorKind> {
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        let kind = text("@type")?;
        if kind != ERROR_INFO {
            self.details.push(String::from_utf8_lossy(detail.value().raw()).into_owned());
            return None;
        }
        let known = text("reason").and_then(|reason| ErrorKind::of_reason(&reason));
        if known.is_some() {
            let metadata = detail.get("metadata").filter(|value| value.as_object().is_some());
            self.metadata = metadata.map(|value| String::from_utf8_lossy(value.raw()).into_owned());
        }
        known
    }

    /// All details as JSON texts, `ErrorInfo` first: it is always there (section 3.3.2).
    pub fn all_details(&self) -> Vec<String> {
        let metadata =
            self.metadata.as_deref().map(|text| format!(r#","metadata":{text}"#)).unwrap_or_default();
        let info = format!(
            r#"{{"@type":"{ERROR_INFO}","reason":"{}","domain":"{DOMAIN}"{metadata}}}"#,
            self.kind.reason()
        );
        std::iter::once(info).chain(self.details.iter().cloned()).collect()
    }

    /// The code on JSON-RPC.
    pub fn json_rpc_code(&self) -> i64 {
        self.foreign_code.unwrap_or(self.kind.json_rpc())
    }

    /// A JSON-RPC response.
    pub fn json_rpc(&self, id: Option<&[u8]>) -> Vec<u8> {
        let data = format!("[{}]", self.all_details().join(","));
        rpc::error_response(id, self.json_rpc_code(), &self.message, Some(&data))
    }

    /// The body of an HTTP+JSON error, and of the event that stands for one: `google.rpc.Status`.
    pub fn http(&self, status: u16) -> Vec<u8> {
        format!(
            r#"{{"error":{{"code":{status},"status":"{}","message":{},"details":[{}]}}}}"#,
            self.kind.grpc().name(),
            quote(&self.message),
            self.all_details().join(",")
        )
        .into_bytes()
    }
}

/// What a code of gRPC stands for, in the table of 1.0.0 or of 1.0.1, when nothing else says it.
fn of_grpc_code(operation: Operation, code: GrpcCode) -> ErrorKind {
    match code {
        GrpcCode::NotFound => ErrorKind::TaskNotFound,
        GrpcCode::FailedPrecondition | GrpcCode::Unimplemented => of_precondition(operation),
        GrpcCode::InvalidArgument | GrpcCode::OutOfRange => ErrorKind::InvalidParams,
        GrpcCode::ResourceExhausted => ErrorKind::RateLimited,
        GrpcCode::Unauthenticated => ErrorKind::Unauthenticated,
        GrpcCode::PermissionDenied => ErrorKind::Forbidden,
        GrpcCode::Unavailable | GrpcCode::DeadlineExceeded => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    }
}

/// What an HTTP status stands for, in either table, when nothing else says it.
fn of_http_status(operation: Operation, status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 if operation.sends() || operation == Operation::ListTasks => ErrorKind::MethodNotFound,
        404 => ErrorKind::TaskNotFound,
        409 => ErrorKind::TaskNotCancelable,
        415 => ErrorKind::ContentTypeNotSupported,
        429 => ErrorKind::RateLimited,
        501 => of_precondition(operation),
        502 => ErrorKind::InvalidAgentResponse,
        503 | 504 => ErrorKind::Unavailable,
        400 | 422 => ErrorKind::InvalidParams,
        _ => ErrorKind::Internal,
    }
}

/// Six errors share one code; the operation tells which is meant.
fn of_precondition(operation: Operation) -> ErrorKind {
    match operation {
        Operation::CancelTask => ErrorKind::TaskNotCancelable,
        Operation::GetExtendedAgentCard => ErrorKind::ExtendedAgentCardNotConfigured,
        operation if operation.is_push() => ErrorKind::PushNotificationNotSupported,
        _ => ErrorKind::UnsupportedOperation,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::json::Document;

    fn document(text: &str) -> Document {
        Document::parse(Bytes::copy_from_slice(text.as_bytes()), 32).expect("JSON")
    }

    fn of_json_rpc(text: &str) -> Failure {
        Failure::of_json_rpc(document(text).root().as_object().expect("an object"))
    }

    #[test]
    fn the_reason_counts_before_the_code() {
        let info =
            |reason: &str| format!(r#"{{"@type":"{ERROR_INFO}","reason":"{reason}","domain":"{DOMAIN}"}}"#);
        let text = format!(r#"{{"code":-32603,"message":"m","data":[{}]}}"#, info("TASK_NOT_FOUND"));
        assert_eq!(of_json_rpc(&text).kind, ErrorKind::TaskNotFound);
        assert_eq!(of_json_rpc(r#"{"code":-32004,"message":"m"}"#).kind, ErrorKind::UnsupportedOperation);
        let foreign = of_json_rpc(r#"{"code":-32077,"message":"m","data":[{"@type":"x","a":1}]}"#);
        assert_eq!((foreign.kind, foreign.json_rpc_code()), (ErrorKind::Internal, -32077));
        assert_eq!(foreign.details, [r#"{"@type":"x","a":1}"#]);
        assert_eq!(of_json_rpc(r#"{"code":"?"}"#).kind, ErrorKind::Internal);
    }

    #[test]
    fn a_field_is_named_once() {
        let message = |field: &str, description: &str| Failure::invalid(field, description).message;
        assert_eq!(message("message.parts", "is required"), "message.parts: is required");
        assert_eq!(
            message("message.messageId", "`message.messageId` is missing"),
            "`message.messageId` is missing"
        );
        assert_eq!(message("", "the payload must be an object"), "the payload must be an object");
    }

    #[test]
    fn both_tables_are_understood() {
        use Operation as O;
        for (operation, status, kind) in [
            (O::GetTask, 404, ErrorKind::TaskNotFound),
            (O::CancelTask, 409, ErrorKind::TaskNotCancelable),
            (O::SendMessage, 415, ErrorKind::ContentTypeNotSupported),
            (O::SendMessage, 502, ErrorKind::InvalidAgentResponse),
            (O::SendMessage, 500, ErrorKind::Internal),
        ] {
            assert_eq!(Failure::of_http(operation, status, None).kind, kind, "{status}");
        }
        for (operation, code, kind) in [
            (O::CreatePushConfig, GrpcCode::Unimplemented, ErrorKind::PushNotificationNotSupported),
            (O::CancelTask, GrpcCode::FailedPrecondition, ErrorKind::TaskNotCancelable),
            (O::SubscribeToTask, GrpcCode::Unimplemented, ErrorKind::UnsupportedOperation),
            (
                O::GetExtendedAgentCard,
                GrpcCode::FailedPrecondition,
                ErrorKind::ExtendedAgentCardNotConfigured,
            ),
        ] {
            assert_eq!(Failure::of_grpc(operation, code, "m", []).kind, kind, "{code:?}");
        }
        let body = document(r#"{"error":{"code":400,"status":"FAILED_PRECONDITION","message":"done"}}"#);
        let failure = Failure::of_http(O::CancelTask, 400, body.root().as_object());
        assert_eq!((failure.kind, failure.message.as_str()), (ErrorKind::TaskNotCancelable, "done"));
    }

    #[test]
    fn every_error_survives_a_journey_over_each_binding() {
        for kind in ErrorKind::ALL {
            let mut failure = Failure::new(kind, "what \"happened\"");
            failure.metadata = Some(r#"{"taskId":"t"}"#.to_owned());
            let text = document(std::str::from_utf8(&failure.json_rpc(Some(b"1"))).expect("UTF-8"));
            let error = text.root().as_object().and_then(|root| root.get("error")).and_then(Value::as_object);
            assert_eq!(Failure::of_json_rpc(error.expect("an error")), failure);
            let text = document(std::str::from_utf8(&failure.http(kind.http())).expect("UTF-8"));
            assert_eq!(Failure::of_http(Operation::GetTask, kind.http(), text.root().as_object()), failure);
            let details: Vec<_> = failure.all_details().iter().map(|detail| document(detail)).collect();
            let details = details.iter().filter_map(|detail| detail.root().as_object());
            assert_eq!(Failure::of_grpc(Operation::GetTask, kind.grpc(), &failure.message, details), failure);
        }
    }
}
