//! The child and its process group: how they end, and that they do.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, sync::Arc, time::Duration};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid},
};
use tokio::{
    process::Child,
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use super::sandbox::Room;
use crate::channel::{Cause, Exit, Finish, State};

/// How often a group whose leader is gone is looked at, until it is empty.
const LOOK: Duration = Duration::from_millis(20);

/// A child that leads its process group. Dropping it kills the group.
pub(super) struct Process {
    // Dropped before the child: as long as nobody has waited for the leader, its id belongs to this group alone.
    group: Group,
    child: Child,
    exit: Option<Exit>,
    room: Option<Room>,
}

/// A process group that is killed on drop.
struct Group {
    id: Pid,
    gone: bool,
}

/// Ends the process when the channel ends, and the channel when the process does.
pub(super) async fn keep(mut process: Process, state: Arc<State>, grace: Duration, log: AbortHandle) {
    let finish = Finish(Arc::clone(&state));
    tokio::select! {
        () = process.leader() => state.begin(Cause::PeerGone),
        _ = state.closing() => {}
    }
    process.shut_down(grace).await;
    if let Some(room) = process.room.take() {
        room.remove().await;
    }
    state.end(process.exit);
    drop(finish);
    // What was written last is still read, unless somebody outside the group holds the pipe open.
    sleep(super::pipes::QUIET).await;
    log.abort();
}

impl Process {
    pub(super) fn new(child: Child, id: Pid, room: Option<Room>) -> Self {
        Self { group: Group { id, gone: false }, child, exit: None, room }
    }

    /// Waits for the leader, and reaps it.
    async fn leader(&mut self) {
        if self.exit.is_none()
            && let Ok(status) = self.child.wait().await
        {
            self.exit = Some(exit_of(status));
        }
    }

    /// The end in three steps: the closed standard input (which whoever ends the channel has closed), SIGTERM,
    /// SIGKILL, the latter two to the whole group.
    async fn shut_down(&mut self, grace: Duration) {
        let _ = timeout(grace, self.leader()).await;
        // A leader that has gone may have left others behind: they get the same chance to end well.
        if !self.is_gone() {
            self.group.signal(Signal::TERM);
            let until = Instant::now() + grace;
            let _ = timeout(grace, self.leader()).await;
            while !self.is_gone() && Instant::now() < until {
                sleep(LOOK).await;
            }
        }
        if !self.is_gone() {
            self.group.signal(Signal::KILL);
            self.leader().await;
            self.group.reap();
        }
        self.group.gone = true;
    }

    /// Whether the leader is reaped and nobody else is left.
    fn is_gone(&self) -> bool {
        self.exit.is_some() && self.group.is_empty()
    }
}

impl Group {
    fn signal(&self, signal: Signal) {
        // The one expected failure is that nobody is there any more.
        let _ = kill_process_group(self.id, signal);
    }

    /// Only meaningful when the leader is reaped: until then it is a member.
    fn is_empty(&self) -> bool {
        self.reap();
        test_kill_process_group(self.id) == Err(Errno::SRCH)
    }

    /// Reaps orphans of this group that became our own children, as they do when this is the first process of
    /// a container. Only after the leader, which Tokio waits for.
    fn reap(&self) {
        while let Ok(Some(_)) = waitpgid(self.id, WaitOptions::NOHANG) {}
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.gone {
            self.signal(Signal::KILL);
        }
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or_default()),
    }
}
