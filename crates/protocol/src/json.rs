//! A lossless JSON reader: checks a text once, then answers questions about the bytes themselves.
//!
//! Nothing is converted on the way through: numbers, order, white space and unknown members stay as they were
//! written. Changes are spliced into the original bytes ([`Splice`]). It deliberately builds no tree and has no
//! typed model; that is what `serde_json` is for, off the hot path.
//!
//! [`Document::parse`] is the only door: it accepts RFC 8259 and nothing else, and refuses what two readers
//! could understand differently (a name twice in one object). Everything behind it skips over checked bytes.

mod check;
mod error;
mod index;
mod scan;
mod splice;
mod text;
mod value;

pub use error::JsonError;
pub use splice::Splice;
pub use text::{quote, write_str};
pub use value::{Array, Document, Kind, Member, Object, Value, differs_only_in_case};

#[cfg(test)]
mod tests;
