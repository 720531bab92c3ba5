//! What a child with a sandbox is started through: Doorward's own program, which confines itself and then becomes
//! the command.
//!
//! Between being started and becoming the command, a process can only be changed from inside. Doing that in the
//! fork of a program with threads needs unsafe code; doing it in a fresh process needs none. So the program starts
//! itself with [`ARGUMENT`], which [`launched`] looks for before anything else. What it is to do stands in its other
//! arguments ([`Plan`]); how far it got, it says in the first line of its standard error ([`Word`]), which the parent
//! waits for. Nothing of the command has run before that line.

#[cfg(target_os = "linux")]
mod confine;
mod plan;
mod word;

use std::{
    env,
    ffi::OsString,
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rustix::fs::{Access, access};

pub(super) use plan::Plan;
pub(super) use word::Word;

/// The first argument of a program that is started to become a child. Nobody types it.
pub(super) const ARGUMENT: &str = "__child";

/// As shells have it: what was found could not be executed.
const NOT_EXECUTED: u8 = 126;

/// Becomes the child, if that is what this process was started for; `None` for everything else.
///
/// The first thing that `main` calls, with the arguments of the process and before anything is opened. It returns a
/// code only when the command was not started.
pub fn launched(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if arguments.nth(1)? != ARGUMENT {
        return None;
    }
    let error = match Plan::read(arguments).and_then(|plan| Ok((prepare(&plan)?, plan))) {
        Ok((program, plan)) => become_command(&program, &plan),
        Err(reason) => Word::<String>::Refused(reason).to_string(),
    };
    say(&error);
    Some(ExitCode::from(NOT_EXECUTED))
}

/// Confines this process and says so. Returns the program's path.
fn prepare(plan: &Plan) -> Result<PathBuf, String> {
    let program = find(plan)?;
    let missing = confine(plan, &program)?;
    say(&Word::Ready { missing }.to_string());
    Ok(program)
}

#[cfg(target_os = "linux")]
fn confine(plan: &Plan, program: &Path) -> Result<Option<&'static str>, String> {
    confine::all(plan, program)
}

#[cfg(not(target_os = "linux"))]
fn confine(_: &Plan, _: &Path) -> Result<Option<&'static str>, String> {
    Err("a sandbox needs Linux".to_owned())
}

/// Only returns when that fails, with the reason for the log.
fn become_command(program: &Path, plan: &Plan) -> String {
    let mut command = std::process::Command::new(program);
    let named = plan.argv.first().map(OsString::as_os_str).unwrap_or_default();
    let error = command.arg0(named).args(plan.argv.get(1..).unwrap_or_default()).exec();
    format!("the program cannot be executed: {error}; what interprets it has to be in the sandbox too")
}

/// Where the program is: as it is named when there is a `/` in it, else in `PATH`.
fn find(plan: &Plan) -> Result<PathBuf, String> {
    let named = plan.argv.first().map(Path::new).ok_or("it names no program")?;
    let executable = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let found = if named.components().count() > 1 || named.is_absolute() {
        Some(named.to_owned()).filter(|path| executable(path))
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).map(|directory| directory.join(named)).find(|path| executable(path))
    };
    found.ok_or_else(|| "there is no such program, or it cannot be executed".to_owned())
}

/// A line for the parent, on standard error.
fn say(line: &str) {
    // If nobody listens, nobody waits for this child either.
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests;
