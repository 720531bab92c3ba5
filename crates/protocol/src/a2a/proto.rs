//! Protobuf of both services, turned into ProtoJSON and back by tables: no generated code, no tree in between.
//!
//! [`encode()`] reads JSON and writes protobuf, [`decode()`] the other way, each in one pass and by the rules of ProtoJSON
//! (<https://protobuf.dev/programming-guides/json/>). What is not in the tables is passed over on reading, as both formats
//! demand, and so is lost; an exchange that stays in one format never comes here. What two readers could understand
//! differently is refused: a field under both its names, two alternatives at once, a known field of another wire type.
//!
//! Whether required fields are there is not looked at; that is up to who answers.

mod decode;
mod encode;
mod error;
mod peek;
mod schema;
mod time;
mod v03;
mod v1;
pub(crate) mod wire;

#[cfg(test)]
pub(crate) mod tests;

pub use decode::{Limits, decode};
pub use encode::{DEEPEST, encode};
pub use error::ProtoError;
pub use peek::peek;
pub use schema::Schema;
pub(crate) use schema::{DURATION, STRING, field, message};

use super::{Operation, Version};

/// The gRPC service of 1.0.
pub const SERVICE_V1: &str = "lf.a2a.v1.A2AService";

/// The gRPC service of 0.3.
pub const SERVICE_V03: &str = "a2a.v1.A2AService";

/// `google.protobuf.Empty`.
static EMPTY: Schema = Schema::new("Empty", &[]);

/// The gRPC service of a version.
pub const fn service(version: Version) -> &'static str {
    match version {
        Version::V1_0 => SERVICE_V1,
        Version::V0_3 => SERVICE_V03,
    }
}

/// What an operation is asked with. `None` where the version's service does not have it: `ListTasks` in 0.3.
pub const fn request(version: Version, operation: Operation) -> Option<&'static Schema> {
    match version {
        Version::V1_0 => Some(v1::request(operation)),
        Version::V0_3 => v03::request(operation),
    }
}

/// What an operation is answered with; of a stream, one message of it. `None` where [`request`] is.
pub const fn response(version: Version, operation: Operation) -> Option<&'static Schema> {
    match version {
        Version::V1_0 => Some(v1::response(operation)),
        Version::V0_3 => v03::response(operation),
    }
}

/// The card of a version.
pub fn card(version: Version) -> &'static Schema {
    match version {
        Version::V1_0 => v1::CARD,
        Version::V0_3 => v03::CARD,
    }
}
