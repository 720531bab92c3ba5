//! How payloads are written in JSON.

use super::{Binding, Version};

/// One of the three ways in which payloads are written as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// ProtoJSON of 1.0: the same on all bindings.
    V1,
    /// JSON-RPC of 0.3: `kind` members, states in kebab case.
    V03Rpc,
    /// ProtoJSON of the proto of 0.3: HTTP+JSON, and gRPC once it is transcoded.
    V03Proto,
}

impl Dialect {
    /// What a binding writes in a version.
    pub const fn of(version: Version, binding: Binding) -> Self {
        match (version, binding) {
            (Version::V1_0, _) => Self::V1,
            (Version::V0_3, Binding::JsonRpc) => Self::V03Rpc,
            (Version::V0_3, Binding::HttpJson | Binding::Grpc) => Self::V03Proto,
        }
    }
}
