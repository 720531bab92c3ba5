//! HTTP/1.1 by hand on one connection, so that the end of a connection and the end of an answer are two things.

use std::{io, net::SocketAddr};

use bytes::{Buf as _, BytesMut};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::PATIENCE;

/// A connection that is used for one request after the other.
pub(crate) struct Connection<S = TcpStream> {
    stream: S,
    host: String,
    ahead: BytesMut,
    chunked: bool,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered(Answer),
    /// The connection closed without a byte of an answer.
    Unread,
    /// The connection closed in the middle of an answer.
    Cut,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// All values of a header that may be there several times.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Outcome {
    /// Whether nothing more can be asked on this connection.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Answered(answer) => {
                answer.header("connection").is_some_and(|said| said.eq_ignore_ascii_case("close"))
            }
            Self::Unread | Self::Cut => true,
        }
    }

    #[track_caller]
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Answered(answer) => answer,
            other => panic!("no answer: {other:?}"),
        }
    }
}

impl Connection {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.expect("a connection"), address)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn over(stream: S, address: SocketAddr) -> Self {
        Self { stream, host: address.to_string(), ahead: BytesMut::new(), chunked: false }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await.answer()
    }

    /// Calls a tool of `demo` in the modern era; `text` comes back in the answer.
    pub(crate) async fn call(&mut self, text: &str) -> Outcome {
        self.call_with(text, &[]).await
    }

    /// The same, with headers of one's own.
    pub(crate) async fn call_with(&mut self, text: &str, headers: &[(&str, &str)]) -> Outcome {
        let params = json!({ "name": "echo", "arguments": { "text": text } });
        self.modern("demo", "tools/call", Some("echo"), params, headers).await
    }

    /// A request of 2026-07-28.
    pub(crate) async fn modern(
        &mut self,
        server: &str,
        method: &str,
        name: Option<&str>,
        params: Value,
        headers: &[(&str, &str)],
    ) -> Outcome {
        self.send_modern(server, method, name, params, headers).await;
        self.receive().await
    }

    /// Sends a request of 2026-07-28 and does not wait.
    pub(crate) async fn send_modern(
        &mut self,
        server: &str,
        method: &str,
        name: Option<&str>,
        mut params: Value,
        headers: &[(&str, &str)],
    ) {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut all = vec![("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method)];
        all.extend(name.map(|name| ("Mcp-Name", name)));
        all.extend(headers);
        self.post(server, &all, &body.to_string()).await;
    }

    /// Sends a message of 2025-11-25, and returns the answer and the session that it names.
    pub(crate) async fn legacy(&mut self, session: Option<&str>, body: &Value) -> Answer {
        let mut headers = vec![];
        if let Some(session) = session {
            headers = vec![("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Session-Id", session)];
        }
        self.post("demo", &headers, &body.to_string()).await;
        self.receive().await.answer()
    }

    /// Begins a session of 2025-11-25.
    pub(crate) async fn session(&mut self) -> String {
        let initialize = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" },
            },
        });
        let answer = self.legacy(None, &initialize).await;
        let session = answer.header("mcp-session-id").map(str::to_owned);
        let session = session.unwrap_or_else(|| panic!("no session: {answer:?}"));
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.legacy(Some(&session), &initialized).await.status, 202);
        session
    }

    async fn post(&mut self, server: &str, headers: &[(&str, &str)], body: &str) {
        let mut all =
            vec![("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        all.extend(headers);
        self.send("POST", &format!("/mcp/{server}"), &all, body).await;
    }

    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Outcome {
        self.send(method, path, headers, body).await;
        self.receive().await
    }

    /// Writes a request in one piece. That nobody reads it shows when the answer is read.
    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let has_host = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        if !has_host {
            request.extend(["Host: ", &self.host, "\r\n"]);
        }
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n", body]);
        let _ = self.stream.write_all(request.as_bytes()).await;
        let _ = self.stream.flush().await;
    }

    /// Reads a whole answer.
    pub(crate) async fn receive(&mut self) -> Outcome {
        match self.head().await {
            None if self.ahead.is_empty() => Outcome::Unread,
            None => Outcome::Cut,
            Some((status, head)) => match self.body(&head).await {
                Some(body) => Outcome::Answered(Answer { status, head, body }),
                None => Outcome::Cut,
            },
        }
    }

    /// Reads the head of an answer; absent when the connection closes.
    pub(crate) async fn head(&mut self) -> Option<(u16, String)> {
        loop {
            if let Some(end) = self.ahead.windows(4).position(|part| part == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.ahead.split_to(end + 4)).into_owned();
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
                self.chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
                return Some((status, head));
            }
            self.more().await?;
        }
    }

    async fn body(&mut self, head: &str) -> Option<String> {
        let mut body = String::new();
        if self.chunked {
            loop {
                match self.chunk().await? {
                    piece if piece.is_empty() => return Some(body),
                    piece => body.push_str(&piece),
                }
            }
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        while self.ahead.len() < length.unwrap_or(0) {
            self.more().await?;
        }
        body.push_str(&String::from_utf8_lossy(&self.ahead.split_to(length.unwrap_or(0))));
        Some(body)
    }

    /// The next chunk of a chunked answer, empty at its proper end; absent when the connection closes before.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        loop {
            let line = self.ahead.windows(2).position(|part| part == b"\r\n");
            if let Some(line) = line {
                let size = String::from_utf8_lossy(&self.ahead[..line]).into_owned();
                let size = usize::from_str_radix(&size, 16).expect("a size");
                if self.ahead.len() >= line + 2 + size + 2 {
                    self.ahead.advance(line + 2);
                    let chunk = self.ahead.split_to(size);
                    self.ahead.advance(2);
                    return Some(String::from_utf8_lossy(&chunk).into_owned());
                }
            }
            self.more().await?;
        }
    }

    /// Reads what comes; absent at the end of the connection, however it ends.
    async fn more(&mut self) -> Option<()> {
        let read: io::Result<usize> =
            timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await.expect("something comes");
        read.ok().filter(|count| *count > 0).map(|_| ())
    }
}
