//! Bounds on everything that comes from outside: `[limits]`.

use std::time::Duration;

/// Bounds on size, depth, count and time. Every input is measured against one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, in bytes.
    pub request_body: usize,
    /// Largest whole answer or single event of an upstream, in bytes.
    pub response_body: usize,
    /// Deepest nesting of a JSON message.
    pub depth: usize,
    /// Most messages of one batch.
    pub batch: usize,
    /// Largest request head, in bytes.
    pub header_bytes: usize,
    /// Time for a client to send a request's head and then its body.
    pub request_time: Duration,
    /// Open endless streams (GET, `subscriptions/listen`) per virtual server.
    pub streams: usize,
    /// Open connections of clients.
    pub connections: usize,
    /// Silence after which a stream gets a keep-alive comment.
    pub keep_alive: Duration,
    /// Silence of an upstream after which its stream is ended.
    pub stream_idle: Duration,
    /// Sessions held at one upstream that is reached over stdio or HTTP+SSE: each is a child or a connection.
    pub sessions: usize,
    /// How long such a session may go unused.
    pub session_idle: Duration,
    /// How long a child that many callers share may go unused.
    pub command_idle: Duration,
    /// How long a legacy session may live.
    pub session_lifetime: Duration,
    /// Time for open requests to finish when the program is told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body: 4 << 20,
            response_body: 16 << 20,
            depth: 128,
            batch: 50,
            header_bytes: 32 << 10,
            request_time: Duration::from_secs(30),
            streams: 10_000,
            connections: 20_000,
            keep_alive: Duration::from_secs(15),
            stream_idle: Duration::from_mins(30),
            sessions: 64,
            session_idle: Duration::from_mins(30),
            command_idle: Duration::from_mins(30),
            session_lifetime: Duration::from_hours(24),
            drain: Duration::from_secs(20),
        }
    }
}
