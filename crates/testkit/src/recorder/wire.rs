//! HTTP/1.1 by hand: requests as they came, and bytes out as they are given.

use std::{io, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep_until},
};

/// The longest head and the longest body that are taken.
const HEAD_LIMIT: usize = 256 * 1024;
const BODY_LIMIT: usize = 256 * 1024 * 1024;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The HTTP method.
    pub method: String,
    /// The request target: path and query.
    pub target: String,
    /// The header fields in their order and case, values without surrounding white space.
    pub headers: Vec<(String, String)>,
    /// The request line and the header fields, byte for byte.
    pub head: Bytes,
    /// The body, without the transfer coding.
    pub body: Bytes,
    /// Which connection it came on, counted from 1.
    pub connection: u64,
}

impl Recorded {
    /// The first header field of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The JSON-RPC method, or the HTTP method where the body names none.
    pub fn method_name(&self) -> String {
        self.json()["method"].as_str().map_or_else(|| self.method.clone(), str::to_owned)
    }

    /// Whether these bytes are anywhere in the request.
    pub fn contains(&self, needle: &[u8]) -> bool {
        let within = |hay: &[u8]| !needle.is_empty() && hay.windows(needle.len()).any(|part| part == needle);
        within(&self.head) || within(&self.body)
    }

    /// The JSON-RPC id.
    pub(super) fn id(&self) -> Option<Value> {
        self.json().get("id").cloned()
    }

    fn parse(head: Bytes, connection: u64) -> Option<Self> {
        let text = String::from_utf8_lossy(&head).into_owned();
        let mut lines = text.split("\r\n");
        let mut start = lines.next()?.split(' ');
        let (method, target) = (start.next()?.to_owned(), start.next()?.to_owned());
        let fields = lines.filter_map(|line| line.split_once(':'));
        let headers = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        Some(Self { method, target, headers, head, body: Bytes::new(), connection })
    }
}

/// One TCP connection with what was read ahead on it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    ahead: BytesMut,
    number: u64,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, number: u64) -> Self {
        // Small writes must leave at once; where that cannot be set the kernel decides.
        let _ = stream.set_nodelay(true);
        Self { stream, ahead: BytesMut::new(), number }
    }

    /// The next request; `None` when the client closed between two requests.
    pub(super) async fn read_request(&mut self) -> io::Result<Option<Recorded>> {
        let Some(head) = self.read_to(b"\r\n\r\n", HEAD_LIMIT).await? else { return Ok(None) };
        let mut request = Recorded::parse(head, self.number).ok_or(io::ErrorKind::InvalidData)?;
        if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let chunked = request.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
        request.body = if chunked {
            self.read_chunks().await?
        } else {
            let length = request.header("content-length").map_or(Ok(0), str::parse);
            self.read_exactly(length.map_err(io::Error::other)?).await?
        };
        Ok(Some(request))
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Waits so long; false as soon as the client is gone.
    pub(super) async fn pause(&mut self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(end) => return true,
                more = self.stream.read_buf(&mut self.ahead) => match more {
                    Ok(1..) if self.ahead.len() <= BODY_LIMIT => {}
                    _ => return false,
                },
            }
        }
    }

    /// Waits until the client is gone.
    pub(super) async fn until_gone(&mut self) {
        while self.pause(Duration::from_hours(1)).await {}
    }

    async fn read_chunks(&mut self) -> io::Result<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let line = self.read_to(b"\r\n", HEAD_LIMIT).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            if size == 0 {
                while self
                    .read_to(b"\r\n", HEAD_LIMIT)
                    .await?
                    .is_some_and(|trailer| trailer.as_ref() != b"\r\n")
                {}
                return Ok(body.freeze());
            }
            body.extend_from_slice(&self.read_exactly(size).await?);
            self.read_exactly(2).await?;
        }
    }

    async fn read_exactly(&mut self, length: usize) -> io::Result<Bytes> {
        if length > BODY_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        while self.ahead.len() < length {
            if self.stream.read_buf(&mut self.ahead).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.ahead.split_to(length).freeze())
    }

    /// Everything up to and including `end`; `None` when the client closed before the first byte.
    async fn read_to(&mut self, end: &[u8], limit: usize) -> io::Result<Option<Bytes>> {
        let mut searched = 0;
        loop {
            let from = searched.min(self.ahead.len());
            if let Some(at) = self.ahead[from..].windows(end.len()).position(|part| part == end) {
                return Ok(Some(self.ahead.split_to(from + at + end.len()).freeze()));
            }
            searched = self.ahead.len().saturating_sub(end.len() - 1);
            if self.ahead.remaining() > limit {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.stream.read_buf(&mut self.ahead).await? == 0 {
                let clean = self.ahead.is_empty();
                return if clean { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}
