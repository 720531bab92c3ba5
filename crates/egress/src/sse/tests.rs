//! A small server of HTTP+SSE, told what to say, that keeps what it was sent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use super::*;
use crate::{
    EgressConfig, Phase,
    channel::{Cause, Ending},
};

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream; charset=utf-8\r\n\r\n";
const ENDPOINT: &str = ": hello\n\nevent: endpoint\ndata: /messages?session=1\n\n";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 8\r\n\r\nAccepted";

/// The server, as its test sees it. Its stream ends with `say`.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    say: Option<mpsc::UnboundedSender<String>>,
    gone: mpsc::UnboundedReceiver<()>,
}

impl Server {
    /// Answers each GET with `head` and then what it is told, and each POST with `answer` (never, when empty).
    async fn start(head: impl Into<String>, answer: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (say, mut told) = mpsc::unbounded_channel::<String>();
        let (left, gone) = mpsc::unbounded_channel();
        let (head, answer) = (head.into(), answer.into());
        let keeps = Arc::clone(&seen);
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let get = request(&mut stream).await.expect("a request");
            keeps.lock().expect("whole").push(get);
            stream.write_all(head.as_bytes()).await.expect("the head");
            tokio::spawn(posts(listener, answer, keeps));
            let mut nothing = [0];
            loop {
                tokio::select! {
                    text = told.recv() => match text {
                        Some(text) => drop(stream.write_all(text.as_bytes()).await),
                        None => return,
                    },
                    _ = stream.read(&mut nothing) => {
                        let _ = left.send(());
                        return;
                    }
                }
            }
        });
        Self { address, seen, say: Some(say), gone }
    }

    fn say(&self, text: &str) {
        self.say.as_ref().expect("still open").send(text.to_owned()).expect("still there");
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("whole").clone()
    }

    fn url(&self) -> Url {
        format!("http://{}/sse?tenant=a", self.address).parse().expect("a URL")
    }

    async fn connect_with(&self, limits: &SseLimits) -> Result<(Channel, Messages), ChannelError> {
        let egress = Egress::new(&EgressConfig::default()).expect("a client");
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static("k-123"));
        let first_byte = Duration::from_secs(2);
        soon(connect(&egress, &self.url(), watch::channel(headers).1, Trust::Declared, limits, first_byte))
            .await
    }

    async fn connect(&self) -> Result<(Channel, Messages), ChannelError> {
        self.connect_with(&SseLimits::default()).await
    }
}

async fn posts(listener: TcpListener, answer: String, keeps: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let (answer, keeps) = (answer.clone(), Arc::clone(&keeps));
        tokio::spawn(async move {
            while let Some(request) = request(&mut stream).await {
                keeps.lock().expect("whole").push(request);
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
                drop(stream.write_all(answer.as_bytes()).await);
            }
        });
    }
}

/// One request as text, its body included.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    loop {
        text.push(stream.read_u8().await.ok()?);
        if text.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(text.clone()).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8(body).expect("text"))
}

/// Fails a test that would wait for ever.
async fn soon<T>(waits: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), waits).await.expect("no end in sight")
}

async fn next(messages: &mut Messages) -> Bytes {
    soon(messages.next()).await.expect("a message").expect("no fault")
}

async fn well_behaved() -> Server {
    Server::start(format!("{STREAM}{ENDPOINT}"), ACCEPTED).await
}

#[tokio::test]
async fn messages_go_both_ways_with_the_credential() {
    let server = well_behaved().await;
    let (channel, mut messages) = server.connect().await.expect("a channel");
    for number in 0..20 {
        let text = format!(r#"{{"id":{number}}}"#);
        soon(channel.send(Bytes::from(text.clone()))).await.expect("sent");
        server.say(&format!("event: message\ndata: {text}\n\n"));
        assert_eq!(next(&mut messages).await, text);
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 21);
    assert!(seen[0].starts_with("GET /sse?tenant=a HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].contains("\r\naccept: text/event-stream\r\n"), "{}", seen[0]);
    assert!(seen[1].starts_with("POST /messages?session=1 HTTP/1.1\r\n"), "{}", seen[1]);
    assert!(seen[1].contains("\r\ncontent-type: application/json\r\n"), "{}", seen[1]);
    assert!(seen[1].ends_with("\r\n\r\n{\"id\":0}"), "{}", seen[1]);
    assert!(seen.iter().all(|request| request.contains("\r\nx-api-key: k-123\r\n")));
}

#[tokio::test]
async fn only_messages_are_handed_up() {
    let server = well_behaved().await;
    let (_channel, mut messages) = server.connect().await.expect("a channel");
    server.say(": ping\n\nevent: ping\ndata: now\n\nid: 7\nretry: 1\n\nevent: message\ndata:\n\n");
    server.say("event: endpoint\ndata: http://elsewhere.example/\n\n");
    server.say("data: {\"a\":\r\ndata: 1}\r\n\r\nevent: mess");
    server.say("age\rdata: [2]\r\r");
    assert_eq!(next(&mut messages).await, "{\"a\":\n1}");
    assert_eq!(next(&mut messages).await, "[2]");
}

#[tokio::test]
async fn the_endpoint_may_be_absolute() {
    let server = Server::start(STREAM, ACCEPTED).await;
    server.say(&format!("event: endpoint\ndata: http://{}/in#part\n\n", server.address));
    let (channel, _messages) = server.connect().await.expect("a channel");
    soon(channel.send(Bytes::from_static(b"{}"))).await.expect("sent");
    assert!(server.seen()[1].starts_with("POST /in HTTP/1.1\r\n"));
}

#[tokio::test]
async fn an_endpoint_elsewhere_is_refused_and_never_called() {
    let elsewhere = well_behaved().await;
    let port = elsewhere.address.port();
    for named in [
        format!("http://127.0.0.1:{port}/messages"),
        format!("//127.0.0.1:{port}/messages"),
        format!("\\\\127.0.0.1:{port}\\messages"),
        format!("http://localhost:{port}/messages"),
    ] {
        let server = Server::start(STREAM, ACCEPTED).await;
        server.say(&format!("event: endpoint\ndata: {named}\n\n"));
        let error = server.connect().await.expect_err(&named);
        assert!(matches!(error, ChannelError::Endpoint("it has another origin than the stream")), "{error}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn an_endpoint_has_the_origin_of_the_stream() {
    let stream: Url = "https://mcp.example:8443/v1/sse".parse().expect("a URL");
    let endpoint = |named: &str| endpoint(&stream, named.as_bytes()).map(|uri| uri.to_string());
    let accepted = [
        ("messages?s=1", "https://mcp.example:8443/v1/messages?s=1"),
        ("/m", "https://mcp.example:8443/m"),
        (" HTTPS://MCP.example:8443/m ", "https://mcp.example:8443/m"),
        ("https://user:pass@mcp.example:8443/m", "https://mcp.example:8443/m"),
    ];
    for (named, expected) in accepted {
        assert_eq!(endpoint(named).expect(named), expected);
    }
    for named in [
        "http://mcp.example:8443/m",
        "https://mcp.example/m",
        "https://mcp.example:8443@evil.example/m",
        "https://mcp.example.evil.example:8443/m",
        "//evil.example:8443/m",
        "/\\evil.example:8443/m",
        "ht\ttps://evil.example:8443/m",
        "javascript:alert(1)",
        "data:text/plain,x",
        "file:///etc/passwd",
        "https://[::1/",
    ] {
        assert!(endpoint(named).is_err(), "{named}");
    }
}

proptest! {
    /// Whatever a stream names: if it is accepted, it is where the stream is.
    #[test]
    fn no_text_leads_elsewhere(named in r"([a-z]{0,5}:)?[/\\]{0,3}([a-z.@:%\t ]{0,12}|mcp\.example(:8443)?)[/\\?#@:.a-z]{0,8}") {
        let stream: Url = "https://mcp.example:8443/sse".parse().expect("a URL");
        if let Ok(uri) = endpoint(&stream, named.as_bytes()) {
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            prop_assert_eq!(uri.authority().map(http::uri::Authority::as_str), Some("mcp.example:8443"));
        }
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = well_behaved().await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.address
    );
    let server = Server::start(redirect.clone(), ACCEPTED).await;
    let error = server.connect().await.expect_err("a redirect");
    assert!(matches!(error, ChannelError::Http(EgressError::Status(307))), "{error}");

    let server = Server::start(format!("{STREAM}{ENDPOINT}"), redirect).await;
    let (channel, _messages) = server.connect().await.expect("a channel");
    let error = soon(channel.send(Bytes::from_static(b"{}"))).await.expect_err("a redirect");
    assert!(matches!(error, ChannelError::Http(EgressError::Status(307))), "{error}");
    assert!(channel.is_open(), "one message failed, not the stream");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn what_is_no_such_stream_is_refused() {
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let error = Server::start(json, "").await.connect().await.expect_err("JSON");
    assert!(matches!(error, ChannelError::NotAnEventStream), "{error}");

    let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let error = Server::start(missing, "").await.connect().await.expect_err("nothing there");
    assert!(matches!(error, ChannelError::Http(EgressError::Status(404))), "{error}");

    let message = format!("{STREAM}event: message\ndata: {{}}\n\n");
    let error = Server::start(message, "").await.connect().await.expect_err("no endpoint");
    assert!(matches!(error, ChannelError::Endpoint("the first event names none")), "{error}");

    let mut server = Server::start(STREAM, "").await;
    server.say = None;
    let error = server.connect().await.expect_err("an empty stream");
    assert!(matches!(error, ChannelError::Endpoint("the stream ended before it")), "{error}");

    let server = Server::start(format!("{STREAM}: comments only\n\n"), "").await;
    let error = server.connect().await.expect_err("a silent stream");
    assert!(matches!(error, ChannelError::Http(EgressError::Timeout(_))), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_channel() {
    let limits = SseLimits { max_message: 100, ..SseLimits::default() };
    let whole = format!("data: {}\n\n", "x".repeat(101));
    let endless = format!("data: {}", "x".repeat(1 << 20));
    for text in [whole, endless] {
        let server = well_behaved().await;
        let (channel, mut messages) = server.connect_with(&limits).await.expect("a channel");
        server.say(&format!("data: {}\n\n", "x".repeat(100)));
        server.say(&text);
        assert_eq!(next(&mut messages).await.len(), 100);
        let fault = soon(messages.next()).await.expect("a fault");
        assert!(matches!(fault, Err(ChannelError::TooLarge(100))), "{fault:?}");
        assert!(soon(messages.next()).await.is_none());
        assert_eq!(soon(channel.closed()).await, Ending { cause: Cause::TooLarge(100), exit: None });
    }
}

#[tokio::test]
async fn the_end_of_the_stream_ends_the_channel_and_what_is_under_way() {
    let mut server = Server::start(format!("{STREAM}{ENDPOINT}"), "").await;
    let (channel, mut messages) = server.connect().await.expect("a channel");
    let sender = channel.clone();
    let waits = tokio::spawn(async move { sender.send(Bytes::from_static(b"{}")).await });
    soon(async {
        while server.seen().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    server.say("data: [1]\n\ndata: cut off");
    server.say = None;
    assert_eq!(next(&mut messages).await, "[1]");
    assert!(soon(messages.next()).await.is_none(), "half an event is none");
    let error = soon(waits).await.expect("no panic").expect_err("no answer can come");
    assert!(matches!(error, ChannelError::Interrupted(Cause::PeerGone)), "{error}");
    assert_eq!(error.phase(), Phase::AfterSending);
    assert_eq!(soon(channel.closed()).await.to_string(), "the upstream ended it");
    let error = channel.send(Bytes::from_static(b"{}")).await.expect_err("closed");
    assert!(matches!(error, ChannelError::Closed(Cause::PeerGone)), "{error}");
}

#[tokio::test]
async fn closing_or_dropping_either_half_ends_the_stream() {
    for way in 0..3 {
        let mut server = well_behaved().await;
        let (channel, messages) = server.connect().await.expect("a channel");
        let _kept: (Option<Channel>, Option<Messages>) = match way {
            0 => {
                channel.close();
                assert_eq!(soon(channel.closed()).await.cause, Cause::Closed);
                (Some(channel), Some(messages))
            }
            1 => {
                drop(channel);
                (None, Some(messages))
            }
            _ => {
                drop(messages);
                (Some(channel), None)
            }
        };
        soon(server.gone.recv()).await.expect("the connection is closed");
    }
}

#[tokio::test]
async fn a_refused_message_leaves_the_channel_open() {
    let refusal = "HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\n\r\nno!";
    let server = Server::start(format!("{STREAM}{ENDPOINT}"), refusal).await;
    let (channel, mut messages) = server.connect().await.expect("a channel");
    let error = soon(channel.send(Bytes::from_static(b"{}"))).await.expect_err("refused");
    assert!(matches!(error, ChannelError::Http(EgressError::Status(400))), "{error}");
    server.say("data: [1]\n\n");
    assert_eq!(next(&mut messages).await, "[1]");
    assert!(channel.is_open());
}

#[tokio::test]
async fn a_message_without_an_answer_fails_in_time() {
    let server = Server::start(format!("{STREAM}{ENDPOINT}"), "").await;
    let (channel, _messages) = server.connect().await.expect("a channel");
    let error = soon(channel.send(Bytes::from_static(b"{}"))).await.expect_err("never answered");
    assert!(matches!(error, ChannelError::Http(EgressError::Timeout(_))), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_does_not_matter() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nand so on";
    let server = Server::start(format!("{STREAM}{ENDPOINT}"), endless).await;
    let (channel, _messages) = server.connect().await.expect("a channel");
    for _ in 0..3 {
        soon(channel.send(Bytes::from_static(b"{}"))).await.expect("taken");
    }
}

#[tokio::test]
async fn a_silent_stream_ends_when_it_may_not_be_silent() {
    let limits = SseLimits { idle: Some(Duration::from_millis(50)), ..SseLimits::default() };
    let mut server = well_behaved().await;
    let (channel, mut messages) = server.connect_with(&limits).await.expect("a channel");
    assert!(soon(messages.next()).await.is_none());
    assert_eq!(soon(channel.closed()).await.cause, Cause::Idle(Duration::from_millis(50)));
    soon(server.gone.recv()).await.expect("the connection is closed");
}
