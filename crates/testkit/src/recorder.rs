//! An upstream MCP server that keeps every request it saw and answers as its script says.
//!
//! Without a script it has manners: a minimal server of both eras ([`manners`]) with three tools. With one it sends exactly
//! what the test wants, as JSON or as an event stream, split, late, cut short, or never. It writes HTTP/1.1 by hand, so that
//! it can also write it wrongly; HTTP/2, TLS and authentication are not its business.

mod manners;
mod reply;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

use self::{manners::Manners, wire::Connection};
pub use self::{
    reply::{Gate, Reply},
    wire::Recorded,
};
use crate::{conformance::Eras, ledger::Ledger, listen::Running};

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// No answer yet, or not all of it.
    Open,
    /// The whole answer was written.
    Answered,
    /// The script ended the connection.
    Cut,
    /// The client left before the answer was complete.
    ClientGone,
}

/// A running recorder; it stops when it is dropped.
#[derive(Debug)]
pub struct Recorder {
    url: String,
    shared: Arc<Shared>,
    _running: Running,
}

/// Who answers what comes in over HTTP/1.1.
pub(crate) trait Host: Send + Sync + 'static {
    /// Keeps the request; returns its number and the answer to it.
    fn receive(&self, request: Recorded) -> (usize, Reply);

    /// Hears what became of the request of this number.
    fn settle(&self, number: usize, fate: Fate);
}

/// Somebody who looks at every request before the recorder does.
pub(crate) trait Lock: std::fmt::Debug + Send + Sync {
    /// The answer to a request that gets no further. What is scripted wins over it.
    fn judge(&self, request: &Recorded) -> Option<Reply>;
}

#[derive(Debug, Default)]
struct Shared {
    seen: Ledger<Recorded>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    script: Vec<Line>,
    lock: Option<Arc<dyn Lock>>,
    manners: Manners,
}

#[derive(Debug)]
struct Line {
    method: String,
    reply: Reply,
    once: bool,
}

impl Recorder {
    /// Starts a recorder of both eras on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> io::Result<Self> {
        Self::start_as(Eras::Both).await
    }

    /// Starts a recorder whose manners know only these revisions.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start_as(eras: Eras) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/mcp", listener.local_addr()?);
        let state = State { manners: Manners::of(eras), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), ..Shared::default() });
        let running = Running::start(accept(listener, Arc::clone(&shared)));
        Ok(Self { url, shared, _running: running })
    }

    /// Its MCP endpoint: `http://127.0.0.1:<port>/mcp`. Every other path is answered and recorded alike.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next request of this method so. The method is the JSON-RPC one, or the HTTP one where the body names none
    /// (`GET`, `DELETE`), or `*` for any. Earlier lines win.
    pub fn once(&self, method: &str, reply: Reply) {
        self.shared.lock().script.push(Line { method: method.to_owned(), reply, once: true });
    }

    /// Answers every request of this method so, until [`Recorder::behave`]. For the method see [`Recorder::once`].
    pub fn always(&self, method: &str, reply: Reply) {
        self.shared.lock().script.push(Line { method: method.to_owned(), reply, once: false });
    }

    /// Throws the script away.
    pub fn behave(&self) {
        self.shared.lock().script.clear();
    }

    /// Lets only those in from now on whom the lock lets in.
    pub(crate) fn lock_with(&self, lock: Arc<dyn Lock>) {
        self.shared.lock().lock = Some(lock);
    }

    /// The definitions that `tools/list` gives from now on.
    pub fn set_tools(&self, tools: Vec<Value>) {
        self.shared.lock().manners.tools = tools;
    }

    /// Whether `initialize` gives a session id from now on; it does at first.
    pub fn set_sessions(&self, wanted: bool) {
        self.shared.lock().manners.sessions = wanted;
    }

    /// Ends every session without telling anybody, as a restart would.
    pub fn forget_sessions(&self) {
        self.shared.lock().manners.forget_sessions();
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.seen.all()
    }

    /// The requests of one method (see [`Recorder::once`]), oldest first.
    pub fn requests_of(&self, method: &str) -> Vec<Recorded> {
        let mut requests = self.requests();
        requests.retain(|request| request.method_name() == method);
        requests
    }

    /// What became of every request so far, in the order of [`Recorder::requests`].
    pub fn fates(&self) -> Vec<Fate> {
        self.shared.seen.fates()
    }

    /// Whether these bytes were in the head or the body of any request: for values that must never travel.
    pub fn saw(&self, needle: &str) -> bool {
        self.shared.seen.any(|request, _| request.contains(needle.as_bytes()))
    }

    /// Waits until `count` requests of this method came, and returns them.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after ten seconds.
    pub async fn wait_for(&self, method: &str, count: usize) -> io::Result<Vec<Recorded>> {
        self.shared
            .seen
            .wait_until(|| {
                let requests = self.requests_of(method);
                (requests.len() >= count).then_some(requests)
            })
            .await
    }

    /// Waits until some request of this method has this fate.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after ten seconds.
    pub async fn wait_for_fate(&self, method: &str, fate: Fate) -> io::Result<()> {
        let seen = &self.shared.seen;
        seen.wait_until(|| seen.any(|request, f| request.method_name() == method && f == fate).then_some(()))
            .await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Shared {
    fn receive(&self, request: Recorded) -> (usize, Reply) {
        let mut state = self.lock();
        let method = request.method_name();
        let line = state.script.iter().position(|line| line.method == method || line.method == "*");
        let reply = match line {
            Some(line) if state.script[line].once => state.script.remove(line).reply,
            Some(line) => state.script[line].reply.clone(),
            None => {
                let refused = state.lock.as_ref().and_then(|lock| lock.judge(&request));
                refused.unwrap_or_else(|| state.manners.answer(&request))
            }
        };
        drop(state);
        (self.seen.add(request), reply)
    }

    fn settle(&self, number: usize, fate: Fate) {
        self.seen.settle(number, fate);
    }
}

/// Serves HTTP/1.1 on `listener` for as long as the future is polled.
pub(crate) async fn accept(listener: TcpListener, host: Arc<impl Host>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        number += 1;
        let connection = Connection::new(stream, number);
        connections.spawn(converse(connection, Arc::clone(&host)));
    }
}

/// Requests and answers, one after the other, until somebody leaves.
async fn converse(mut connection: Connection, host: Arc<impl Host>) {
    while let Ok(Some(request)) = connection.read_request().await {
        let (id, head_only) = (request.id(), request.method == "HEAD");
        let (number, reply) = host.receive(request);
        let fate = reply.write(&mut connection, id.as_ref(), head_only).await;
        host.settle(number, fate);
        if fate != Fate::Answered || reply.closes() {
            break;
        }
    }
}
