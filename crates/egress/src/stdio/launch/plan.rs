//! What the launcher is to do, as arguments of a process: a closed set of words, each value an argument of its own.

use std::{ffi::OsString, path::PathBuf};

use super::ARGUMENT;

const PARENT: &str = "--parent";
const NETWORK: &str = "--network";
const READ: &str = "--read";
const WRITE: &str = "--write";
const PROGRAM: &str = "--program";
const COMMAND: &str = "--";

/// What a child is to become, and what it may touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::stdio) struct Plan {
    /// The process that asks for it; the child does not outlive it.
    pub(in crate::stdio) parent: u32,
    /// Whether it may use the network.
    pub(in crate::stdio) network: bool,
    /// What it may read and execute. Absolute, and without links: one that leads elsewhere is refused.
    pub(in crate::stdio) read: Vec<PathBuf>,
    /// What it may also write. Absolute, and without links.
    pub(in crate::stdio) write: Vec<PathBuf>,
    /// Where the program has to be found, without links; anywhere when absent.
    pub(in crate::stdio) program: Option<PathBuf>,
    /// The program and its arguments.
    pub(in crate::stdio) argv: Vec<OsString>,
}

impl Plan {
    /// The arguments that say so, without the program's name.
    pub(in crate::stdio) fn arguments(&self) -> Vec<OsString> {
        let mut said = vec![ARGUMENT.into(), PARENT.into(), self.parent.to_string().into()];
        if self.network {
            said.push(NETWORK.into());
        }
        for (word, paths) in [(READ, &self.read), (WRITE, &self.write)] {
            for path in paths {
                said.extend([word.into(), path.into()]);
            }
        }
        if let Some(program) = &self.program {
            said.extend([PROGRAM.into(), program.into()]);
        }
        said.push(COMMAND.into());
        said.extend(self.argv.iter().cloned());
        said
    }

    /// Reads what follows [`ARGUMENT`]. A word that is not known is refused: it may be a restriction.
    pub(super) fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut plan = Self::default();
        loop {
            let word = arguments.next().ok_or("the launcher was told no command")?;
            let mut value = || arguments.next().ok_or("the launcher misses an argument");
            match word.to_str() {
                Some(PARENT) => {
                    let id = value()?.to_str().and_then(|id| id.parse().ok());
                    plan.parent = id.ok_or("the launcher was told no parent")?;
                }
                Some(NETWORK) => plan.network = true,
                Some(READ) => plan.read.push(value()?.into()),
                Some(WRITE) => plan.write.push(value()?.into()),
                Some(PROGRAM) => plan.program = Some(value()?.into()),
                Some(COMMAND) => break,
                _ => return Err("the launcher was told something unknown".to_owned()),
            }
        }
        plan.argv = arguments.collect();
        Ok(plan)
    }
}
