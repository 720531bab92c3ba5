//! Doorward's own access tokens: looked up by their hash, remembered for a while, forgotten when revoked.
//!
//! The store decides whether a token is good; memory only spares asking it again. What is revoked or changed, here, by a
//! command or by another replica, is told by the store's feed: from then on memory knows nothing of it, a look-up that
//! was under way is not remembered, and streams that live on it ask the store again.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorward_auth::server::token;
use doorward_model::{Clock, Identity, Timestamp};
use doorward_store::{RevocationCursor, Revoked, Store, StoreError, StoredAccessToken};
use lru::LruCache;
use tokio::sync::watch;

use crate::bounded;

/// How many tokens are remembered.
const CAPACITY: usize = 20_000;
/// How often the feed is read: what a command or another replica revokes counts within a second.
const POLL: Duration = Duration::from_millis(300);
/// How many news are remembered for streams.
const NEWS: usize = 10_000;

/// The tokens that are known, and the news about them.
pub(crate) struct OwnTokens {
    store: Store,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// How many news there were, for streams to wake up.
    count: watch::Sender<u64>,
}

struct Memory {
    known: LruCache<String, Arc<OwnToken>>,
    /// Client grants and hashes of tokens: which news was the last about them.
    news: HashMap<String, u64>,
    count: u64,
    /// News up to this one are not remembered one by one: they may have been about any token.
    forgotten: u64,
}

/// What a good token says.
#[derive(Debug)]
pub(crate) struct OwnToken {
    pub(crate) identity: Arc<Identity>,
    pub(crate) expires: Timestamp,
    /// The domain of the person's verified address.
    pub(crate) domain: Option<String>,
    /// Whether the person signed in here; else an issuer's assertion named them.
    pub(crate) in_person: bool,
    hash: String,
    grant: String,
    /// The news up to which it is known to be good.
    good_at: AtomicU64,
}

impl OwnTokens {
    /// Knows no token yet, and the news from here on.
    pub(crate) async fn load(
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Self>, RevocationCursor), StoreError> {
        let cursor = store.newest_revocation().await?;
        let known = bounded::cache(CAPACITY);
        let memory = Mutex::new(Memory { known, news: HashMap::new(), count: 0, forgotten: 0 });
        Ok((Arc::new(Self { store, clock, memory, count: watch::Sender::new(0) }), cursor))
    }

    /// What a token says, if it is good. `issuer` is Doorward's own.
    pub(crate) async fn look_up(
        &self,
        text: &str,
        issuer: &str,
    ) -> Result<Option<Arc<OwnToken>>, StoreError> {
        let (hash, now) = (token::hash(text), self.clock.now());
        let (found, count) = {
            let mut memory = self.memory();
            (memory.known.get(&hash).map(Arc::clone), memory.count)
        };
        if let Some(found) = found {
            return Ok((now < found.expires).then_some(found));
        }
        // Boxed, so that a request whose token is known does not carry the room of a query.
        let Some(stored) = Box::pin(self.store.access_token(&hash, now)).await? else { return Ok(None) };
        let found = Arc::new(OwnToken::of(stored, hash.clone(), issuer, count));
        let mut memory = self.memory();
        if memory.count == count {
            memory.known.put(hash, Arc::clone(&found));
        }
        Ok(Some(found))
    }

    /// Done when a token is good no more, or is for other groups, other than by expiry.
    pub(crate) async fn revoked(&self, token: &OwnToken) {
        let mut count = self.count.subscribe();
        loop {
            if let Some(news) = self.news_of(token) {
                // Boxed, so that a stream that waits does not carry the room of a query.
                let asked = Box::pin(self.store.access_token(&token.hash, self.clock.now()));
                match asked.await {
                    Ok(Some(stored)) if stored.grant.groups == token.identity.groups => {
                        token.good_at.store(news, Ordering::Release);
                    }
                    // Gone, or for somebody who may no longer be let in: the client comes again, and is judged again.
                    Ok(_) => return,
                    // Until the store answers, nobody knows; the stream ends and the client comes again.
                    Err(error) => {
                        tracing::warn!(%error, "cannot ask again about a token");
                        return;
                    }
                }
            }
            if count.changed().await.is_err() {
                return;
            }
        }
    }

    /// The last news about a token since it was known to be good.
    fn news_of(&self, token: &OwnToken) -> Option<u64> {
        let memory = self.memory();
        let about = |what: &str| memory.news.get(what).copied().unwrap_or(memory.forgotten);
        let last = about(&token.grant).max(about(&token.hash));
        (last > token.good_at.load(Ordering::Acquire)).then_some(last)
    }

    /// Follows the feed for as long as the program runs.
    pub(crate) async fn follow(self: Arc<Self>, mut cursor: RevocationCursor) {
        loop {
            tokio::time::sleep(POLL).await;
            match self.catch_up(cursor).await {
                Ok(next) => cursor = next,
                Err(error) => tracing::warn!(%error, "cannot read revocations"),
            }
        }
    }

    async fn catch_up(&self, mut cursor: RevocationCursor) -> Result<RevocationCursor, StoreError> {
        loop {
            let page = self.store.revocations_since(cursor).await?;
            let Some(last) = page.last() else { return Ok(cursor) };
            cursor = last.cursor;
            self.forget(page.into_iter().map(|news| match news.what {
                Revoked::Grant(what) | Revoked::AccessToken(what) => what,
            }));
        }
    }

    /// Forgets what is known of the tokens of these client grants, and of tokens with these hashes.
    pub(crate) fn forget(&self, what: impl IntoIterator<Item = String>) {
        let mut memory = self.memory();
        memory.count += 1;
        let count = memory.count;
        if memory.news.len() >= NEWS {
            memory.news.clear();
            memory.forgotten = count;
        }
        let what: HashSet<_> = what.into_iter().collect();
        let stale: Vec<_> = memory
            .known
            .iter()
            .filter(|(hash, token)| what.contains(*hash) || what.contains(&token.grant))
            .map(|(hash, _)| hash.clone())
            .collect();
        for hash in stale {
            memory.known.pop(&hash);
        }
        memory.news.extend(what.into_iter().map(|what| (what, count)));
        drop(memory);
        self.count.send_replace(count);
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnToken {
    fn of(stored: StoredAccessToken, hash: String, issuer: &str, count: u64) -> Self {
        let grant = stored.grant;
        let identity = Identity {
            issuer: issuer.to_owned(),
            subject: grant.subject,
            client: Some(grant.client),
            scopes: stored.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            groups: grant.groups,
            audiences: vec![grant.resource],
        };
        Self {
            identity: Arc::new(identity),
            expires: stored.expires,
            domain: grant.domain,
            in_person: grant.redirect.is_some(),
            hash,
            grant: grant.id,
            good_at: AtomicU64::new(count),
        }
    }

    /// Whether the token opens exactly this resource.
    pub(crate) fn opens(&self, resource: &str) -> bool {
        self.identity.audiences.iter().all(|audience| audience == resource)
    }
}
