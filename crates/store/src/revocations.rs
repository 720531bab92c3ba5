//! What replicas must no longer remember: tokens that were revoked, or whose person changed.
//!
//! Replicas remember the access tokens that they have seen, and poll here with a cursor, as for ended sessions: the
//! cursor counts changes, so none is missed. To be told of a token means to forget it and to ask again; it need not
//! be bad. Rows stay until the tokens that they are about have expired.

use doorward_model::Timestamp;

use crate::{
    Store, StoreError,
    engine::{Statements, raise, values},
};

/// The most revocations of one answer of [`Store::revocations_since`].
const PAGE: i64 = 10_000;

/// How long a row is kept after the last token that it is about has expired: clocks differ.
const KEPT_SECS: i64 = 3_600;

/// A place in the sequence of revocations. The default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevocationCursor(i64);

/// Something to forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Which tokens.
    pub what: Revoked,
    /// Where to go on after this one.
    pub cursor: RevocationCursor,
}

/// Which tokens are to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// All that come of the client grant of this id.
    Grant(String),
    /// The access token of this hash.
    AccessToken(String),
}

impl Store {
    /// Where the sequence of revocations ends now: for who remembers nothing yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_revocation(&self) -> Result<RevocationCursor, StoreError> {
        const SQL: &str = "SELECT value FROM counter WHERE name = 'revocation'";
        let (value,) = self.row::<(i64,)>(SQL, &[]).await?.unwrap_or_default();
        Ok(RevocationCursor(value))
    }

    /// What was revoked after `cursor`, in the order in which it was.
    ///
    /// At most 10,000: ask again from the last one's cursor until the answer is empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revocations_since(&self, cursor: RevocationCursor) -> Result<Vec<Revocation>, StoreError> {
        const SQL: &str = "SELECT change, grant_id, token_hash FROM revocation
             WHERE change > $1 ORDER BY change LIMIT $2";
        let rows: Vec<(i64, Option<String>, Option<String>)> =
            self.rows(SQL, values![cursor.0, PAGE]).await?;
        let revocation = |(change, grant, token): (i64, Option<String>, Option<String>)| {
            let what = grant.map(Revoked::Grant).or(token.map(Revoked::AccessToken));
            let what = what.ok_or(StoreError::Unreadable("revocation.grant_id"))?;
            Ok(Revocation { what, cursor: RevocationCursor(change) })
        };
        rows.into_iter().map(revocation).collect()
    }
}

/// Tells the replicas to forget the tokens of some grants. The last rows that a transaction locks.
pub(crate) async fn announce_grants(
    tx: &mut impl Statements,
    grants: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO revocation (change, grant_id, expires)
         SELECT $1, $2, COALESCE(MAX(expires), $3) + $4 FROM access_token WHERE grant_id = $2";
    for id in grants {
        let change = raise(tx, "revocation").await?;
        tx.run(SQL, values![change, id, now, KEPT_SECS * 1_000_000]).await?;
    }
    Ok(())
}

/// Tells the replicas to forget one token. The last row that a transaction locks.
pub(crate) async fn announce_token(
    tx: &mut impl Statements,
    hash: &str,
    expires: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO revocation (change, token_hash, expires) VALUES ($1, $2, $3)";
    let change = raise(tx, "revocation").await?;
    tx.run(SQL, values![change, hash, expires.plus_secs(KEPT_SECS)]).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
