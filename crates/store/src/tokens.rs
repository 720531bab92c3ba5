//! Access tokens and refresh tokens, known by their hashes only.

mod rotation;

use doorward_model::{ClientGrant, Scopes, Timestamp};
use sqlx::FromRow;

use crate::{
    Store, StoreError,
    client_grants::{GrantRow, grant_columns},
    columns::{read_scopes, read_time},
    engine::{Statements, values, writing},
    revocations::announce_token,
};

pub use rotation::Rotation;

/// An access token that is about to be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccessToken {
    /// SHA-256 of the token, in hex.
    pub hash: String,
    /// What it may do, within what was granted.
    pub scopes: Scopes,
    /// When it is made.
    pub issued: Timestamp,
    /// When it is good for nothing any more.
    pub expires: Timestamp,
}

/// A refresh token that is about to be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefreshToken {
    /// SHA-256 of the token, in hex.
    pub hash: String,
    /// When it is made.
    pub issued: Timestamp,
    /// Until when it must be used.
    pub expires: Timestamp,
}

/// An access token that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccessToken {
    /// What it comes of.
    pub grant: ClientGrant,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub issued: Timestamp,
    /// When it expires, or its grant ends.
    pub expires: Timestamp,
}

/// A refresh token, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefreshToken {
    /// What it comes of.
    pub grant: ClientGrant,
    /// Until when it must be used.
    pub expires: Timestamp,
    /// When it was used, or another was made in its place.
    pub used: Option<Timestamp>,
    /// Whether the grant was revoked.
    pub revoked: bool,
}

#[derive(FromRow)]
struct AccessRow {
    #[sqlx(flatten)]
    grant: GrantRow,
    token_scopes: String,
    issued: i64,
    expires: i64,
}

#[derive(FromRow)]
struct RefreshRow {
    #[sqlx(flatten)]
    grant: GrantRow,
    expires: i64,
    used: Option<i64>,
    revoked: Option<i64>,
}

/// Asked with every request whose token is not remembered.
const ACCESS_TOKEN: &str = concat!(
    "SELECT ",
    grant_columns!(),
    ", t.scopes AS token_scopes, t.issued, t.expires
     FROM access_token t JOIN client_grant g ON g.grant_id = t.grant_id
     WHERE t.hash = $1 AND t.expires > $2 AND g.revoked IS NULL AND g.ends > $2"
);

const REFRESH_TOKEN: &str = concat!(
    "SELECT ",
    grant_columns!(),
    ", t.expires, t.used, g.revoked
     FROM refresh_token t JOIN client_grant g ON g.grant_id = t.grant_id WHERE t.hash = $1"
);

impl Store {
    /// The access token of this hash, when it is good at `now`: not expired, and its grant neither ended nor revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_token(
        &self,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<StoredAccessToken>, StoreError> {
        self.row::<AccessRow>(ACCESS_TOKEN, values![hash, now]).await?.map(AccessRow::read).transpose()
    }

    /// The refresh token of this hash, also when it was used, has expired, or its grant was revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refresh_token(&self, hash: &str) -> Result<Option<StoredRefreshToken>, StoreError> {
        self.row::<RefreshRow>(REFRESH_TOKEN, values![hash]).await?.map(RefreshRow::read).transpose()
    }

    /// Revokes one access token. True for the one call that did.
    ///
    /// # Errors
    /// When the database fails; revoking again is safe.
    pub async fn revoke_access_token(&self, hash: &str, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM access_token WHERE hash = $1 RETURNING expires";
        let revoked = writing!(self, tx => {
            let token: Option<(i64,)> = tx.row(SQL, values![hash]).await?;
            if let Some((expires,)) = token {
                announce_token(&mut *tx, hash, Timestamp::from_micros(expires)).await?;
            }
            token
        });
        Ok(revoked.is_some_and(|(expires,)| now.as_micros() < expires))
    }
}

/// Makes the row of an access token.
pub(crate) async fn insert_access_token(
    tx: &mut impl Statements,
    grant_id: &str,
    token: &NewAccessToken,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO access_token (hash, grant_id, scopes, issued, expires)
         VALUES ($1, $2, $3, $4, $5)";
    let scopes = token.scopes.to_string();
    tx.run(SQL, values![&token.hash, grant_id, &scopes, token.issued, token.expires]).await?;
    Ok(())
}

/// Makes the row of a refresh token.
pub(crate) async fn insert_refresh_token(
    tx: &mut impl Statements,
    grant_id: &str,
    token: &NewRefreshToken,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO refresh_token (hash, grant_id, issued, expires) VALUES ($1, $2, $3, $4)";
    tx.run(SQL, values![&token.hash, grant_id, token.issued, token.expires]).await?;
    Ok(())
}

impl AccessRow {
    fn read(self) -> Result<StoredAccessToken, StoreError> {
        let grant = self.grant.read()?;
        Ok(StoredAccessToken {
            expires: Timestamp::from_micros(self.expires).min(grant.expires),
            grant,
            scopes: read_scopes(&self.token_scopes, "access_token.scopes")?,
            issued: Timestamp::from_micros(self.issued),
        })
    }
}

impl RefreshRow {
    fn read(self) -> Result<StoredRefreshToken, StoreError> {
        Ok(StoredRefreshToken {
            grant: self.grant.read()?,
            expires: Timestamp::from_micros(self.expires),
            used: read_time(self.used),
            revoked: self.revoked.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
