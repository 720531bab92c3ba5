//! The body of a stream: frames that are ready at the same time leave as one.
//!
//! A frame costs little until it is sent by itself; then the kernel is asked for each. So what comes is gathered as long as
//! each turn of the scheduler brings more, up to [`MOST`] bytes: a peer's next chunk, though it has arrived, shows only when
//! the task of its connection has run again. No frame waits for what is not there. The first of a body leaves at once, and
//! a frame that is alone when everything that was ready with it has run.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use hyper::body::Frame;

/// How many bytes are gathered. What is longer by itself leaves by itself.
const MOST: usize = 16 << 10;

/// Frames, gathered.
pub(crate) struct Together {
    frames: Pin<Box<dyn Stream<Item = Frame<Bytes>> + Send>>,
    gathered: BytesMut,
    /// What does not go with what is gathered, and follows it.
    behind: Option<Frame<Bytes>>,
    /// Runs while something is gathered and nothing more is there.
    turn: Option<Arc<Turn>>,
    has_begun: bool,
}

impl Together {
    pub(super) fn new(frames: impl Stream<Item = Frame<Bytes>> + Send + 'static) -> Self {
        let frames = Box::pin(frames.fuse());
        Self { frames, gathered: BytesMut::new(), behind: None, turn: None, has_begun: false }
    }

    /// The next frame; none at the end.
    pub(super) fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        while self.behind.is_none() {
            match self.frames.as_mut().poll_next(context) {
                Poll::Ready(Some(frame)) => self.take_in(frame),
                Poll::Ready(None) => break,
                Poll::Pending if self.gathered.is_empty() => return Poll::Pending,
                Poll::Pending if Turn::is_over(&mut self.turn, context) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        self.turn = None;
        self.has_begun = true;
        if self.gathered.is_empty() {
            return Poll::Ready(self.behind.take());
        }
        Poll::Ready(Some(Frame::data(std::mem::take(&mut self.gathered).freeze())))
    }

    fn take_in(&mut self, frame: Frame<Bytes>) {
        self.turn = None;
        match frame.into_data() {
            Ok(data) if self.has_begun && self.gathered.len() + data.len() <= MOST => {
                self.gathered.extend_from_slice(&data);
            }
            Ok(data) => self.behind = Some(Frame::data(data)),
            Err(trailers) => self.behind = Some(trailers),
        }
    }
}

/// A turn of the scheduler: over when what was ready at its beginning has run. That its task is polled again does not end
/// it, for whoever sends a body may look twice in a row.
struct Turn {
    over: AtomicBool,
    task: Waker,
}

impl Turn {
    /// Whether the present turn is over. Begins one where there is none.
    fn is_over(present: &mut Option<Arc<Self>>, context: &Context<'_>) -> bool {
        if let Some(turn) = present {
            let is_over = turn.over.load(Ordering::Acquire);
            if is_over || turn.task.will_wake(context.waker()) {
                return is_over;
            }
        }
        let turn = Arc::new(Self { over: AtomicBool::new(false), task: context.waker().clone() });
        let waker = Waker::from(Arc::clone(&turn));
        // At the first look it hands the waker to the scheduler; a second one would say nothing.
        let begun = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker));
        *present = Some(turn);
        begun.is_ready()
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.over.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests;
