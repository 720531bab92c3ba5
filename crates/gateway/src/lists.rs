//! Pages of lists that an upstream allows to be kept (2026-07-28, `ttlMs`), as one caller may see them.
//!
//! What is kept is the answer after the filter, per authorization context: the key holds the caller, the
//! virtual server and what the client declared. A page is forgotten when its time is over, when the upstream
//! says on any stream that the list has changed, and when the configuration is replaced.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use doorward_auth::keys::hash;
use doorward_model::{CallerKey, Name, Timestamp};
use doorward_protocol::{
    json::{Document, Object, Value},
    mcp::{Method, modern},
};
use lru::LruCache;

use crate::{bounded, connections::ConnectionId};

/// Most pages that are kept.
const MAX_PAGES: usize = 256;
/// Largest page that is kept, in bytes.
const MAX_PAGE: usize = 256 << 10;
/// The longest that a page is kept, whatever the upstream says, in milliseconds.
const MAX_TTL: i64 = 60_000;

/// The pages.
pub(crate) struct Lists {
    kept: Mutex<Kept>,
}

struct Kept {
    pages: LruCache<PageKey, Page>,
    generations: HashMap<(Name, Method), u64>,
}

/// Which page, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PageKey {
    upstream: Name,
    server: Name,
    caller: CallerKey,
    /// Whose account it is a list of, where each caller may have their own.
    connection: Option<ConnectionId>,
    method: Method,
    /// The hash of the cursor and of the capabilities that the client declared.
    asked: [u8; 32],
    /// How often the list had changed when it was asked for: what was fetched before a change is not found
    /// after it, however late it arrives.
    generation: u64,
}

impl PageKey {
    /// The same page as one connection shows it.
    pub(crate) fn of(self, connection: ConnectionId) -> Self {
        Self { connection: Some(connection), ..self }
    }
}

/// A page without the number of milliseconds that it may still be kept, which is written anew each time.
#[derive(Clone)]
struct Page {
    before_ttl: Bytes,
    after_ttl: Bytes,
    until: Timestamp,
    filtered: usize,
}

impl Lists {
    /// Nothing kept yet.
    pub(crate) fn new() -> Self {
        let pages = bounded::cache(MAX_PAGES);
        Self { kept: Mutex::new(Kept { pages, generations: HashMap::new() }) }
    }

    /// The key of a request for a page. None when the request has parameters of unknown meaning.
    pub(crate) fn key(
        &self,
        (upstream, server): (&Name, &Name),
        caller: &CallerKey,
        method: Method,
        params: Object<'_>,
    ) -> Option<PageKey> {
        let mut asked = Vec::new();
        for member in params.members() {
            match &*member.name {
                "cursor" => asked.extend_from_slice(member.value.raw()),
                "_meta" => {}
                _ => return None,
            }
        }
        asked.push(0);
        let capabilities = modern::meta(params).and_then(|meta| meta.get(modern::META_CAPABILITIES));
        asked.extend_from_slice(capabilities.map(Value::raw).unwrap_or_default());
        let generations = &self.kept().generations;
        Some(PageKey {
            upstream: upstream.clone(),
            server: server.clone(),
            caller: caller.clone(),
            connection: None,
            method,
            asked: hash::sha256(&asked),
            generation: generations.get(&(upstream.clone(), method)).copied().unwrap_or_default(),
        })
    }

    /// Keeps an answer, as it was sent to the caller, if its `ttlMs` allows it.
    pub(crate) fn keep(&self, key: &PageKey, answer: &Bytes, filtered: usize, now: Timestamp) {
        if answer.len() > MAX_PAGE {
            return;
        }
        let Ok(document) = Document::reread(answer.clone()) else { return };
        let result =
            document.root().as_object().and_then(|root| root.get("result")).and_then(Value::as_object);
        let Some(result) = result else { return };
        let is_complete =
            result.get("resultType").and_then(Value::as_str).is_none_or(|kind| kind == "complete");
        let Some(ttl) = result.get("ttlMs").filter(|_| is_complete) else { return };
        let Some(millis) = ttl.as_i64().filter(|millis| *millis > 0) else { return };
        let whole = result.value().span();
        let page = Page {
            before_ttl: answer.slice(whole.start..ttl.span().start),
            after_ttl: answer.slice(ttl.span().end..whole.end),
            until: Timestamp::from_micros(now.as_micros().saturating_add(millis.min(MAX_TTL) * 1000)),
            filtered,
        };
        self.kept().pages.put(key.clone(), page);
    }

    /// The answer to a request whose id has this JSON text, if the page is kept and its time is not over, and how
    /// many entries the filter took out of it.
    pub(crate) fn answer(&self, key: &PageKey, id: &[u8], now: Timestamp) -> Option<(Bytes, usize)> {
        let page = self.kept().pages.get(key).filter(|page| now < page.until).cloned()?;
        let left = (page.until.as_micros() - now.as_micros()) / 1000;
        let mut answer = Vec::with_capacity(page.before_ttl.len() + page.after_ttl.len() + id.len() + 64);
        answer.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        answer.extend_from_slice(id);
        answer.extend_from_slice(br#","result":"#);
        answer.extend_from_slice(&page.before_ttl);
        answer.extend_from_slice(left.to_string().as_bytes());
        answer.extend_from_slice(&page.after_ttl);
        answer.push(b'}');
        Some((answer.into(), page.filtered))
    }

    /// Forgets the lists of an upstream that a notification says have changed.
    pub(crate) fn changed(&self, upstream: &Name, notification: &str) {
        let changed: &[Method] = match notification {
            "notifications/tools/list_changed" => &[Method::ToolsList],
            "notifications/prompts/list_changed" => &[Method::PromptsList],
            "notifications/resources/list_changed" => &[Method::ResourcesList, Method::ResourceTemplatesList],
            _ => return,
        };
        let mut kept = self.kept();
        for method in changed {
            *kept.generations.entry((upstream.clone(), *method)).or_default() += 1;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
