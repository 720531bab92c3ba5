//! gRPC over HTTP/2 without the HTTP/2: messages with their length before them, and what trailers say
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
//!
//! Messages are not compressed here: `grpc-encoding` is `identity`, and a message that says otherwise is refused. What is
//! in a message is up to [`crate::a2a::proto`].

mod details;
mod frame;
mod status;

#[cfg(test)]
mod tests;

pub use frame::{FrameReader, GrpcError, first_message, frame};
pub use status::Status;
