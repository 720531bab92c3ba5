//! HTTP by hand, one request at a time: to look at an answer, to hold a stream open, to send an exact number of
//! requests. The load itself comes from wrk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// An answer: its head, and as much of its body as was read.
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    /// The value of a header, whose name is given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(each, _)| each.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A connection that is kept open between requests.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    port: u16,
}

impl Connection {
    pub(super) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream), port })
    }

    /// Gets a document.
    pub(super) fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\n"), "")?;
        self.answer()
    }

    /// Posts a JSON body and reads the whole answer.
    pub(super) fn post(&mut self, path: &str, headers: &[(String, String)], body: &str) -> Result<Answer> {
        self.send_post(path, headers, body)?;
        self.answer()
    }

    /// Posts a JSON body and reads the first piece of a stream that goes on.
    pub(super) fn listen(&mut self, path: &str, headers: &[(String, String)], body: &str) -> Result<Answer> {
        self.send_post(path, headers, body)?;
        let mut answer = self.head()?;
        answer.body = self.chunk()?;
        Ok(answer)
    }

    /// Reads what is left of a stream that ends.
    pub(super) fn rest(&mut self) -> Result<()> {
        while !self.chunk()?.is_empty() {}
        Ok(())
    }

    fn send_post(&mut self, path: &str, headers: &[(String, String)], body: &str) -> Result<()> {
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (lines, length) = (lines.concat(), body.len());
        self.send(&format!("POST {path} HTTP/1.1\r\n{lines}Content-Length: {length}\r\n"), body)
    }

    fn send(&mut self, head: &str, body: &str) -> Result<()> {
        // In one piece: what is measured must not depend on how a request is cut.
        let request = format!("{head}Host: 127.0.0.1:{}\r\n\r\n{body}", self.port);
        Ok(self.stream.get_mut().write_all(request.as_bytes())?)
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut answer = self.head()?;
        if let Some(length) = answer.header("content-length") {
            let mut body = vec![0; length.parse()?];
            self.stream.read_exact(&mut body)?;
            answer.body = String::from_utf8_lossy(&body).into_owned();
        } else if answer.header("transfer-encoding").is_some() {
            loop {
                match self.chunk()? {
                    last if last.is_empty() => break,
                    chunk => answer.body.push_str(&chunk),
                }
            }
        }
        Ok(answer)
    }

    fn head(&mut self) -> Result<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                bail!("the connection ended: {head:?}");
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(Answer {
            status: status.with_context(|| format!("no HTTP answer: {head:?}"))?,
            head,
            body: String::new(),
        })
    }

    fn chunk(&mut self) -> Result<String> {
        let mut size = String::new();
        self.stream.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).with_context(|| format!("no chunk: {size:?}"))?;
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk)?;
        chunk.truncate(size);
        Ok(String::from_utf8_lossy(&chunk).into_owned())
    }
}
