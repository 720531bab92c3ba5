//! The upstream of `cargo xtask bench`: answers from memory, in both eras, as fast as one thread can.
//!
//! `tools/call` gives about 0.9 KB; of `tool-001` it gives 100 KB, of `tool-002` an event stream of two progress
//! notifications and the result. `tools/list` gives 200 tools. `subscriptions/listen` is acknowledged and stays open
//! without another word. Nothing is checked beyond what is needed to answer: here the gateway is measured, not judged.
//! The first line of output is `{"listening", "issuer", "jwks_uri", "token"}`; the token is for the resources named by
//! `--audience`.

use std::{
    convert::Infallible,
    io::Write as _,
    net::Ipv4Addr,
    pin::Pin,
    task::{Context as Waker, Poll},
};

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use clap::Parser;
use doorward_testkit::issuer::TestIssuer;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::{net::TcpListener, task::LocalSet};

const TOOLS: usize = 200;
/// Bytes of the text in the large result.
const LARGE: usize = 100_000;
const LARGEST_REQUEST: usize = 1 << 20;
/// The session that everybody shares: sessions here have no state.
const SESSION: &str = "bench-session-0123456789abcdef";

#[derive(Parser)]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The resource that the printed token is for; repeat for several.
    #[arg(long, required = true)]
    audience: Vec<String>,
}

/// What a request asks, without a copy of it.
#[derive(Deserialize)]
struct Asked<'a> {
    method: &'a str,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

/// What a call names.
#[derive(Deserialize)]
struct Params<'a> {
    name: Option<&'a str>,
}

/// The answers, each without its envelope, for an older revision and for 2026-07-28.
struct Answers {
    initialize: Vec<u8>,
    discover: Vec<u8>,
    call: [Vec<u8>; 2],
    large: [Vec<u8>; 2],
    list: [Vec<u8>; 2],
}

/// A body that is there at once; one that is open is followed by nothing, for ever.
struct Body {
    data: Option<Bytes>,
    open: bool,
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Waker<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.data.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            // Whoever goes away is noticed by the connection, which drops this.
            None if self.open => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        if self.open {
            SizeHint::default()
        } else {
            SizeHint::with_exact(self.data.as_ref().map_or(0, Bytes::len) as u64)
        }
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, serve(Options::parse()))
}

async fn serve(options: Options) -> Result<()> {
    let issuer = TestIssuer::start().await?;
    let mut claims = issuer.claims("bench", &options.audience[0]);
    if options.audience.len() > 1 {
        claims["aud"] = json!(options.audience);
    }
    claims["scope"] = json!("mcp:read mcp:call");
    let token = issuer.mint(claims)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.context("cannot listen")?;
    let first = json!({
        "listening": listener.local_addr()?.port(),
        "issuer": issuer.url(),
        "jwks_uri": issuer.jwks_uri(),
        "token": token,
    });
    writeln!(std::io::stdout(), "{first}")?;
    let answers: &'static Answers = Box::leak(Box::new(Answers::build()?));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service_fn(move |request| answer(request, answers));
        let connection =
            http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        tokio::task::spawn_local(async move {
            // A connection that breaks is the client's business.
            let _ = connection.await;
        });
    }
}

async fn answer(request: Request<Incoming>, answers: &Answers) -> Result<Response<Body>, Infallible> {
    let modern = is_modern(request.headers());
    let method = request.method().clone();
    #[expect(clippy::disallowed_methods, reason = "capped by `Limited`")]
    let body = Limited::new(request.into_body(), LARGEST_REQUEST).collect().await;
    let body = body.map(Collected::to_bytes);
    Ok(match (method, body) {
        (Method::POST, Ok(body)) => match serde_json::from_slice::<Asked<'_>>(&body) {
            Ok(asked) => rpc(&asked, modern, answers),
            Err(_) => empty(StatusCode::BAD_REQUEST),
        },
        (Method::POST, Err(_)) => empty(StatusCode::PAYLOAD_TOO_LARGE),
        (Method::DELETE, _) => empty(StatusCode::OK),
        _ => empty(StatusCode::METHOD_NOT_ALLOWED),
    })
}

fn is_modern(headers: &HeaderMap) -> bool {
    headers.get("mcp-protocol-version").is_some_and(|version| version == "2026-07-28")
}

fn rpc(asked: &Asked<'_>, modern: bool, answers: &Answers) -> Response<Body> {
    let Some(id) = asked.id else { return empty(StatusCode::ACCEPTED) };
    let name = asked.params.as_ref().and_then(|params| params.name);
    let result = match (asked.method, name) {
        ("tools/call", Some("tool-001")) => &answers.large[usize::from(modern)],
        ("tools/call", Some("tool-002")) => return events(id.get(), &answers.call[usize::from(modern)]),
        ("subscriptions/listen", _) if modern => return acknowledged(id.get()),
        ("tools/call", _) => &answers.call[usize::from(modern)],
        ("tools/list", _) => &answers.list[usize::from(modern)],
        ("server/discover", _) if modern => &answers.discover,
        ("initialize", _) if !modern => {
            let mut response = json_response(envelope(id.get(), "result", &answers.initialize));
            response.headers_mut().insert("mcp-session-id", HeaderValue::from_static(SESSION));
            return response;
        }
        ("ping", _) if !modern => &b"{}".to_vec(),
        _ => {
            let error = br#"{"code":-32601,"message":"Method not found"}"#;
            let mut response = json_response(envelope(id.get(), "error", error));
            if modern {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            return response;
        }
    };
    json_response(envelope(id.get(), "result", result))
}

fn envelope(id: &str, member: &str, value: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(value.len() + id.len() + 40);
    for part in [br#"{"jsonrpc":"2.0","id":"#, id.as_bytes(), b",\"", member.as_bytes(), b"\":", value, b"}"]
    {
        out.extend_from_slice(part);
    }
    out.freeze()
}

/// An answer after two notifications of progress, as an event stream.
fn events(id: &str, result: &[u8]) -> Response<Body> {
    let mut out = BytesMut::new();
    for step in 1..=2 {
        let message = json!({
            "jsonrpc": "2.0",
            "method": "notifications/progress",
            "params": {"progressToken": 7, "progress": step, "total": 2},
        });
        out.extend_from_slice(format!("event: message\ndata: {message}\n\n").as_bytes());
    }
    out.extend_from_slice(b"event: message\ndata: ");
    out.extend_from_slice(&envelope(id, "result", result));
    out.extend_from_slice(b"\n\n");
    response("text/event-stream", Body { data: Some(out.freeze()), open: false })
}

/// The stream of a subscription, on which nothing ever happens.
fn acknowledged(id: &str) -> Response<Body> {
    let message = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{{"io.modelcontextprotocol/subscriptionId":{id}}}}}}}"#
    );
    let data = Some(Bytes::from(format!("event: message\ndata: {message}\n\n")));
    response("text/event-stream", Body { data, open: true })
}

fn json_response(body: Bytes) -> Response<Body> {
    response("application/json", Body { data: Some(body), open: false })
}

fn response(content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body { data: None, open: false });
    *response.status_mut() = status;
    response
}

impl Answers {
    fn build() -> Result<Self> {
        let identity = json!({"name": "bench-upstream", "version": "1.0.0"});
        let capabilities = json!({"tools": {}});
        let initialize = json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": identity,
        });
        let discover = modern(
            json!({"supportedVersions": ["2026-07-28"], "capabilities": capabilities, "ttlMs": 60_000, "cacheScope": "public"}),
            &identity,
        );
        let call = json!({
            "content": [{"type": "text", "text": "All work and no play makes Jack a dull boy. ".repeat(19)}],
            "isError": false,
        });
        let large = json!({
            "content": [{"type": "text", "text": "All work and no play makes Jack a dull boy. ".repeat(LARGE / 44)}],
            "isError": false,
        });
        let list = json!({"tools": (0..TOOLS).map(tool).collect::<Vec<_>>()});
        let both = |legacy: Value, extra: Value| -> Result<[Vec<u8>; 2]> {
            let mut recent = legacy.clone();
            if let (Some(members), Value::Object(extra)) = (recent.as_object_mut(), extra) {
                members.extend(extra);
            }
            Ok([serde_json::to_vec(&legacy)?, serde_json::to_vec(&modern(recent, &identity))?])
        };
        Ok(Self {
            initialize: serde_json::to_vec(&initialize)?,
            discover: serde_json::to_vec(&discover)?,
            call: both(call, json!({}))?,
            large: both(large, json!({}))?,
            list: both(list, json!({"ttlMs": 60_000, "cacheScope": "public"}))?,
        })
    }
}

/// A result as 2026-07-28 wants it.
fn modern(mut result: Value, identity: &Value) -> Value {
    result["resultType"] = json!("complete");
    result["_meta"] = json!({"io.modelcontextprotocol/serverInfo": identity});
    result
}

fn tool(number: usize) -> Value {
    json!({
        "name": format!("tool-{number:03}"),
        "title": format!("Tool number {number}"),
        "description": "Looks something up in a place that does not matter and gives back what it found there.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "What to look for."},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
            },
            "required": ["query"],
        },
        "annotations": {"readOnlyHint": true},
    })
}
