//! The keys that the program seals with: the store's data keys, opened by the master key.
//!
//! The master key is outside the store and wraps the data keys, nothing else. So it can be changed by wrapping a few
//! rows anew, while processes that hold the data keys go on. A store whose data keys cannot be opened is not
//! served from: what is sealed in it would be lost in silence.

mod file;
mod rotation;

use std::{fs, io, path::PathBuf};

use doorward_auth::keys::{
    MasterKey, MasterKeyError, SealError,
    envelope::{self, DataKey, Envelope},
};
use doorward_config::MasterKeySource;
use doorward_model::{Secret, Timestamp};
use doorward_store::{Store, StoreError, StoredDataKey};

pub(crate) use rotation::{Rotated, Rotation};

/// What secrets at rest are sealed with.
const SECRETS: &str = "secrets";
/// What handles are sealed with, which callers hold.
const HANDLES: &str = "handles";

/// The data keys, opened.
pub(crate) struct Keyring {
    /// Seals secrets at rest.
    pub(crate) envelope: Envelope,
    /// Seals what callers hold.
    pub(crate) handles: DataKey,
}

/// Why the keys cannot be had. Says where they should be, and never what they are.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The text is no master key.
    #[error("the master key `{place}` is not usable: {error}")]
    Unusable {
        /// The file, or the words for a variable.
        place: String,
        /// What is wrong with it.
        error: MasterKeyError,
    },
    /// There is no key, and the store needs one.
    #[error(
        "there is no master key at {place}, and the store is sealed with the master key {needed}; put that key back \
         (a copy from a backup or from another replica), because no other opens the store"
    )]
    Lost {
        /// The file.
        place: String,
        /// The key's id, as `doorward key rotate` names it.
        needed: String,
    },
    /// There is a key, and it is not the one.
    #[error(
        "the master key `{place}` is {found}, and the store is sealed with the master key {needed}; every replica \
         needs the same key, and after `doorward key rotate` the new one"
    )]
    Wrong {
        /// The file, or the words for a variable.
        place: String,
        /// The ids of the keys that are there.
        found: String,
        /// The id of the key that is needed.
        needed: String,
    },
    /// The master key is the right one, and a row is not what it wrapped.
    #[error("the data key {id} of the store is damaged or was moved; restore the store from a backup")]
    Damaged {
        /// The row.
        id: String,
    },
    /// A purpose has no key.
    #[error("the store has no data key for {purpose}; restore it from a backup")]
    Incomplete {
        /// Which.
        purpose: &'static str,
    },
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Keyring {
    /// Opens the store's data keys; makes them, and a key file that does not exist, as long as there are none.
    pub(crate) async fn open(
        source: &MasterKeySource,
        store: &Store,
        now: Timestamp,
    ) -> Result<Self, KeyringError> {
        let stored = store.data_keys().await?;
        match (Masters::read(source)?, stored.first()) {
            (Some(masters), Some(_)) => masters.open(&stored),
            (Some(masters), None) => masters.open_first(store, now).await,
            (None, Some(key)) => Err(KeyringError::Lost { place: place(source), needed: wrapped_by(key) }),
            (None, None) => Self::begin(source, store, now).await,
        }
    }

    /// The very first start: nothing is sealed, and there is no key.
    async fn begin(source: &MasterKeySource, store: &Store, now: Timestamp) -> Result<Self, KeyringError> {
        let MasterKeySource::File(path) = source else {
            return Err(KeyringError::Unusable { place: place(source), error: MasterKeyError::Form });
        };
        let failed = |error| KeyringError::File { path: path.clone(), error };
        let (_, text) = MasterKey::generate();
        // The file before the store: keys that are wrapped by a key that nobody has would be lost.
        let made = file::make(path, &text).map_err(failed)?;
        let masters = Masters::read(source)?.ok_or_else(|| KeyringError::File {
            path: path.clone(),
            error: io::ErrorKind::NotFound.into(),
        })?;
        match masters.open_first(store, now).await {
            // Another replica was first, with a key of its own. This one is for nothing.
            Err(KeyringError::Wrong { needed, .. }) if made => {
                file::unmake(path, &text).map_err(failed)?;
                Err(KeyringError::Lost { place: place(source), needed })
            }
            opened => {
                if made && opened.is_ok() {
                    tracing::info!(path = %path.display(), "made a master key");
                }
                opened
            }
        }
    }
}

/// The master keys that are configured: the one that wraps, and while it is being changed those before it.
struct Masters {
    place: String,
    /// Never empty.
    keys: Vec<MasterKey>,
}

impl Masters {
    /// Absent when they should be in a file that does not exist.
    fn read(source: &MasterKeySource) -> Result<Option<Self>, KeyringError> {
        let text = match source {
            MasterKeySource::Value(text) => text.clone(),
            MasterKeySource::File(path) => match fs::read_to_string(path) {
                Ok(text) => {
                    file::warn_of_readers(path);
                    Secret::new(text)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(KeyringError::File { path: path.clone(), error }),
            },
        };
        Self::parse(place(source), &text).map(Some)
    }

    /// One key or several, with white space between them.
    fn parse(place: String, text: &Secret) -> Result<Self, KeyringError> {
        let keys: Result<Vec<_>, _> = text.expose().split_whitespace().map(MasterKey::parse).collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Self { place, keys }),
            Ok(_) => Err(KeyringError::Unusable { place, error: MasterKeyError::Form }),
            Err(error) => Err(KeyringError::Unusable { place, error }),
        }
    }

    /// The key that wraps.
    fn current(&self) -> &MasterKey {
        &self.keys[0]
    }

    fn open(&self, stored: &[StoredDataKey]) -> Result<Keyring, KeyringError> {
        // Newest first: that one seals.
        let of = |purpose| {
            let keys = stored.iter().rev().filter(move |key| key.purpose == purpose);
            keys.map(|key| self.unwrap(key)).collect::<Result<Vec<_>, KeyringError>>()
        };
        let (secrets, handles) = (of(SECRETS)?, of(HANDLES)?);
        let (current, previous) =
            secrets.split_first().ok_or(KeyringError::Incomplete { purpose: SECRETS })?;
        let handles = handles.into_iter().next().ok_or(KeyringError::Incomplete { purpose: HANDLES })?;
        Ok(Keyring { envelope: Envelope::new(current, previous), handles })
    }

    /// Makes the data keys, or opens those that somebody else made at the same time.
    async fn open_first(&self, store: &Store, now: Timestamp) -> Result<Keyring, KeyringError> {
        let fresh = [SECRETS, HANDLES].map(|purpose| {
            let key = DataKey::generate();
            let id = key.key_id();
            let wrapped = key.wrap(self.current(), &id);
            StoredDataKey { id, purpose: purpose.to_owned(), wrapped, created: now }
        });
        if store.add_first_data_keys(&fresh).await? {
            self.open(&fresh)
        } else {
            self.open(&store.data_keys().await?)
        }
    }

    fn unwrap(&self, key: &StoredDataKey) -> Result<DataKey, KeyringError> {
        DataKey::unwrap(&self.keys, &key.id, &key.wrapped).map_err(|error| match error {
            SealError::UnknownKey => KeyringError::Wrong {
                place: self.place.clone(),
                found: self.keys.iter().map(MasterKey::key_id).collect::<Vec<_>>().join(" and "),
                needed: wrapped_by(key),
            },
            SealError::Malformed | SealError::Refused => KeyringError::Damaged { id: key.id.clone() },
        })
    }
}

/// Where the master key is, in words.
fn place(source: &MasterKeySource) -> String {
    match source {
        MasterKeySource::Value(_) => "environment variable".to_owned(),
        MasterKeySource::File(path) => path.display().to_string(),
    }
}

/// The id of the master key that a data key needs.
fn wrapped_by(key: &StoredDataKey) -> String {
    envelope::key_id(&key.wrapped).unwrap_or("(unknown)").to_owned()
}

#[cfg(test)]
mod tests;
