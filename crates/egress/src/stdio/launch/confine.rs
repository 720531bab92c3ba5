//! How a process gives up what its child must not have. Each step is for good, and all of them are inherited.

mod calls;
mod files;

use std::{fs, path::Path};

use rustix::{
    io::Errno,
    process::{
        Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
    },
    thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs},
};

use super::Plan;

/// What each process of a child may use at most: no core dump, which would hold its secrets; 4096 open files; 8 GiB
/// of memory that it can write; files of 4 GiB. Bounds on address space break programs that only reserve it, and
/// bounds on processes count those of the whole user: neither is set.
const LIMITS: [(Resource, u64); 4] =
    [(Resource::Core, 0), (Resource::Nofile, 4096), (Resource::Data, 8 << 30), (Resource::Fsize, 4 << 30)];

/// Gives up everything that the plan does not leave. Returns what this kernel cannot take away beyond that.
///
/// # Errors
/// When anything that was asked for cannot be enforced; the process is of no use then.
pub(super) fn all(plan: &Plan, program: &Path) -> Result<Option<&'static str>, String> {
    close_others()?;
    stay_with(plan.parent).map_err(failed("cannot be tied to its parent"))?;
    limit().map_err(failed("its limits cannot be set"))?;
    set_capabilities(None, no_capabilities()).map_err(failed("it cannot give up its capabilities"))?;
    set_no_new_privs(true).map_err(failed("it cannot give up new privileges"))?;
    let missing = files::restrict(plan, program)?;
    calls::restrict(plan.network)?;
    Ok(missing)
}

fn failed(what: &'static str) -> impl Fn(Errno) -> String {
    move |error| format!("{what}: {error}")
}

/// Closes every file but the three standard ones. Doorward opens its own so that they do not pass on; what somebody
/// else left open when Doorward was started would.
fn close_others() -> Result<(), String> {
    let listed = fs::read_dir("/proc/self/fd").map_err(|error| format!("cannot list open files: {error}"))?;
    let open: Vec<i32> =
        listed.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for file in open.into_iter().filter(|file| *file > 2) {
        // The listing itself was one of them, and is closed already.
        let _ = nix::unistd::close(file);
    }
    Ok(())
}

/// The kernel ends this process when its parent dies, however that happens.
fn stay_with(parent: u32) -> Result<(), Errno> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have died before that.
    let present = getppid().map(Pid::as_raw_nonzero).and_then(|id| u32::try_from(id.get()).ok());
    if present == Some(parent) { Ok(()) } else { Err(Errno::SRCH) }
}

fn limit() -> Result<(), Errno> {
    for (resource, most) in LIMITS {
        let most = getrlimit(resource).maximum.map_or(most, |present| present.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// Not even those of root: without new privileges, executing a program does not bring them back.
fn no_capabilities() -> CapabilitySets {
    let none = CapabilitySet::empty();
    CapabilitySets { effective: none, permitted: none, inheritable: none }
}
