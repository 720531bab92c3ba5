//! The agent's side of gRPC: keeps every message, and sends the messages and trailers of the script.
//!
//! It knows frames and trailers only. What is in a message is the test's business: the bytes come from the schema that the
//! test uses.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use tokio::net::TcpListener;

use super::{Asked, Binding, Fault, Shared, Version};
use crate::{
    listen,
    recorder::{Fate, Recorded},
};

const LARGEST: usize = 64 * 1024 * 1024;
/// Bytes before every message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Messages and trailers of one call.
#[derive(Debug, Clone, Default)]
pub struct GrpcReply {
    messages: Vec<Bytes>,
    trailers: Vec<(String, String)>,
    every: Option<Duration>,
    hold: bool,
}

impl GrpcReply {
    /// These messages, and status 0.
    pub fn of(messages: impl IntoIterator<Item = Bytes>) -> Self {
        Self { messages: messages.into_iter().collect(), ..Self::default() }.trailer("grpc-status", "0")
    }

    /// No message, and this status.
    pub fn status(code: u8, message: &str) -> Self {
        Self::default().trailer("grpc-status", &code.to_string()).trailer("grpc-message", message)
    }

    /// With this trailer; of several of one name the last holds.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.retain(|(known, _)| known != name);
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without any trailer: the stream just ends.
    #[must_use]
    pub fn without_trailers(mut self) -> Self {
        self.trailers.clear();
        self
    }

    /// With a pause between the messages.
    #[must_use]
    pub fn every(mut self, pause: Duration) -> Self {
        self.every = Some(pause);
        self
    }

    /// Stays open after the last message, until the client leaves.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    fn into_body(self, watch: Watch) -> UnsyncBoxBody<Bytes, Infallible> {
        let mut frames: Vec<Frame<Bytes>> =
            self.messages.iter().map(|message| Frame::data(framed(message))).collect();
        if !self.trailers.is_empty() && !self.hold {
            frames.push(Frame::trailers(fields(&self.trailers)));
        }
        let (every, hold) = (self.every, self.hold);
        let sent = stream::iter(frames.into_iter().enumerate()).then(move |(index, frame)| async move {
            if let Some(pause) = every.filter(|_| index > 0) {
                tokio::time::sleep(pause).await;
            }
            Ok(frame)
        });
        let end = stream::once(async move {
            if hold {
                std::future::pending::<()>().await;
            }
            watch.answered();
        });
        let nothing_more = end.filter_map(|()| async { None });
        UnsyncBoxBody::new(StreamBody::new(sent.chain(nothing_more)))
    }
}

/// Says what became of a call: whoever goes away before the end drops it.
struct Watch {
    shared: Arc<Shared>,
    number: usize,
    fate: Fate,
}

impl Watch {
    fn answered(mut self) {
        self.fate = Fate::Answered;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.seen.settle(self.number, self.fate);
    }
}

/// Serves gRPC in clear for as long as the future is polled.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    // A port that fails ends the agent's gRPC, and the test sees that nobody answers.
    let _: io::Result<()> = listen::serve(listener, service).await;
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> io::Result<Response<UnsyncBoxBody<Bytes, Infallible>>> {
    let (parts, body) = request.into_parts();
    #[expect(clippy::disallowed_methods, reason = "capped by `Limited`")]
    let body = Limited::new(body, LARGEST).collect().await.map_err(io::Error::other)?.to_bytes();
    let message = if body.len() < PREFIX { Bytes::new() } else { body.slice(PREFIX..) };
    let target = parts.uri.path().to_owned();
    let headers = parts.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers: Vec<(String, String)> = headers.collect();
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let head = format!("{} {target}\r\n{}", parts.method, lines.collect::<String>());
    let method = parts.method.to_string();
    let recorded = Recorded { method, target, headers, head: head.into(), body: message, connection: 0 };
    let asked = understood(recorded);
    let scripted = shared.lock().scripted(&asked.operation);
    let unknown = || GrpcReply::status(Fault::METHOD_NOT_FOUND.grpc(), "there is no script for it");
    let reply = scripted.map_or_else(unknown, super::Answer::grpc_reply);
    let number = shared.seen.add(asked);
    let watch = Watch { shared, number, fate: Fate::ClientGone };
    let mut response = Response::new(reply.into_body(watch));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// The operation of a path as `/lf.a2a.v1.A2AService/SendMessage`.
fn understood(recorded: Recorded) -> Asked {
    let (service, method) = recorded.target.trim_start_matches('/').split_once('/').unwrap_or_default();
    let version = if service == "a2a.v1.A2AService" { Version::V0_3 } else { Version::V1_0 };
    let operation = match (version, method) {
        (Version::V0_3, "TaskSubscription") => "SubscribeToTask",
        (Version::V0_3, "ListTaskPushNotificationConfig") => "ListTaskPushNotificationConfigs",
        (Version::V0_3, "GetAgentCard") => "GetExtendedAgentCard",
        _ => method,
    }
    .to_owned();
    Asked::new(&operation, Binding::Grpc, version, recorded)
}

fn framed(message: &Bytes) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + PREFIX);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(message);
    frame.freeze()
}

fn fields(trailers: &[(String, String)]) -> HeaderMap {
    let valid = trailers.iter().filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    valid.collect()
}
