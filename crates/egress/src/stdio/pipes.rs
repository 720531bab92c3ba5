//! The two pipes that carry messages.

use std::{sync::Arc, time::Duration};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStdin, ChildStdout},
    sync::mpsc,
    time::{sleep, timeout},
};

use super::framing::{Lines, TooLong};
use crate::channel::{Cause, ChannelError, Feed, Parcel, State};

/// How long a pipe must have had nothing, when the process is gone, to be taken as empty: somebody outside its
/// group can hold it open for ever.
pub(super) const QUIET: Duration = Duration::from_millis(200);

/// Writes messages until the channel ends, then closes the pipe.
pub(super) async fn write(
    mut stdin: ChildStdin,
    mut outbox: mpsc::Receiver<Parcel>,
    state: Arc<State>,
    stall: Duration,
) {
    loop {
        let parcel = tokio::select! {
            biased;
            _ = state.closing() => return,
            parcel = outbox.recv() => parcel,
        };
        let Some(Parcel { message, done }) = parcel else { return };
        let sent = write_one(&mut stdin, message, &state, stall).await;
        // Whoever sent it may have gone.
        let _ = done.send(sent);
    }
}

async fn write_one(
    stdin: &mut ChildStdin,
    message: Bytes,
    state: &State,
    stall: Duration,
) -> Result<(), ChannelError> {
    if memchr::memchr2(b'\n', b'\r', &message).is_some() {
        return Err(ChannelError::RawNewline);
    }
    let cause = tokio::select! {
        biased;
        cause = state.closing() => cause,
        failed = write_line(stdin, message, stall) => match failed {
            Ok(()) => return Ok(()),
            Err(cause) => cause,
        },
    };
    // Half a line cannot be taken back: nothing can follow it.
    state.begin(cause.clone());
    Err(ChannelError::Interrupted(cause))
}

async fn write_line(stdin: &mut ChildStdin, message: Bytes, stall: Duration) -> Result<(), Cause> {
    let mut line = message.chain(&b"\n"[..]);
    while line.has_remaining() {
        let written = timeout(stall, stdin.write_buf(&mut line)).await;
        let written = written.map_err(|_| Cause::Stalled(stall))?;
        // It no longer reads, or is gone already; how it exited is known soon.
        written.map_err(|_| Cause::PeerGone)?;
    }
    Ok(())
}

/// Reads messages until the pipe is at its end. When this side has closed the channel it reads on and lets go of
/// what it reads, so that the child can end well.
pub(super) async fn read(stdout: ChildStdout, feed: Feed, state: Arc<State>, max: usize) {
    let read = read_to_end(stdout, &feed, &state, max).await;
    // A child that can say nothing any more is of no use, even if it lives.
    state.begin(if read.is_ok() { Cause::PeerGone } else { Cause::TooLarge(max) });
    if read.is_err() {
        feed.fail(ChannelError::TooLarge(max), &state).await;
    }
}

async fn read_to_end(mut stdout: ChildStdout, feed: &Feed, state: &State, max: usize) -> Result<(), TooLong> {
    let mut lines = Lines::new(max);
    let mut wanted = true;
    loop {
        let read = tokio::select! {
            read = stdout.read_buf(lines.space()) => read,
            () = quiet_after_the_end(state) => Ok(0),
        };
        if matches!(read, Ok(0) | Err(_)) {
            break;
        }
        while let Some(line) = lines.next()? {
            wanted = wanted && feed.push(line, state).await;
        }
    }
    if let Some(rest) = lines.rest()? {
        feed.push(rest, state).await;
    }
    Ok(())
}

async fn quiet_after_the_end(state: &State) {
    state.ended().await;
    sleep(QUIET).await;
}
