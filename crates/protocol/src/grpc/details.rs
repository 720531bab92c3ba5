//! `google.rpc.Status` with the three details that say more of an error
//! (<https://github.com/googleapis/googleapis/tree/master/google/rpc>). Details of other types are dropped, both ways.

use bytes::Bytes;

use crate::{
    a2a::{
        GrpcCode,
        proto::{
            DURATION, Limits, STRING, Schema, decode, encode, field, message,
            wire::{self, DELIMITED, Fields, Payload, VARINT},
        },
    },
    json::Document,
};

/// What is before the name of a type in an `Any`.
const TYPE_PREFIX: &str = "type.googleapis.com/";

/// What one detail may measure as JSON: more than a peer's trailers have room for.
const LIMITS: Limits = Limits { depth: 8, bytes: 64 * 1024 };

pub(super) static TYPES: [(&str, &Schema); 3] = [
    ("google.rpc.ErrorInfo", &ERROR_INFO),
    ("google.rpc.BadRequest", &BAD_REQUEST),
    ("google.rpc.RetryInfo", &RETRY_INFO),
];

static ERROR_INFO: Schema = Schema::new(
    "ErrorInfo",
    &[
        field(1, "reason", "reason", STRING),
        field(2, "domain", "domain", STRING),
        field(3, "metadata", "metadata", STRING).map(),
    ],
);

static BAD_REQUEST: Schema = Schema::new(
    "BadRequest",
    &[field(1, "field_violations", "fieldViolations", message(&FIELD_VIOLATION)).repeated()],
);

static FIELD_VIOLATION: Schema = Schema::new(
    "FieldViolation",
    &[
        field(1, "field", "field", STRING),
        field(2, "description", "description", STRING),
        field(3, "reason", "reason", STRING),
        field(4, "localized_message", "localizedMessage", message(&LOCALIZED_MESSAGE)),
    ],
);

static LOCALIZED_MESSAGE: Schema = Schema::new(
    "LocalizedMessage",
    &[field(1, "locale", "locale", STRING), field(2, "message", "message", STRING)],
);

static RETRY_INFO: Schema = Schema::new("RetryInfo", &[field(1, "retry_delay", "retryDelay", DURATION)]);

/// The message and the details of a `Status`, as far as they can be read. What is read once stays: trailers explain an
/// error, and must not become one.
pub(super) fn read(status: &[u8]) -> (String, Vec<Bytes>) {
    let (mut text, mut details) = (String::new(), Vec::new());
    for field in Fields::of(status).map_while(Result::ok) {
        match field {
            (2, Payload::Delimited(bytes)) => text = String::from_utf8_lossy(bytes).into_owned(),
            (3, Payload::Delimited(bytes)) => details.extend(read_any(bytes)),
            _ => {}
        }
    }
    (text, details)
}

/// An `Any` as ProtoJSON: the members of what is in it, and `@type`.
fn read_any(any: &[u8]) -> Option<Bytes> {
    let (mut url, mut value): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields::of(any) {
        match field.ok()? {
            (1, payload) => url = payload.delimited()?,
            (2, payload) => value = payload.delimited()?,
            _ => {}
        }
    }
    let (name, schema) = type_of(std::str::from_utf8(url).ok()?)?;
    let object = decode(schema, value, LIMITS).ok()?;
    let members = object.strip_prefix(b"{")?;
    let comma: &[u8] = if members == b"}" { b"" } else { b"," };
    let head = format!("{{\"@type\":\"{TYPE_PREFIX}{name}\"");
    Some([head.as_bytes(), comma, members].concat().into())
}

/// The type that a URL ends in.
fn type_of(url: &str) -> Option<(&'static str, &'static Schema)> {
    let (_, name) = url.rsplit_once('/')?;
    TYPES.into_iter().find(|(known, _)| *known == name)
}

/// Writes a `Status`, with as many of the details as fit into `room` bytes.
pub(super) fn write(code: GrpcCode, text: &str, details: &[Bytes], room: usize) -> Vec<u8> {
    let mut out = Vec::new();
    wire::write_tag(&mut out, 1, VARINT);
    wire::write_varint(&mut out, u64::from(code.number()));
    write_bytes(&mut out, 2, text.as_bytes());
    for any in details.iter().filter_map(write_any) {
        let before = out.len();
        write_bytes(&mut out, 3, &any);
        if out.len() > room {
            out.truncate(before);
        }
    }
    out
}

/// An `Any` of what its ProtoJSON says it is.
fn write_any(detail: &Bytes) -> Option<Vec<u8>> {
    let document = Document::parse(detail.clone(), LIMITS.depth).ok()?;
    let url = document.root().as_object()?.get("@type")?.as_str()?;
    let (name, schema) = type_of(&url)?;
    // `@type` is no field, so it is passed over here.
    let value = encode(schema, document.root()).ok()?;
    let mut any = Vec::with_capacity(value.len() + name.len() + 32);
    write_bytes(&mut any, 1, [TYPE_PREFIX, name].concat().as_bytes());
    write_bytes(&mut any, 2, &value);
    Some(any)
}

fn write_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    wire::write_tag(out, number, DELIMITED);
    wire::write_len(out, bytes.len());
    out.extend_from_slice(bytes);
}
