//! What a recorder answers: a status, header fields, and a body in steps.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Fate, wire::Connection};

/// Where the id of the request belongs: the JSON text `"$id"` anywhere in a reply becomes the id, with its JSON type.
const ID: &[u8] = br#""$id""#;

/// One answer. Built from a body, then changed: `Reply::result(…).split(1).cut_after(20)`.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<Bytes>,
    before: Option<Duration>,
    between: Option<Duration>,
    streamed: bool,
    end: End,
    split: Option<usize>,
    gate: Option<Gate>,
    /// Nothing is put in the place of `$id`.
    literal: bool,
    /// The body is all that is written, and the connection closes after it.
    wire: bool,
}

/// Holds the pieces of a body until the test lets them go.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Gate {
    /// Lets so many more pieces through.
    pub fn release(&self, pieces: usize) {
        self.0.add_permits(pieces);
    }

    /// Lets everything through that is left, and the end of the body after it.
    pub fn end(&self) {
        self.0.close();
    }

    /// Waits for the next piece's turn; false as soon as the client is gone.
    async fn pass(&self, connection: &mut Connection) -> bool {
        tokio::select! {
            turn = self.0.acquire() => {
                // A closed gate holds nothing any more.
                if let Ok(turn) = turn {
                    turn.forget();
                }
                true
            }
            () = connection.until_gone() => false,
        }
    }

    /// Waits for the end; false as soon as the client is gone.
    async fn ended(&self, connection: &mut Connection) -> bool {
        tokio::select! {
            _ = self.0.acquire_many(u32::MAX) => true,
            () = connection.until_gone() => false,
        }
    }
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Properly,
    /// The connection closes after so many bytes of the body.
    Cut(usize),
    /// Nothing more comes after so many bytes of the body, and the connection stays.
    Hang(usize),
}

impl Reply {
    fn new(body: Vec<Bytes>) -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body,
            before: None,
            between: None,
            streamed: false,
            end: End::Properly,
            split: None,
            gate: None,
            literal: false,
            wire: false,
        }
    }

    /// This body with this content type.
    pub fn raw(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(vec![body.into()]).header("content-type", content_type)
    }

    /// A JSON document. The string `$id` in it becomes the id of the request.
    #[expect(clippy::needless_pass_by_value, reason = "tests write the document in place")]
    pub fn json(document: Value) -> Self {
        Self::raw("application/json", document.to_string())
    }

    /// A JSON-RPC result in a JSON document.
    pub fn result(result: Value) -> Self {
        Self::json(envelope("result", result))
    }

    /// A JSON-RPC error in a JSON document, with status 200.
    pub fn error(code: i64, message: &str) -> Self {
        Self::json(envelope("error", json!({ "code": code, "message": message })))
    }

    /// An event stream with one `message` event for each document.
    pub fn events(documents: impl IntoIterator<Item = Value>) -> Self {
        let event = |document: Value| Bytes::from(format!("event: message\ndata: {document}\n\n"));
        let events = documents.into_iter().map(event).collect();
        Self { streamed: true, ..Self::new(events) }.header("content-type", "text/event-stream")
    }

    /// An event stream with these notifications and then a JSON-RPC result.
    pub fn result_after(notifications: impl IntoIterator<Item = Value>, result: Value) -> Self {
        Self::events(notifications.into_iter().chain([envelope("result", result)]))
    }

    /// An event stream of these pieces, each written by itself.
    pub fn pieces(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        let body = pieces.into_iter().collect();
        Self { streamed: true, ..Self::new(body) }.header("content-type", "text/event-stream")
    }

    /// An event stream of exactly these bytes.
    pub fn event_bytes(bytes: impl Into<Bytes>) -> Self {
        Self { streamed: true, ..Self::raw("text/event-stream", bytes) }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self::new(Vec::new()).status(status)
    }

    /// These bytes instead of an HTTP response, then the connection closes.
    pub fn wire(bytes: impl Into<Bytes>) -> Self {
        Self { wire: true, literal: true, ..Self::new(vec![bytes.into()]) }
    }

    /// Not a byte until the client leaves.
    pub fn never() -> Self {
        Self { wire: true, end: End::Hang(0), ..Self::new(Vec::new()) }
    }

    /// The connection closes without a byte.
    pub fn close() -> Self {
        Self { wire: true, end: End::Cut(0), ..Self::new(Vec::new()) }
    }

    /// With this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With this header field in addition; a `content-type` replaces the former one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if name.eq_ignore_ascii_case("content-type") {
            self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body in pieces of at most `size` bytes, each in a chunk and a write of its own.
    #[must_use]
    pub fn split(mut self, size: usize) -> Self {
        self.split = Some(size.max(1));
        self.streamed = true;
        self
    }

    /// With a pause before the first byte.
    #[must_use]
    pub fn after(mut self, pause: Duration) -> Self {
        self.before = Some(pause);
        self
    }

    /// With a pause between the pieces of the body, events included.
    #[must_use]
    pub fn every(mut self, pause: Duration) -> Self {
        self.between = Some(pause);
        self.streamed = true;
        self
    }

    /// Every piece of the body, and its end, when the gate lets it through.
    #[must_use]
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self.streamed = true;
        self
    }

    /// The connection closes after `bytes` of the body.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.end = End::Cut(bytes);
        self.streamed = true;
        self
    }

    /// After `bytes` of the body nothing more comes until the client leaves.
    #[must_use]
    pub fn hang_after(mut self, bytes: usize) -> Self {
        self.end = End::Hang(bytes);
        self.streamed = true;
        self
    }

    /// With every `$id` as it is.
    pub(super) fn literal(mut self) -> Self {
        self.literal = true;
        self
    }

    /// Whether the connection ends with this answer.
    pub(super) fn closes(&self) -> bool {
        self.wire
    }

    /// Writes the answer and says what became of it.
    pub(super) async fn write(&self, to: &mut Connection, id: Option<&Value>, head_only: bool) -> Fate {
        if let Some(pause) = self.before
            && !to.pause(pause).await
        {
            return Fate::ClientGone;
        }
        let body = self.parts(id);
        if !self.wire && to.write(self.head(&body).as_bytes()).await.is_err() {
            return Fate::ClientGone;
        }
        if head_only {
            return Fate::Answered;
        }
        self.write_body(to, body).await
    }

    async fn write_body(&self, to: &mut Connection, body: Vec<Bytes>) -> Fate {
        let chunked = self.streamed && !self.wire;
        let mut left = match self.end {
            End::Properly => usize::MAX,
            End::Cut(bytes) | End::Hang(bytes) => bytes,
        };
        for (index, mut part) in body.into_iter().enumerate() {
            if let Some(pause) = self.between.filter(|_| index > 0)
                && !to.pause(pause).await
            {
                return Fate::ClientGone;
            }
            if let Some(gate) = &self.gate
                && !gate.pass(to).await
            {
                return Fate::ClientGone;
            }
            part.truncate(left);
            left -= part.len();
            if !part.is_empty() && write_part(to, &part, chunked).await.is_err() {
                return Fate::ClientGone;
            }
        }
        if let Some(gate) = &self.gate
            && !gate.ended(to).await
        {
            return Fate::ClientGone;
        }
        match self.end {
            End::Cut(_) => return Fate::Cut,
            End::Hang(_) => {
                to.until_gone().await;
                return Fate::ClientGone;
            }
            End::Properly => {}
        }
        if chunked && to.write(b"0\r\n\r\n").await.is_err() {
            return Fate::ClientGone;
        }
        Fate::Answered
    }

    /// The body as it is written, one piece for each write.
    fn parts(&self, id: Option<&Value>) -> Vec<Bytes> {
        let parts = self.body.iter().map(|part| if self.literal { part.clone() } else { with_id(part, id) });
        let Some(size) = self.split else { return parts.collect() };
        parts
            .flat_map(|part| part.chunks(size).map(|piece| part.slice_ref(piece)).collect::<Vec<_>>())
            .collect()
    }

    fn head(&self, body: &[Bytes]) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if self.streamed {
            head.push_str("transfer-encoding: chunked\r\n");
        } else if self.status >= 200 && self.status != 204 {
            let length: usize = body.iter().map(Bytes::len).sum();
            let _ = write!(head, "content-length: {length}\r\n");
        }
        head + "\r\n"
    }
}

async fn write_part(to: &mut Connection, part: &[u8], chunked: bool) -> std::io::Result<()> {
    if !chunked {
        return to.write(part).await;
    }
    let mut chunk = format!("{:x}\r\n", part.len()).into_bytes();
    chunk.extend_from_slice(part);
    chunk.extend_from_slice(b"\r\n");
    to.write(&chunk).await
}

#[expect(clippy::needless_pass_by_value, reason = "it is moved into the document")]
fn envelope(member: &str, value: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": "$id", member: value })
}

/// The part with the id of the request in its place.
fn with_id(part: &Bytes, id: Option<&Value>) -> Bytes {
    let id = id.map_or_else(|| "null".to_owned(), Value::to_string);
    let mut done = Vec::with_capacity(part.len());
    let mut rest = part.as_ref();
    while let Some(at) = rest.windows(ID.len()).position(|window| window == ID) {
        done.extend_from_slice(&rest[..at]);
        done.extend_from_slice(id.as_bytes());
        rest = &rest[at + ID.len()..];
    }
    done.extend_from_slice(rest);
    done.into()
}
