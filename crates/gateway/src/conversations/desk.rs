//! Who waits for what in one conversation.

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;
use doorward_protocol::{
    json::{Document, Object, Value},
    mcp::modern::{META_SUBSCRIPTION, meta},
    rpc::Message,
};
use tokio::sync::mpsc;

/// Messages for a session's stream that nobody has opened yet.
const BACKLOG: usize = 64;

type Reader = mpsc::Sender<Bytes>;

/// The readers of one conversation.
pub(super) struct Desk {
    waiting: Vec<Waiting>,
    stream: Option<Reader>,
    backlog: VecDeque<Bytes>,
    touched: Instant,
}

/// A request that has not been answered.
struct Waiting {
    id: String,
    token: Option<Bytes>,
    reader: Reader,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { waiting: Vec::new(), stream: None, backlog: VecDeque::new(), touched: Instant::now() }
    }

    /// Somebody is about to ask.
    pub(super) fn touch(&mut self) {
        self.touched = Instant::now();
    }

    /// A request begins to wait.
    pub(super) fn register(&mut self, id: &str, token: Option<Bytes>, reader: Reader) {
        self.touched = Instant::now();
        self.waiting.push(Waiting { id: id.to_owned(), token, reader });
    }

    /// The session's stream is opened: what has waited for it comes first.
    pub(super) fn listen(&mut self, reader: Reader) {
        self.touched = Instant::now();
        for message in self.backlog.drain(..) {
            // The new stream's queue is as long as the backlog.
            let _ = reader.try_send(message);
        }
        self.stream = Some(reader);
    }

    /// A request stops waiting; says whether it had no answer yet.
    pub(super) fn leave(&mut self, id: &str) -> bool {
        self.touched = Instant::now();
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.id != id);
        self.waiting.len() < before
    }

    /// A reader that does not read is nobody's any more. Returns the requests that lose it unanswered.
    pub(super) fn evict(&mut self, reader: &Reader) -> Vec<String> {
        let evicted = self.waiting.extract_if(.., |waiting| waiting.reader.same_channel(reader));
        let evicted = evicted.map(|waiting| waiting.id).collect();
        self.stream = self.stream.take().filter(|stream| !stream.same_channel(reader));
        evicted
    }

    /// Nobody will hear anything more.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.stream = None;
        self.backlog.clear();
    }

    /// Since when nobody has waited or listened.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let listening = self.stream.as_ref().is_some_and(|stream| !stream.is_closed());
        (self.waiting.is_empty() && !listening).then_some(self.touched)
    }

    /// Whose a message is. A message of a shared channel that names nobody is nobody's.
    pub(super) fn readers_of(&mut self, message: &Bytes, depth: usize, shared: bool) -> Vec<Reader> {
        let Ok(document) = Document::parse(message.clone(), depth) else {
            return if shared { Vec::new() } else { self.everybody() };
        };
        match Message::read(&document) {
            Ok(Message::Response { id: Some(id), .. }) => {
                let id = id.as_str().unwrap_or_default();
                let found = self.waiting.iter().position(|waiting| waiting.id == id);
                found.map(|at| self.waiting.swap_remove(at).reader).into_iter().collect()
            }
            Ok(Message::Notification { params, .. }) if shared => {
                params.and_then(|params| self.named_by(params)).into_iter().collect()
            }
            Ok(Message::Notification { params, method }) => {
                let named = params.and_then(|params| self.named_by(params));
                let is_about_a_request = method.as_str().is_some_and(|method| {
                    method == "notifications/progress" || method == "notifications/message"
                });
                named.or_else(|| self.session_reader(message, !is_about_a_request)).into_iter().collect()
            }
            Ok(Message::Request { .. }) if !shared => {
                self.session_reader(message, false).into_iter().collect()
            }
            // An error without an id, or what is no message at all, in a session of one caller: theirs.
            Ok(Message::Response { .. }) | Err(_) if !shared => self.everybody(),
            _ => Vec::new(),
        }
    }

    /// The request that a notification names by its progress token or its subscription.
    fn named_by(&self, params: Object<'_>) -> Option<Reader> {
        let subscription = meta(params).and_then(|meta| meta.get(META_SUBSCRIPTION)).and_then(Value::as_str);
        let token = params.get("progressToken").map(Value::raw);
        let found = self.waiting.iter().find(|waiting| {
            subscription.as_deref() == Some(&waiting.id)
                || (token.is_some() && waiting.token.as_deref() == token)
        });
        found.map(|waiting| waiting.reader.clone())
    }

    /// For what belongs to the session: its stream, or the request that is being served; else it waits.
    fn session_reader(&mut self, message: &Bytes, stream_first: bool) -> Option<Reader> {
        let stream = self.stream.clone().filter(|stream| !stream.is_closed());
        let request = self.waiting.last().map(|waiting| waiting.reader.clone());
        let reader = if stream_first { stream.or(request) } else { request.or(stream) };
        if reader.is_none() {
            if self.backlog.len() == BACKLOG {
                self.backlog.pop_front();
            }
            self.backlog.push_back(message.clone());
        }
        reader
    }

    fn everybody(&self) -> Vec<Reader> {
        self.waiting.iter().map(|waiting| waiting.reader.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
