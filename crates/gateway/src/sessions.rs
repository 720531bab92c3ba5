//! Ended sessions: a sealed session id cannot be taken back, so its end is remembered until it would have
//! expired. In memory for the request path, in the store for restarts and other replicas.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use doorward_model::{Clock, Timestamp};
use doorward_store::{SessionCursor, Store, StoreError};

/// How often other replicas' ends are fetched.
const POLL: Duration = Duration::from_secs(1);
/// How often expired ends are forgotten, in polls.
const FORGET_EVERY: u32 = 600;

/// The sessions that have ended.
pub(crate) struct EndedSessions {
    store: Store,
    clock: Arc<dyn Clock>,
    ended: RwLock<HashMap<String, Timestamp>>,
}

impl EndedSessions {
    /// Knows what the store knows.
    pub(crate) async fn load(
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Self>, SessionCursor), StoreError> {
        let sessions = Self { store, clock, ended: RwLock::default() };
        let cursor = sessions.catch_up(SessionCursor::default()).await?;
        Ok((Arc::new(sessions), cursor))
    }

    /// Whether the session of that hash has ended.
    pub(crate) fn contains(&self, hash: &str) -> bool {
        self.ended.read().unwrap_or_else(PoisonError::into_inner).contains_key(hash)
    }

    /// Ends a session: here at once, everywhere when the store has it.
    pub(crate) async fn end(&self, hash: &str, expires: Timestamp) -> Result<(), StoreError> {
        self.insert(hash.to_owned(), expires);
        self.store.end_session(hash, expires).await.map(|_| ())
    }

    /// Follows what other replicas end, for as long as the program runs.
    pub(crate) async fn follow(self: Arc<Self>, mut cursor: SessionCursor) {
        for round in 1_u32.. {
            tokio::time::sleep(POLL).await;
            match self.catch_up(cursor).await {
                Ok(next) => cursor = next,
                Err(error) => tracing::warn!(%error, "cannot read ended sessions"),
            }
            if round % FORGET_EVERY == 0 {
                self.forget_expired().await;
            }
        }
    }

    async fn catch_up(&self, mut cursor: SessionCursor) -> Result<SessionCursor, StoreError> {
        loop {
            let page = self.store.ended_sessions_since(cursor, self.clock.now()).await?;
            let Some(last) = page.last() else { return Ok(cursor) };
            cursor = last.cursor;
            for ended in page {
                self.insert(ended.id_hash, ended.expires);
            }
        }
    }

    async fn forget_expired(&self) {
        let now = self.clock.now();
        self.ended.write().unwrap_or_else(PoisonError::into_inner).retain(|_, expires| now < *expires);
        if let Err(error) = self.store.forget_expired_sessions(now).await {
            tracing::warn!(%error, "cannot forget expired sessions");
        }
    }

    fn insert(&self, hash: String, expires: Timestamp) {
        self.ended.write().unwrap_or_else(PoisonError::into_inner).insert(hash, expires);
    }
}
