//! The Model Context Protocol, revisions 2025-03-26 to 2026-07-28: what a gateway has to understand of it.
//!
//! Views and edits over checked JSON. Whatever is not named here passes byte for byte.

pub mod batch;
pub mod capabilities;
pub mod header;
pub mod list;
pub mod method;
pub mod modern;
pub mod request_id;
pub mod revision;
pub mod target;

pub use method::Method;
pub use revision::{Era, Revision};
