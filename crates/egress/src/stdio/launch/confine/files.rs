//! File rules, enforced by Landlock: what a child may read and execute, and what it may write.
//!
//! The kernel has to know ABI 3 of them (Linux 6.2): before, files could be emptied that may not be written. Newer
//! kinds are used where the kernel has them: TCP (ABI 4, besides the filter of system calls), devices (ABI 5), and
//! signals and abstract sockets to processes outside (ABI 6, Linux 6.12). Landlock has no rules about looking
//! (`stat`), nor about modes, owners and times of files that the user owns.
//!
//! Rules are about what is opened here, not about names. Other children may be able to replace what a name stands for,
//! so what was opened has to be at the very path that the configuration meant, links followed when it was read. What
//! the system keeps is not asked: its links may change with every update, and no child writes there.

use std::{
    fs, io,
    os::fd::{AsFd as _, AsRawFd as _},
    path::{Path, PathBuf},
};

use doorward_model::Sandbox;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::Plan;

/// What every file rule is made of.
const NEEDED: ABI = ABI::V3;
/// The newest one that has been looked at.
const KNOWN: ABI = ABI::V6;

/// The process itself; what it starts has other ones.
const ITSELF: &str = "/proc/self";

/// Devices that are the same for everybody, to read and write.
const DEVICES: [&str; 5] = ["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// Restricts this process. Returns what the kernel has no rules for, of what nobody asked for.
pub(super) fn restrict(plan: &Plan, program: &Path) -> Result<Option<&'static str>, String> {
    let rules = rules(plan).map_err(|error| {
        format!("this kernel cannot enforce file rules (Landlock ABI 3, Linux 6.2, is needed): {error}")
    })?;
    let rules = allow(rules, plan, program)?;
    let status = rules.restrict_self().map_err(|error| format!("file rules cannot be enforced: {error}"))?;
    if status.ruleset == RulesetStatus::NotEnforced || !status.no_new_privs {
        return Err("file rules are not enforced".to_owned());
    }
    let scoped =
        matches!(status.landlock, LandlockStatus::Available { effective_abi, .. } if effective_abi >= KNOWN);
    Ok((!scoped).then_some(
        "this kernel cannot keep it from signalling other processes of the same user (Landlock ABI 6, Linux 6.12)",
    ))
}

/// What is forbidden unless a rule allows it.
fn rules(plan: &Plan) -> Result<RulesetCreated, RulesetError> {
    let asked = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(NEEDED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::IoctlDev)?
        .scope(Scope::from_all(KNOWN))?;
    let asked = if plan.network { asked } else { asked.handle_access(AccessNet::from_all(KNOWN))? };
    asked.create()
}

fn allow(mut rules: RulesetCreated, plan: &Plan, program: &Path) -> Result<RulesetCreated, String> {
    let (read, write) = (AccessFs::from_read(KNOWN), AccessFs::from_all(KNOWN));
    let system = Sandbox::SYSTEM.iter().chain([&ITSELF]).map(|path| (PathBuf::from(path), read));
    let devices = DEVICES.iter().map(|path| (PathBuf::from(path), write));
    for (path, access) in system.chain(devices) {
        if path.exists() {
            rules = add(rules, &path, None, access)?;
        }
    }
    rules = add(rules, program, plan.program.as_deref(), read)?;
    for (paths, access) in [(&plan.read, read), (&plan.write, write)] {
        for path in paths {
            rules = add(rules, path, Some(path), access)?;
        }
    }
    Ok(rules)
}

/// Adds a rule about what is at a path, if that is where it is `meant` to be. Rules about directories mean all that is
/// in them; some accesses have no meaning for a single file.
fn add(
    rules: RulesetCreated,
    path: &Path,
    meant: Option<&Path>,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, String> {
    let no_rule = |error: &dyn std::fmt::Display| format!("no file rule for {}: {error}", path.display());
    let opened = PathFd::new(path).map_err(|error| no_rule(&error))?;
    if let Some(meant) = meant {
        let found = place_of(&opened).map_err(|error| no_rule(&error))?;
        if found != meant {
            return Err(no_rule(&"it leads elsewhere than when the configuration was read"));
        }
    }
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(KNOWN) };
    rules.add_rule(PathBeneath::new(opened, access)).map_err(|error| no_rule(&error))
}

/// The one path without links of an open file; another text when it was removed.
fn place_of(opened: &PathFd) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", opened.as_fd().as_raw_fd()))
}
