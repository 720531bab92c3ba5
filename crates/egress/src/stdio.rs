//! Upstreams that are commands: a child process that speaks one JSON-RPC message per line over its standard
//! input and output.
//!
//! The program is started as the operator's file names it, without a shell, with a clean environment and in a
//! process group of its own, which is ended as a whole. What it writes to its standard error goes to our log, cut
//! and counted. A command with a sandbox is started through a launcher, which confines it ([`launch`]). Without one
//! a child has the rights of this process, and a grandchild that leaves the group (`setsid`) is out of reach.

mod framing;
mod launch;
mod pipes;
mod process;
mod sandbox;
mod stderr;

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use doorward_model::Command;
use rustix::process::Pid;

pub use framing::on_one_line;
pub use launch::launched;

use crate::channel::{self, Channel, ChannelError, Messages};
use sandbox::Room;

/// The variables of our own environment that a child gets.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// Bounds on a child, and what stands between it and us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StdioLimits {
    /// What commands with a sandbox are started through: a program that begins with [`launched`], this one itself by
    /// default. Another program starts nothing.
    pub launcher: PathBuf,
    /// Largest message from it, in bytes; also what all waiting messages have together.
    pub max_message: usize,
    /// How long it may take nothing of a message that is being written to it. Then the channel ends.
    pub write_stall: Duration,
    /// How long it is given at each step of the end: after its standard input is closed, and after SIGTERM.
    pub grace: Duration,
    /// Lines of its standard error that are logged in one second; the rest is counted.
    pub log_lines: u32,
}

impl Default for StdioLimits {
    fn default() -> Self {
        Self {
            // By this name it is the program that runs, also when its file was replaced meanwhile.
            launcher: Path::new("/proc/self/exe").to_owned(),
            max_message: 16 << 20,
            write_stall: Duration::from_secs(30),
            grace: Duration::from_secs(2),
            log_lines: 20,
        }
    }
}

/// Starts a command and opens the channel to it. `name` is the upstream's, for the log.
///
/// Must be called within a Tokio runtime with its I/O and time drivers on, on a thread that lives as long as the
/// child may: the end of the thread ends a child with a sandbox. A program that cannot be executed is an error here,
/// and so is a sandbox that cannot be had; a program that exits at once is a channel that ends.
pub async fn start(
    command: &Command,
    limits: &StdioLimits,
    name: &str,
) -> Result<(Channel, Messages), ChannelError> {
    let room = command.sandbox.as_ref().map(|_| Room::make()).transpose()?;
    let mut child = prepare(command, limits, room.as_ref())?.spawn().map_err(|error| refused(&error))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(id), (Some(stdin), Some(stdout), Some(mut stderr))) = (id, pipes) else {
        return Err(ChannelError::Start("it has no process id or pipes".into()));
    };
    let is_confined = room.is_some();
    let process = process::Process::new(child, id, room);
    if is_confined {
        sandbox::admit(&mut stderr, name).await?;
    }
    let (channel, messages, transport) = channel::open(limits.max_message);
    let channel::Transport { state, outbox, feed } = transport;
    let log = stderr::Log::new(name, command, limits.log_lines);
    let log = tokio::spawn(log.run(stderr));
    tokio::spawn(pipes::write(stdin, outbox, state.clone(), limits.write_stall));
    tokio::spawn(pipes::read(stdout, feed, state.clone(), limits.max_message));
    tokio::spawn(process::keep(process, state, limits.grace, log.abort_handle()));
    Ok((channel, messages))
}

/// The command with everything said about how it starts.
fn prepare(
    command: &Command,
    limits: &StdioLimits,
    room: Option<&Room>,
) -> Result<tokio::process::Command, ChannelError> {
    let [program, arguments @ ..] = command.argv.as_slice() else {
        return Err(ChannelError::Start("it names no program".into()));
    };
    if command.env.iter().any(|(name, _)| name.is_empty() || name.contains('=')) {
        return Err(ChannelError::Start("a variable has no usable name".into()));
    }
    let launch =
        command.sandbox.as_ref().zip(room).map(|(allowed, room)| room.plan(command, allowed)).transpose()?;
    let program = if launch.is_some() { limits.launcher.as_path() } else { Path::new(program) };
    #[expect(clippy::disallowed_methods, reason = "the one place that starts children")]
    let mut prepared = tokio::process::Command::new(program);
    match launch {
        Some(plan) => prepared.args(plan.arguments()),
        None => prepared.args(arguments),
    };
    prepared
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs(room.map(|room| ("TMPDIR", room.path())))
        .envs(command.env.iter().map(|(name, value)| (name, value.expose())))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = &command.directory {
        prepared.current_dir(directory);
    }
    Ok(prepared)
}

/// What the system says, without what it was asked to start: arguments can be secrets.
fn refused(error: &io::Error) -> ChannelError {
    ChannelError::Start(error.to_string())
}

#[cfg(test)]
mod tests;
