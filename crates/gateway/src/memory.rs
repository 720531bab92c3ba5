//! The memory of the process stays its own: secrets are in it.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Turns core dumps off, and on Linux makes other processes of the same user unable to read this one's memory and
/// environment, children that it starts included (they are dumpable again, as every new program is).
///
/// Where the system refuses, that is said, and Doorward goes on: it is one wall of several.
pub(crate) fn keep_to_ourselves() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be turned off: a crash may write secrets to disk");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "other processes of this user may read the memory of this one");
    }
}
