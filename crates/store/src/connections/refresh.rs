//! Refreshing a connection: by one process at a time, whoever else there is.
//!
//! A refresh is claimed for a while, because whoever claimed it may be killed. A claim that was not finished when its
//! time is up may be claimed again, and the new claim says so: the authorization server may have answered the first one.
//! The first outcome that is stored stands, for two claims of one version present the same refresh token.

use doorward_model::Timestamp;

use crate::{
    Store, StoreError,
    engine::{Statements, raise, values, writing},
};

/// What a refresh gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// What is granted now, with spaces between them.
    pub scopes: String,
    /// The tokens, sealed.
    pub sealed: String,
    /// When the access token expires, where that is known.
    pub expires: Option<Timestamp>,
    /// When they came.
    pub now: Timestamp,
}

/// The right to refresh a connection for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshLease {
    /// The version that is refreshed.
    pub version: i64,
    /// Until when nobody else does.
    pub until: Timestamp,
    /// Whether an earlier refresh was begun of which nobody knows what came.
    pub interrupted: bool,
}

impl Store {
    /// Claims the refresh of a connection: one of any number of calls gets it, until `until`. None when somebody else
    /// has it, or when this version is not the current one of a live connection: the caller should read it again.
    ///
    /// # Errors
    /// When the database fails; the refresh then may or may not be claimed.
    pub async fn claim_refresh(
        &self,
        place: &str,
        person: &str,
        version: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RefreshLease>, StoreError> {
        const SQL: &str = "UPDATE connection SET refreshing_until = $1,
                 interrupted = CASE WHEN refreshing_until IS NULL THEN interrupted ELSE 1 END
             WHERE place = $2 AND person = $3 AND version = $4 AND broken IS NULL
                 AND (refreshing_until IS NULL OR refreshing_until <= $5)
             RETURNING interrupted";
        let values = values![until, place, person, version, now];
        let claimed = writing!(self, tx => tx.row::<(i64,)>(SQL, values).await?);
        Ok(claimed.map(|(interrupted,)| RefreshLease { version, until, interrupted: interrupted != 0 }))
    }

    /// Stores what a refresh gave; says which version the connection has now. None when it is not of this version any
    /// more: somebody finished first, connected anew, or removed it, which stands. That the claim has ended since does
    /// not matter.
    ///
    /// # Errors
    /// When the database fails; finishing again is safe, and gives none when the first call did.
    pub async fn finish_refresh(
        &self,
        place: &str,
        person: &str,
        version: i64,
        refreshed: &Refreshed,
    ) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "UPDATE connection SET scopes = $1, sealed = $2, expires = $3, refreshed = $4,
                 version = $5, refreshing_until = NULL, interrupted = 0
             WHERE place = $6 AND person = $7 AND version = $8 AND broken IS NULL";
        let Refreshed { scopes, sealed, expires, now } = refreshed;
        Ok(writing!(self, tx => {
            let next = raise(&mut *tx, "connection").await?;
            let values = values![scopes, sealed, *expires, *now, next, place, person, version];
            (tx.run(SQL, values).await? > 0).then_some(next)
        }))
    }

    /// Gives a claim back when the refresh failed for now. `uncertain` says that it may have reached the authorization
    /// server all the same, as when the answer got lost. False when the claim was no longer the caller's.
    ///
    /// # Errors
    /// When the database fails; the claim then ends in its time.
    pub async fn release_refresh(
        &self,
        place: &str,
        person: &str,
        lease: &RefreshLease,
        uncertain: bool,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection SET refreshing_until = NULL,
                 interrupted = CASE WHEN $1 = 1 THEN 1 ELSE interrupted END
             WHERE place = $2 AND person = $3 AND version = $4 AND refreshing_until = $5";
        Ok(self.run(SQL, values![uncertain, place, person, lease.version, lease.until]).await? > 0)
    }

    /// Ends the claims of a process that is no more, for the long-running process that begins on this store. With SQLite
    /// there is no other; with PostgreSQL there may be, and claims end in their time.
    ///
    /// # Errors
    /// When the database fails; claims then end in their time.
    pub async fn end_refreshes_of_before(&self) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE connection SET refreshing_until = NULL, interrupted = 1
             WHERE refreshing_until IS NOT NULL";
        if self.is_sqlite() {
            self.run(SQL, values![]).await?;
        }
        Ok(())
    }

    /// Says that a connection is of no use any more since `now`, and why; its tokens go. True for the one call that did; false when
    /// it is not of this version any more.
    ///
    /// # Errors
    /// When the database fails; breaking again is safe.
    pub async fn break_connection(
        &self,
        place: &str,
        person: &str,
        version: i64,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE connection SET broken = $1, sealed = '', expires = NULL, refreshed = $2,
                 version = $3, refreshing_until = NULL
             WHERE place = $4 AND person = $5 AND version = $6 AND broken IS NULL";
        Ok(writing!(self, tx => {
            let next = raise(&mut *tx, "connection").await?;
            tx.run(SQL, values![reason, now, next, place, person, version]).await? > 0
        }))
    }
}

impl std::fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refreshed").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}
