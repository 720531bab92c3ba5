//! Secrets that were entered by command or API: names, and sealed values that this module cannot read.
//!
//! They are as few as an operator enters by hand, so running processes that see the counter rise read them all again.

use std::fmt;

use doorward_model::{Name, Timestamp};

use crate::{
    Store, StoreError,
    engine::{Statements, raise, values, writing},
};

/// A secret, as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSeen {
    /// What the configuration calls it.
    pub name: Name,
    /// When it was first entered.
    pub created: Timestamp,
    /// When it was last entered.
    pub changed: Timestamp,
}

/// A secret with its value.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// What the configuration calls it.
    pub name: Name,
    /// The value, sealed.
    pub sealed: String,
}

/// What came of storing a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutSecret {
    /// There was none of this name.
    New,
    /// It is in the place of the one of this name.
    Changed,
    /// There are as many as there may be; nothing was stored.
    TooMany,
}

impl Store {
    /// Stores a secret, in the place of the one of this name. Of other names there may be fewer than `most`, also when
    /// several are stored at once.
    ///
    /// # Errors
    /// When the database fails; storing again is safe.
    pub async fn put_secret(
        &self,
        name: &Name,
        sealed: &str,
        most: u32,
        now: Timestamp,
    ) -> Result<PutSecret, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM secret";
        const CHANGE: &str = "UPDATE secret SET sealed = $1, changed = $2 WHERE name = $3";
        const ADD: &str = "INSERT INTO secret (name, sealed, created, changed) VALUES ($1, $2, $3, $3)";
        Ok(writing!(self, tx => {
            // First, so that whoever stores another one waits.
            raise(&mut *tx, "secret").await?;
            if tx.run(CHANGE, values![sealed, now, name]).await? > 0 {
                PutSecret::Changed
            } else if tx.row::<(i64,)>(COUNT, &[]).await?.is_some_and(|(count,)| count >= i64::from(most)) {
                return Ok(PutSecret::TooMany);
            } else {
                tx.run(ADD, values![name, sealed, now]).await?;
                PutSecret::New
            }
        }))
    }

    /// Removes a secret. True when there was one.
    ///
    /// # Errors
    /// When the database fails; removing again is safe.
    pub async fn remove_secret(&self, name: &Name) -> Result<bool, StoreError> {
        Ok(writing!(self, tx => {
            raise(&mut *tx, "secret").await?;
            tx.run("DELETE FROM secret WHERE name = $1", values![name]).await? > 0
        }))
    }

    /// All secrets as they may be shown, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secrets(&self) -> Result<Vec<SecretSeen>, StoreError> {
        const SQL: &str = "SELECT name, created, changed FROM secret ORDER BY name";
        let rows: Vec<(String, i64, i64)> = self.rows(SQL, &[]).await?;
        let seen = |(name, created, changed): (String, i64, i64)| {
            Ok(SecretSeen {
                name: read_name(&name)?,
                created: Timestamp::from_micros(created),
                changed: Timestamp::from_micros(changed),
            })
        };
        rows.into_iter().map(seen).collect()
    }

    /// All secrets with their values, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealed_secrets(&self) -> Result<Vec<StoredSecret>, StoreError> {
        const SQL: &str = "SELECT name, sealed FROM secret ORDER BY name";
        let rows: Vec<(String, String)> = self.rows(SQL, &[]).await?;
        let stored = |(name, sealed): (String, String)| Ok(StoredSecret { name: read_name(&name)?, sealed });
        rows.into_iter().map(stored).collect()
    }

    /// A number that rises with every secret that is stored or removed. Whoever reads it before the secrets misses none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_secret_change(&self) -> Result<i64, StoreError> {
        const SQL: &str = "SELECT value FROM counter WHERE name = 'secret'";
        let (value,) = self.row::<(i64,)>(SQL, &[]).await?.unwrap_or_default();
        Ok(value)
    }
}

fn read_name(text: &str) -> Result<Name, StoreError> {
    Name::parse(text).map_err(|_| StoreError::Unreadable("secret.name"))
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredSecret").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests;
