//! What clients were granted, and how it is taken back.
//!
//! A grant is live until it is revoked, until it ends, or until the last of its tokens has expired. Revoking keeps
//! the row: the tokens of a revoked grant are known and worth nothing.

use doorward_model::{ClientGrant, Timestamp};
use sqlx::FromRow;

use crate::{
    NewAccessToken, NewRefreshToken, Store, StoreError,
    clients::mark_used,
    columns::{list, read_list, read_scopes, read_time},
    engine::{Statements, values, writing},
    revocations::announce_grants,
    tokens::{insert_access_token, insert_refresh_token},
};

/// The most grants of one answer.
const PAGE: u32 = 1_000;

/// A grant as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantSeen {
    /// The grant.
    pub grant: ClientGrant,
    /// When tokens were last issued under it.
    pub last_used: Option<Timestamp>,
}

/// The columns of a [`ClientGrant`], of whichever table is called `g`.
macro_rules! grant_columns {
    () => {
        "g.grant_id, g.subject, g.groups, g.domain, g.client, g.client_name, g.redirect, g.resource, g.scopes, \
         g.created, g.ends"
    };
}

pub(crate) use grant_columns;

/// The columns of a [`ClientGrant`].
#[derive(FromRow)]
pub(crate) struct GrantRow {
    grant_id: String,
    subject: String,
    groups: String,
    domain: Option<String>,
    client: String,
    client_name: Option<String>,
    redirect: Option<String>,
    resource: String,
    scopes: String,
    created: i64,
    ends: i64,
}

#[derive(FromRow)]
struct SeenRow {
    #[sqlx(flatten)]
    grant: GrantRow,
    last_used: Option<i64>,
}

impl Store {
    /// Stores a grant together with its only token, and marks the client as used.
    ///
    /// For what comes without a code: client credentials, assertions, `doorward token issue`.
    ///
    /// # Errors
    /// When the database fails, or has a grant of this id or a token of this hash.
    pub async fn put_client_grant(
        &self,
        grant: &ClientGrant,
        access: &NewAccessToken,
    ) -> Result<(), StoreError> {
        writing!(self, tx => {
            insert_grant(&mut *tx, grant).await?;
            issue(&mut *tx, &grant.id, access, None).await?;
            mark_used(&mut *tx, &grant.client, access.issued).await?;
        });
        Ok(())
    }

    /// The grant of this id, whatever became of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn client_grant(&self, id: &str) -> Result<Option<ClientGrant>, StoreError> {
        const SQL: &str = concat!("SELECT ", grant_columns!(), " FROM client_grant g WHERE g.grant_id = $1");
        self.row::<GrantRow>(SQL, values![id]).await?.map(GrantRow::read).transpose()
    }

    /// A subject's live grants, newest first. At most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn client_grants_of(
        &self,
        subject: &str,
        now: Timestamp,
    ) -> Result<Vec<GrantSeen>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            grant_columns!(),
            ", g.last_used FROM client_grant g
             WHERE g.subject = $1 AND g.revoked IS NULL AND g.expires > $2 AND g.ends > $2
             ORDER BY g.created DESC, g.grant_id DESC LIMIT $3"
        );
        seen(self.rows(SQL, values![subject, now, i64::from(PAGE)]).await?)
    }

    /// Everybody's live grants, newest first: those before a grant's time and id, or the newest. At most `limit`, and
    /// at most 1,000.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn client_grants(
        &self,
        before: Option<(Timestamp, &str)>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<GrantSeen>, StoreError> {
        const SQL: &str = concat!(
            "SELECT ",
            grant_columns!(),
            ", g.last_used FROM client_grant g
             WHERE (g.created, g.grant_id) < ($1, $2) AND g.revoked IS NULL AND g.expires > $3 AND g.ends > $3
             ORDER BY g.created DESC, g.grant_id DESC LIMIT $4"
        );
        let (created, id) = before.unwrap_or((Timestamp::from_micros(i64::MAX), ""));
        seen(self.rows(SQL, values![created, id, now, i64::from(limit.min(PAGE))]).await?)
    }

    /// Revokes a grant, and with it all of its tokens. True for the one call that did.
    ///
    /// # Errors
    /// When the database fails; revoking again is safe.
    pub async fn revoke_client_grant(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = writing!(self, tx => revoke(&mut *tx, &[id.to_owned()], now).await?);
        Ok(revoked > 0)
    }
}

/// Revokes all grants of a subject; says how many.
pub(crate) async fn revoke_of_subject(
    tx: &mut impl Statements,
    subject: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let grants = ids(tx, OF_SUBJECT, subject).await?;
    revoke(tx, &grants, now).await
}

/// Revokes all grants of a client; says how many.
pub(crate) async fn revoke_of_client(
    tx: &mut impl Statements,
    client: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let grants = ids(tx, OF_CLIENT, client).await?;
    revoke(tx, &grants, now).await
}

/// Changes the groups in all grants of a subject, and tells the replicas.
pub(crate) async fn change_groups_of(
    tx: &mut impl Statements,
    subject: &str,
    groups: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE client_grant SET groups = $1 WHERE grant_id = $2";
    let grants = ids(tx, OF_SUBJECT, subject).await?;
    for id in &grants {
        tx.run(SQL, values![groups, id]).await?;
    }
    announce_grants(tx, &grants, now).await
}

const OF_SUBJECT: &str = "SELECT grant_id FROM client_grant WHERE subject = $1 AND revoked IS NULL";
const OF_CLIENT: &str = "SELECT grant_id FROM client_grant WHERE client = $1 AND revoked IS NULL";

/// Ids of grants, in the order in which everybody locks their rows: of two who change the same grants one waits, and
/// never both. The counter of revocations is raised after them.
async fn ids(tx: &mut impl Statements, sql: &'static str, whose: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = tx.rows(sql, values![whose]).await?;
    let mut ids: Vec<_> = rows.into_iter().map(|(id,)| id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Revokes grants, in the order of their ids, and tells the replicas; says how many were not yet revoked.
pub(crate) async fn revoke(
    tx: &mut impl Statements,
    grants: &[String],
    now: Timestamp,
) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE client_grant SET revoked = $1 WHERE grant_id = $2 AND revoked IS NULL";
    let mut revoked = Vec::new();
    for id in grants {
        if tx.run(SQL, values![now, id]).await? > 0 {
            revoked.push(id.clone());
        }
    }
    announce_grants(tx, &revoked, now).await?;
    Ok(revoked.len() as u64)
}

/// Makes the row of a grant that has no tokens yet.
pub(crate) async fn insert_grant(tx: &mut impl Statements, grant: &ClientGrant) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO client_grant (grant_id, subject, groups, domain, client, client_name, redirect,
             resource, scopes, created, ends, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10)";
    let (groups, scopes) = (list(&grant.groups), grant.scopes.to_string());
    let values = values![
        &grant.id,
        &grant.subject,
        &groups,
        &grant.domain,
        &grant.client,
        &grant.client_name,
        &grant.redirect,
        &grant.resource,
        &scopes,
        grant.created,
        grant.expires,
    ];
    tx.run(SQL, values).await?;
    Ok(())
}

/// Puts tokens under a grant, which then lives as long as they do.
pub(crate) async fn issue(
    tx: &mut impl Statements,
    grant_id: &str,
    access: &NewAccessToken,
    refresh: Option<&NewRefreshToken>,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE client_grant
         SET last_used = $1, expires = CASE WHEN expires < $2 THEN $2 ELSE expires END WHERE grant_id = $3";
    insert_access_token(tx, grant_id, access).await?;
    if let Some(refresh) = refresh {
        insert_refresh_token(tx, grant_id, refresh).await?;
    }
    let expires = refresh.map_or(access.expires, |refresh| refresh.expires.max(access.expires));
    tx.run(SQL, values![access.issued, expires, grant_id]).await?;
    Ok(())
}

impl GrantRow {
    /// The row as the model has it.
    pub(crate) fn read(self) -> Result<ClientGrant, StoreError> {
        Ok(ClientGrant {
            groups: read_list(&self.groups, "client_grant.groups")?,
            domain: self.domain,
            scopes: read_scopes(&self.scopes, "client_grant.scopes")?,
            id: self.grant_id,
            subject: self.subject,
            client: self.client,
            client_name: self.client_name,
            redirect: self.redirect,
            resource: self.resource,
            created: Timestamp::from_micros(self.created),
            expires: Timestamp::from_micros(self.ends),
        })
    }
}

fn seen(rows: Vec<SeenRow>) -> Result<Vec<GrantSeen>, StoreError> {
    let seen = |row: SeenRow| Ok(GrantSeen { grant: row.grant.read()?, last_used: read_time(row.last_used) });
    rows.into_iter().map(seen).collect()
}

#[cfg(test)]
mod tests;
