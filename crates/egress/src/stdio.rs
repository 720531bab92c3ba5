//! Upstreams that are commands: a child process that speaks one JSON-RPC message per line over its standard
//! input and output.
//!
//! The program is started as the operator's file names it, without a shell, with a clean environment and in a
//! process group of its own, which is ended as a whole. What it writes to its standard error goes to our log, cut
//! and counted. There is no sandbox here: the child has the rights of this process, and a grandchild that leaves
//! the group (`setsid`) is out of reach.

mod framing;
mod pipes;
mod process;
mod stderr;

use std::{io, process::Stdio, time::Duration};

use doorward_model::Command;
use rustix::process::Pid;

pub use framing::on_one_line;

use crate::channel::{self, Channel, ChannelError, Messages};

/// The variables of our own environment that a child gets.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// Bounds on a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StdioLimits {
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
            max_message: 16 << 20,
            write_stall: Duration::from_secs(30),
            grace: Duration::from_secs(2),
            log_lines: 20,
        }
    }
}

/// Starts a command and opens the channel to it. `name` is the upstream's, for the log.
///
/// Must be called within a Tokio runtime with its I/O and time drivers on. A program that cannot be executed is an
/// error here; one that exits at once is a channel that ends.
pub fn start(
    command: &Command,
    limits: &StdioLimits,
    name: &str,
) -> Result<(Channel, Messages), ChannelError> {
    let mut child = prepare(command)?.spawn().map_err(|error| refused(&error))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(id), (Some(stdin), Some(stdout), Some(stderr))) = (id, pipes) else {
        return Err(ChannelError::Start("it has no process id or pipes".into()));
    };
    let process = process::Process::new(child, id);
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
fn prepare(command: &Command) -> Result<tokio::process::Command, ChannelError> {
    let [program, arguments @ ..] = command.argv.as_slice() else {
        return Err(ChannelError::Start("it names no program".into()));
    };
    if command.env.iter().any(|(name, _)| name.is_empty() || name.contains('=')) {
        return Err(ChannelError::Start("a variable has no usable name".into()));
    }
    #[expect(clippy::disallowed_methods, reason = "the one place that starts children")]
    let mut prepared = tokio::process::Command::new(program);
    prepared
        .args(arguments)
        .env_clear()
        .envs(PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
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
