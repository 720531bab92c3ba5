//! Which conversations are held: one per legacy session, one shared per upstream that is modern.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_egress::{
    Cause, Channel, ChannelError, Egress, Messages, StartState, Supervisor, Trust, sse, stdio,
};
use doorward_model::{Caller, CallerKey, Limits, Name, Transport, Upstream};
use doorward_protocol::{
    json::{Document, Value},
    mcp::modern::OWN_META,
    rpc::{Message, Outcome},
};
use http::HeaderMap;

use super::Conversation;

/// How long a child may take to say which era it speaks.
const PROBE: Duration = Duration::from_secs(10);
/// How long the news that an upstream is legacy is believed.
const VERDICT: Duration = Duration::from_mins(10);
/// The same, when the child died instead of answering.
const DOUBT: Duration = Duration::from_secs(10);
/// The own id of the probing request.
const PROBE_ID: &str = "dw.probe";

/// All conversations of the program.
pub(crate) struct Conversations {
    egress: Egress,
    sessions: Mutex<HashMap<String, Held>>,
    shared: Mutex<HashMap<String, Arc<Shared>>>,
    supervisors: Arc<Mutex<HashMap<String, Supervisor>>>,
}

/// A legacy session's conversation.
struct Held {
    upstream: Name,
    caller: CallerKey,
    identity: String,
    /// None while it is being started.
    conversation: Option<Arc<Conversation>>,
}

impl Held {
    fn is_alive(&self) -> bool {
        self.conversation.as_ref().is_none_or(|conversation| conversation.is_open())
    }
}

/// A session that has begun, and ends with this handle unless it is kept.
pub(crate) struct Begun {
    conversations: Arc<Conversations>,
    name: String,
    kept: bool,
}

impl Begun {
    /// Keeps the session; its name is what the client's session id stands for.
    pub(crate) fn keep(mut self) -> String {
        self.kept = true;
        self.name.clone()
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.kept {
            self.conversations.end_session(&self.name);
        }
    }
}

/// The shared conversation of one upstream, or why there is none.
#[derive(Default)]
struct Shared(tokio::sync::Mutex<Verdict>);

impl Shared {
    fn close(&self) {
        if let Ok(verdict) = self.0.try_lock()
            && let Verdict::Modern(conversation) = &*verdict
        {
            conversation.close();
        }
    }
}

#[derive(Default)]
enum Verdict {
    #[default]
    Unknown,
    Modern(Arc<Conversation>),
    /// Until then.
    Legacy(Instant),
}

/// Why a conversation does not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// `limits.sessions` are held at this upstream.
    #[error("as many sessions as `limits.sessions` allows are held at this upstream")]
    TooMany,
    /// It has ended early several times; the next attempt waits.
    #[error("it ended early {0} times in a row; the next start waits")]
    CrashLoop(u32),
    /// The channel cannot be opened.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl Conversations {
    pub(crate) fn new(egress: Egress) -> Self {
        Self { egress, sessions: Mutex::default(), shared: Mutex::default(), supervisors: Arc::default() }
    }

    /// Begins the conversation of a new legacy session. Unless it is kept, it ends when the handle is dropped:
    /// a session whose `initialize` fails, or whose caller leaves meanwhile, holds no child.
    pub(crate) async fn begin_session(
        self: &Arc<Self>,
        (upstream, caller): (&Upstream, &CallerKey),
        headers: HeaderMap,
        limits: &Limits,
    ) -> Result<(Begun, Arc<Conversation>), StartError> {
        let begun = self.reserve((upstream, caller), limits.sessions).ok_or(StartError::TooMany)?;
        let (channel, messages) = self.open(upstream, headers, limits).await?;
        let conversation = Conversation::begin(channel, messages, false, limits.depth);
        if let Some(held) = self.sessions().get_mut(&begun.name) {
            held.conversation = Some(Arc::clone(&conversation));
        }
        Ok((begun, conversation))
    }

    /// Takes one of an upstream's places, before anything is started. A caller who is known gets half of them
    /// at most, so that there is room for others.
    fn reserve(self: &Arc<Self>, (upstream, caller): (&Upstream, &CallerKey), limit: usize) -> Option<Begun> {
        let mut sessions = self.sessions();
        sessions.retain(|_, held| held.is_alive());
        let here = || sessions.values().filter(|held| held.upstream == upstream.name);
        let share = if *caller == Caller::Anonymous.key() { limit } else { limit.div_ceil(2) };
        if here().count() >= limit || here().filter(|held| held.caller == *caller).count() >= share {
            return None;
        }
        let name = hash::random_hex::<16>();
        let held = Held {
            upstream: upstream.name.clone(),
            caller: caller.clone(),
            identity: identity(upstream),
            conversation: None,
        };
        sessions.insert(name.clone(), held);
        Some(Begun { conversations: Arc::clone(self), name, kept: false })
    }

    /// The conversation of a session, if it is still held here.
    pub(crate) fn session(&self, id: &str) -> Option<Arc<Conversation>> {
        let conversation = self.sessions().get(id)?.conversation.clone()?;
        conversation.is_open().then_some(conversation)
    }

    /// Ends a session's conversation.
    pub(crate) fn end_session(&self, id: &str) {
        let held = self.sessions().remove(id);
        if let Some(conversation) = held.and_then(|held| held.conversation) {
            conversation.close();
        }
    }

    /// Ends conversations with upstreams that are not among `declared` any more, as they were then.
    pub(crate) fn keep_only<'u>(&self, declared: impl Iterator<Item = &'u Upstream>) {
        let identities: HashSet<String> = declared.map(identity).collect();
        self.sessions().retain(|_, held| {
            let stays = identities.contains(&held.identity);
            if let (false, Some(conversation)) = (stays, &held.conversation) {
                conversation.close();
            }
            stays
        });
        lock(&self.shared).retain(|identity, shared| {
            let stays = identities.contains(identity);
            if !stays {
                shared.close();
            }
            stays
        });
    }

    /// The conversation that all modern requests to an upstream share; none when it is not modern.
    pub(crate) async fn shared(
        &self,
        upstream: &Upstream,
        limits: &Limits,
    ) -> Result<Option<Arc<Conversation>>, StartError> {
        if !matches!(upstream.transport, Transport::Stdio(_)) {
            return Ok(None);
        }
        let place = Arc::clone(lock(&self.shared).entry(identity(upstream)).or_default());
        let mut verdict = place.0.lock().await;
        match &*verdict {
            Verdict::Modern(conversation) if conversation.is_open() => {
                return Ok(Some(Arc::clone(conversation)));
            }
            Verdict::Legacy(until) if Instant::now() < *until => return Ok(None),
            _ => {}
        }
        // Servers that exit on a question before `initialize` are legacy, not broken: probing is not counted.
        let (channel, messages) = match &*verdict {
            Verdict::Modern(_) => self.open(upstream, HeaderMap::new(), limits).await?,
            _ => self.dial(upstream, HeaderMap::new(), limits).await?,
        };
        let conversation = Conversation::begin(channel, messages, true, limits.depth);
        // A caller that leaves drops the probe, and with it the child.
        let probing = Probing(Some(Arc::clone(&conversation)));
        let speaks = is_modern(&conversation, limits.depth).await;
        *verdict = if speaks {
            probing.keep();
            Verdict::Modern(Arc::clone(&conversation))
        } else {
            // A child that died may have been asked too early, or be broken: `initialize` will tell, soon.
            let believed = if conversation.is_open() { VERDICT } else { DOUBT };
            Verdict::Legacy(Instant::now() + believed)
        };
        Ok(speaks.then_some(conversation))
    }

    /// Ends sessions that nobody has used for as long as `limits.session_idle`.
    pub(crate) fn reap(&self, idle: Duration) {
        self.sessions().retain(|_, held| {
            let Some(conversation) = &held.conversation else { return true };
            let is_idle = conversation.idle_since().is_some_and(|since| since.elapsed() > idle);
            if is_idle {
                conversation.close();
            }
            !is_idle && conversation.is_open()
        });
    }

    /// Ends everything, and waits until the children are gone: the program stops.
    pub(crate) async fn close(&self) {
        let mut ending: Vec<Arc<Conversation>> =
            self.sessions().drain().filter_map(|(_, held)| held.conversation).collect();
        let shared: Vec<Arc<Shared>> = lock(&self.shared).drain().map(|(_, shared)| shared).collect();
        for shared in shared {
            // Waits for a probe under way, which is bounded itself.
            if let Verdict::Modern(conversation) = &*shared.0.lock().await {
                ending.push(Arc::clone(conversation));
            }
        }
        for conversation in &ending {
            conversation.close();
        }
        for conversation in &ending {
            conversation.ended().await;
        }
    }

    /// Opens a channel, unless what is behind it keeps ending early.
    async fn open(
        &self,
        upstream: &Upstream,
        headers: HeaderMap,
        limits: &Limits,
    ) -> Result<(Channel, Messages), StartError> {
        let identity = identity(upstream);
        self.admit_start(&identity)?;
        let began = Instant::now();
        let opened = self.dial(upstream, headers, limits).await;
        let supervisors = Arc::clone(&self.supervisors);
        match opened {
            Ok((channel, messages)) => {
                let watched = channel.clone();
                tokio::spawn(async move {
                    let ending = watched.closed().await;
                    let mut supervisors = lock(&supervisors);
                    let supervisor = supervisors.entry(identity).or_default();
                    match ending.cause {
                        Cause::Closed => supervisor.stopped(),
                        _ => supervisor.exited(Instant::now(), began.elapsed()),
                    }
                });
                Ok((channel, messages))
            }
            Err(error) => {
                lock(&supervisors).entry(identity).or_default().exited(Instant::now(), Duration::ZERO);
                Err(error.into())
            }
        }
    }

    fn admit_start(&self, identity: &str) -> Result<(), StartError> {
        let mut supervisors = lock(&self.supervisors);
        let supervisor = supervisors.entry(identity.to_owned()).or_default();
        if let StartState::Waiting { failures, .. } = supervisor.state(Instant::now()) {
            return Err(StartError::CrashLoop(failures));
        }
        supervisor.started();
        Ok(())
    }

    async fn dial(
        &self,
        upstream: &Upstream,
        headers: HeaderMap,
        limits: &Limits,
    ) -> Result<(Channel, Messages), ChannelError> {
        match &upstream.transport {
            Transport::Stdio(command) => {
                let bounds = stdio::StdioLimits { max_message: limits.response_body, ..Default::default() };
                stdio::start(command, &bounds, upstream.name.as_str())
            }
            Transport::Sse(url) | Transport::Http(url) => {
                let idle = Some(limits.stream_idle);
                let bounds = sse::SseLimits { max_message: limits.response_body, idle };
                sse::connect(&self.egress, url, headers, Trust::Declared, &bounds, upstream.timeout).await
            }
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        lock(&self.sessions)
    }
}

/// A conversation that ends unless it is kept.
struct Probing(Option<Arc<Conversation>>);

impl Probing {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        if let Some(conversation) = self.0.take() {
            conversation.close();
        }
    }
}

/// What sets an upstream apart from all others: two with the same command and other variables are two, since
/// the variables are their credentials.
fn identity(upstream: &Upstream) -> String {
    let mut secrets = Vec::new();
    if let Transport::Stdio(command) = &upstream.transport {
        for (name, value) in &command.env {
            for part in [name.as_str(), value.expose()] {
                secrets.extend_from_slice(&part.len().to_be_bytes());
                secrets.extend_from_slice(part.as_bytes());
            }
        }
    }
    format!("{}\n{}\n{}", upstream.name, upstream.place(), hash::hex(&hash::sha256(&secrets)))
}

/// Asks a child which era it speaks (2026-07-28, versioning: probing over stdio). A result with a modern
/// version, or an error that only modern servers have, is modern; anything else, silence and death included,
/// is legacy.
async fn is_modern(conversation: &Arc<Conversation>, depth: usize) -> bool {
    let probe = Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","id":"{PROBE_ID}","method":"server/discover","params":{{{OWN_META}}}}}"#
    ));
    let Ok(mut reading) = conversation.ask(PROBE_ID, None, &probe).await else { return false };
    let answer = tokio::time::timeout(PROBE, reading.next()).await;
    let Ok(Some(answer)) = answer else { return false };
    let Ok(document) = Document::parse(answer, depth) else { return false };
    match Message::read(&document) {
        Ok(Message::Response { outcome: Outcome::Result(result), .. }) => {
            let versions = result.get("supportedVersions").and_then(Value::as_array);
            versions.is_some_and(|versions| {
                versions.iter().any(|version| version.as_str().as_deref() == Some("2026-07-28"))
            })
        }
        Ok(Message::Response { outcome: Outcome::Error(error), .. }) => {
            error.get("code").and_then(Value::as_i64).is_some_and(|code| (-32099..=-32020).contains(&code))
        }
        _ => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
