//! Which conversations are held: one per legacy session, one shared per upstream that is modern.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use doorward_auth::keys::hash;
use doorward_egress::{Channel, ChannelError, Egress, EgressError, Messages, Trust, sse, stdio};
use doorward_model::{Caller, CallerKey, Limits, Name, Transport, Upstream};
use http::HeaderMap;
use tokio::sync::watch;

use super::{
    Conversation,
    probe::{Probing, is_modern},
    restarts::{KeepsEnding, Restarts},
};
use crate::{credentials::CredentialError, metrics::Ends, routes::Published};

/// How long the news that an upstream is legacy is believed.
const VERDICT: Duration = Duration::from_mins(10);
/// The same, when the child died instead of answering.
const DOUBT: Duration = Duration::from_secs(10);

/// All conversations of the program.
pub(crate) struct Conversations {
    egress: Egress,
    sessions: Mutex<HashMap<String, Held>>,
    shared: Mutex<HashMap<String, Arc<Shared>>>,
    restarts: Arc<Restarts>,
    /// Upstreams of `transport = "auto"` that were found to speak HTTP+SSE.
    sse: Mutex<HashSet<String>>,
}

/// A legacy session's conversation.
struct Held {
    upstream: Name,
    caller: CallerKey,
    identity: String,
    /// None while it is being started.
    conversation: Option<Arc<Conversation>>,
    /// What is presented with every message from now on.
    headers: watch::Sender<HeaderMap>,
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
    /// What the session is held by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

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

    /// Whoever holds the verdict is about to use the conversation.
    fn end_if_idle(&self, idle: Duration) {
        if let Ok(verdict) = self.0.try_lock()
            && let Verdict::Modern(conversation) = &*verdict
        {
            conversation.end_if_idle(idle);
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
    #[error(transparent)]
    CrashLoop(#[from] KeepsEnding),
    /// There is nothing to present there.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The channel cannot be opened.
    #[error(transparent)]
    Channel(#[from] ChannelError),
}

impl StartError {
    /// Whether what was presented was refused.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Channel(ChannelError::Http(EgressError::Status(401))))
    }

    /// Whether the address was reached, and does not speak HTTP+SSE.
    pub(crate) fn is_no_sse(&self) -> bool {
        let Self::Channel(error) = self else { return false };
        matches!(
            error,
            ChannelError::NotAnEventStream
                | ChannelError::Endpoint(_)
                | ChannelError::Http(EgressError::Status(400 | 404 | 405 | 406))
        )
    }
}

impl Conversations {
    pub(crate) fn new(egress: Egress, ends: Ends) -> Self {
        Self {
            egress,
            sessions: Mutex::default(),
            shared: Mutex::default(),
            restarts: Arc::new(Restarts::new(ends)),
            sse: Mutex::default(),
        }
    }

    /// Whether an upstream that may speak either transport was found to speak HTTP+SSE.
    pub(crate) fn speaks_sse(&self, published: &Published) -> bool {
        lock(&self.sse).contains(&published.identity)
    }

    /// Remembers that it does.
    pub(crate) fn learn_sse(&self, published: &Published) {
        tracing::info!(upstream = %published.server.upstream.name, "the upstream speaks HTTP+SSE");
        lock(&self.sse).insert(published.identity.clone());
    }

    /// Forgets it: the upstream has changed.
    pub(crate) fn forget_sse(&self, published: &Published) {
        tracing::info!(upstream = %published.server.upstream.name, "the upstream no longer speaks HTTP+SSE");
        lock(&self.sse).remove(&published.identity);
    }

    /// Begins the conversation of a new legacy session. Unless it is kept, it ends when the handle is dropped:
    /// a session whose `initialize` fails, or whose caller leaves meanwhile, holds no child.
    pub(crate) async fn begin_session(
        self: &Arc<Self>,
        published: &Published,
        caller: &CallerKey,
        headers: HeaderMap,
    ) -> Result<(Begun, Arc<Conversation>), StartError> {
        let (present, headers) = watch::channel(headers);
        let begun = self.reserve(published, caller, present).ok_or(StartError::TooMany)?;
        let (channel, messages) = self.open(published, headers).await?;
        let conversation = Conversation::begin(channel, messages, false, published.entrance.limits.depth);
        if let Some(held) = self.sessions().get_mut(&begun.name) {
            held.conversation = Some(Arc::clone(&conversation));
        }
        Ok((begun, conversation))
    }

    /// Takes one of an upstream's places, before anything is started. A caller who is known gets half of them
    /// at most, so that there is room for others.
    fn reserve(
        self: &Arc<Self>,
        published: &Published,
        caller: &CallerKey,
        headers: watch::Sender<HeaderMap>,
    ) -> Option<Begun> {
        let (upstream, limit) = (&published.server.upstream, published.entrance.limits.sessions);
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
            identity: published.identity.clone(),
            conversation: None,
            headers,
        };
        sessions.insert(name.clone(), held);
        Some(Begun { conversations: Arc::clone(self), name, kept: false })
    }

    /// The conversation of a session, if it is still held here; `headers` go with every message from now on.
    pub(crate) fn session_with(&self, id: &str, headers: HeaderMap) -> Option<Arc<Conversation>> {
        let sessions = self.sessions();
        let held = sessions.get(id)?;
        held.headers.send_replace(headers);
        held.conversation.clone().filter(|conversation| conversation.is_open())
    }

    /// Ends a session's conversation.
    pub(crate) fn end_session(&self, id: &str) {
        let held = self.sessions().remove(id);
        if let Some(conversation) = held.and_then(|held| held.conversation) {
            conversation.close();
        }
    }

    /// Ends conversations with upstreams that are not among `declared` any more, as they were then.
    pub(crate) fn keep_only<'i>(&self, declared: impl Iterator<Item = &'i str>) {
        let identities: HashSet<&str> = declared.collect();
        self.sessions().retain(|_, held| {
            let stays = identities.contains(held.identity.as_str());
            if let (false, Some(conversation)) = (stays, &held.conversation) {
                conversation.close();
            }
            stays
        });
        lock(&self.sse).retain(|identity| identities.contains(identity.as_str()));
        lock(&self.shared).retain(|identity, shared| {
            let stays = identities.contains(identity.as_str());
            if !stays {
                shared.close();
            }
            stays
        });
    }

    /// The conversation that all modern requests to an upstream share; none when it is not modern.
    pub(crate) async fn shared(
        &self,
        published: &Published,
    ) -> Result<Option<Arc<Conversation>>, StartError> {
        if !matches!(published.server.upstream.transport, Transport::Stdio(_)) {
            return Ok(None);
        }
        let place = Arc::clone(lock(&self.shared).entry(published.identity.clone()).or_default());
        let mut verdict = place.0.lock().await;
        match &*verdict {
            Verdict::Modern(conversation) if conversation.is_open() => {
                conversation.touch();
                return Ok(Some(Arc::clone(conversation)));
            }
            Verdict::Legacy(until) if Instant::now() < *until => return Ok(None),
            _ => {}
        }
        // Servers that exit on a question before `initialize` are legacy, not broken: probing is not counted.
        let (channel, messages) = match &*verdict {
            Verdict::Modern(_) => self.open(published, nothing_presented()).await?,
            _ => self.dial(published, nothing_presented()).await?,
        };
        let conversation = Conversation::begin(channel, messages, true, published.entrance.limits.depth);
        // A caller that leaves drops the probe, and with it the child.
        let probing = Probing::of(&conversation);
        let speaks = is_modern(&conversation, published.entrance.limits.depth).await;
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

    /// Ends sessions that nobody has used for as long as `limits.session_idle`, and shared conversations that nobody
    /// has used for as long as `limits.command_idle`: those begin again when somebody asks.
    pub(crate) fn reap(&self, limits: &Limits) {
        self.sessions().retain(|_, held| {
            let Some(conversation) = &held.conversation else { return true };
            !conversation.end_if_idle(limits.session_idle) && conversation.is_open()
        });
        for shared in lock(&self.shared).values() {
            shared.end_if_idle(limits.command_idle);
        }
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
        published: &Published,
        headers: watch::Receiver<HeaderMap>,
    ) -> Result<(Channel, Messages), StartError> {
        if matches!(published.server.upstream.transport, Transport::Auto(_)) {
            // An upstream that changes ends what it was; what it is now must not wait for that.
            return Ok(self.dial(published, headers).await?);
        }
        let start = self.restarts.admit(published)?;
        match self.dial(published, headers).await {
            Ok((channel, messages)) => {
                let watched = channel.clone();
                tokio::spawn(async move { start.ended(&watched.closed().await) });
                Ok((channel, messages))
            }
            Err(error) => {
                start.failed(&error);
                Err(error.into())
            }
        }
    }

    async fn dial(
        &self,
        published: &Published,
        headers: watch::Receiver<HeaderMap>,
    ) -> Result<(Channel, Messages), ChannelError> {
        let (upstream, limits) = (&published.server.upstream, &published.entrance.limits);
        match &upstream.transport {
            Transport::Stdio(command) => {
                let bounds = stdio::StdioLimits { max_message: limits.response_body, ..Default::default() };
                stdio::start(command, &bounds, upstream.name.as_str()).await
            }
            Transport::Sse(url) | Transport::Http(url) | Transport::Auto(url) => {
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

/// What sets an upstream apart from all others: two with the same command and other variables are two, since
/// the variables are their credentials; so are two that begin elsewhere, or may touch other things.
pub(crate) fn identity(upstream: &Upstream) -> String {
    let mut secrets = Vec::new();
    if let Transport::Stdio(command) = &upstream.transport {
        for (name, value) in &command.env {
            for part in [name.as_str(), value.expose()] {
                secrets.extend_from_slice(&part.len().to_be_bytes());
                secrets.extend_from_slice(part.as_bytes());
            }
        }
        secrets.extend_from_slice(format!("{:?} {:?}", command.directory, command.sandbox).as_bytes());
    }
    format!("{}\n{}\n{}", upstream.name, upstream.place(), hash::hex(&hash::sha256(&secrets)))
}

/// What children get: their secrets are in their variables.
fn nothing_presented() -> watch::Receiver<HeaderMap> {
    watch::channel(HeaderMap::new()).1
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
