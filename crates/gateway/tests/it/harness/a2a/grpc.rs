//! A small gRPC client: HTTP/2 in clear, one call on each connection, messages written from JSON.

use std::{collections::VecDeque, convert::Infallible};

use bytes::Bytes;
use doorward_protocol::{
    a2a::{Operation, Version as ProtoVersion, proto},
    grpc::{FrameReader, frame},
    json::Document,
};
use doorward_testkit::agent::{Binding, Version};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};

use super::{Failed, Said, dialect};
use crate::harness::{Answer, Gateway, PATIENCE};

/// Most bytes of a message.
const LARGEST: usize = 64 << 20;

/// A call that is being put together.
#[derive(Clone)]
pub(crate) struct GrpcCall<'g> {
    gateway: &'g Gateway,
    version: Version,
    operation: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    /// Whether more is promised than comes.
    goes_on: bool,
}

/// The messages of a call that is being answered. Dropping it closes the connection.
pub(crate) struct GrpcFeed<'g> {
    gateway: &'g Gateway,
    version: Version,
    operation: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Incoming,
    frames: FrameReader,
    ended: bool,
    messages: VecDeque<Bytes>,
    connection: JoinHandle<()>,
}

fn proto_version(version: Version) -> ProtoVersion {
    match version {
        Version::V1_0 => ProtoVersion::V1_0,
        Version::V0_3 => ProtoVersion::V0_3,
    }
}

fn operation(name: &str) -> Operation {
    Operation::ALL.into_iter().find(|operation| operation.name() == name).unwrap()
}

/// The response message of an operation, as protobuf.
pub(crate) fn encode(version: Version, name: &str, json: &Value) -> Bytes {
    let schema = proto::response(proto_version(version), operation(name)).unwrap();
    let document = Document::parse(json.to_string().into(), 100).unwrap();
    proto::encode(schema, document.root()).unwrap().into()
}

/// The response message of an operation, as JSON.
pub(crate) fn decode(version: Version, name: &str, message: &[u8]) -> Value {
    let schema = proto::response(proto_version(version), operation(name)).unwrap();
    let limits = proto::Limits { depth: 100, bytes: LARGEST };
    serde_json::from_slice(&proto::decode(schema, message, limits).unwrap()).unwrap()
}

/// The request message of an operation, as JSON: what an agent was asked over gRPC.
pub(crate) fn decode_request(version: Version, name: &str, message: &[u8]) -> Value {
    let schema = proto::request(proto_version(version), operation(name)).unwrap();
    let limits = proto::Limits { depth: 100, bytes: LARGEST };
    serde_json::from_slice(&proto::decode(schema, message, limits).unwrap()).unwrap()
}

impl<'g> GrpcCall<'g> {
    /// A call of this operation with a request message that is written as JSON.
    pub(crate) fn of(gateway: &'g Gateway, version: Version, name: &str, json: &Value) -> Self {
        let (proto_version, operation) = (proto_version(version), operation(name));
        let schema = proto::request(proto_version, operation);
        // 0.3 has no lists: the call names a method that is not there.
        let method = operation.grpc(proto_version).unwrap_or(name);
        let document = Document::parse(json.to_string().into(), 100).unwrap();
        let body = schema.map(|schema| proto::encode(schema, document.root()).unwrap()).unwrap_or_default();
        Self {
            gateway,
            version,
            operation: name.to_owned(),
            path: format!("/{}/{method}", proto::service(proto_version)),
            headers: vec![
                ("content-type".to_owned(), "application/grpc".to_owned()),
                ("te".to_owned(), "trailers".to_owned()),
            ],
            body: frame(&body),
            goes_on: false,
        }
    }

    /// With only the beginning of the framed message, and never the end.
    pub(crate) fn only(mut self, bytes: usize) -> Self {
        self.body.truncate(bytes);
        self.goes_on = true;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With these bytes in place of the framed message.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// At another path.
    pub(crate) fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Calls and reads everything.
    pub(crate) async fn send(self) -> Answer {
        let mut feed = self.open().await;
        let mut last = None;
        while let Some(message) = feed.message().await {
            assert!(last.is_none(), "a unary answer is one message");
            last = Some(message);
        }
        let body = last.map(|message| decode(feed.version, &feed.operation, &message).to_string());
        let body = Bytes::from(body.unwrap_or_default());
        Answer { status: feed.status, headers: std::mem::take(&mut feed.headers), body, cut: false }
    }

    /// Calls and reads the head of the answer.
    pub(crate) async fn open(self) -> GrpcFeed<'g> {
        self.note();
        let stream = TcpStream::connect(self.gateway.authority()).await.unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let rest = if self.goes_on { stream::pending().boxed() } else { stream::empty().boxed() };
        let body = stream::iter([Ok::<_, Infallible>(Frame::data(self.body))]).chain(rest);
        let mut request = Request::post(format!("{}{}", self.gateway.url(), self.path))
            .body(StreamBody::new(body))
            .unwrap();
        for (name, value) in &self.headers {
            let (name, value): (http::HeaderName, http::HeaderValue) =
                (name.parse().unwrap(), value.parse().unwrap());
            request.headers_mut().append(name, value);
        }
        let response =
            timeout(PATIENCE, sender.send_request(request)).await.expect("an answer comes").unwrap();
        let (parts, body) = response.into_parts();
        let mut feed = GrpcFeed {
            gateway: self.gateway,
            version: self.version,
            operation: self.operation,
            status: parts.status.as_u16(),
            headers: Vec::new(),
            body,
            frames: FrameReader::new(LARGEST),
            ended: false,
            messages: VecDeque::new(),
            connection,
        };
        feed.take(&parts.headers);
        feed
    }

    fn note(&self) {
        self.gateway.expect_record(&format!("POST {}", self.path));
        for (name, value) in &self.headers {
            if matches!(name.as_str(), "authorization" | "cookie" | "x-api-key") {
                let parts = value.split(' ').filter(|part| part.len() >= 8);
                parts.for_each(|part| self.gateway.plant_callers(part));
            }
        }
    }
}

impl GrpcFeed<'_> {
    /// The fields of the head, and of the trailers once they came.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    fn take(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            self.gateway.heard(format!("{name}: {value}\n").as_bytes());
            self.headers.push((name.to_string(), value));
        }
    }

    /// The next message, as protobuf.
    pub(crate) async fn message(&mut self) -> Option<Bytes> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(message);
            }
            if self.ended {
                return None;
            }
            let next = timeout(PATIENCE, self.body.frame()).await.expect("the answer goes on");
            match next {
                None => self.ended = true,
                Some(Err(error)) => panic!("the stream broke: {error}"),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.gateway.heard(&data);
                        self.frames.push(data);
                        while let Some(message) = self.frames.next_message().unwrap() {
                            self.messages.push_back(message);
                        }
                    }
                    Err(frame) => {
                        if let Ok(trailers) = frame.into_trailers() {
                            self.take(&trailers);
                        }
                    }
                },
            }
        }
    }

    /// The next event, or the error that ends the call; none at a good end.
    pub(crate) async fn next(&mut self) -> Option<Result<Said, Failed>> {
        if let Some(message) = self.message().await {
            let json = decode(self.version, &self.operation, &message);
            return Some(Ok(Said::read(dialect((Binding::Grpc, self.version)), &json)));
        }
        let headers = std::mem::take(&mut self.headers);
        if headers.is_empty() {
            return None;
        }
        let answer = Answer { status: self.status, headers, body: Bytes::new(), cut: false };
        assert!(answer.header("grpc-status").is_some(), "a call of gRPC ends with a status");
        Failed::of_answer((Binding::Grpc, self.version), &answer).map(Err)
    }
}

impl Drop for GrpcFeed<'_> {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
