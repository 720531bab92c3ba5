//! A server that speaks HTTP+SSE, or Streamable HTTP, or neither, and can change its mind.

use std::{
    collections::HashMap,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

/// What stands at `/mcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP+SSE; a POST gets this status.
    Sse(u16),
    /// Streamable HTTP.
    Http,
    /// A POST gets this status, a GET 405.
    Neither(u16),
    /// A POST gets 400, a GET a stream in which nothing comes.
    Silence,
}

/// A running server; it stops when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    speaks: Speaks,
    /// `METHOD path` and the JSON-RPC method, oldest first.
    seen: Vec<String>,
    /// The same with what was presented.
    presented: Vec<(String, String)>,
    /// Every head and body, as they came.
    raw: Vec<u8>,
    /// The streams by their session.
    streams: HashMap<usize, mpsc::UnboundedSender<String>>,
}

impl Server {
    pub(crate) async fn start(speaks: Speaks) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(State {
            speaks,
            seen: Vec::new(),
            presented: Vec::new(),
            raw: Vec::new(),
            streams: HashMap::new(),
        }));
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { url, shared, task }
    }

    /// From now on it is another; streams that are open end.
    pub(crate) fn becomes(&self, speaks: Speaks) {
        let mut state = lock(&self.shared);
        state.speaks = speaks;
        state.streams.clear();
    }

    /// What it was asked with, and what was presented, since the last time.
    pub(crate) fn presented(&self) -> Vec<(String, String)> {
        std::mem::take(&mut lock(&self.shared).presented)
    }

    /// Waits until no stream is open.
    pub(crate) async fn until_left(&self) {
        let left = async {
            while !lock(&self.shared).streams.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(super::PATIENCE, left).await.expect("the stream is left");
    }

    /// What it was asked since the last time.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared).seen)
    }

    /// Everything that it was ever sent, as it came.
    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&lock(&self.shared).raw).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        // Clients leave as they like.
        tokio::spawn(async move { drop(converse(BufReader::new(stream), &shared).await) });
    }
}

/// One request, one answer; then the connection closes.
async fn converse(mut stream: BufReader<TcpStream>, shared: &Mutex<State>) -> io::Result<()> {
    let (mut start, mut length, mut presented) = (String::new(), 0, String::new());
    stream.read_line(&mut start).await?;
    let mut raw = start.clone().into_bytes();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        raw.extend_from_slice(line.as_bytes());
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                presented = value.trim().to_owned();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    raw.extend_from_slice(&body);
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut start = start.split(' ');
    let (method, path) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
    let speaks = {
        let mut state = lock(shared);
        state.raw.append(&mut raw);
        let asked = message["method"].as_str().unwrap_or("-");
        let place = path.split('?').next().unwrap_or_default();
        state.seen.push(format!("{method} {place} {asked}"));
        state.presented.push((format!("{method} {asked}"), presented));
        state.speaks
    };
    match (method, path, speaks) {
        ("GET", "/mcp", Speaks::Sse(_)) => serve_stream(stream, shared).await,
        ("GET", "/mcp", Speaks::Silence) => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hello\n\n")
                .await?;
            let _ = stream.read_u8().await;
            Ok(())
        }
        ("POST", "/mcp", Speaks::Sse(status) | Speaks::Neither(status)) => {
            write(&mut stream, status, "text/html", "<h1>no</h1>").await
        }
        ("POST", "/mcp", Speaks::Silence) => write(&mut stream, 400, "text/html", "<h1>no</h1>").await,
        ("POST", "/mcp", Speaks::Http) if message["id"].is_null() => write(&mut stream, 202, "", "").await,
        ("POST", "/mcp", Speaks::Http) => {
            let answer = answer(&message).to_string();
            write(&mut stream, 200, "application/json\r\nmcp-session-id: by-http", &answer).await
        }
        ("POST", path, _) if path.starts_with("/messages?") => {
            let session = path.trim_start_matches("/messages?").parse().unwrap_or(0);
            let sender = lock(shared).streams.get(&session).cloned();
            let status = if sender.is_some() { 202 } else { 404 };
            if let Some(sender) = sender.filter(|_| !message["id"].is_null()) {
                // Revisions before 2025-06-18 may send several messages together.
                let _ = sender.send(json!([answer(&message)]).to_string());
            }
            write(&mut stream, status, "text/plain", "").await
        }
        _ => write(&mut stream, 405, "text/plain", "").await,
    }
}

/// The event stream: where messages go, then answers.
async fn serve_stream(mut stream: BufReader<TcpStream>, shared: &Mutex<State>) -> io::Result<()> {
    let (sender, mut answers) = mpsc::unbounded_channel();
    let session = {
        let mut state = lock(shared);
        let session = state.seen.len() + 1000 * state.streams.len();
        state.streams.insert(session, sender);
        session
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let endpoint = format!("event: endpoint\ndata: /messages?{session}\n\n");
    stream.write_all(format!("{head}{endpoint}").as_bytes()).await?;
    let mut nothing = [0];
    loop {
        let answer = tokio::select! {
            answer = answers.recv() => answer,
            // The client sends nothing more: what can be read is that it leaves.
            _ = stream.read(&mut nothing) => None,
        };
        let Some(answer) = answer else { break };
        stream.write_all(format!("event: message\ndata: {answer}\n\n").as_bytes()).await?;
    }
    lock(shared).streams.remove(&session);
    Ok(())
}

fn answer(message: &Value) -> Value {
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-03-26", "capabilities": {} }),
        Some("tools/list") => json!({ "tools": [{ "name": "old" }] }),
        _ => json!({}),
    };
    json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })
}

async fn write(stream: &mut BufReader<TcpStream>, status: u16, kind: &str, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await
}
