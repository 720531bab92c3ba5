//! Handles: values that Doorward gives out and takes back. Sealed, and bound to the caller and the virtual
//! server, so that one caller's cursor, request state, task or session is nothing to another.

use doorward_auth::keys::{Sealer, envelope::DataKey};
use doorward_model::{CallerKey, Name, Timestamp};

use crate::{connections::ConnectionId, routes::Published};

/// How long a request state may be answered, in seconds: a person may be thinking.
const STATE_LIFETIME: i64 = 3600;
/// Longest handle that is taken, in bytes.
const MAX_HANDLE: usize = 64 << 10;

/// The keys of all kinds of handle.
pub(crate) struct Sealers {
    session: Sealer,
    cursor: Sealer,
    state: Sealer,
    task: Sealer,
    page: Sealer,
}

/// What a session id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The upstream's session id, or the name of the conversation.
    pub(crate) upstream_id: String,
    /// Whether the session is a conversation of ours, rather than one that the upstream keeps.
    pub(crate) is_conversation: bool,
    /// Whether its revision has batches.
    pub(crate) has_batches: bool,
    /// Whether the client can be sent to an address in the middle of a request (2025-11-25, URL elicitation).
    pub(crate) elicits_urls: bool,
    /// The connection that it began with, where the upstream wants one. With another connection, or with none any more,
    /// it is not this session.
    pub(crate) connection: Option<ConnectionId>,
    /// Until when it may live.
    pub(crate) expires: Timestamp,
}

impl Session {
    /// Whether nobody upstream knows of it: it began while there was no connection, and ends when there is one.
    pub(crate) fn is_waiting(&self) -> bool {
        self.upstream_id.is_empty()
    }
}

/// Who a handle is given to, and where it counts.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    pub(crate) published: &'a Published,
    pub(crate) caller: &'a CallerKey,
}

impl Holder<'_> {
    fn aad<'b>(&'b self, about: &'b str) -> [&'b [u8]; 4] {
        [
            self.published.server.name.as_str().as_bytes(),
            self.published.place.as_bytes(),
            self.caller.as_str().as_bytes(),
            about.as_bytes(),
        ]
    }
}

impl Sealers {
    /// Derives one key per kind.
    pub(crate) fn derive(key: &DataKey) -> Self {
        Self {
            session: Sealer::derive(key, "mcp-session"),
            cursor: Sealer::derive(key, "mcp-cursor"),
            state: Sealer::derive(key, "mcp-request-state"),
            task: Sealer::derive(key, "mcp-task"),
            page: Sealer::derive(key, "a2a-page"),
        }
    }

    /// A session id for the client.
    pub(crate) fn session(&self, session: &Session, holder: Holder<'_>) -> String {
        let flags = [session.is_conversation, session.has_batches, session.elicits_urls];
        let flags: String = flags.map(|is| if is { '+' } else { '-' }).into_iter().collect();
        let connection = session.connection.map(|ConnectionId(id)| id.to_string()).unwrap_or_default();
        let text = format!("{flags}{connection}:{}", session.upstream_id);
        self.session.seal(&timed(&text, session.expires), &holder.aad(""))
    }

    /// What a session id stands for.
    pub(crate) fn open_session(&self, text: &str, now: Timestamp, holder: Holder<'_>) -> Option<Session> {
        let (text, expires) = open_timed(&self.session, text, now, &holder.aad(""))?;
        let (flags, rest) = text.split_at_checked(3)?;
        let (connection, upstream_id) = rest.split_once(':')?;
        let is = |at: usize| match flags.as_bytes()[at] {
            b'+' => Some(true),
            b'-' => Some(false),
            _ => None,
        };
        let connection = match connection {
            "" => None,
            id => Some(ConnectionId(id.parse().ok()?)),
        };
        Some(Session {
            upstream_id: upstream_id.to_owned(),
            is_conversation: is(0)?,
            has_batches: is(1)?,
            elicits_urls: is(2)?,
            connection,
            expires,
        })
    }

    /// A cursor of one list.
    pub(crate) fn cursor(&self, upstream: &str, list: &str, holder: Holder<'_>) -> String {
        self.cursor.seal(upstream.as_bytes(), &holder.aad(list))
    }

    /// The upstream's cursor.
    pub(crate) fn open_cursor(&self, text: &str, list: &str, holder: Holder<'_>) -> Option<String> {
        open(&self.cursor, text, &holder.aad(list))
    }

    /// A request state of one method and name.
    pub(crate) fn state(&self, upstream: &str, about: &str, now: Timestamp, holder: Holder<'_>) -> String {
        self.state.seal(&timed(upstream, now.plus_secs(STATE_LIFETIME)), &holder.aad(about))
    }

    /// The upstream's request state.
    pub(crate) fn open_state(
        &self,
        text: &str,
        about: &str,
        now: Timestamp,
        holder: Holder<'_>,
    ) -> Option<String> {
        open_timed(&self.state, text, now, &holder.aad(about)).map(|(state, _)| state)
    }

    /// A task id. The same task always gets the same id: clients compare them.
    pub(crate) fn task(&self, upstream: &str, holder: Holder<'_>) -> String {
        self.task.seal_deterministic(upstream.as_bytes(), &holder.aad(""))
    }

    /// The upstream's task id.
    pub(crate) fn open_task(&self, text: &str, holder: Holder<'_>) -> Option<String> {
        open(&self.task, text, &holder.aad(""))
    }

    /// Seals where a page of an agent's tasks ended.
    pub(crate) fn page(&self, text: &str, agent: &Name, caller: &CallerKey) -> String {
        self.page.seal(text.as_bytes(), &[agent.as_str().as_bytes(), caller.as_str().as_bytes()])
    }

    /// Opens it again, for the same caller at the same agent.
    pub(crate) fn open_page(&self, text: &str, agent: &Name, caller: &CallerKey) -> Option<String> {
        open(&self.page, text, &[agent.as_str().as_bytes(), caller.as_str().as_bytes()])
    }
}

fn timed(text: &str, expires: Timestamp) -> Vec<u8> {
    let mut plain = expires.as_micros().to_be_bytes().to_vec();
    plain.extend_from_slice(text.as_bytes());
    plain
}

fn open(sealer: &Sealer, text: &str, aad: &[&[u8]]) -> Option<String> {
    if text.len() > MAX_HANDLE {
        return None;
    }
    String::from_utf8(sealer.open(text, aad).ok()?).ok()
}

fn open_timed(sealer: &Sealer, text: &str, now: Timestamp, aad: &[&[u8]]) -> Option<(String, Timestamp)> {
    if text.len() > MAX_HANDLE {
        return None;
    }
    let plain = sealer.open(text, aad).ok()?;
    let (expires, text) = plain.split_first_chunk::<8>()?;
    let expires = Timestamp::from_micros(i64::from_be_bytes(*expires));
    let text = String::from_utf8(text.to_vec()).ok()?;
    (now < expires).then_some((text, expires))
}
