//! The sample agent: sends HTTP requests as MCP clients of both eras and A2A clients write them, and bad ones on
//! demand. The same hands carry what OAuth clients and browsers send.
//!
//! No SDK: the story shows what is on the wire.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use doorward_egress::{Egress, Outbound, Protocol, Trust, read_capped};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

/// The newest revision with sessions.
pub(super) const LEGACY: &str = "2025-11-25";
/// The revision without.
pub(super) const MODERN: &str = "2026-07-28";
/// The JSON-RPC id of every call: answers can then be compared byte by byte.
const ID: u32 = 1;
/// Until the head of an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Sends calls and counts them.
pub(super) struct Agent {
    name: &'static str,
    egress: Egress,
    sent: AtomicUsize,
}

/// One HTTP request, before it is sent.
pub(super) struct Call {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Agent {
    /// An agent that has sent nothing yet.
    pub(super) fn new(name: &'static str, egress: Egress) -> Self {
        Self { name, egress, sent: AtomicUsize::new(0) }
    }

    /// How many requests it sent.
    pub(super) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends a call; only no answer at all is an error.
    pub(super) async fn send(&self, call: Call) -> anyhow::Result<Answer> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::USER_AGENT, HeaderValue::from_static(self.name));
        for (name, value) in &call.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        }
        let uri = call.url.parse().with_context(|| format!("{} is not an address", call.url))?;
        let body = Bytes::from(call.body);
        let (method, trust, protocol) = (call.method, Trust::Declared, Protocol::Http1OrAlpn);
        let outbound = Outbound { method, uri, headers, body, trust, protocol };
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = self.egress.send(outbound, PATIENCE).await;
        let (parts, body) = answer.with_context(|| format!("no answer from {}", call.url))?.into_parts();
        let body = read_capped(body, MAX_ANSWER).await?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

impl Call {
    /// A document, not MCP.
    pub(super) fn get(url: &str) -> Self {
        Self { method: Method::GET, url: url.to_owned(), headers: Vec::new(), body: String::new() }
    }

    /// A form, as programs and browsers send it.
    pub(super) fn form<K: AsRef<str>, V: AsRef<str>>(
        url: &str,
        fields: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { method: Method::POST, url: url.to_owned(), headers: Vec::new(), body }
            .header("content-type", "application/x-www-form-urlencoded")
    }

    /// A JSON document, not MCP.
    pub(super) fn json(url: &str, document: &Value) -> Self {
        let body = document.to_string();
        Self { method: Method::POST, url: url.to_owned(), headers: Vec::new(), body }
            .header("content-type", "application/json")
    }

    /// A request of 2025-11-25. All but `initialize` belong to a session.
    pub(super) fn legacy(url: &str, method: &str, params: &Value) -> Self {
        let body = json!({ "jsonrpc": "2.0", "id": ID, "method": method, "params": params });
        Self::post(url, &body).header("mcp-protocol-version", LEGACY)
    }

    /// The first request of 2025-11-25.
    pub(super) fn initialize(url: &str) -> Self {
        let params = json!({
            "protocolVersion": LEGACY, "capabilities": {},
            "clientInfo": { "name": "demo-agent", "version": "1" },
        });
        let body = json!({ "jsonrpc": "2.0", "id": ID, "method": "initialize", "params": params });
        Self::post(url, &body)
    }

    /// The client's word that its session is ready.
    pub(super) fn initialized(url: &str) -> Self {
        let body = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        Self::post(url, &body).header("mcp-protocol-version", LEGACY)
    }

    /// A request of 2026-07-28: complete in itself, its headers repeat what the body says.
    pub(super) fn modern(url: &str, method: &'static str, params: &Value) -> Self {
        let mut params = params.clone();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "demo-agent", "version": "1" },
        });
        let named = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
        let body = json!({ "jsonrpc": "2.0", "id": ID, "method": method, "params": params });
        let call = Self::post(url, &body).header("mcp-protocol-version", MODERN).header("mcp-method", method);
        match named {
            Some(named) => call.header("mcp-name", &named),
            None => call,
        }
    }

    /// A `tools/call` of either era; the session of a legacy one is the caller's to add.
    pub(super) fn tool(era: Era, url: &str, name: &str, arguments: &Value) -> Self {
        let params = json!({ "name": name, "arguments": arguments });
        match era {
            Era::Legacy => Self::legacy(url, "tools/call", &params),
            Era::Modern => Self::modern(url, "tools/call", &params),
        }
    }

    /// A request of A2A 1.0 over JSON-RPC.
    pub(super) fn a2a(url: &str, method: &str, params: &Value) -> Self {
        let body = json!({ "jsonrpc": "2.0", "id": ID, "method": method, "params": params });
        Self::json(url, &body).header("a2a-version", "1.0")
    }

    fn post(url: &str, body: &Value) -> Self {
        Self::json(url, body).header("accept", "application/json, text/event-stream")
    }

    /// Adds a header. Names are in lower case.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Adds an access token.
    pub(super) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Makes it part of a session.
    pub(super) fn session(self, session: &str) -> Self {
        self.header("mcp-session-id", session)
    }
}

/// The two ways to speak MCP over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// Sessions: 2025-11-25.
    Legacy,
    /// Stateless: 2026-07-28.
    Modern,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty when there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The names in a `tools/list` result, in order.
    pub(super) fn tool_names(&self) -> Vec<String> {
        let json = self.json();
        let tools = json["result"]["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().filter_map(|tool| tool["name"].as_str()).map(str::to_owned).collect()
    }

    /// The text of a `tools/call` result that is no error.
    pub(super) fn tool_text(&self) -> Option<String> {
        let json = self.json();
        let result = &json["result"];
        let text = result["content"][0]["text"].as_str()?;
        (result["isError"] != true).then(|| text.to_owned())
    }

    /// The status and a JSON-RPC error in one line, for the terminal.
    pub(super) fn short(&self) -> String {
        let json = self.json();
        let error = &json["error"];
        match (error["code"].as_i64(), error["message"].as_str()) {
            (Some(code), Some(message)) => format!("{} · error {code}: {message}", self.status.as_u16()),
            _ => self.status.as_u16().to_string(),
        }
    }

    /// The status and the OAuth error: empty when there is none.
    pub(super) fn oauth(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default().to_owned())
    }

    /// Everything that a client can see of an answer and that does not depend on the moment.
    pub(super) fn visible(&self) -> (u16, Vec<(String, String)>, String) {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| *name != http::header::DATE)
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        headers.sort();
        (self.status.as_u16(), headers, String::from_utf8_lossy(&self.body).into_owned())
    }
}
