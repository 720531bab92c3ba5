//! Where a call goes, and what Doorward presents there.

use std::time::Duration;

use url::Url;

use crate::{Name, Secret};

/// An MCP server that Doorward calls: `[[upstream]]`.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The operator's name for it; what errors and records call it.
    pub name: Name,
    /// The Streamable HTTP endpoint.
    pub url: Url,
    /// Until the first byte of an answer.
    pub timeout: Duration,
    /// What Doorward presents there.
    pub credential: Credential,
}

/// What Doorward presents upstream; never what the caller presented.
///
/// There is no variant that carries a caller's credential: passing one through cannot be configured or written.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing.
    None,
    /// A fixed header, `{ kind = "header" }` or `{ kind = "bearer" }`.
    Header {
        /// The header's name, in lower case.
        name: String,
        /// The whole value, `Bearer ` included.
        value: Secret,
    },
}
