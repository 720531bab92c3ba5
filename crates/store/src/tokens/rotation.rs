//! Rotation of refresh tokens (RFC 9700 section 4.14): each is used once, and a second use shows that two hold it.
//!
//! Answers get lost, and programs share files. So a used token is good once more for a short grace, as long as the
//! token that took its place was not used: that one then counts as used in its turn. Any other second use revokes the
//! grant. The grant's row is locked first, so that rotations of one family come one after the other.

use doorward_model::Timestamp;
use sqlx::FromRow;

use super::{NewAccessToken, NewRefreshToken};
use crate::{
    Store, StoreError,
    client_grants::{issue, revoke},
    clients::mark_used,
    columns::list,
    engine::{Statements, values, writing},
};

/// What came of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The new tokens are stored.
    Done,
    /// The token was used before: the grant is revoked, and nothing is stored.
    Replayed,
    /// The token has expired, or its grant ended or was revoked before.
    Expired,
    /// There is no such token.
    Unknown,
}

/// A refresh token and what took its place.
#[derive(FromRow)]
struct Member {
    grant_id: String,
    client: String,
    expires: i64,
    used: Option<i64>,
    /// The token that took its place, when that was not used.
    unused_successor: Option<String>,
}

impl Store {
    /// Puts a new refresh token in the place of the one with the hash `old`, with an access token, and marks the client
    /// as used. `groups` are the person's now, when they are known.
    ///
    /// Of two rotations of one token the second, within `grace_secs` seconds of the first and before the first's new
    /// token is used, takes the place of the first; else it revokes the grant.
    ///
    /// # Errors
    /// When the database fails; the rotation then may or may not be done, and trying again within the grace is safe.
    pub async fn rotate_refresh_token(
        &self,
        old: &str,
        refresh: &NewRefreshToken,
        access: &NewAccessToken,
        groups: Option<&[String]>,
        grace_secs: i64,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        Ok(writing!(self, tx => {
            match find(&mut *tx, old, now).await? {
                Err(refused) => refused,
                Ok(member) if member.is_good(grace_secs, now) => {
                    replace(&mut *tx, old, &member, &refresh.hash, now).await?;
                    issue(&mut *tx, &member.grant_id, access, Some(refresh)).await?;
                    set_groups(&mut *tx, &member.grant_id, groups).await?;
                    mark_used(&mut *tx, &member.client, now).await?;
                    Rotation::Done
                }
                Ok(member) => {
                    revoke(&mut *tx, &[member.grant_id], now).await?;
                    Rotation::Replayed
                }
            }
        }))
    }
}

impl Member {
    /// Whether it may be used now: for the first time, or once more.
    fn is_good(&self, grace_secs: i64, now: Timestamp) -> bool {
        match self.used {
            None => true,
            Some(used) => {
                self.unused_successor.is_some() && now <= Timestamp::from_micros(used).plus_secs(grace_secs)
            }
        }
    }
}

/// Locks the family of a token, then reads the token.
async fn find(
    tx: &mut impl Statements,
    hash: &str,
    now: Timestamp,
) -> Result<Result<Member, Rotation>, StoreError> {
    const LOCK: &str = "UPDATE client_grant SET last_used = last_used
         WHERE grant_id = (SELECT grant_id FROM refresh_token WHERE hash = $1) AND revoked IS NULL AND ends > $2";
    const FIND: &str = "SELECT g.grant_id, g.client, t.expires, t.used, s.hash AS unused_successor
         FROM refresh_token t JOIN client_grant g ON g.grant_id = t.grant_id
         LEFT JOIN refresh_token s ON s.hash = t.successor AND s.used IS NULL WHERE t.hash = $1";
    let live = tx.run(LOCK, values![hash, now]).await? > 0;
    let Some(member) = tx.row::<Member>(FIND, values![hash]).await? else {
        return Ok(Err(Rotation::Unknown));
    };
    let good = live && now.as_micros() < member.expires;
    Ok(if good { Ok(member) } else { Err(Rotation::Expired) })
}

/// Marks a token as used, and the unused one that took its place before.
async fn replace(
    tx: &mut impl Statements,
    old: &str,
    member: &Member,
    new: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE refresh_token SET used = COALESCE(used, $1), successor = $2 WHERE hash = $3";
    for used in [Some(old), member.unused_successor.as_deref()].into_iter().flatten() {
        tx.run(SQL, values![now, new, used]).await?;
    }
    Ok(())
}

async fn set_groups(
    tx: &mut impl Statements,
    grant_id: &str,
    groups: Option<&[String]>,
) -> Result<(), StoreError> {
    if let Some(groups) = groups.map(list) {
        tx.run("UPDATE client_grant SET groups = $1 WHERE grant_id = $2", values![&groups, grant_id]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
