//! Bounded memory that grows as it fills: an idle gateway pays nothing for the bound.

use std::{hash::Hash, num::NonZeroUsize};

use lru::LruCache;

/// A cache of at most so many entries; the one that was not used for longest makes room.
pub(crate) fn cache<K: Hash + Eq, V>(most: usize) -> LruCache<K, V> {
    // `LruCache::new` would take the room of all entries at once.
    let mut cache = LruCache::unbounded();
    cache.resize(NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN));
    cache
}
