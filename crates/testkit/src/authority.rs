//! An authorization server of somebody else's for tests, and the lock that it puts on an upstream.
//!
//! It has manners: metadata, dynamic registration, an authorization endpoint where everybody says yes at once, tokens with
//! rotation, revocation. [`Manners`] changes them, and a script answers any path as the test wants. It keeps every request.
//! It asks nobody who they are, and it does not verify what clients sign: whether that is right is the test's question.

mod desk;
mod door;
mod manners;
#[cfg(test)]
mod tests;
mod tickets;

use std::{
    collections::BTreeMap,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::net::TcpListener;

use self::{door::Door, tickets::Tickets};
pub use self::{
    manners::{Iss, Manners},
    tickets::Asked,
};
use crate::{
    ledger::Ledger,
    listen::Running,
    recorder::{Fate, Gate, Host, Recorded, Recorder, Reply, accept},
};

/// A running authorization server; it stops when it is dropped.
#[derive(Debug)]
pub struct ScriptedAuthority {
    shared: Arc<Shared>,
    _running: Running,
}

#[derive(Debug)]
struct Shared {
    url: String,
    seen: Ledger<Recorded>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    manners: Manners,
    tickets: Tickets,
    script: Vec<Line>,
    holds: BTreeMap<String, Hold>,
}

/// An answer that is not what manners say.
#[derive(Debug)]
struct Line {
    path: String,
    reply: Reply,
    once: bool,
}

/// What becomes of a right answer on its way.
#[derive(Debug, Clone)]
enum Hold {
    Late(Duration),
    Gated(Gate),
}

impl ScriptedAuthority {
    /// Starts one on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = State { tickets: Tickets::new(address.port()), ..State::default() };
        let url = format!("http://{address}");
        let shared = Arc::new(Shared { url, seen: Ledger::default(), state: Mutex::new(state) });
        let running = Running::start(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, _running: running })
    }

    /// Its issuer identifier, `http://127.0.0.1:<port>`; its endpoints are `/authorize`, `/token`, `/register`, `/revoke`.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Locks an upstream: who brings no token of this authority gets 401 with a challenge, and the upstream serves the
    /// metadata of a protected resource (RFC 9728) that names this authority.
    pub fn protect(&self, upstream: &Recorder) {
        let door = Door { shared: Arc::clone(&self.shared), resource: upstream.url().to_owned() };
        upstream.lock_with(Arc::new(door));
    }

    /// Changes how it behaves from now on.
    pub fn set(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.shared.lock().manners);
    }

    /// Knows a client that was registered by hand.
    pub fn register(&self, id: &str, secret: Option<&str>) {
        self.shared.lock().tickets.register(id, secret.map(str::to_owned), None);
    }

    /// Answers the next request to this path so, `/token` for example, or `*` for any. Earlier lines win.
    pub fn once(&self, path: &str, reply: Reply) {
        self.shared.lock().script.push(Line { path: path.to_owned(), reply, once: true });
    }

    /// Answers every request to this path so, until [`ScriptedAuthority::behave`].
    pub fn always(&self, path: &str, reply: Reply) {
        self.shared.lock().script.push(Line { path: path.to_owned(), reply, once: false });
    }

    /// Gives the right answers of this path so much later.
    pub fn delay(&self, path: &str, pause: Duration) {
        self.shared.lock().holds.insert(path.to_owned(), Hold::Late(pause));
    }

    /// Gives the right answers of this path when the gate opens: what they do here is done by then.
    pub fn hold(&self, path: &str, gate: &Gate) {
        self.shared.lock().holds.insert(path.to_owned(), Hold::Gated(gate.clone()));
    }

    /// Throws the script away, and what holds answers up. [`Manners`] stay.
    pub fn behave(&self) {
        let mut state = self.shared.lock();
        state.script.clear();
        state.holds.clear();
    }

    /// Access tokens so far count no more; refresh tokens stay.
    pub fn expire_access_tokens(&self) {
        self.shared.lock().tickets.access.clear();
    }

    /// Nothing that was issued so far counts any more.
    pub fn revoke_everything(&self) {
        let mut state = self.shared.lock();
        state.tickets.access.clear();
        state.tickets.refresh.clear();
    }

    /// Whether a token is good now, an access token or a refresh token.
    pub fn is_live(&self, token: &str) -> bool {
        let state = self.shared.lock();
        state.tickets.access.contains_key(token) || state.tickets.refresh.contains_key(token)
    }

    /// Every secret that was ever issued: codes, tokens, client secrets. Canaries, each of them once in the world.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.lock().tickets.issued.clone()
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.seen.all()
    }

    /// What was asked at one path, oldest first: the fields of the query and of the form, and who the client is.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let requests = self.requests();
        requests.iter().filter(|request| path_of(request) == path).map(Asked::of).collect()
    }

    /// The requests to the token endpoint of one grant type, such as `refresh_token`, oldest first.
    pub fn token_requests(&self, grant_type: &str) -> Vec<Asked> {
        let mut asked = self.asked("/token");
        asked.retain(|asked| asked.field("grant_type") == Some(grant_type));
        asked
    }

    /// Whether these bytes were in the head or the body of any request.
    pub fn saw(&self, needle: &str) -> bool {
        self.shared.seen.any(|request, _| request.contains(needle.as_bytes()))
    }

    /// Waits until `count` requests came to a path.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after ten seconds.
    pub async fn wait_for(&self, path: &str, count: usize) -> io::Result<Vec<Asked>> {
        let enough = || {
            let asked = self.asked(path);
            (asked.len() >= count).then_some(asked)
        };
        self.shared.seen.wait_until(enough).await
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Shared {
    fn receive(&self, request: Recorded) -> (usize, Reply) {
        let path = path_of(&request).to_owned();
        let mut state = self.lock();
        let line = state.script.iter().position(|line| line.path == path || line.path == "*");
        let reply = match line {
            Some(line) if state.script[line].once => state.script.remove(line).reply,
            Some(line) => state.script[line].reply.clone(),
            None => {
                let reply = desk::answer(&mut state, &self.url, &path, &request);
                match state.holds.get(&path) {
                    Some(Hold::Late(pause)) => reply.after(*pause),
                    Some(Hold::Gated(gate)) => reply.gated(gate),
                    None => reply,
                }
            }
        };
        drop(state);
        (self.seen.add(request), reply)
    }

    fn settle(&self, number: usize, fate: Fate) {
        self.seen.settle(number, fate);
    }
}

/// The path that a request is for.
fn path_of(request: &Recorded) -> &str {
    request.target.split('?').next().unwrap_or_default()
}
