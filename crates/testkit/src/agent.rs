//! An A2A agent that keeps every request it saw and answers as its script says.
//!
//! Without a script it has manners: a small agent of both versions ([`manners`]) over JSON-RPC and HTTP+JSON. With one it
//! sends exactly what the test wants: any card, events that come when the test lets them, streams that break off, errors of
//! either table. Over gRPC ([`ScriptedAgent::grpc`]) it has a script only. The SDKs' own agents are in `tests/peers/a2a`.

mod answer;
mod asked;
mod card;
mod fault;
mod grpc;
mod manners;
pub mod payload;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::net::TcpListener;

use self::manners::Manners;
pub use self::{
    answer::{Answer, Stream},
    asked::Asked,
    card::CardKey,
    fault::Fault,
    grpc::GrpcReply,
};
use crate::{
    ledger::Ledger,
    listen::Running,
    recorder::{Fate, Host, Recorded, Reply, accept},
};

/// How an operation travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// JSON-RPC, at `/rpc`.
    JsonRpc,
    /// HTTP+JSON, at `/rest`.
    HttpJson,
    /// gRPC, on a port of its own.
    Grpc,
}

/// A version of A2A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0.
    V1_0,
    /// 0.3.0.
    V0_3,
}

/// One of the three ways in which payloads are written as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// 1.0, on every binding.
    V1,
    /// 0.3 on JSON-RPC: `kind` members, states in kebab case.
    V03Rpc,
    /// 0.3 on HTTP+JSON: the JSON of its proto.
    V03Proto,
}

impl Dialect {
    /// What a binding writes in a version.
    pub fn of(version: Version, binding: Binding) -> Self {
        match (version, binding) {
            (Version::V1_0, _) => Self::V1,
            (Version::V0_3, Binding::JsonRpc) => Self::V03Rpc,
            (Version::V0_3, _) => Self::V03Proto,
        }
    }
}

/// A running agent; it stops when it is dropped.
#[derive(Debug)]
pub struct ScriptedAgent {
    origin: String,
    grpc: String,
    shared: Arc<Shared>,
    _running: [Running; 2],
}

#[derive(Debug)]
struct Shared {
    seen: Ledger<Asked>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    card: Reply,
    jwks: Value,
    script: Vec<Line>,
    manners: Manners,
}

#[derive(Debug)]
struct Line {
    operation: String,
    answer: Answer,
    once: bool,
}

impl ScriptedAgent {
    /// Starts an agent of 1.0 on free ports of 127.0.0.1, whose card names JSON-RPC and HTTP+JSON.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> io::Result<Self> {
        Self::start_as(&[(Binding::JsonRpc, Version::V1_0), (Binding::HttpJson, Version::V1_0)]).await
    }

    /// Starts an agent whose card names these interfaces, in this order. It answers on all of them, named or not.
    ///
    /// The card is one of 1.0 when any interface is, else one of 0.3.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start_as(interfaces: &[(Binding, Version)]) -> io::Result<Self> {
        let [http, grpc] = [
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        ];
        let origin = format!("http://{}", http.local_addr()?);
        let authority = grpc.local_addr()?.to_string();
        let card = card::fit(interfaces, &origin, &authority);
        let manners = Manners::new(card.clone());
        let jwks = serde_json::json!({ "keys": [] });
        let state = State { card: Reply::json(card), jwks, script: Vec::new(), manners };
        let shared = Arc::new(Shared { seen: Ledger::default(), state: Mutex::new(state) });
        let running = [
            Running::start(accept(http, Arc::clone(&shared))),
            Running::start(grpc::serve(grpc, Arc::clone(&shared))),
        ];
        Ok(Self { origin, grpc: authority, shared, _running: running })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Where the card is.
    pub fn card_url(&self) -> String {
        format!("{}{}", self.origin, asked::CARD)
    }

    /// Where JSON-RPC is asked.
    pub fn jsonrpc_url(&self) -> String {
        format!("{}{}", self.origin, asked::RPC)
    }

    /// What paths of HTTP+JSON are appended to.
    pub fn rest_url(&self) -> String {
        format!("{}{}", self.origin, asked::REST)
    }

    /// Where gRPC is asked, in clear: `127.0.0.1:<port>`.
    pub fn grpc_authority(&self) -> &str {
        &self.grpc
    }

    /// The card of the beginning, or the one of [`ScriptedAgent::set_card`].
    pub fn card(&self) -> Value {
        self.shared.lock().manners.card.clone()
    }

    /// Serves this card from now on.
    pub fn set_card(&self, card: Value) {
        let mut state = self.shared.lock();
        state.card = Reply::json(card.clone());
        state.manners.card = card;
    }

    /// Answers whoever fetches the card so from now on.
    pub fn set_card_reply(&self, reply: Reply) {
        self.shared.lock().card = reply;
    }

    /// Serves the card with the signature of this key from now on, and the key at `/.well-known/jwks.json`.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign_card(&self, key: &CardKey) -> io::Result<()> {
        let signed = key.sign(&self.card())?;
        self.set_card(signed);
        self.shared.lock().jwks = key.jwks();
        Ok(())
    }

    /// Gives this to those who ask for the extended card.
    pub fn set_extended_card(&self, card: Value) {
        self.shared.lock().manners.extended = card;
    }

    /// Answers the next request of this operation so.
    ///
    /// An operation has its name of 1.0, whatever the binding and the version; `*` is any of them; the card is `card`. Earlier lines
    /// win.
    pub fn once(&self, operation: &str, answer: Answer) {
        self.script(operation, answer, true);
    }

    /// Answers every request of this operation so, until [`ScriptedAgent::behave`].
    pub fn always(&self, operation: &str, answer: Answer) {
        self.script(operation, answer, false);
    }

    fn script(&self, operation: &str, answer: Answer, once: bool) {
        self.shared.lock().script.push(Line { operation: operation.to_owned(), answer, once });
    }

    /// Throws the script away.
    pub fn behave(&self) {
        self.shared.lock().script.clear();
    }

    /// Every request so far, oldest first, fetches of the card included.
    pub fn requests(&self) -> Vec<Asked> {
        self.shared.seen.all()
    }

    /// The requests of one operation, oldest first.
    pub fn requests_of(&self, operation: &str) -> Vec<Asked> {
        let mut requests = self.requests();
        requests.retain(|asked| asked.operation == operation);
        requests
    }

    /// What became of every request so far, in the order of [`ScriptedAgent::requests`].
    pub fn fates(&self) -> Vec<Fate> {
        self.shared.seen.fates()
    }

    /// Whether these bytes were in the head or the body of any request: for values that must never travel.
    pub fn saw(&self, needle: &str) -> bool {
        self.shared.seen.any(|asked, _| asked.request.contains(needle.as_bytes()))
    }

    /// Waits until `count` requests of this operation came, and returns them.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after ten seconds.
    pub async fn wait_for(&self, operation: &str, count: usize) -> io::Result<Vec<Asked>> {
        let enough = || {
            let requests = self.requests_of(operation);
            (requests.len() >= count).then_some(requests)
        };
        self.shared.seen.wait_until(enough).await
    }

    /// Waits until some request of this operation has this fate.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after ten seconds.
    pub async fn wait_for_fate(&self, operation: &str, fate: Fate) -> io::Result<()> {
        let seen = &self.shared.seen;
        let found = || seen.any(|asked, f| asked.operation == operation && f == fate).then_some(());
        seen.wait_until(found).await
    }

    /// Posts a notification as an agent does that was told this address; returns the status.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn notify(&self, url: &str, headers: &[(&str, &str)], body: &Value) -> io::Result<u16> {
        crate::webhook::post(url, headers, body).await
    }

    /// Posts a notification to every webhook that was registered for this task, with the token and the credentials that came
    /// with each; returns the statuses.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn push(&self, task: &str, body: &Value) -> io::Result<Vec<u16>> {
        let hooks = self.shared.lock().manners.hooks_of(task);
        let mut statuses = Vec::new();
        for hook in hooks {
            let mut headers = Vec::new();
            let credentials = format!("{} {}", hook.scheme, hook.credentials);
            if !hook.token.is_empty() {
                headers.push(("x-a2a-notification-token", hook.token.as_str()));
            }
            if !hook.scheme.is_empty() {
                headers.push(("authorization", credentials.as_str()));
            }
            statuses.push(self.notify(&hook.url, &headers, body).await?);
        }
        Ok(statuses)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What the script has for an operation.
    fn scripted(&mut self, operation: &str) -> Option<Answer> {
        let fits =
            |line: &Line| line.operation == operation || (line.operation == "*" && operation != "card");
        let line = self.script.iter().position(fits)?;
        let Line { answer, once, .. } = &self.script[line];
        let answer = answer.clone();
        if *once {
            self.script.remove(line);
        }
        Some(answer)
    }
}

impl Host for Shared {
    fn receive(&self, request: Recorded) -> (usize, Reply) {
        let asked = Asked::of(request);
        let mut state = self.lock();
        let reply = match (state.scripted(&asked.operation), asked.operation.as_str()) {
            (Some(answer), _) => answer.reply(&asked),
            (None, "card") => state.card.clone(),
            (None, "jwks") => Reply::json(state.jwks.clone()),
            (None, _) => state.manners.answer(&asked).reply(&asked),
        };
        drop(state);
        (self.seen.add(asked), reply)
    }

    fn settle(&self, number: usize, fate: Fate) {
        self.seen.settle(number, fate);
    }
}
