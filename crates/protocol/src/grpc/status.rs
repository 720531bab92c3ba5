//! How a call ended, as trailers say it.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;

use super::details;
use crate::a2a::GrpcCode;

const CODE: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const DETAILS: &str = "grpc-status-details-bin";

/// The most bytes of a message that are sent. Escaped, and once more among the details, they must leave room in the eight
/// kilobytes of headers that many peers take.
const MAX_MESSAGE: usize = 512;
/// The most bytes that are sent as details, before they become base64.
const MAX_DETAILS: usize = 3 * 1024;

/// Values of `-bin` headers are written without padding and read with it too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What kind of end it is.
    pub code: GrpcCode,
    /// For people.
    pub message: String,
    /// For programs: JSON objects as ProtoJSON writes a `google.protobuf.Any`, with the type in `@type`. Types are
    /// `google.rpc.ErrorInfo`, `BadRequest` and `RetryInfo`; others are dropped when read and when written.
    pub details: Vec<Bytes>,
}

impl Status {
    /// An end without details.
    pub fn new(code: GrpcCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new() }
    }

    /// The trailers, with names and values as headers carry them. A long message is cut, and details are left out that do
    /// not fit, so that peers can take the trailers.
    pub fn encode_trailers(&self) -> Vec<(&'static str, String)> {
        let message = &self.message[..self.message.floor_char_boundary(MAX_MESSAGE)];
        let mut trailers = vec![(CODE, self.code.number().to_string())];
        if !message.is_empty() {
            trailers.push((MESSAGE, percent_encode(message)));
        }
        if !self.details.is_empty() {
            let status = details::write(self.code, message, &self.details, MAX_DETAILS);
            trailers.push((DETAILS, BASE64.encode(status)));
        }
        trailers
    }

    /// What trailers say, or headers if there are no trailers. `None` without `grpc-status`. A code that does not exist is
    /// `UNKNOWN`; details that cannot be read are none.
    pub fn from_headers<'a>(get: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Self> {
        let number = std::str::from_utf8(get(CODE)?).ok().and_then(|text| text.parse().ok());
        let code = number.and_then(GrpcCode::of_number).unwrap_or(GrpcCode::Unknown);
        let status = get(DETAILS).and_then(|value| BASE64.decode(value).ok()).unwrap_or_default();
        let (inner, details) = details::read(&status);
        let message = get(MESSAGE).map_or(inner, percent_decode);
        Some(Self { code, message, details })
    }
}

/// Everything but printable ASCII is escaped, and so is the percent sign.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// What is no escape stays as it is, and what is not UTF-8 is replaced: a message is never refused.
fn percent_decode(value: &[u8]) -> String {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escaped = tail.first_chunk().filter(|_| *first == b'%').and_then(|digits| hex(*digits));
        out.push(escaped.unwrap_or(*first));
        if escaped.is_some() {
            rest = tail.get(2..).unwrap_or_default();
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}
