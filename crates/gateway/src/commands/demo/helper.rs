//! The sample A2A agent: it counts words, by A2A 1.0 over JSON-RPC, with a log of everything that reached it.
//!
//! It knows nobody but whoever has its key, and shows every task to whoever has it, as agents do.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_egress::read_capped;
use doorward_model::{Clock as _, SystemClock};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{
    sample::{KEY_HEADER, Seen},
    serving::{self, Serving},
};

/// Where its card is.
pub(super) const CARD: &str = "/.well-known/agent-card.json";
/// Largest request, in bytes.
const MAX_REQUEST: usize = 64 << 10;
/// A2A 1.0.1 section 5.4.
const TASK_NOT_FOUND: i64 = -32001;

/// A running sample agent; it stops when it is dropped.
pub(super) struct Helper {
    origin: String,
    state: Arc<Mutex<State>>,
    _serving: Serving,
}

/// What the agent knows and remembers.
struct State {
    card: Value,
    key: String,
    tasks: BTreeMap<String, Value>,
    seen: Vec<Seen>,
}

impl Helper {
    /// Starts it, for those that present the key.
    pub(super) async fn start(key: String) -> anyhow::Result<Self> {
        let (listener, origin) = serving::bind().await?;
        let state = State { card: card(&origin), key, tasks: BTreeMap::new(), seen: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        let serving = serving::serve(listener, move |request| answer(Arc::clone(&shared), request));
        Ok(Self { origin, state, _serving: serving })
    }

    /// Where its card is.
    pub(super) fn card_url(&self) -> String {
        format!("{}{CARD}", self.origin)
    }

    /// Where it takes messages.
    pub(super) fn url(&self) -> String {
        format!("{}/a2a", self.origin)
    }

    /// Every message that reached it so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }
}

fn card(origin: &str) -> Value {
    json!({
        "name": "Word counter",
        "description": "Counts the words of a text.",
        "version": "1.0.0",
        "supportedInterfaces": [
            { "url": format!("{origin}/a2a"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0" },
        ],
        "capabilities": { "streaming": false, "pushNotifications": false },
        "securitySchemes": { "key": { "apiKeySecurityScheme": { "location": "header", "name": KEY_HEADER } } },
        "securityRequirements": [{ "schemes": { "key": { "list": [] } } }],
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [
            { "id": "count", "name": "Count words", "description": "Says how many words a text has.", "tags": ["text"] },
        ],
    })
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    if (&parts.method, parts.uri.path()) == (&Method::GET, CARD) {
        return respond(StatusCode::OK, &lock(&state).card);
    }
    // A body that is too large or breaks off is no message; what is answered says so.
    let body = read_capped(body, MAX_REQUEST).await.unwrap_or_default();
    let mut state = lock(&state);
    state.seen.push(Seen { headers: parts.headers.clone(), body: body.clone() });
    if parts.headers.get(KEY_HEADER).map(HeaderValue::as_bytes) != Some(state.key.as_bytes()) {
        return respond(StatusCode::UNAUTHORIZED, &Value::Null);
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut answer = json!({ "jsonrpc": "2.0", "id": request["id"] });
    match state.call(request["method"].as_str().unwrap_or_default(), &request["params"]) {
        Ok(result) => answer["result"] = result,
        Err(error) => answer["error"] = error,
    }
    respond(StatusCode::OK, &answer)
}

impl State {
    fn call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        match method {
            "SendMessage" => Ok(json!({ "task": self.count(&params["message"]) })),
            "GetTask" => {
                let task = params["id"].as_str().and_then(|id| self.tasks.get(id));
                task.cloned().ok_or_else(|| error(TASK_NOT_FOUND, "TASK_NOT_FOUND", "there is no such task"))
            }
            _ => Err(error(
                doorward_protocol::rpc::code::METHOD_NOT_FOUND,
                "METHOD_NOT_FOUND",
                "there is no such method",
            )),
        }
    }

    /// A task that is done at once.
    fn count(&mut self, message: &Value) -> Value {
        let parts = message["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let texts = parts.iter().filter_map(|part| part["text"].as_str());
        let words: usize = texts.map(|text| text.split_whitespace().count()).sum();
        let id = hash::random_hex::<16>();
        let context = message["contextId"].as_str().map_or_else(hash::random_hex::<16>, str::to_owned);
        let task = json!({
            "id": id, "contextId": context,
            "status": { "state": "TASK_STATE_COMPLETED", "timestamp": SystemClock.now().to_rfc3339() },
            "artifacts": [{ "artifactId": "count", "parts": [{ "text": format!("{words} words") }] }],
        });
        self.tasks.insert(id, task.clone());
        task
    }
}

/// With the detail that says which error of A2A it is (section 9.5).
fn error(code: i64, reason: &str, message: &str) -> Value {
    let detail = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "a2a-protocol.org",
    });
    json!({ "code": code, "message": message, "data": [detail] })
}

fn respond(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
