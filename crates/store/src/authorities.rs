//! Which authorization server each place has: the one that was seen first, until somebody approves another.
//!
//! A place that names another one than before may have been taken over, and would get what was meant for the first. So it
//! waits, as a card does that differs; and when it is approved, the connections at the old one end with it.
//!
//! Whoever changes one raises a counter first, which lets one such transaction through at a time. `change` keeps its number;
//! nobody asks for it yet: what running processes have to know of a change is that connections ended, and those tell.

use doorward_model::Timestamp;
use sqlx::FromRow;

use crate::{
    Observed, Store, StoreError,
    columns::check_id,
    connections::remove_of_other_issuers,
    engine::{Statements, raise, values, writing},
};

/// Selects authorities.
macro_rules! authority_query {
    ($which:literal) => {
        concat!(
            "SELECT place, issuer, approved, approved_by, waiting, first_seen, last_seen, rejected, change
             FROM authority ",
            $which
        )
    };
}

/// The authorization server of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Where: the key of a place.
    pub place: String,
    /// The approved one: the exact string of its issuer.
    pub issuer: String,
    /// Since when it is the approved one.
    pub approved_at: Timestamp,
    /// Who approved it; absent when it was the first.
    pub approved_by: Option<String>,
    /// Another one that was seen since.
    pub waiting: Option<WaitingAuthority>,
    /// The one that was last rejected, unless another one was seen since.
    pub rejected: Option<String>,
}

/// An authorization server that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingAuthority {
    /// The exact string of its issuer.
    pub issuer: String,
    /// When it was first seen since another one was.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
}

#[derive(FromRow)]
struct AuthorityRow {
    place: String,
    issuer: String,
    approved: i64,
    approved_by: Option<String>,
    waiting: Option<String>,
    first_seen: Option<i64>,
    last_seen: Option<i64>,
    rejected: Option<String>,
}

impl Store {
    /// The authorization server of a place, if one was ever seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authority(&self, place: &str) -> Result<Option<Authority>, StoreError> {
        let sql = authority_query!("WHERE place = $1");
        Ok(self.row::<AuthorityRow>(sql, values![place]).await?.map(AuthorityRow::read))
    }

    /// The authorization servers of all places, by place: there are as many as were ever configured.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn authorities(&self) -> Result<Vec<Authority>, StoreError> {
        let rows = self.rows::<AuthorityRow>(authority_query!("ORDER BY place"), &[]).await?;
        Ok(rows.into_iter().map(AuthorityRow::read).collect())
    }

    /// Compares the authorization server that a place has just named with the approved one, and keeps it when it
    /// differs. The first of a place is approved; of two replicas that see different ones at once, one approves its own.
    ///
    /// # Errors
    /// [`StoreError::BadId`] when the place or the issuer cannot be stored, or when the database fails.
    pub async fn note_authority(
        &self,
        place: &str,
        issuer: &str,
        now: Timestamp,
    ) -> Result<(Observed, Authority), StoreError> {
        check_id(place)?;
        check_id(issuer)?;
        // The rule, which writes nothing.
        if let Some(authority) = self.authority(place).await?
            && authority.issuer == issuer
        {
            return Ok((Observed::Approved, authority));
        }
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "authority").await?;
            let observed = match find(&mut *tx, place).await? {
                None => {
                    insert(&mut *tx, place, issuer, None, now, change).await?;
                    Observed::First
                }
                Some(authority) => compare(&mut *tx, &authority, issuer, now, change).await?,
            };
            let authority = find(&mut *tx, place).await?;
            (observed, authority.ok_or(sqlx::Error::RowNotFound)?)
        }))
    }

    /// Approves the authorization server that waits, if it is this one, and ends the connections of the place at others.
    /// True for the one call that did.
    ///
    /// # Errors
    /// When the database fails; approving again is safe.
    pub async fn approve_authority(
        &self,
        place: &str,
        issuer: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const WAITS: &str = "SELECT change FROM authority WHERE place = $1 AND waiting = $2";
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "authority").await?;
            let waits = tx.row::<(i64,)>(WAITS, values![place, issuer]).await?.is_some();
            if waits {
                replace(&mut *tx, place, issuer, by, now, change).await?;
            }
            waits
        }))
    }

    /// Rejects the authorization server that waits, if it is this one: it does not wait again unless another one was
    /// seen in between. True for the one call that did.
    ///
    /// # Errors
    /// When the database fails; rejecting again is safe.
    pub async fn reject_authority(&self, place: &str, issuer: &str) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE authority SET rejected = waiting, waiting = NULL, first_seen = NULL,
                 last_seen = NULL, change = $1
             WHERE place = $2 AND waiting = $3";
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "authority").await?;
            tx.run(SQL, values![change, place, issuer]).await? > 0
        }))
    }

    /// Makes an authorization server the approved one, whatever waits or was rejected, and ends the connections of the
    /// place at others. It is for those that the operator names. False when it is the approved one already.
    ///
    /// # Errors
    /// [`StoreError::BadId`] when the place or the issuer cannot be stored, or when the database fails; declaring again
    /// is safe then.
    pub async fn declare_authority(
        &self,
        place: &str,
        issuer: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        check_id(place)?;
        check_id(issuer)?;
        if self.authority(place).await?.is_some_and(|authority| authority.issuer == issuer) {
            return Ok(false);
        }
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "authority").await?;
            let found = find(&mut *tx, place).await?;
            let declared = found.as_ref().is_none_or(|authority| authority.issuer != issuer);
            if found.is_none() {
                insert(&mut *tx, place, issuer, Some(by), now, change).await?;
            }
            if declared {
                replace(&mut *tx, place, issuer, by, now, change).await?;
            }
            declared
        }))
    }
}

async fn find(tx: &mut impl Statements, place: &str) -> Result<Option<Authority>, StoreError> {
    let row: Option<AuthorityRow> = tx.row(authority_query!("WHERE place = $1"), values![place]).await?;
    Ok(row.map(AuthorityRow::read))
}

async fn insert(
    tx: &mut impl Statements,
    place: &str,
    issuer: &str,
    by: Option<&str>,
    now: Timestamp,
    change: i64,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO authority (place, issuer, approved, approved_by, change)
         VALUES ($1, $2, $3, $4, $5)";
    tx.run(SQL, values![place, issuer, now, by, change]).await?;
    Ok(())
}

/// Puts another one in the place of the approved one. Who connects waits for the commit, and sees it then.
async fn replace(
    tx: &mut impl Statements,
    place: &str,
    issuer: &str,
    by: &str,
    now: Timestamp,
    change: i64,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE authority SET issuer = $1, approved = $2, approved_by = $3, waiting = NULL,
             first_seen = NULL, last_seen = NULL, rejected = NULL, change = $4
         WHERE place = $5";
    let ended = raise(tx, "connection").await?;
    tx.run(SQL, values![issuer, now, by, change, place]).await?;
    remove_of_other_issuers(tx, place, issuer, ended, now).await
}

/// Tells what an authorization server is beside the approved one, and keeps it if it is neither approved nor rejected.
async fn compare(
    tx: &mut impl Statements,
    known: &Authority,
    issuer: &str,
    now: Timestamp,
    change: i64,
) -> Result<Observed, StoreError> {
    const AGAIN: &str = "UPDATE authority SET last_seen = $1 WHERE place = $2";
    const NEW: &str = "UPDATE authority SET waiting = $1, first_seen = $2, last_seen = $2, rejected = NULL,
             change = $3
         WHERE place = $4";
    if known.issuer == issuer {
        Ok(Observed::Approved)
    } else if known.rejected.as_deref() == Some(issuer) {
        Ok(Observed::Rejected)
    } else if known.waiting.as_ref().is_some_and(|waiting| waiting.issuer == issuer) {
        tx.run(AGAIN, values![now, &known.place]).await?;
        Ok(Observed::Waiting)
    } else {
        tx.run(NEW, values![issuer, now, change, &known.place]).await?;
        Ok(Observed::New)
    }
}

impl AuthorityRow {
    fn read(self) -> Authority {
        let waiting = self.waiting.map(|issuer| WaitingAuthority {
            issuer,
            first_seen: Timestamp::from_micros(self.first_seen.unwrap_or_default()),
            last_seen: Timestamp::from_micros(self.last_seen.unwrap_or_default()),
        });
        Authority {
            place: self.place,
            issuer: self.issuer,
            approved_at: Timestamp::from_micros(self.approved),
            approved_by: self.approved_by,
            waiting,
            rejected: self.rejected,
        }
    }
}

#[cfg(test)]
mod tests;
