//! Identifiers that count once: of assertions, and of sign-ins under way.

use doorward_model::Timestamp;

use crate::{Store, StoreError, engine::values};

impl Store {
    /// Uses an identifier up. True for the one call of any number that came first; false ever after, until
    /// `expires`. What it identifies must not be accepted after that.
    ///
    /// `kind` says what it identifies, and `id_hash` is its SHA-256 in hex.
    ///
    /// # Errors
    /// When the database fails; the identifier then may or may not be used up.
    pub async fn use_once(&self, kind: &str, id_hash: &str, expires: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "INSERT INTO used_once (kind, id_hash, expires) VALUES ($1, $2, $3)
             ON CONFLICT (kind, id_hash) DO NOTHING";
        Ok(self.run(SQL, values![kind, id_hash, expires]).await? > 0)
    }
}

#[cfg(test)]
mod tests;
