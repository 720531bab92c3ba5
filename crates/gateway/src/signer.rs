//! The keys that Doorward signs with, and their public halves.
//!
//! At every time there are two: the current one signs, the next one is published before it signs, so that whoever
//! keeps a copy of the key set has it in time. A retired key stays published while what it signed is still about.
//! All replicas share them by way of the store, where the private halves are sealed; what changes there is seen within
//! seconds. What is signed, and what is said in it, is decided elsewhere.

mod rotation;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use doorward_auth::{
    client::assertion,
    keys::{Envelope, SealError, SigningKey, SigningKeyError, hash},
};
use doorward_model::{Algorithm, Secret, Timestamp};
use doorward_store::{SigningKeyState, Store, StoreError, StoredSigningKey};
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) use rotation::{Rotated, Rotation};

/// Where the public halves are: a JWK set (RFC 7517 section 5).
pub(crate) const PATH: &str = "/.well-known/jwks.json";
/// For how long others may keep a copy of the set, in seconds.
pub(crate) const MAX_AGE: i64 = 300;
/// What is signed with. The one algorithm that cards, assertions and webhooks have in common at their readers.
const ALGORITHM: Algorithm = Algorithm::Es256;
/// How often the store is asked for changes.
const POLL: Duration = Duration::from_secs(2);
/// For how long a key is published after it signed last, in seconds: the cards that it signed are kept by others.
const RETIRED: i64 = 7 * 24 * 3600;

/// Signs for Doorward.
pub(crate) struct Signer {
    store: Store,
    envelope: Arc<Envelope>,
    held: ArcSwap<Held>,
    /// How often the keys have changed.
    changes: watch::Sender<u64>,
}

/// The keys as they are in the store now.
struct Held {
    states: Vec<(String, SigningKeyState)>,
    current: Arc<SigningKey>,
    jwks: Bytes,
}

/// Why there are no keys to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row is not what was sealed there.
    #[error("the signing key {kid} cannot be opened: {error}; restore the store from a backup")]
    Sealed {
        /// Which.
        kid: String,
        /// Why.
        error: SealError,
    },
    /// What was sealed is no key.
    #[error("the signing key {kid} cannot be used: {error}")]
    Key {
        /// Which.
        kid: String,
        /// Why.
        error: SigningKeyError,
    },
    /// No key is the current one.
    #[error("no signing key of the store is the current one; restore it from a backup")]
    NoCurrent,
}

impl Signer {
    /// Opens the keys; makes the first two where there are none.
    pub(crate) async fn open(
        store: Store,
        envelope: Arc<Envelope>,
        now: Timestamp,
    ) -> Result<Arc<Self>, SignerError> {
        let mut stored = store.signing_keys().await?;
        if stored.is_empty() {
            let states = [SigningKeyState::Current, SigningKeyState::Next];
            let [current, next] = states.map(|state| fresh(&envelope, state, now));
            // Of several first starts, one stores its own; all read what is stored then.
            store.add_first_signing_keys(&[current?, next?]).await?;
            stored = store.signing_keys().await?;
        }
        let held = ArcSwap::from_pointee(Held::open(&stored, &envelope)?);
        Ok(Arc::new(Self { store, envelope, held, changes: watch::Sender::new(0) }))
    }

    /// A signed JWT (RFC 7519). `typ` tells its kind; `claims` is an object.
    pub(crate) fn jwt(&self, typ: &str, claims: &Value) -> String {
        self.held.load().current.sign_jwt(typ, claims)
    }

    /// Doorward's own word about who it is, for one authorization server alone (`private_key_jwt`, RFC 7523 section 2.2).
    pub(crate) fn client_assertion(&self, client_id: &str, audience: &str, now: Timestamp) -> Secret {
        let id = hash::random_hex::<16>();
        Secret::new(self.jwt(assertion::CLIENT, &assertion::client(client_id, audience, now, &id)))
    }

    /// The key that signs now, for signatures of other forms.
    pub(crate) fn card_key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.held.load().current)
    }

    /// Where whoever verifies finds the public half: `jku` of signatures (RFC 7515 section 4.1.2).
    pub(crate) fn jku(origin: &str) -> String {
        format!("{origin}{PATH}")
    }

    /// The JWK set: the key that signs, the one that will, and those that did.
    pub(crate) fn jwks(&self) -> Bytes {
        self.held.load().jwks.clone()
    }

    /// Tells when the keys have changed: what is signed and kept is to be signed again.
    #[cfg_attr(not(test), expect(dead_code, reason = "signed cards are kept"))]
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Follows the store for as long as the program runs.
    pub(crate) async fn follow(self: Arc<Self>) {
        loop {
            tokio::time::sleep(POLL).await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "cannot read the signing keys; those that are known stay in use");
            }
        }
    }

    async fn look(&self) -> Result<(), SignerError> {
        let stored = self.store.signing_keys().await?;
        if states(&stored) != self.held.load().states {
            self.held.store(Arc::new(Held::open(&stored, &self.envelope)?));
            self.changes.send_modify(|count| *count += 1);
            tracing::info!(key = self.held.load().current.key_id(), "the signing keys have changed");
        }
        Ok(())
    }

    /// Takes keys out of the store that signed nothing which is still about.
    pub(crate) async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store.forget_retired_signing_keys(now.plus_secs(-RETIRED)).await?;
        Ok(())
    }
}

impl Held {
    fn open(stored: &[StoredSigningKey], envelope: &Envelope) -> Result<Self, SignerError> {
        let (mut current, mut published) = (None, Vec::new());
        for row in stored.iter().filter(|row| row.algorithm == ALGORITHM.name()) {
            let key = open(row, envelope)?;
            published.push(key.jwk());
            if row.state == SigningKeyState::Current {
                current = Some(Arc::new(key));
            }
        }
        Ok(Self {
            states: states(stored),
            current: current.ok_or(SignerError::NoCurrent)?,
            jwks: Bytes::from(json!({ "keys": published }).to_string()),
        })
    }
}

fn states(stored: &[StoredSigningKey]) -> Vec<(String, SigningKeyState)> {
    stored.iter().map(|row| (row.kid.clone(), row.state)).collect()
}

/// A new key, sealed to its row.
fn fresh(
    envelope: &Envelope,
    state: SigningKeyState,
    now: Timestamp,
) -> Result<StoredSigningKey, SignerError> {
    let failed = |error| SignerError::Key { kid: "(new)".to_owned(), error };
    let key = SigningKey::generate(ALGORITHM).map_err(failed)?;
    let kid = key.key_id().to_owned();
    let sealed = envelope.seal(&key.to_pkcs8(), &place(&kid));
    Ok(StoredSigningKey {
        kid,
        algorithm: ALGORITHM.name().to_owned(),
        sealed,
        state,
        created: now,
        since: now,
    })
}

fn open(row: &StoredSigningKey, envelope: &Envelope) -> Result<SigningKey, SignerError> {
    let kid = || row.kid.clone();
    let der = envelope.open(&row.sealed, &place(&row.kid));
    let der = der.map_err(|error| SignerError::Sealed { kid: kid(), error })?;
    SigningKey::from_pkcs8(ALGORITHM, &der).map_err(|error| SignerError::Key { kid: kid(), error })
}

/// What a sealed key is bound to: it opens in no other row.
fn place(kid: &str) -> [&[u8]; 3] {
    [b"signing_key", kid.as_bytes(), b"sealed"]
}

#[cfg(test)]
mod tests;
