//! The upstream of `cargo xtask bench`: answers from memory, in both eras, as fast as one thread can.
//!
//! `tools/call` gives about 0.9 KB whatever is asked, `tools/list` gives 200 tools. Nothing is checked beyond what is
//! needed to answer: here the gateway is measured, not judged. The first line of output is
//! `{"listening", "issuer", "jwks_uri", "token"}`; the token is for the resource named by `--audience`.

use std::{convert::Infallible, io::Write as _, net::Ipv4Addr};

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use clap::Parser;
use doorward_testkit::issuer::TestIssuer;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::{net::TcpListener, task::LocalSet};

const TOOLS: usize = 200;
const LARGEST_REQUEST: usize = 1 << 20;
/// The session that everybody shares: sessions here have no state.
const SESSION: &str = "bench-session-0123456789abcdef";

#[derive(Parser)]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The resource that the printed token is for.
    #[arg(long)]
    audience: String,
}

/// What a request asks, without a copy of it.
#[derive(Deserialize)]
struct Asked<'a> {
    method: &'a str,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// The answers, each without its envelope.
struct Answers {
    initialize: Vec<u8>,
    discover: Vec<u8>,
    call: [Vec<u8>; 2],
    list: [Vec<u8>; 2],
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, serve(Options::parse()))
}

async fn serve(options: Options) -> Result<()> {
    let issuer = TestIssuer::start().await?;
    let mut claims = issuer.claims("bench", &options.audience);
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

async fn answer(request: Request<Incoming>, answers: &Answers) -> Result<Response<Full<Bytes>>, Infallible> {
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

fn rpc(asked: &Asked<'_>, modern: bool, answers: &Answers) -> Response<Full<Bytes>> {
    let Some(id) = asked.id else { return empty(StatusCode::ACCEPTED) };
    let result = match asked.method {
        "tools/call" => &answers.call[usize::from(modern)],
        "tools/list" => &answers.list[usize::from(modern)],
        "server/discover" if modern => &answers.discover,
        "initialize" if !modern => {
            let mut response = json_response(envelope(id.get(), "result", &answers.initialize));
            response.headers_mut().insert("mcp-session-id", HeaderValue::from_static(SESSION));
            return response;
        }
        "ping" if !modern => &b"{}".to_vec(),
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

fn json_response(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
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
