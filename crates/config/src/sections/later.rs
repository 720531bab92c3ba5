//! What the configuration already has words for and this version does not serve.
//!
//! The one place to lift it from: delete the line here and the check in its section.

/// What every such mistake says.
pub(crate) const TEXT: &str = "not supported in this version";

/// How many upstreams a virtual server may have.
pub(crate) const UPSTREAMS_PER_SERVER: usize = 1;
