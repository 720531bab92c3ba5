//! One request: correct unless the test makes it otherwise.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{Answer, Events, Gateway, Replica, wire};

/// The modern revision.
pub(crate) const MODERN: &str = "2026-07-28";
/// The newest revision with sessions.
pub(crate) const LEGACY: &str = "2025-11-25";

/// Secrets that are shorter than this would be found by accident.
const SHORTEST_SECRET: usize = 8;

/// A request that is being put together.
#[derive(Clone)]
pub(crate) struct Call<'g> {
    gateway: &'g Gateway,
    to: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    chunked: bool,
    recorded: bool,
}

/// The `_meta` that every modern request has.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

impl Gateway {
    /// A request without a body; `target` is what stands in the request line.
    pub(crate) fn call(&self, method: &str, target: &str) -> Call<'_> {
        Call {
            gateway: self,
            to: self.address,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![("Host".to_owned(), self.authority())],
            body: Vec::new(),
            chunked: false,
            recorded: true,
        }
    }

    /// A POST of this text to a virtual server, with media types and nothing else.
    pub(crate) fn post(&self, server: &str, body: impl Into<Vec<u8>>) -> Call<'_> {
        self.call("POST", &format!("/mcp/{server}"))
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .body(body)
    }

    /// A request of 2026-07-28 with id 1 and everything that the revision demands: `_meta` where `params` has
    /// none, and the mirrored headers.
    pub(crate) fn modern(&self, server: &str, method: &str, mut params: Value) -> Call<'_> {
        if params.get("_meta").is_none() {
            params["_meta"] = meta();
        }
        let name = ["name", "uri", "taskId"].into_iter().find_map(|key| params[key].as_str());
        let names = matches!(method, "tools/call" | "prompts/get" | "resources/read");
        let name = name.filter(|_| names || method.starts_with("tasks/")).map(str::to_owned);
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let call = self.post(server, body.to_string());
        let call = call.header("MCP-Protocol-Version", MODERN).header("Mcp-Method", method);
        match name {
            Some(name) => call.header("Mcp-Name", &name),
            None => call,
        }
    }

    /// A request of 2025-11-25 with id 1, in this session.
    pub(crate) fn legacy(
        &self,
        server: &str,
        session: Option<&str>,
        method: &str,
        params: &Value,
    ) -> Call<'_> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(server, body.to_string()).in_session(session)
    }

    /// A notification of 2025-11-25, in this session.
    pub(crate) fn notify(
        &self,
        server: &str,
        session: Option<&str>,
        method: &str,
        params: &Value,
    ) -> Call<'_> {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.post(server, body.to_string()).in_session(session)
    }

    /// `initialize` of 2025-11-25.
    pub(crate) fn initialize(&self, server: &str) -> Call<'_> {
        let params = json!({
            "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
        });
        self.legacy(server, None, "initialize", &params)
    }

    /// Begins a session and returns its id.
    pub(crate) async fn session(&self, server: &str, token: Option<&str>) -> String {
        let answer = self.initialize(server).maybe_bearer(token).send().await;
        let session = answer.header("mcp-session-id").map(str::to_owned);
        let session = session.unwrap_or_else(|| panic!("no session: {} {}", answer.status, answer.text()));
        let initialized = self.notify(server, Some(&session), "notifications/initialized", &json!({}));
        assert_eq!(initialized.maybe_bearer(token).send().await.status, 202);
        session
    }

    /// Sends exactly these bytes; `line` (`METHOD path`) is the request that must get a record, if any does.
    /// No answer means that the connection closed without one.
    pub(crate) async fn raw(&self, bytes: &[u8], line: Option<&str>) -> Option<Answer> {
        self.log().sent.extend(line.map(str::to_owned));
        let method = line.and_then(|line| line.split(' ').next()).unwrap_or("POST");
        Some(wire::exchange(self, self.address, bytes, method).await?.rest().await)
    }

    /// A connection of the test's own. What it sends is not counted: say so with [`Gateway::expect_record`].
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Counts a request that a test sends by itself: `METHOD path`.
    pub(crate) fn expect_record(&self, line: &str) {
        self.log().sent.push(line.to_owned());
    }

    /// Reads an answer on a connection of the test's own, after sending `bytes`.
    pub(crate) async fn answer_on(&self, stream: TcpStream, bytes: &[u8]) -> Option<Answer> {
        Some(wire::converse(self, stream, bytes, "POST").await?.rest().await)
    }
}

impl<'g> Call<'g> {
    /// To another gateway of the same deployment.
    pub(crate) fn at(mut self, replica: &Replica) -> Self {
        self.to = replica.address;
        self
    }

    /// With this header in addition.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this header in the place of all others of its name.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    /// Without any header of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With this access token, which is a secret from now on.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// With this access token, if there is one.
    pub(crate) fn maybe_bearer(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.bearer(token),
            None => self,
        }
    }

    /// In this session, if there is one.
    fn in_session(self, session: Option<&str>) -> Self {
        match session {
            Some(session) => self.header("MCP-Protocol-Version", LEGACY).header("Mcp-Session-Id", session),
            None => self,
        }
    }

    /// With this body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With the body in chunks, its length not announced.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// The request never gets as far as a record: HTTP itself refuses it.
    pub(crate) fn unrecorded(mut self) -> Self {
        self.recorded = false;
        self
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(self) -> Answer {
        self.stream().await.rest().await
    }

    /// Sends it and reads the head of the answer.
    pub(crate) async fn stream(self) -> Events<'g> {
        let line = format!("{} {}", self.method, self.target);
        let sent = self.try_stream().await;
        sent.unwrap_or_else(|| panic!("no answer to {line}"))
    }

    /// Sends it and reads the head of the answer; none when the connection just closes.
    pub(crate) async fn try_stream(self) -> Option<Events<'g>> {
        self.note();
        wire::exchange(self.gateway, self.to, &self.bytes(), &self.method).await
    }

    /// Counts the request, and what is secret in it.
    fn note(&self) {
        let mut log = self.gateway.log();
        if self.recorded {
            log.sent.push(format!("{} {}", self.method, path(&self.target)));
        }
        drop(log);
        let carriers = ["authorization", "cookie", "proxy-authorization", "x-api-key"];
        for (name, value) in &self.headers {
            if carriers.contains(&name.to_ascii_lowercase().as_str()) {
                // Of a cookie the value: its name stands in every `Set-Cookie`.
                let is_cookie = name.eq_ignore_ascii_case("cookie");
                let secret = |part| if is_cookie { value_of(part) } else { part };
                let parts = value.split([' ', ';']).map(secret);
                let parts = parts.filter(|part| part.len() >= SHORTEST_SECRET);
                parts.for_each(|part| self.gateway.plant_callers(part));
            }
        }
        if let Some((_, token)) = self.target.split_once("access_token=") {
            self.gateway.plant_callers(token);
        }
    }

    /// The request as it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if self.chunked {
            head.push_str("Transfer-Encoding: chunked\r\n\r\n");
            let chunks = self
                .body
                .chunks(4096)
                .map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
            return [head.into_bytes(), chunks.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()].concat();
        }
        if self.method == "POST" || !self.body.is_empty() {
            head.extend(["Content-Length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

/// The value of a cookie as it is sent.
fn value_of(cookie: &str) -> &str {
    cookie.split_once('=').map_or(cookie, |(_, value)| value)
}

/// The path of a request target, absolute form included.
fn path(target: &str) -> &str {
    let target = target.split('?').next().unwrap_or_default();
    match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => target,
    }
}
