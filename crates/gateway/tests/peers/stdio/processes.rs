//! Who runs on this machine, as Linux tells it in `/proc`.

use std::fs;

/// A process that still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    id: u32,
    parent: u32,
    group: u32,
}

/// The children of a process, oldest first.
pub(super) fn children(of: u32) -> Vec<u32> {
    select(|process| process.parent == of)
}

/// All processes of the group that a child leads: itself and what it started.
pub(super) fn family(of: u32) -> Vec<u32> {
    select(|process| process.group == of)
}

fn select(wanted: impl Fn(&Process) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("a /proc");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut found: Vec<u32> = ids.filter_map(read).filter(wanted).map(|process| process.id).collect();
    found.sort_unstable();
    found
}

/// None for what has ended, though nobody may have waited for it yet.
fn read(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Process { id, parent, group })
}
