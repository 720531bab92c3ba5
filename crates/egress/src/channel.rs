//! A channel: a long-lived two-way stream of JSON-RPC messages with one upstream, over the pipes of a child
//! ([`crate::stdio`]) or over HTTP+SSE ([`crate::sse`]).
//!
//! One message is one piece of bytes. Nothing here reads or checks JSON, pairs answers with requests, or starts
//! anything again: that is up to whoever owns the channel.
//!
//! A channel ends once, for one [`Cause`]: nothing can be sent from then on, and what has arrived can still be
//! taken. It ends by itself as soon as either half of it is dropped.

mod error;
mod queue;
mod state;
mod supervisor;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

pub use error::{Cause, ChannelError, Ending, Exit};
pub(crate) use queue::Feed;
pub(crate) use state::{Finish, State};
pub use supervisor::{StartState, Supervisor};

/// Messages that wait for their turn at the sender. Each belongs to a caller who waits in [`Channel::send`].
const OUTBOX: usize = 16;

/// The sending half. Clones are the same channel; the last one to go closes it.
#[derive(Debug, Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Arc<State>,
    outbox: mpsc::Sender<Parcel>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.state.begin(Cause::Closed);
    }
}

/// A message on its way to the transport, and where to say what became of it.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) message: Bytes,
    pub(crate) done: oneshot::Sender<Result<(), ChannelError>>,
}

/// The ends of a new channel that its transport holds.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) state: Arc<State>,
    pub(crate) outbox: mpsc::Receiver<Parcel>,
    pub(crate) feed: Feed,
}

/// Makes a channel whose waiting messages together have at most `max_bytes`, and the ends for its transport.
pub(crate) fn open(max_bytes: usize) -> (Channel, Messages, Transport) {
    let state = Arc::new(State::new());
    let (outbox, parcels) = mpsc::channel(OUTBOX);
    let (feed, queue) = queue::queue(max_bytes);
    let messages = Messages { queue, state: Arc::clone(&state) };
    let transport = Transport { state: Arc::clone(&state), outbox: parcels, feed };
    (Channel { inner: Arc::new(Inner { state, outbox }) }, messages, transport)
}

impl Channel {
    /// Sends one message, and comes back when the transport has taken it: written whole into the pipe, or
    /// answered with a 2xx status. That says nothing about what the upstream does with it.
    ///
    /// Dropping the future does not cut a message short: what the transport has begun it finishes.
    pub async fn send(&self, message: Bytes) -> Result<(), ChannelError> {
        if let Some(cause) = self.inner.state.cause() {
            return Err(ChannelError::Closed(cause));
        }
        let (done, answer) = oneshot::channel();
        if self.inner.outbox.send(Parcel { message, done }).await.is_err() {
            return Err(self.closed_error());
        }
        // Without an answer the transport has ended before it began with this message.
        answer.await.unwrap_or_else(|_| Err(self.closed_error()))
    }

    /// Ends the channel. A child is asked to end and then made to; [`Self::closed`] waits for that. Without
    /// effect on a channel that has ended already.
    pub fn close(&self) {
        self.inner.state.begin(Cause::Closed);
    }

    /// Whether messages can still be sent.
    pub fn is_open(&self) -> bool {
        self.inner.state.cause().is_none()
    }

    /// Waits until the channel has ended and nothing is left of it: the child is reaped, its process group is
    /// gone, the stream is closed.
    pub async fn closed(&self) -> Ending {
        self.inner.state.ended().await
    }

    fn closed_error(&self) -> ChannelError {
        ChannelError::Closed(self.inner.state.cause().unwrap_or(Cause::Closed))
    }
}

/// The receiving half; dropping it closes the channel.
///
/// What nobody takes waits in a bounded queue, and then at the peer. A peer that waits to be read may stop
/// reading itself, so take messages whatever else is being done, while sending above all.
#[derive(Debug)]
pub struct Messages {
    queue: queue::Queue,
    state: Arc<State>,
}

impl Messages {
    /// The next message, in the order of arrival. A channel that ended by a fault of the peer's stream says so
    /// once, as the last item; `None` when nothing more will come.
    pub async fn next(&mut self) -> Option<Result<Bytes, ChannelError>> {
        self.queue.next().await
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.state.begin(Cause::Closed);
    }
}
