//! The A2A agent of `cargo xtask bench`: answers from memory over all three bindings of 1.0, as fast as one thread can.
//!
//! `SendMessage` gives a completed task with fresh ids, `SendStreamingMessage` a task, 98 pieces of an artifact and the
//! completed state. `GetTask` gives any task that is asked for. Nothing is checked beyond what is needed to answer: here the
//! gateway is measured, not judged. The first line of output is `{"listening", "base", "grpc"}`: HTTP/1.1 and gRPC are on
//! one port. The card names the bindings of `--bindings`.

use std::{
    convert::Infallible,
    io::Write as _,
    net::Ipv4Addr,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use bytes::{BufMut as _, Bytes, BytesMut};
use clap::Parser;
use doorward_model::{Clock as _, SystemClock};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Collected, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, rt::Executor, service::service_fn};
use hyper_util::{rt::TokioIo, server::conn::auto};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::{net::TcpListener, task::LocalSet};

type Body = UnsyncBoxBody<Bytes, Infallible>;

const CARD: &str = "/.well-known/agent-card.json";
const SERVICE: &str = "/lf.a2a.v1.A2AService/";
const LARGEST_REQUEST: usize = 1 << 20;
/// Events of a stream: a task, pieces of an artifact, and a last state.
const EVENTS: usize = 100;
const TEXT: &str = "All work and no play makes Jack a dull boy. ";
/// `TASK_STATE_WORKING` and `TASK_STATE_COMPLETED` on gRPC.
const WORKING: u8 = 2;
const COMPLETED: u8 = 3;

/// Tasks are counted from where no other run begins: the gateway keeps who owns each.
static TASKS: AtomicU64 = AtomicU64::new(0);

#[derive(Parser)]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The bindings that the card names, the preferred first.
    #[arg(long, value_delimiter = ',', default_value = "JSONRPC,HTTP+JSON,GRPC")]
    bindings: Vec<String>,
}

/// What a JSON-RPC request asks, without a copy of it.
#[derive(Deserialize)]
struct Asked<'a> {
    method: &'a str,
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    id: Option<&'a str>,
}

/// Runs connections where they are: nothing here crosses a thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, serve(Options::parse()))
}

async fn serve(options: Options) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.context("cannot listen")?;
    let port = listener.local_addr()?.port();
    TASKS.store(u64::from(std::process::id()) << 32, Ordering::Relaxed);
    let base = format!("http://127.0.0.1:{port}");
    writeln!(std::io::stdout(), "{}", json!({ "listening": port, "base": base, "grpc": port }))?;
    let card: Rc<[u8]> = card(&options.bindings, port).into();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let card = Rc::clone(&card);
        let service = service_fn(move |request| answer(request, Rc::clone(&card)));
        tokio::task::spawn_local(async move {
            // A connection that breaks is the client's business.
            let _ = auto::Builder::new(Local).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn card(bindings: &[String], port: u16) -> Vec<u8> {
    let interfaces = bindings.iter().map(|binding| {
        let url = match binding.as_str() {
            "GRPC" => format!("127.0.0.1:{port}"),
            "HTTP+JSON" => format!("http://127.0.0.1:{port}/rest"),
            _ => format!("http://127.0.0.1:{port}/rpc"),
        };
        json!({ "url": url, "protocolBinding": binding, "protocolVersion": "1.0" })
    });
    let card = json!({
        "name": "Bench agent", "description": "Answers at once", "version": "1.0.0",
        "supportedInterfaces": interfaces.collect::<Vec<_>>(),
        "capabilities": { "streaming": true },
        "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
        "skills": [{ "id": "bench", "name": "Bench", "description": "Answers at once", "tags": ["bench"] }],
    });
    card.to_string().into_bytes()
}

async fn answer(request: Request<Incoming>, card: Rc<[u8]>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    if path == CARD {
        return Ok(json_answer(Bytes::copy_from_slice(&card)));
    }
    #[expect(clippy::disallowed_methods, reason = "capped by `Limited`")]
    let body = Limited::new(request.into_body(), LARGEST_REQUEST).collect().await.map(Collected::to_bytes);
    let Ok(body) = body else { return Ok(empty(StatusCode::PAYLOAD_TOO_LARGE)) };
    let number = TASKS.fetch_add(1, Ordering::Relaxed);
    Ok(if let Some(method) = path.strip_prefix(SERVICE) {
        grpc(method, number)
    } else if path == "/rpc" {
        match serde_json::from_slice::<Asked<'_>>(&body) {
            Ok(asked) => json_rpc(&asked, number),
            Err(_) => empty(StatusCode::BAD_REQUEST),
        }
    } else {
        rest(&path, number)
    })
}

// --- JSON

fn json_rpc(asked: &Asked<'_>, number: u64) -> Response<Body> {
    let begin = format!(r#"{{"jsonrpc":"2.0","id":{},"result":"#, asked.id.get());
    match asked.method {
        "SendMessage" => {
            json_answer(format!(r#"{begin}{{"task":{}}}}}"#, task(&name(number), number, "COMPLETED")).into())
        }
        "SendStreamingMessage" => events(number, &begin, "}"),
        "GetTask" => {
            let id = asked.params.as_ref().and_then(|params| params.id).unwrap_or_default();
            json_answer(format!("{begin}{}}}", task(id, number, "COMPLETED")).into())
        }
        _ => {
            let id = asked.id.get();
            let error = r#"{"code":-32601,"message":"Method not found"}"#;
            json_answer(format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into())
        }
    }
}

fn rest(path: &str, number: u64) -> Response<Body> {
    match path {
        "/rest/message:send" => {
            json_answer(format!(r#"{{"task":{}}}"#, task(&name(number), number, "COMPLETED")).into())
        }
        "/rest/message:stream" => events(number, "", ""),
        _ => match path.strip_prefix("/rest/tasks/") {
            Some(id) => json_answer(task(id, number, "COMPLETED").into()),
            None => empty(StatusCode::NOT_FOUND),
        },
    }
}

fn name(number: u64) -> String {
    format!("task-{}", spread(number))
}

fn context_name(number: u64) -> String {
    format!("context-{}", spread(number))
}

/// No two numbers give the same, and neighbours are far apart, as random ids are: an index is written all over.
fn spread(number: u64) -> String {
    format!("{:016x}-{number:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn task(id: &str, number: u64, state: &str) -> String {
    format!(
        r#"{{"id":"{id}","contextId":"{}","status":{{"state":"TASK_STATE_{state}","timestamp":"{}"}},"artifacts":[{{"artifactId":"a","parts":[{{"text":"{}"}}]}}]}}"#,
        context_name(number),
        SystemClock.now().to_rfc3339(),
        TEXT.repeat(8)
    )
}

/// All events in one body of many frames, each as a flush of its own would write it.
fn events(number: u64, begin: &str, end: &str) -> Response<Body> {
    let (id, context) = (name(number), context_name(number));
    let payloads = (0..EVENTS).map(|event| match event {
        0 => format!(r#"{{"task":{}}}"#, task(&id, number, "WORKING")),
        last if last + 1 == EVENTS => format!(
            r#"{{"statusUpdate":{{"taskId":"{id}","contextId":"{context}","status":{{"state":"TASK_STATE_COMPLETED"}}}}}}"#
        ),
        piece => format!(
            r#"{{"artifactUpdate":{{"taskId":"{id}","contextId":"{context}","append":{},"artifact":{{"artifactId":"b","parts":[{{"text":"{TEXT}"}}]}}}}}}"#,
            piece > 1
        ),
    });
    let frames: Vec<Bytes> =
        payloads.map(|payload| format!("data: {begin}{payload}{end}\n\n").into()).collect();
    respond("text/event-stream", frames, None)
}

fn json_answer(body: Bytes) -> Response<Body> {
    respond("application/json", vec![body], None)
}

// --- gRPC: the few fields of a2a.proto that are needed, by hand

fn grpc(method: &str, number: u64) -> Response<Body> {
    let (id, context) = (name(number), context_name(number));
    let messages = match method {
        // SendMessageResponse.task and StreamResponse.task are both field 1.
        "SendMessage" => vec![framed(&field(1, &proto_task(&id, &context, COMPLETED)))],
        "GetTask" => vec![framed(&proto_task(&id, &context, COMPLETED))],
        "SendStreamingMessage" => {
            (0..EVENTS).map(|event| framed(&proto_event(event, &id, &context))).collect()
        }
        _ => Vec::new(),
    };
    let status = if messages.is_empty() { "12" } else { "0" };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    respond("application/grpc", messages, Some(trailers))
}

fn proto_event(event: usize, id: &str, context: &str) -> Vec<u8> {
    let ids = [field(1, id.as_bytes()), field(2, context.as_bytes())].concat();
    match event {
        0 => field(1, &proto_task(id, context, WORKING)),
        last if last + 1 == EVENTS => field(3, &[ids, field(3, &[0x08, COMPLETED])].concat()),
        _ => field(4, &[ids, field(3, &artifact(TEXT)), vec![0x20, u8::from(event > 1)]].concat()),
    }
}

fn proto_task(id: &str, context: &str, state: u8) -> Vec<u8> {
    let ids = [field(1, id.as_bytes()), field(2, context.as_bytes())].concat();
    [ids, field(3, &[0x08, state]), field(4, &artifact(&TEXT.repeat(8)))].concat()
}

fn artifact(text: &str) -> Vec<u8> {
    [field(1, b"a"), field(4, &field(1, text.as_bytes()))].concat()
}

/// A field of bytes: a tag, a length, and what it holds.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend_from_slice(value);
    out
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(message);
    frame.freeze()
}

// --- answers

fn respond(content_type: &'static str, data: Vec<Bytes>, trailers: Option<HeaderMap>) -> Response<Body> {
    let length = (data.len() == 1 && trailers.is_none()).then(|| data.iter().map(Bytes::len).sum::<usize>());
    let frames = data.into_iter().map(Frame::data).chain(trailers.map(Frame::trailers)).map(Ok);
    let mut response = Response::new(UnsyncBoxBody::new(StreamBody::new(stream::iter(frames))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = respond("text/plain", Vec::new(), None);
    *response.status_mut() = status;
    response
}
