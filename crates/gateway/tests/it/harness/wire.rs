//! HTTP/1.1 by hand: exactly the bytes that a test wants, and answers with everything in them.

use std::{io, net::SocketAddr};

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{Gateway, PATIENCE};

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In their order and case.
    pub(crate) headers: Vec<(String, String)>,
    /// Without the transfer coding.
    pub(crate) body: Bytes,
    /// The connection closed in the middle of it.
    pub(crate) cut: bool,
}

impl Answer {
    /// The only header of that name; several would be a mistake of the gateway.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.all(name);
        assert!(found.len() <= 1, "several {name} headers: {found:?}");
        found.first().copied()
    }

    /// All headers of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let of_name = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_str()).collect()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The JSON-RPC error's code; 0 when there is no error.
    pub(crate) fn error_code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or_default()
    }

    /// The JSON-RPC result, or a panic that shows what came instead.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let result = self.json()["result"].clone();
        assert!(result.is_object(), "no result: {} {}", self.status, self.text());
        result
    }

    /// Everything that can be observed of an answer, but for `date`: to compare answers with.
    pub(crate) fn observable(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
        headers.sort();
        (self.status, headers, self.text())
    }

    /// The data of every event of an event stream, as JSON.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.split("\n\n").filter_map(|event| {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            let data: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
            serde_json::from_str(&data.join("\n")).ok()
        });
        data.collect()
    }
}

/// A connection on which an answer is being read. Dropping it closes the connection.
pub(crate) struct Events<'g> {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    gateway: &'g Gateway,
    reading: Reading,
    pending: BytesMut,
}

impl Events<'_> {
    /// The next event, raw, its blank line included; `None` at the end. Comments count as events.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            let end = self.pending.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end {
                let event = self.pending.split_to(end + 2);
                return Some(String::from_utf8_lossy(&event).into_owned());
            }
            let piece = self.piece().await?;
            self.pending.extend_from_slice(&piece);
        }
    }

    /// What came after the last event.
    pub(crate) fn left(&mut self) -> String {
        String::from_utf8_lossy(&self.pending.split()).into_owned()
    }

    /// The data of the next event that has any, as JSON; `None` at the end.
    pub(crate) async fn next_json(&mut self) -> Option<Value> {
        loop {
            let event = self.next().await?;
            let data = event.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(value) = data.and_then(|data| serde_json::from_str(data.trim_start()).ok()) {
                return Some(value);
            }
        }
    }

    /// Reads to the end.
    pub(crate) async fn rest(mut self) -> Answer {
        while let Some(piece) = self.piece().await {
            self.pending.extend_from_slice(&piece);
        }
        let body = std::mem::take(&mut self.pending).freeze();
        Answer {
            status: self.status,
            headers: std::mem::take(&mut self.headers),
            body,
            cut: self.reading.cut,
        }
    }

    async fn piece(&mut self) -> Option<Bytes> {
        let piece = timeout(PATIENCE, self.reading.piece()).await.expect("the answer goes on");
        if let Some(piece) = &piece {
            self.gateway.log().heard.extend_from_slice(piece);
        }
        piece
    }
}

/// Sends bytes on a new connection and reads the head of the answer; none when the connection just closes.
pub(super) async fn exchange<'g>(
    gateway: &'g Gateway,
    to: SocketAddr,
    bytes: &[u8],
    method: &str,
) -> Option<Events<'g>> {
    let stream = TcpStream::connect(to).await.unwrap();
    converse(gateway, stream, bytes, method).await
}

/// The same on a connection that is there already.
pub(super) async fn converse<'g>(
    gateway: &'g Gateway,
    mut stream: TcpStream,
    bytes: &[u8],
    method: &str,
) -> Option<Events<'g>> {
    // The gateway may refuse, answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut reading = Reading { stream, ahead: BytesMut::new(), left: Left::Nothing, cut: false };
    let head = timeout(PATIENCE, reading.head()).await.expect("an answer comes")?;
    gateway.log().heard.extend_from_slice(head.as_bytes());
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let fields = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    reading.left = Left::of(status, method, &headers);
    Some(Events { status, headers, gateway, reading, pending: BytesMut::new() })
}

struct Reading {
    stream: TcpStream,
    ahead: BytesMut,
    left: Left,
    cut: bool,
}

/// How much of a body is still to come.
enum Left {
    Nothing,
    Bytes(usize),
    Chunks,
    UntilClose,
}

impl Left {
    fn of(status: u16, method: &str, headers: &[(String, String)]) -> Self {
        let header = |wanted: &str| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        if method == "HEAD" || status == 204 || status == 304 {
            return Self::Nothing;
        }
        if header("transfer-encoding").is_some() {
            return Self::Chunks;
        }
        header("content-length").map_or(Self::UntilClose, |(_, length)| Self::Bytes(length.parse().unwrap()))
    }
}

impl Reading {
    async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|part| part == b"\r\n\r\n") {
                let head = self.ahead.split_to(end + 4);
                let head = String::from_utf8_lossy(&head).into_owned();
                if !head.starts_with("HTTP/1.1 1") {
                    return Some(head);
                }
            } else if self.more().await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next bytes of the body; `None` at its end.
    async fn piece(&mut self) -> Option<Bytes> {
        match self.left {
            Left::Nothing => None,
            Left::Bytes(left) => {
                let piece = self.some(left).await?;
                self.left = if left == piece.len() { Left::Nothing } else { Left::Bytes(left - piece.len()) };
                Some(piece)
            }
            Left::UntilClose => {
                let closed = self.ahead.is_empty() && self.more().await.unwrap_or(0) == 0;
                (!closed).then(|| self.ahead.split().freeze())
            }
            Left::Chunks => {
                let size = self.line().await.and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
                let Some(size) = size else { return self.broke() };
                let Some(chunk) = self.exactly(size + 2).await else { return self.broke() };
                if size == 0 {
                    self.left = Left::Nothing;
                    return None;
                }
                Some(chunk.slice(..size))
            }
        }
    }

    fn broke(&mut self) -> Option<Bytes> {
        self.cut = true;
        self.left = Left::Nothing;
        None
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|part| part == b"\r\n") {
                return Some(String::from_utf8_lossy(&self.ahead.split_to(end + 2)).into_owned());
            }
            self.more().await.ok().filter(|count| *count > 0)?;
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Bytes> {
        while self.ahead.len() < length {
            self.more().await.ok().filter(|count| *count > 0)?;
        }
        Some(self.ahead.split_to(length).freeze())
    }

    async fn some(&mut self, most: usize) -> Option<Bytes> {
        if most == 0 {
            return None;
        }
        if self.ahead.is_empty() && self.more().await.unwrap_or(0) == 0 {
            return self.broke();
        }
        let length = self.ahead.len().min(most);
        Some(self.ahead.split_to(length).freeze())
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.ahead).await
    }
}
