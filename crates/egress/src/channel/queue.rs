//! The queue of messages that have arrived, bounded in number and in bytes together.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{ChannelError, State};

/// Messages that may wait, however small they are.
const MESSAGES: usize = 64;

#[derive(Debug)]
struct Item {
    message: Result<Bytes, ChannelError>,
    /// The bytes that it takes up; given back when it is taken out.
    _room: Option<OwnedSemaphorePermit>,
}

/// The end that the transport fills.
#[derive(Debug)]
pub(crate) struct Feed {
    items: mpsc::Sender<Item>,
    room: Arc<Semaphore>,
    max_bytes: u32,
}

/// The end that the owner of the channel empties.
#[derive(Debug)]
pub(super) struct Queue {
    items: mpsc::Receiver<Item>,
}

pub(super) fn queue(max_bytes: usize) -> (Feed, Queue) {
    let max_bytes = u32::try_from(max_bytes).unwrap_or(u32::MAX);
    let (feed, items) = mpsc::channel(MESSAGES);
    let room = Arc::new(Semaphore::new(max_bytes as usize));
    (Feed { items: feed, room, max_bytes }, Queue { items })
}

impl Feed {
    /// Puts a message in, when there is room. `false` when this side has closed the channel: then nobody wants
    /// it any more.
    pub(crate) async fn push(&self, message: Bytes, state: &State) -> bool {
        tokio::select! {
            biased;
            () = state.closed_here() => false,
            taken = self.push_when_room(message) => taken,
        }
    }

    /// Puts the fault in that ended the stream, as the last item.
    pub(crate) async fn fail(&self, error: ChannelError, state: &State) {
        tokio::select! {
            biased;
            () = state.closed_here() => {}
            _ = self.items.send(Item { message: Err(error), _room: None }) => {}
        }
    }

    async fn push_when_room(&self, message: Bytes) -> bool {
        let bytes = u32::try_from(message.len()).unwrap_or(u32::MAX).min(self.max_bytes);
        // Whoever drops the queue gives back all room, so this wait ends with it.
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(bytes).await else { return false };
        self.items.send(Item { message: Ok(message), _room: Some(room) }).await.is_ok()
    }
}

impl Queue {
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, ChannelError>> {
        self.items.recv().await.map(|item| item.message)
    }
}

#[cfg(test)]
mod tests;
