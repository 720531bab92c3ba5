//! The gRPC caller of `cargo xtask bench`, in the place of wrk, which speaks HTTP/1.1 only: so many connections, one call
//! after the other on each.
//!
//! Every answer must end with the status 0 and bring the text that the bench's agent says; an answer that does not is
//! counted as an error. The last line of output is `RESULT` and `{"requests", "micros", "p50", "p99", "first", "errors"}`,
//! times in microseconds; `first` is the median time to the first message of an answer.

use std::{
    cell::RefCell,
    io::Write as _,
    net::Ipv4Addr,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use clap::Parser;
use doorward_protocol::{
    a2a::{Operation, Version, proto},
    grpc,
    json::Document,
};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
    rt::Executor,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{net::TcpStream, task::LocalSet};

/// What each answer must hold.
const MARKER: &[u8] = b"dull boy";

#[derive(Parser)]
struct Options {
    /// The port on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// `SendMessage` or `SendStreamingMessage`.
    #[arg(long)]
    method: String,
    /// The agent that is meant.
    #[arg(long, default_value = "")]
    tenant: String,
    /// The caller's token.
    #[arg(long)]
    token: Option<String>,
    #[arg(long, default_value_t = 1)]
    connections: usize,
    #[arg(long, default_value_t = 1)]
    seconds: u64,
}

/// What was seen of the answers, in microseconds.
#[derive(Default)]
struct Seen {
    whole: Vec<u64>,
    first: Vec<u64>,
    errors: usize,
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
    LocalSet::new().block_on(&runtime, load(Options::parse()))
}

async fn load(options: Options) -> Result<()> {
    let message = message(&options.tenant)?;
    let seen = Rc::new(RefCell::new(Seen::default()));
    let mut connections = Vec::new();
    for _ in 0..options.connections {
        connections.push(connect(options.port).await?);
    }
    let begin = Instant::now();
    let end = begin + Duration::from_secs(options.seconds);
    let callers: Vec<_> = connections
        .into_iter()
        .map(|sender| {
            let request = request(&options, &message);
            tokio::task::spawn_local(call_until(end, sender, request, Rc::clone(&seen)))
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    print(&mut seen.borrow_mut(), begin.elapsed())
}

async fn connect(port: u16) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http2::handshake(Local, TokioIo::new(stream)).await?;
    tokio::task::spawn_local(async move {
        // Whoever calls sees that it broke.
        let _ = connection.await;
    });
    Ok(sender)
}

fn message(tenant: &str) -> Result<Bytes> {
    let params = json!({
        "tenant": tenant,
        "message": {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": "a modest question"}]},
    });
    let document = Document::parse(params.to_string().into(), 16)?;
    let schema = proto::request(Version::V1_0, Operation::SendMessage).context("no such message")?;
    Ok(grpc::frame(&proto::encode(schema, document.root())?))
}

fn request(options: &Options, message: &Bytes) -> Result<Request<Full<Bytes>>> {
    let Options { port, method, token, .. } = options;
    let mut request = Request::post(format!("http://127.0.0.1:{port}/{}/{method}", proto::SERVICE_V1))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .header("a2a-version", "1.0");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    Ok(request.body(Full::new(message.clone()))?)
}

async fn call_until(
    end: Instant,
    mut sender: SendRequest<Full<Bytes>>,
    request: Result<Request<Full<Bytes>>>,
    seen: Rc<RefCell<Seen>>,
) -> Result<()> {
    let request = request?;
    while Instant::now() < end {
        let begin = Instant::now();
        sender.ready().await?;
        let answer = sender.send_request(request.clone()).await?;
        let (first, good) = read(answer, begin).await?;
        let mut seen = seen.borrow_mut();
        seen.first.push(micros(first));
        seen.whole.push(micros(begin.elapsed()));
        seen.errors += usize::from(!good);
    }
    Ok(())
}

/// Reads an answer to its end: how long its first message took, and whether it is as it should be.
async fn read(answer: Response<Incoming>, begin: Instant) -> Result<(Duration, bool)> {
    let (head, mut body) = answer.into_parts();
    let (mut first, mut marked, mut ended) = (None, false, false);
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        if let Some(data) = frame.data_ref() {
            first.get_or_insert_with(|| begin.elapsed());
            marked = marked || data.windows(MARKER.len()).any(|window| window == MARKER);
        } else if let Some(trailers) = frame.trailers_ref() {
            ended = trailers.get("grpc-status").is_some_and(|status| status == "0");
        }
    }
    Ok((first.unwrap_or_else(|| begin.elapsed()), head.status == StatusCode::OK && marked && ended))
}

fn print(seen: &mut Seen, took: Duration) -> Result<()> {
    ensure!(!seen.whole.is_empty(), "nothing was answered");
    seen.whole.sort_unstable();
    seen.first.sort_unstable();
    let at = |times: &[u64], hundredths: usize| times[(times.len() - 1) * hundredths / 100];
    let result = json!({
        "requests": seen.whole.len(),
        "micros": micros(took),
        "p50": at(&seen.whole, 50),
        "p99": at(&seen.whole, 99),
        "first": at(&seen.first, 50),
        "errors": seen.errors,
    });
    Ok(writeln!(std::io::stdout(), "RESULT {result}")?)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
