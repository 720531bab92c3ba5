//! Conversations with upstreams that are reached through a channel rather than by requests: children over
//! stdio, and HTTP+SSE.
//!
//! A channel is one stream of messages in each direction. A [`Conversation`] sorts what comes in by whom it is
//! for: answers go to the request that asked, progress to the request that gave the token, the rest to the
//! session's stream or to the request that is being served. A legacy conversation belongs to one session of one
//! caller; a modern one is shared by all, because every message in it says which request it belongs to.

mod desk;
mod probe;
mod registry;
mod restarts;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use doorward_egress::{Channel, ChannelError, Messages, stdio};
use doorward_protocol::{json::quote, mcp::batch};
use tokio::sync::mpsc;

use desk::Desk;
pub(crate) use registry::{Begun, Conversations, StartError, identity};

/// Messages that may wait for one reader before the channel waits with them.
const WAITING: usize = 64;
/// How long a reader that does not read may hold up a conversation.
const PATIENCE: Duration = Duration::from_secs(5);

/// One channel and who reads from it.
pub(crate) struct Conversation {
    channel: Channel,
    desk: Mutex<Desk>,
    /// Requests of many callers share this channel: whoever leaves must say so.
    shared: bool,
}

/// What one request, or the session's stream, has coming.
pub(crate) struct Reading {
    conversation: Arc<Conversation>,
    receiver: mpsc::Receiver<Bytes>,
    /// The own id of the request; none for the session's stream.
    id: Option<String>,
}

impl Conversation {
    /// Begins: the messages are sorted from now on, until the channel ends.
    pub(crate) fn begin(channel: Channel, messages: Messages, shared: bool, depth: usize) -> Arc<Self> {
        let conversation = Arc::new(Self { channel, desk: Mutex::new(Desk::new()), shared });
        tokio::spawn(Arc::clone(&conversation).sort(messages, depth));
        conversation
    }

    /// Sends a request. `token` is the JSON text of its progress token.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        id: &str,
        token: Option<Bytes>,
        message: &Bytes,
    ) -> Result<Reading, ChannelError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.desk().register(id, token, sender);
        let reading = Reading { conversation: Arc::clone(self), receiver, id: Some(id.to_owned()) };
        self.channel.send(stdio::on_one_line(message.clone())).await?;
        Ok(reading)
    }

    /// Sends what wants no answer.
    pub(crate) async fn tell(&self, message: &Bytes) -> Result<(), ChannelError> {
        self.channel.send(stdio::on_one_line(message.clone())).await
    }

    /// Opens the session's stream. There is one: an older one ends.
    pub(crate) fn listen(self: &Arc<Self>) -> Reading {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.desk().listen(sender);
        Reading { conversation: Arc::clone(self), receiver, id: None }
    }

    /// Ends the conversation, and a child with it.
    pub(crate) fn close(&self) {
        self.channel.close();
    }

    /// Waits until the channel has ended, and a child is gone with all that it started.
    pub(crate) async fn ended(&self) {
        self.channel.closed().await;
    }

    /// Whether the channel still works.
    pub(crate) fn is_open(&self) -> bool {
        self.channel.is_open()
    }

    /// Since when nobody has asked or read anything; none while somebody is.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.desk().idle_since()
    }

    /// Somebody is about to ask.
    pub(crate) fn touch(&self) {
        self.desk().touch();
    }

    /// Ends the conversation when nobody has used it for that long; says whether.
    pub(crate) fn end_if_idle(&self, idle: Duration) -> bool {
        let is_idle = self.idle_since().is_some_and(|since| since.elapsed() > idle);
        if is_idle {
            self.close();
        }
        is_idle
    }

    async fn sort(self: Arc<Self>, mut messages: Messages, depth: usize) {
        while let Some(message) = messages.next().await {
            let message = match message {
                Ok(message) => message,
                Err(error) => {
                    tracing::debug!(%error, "a channel broke");
                    break;
                }
            };
            // Revisions before 2025-06-18 may send several messages together.
            let together = if self.shared { None } else { batch::elements(&message, depth) };
            for message in together.unwrap_or_else(|| vec![message]) {
                self.hand_out(&message, depth).await;
            }
        }
        self.channel.close();
        // Every reader sees the end now.
        self.desk().clear();
    }

    async fn hand_out(self: &Arc<Self>, message: &Bytes, depth: usize) {
        let readers = self.desk().readers_of(message, depth, self.shared);
        for reader in readers {
            // One caller's channel may wait for its caller; a shared one waits for nobody.
            let patience = if self.shared { Duration::ZERO } else { PATIENCE };
            if reader.send_timeout(message.clone(), patience).await.is_err() {
                // A reader that misses a message gets no other: its stream ends, visibly.
                let evicted = self.desk().evict(&reader);
                if self.shared {
                    for id in evicted {
                        Self::cancel(self, &id);
                    }
                }
            }
        }
    }

    /// On a shared channel nobody sees a caller go: it has to be said.
    fn cancel(this: &Arc<Self>, id: &str) {
        let cancelled = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
            quote(id)
        );
        let this = Arc::clone(this);
        tokio::spawn(async move { this.tell(&Bytes::from(cancelled)).await });
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// The next message; none when the conversation has ended.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.receiver.recv().await
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(id) = &self.id else { return };
        let unanswered = self.conversation.desk().leave(id);
        if unanswered && self.conversation.shared && self.conversation.is_open() {
            Conversation::cancel(&self.conversation, id);
        }
    }
}

#[cfg(test)]
mod tests;
