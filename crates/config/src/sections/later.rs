//! What the configuration already has words for and this version does not serve.
//!
//! The one place to lift it from: delete the line here and read the key in its section.

/// What every such mistake says.
pub(crate) const TEXT: &str = "not supported in this version";

/// Keys, by the table that they stand in.
pub(crate) const KEYS: [(&str, &str, &str); 0] = [];

/// How many upstreams a virtual server may have.
pub(crate) const UPSTREAMS_PER_SERVER: usize = 1;

/// Whether a key is one of [`KEYS`].
pub(crate) fn key(section: &str, name: &str) -> bool {
    KEYS.iter().any(|(of, key, _)| *of == section && *key == name)
}
