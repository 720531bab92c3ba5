//! Keys, each under another: data keys wrapped by the master key, signing keys sealed by a data key.
//!
//! Who wraps and seals is `doorward_auth`; here are texts that tell nothing without the master key.

use doorward_model::Timestamp;
use sqlx::FromRow;

use crate::{
    Store, StoreError,
    engine::{Statements, raise, values, writing},
};

/// A data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDataKey {
    /// What sealed values name it by.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// The key, wrapped by the master key.
    pub wrapped: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A data key that is wrapped anew: by another master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewrappedDataKey {
    /// Which.
    pub id: String,
    /// As it is stored now.
    pub old: String,
    /// As it is to be stored.
    pub new: String,
}

/// A signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// Its id in JWK sets.
    pub kid: String,
    /// The JWS algorithm (RFC 7518 section 3.1).
    pub algorithm: String,
    /// The private key, sealed.
    pub sealed: String,
    /// What is done with it.
    pub state: SigningKeyState,
    /// When it was made.
    pub created: Timestamp,
    /// When it came into this state.
    pub since: Timestamp,
}

/// What is done with a signing key. All are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SigningKeyState {
    /// It signs later: those who verify fetch it in time.
    Next,
    /// It signs.
    Current,
    /// It signed: what it signed is still out.
    Retired,
}

#[derive(FromRow)]
struct SigningKeyRow {
    kid: String,
    algorithm: String,
    sealed: String,
    state: String,
    created: i64,
    since: i64,
}

impl Store {
    /// All data keys, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn data_keys(&self) -> Result<Vec<StoredDataKey>, StoreError> {
        const SQL: &str = "SELECT id, purpose, wrapped, created FROM data_key ORDER BY created, id";
        let rows: Vec<(String, String, String, i64)> = self.rows(SQL, &[]).await?;
        let key = |(id, purpose, wrapped, created)| StoredDataKey {
            id,
            purpose,
            wrapped,
            created: Timestamp::from_micros(created),
        };
        Ok(rows.into_iter().map(key).collect())
    }

    /// Stores data keys when there are none: of any number of first starts, one stores, and the others read what it
    /// stored. True for that one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_first_data_keys(&self, keys: &[StoredDataKey]) -> Result<bool, StoreError> {
        Ok(writing!(self, tx => {
            raise(&mut *tx, "keys").await?;
            let none = count(&mut *tx).await? == 0;
            if none {
                for key in keys {
                    insert_data_key(&mut *tx, key).await?;
                }
            }
            none
        }))
    }

    /// Stores one more data key.
    ///
    /// # Errors
    /// When the database fails, or has a key of this id.
    pub async fn add_data_key(&self, key: &StoredDataKey) -> Result<(), StoreError> {
        writing!(self, tx => {
            raise(&mut *tx, "keys").await?;
            insert_data_key(&mut *tx, key).await?;
        });
        Ok(())
    }

    /// Stores all data keys as they are wrapped anew. False, and nothing is changed, when these are not all data keys
    /// as they are stored now: someone else was there, and the caller should read them again.
    ///
    /// # Errors
    /// When the database fails; either all or none are changed then.
    pub async fn rewrap_data_keys(&self, keys: &[RewrappedDataKey]) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE data_key SET wrapped = $1 WHERE id = $2 AND wrapped = $3";
        writing!(self, tx => {
            raise(&mut *tx, "keys").await?;
            if count(&mut *tx).await? != keys.len() as u64 {
                return Ok(false);
            }
            for key in keys {
                if tx.run(SQL, values![&key.new, &key.id, &key.old]).await? == 0 {
                    return Ok(false);
                }
            }
        });
        Ok(true)
    }

    /// All signing keys, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        const SQL: &str = "SELECT kid, algorithm, sealed, state, created, since FROM signing_key
             ORDER BY created, kid";
        self.rows::<SigningKeyRow>(SQL, &[]).await?.into_iter().map(SigningKeyRow::read).collect()
    }

    /// Stores signing keys when there are none of their algorithms; as [`Store::add_first_data_keys`].
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_first_signing_keys(&self, keys: &[StoredSigningKey]) -> Result<bool, StoreError> {
        const ANY: &str = "SELECT kid FROM signing_key WHERE algorithm = $1 LIMIT 1";
        writing!(self, tx => {
            raise(&mut *tx, "keys").await?;
            for key in keys {
                if tx.row::<(String,)>(ANY, values![&key.algorithm]).await?.is_some() {
                    return Ok(false);
                }
            }
            for key in keys {
                insert_signing_key(&mut *tx, key).await?;
            }
        });
        Ok(true)
    }

    /// Retires the current key of `next`'s algorithm, makes the next one current, and stores `next` after it. False,
    /// and nothing is changed, when `current` is not the current key: someone else was there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate_signing_keys(
        &self,
        current: &str,
        next: &StoredSigningKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const RETIRE: &str = "UPDATE signing_key SET state = 'retired', since = $1
             WHERE kid = $2 AND algorithm = $3 AND state = 'current'";
        const PROMOTE: &str = "UPDATE signing_key SET state = 'current', since = $1
             WHERE algorithm = $2 AND state = 'next'";
        writing!(self, tx => {
            raise(&mut *tx, "keys").await?;
            if tx.run(RETIRE, values![now, current, &next.algorithm]).await? == 0 {
                return Ok(false);
            }
            tx.run(PROMOTE, values![now, &next.algorithm]).await?;
            insert_signing_key(&mut *tx, next).await?;
        });
        Ok(true)
    }

    /// Forgets keys that were retired at `before` or earlier; says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_retired_signing_keys(&self, before: Timestamp) -> Result<u64, StoreError> {
        const SQL: &str = "DELETE FROM signing_key WHERE state = 'retired' AND since <= $1";
        self.run(SQL, values![before]).await
    }
}

async fn count(tx: &mut impl Statements) -> Result<u64, StoreError> {
    let (keys,) = tx.row::<(i64,)>("SELECT COUNT(*) FROM data_key", &[]).await?.unwrap_or_default();
    Ok(keys.unsigned_abs())
}

async fn insert_data_key(tx: &mut impl Statements, key: &StoredDataKey) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO data_key (id, purpose, wrapped, created) VALUES ($1, $2, $3, $4)";
    tx.run(SQL, values![&key.id, &key.purpose, &key.wrapped, key.created]).await?;
    Ok(())
}

async fn insert_signing_key(tx: &mut impl Statements, key: &StoredSigningKey) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO signing_key (kid, algorithm, sealed, state, created, since)
         VALUES ($1, $2, $3, $4, $5, $6)";
    let values = values![&key.kid, &key.algorithm, &key.sealed, key.state.name(), key.created, key.since];
    tx.run(SQL, values).await?;
    Ok(())
}

impl SigningKeyState {
    const ALL: [Self; 3] = [Self::Next, Self::Current, Self::Retired];

    const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
        }
    }
}

impl SigningKeyRow {
    fn read(self) -> Result<StoredSigningKey, StoreError> {
        let state = SigningKeyState::ALL.into_iter().find(|state| state.name() == self.state);
        Ok(StoredSigningKey {
            kid: self.kid,
            algorithm: self.algorithm,
            sealed: self.sealed,
            state: state.ok_or(StoreError::Unreadable("signing_key.state"))?,
            created: Timestamp::from_micros(self.created),
            since: Timestamp::from_micros(self.since),
        })
    }
}

#[cfg(test)]
mod tests;
