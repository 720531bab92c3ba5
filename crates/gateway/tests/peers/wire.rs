//! A client by hand, for what no SDK does: ids and tokens of one's own choice, streams that are read as they come, and
//! sessions that are used after their end.
//!
//! HTTP/1.0, so that the end of a connection is the end of an answer.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

/// How long nothing may come before the test gives up.
const SILENCE: Duration = Duration::from_secs(30);

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    session: Option<String>,
    pub(crate) messages: Vec<Value>,
}

impl Answer {
    /// The response to the request: what comes last.
    #[track_caller]
    pub(crate) fn response(&self) -> &Value {
        self.messages.last().unwrap_or_else(|| panic!("no response: {self:?}"))
    }

    /// The result that there must be.
    #[track_caller]
    pub(crate) fn result(&self) -> &Value {
        assert!(self.response()["result"].is_object(), "no result: {self:?}");
        &self.response()["result"]
    }
}

/// A session of one of the older revisions.
pub(crate) struct Session {
    url: String,
    id: String,
    /// `MCP-Protocol-Version` in every request, which 2025-03-26 does not have.
    version: &'static str,
}

impl Session {
    /// Begins one of revision 2025-11-25.
    pub(crate) fn begin(url: &str) -> Self {
        Self::begin_as(url, "2025-11-25", "MCP-Protocol-Version: 2025-11-25\r\n")
    }

    /// Begins one of revision 2025-03-26, which has batches.
    pub(crate) fn begin_with_batches(url: &str) -> Self {
        Self::begin_as(url, "2025-03-26", "")
    }

    fn begin_as(url: &str, revision: &str, version: &'static str) -> Self {
        let client = json!({ "name": "wire", "version": "1" });
        let params = json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": client });
        let answer = post(url, "", &message(Some(&json!(1)), "initialize", &params));
        assert_eq!(answer.result()["protocolVersion"], revision, "{answer:?}");
        let session = Self { url: url.to_owned(), id: answer.session.expect("a session"), version };
        let initialized = message(None, "notifications/initialized", &json!({}));
        assert_eq!(post(url, &session.headers(), &initialized).status, 202);
        session
    }

    /// Sends a request of one's own.
    pub(crate) fn request(&self, id: &Value, method: &str, params: &Value) -> Answer {
        post(&self.url, &self.headers(), &message(Some(id), method, params))
    }

    /// Calls a tool.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Answer {
        self.request(&json!(2), "tools/call", &json!({ "name": tool, "arguments": arguments }))
    }

    /// Sends several messages in one request.
    pub(crate) fn batch(&self, messages: &Value) -> Answer {
        post(&self.url, &self.headers(), &messages.to_string())
    }

    /// What is listed, by name.
    pub(crate) fn tools(&self) -> Vec<String> {
        names(&self.request(&json!(3), "tools/list", &json!({})))
    }

    /// The status that a ping is answered with.
    pub(crate) fn ping(&self) -> u16 {
        self.request(&json!(4), "ping", &json!({})).status
    }

    /// Opens the session's stream; its messages come until it ends.
    pub(crate) fn stream(&self) -> impl Iterator<Item = Value> + use<> {
        let head = format!("Accept: text/event-stream\r\n{}", self.headers());
        let (status, head, body) = send("GET", &self.url, &head, "").expect("a stream");
        assert_eq!(status, 200, "{head}");
        events(body)
    }

    /// Ends it and says how that was answered; it stays usable, to see what becomes of it.
    pub(crate) fn end(&self) -> u16 {
        send("DELETE", &self.url, &self.headers(), "").expect("an answer").0
    }

    fn headers(&self) -> String {
        format!("Mcp-Session-Id: {}\r\n{}", self.id, self.version)
    }
}

/// Calls a tool as revision 2026-07-28 has it.
pub(crate) fn modern_call(url: &str, tool: &str, arguments: &Value) -> Answer {
    let params = json!({ "name": tool, "arguments": arguments });
    modern(url, &format!("Mcp-Name: {tool}\r\n"), "tools/call", params)
}

/// What is listed in revision 2026-07-28, by name.
pub(crate) fn modern_tools(url: &str) -> Vec<String> {
    names(&modern(url, "", "tools/list", json!({})))
}

fn modern(url: &str, headers: &str, method: &str, mut params: Value) -> Answer {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "wire", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let headers = format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{headers}");
    post(url, &headers, &message(Some(&json!(1)), method, &params))
}

fn names(list: &Answer) -> Vec<String> {
    let tools = list.result()["tools"].as_array().expect("tools");
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

fn message(id: Option<&Value>, method: &str, params: &Value) -> String {
    let mut message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    if let Some(id) = id {
        message["id"] = id.clone();
    }
    message.to_string()
}

fn post(url: &str, headers: &str, body: &str) -> Answer {
    let headers =
        format!("Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n{headers}");
    let (status, head, mut rest) = send("POST", url, &headers, body).expect("an answer");
    let session = header(&head, "mcp-session-id").map(str::to_owned);
    let messages = match header(&head, "content-type") {
        Some(kind) if kind.starts_with("text/event-stream") => events(rest).collect(),
        _ => {
            let mut text = String::new();
            rest.read_to_string(&mut text).expect("a whole answer");
            serde_json::from_str(&text).into_iter().collect()
        }
    };
    Answer { status, session, messages }
}

/// Sends a request and reads the head of its answer.
fn send(
    method: &str,
    url: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, String, BufReader<TcpStream>)> {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(|| io::Error::other("not such a URL"))?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(SILENCE))?;
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(|| io::Error::other(format!("not an answer: {head:?}")))?, head, reader))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The messages of a stream of events. An event has one line of data here.
fn events(stream: BufReader<TcpStream>) -> impl Iterator<Item = Value> {
    let lines = stream.lines().map(|line| line.expect("the stream goes on or ends"));
    lines.filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?).ok())
}
