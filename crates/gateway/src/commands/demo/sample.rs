//! The sample MCP servers: small, honest, of both eras, with a log of everything that reached them.
//!
//! The log is what proves the story: what an upstream never saw was really stopped at the door.

mod clock;
mod notes;
mod protocol;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use doorward_egress::read_capped;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;

use super::serving::{self, Serving};
pub(super) use clock::Clock;
pub(super) use notes::Notebook;
use protocol::{Contents, Reply, Sessions};

/// The header in which a sample wants its API key.
pub(super) const KEY_HEADER: &str = "x-api-key";
/// Largest request, in bytes.
const MAX_REQUEST: usize = 64 << 10;

/// A running sample server; it stops when it is dropped.
pub(super) struct Sample {
    origin: String,
    state: Arc<Mutex<State>>,
    _serving: Serving,
}

/// What a server knows and remembers.
struct State {
    contents: Box<dyn Contents>,
    /// Whoever comes without it is turned away, when there is one.
    key: Option<String>,
    sessions: Sessions,
    seen: Vec<Seen>,
}

/// One request as it arrived, whatever became of it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Sample {
    /// Starts a server with these contents; with a key, only for those that present it.
    pub(super) async fn start(
        contents: impl Contents + 'static,
        key: Option<String>,
    ) -> anyhow::Result<Self> {
        let (listener, origin) = serving::bind().await?;
        let state =
            State { contents: Box::new(contents), key, sessions: Sessions::default(), seen: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let serving = serving::serve(listener, move |request| answer(Arc::clone(&shared), request));
        Ok(Self { origin, state, _serving: serving })
    }

    /// Its MCP endpoint.
    pub(super) fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// Everything that reached it so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// The ids of its open sessions.
    pub(super) fn sessions(&self) -> Vec<String> {
        lock(&self.state).sessions.open()
    }
}

impl Seen {
    /// Whether a text occurs in the body or in a header's value.
    pub(super) fn mentions(&self, text: &str) -> bool {
        let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        holds(&self.body) || self.headers.values().any(|value| holds(value.as_bytes()))
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    // A body that is too large or breaks off is no message; the protocol says so.
    let body = read_capped(body, MAX_REQUEST).await.unwrap_or_default();
    let mut state = lock(&state);
    state.seen.push(Seen { headers: parts.headers.clone(), body: body.clone() });
    let State { contents, key, sessions, .. } = &mut *state;
    let presented = parts.headers.get(KEY_HEADER).map(HeaderValue::as_bytes);
    if key.as_deref().is_some_and(|key| presented != Some(key.as_bytes())) {
        return respond(Reply::empty(401));
    }
    respond(protocol::answer(&mut **contents, sessions, &parts.method, &parts.headers, &body))
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(reply.body.map(|body| body.to_string()).unwrap_or_default()));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(session) = reply.session.and_then(|session| HeaderValue::from_str(&session).ok()) {
        headers.insert("mcp-session-id", session);
    }
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
