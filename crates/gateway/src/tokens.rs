//! Verified tokens, remembered by their hash until they expire.
//!
//! Only the hash is kept. A hit spares the signature check, nothing else: expiry and audience are judged
//! on every request.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_auth::{keys::hash, verify::Verified};
use doorward_model::Timestamp;
use lru::LruCache;

use crate::bounded;

/// How many tokens are remembered.
const CAPACITY: usize = 20_000;

/// A bounded memory of verified tokens.
pub(crate) struct TokenCache {
    entries: Mutex<LruCache<[u8; 32], Arc<Verified>>>,
}

impl TokenCache {
    /// Empty.
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(bounded::cache(CAPACITY)) }
    }

    /// The key of a token.
    pub(crate) fn key(token: &str) -> [u8; 32] {
        hash::sha256(token.as_bytes())
    }

    /// What the token proved, if it was verified before and has not expired.
    pub(crate) fn get(&self, key: &[u8; 32], now: Timestamp) -> Option<Arc<Verified>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = entries.get(key)?;
        if verified.expires <= now {
            entries.pop(key);
            return None;
        }
        Some(Arc::clone(verified))
    }

    /// Remembers what a token proved.
    pub(crate) fn put(&self, key: [u8; 32], verified: Arc<Verified>) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).put(key, verified);
    }
}
