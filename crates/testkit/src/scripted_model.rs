//! A model that is none: it lets agents that only act when a model tells them to be driven without one.
//!
//! It calls the tools of its script, one after the other, and then repeats what they said. It speaks just enough of two
//! interfaces, streaming or not: Anthropic's Messages and `OpenAI`'s Responses. It does not look at what it is asked, checks no
//! key, and answers nothing else. What matters is what the agent sent to it, and it keeps that.

mod messages;
mod responses;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::listen::{self, Running};

/// The longest request that is taken; agents send some 100 KB.
const LARGEST_REQUEST: usize = 16 << 20;

/// A running model; it stops when it is dropped.
#[derive(Debug)]
pub struct ScriptedModel {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _running: Running,
}

/// What an agent sent in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The tools that it offered.
    pub offered: Vec<Offered>,
    /// The texts of the tool results that it brought back, oldest first.
    pub results: Vec<String>,
}

/// A tool as an agent presents it to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The group that it is in, where the agent groups tools.
    pub namespace: Option<String>,
    /// Its name, which agents change: they put the server's name before it, or replace characters.
    pub name: String,
}

/// A call that the model makes.
#[derive(Debug, Clone)]
pub struct Call {
    /// How the agent's name for the tool ends, be it `get-sum` or `team get-sum` for one server's. Only letters and digits
    /// count.
    pub tool: String,
    /// The arguments.
    pub arguments: Value,
}

/// What the model says to one request.
#[derive(Debug, Clone, PartialEq)]
enum Says {
    Call { id: String, tool: Offered, arguments: Value },
    Text(String),
}

/// How an interface writes what is the same in all of them.
struct Dialect {
    /// How the path of its only endpoint ends.
    path: &'static str,
    /// Takes a request apart.
    read: fn(&Value) -> Asked,
    /// The whole answer.
    whole: fn(&Says) -> Value,
    /// The same as the events of a stream: each has its name in `type`.
    events: fn(&Says) -> Vec<Value>,
}

const DIALECTS: [Dialect; 2] = [messages::DIALECT, responses::DIALECT];

impl ScriptedModel {
    /// Starts a model on a free port of 127.0.0.1 that makes these calls.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(script: impl IntoIterator<Item = Call>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<[Call]> = script.into_iter().collect();
        let shared = Arc::clone(&asked);
        let handler = service_fn(move |request: Request<Incoming>| {
            let (script, asked) = (Arc::clone(&script), Arc::clone(&shared));
            async move { answer(request, &script, &asked).await }
        });
        let running = Running::start(async move {
            // Only a broken listener ends it, and then every request fails.
            let _ = listen::serve(listener, handler).await;
        });
        Ok(Self { url, asked, _running: running })
    }

    /// Where it is: `http://127.0.0.1:<port>`; `/v1/messages` and `/v1/responses` are below it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it was asked so far, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The results that came back tell how far the script is. Agents also ask for titles and the like, without tools: they
/// get a text.
fn says(script: &[Call], asked: &Asked) -> Says {
    let done = asked.results.len();
    let Some(next) = script.get(done) else {
        return Says::Text(format!("The tools say: {}", asked.results.join("\n")));
    };
    let tool = asked.offered.iter().find(|offered| offered.is(&next.tool));
    tool.map_or_else(
        || Says::Text(format!("There is no {} to call.", next.tool)),
        |tool| Says::Call {
            id: format!("call_{done}"),
            tool: tool.clone(),
            arguments: next.arguments.clone(),
        },
    )
}

impl Offered {
    /// The whole name in its plainest form: words of letters and digits with `_` between them.
    pub fn plain(&self) -> String {
        plain(&format!("{}_{}", self.namespace.as_deref().unwrap_or_default(), self.name))
    }

    /// Whether this is the agent's name for that tool.
    fn is(&self, tool: &str) -> bool {
        let (own, tool) = (self.plain(), plain(tool));
        own.strip_suffix(&tool).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('_'))
    }
}

fn plain(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

async fn answer(
    request: Request<Incoming>,
    script: &[Call],
    asked: &Mutex<Vec<Asked>>,
) -> io::Result<Response<Full<Bytes>>> {
    let path = request.uri().path();
    let dialect = DIALECTS.iter().find(|dialect| path.ends_with(dialect.path));
    let Some(dialect) = dialect.filter(|_| request.method() == Method::POST) else {
        return respond(StatusCode::NOT_FOUND, "text/plain", String::new());
    };
    #[expect(clippy::disallowed_methods, reason = "capped by `Limited`")]
    let body = Limited::new(request.into_body(), LARGEST_REQUEST).collect().await;
    let body: Value = serde_json::from_slice(&body.map_err(io::Error::other)?.to_bytes())?;
    let told = (dialect.read)(&body);
    let says = says(script, &told);
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    if body["stream"] != true {
        return respond(StatusCode::OK, "application/json", (dialect.whole)(&says).to_string());
    }
    let events = (dialect.events)(&says).into_iter().map(|event| {
        let name = event["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {event}\n\n")
    });
    respond(StatusCode::OK, "text/event-stream", events.collect())
}

fn respond(status: StatusCode, content_type: &str, body: String) -> io::Result<Response<Full<Bytes>>> {
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, content_type);
    response.body(Full::from(body)).map_err(io::Error::other)
}

/// The members of an array; none where there is no array.
fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The text of a content that is a string, or an array of parts that have a `text`.
fn text(content: &Value) -> String {
    let parts = items(content).filter_map(|part| part["text"].as_str());
    content.as_str().into_iter().chain(parts).collect()
}
