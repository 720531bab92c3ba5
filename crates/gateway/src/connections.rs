//! Connections in use: the token of a person, or of everybody, at an upstream or an agent.
//!
//! The store has them, sealed; memory only spares asking it again, and forgets within a second what another replica or a
//! command changed. A token is renewed a little before its end, once for all who need it here and elsewhere
//! ([`renew`]); what is new is in the store before it is presented. How a connection is made, and what people see of it,
//! is not here.

mod follow;
mod held;
mod missing;
mod provider;
mod renew;
mod step_up;
mod store;
mod whose;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use doorward_auth::keys::Envelope;
use doorward_model::{Clock, Connecting, Place, Timestamp};
use doorward_store::{Store, StoreError};
use http::HeaderValue;
use lru::LruCache;
use tokio::sync::watch;

pub(crate) use held::{ConnectionId, Held, elsewhere};
pub(crate) use missing::{Lack, NotConnected};
pub(crate) use store::{ConnectionState, Revocable, Tokens};
pub(crate) use whose::{person_of, whose};

use crate::{App, bounded};

/// How many connections are remembered.
const CAPACITY: usize = 10_000;

/// The connections that are known, and those that are being renewed.
pub(crate) struct Connections {
    app: Weak<App>,
    store: Store,
    envelope: Arc<Envelope>,
    clock: Arc<dyn Clock>,
    memory: Mutex<Memory>,
    /// How many changes there were, for streams to wake up.
    changes: watch::Sender<u64>,
}

struct Memory {
    known: LruCache<Key, Arc<Held>>,
    renewing: HashMap<Key, Renewing>,
    /// Changes that were heard of: what was read before one is not remembered after it.
    changes: u64,
}

/// A connection: of whom, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// As [`Place::key`] writes it.
    place: String,
    person: String,
}

/// A renewal that is under way, or that failed a moment ago and is not tried again yet.
struct Renewing {
    outcome: watch::Receiver<Option<Renewed>>,
    /// Until when a failure counts.
    until: Option<Timestamp>,
}

/// What came of a renewal.
type Renewed = Result<Arc<Held>, NoToken>;

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoToken {
    /// There is no connection.
    #[error("not connected")]
    Never,
    /// It is of no use any more; why, for the person.
    #[error("the connection is broken: {0}")]
    Broken(String),
    /// It cannot be renewed now; why, for the operator.
    #[error("{0}")]
    Away(String),
}

/// A token that is presented, and what it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    pub(crate) held: Arc<Held>,
    key: Key,
}

impl Key {
    fn new(place: &Place, person: String) -> Self {
        Self { place: place.key(), person }
    }
}

impl Presented {
    /// The value of an `Authorization` header.
    pub(crate) fn bearer(&self) -> HeaderValue {
        self.held.bearer.clone()
    }
}

impl Connections {
    /// Knows none yet.
    pub(crate) fn new(
        app: Weak<App>,
        store: Store,
        envelope: Arc<Envelope>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let memory = Memory { known: bounded::cache(CAPACITY), renewing: HashMap::new(), changes: 0 };
        Arc::new(Self {
            app,
            store,
            envelope,
            clock,
            memory: Mutex::new(memory),
            changes: watch::Sender::new(0),
        })
    }

    /// The token of a person, good for a while.
    pub(crate) async fn token(
        self: &Arc<Self>,
        connecting: &Arc<Connecting>,
        person: String,
    ) -> Result<Presented, NoToken> {
        let key = Key::new(&connecting.place, person);
        let (held, now) = (self.held_for(connecting, &key).await?, self.clock.now());
        if held.is_fresh(now) {
            return Ok(Presented { held, key });
        }
        let held = match self.renewed(connecting, &key, &held).await {
            // Where it was connected anew meanwhile, perhaps by a replica with another configuration.
            Ok(renewed) => belongs(connecting, renewed)?,
            // It still lives, and the next request tries again.
            Err(NoToken::Away(_)) if held.lives(self.clock.now()) => held,
            Err(error) => return Err(error),
        };
        Ok(Presented { held, key })
    }

    /// Another token for one that was refused where it was presented: true when there is one. When that is refused as well,
    /// `last`, what was presented is of no use, and nothing that came after it.
    ///
    /// What is shared ends only when the token itself was refused, `invalid_token`: whoever may call could have the upstream
    /// refuse something else. False then, and the refusal counts.
    pub(crate) async fn refused(
        self: &Arc<Self>,
        connecting: &Arc<Connecting>,
        presented: &Presented,
        (last, invalid_token): (bool, bool),
    ) -> Result<bool, NoToken> {
        let Presented { held, key } = presented;
        let known = self.held_for(connecting, key).await?;
        if known.version != held.version {
            // It is for the next request; this one was sent twice already.
            return Ok(!last);
        }
        if last || !held.is_renewable() {
            if connecting.shared && !invalid_token {
                return Ok(false);
            }
            let name = connecting.place.name();
            let why = format!("{name} no longer accepts what it granted");
            return Err(self.give_up(key, held, why).await);
        }
        self.renewed(connecting, key, held).await.map(|_| true)
    }

    /// Which connection a person has there now; none without one. Needs no good token.
    pub(crate) async fn present(&self, connecting: &Connecting, person: String) -> Option<ConnectionId> {
        let key = Key::new(&connecting.place, person);
        self.held_for(connecting, &key).await.ok().map(|held| held.id)
    }

    /// The same as [`Self::held`], if it was made for the place as it is declared now.
    async fn held_for(&self, connecting: &Connecting, key: &Key) -> Result<Arc<Held>, NoToken> {
        belongs(connecting, self.held(key).await?)
    }

    /// A connection as it is remembered, or as the store has it.
    async fn held(&self, key: &Key) -> Result<Arc<Held>, NoToken> {
        let changes = {
            let mut memory = self.memory();
            if let Some(held) = memory.known.get(key) {
                return Ok(Arc::clone(held));
            }
            memory.changes
        };
        let row = self.store.connection(&key.place, &key.person).await.map_err(NoToken::store)?;
        let held = Arc::new(self.open(key, row)?);
        self.remember(key, &held, changes);
        Ok(held)
    }

    /// Remembers what was read, unless a change was heard of since.
    fn remember(&self, key: &Key, held: &Arc<Held>, changes: u64) {
        let mut memory = self.memory();
        if memory.changes == changes {
            memory.known.put(key.clone(), Arc::clone(held));
        }
    }

    /// Opens a row of the store.
    fn open(&self, key: &Key, row: Option<doorward_store::Connection>) -> Result<Held, NoToken> {
        let row = row.ok_or(NoToken::Never)?;
        if let Some(why) = row.broken {
            return Err(NoToken::Broken(why));
        }
        Held::open(&self.envelope, &row).ok_or_else(|| {
            // Moved from another row, or its key is lost: neither is to be sent.
            tracing::error!(place = %key.place, "a connection in the store cannot be opened, and counts as none");
            NoToken::Never
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NoToken {
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    fn store(error: StoreError) -> Self {
        Self::Away(format!("the store failed: {error}"))
    }
}

/// A connection, if it was made for the place as it is declared now. Its row stays: who declares the place as it was
/// before has it back, and connecting again replaces it.
fn belongs(connecting: &Connecting, held: Arc<Held>) -> Result<Arc<Held>, NoToken> {
    match elsewhere(connecting, &held.resource, &held.issuer) {
        Some(why) => Err(NoToken::Broken(why)),
        None => Ok(held),
    }
}

/// What is missing for a caller, with the way out.
pub(crate) fn missing(origin: &str, connecting: &Connecting, lack: Lack) -> NotConnected {
    let place = connecting.place.clone();
    NotConnected { link: link(origin, &place), place, shared: connecting.shared, lack }
}

/// Where a person connects: Doorward's own page, with nothing in the address that is secret or about anybody.
pub(crate) fn link(origin: &str, place: &Place) -> String {
    format!("{origin}{}", place.path())
}

#[cfg(test)]
mod tests;
