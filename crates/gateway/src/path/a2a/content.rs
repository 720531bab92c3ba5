//! What a request carries: a body, of which the beginning may have been looked at before it is known who sends it.
//!
//! Over gRPC the message itself may say which agent is meant, and with that at whose door it is judged. Only that is
//! looked for, and only at the beginning: a message is read whole, and decoded, once its sender is known.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use doorward_model::Limits;
use doorward_protocol::{
    a2a::{Operation, Version, proto},
    grpc,
};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::super::{Reason, Refusal};

/// How much of a message is looked at for the agent that it names, in bytes. Whoever writes fields by their numbers
/// writes the tenant first.
const LOOKED_AT: usize = 1 << 10;

/// The body of a request.
pub(super) struct Content {
    /// What was looked at, in the order in which it came.
    begun: Bytes,
    rest: Incoming,
}

impl Content {
    /// A body of which nothing was looked at.
    pub(super) const fn of(body: Incoming) -> Self {
        Self { begun: Bytes::new(), rest: body }
    }

    /// The agent that a message of 1.0 names as its tenant, in its first KiB. Reads no further than to where it stands.
    pub(super) async fn tenant(
        &mut self,
        version: Version,
        method: &str,
        limits: &Limits,
    ) -> Result<Option<String>, Refusal> {
        let operation = Operation::of_grpc(method, version).filter(|_| version == Version::V1_0);
        let Some(schema) = operation.and_then(|operation| proto::request(version, operation)) else {
            return Ok(None);
        };
        let looked = tokio::time::timeout(limits.request_time, async {
            loop {
                match look(schema, &self.begun, limits.request_body) {
                    Seen::Tenant(tenant) => return Ok(Some(tenant.to_owned())),
                    Seen::None => return Ok(None),
                    Seen::TooLittle => {}
                }
                if !self.read_on().await? {
                    return Ok(None);
                }
            }
        });
        looked.await.unwrap_or_else(|_| Err(Reason::BodyTimeout.into()))
    }

    /// Reads the next piece. False at the end.
    async fn read_on(&mut self) -> Result<bool, Refusal> {
        let Some(frame) = self.rest.frame().await else { return Ok(false) };
        let Ok(data) = frame.map_err(|_| Reason::BodyBroken)?.into_data() else { return Ok(true) };
        self.begun = if self.begun.is_empty() { data } else { [&self.begun[..], &data].concat().into() };
        Ok(true)
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.begun.is_empty() {
            return Pin::new(&mut self.rest).poll_frame(context);
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.begun)))))
    }

    fn is_end_stream(&self) -> bool {
        self.begun.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, begun) = (self.rest.size_hint(), self.begun.len() as u64);
        // The upper bound first: it may not be below the lower one.
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(begun));
        }
        hint.set_lower(hint.lower().saturating_add(begun));
        hint
    }
}

/// What the beginning of a body says about its tenant.
#[derive(Debug, PartialEq, Eq)]
enum Seen<'b> {
    Tenant(&'b str),
    /// There is none, or not where it is looked for. What is wrong with the message is told to whoever may send it.
    None,
    TooLittle,
}

fn look<'b>(schema: &proto::Schema, begun: &'b [u8], limit: usize) -> Seen<'b> {
    let (message, is_whole) = match grpc::first_message(begun, limit) {
        Ok(Some(first)) => first,
        Ok(None) => return Seen::TooLittle,
        Err(_) => return Seen::None,
    };
    let is_enough = is_whole || message.len() >= LOOKED_AT;
    match proto::peek(schema, "tenant", &message[..message.len().min(LOOKED_AT)]) {
        Ok(Some("")) => Seen::None,
        Ok(Some(tenant)) => Seen::Tenant(tenant),
        Ok(None) | Err(proto::ProtoError::Truncated) if !is_enough => Seen::TooLittle,
        Ok(None) | Err(_) => Seen::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(stream: &[u8]) -> Seen<'_> {
        let schema = proto::request(Version::V1_0, Operation::SendMessage).expect("an operation of 1.0");
        look(schema, stream, 1 << 20)
    }

    #[test]
    fn no_more_is_wanted_than_is_needed() {
        let message = |fields: &[u8]| grpc::frame(fields).to_vec();
        let named = message(b"\x0a\x06helper\x12\x7f");
        assert_eq!(seen(&named[..12]), Seen::TooLittle);
        assert_eq!(seen(&named[..13]), Seen::Tenant("helper"));
        assert_eq!(seen(&named[..4]), Seen::TooLittle);
        assert_eq!(seen(&message(b"")), Seen::None);
        assert_eq!(seen(&message(b"\x12\x7f")), Seen::None, "a message that breaks off");
        assert_eq!(seen(&message(b"\x0a\x00\x0a\x01x")), Seen::None);
        assert_eq!(seen(b"\x01\0\0\0\0"), Seen::None, "compressed");
        assert_eq!(seen(b"\0\xff\xff\xff\xff\x0a\x01x"), Seen::None, "larger than may be");
        // A message before the tenant: as long as it is short.
        let behind = |length: usize| {
            let byte = |number: usize| u8::try_from(number).expect("a byte");
            let mut fields = vec![0x12, byte(length % 128) | 0x80, byte(length / 128)];
            fields.extend(std::iter::repeat_n(0, length));
            fields.extend(b"\x0a\x06helper");
            message(&fields)
        };
        assert_eq!(seen(&behind(900)), Seen::Tenant("helper"));
        assert_eq!(seen(&behind(900)[..800]), Seen::TooLittle);
        assert_eq!(seen(&behind(LOOKED_AT)[..LOOKED_AT + 5]), Seen::None);
    }
}
