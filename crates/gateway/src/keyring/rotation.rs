//! A new master key in the place of the present one: `doorward key rotate`.
//!
//! At every moment the configured keys open what the store holds, so that the program can be killed between any two
//! steps, and a start in between works. With a key file: the file gets the new key before the old one, then the
//! store's data keys are wrapped anew in one transaction, then the old key leaves the file. Whoever finds two keys
//! finishes. Running processes hold the data keys, which stay the same.

use std::{fs, path::Path};

use doorward_auth::keys::MasterKey;
use doorward_config::MasterKeySource;
use doorward_model::{Secret, Timestamp};
use doorward_store::{RewrappedDataKey, Store, StoredDataKey};

use super::{Keyring, KeyringError, Masters, file, place};

/// What is to be done.
pub(crate) struct Rotation<'a> {
    pub(crate) source: &'a MasterKeySource,
    pub(crate) store: &'a Store,
    /// The new key, where the master key is in a variable. Without it the first of the variable's keys is meant.
    pub(crate) new: Option<Secret>,
}

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rotated {
    /// The id of the key that wraps all data keys now.
    pub(crate) key: String,
    /// How many data keys there are.
    pub(crate) data_keys: usize,
    /// Whether the key was there before: somebody began, and this finished it.
    pub(crate) finished: bool,
    /// Whether an old key stands beside the new one, where only the operator can take it away.
    pub(crate) old_left: bool,
}

impl Rotation<'_> {
    /// Does it, or finishes what was begun.
    ///
    /// # Errors
    /// When the present keys do not open the store; nothing is changed then. Later failures leave a state from which
    /// the same call goes on.
    pub(crate) async fn run(self, now: Timestamp) -> Result<Rotated, KeyringError> {
        Keyring::open(self.source, self.store, now).await?;
        match self.source {
            MasterKeySource::File(path) => self.in_file(path).await,
            MasterKeySource::Value(present) => self.in_variable(present).await,
        }
    }

    async fn in_file(&self, path: &Path) -> Result<Rotated, KeyringError> {
        let failed = |error| KeyringError::File { path: path.to_owned(), error };
        let _alone = file::lock(path).map_err(failed)?;
        let mut text = fs::read_to_string(path).map(Secret::new).map_err(failed)?;
        let mut masters = Masters::parse(place(self.source), &text)?;
        // Once more, now that nobody else changes the file.
        masters.open(&self.store.data_keys().await?)?;
        let finished = masters.keys.len() > 1;
        if !finished {
            text = Secret::new([MasterKey::generate().1.expose(), text.expose().trim(), "\n"].concat());
            file::replace(path, &text).map_err(failed)?;
            masters = Masters::parse(place(self.source), &text)?;
        }
        let data_keys = rewrap(self.store, &masters).await?;
        let new = text.expose().split_whitespace().next().unwrap_or_default();
        let old_left = match file::replace(path, &Secret::new([new, "\n"].concat())) {
            Ok(()) => false,
            // Both keys came from somewhere that only the operator writes to.
            Err(_) if finished => true,
            Err(error) => return Err(failed(error)),
        };
        Ok(Rotated { key: masters.current().key_id(), data_keys, finished, old_left })
    }

    /// Nobody here can change a variable: it has the new key already, or has to get it before the next start.
    async fn in_variable(&self, present: &Secret) -> Result<Rotated, KeyringError> {
        let mut masters = Masters::parse(place(self.source), present)?;
        if let Some(new) = &self.new {
            let new = Masters::parse("the new key".to_owned(), new)?;
            masters.keys.splice(0..0, new.keys);
        }
        let data_keys = rewrap(self.store, &masters).await?;
        let (key, finished) = (masters.current().key_id(), self.new.is_none());
        Ok(Rotated { key, data_keys, finished, old_left: true })
    }
}

/// Wraps all data keys by the current key; says how many there are.
async fn rewrap(store: &Store, masters: &Masters) -> Result<usize, KeyringError> {
    loop {
        let stored = store.data_keys().await?;
        let rewrapped = |key: &StoredDataKey| {
            let opened = masters.unwrap(key)?;
            let new = opened.wrap(masters.current(), &key.id);
            Ok(RewrappedDataKey { id: key.id.clone(), old: key.wrapped.clone(), new })
        };
        let keys = stored.iter().map(rewrapped).collect::<Result<Vec<_>, KeyringError>>()?;
        if store.rewrap_data_keys(&keys).await? {
            return Ok(keys.len());
        }
        // Somebody else did the same at the same time; if with another key, the next look says so.
    }
}
