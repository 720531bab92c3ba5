//! What goes back to the client: a status, headers, and a body that closes the record when it ends.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hyper::{
    Response,
    body::{Body as HttpBody, Frame, SizeHint},
};

use super::{a2a, admit::CrossOrigin, batch::Answers, record::OpenRecord, relay::Relay, together::Together};

/// An answer before it is sent.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
    /// What follows the body, on HTTP/2.
    pub(crate) trailers: Option<HeaderMap>,
}

/// Whole, or event by event.
pub(crate) enum Content {
    Whole(Bytes),
    Events(Box<Relay>),
    Batch(Box<Answers>),
    Agent(Box<a2a::Relay>),
}

/// The body that hyper sends.
pub(crate) enum Body {
    Whole(Option<Bytes>),
    /// With trailers, perhaps.
    Frames(Together),
}

impl Answer {
    /// A whole answer of a content type.
    pub(crate) fn whole(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, content: Content::Whole(body.into()), trailers: None }
    }

    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), content: Content::Whole(Bytes::new()), trailers: None }
    }

    /// An answer in JSON.
    pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::whole(status, "application/json", body)
    }

    /// An answer event by event.
    pub(super) fn events(content: Content) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Self { status: StatusCode::OK, headers, content, trailers: None }
    }

    /// A whole answer to what leaves no record.
    pub(crate) fn send_unrecorded(self) -> Response<Body> {
        let body = match self.content {
            Content::Whole(bytes) => Some(bytes),
            Content::Events(_) | Content::Batch(_) | Content::Agent(_) => None,
        };
        let mut response = Response::new(Body::Whole(body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    /// Closes the record, or hands it to the stream, and makes the response.
    pub(super) async fn send(self, mut record: OpenRecord, cross_origin: &CrossOrigin) -> Response<Body> {
        let status = self.status;
        record.head(status);
        let body = match self.content {
            Content::Whole(bytes) => {
                record.sent(bytes.len());
                record.close().await;
                match self.trailers {
                    None => Body::Whole(Some(bytes)),
                    Some(trailers) => {
                        let frames = [Frame::data(bytes), Frame::trailers(trailers)];
                        Body::Frames(Together::new(stream::iter(frames)))
                    }
                }
            }
            Content::Events(relay) => Body::Frames(Together::new(relay.into_stream(record).map(Frame::data))),
            Content::Batch(answers) => {
                Body::Frames(Together::new(answers.into_stream(record).map(Frame::data)))
            }
            Content::Agent(relay) => Body::Frames(Together::new(relay.into_stream(record))),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = self.headers;
        cross_origin.apply(response.headers_mut());
        response
    }
}

/// The answer when no record can be opened: nothing crosses unrecorded.
pub(super) fn unrecorded() -> Response<Body> {
    let mut response = Response::new(Body::Whole(Some(Bytes::from_static(b"records are not being written"))));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Frames(frames) => frames.poll_frame(context).map(|next| next.map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Frames(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Frames(_) => SizeHint::default(),
        }
    }
}
