//! Doorward's own clients at other authorization servers, where it registered itself (RFC 7591).
//!
//! There is one for each authorization server and redirect URI: of replicas that register at once, all use what the first
//! stored. Secrets are sealed by whoever writes them.

use std::fmt;

use doorward_model::Timestamp;
use sqlx::FromRow;

use crate::{
    Store, StoreError,
    columns::{check_id, read_time},
    engine::{Statements, values, writing},
};

const QUERY: &str = "SELECT issuer, redirect_uri, client_id, sealed_secret, method, secret_expires, created
     FROM own_registration WHERE issuer = $1 AND redirect_uri = $2";

/// A client of Doorward's.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnRegistration {
    /// The authorization server: the exact string of its issuer.
    pub issuer: String,
    /// Where it sends people back to.
    pub redirect_uri: String,
    /// Doorward's name there.
    pub client_id: String,
    /// Doorward's secret there, sealed, if it was given one.
    pub sealed_secret: Option<String>,
    /// How Doorward authenticates there: `token_endpoint_auth_method`.
    pub method: String,
    /// When the secret expires, if it does.
    pub secret_expires: Option<Timestamp>,
    /// When it was registered.
    pub created: Timestamp,
}

#[derive(FromRow)]
struct RegistrationRow {
    issuer: String,
    redirect_uri: String,
    client_id: String,
    sealed_secret: Option<String>,
    method: String,
    secret_expires: Option<i64>,
    created: i64,
}

impl Store {
    /// Doorward's client at an authorization server.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn own_registration(
        &self,
        issuer: &str,
        redirect_uri: &str,
    ) -> Result<Option<OwnRegistration>, StoreError> {
        let row = self.row::<RegistrationRow>(QUERY, values![issuer, redirect_uri]).await?;
        Ok(row.map(RegistrationRow::read))
    }

    /// Stores a client, unless there is one; gives the one that stands.
    ///
    /// # Errors
    /// [`StoreError::BadId`] when the issuer or the redirect URI cannot be stored, or when the database fails; trying
    /// again is safe then.
    pub async fn put_own_registration(&self, new: &OwnRegistration) -> Result<OwnRegistration, StoreError> {
        const SQL: &str = "INSERT INTO own_registration
                 (issuer, redirect_uri, client_id, sealed_secret, method, secret_expires, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (issuer, redirect_uri) DO NOTHING";
        let OwnRegistration {
            issuer,
            redirect_uri,
            client_id,
            sealed_secret,
            method,
            secret_expires,
            created,
        } = new;
        check_id(issuer)?;
        check_id(redirect_uri)?;
        let values =
            values![issuer, redirect_uri, client_id, sealed_secret, method, *secret_expires, *created];
        Ok(writing!(self, tx => {
            tx.run(SQL, values).await?;
            let row: Option<RegistrationRow> = tx.row(QUERY, values![issuer, redirect_uri]).await?;
            row.ok_or(sqlx::Error::RowNotFound)?.read()
        }))
    }

    /// Forgets a client that the authorization server does not know any more. False when there is none, or it is another
    /// one by now.
    ///
    /// # Errors
    /// When the database fails; forgetting again is safe.
    pub async fn forget_own_registration(
        &self,
        issuer: &str,
        redirect_uri: &str,
        client_id: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str =
            "DELETE FROM own_registration WHERE issuer = $1 AND redirect_uri = $2 AND client_id = $3";
        Ok(self.run(SQL, values![issuer, redirect_uri, client_id]).await? > 0)
    }
}

impl RegistrationRow {
    fn read(self) -> OwnRegistration {
        OwnRegistration {
            issuer: self.issuer,
            redirect_uri: self.redirect_uri,
            client_id: self.client_id,
            sealed_secret: self.sealed_secret,
            method: self.method,
            secret_expires: read_time(self.secret_expires),
            created: Timestamp::from_micros(self.created),
        }
    }
}

impl fmt::Debug for OwnRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnRegistration")
            .field("issuer", &self.issuer)
            .field("redirect_uri", &self.redirect_uri)
            .field("client_id", &self.client_id)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
