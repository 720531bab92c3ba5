//! The tables against the official files, the rules of ProtoJSON case by case, and another implementation's opinion.

mod agree;
pub(crate) mod official;
mod peeking;
mod reading;
pub(crate) mod tables;
mod tape;
mod times;
mod writing;

use bytes::Bytes;

use super::*;
use crate::json::Document;

/// More than any test needs.
const LIMITS: Limits = Limits { depth: 64, bytes: 1 << 20 };

fn request(version: Version, operation: Operation) -> &'static Schema {
    super::request(version, operation).expect("an operation of this version")
}

fn response(version: Version, operation: Operation) -> &'static Schema {
    super::response(version, operation).expect("an operation of this version")
}

/// Every table that a caller can ask for.
fn schemas() -> Vec<(Version, &'static Schema)> {
    let pairs = Version::ALL.into_iter().flat_map(|version| Operation::ALL.map(|it| (version, it)));
    pairs
        .flat_map(|(version, operation)| {
            let both = [super::request(version, operation), super::response(version, operation)];
            both.into_iter().flatten().map(move |schema| (version, schema))
        })
        .collect()
}

fn document(json: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(json.as_bytes()), 512).expect("JSON")
}

fn encoded(schema: &'static Schema, json: &str) -> Result<Vec<u8>, ProtoError> {
    encode(schema, document(json).root())
}

fn decoded(schema: &'static Schema, bytes: &[u8]) -> Result<String, ProtoError> {
    Ok(String::from_utf8(decode(schema, bytes, LIMITS)?).expect("UTF-8"))
}

/// What comes back of a JSON text.
fn through(schema: &'static Schema, json: &str) -> Result<String, ProtoError> {
    decoded(schema, &encoded(schema, json)?)
}
