//! What is allowed: exposure, grants and the one maker of [`Permit`]. Pure: values in, values out.
//!
//! Deliberately absent: sockets, clocks, stores. A decision here is a function of the caller, the virtual
//! server and what is asked, so it can be tested and explained without a running gateway.

pub mod exposure;
pub mod ownership;
pub mod policy;
pub mod redact;
pub mod uri_template;

pub use exposure::Exposure;
pub use policy::{Denied, Permit};
