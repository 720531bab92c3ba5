//! What travels: lossless readers and writers, no I/O.
//!
//! Bytes come in, views and spliced bytes go out. Nothing here opens a socket, keeps a session or decides
//! whether a caller may do something; it only says what a message contains, without losing a byte of it.

pub mod a2a;
pub mod grpc;
pub mod json;
pub mod mcp;
pub mod rpc;
pub mod sse;
