//! What an agent answers, whichever binding carries it: one message here, the events of a stream in [`stream`].

mod stream;

use std::time::Duration;

use bytes::Bytes;
use doorward_egress::{BodyError, read_capped};
use doorward_model::Binding;
use doorward_protocol::{
    a2a::{ErrorKind, Failure, Operation},
    json::Document,
    rpc::Reply,
};
use http::{HeaderMap, Response, header};
use hyper::body::Incoming;

pub(super) use stream::{Cut, Piece, Source};

use super::{
    super::{Refusal, refusal::UpstreamFailure},
    send::{Talk, failed},
};

/// A unary answer.
pub(super) enum Heard {
    /// The result, in the interface's dialect, and the whole JSON-RPC message that it stands in, if it answers ours.
    Result(Document, Option<Bytes>),
    /// An error of the agent's.
    Error(Failure),
}

impl Talk {
    /// Reads a unary answer whole.
    pub(super) async fn hear(
        &self,
        operation: Operation,
        response: Response<Incoming>,
    ) -> Result<Heard, Refusal> {
        match self.interface.binding {
            Binding::JsonRpc => self.hear_json_rpc(response).await,
            Binding::HttpJson => self.hear_http_json(operation, response).await,
            Binding::Grpc => self.hear_grpc(operation, response).await,
        }
    }

    async fn hear_json_rpc(&self, response: Response<Incoming>) -> Result<Heard, Refusal> {
        let status = response.status();
        let is_json = media(response.headers()).is_some_and(|media| media == "application/json");
        if !is_json && !status.is_success() {
            return Err(failed(&self.call, UpstreamFailure::Status(status.as_u16())));
        }
        let text = self.read(response.into_body()).await?;
        let message = self.parse(text)?;
        match Reply::read(&message) {
            Ok(Reply::Error(error)) => self.judged(Failure::of_json_rpc(error)).map(Heard::Error),
            Ok(Reply::Result(result)) => {
                let is_ours = Reply::answers(&message, &self.call.face.rpc_id());
                let whole = is_ours.then(|| message.bytes().clone());
                Ok(Heard::Result(result.to_document(&message), whole))
            }
            Err(_) if !status.is_success() => {
                Err(failed(&self.call, UpstreamFailure::Status(status.as_u16())))
            }
            Err(wrong) => Err(self.invalid(wrong.to_string())),
        }
    }

    async fn hear_http_json(
        &self,
        operation: Operation,
        response: Response<Incoming>,
    ) -> Result<Heard, Refusal> {
        let status = response.status();
        let text = self.read(response.into_body()).await?;
        if status.is_success() {
            let text = if text.is_empty() { Bytes::from_static(b"{}") } else { text };
            return Ok(Heard::Result(self.parse(text)?, None));
        }
        let body = self.parse(text).ok();
        let body = body.as_ref().and_then(|body| body.root().as_object());
        // A page of something in between is no error of the agent's.
        if body.is_none_or(|body| body.get("error").is_none()) && status.is_server_error() {
            return Err(failed(&self.call, UpstreamFailure::Status(status.as_u16())));
        }
        self.judged(Failure::of_http(operation, status.as_u16(), body)).map(Heard::Error)
    }

    async fn hear_grpc(&self, operation: Operation, response: Response<Incoming>) -> Result<Heard, Refusal> {
        let mut source = self.listen(operation, response)?;
        let limit = self.call.agent.agent.timeout;
        let mut said = None;
        let read = tokio::time::timeout(limit, async {
            while let Some(piece) = source.next().await? {
                match piece {
                    Piece::Said(document, _) => said = Some(document),
                    Piece::Error(failure) => return Ok(Some(failure)),
                }
            }
            Ok(None)
        });
        match read.await {
            Err(_) => Err(failed(&self.call, UpstreamFailure::Timeout)),
            Ok(Err(Cut(failure, detail))) => Err(failed(&self.call, failure).detail(detail)),
            Ok(Ok(Some(failure))) => self.judged(failure).map(Heard::Error),
            Ok(Ok(None)) => {
                let said = said.ok_or_else(|| self.invalid("an answer without a message"))?;
                Ok(Heard::Result(said, None))
            }
        }
    }

    /// An error that the agent answers. That it does not take our credential is not for the caller to mend.
    pub(super) fn judged(&self, failure: Failure) -> Result<Failure, Refusal> {
        match failure.kind {
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => {
                Err(failed(&self.call, UpstreamFailure::Unauthorized).detail(failure.message))
            }
            _ => Ok(failure),
        }
    }

    async fn read(&self, body: Incoming) -> Result<Bytes, Refusal> {
        let limit: Duration = self.call.agent.agent.timeout;
        let most = self.call.agent.entrance.limits.response_body;
        match tokio::time::timeout(limit, read_capped(body, most)).await {
            Err(_) => Err(failed(&self.call, UpstreamFailure::Timeout)),
            Ok(Err(BodyError::TooLarge(_))) => Err(failed(&self.call, UpstreamFailure::TooLarge)),
            Ok(Err(BodyError::Broken)) => Err(failed(&self.call, UpstreamFailure::Broken)),
            Ok(Ok(text)) => Ok(text),
        }
    }

    fn parse(&self, text: Bytes) -> Result<Document, Refusal> {
        Document::parse(text, self.call.agent.entrance.limits.depth)
            .map_err(|error| self.invalid(error.to_string()))
    }

    /// The agent sent something that is not a valid answer.
    pub(super) fn invalid(&self, detail: impl Into<String>) -> Refusal {
        failed(&self.call, UpstreamFailure::Invalid).detail(detail)
    }
}

fn media(headers: &HeaderMap) -> Option<String> {
    // Nothing was asked to be compressed: what is compressed all the same cannot be examined.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return None;
    }
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether an answer is a stream of events.
pub(super) fn is_stream(response: &Response<Incoming>) -> bool {
    media(response.headers())
        .is_some_and(|media| media == "text/event-stream" || media.starts_with("application/grpc"))
}
