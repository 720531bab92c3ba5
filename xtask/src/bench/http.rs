//! One HTTP request at a time, to look at an answer; the load itself comes from wrk.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};

/// An answer as it came, head and (possibly chunked) body in one text.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Answer {
    /// The value of a header, whose name is given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Posts a JSON body.
pub(super) fn post(port: u16, path: &str, headers: &[(String, String)], body: &str) -> Result<Answer> {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let lines = lines.concat();
    exchange(port, &format!("POST {path} HTTP/1.1\r\n{lines}Content-Length: {}\r\n", body.len()), body)
}

/// Gets a document.
pub(super) fn get(port: u16, path: &str) -> Result<Answer> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\n"), "")
}

fn exchange(port: u16, head: &str, body: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "{head}Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n{body}")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok(Answer { status: status.with_context(|| format!("no HTTP answer: {text:?}"))?, text })
}
