//! Authorization codes. A code is redeemed once; which of two redemptions is the one, a single conditional
//! statement decides. What was redeemed is remembered, so that a second time shows.

use doorward_model::{ClientGrant, Timestamp};
use sqlx::FromRow;

use crate::{
    NewAccessToken, NewRefreshToken, Store, StoreError,
    client_grants::{GrantRow, grant_columns, insert_grant, issue},
    clients::mark_used,
    columns::list,
    engine::{Statements, values, writing},
};

/// A code that is about to be handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// SHA-256 of the code, in hex.
    pub hash: String,
    /// What its redemption grants.
    pub grant: ClientGrant,
    /// Where it is sent.
    pub redirect_uri: String,
    /// The PKCE challenge (S256).
    pub challenge: String,
    /// Until when it can be redeemed.
    pub expires: Timestamp,
}

/// A code that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    /// What its redemption grants, or granted.
    pub grant: ClientGrant,
    /// Where it was sent.
    pub redirect_uri: String,
    /// The PKCE challenge (S256).
    pub challenge: String,
    /// Until when it can be redeemed.
    pub expires: Timestamp,
    /// Whether it has been.
    pub redeemed: bool,
}

/// What came of a redemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// The grant and its tokens are stored.
    Now(Box<ClientGrant>),
    /// It was redeemed before; nothing was stored. Whoever asks again holds a code that is not theirs, or the first
    /// one did.
    Already {
        /// What the first redemption granted.
        grant_id: String,
    },
    /// There is no such code, or not any more.
    Unknown,
}

#[derive(FromRow)]
struct CodeRow {
    #[sqlx(flatten)]
    grant: GrantRow,
    redirect_uri: String,
    challenge: String,
    expires: i64,
    redeemed: Option<i64>,
}

const FIND: &str = concat!(
    "SELECT ",
    grant_columns!(),
    ", g.redirect_uri, g.challenge, g.expires, g.redeemed FROM authorization_code g WHERE g.hash = $1"
);

impl Store {
    /// Stores a code.
    ///
    /// # Errors
    /// When the database fails, or has a code of this hash.
    pub async fn put_code(&self, code: &NewCode) -> Result<(), StoreError> {
        const SQL: &str =
            "INSERT INTO authorization_code (hash, grant_id, subject, groups, domain, client, client_name,
                 redirect, resource, scopes, created, ends, redirect_uri, challenge, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
        let grant = &code.grant;
        let (groups, scopes) = (list(&grant.groups), grant.scopes.to_string());
        let values = values![
            &code.hash,
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
            &code.redirect_uri,
            &code.challenge,
            code.expires,
        ];
        self.run(SQL, values).await?;
        Ok(())
    }

    /// The code of this hash, also when it was redeemed or has expired: until a day after that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn code(&self, hash: &str) -> Result<Option<StoredCode>, StoreError> {
        self.row::<CodeRow>(FIND, values![hash]).await?.map(CodeRow::read).transpose()
    }

    /// Redeems a code: of any number of calls for one code, one stores the grant with these tokens and marks the
    /// client as used.
    ///
    /// Everything that a caller can get wrong is to be checked before, for a code is not redeemed twice.
    ///
    /// # Errors
    /// When the database fails; the code then may or may not be redeemed.
    pub async fn redeem_code(
        &self,
        hash: &str,
        access: &NewAccessToken,
        refresh: Option<&NewRefreshToken>,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        Ok(writing!(self, tx => redeem(&mut *tx, hash, access, refresh, now).await?))
    }
}

async fn redeem(
    tx: &mut impl Statements,
    hash: &str,
    access: &NewAccessToken,
    refresh: Option<&NewRefreshToken>,
    now: Timestamp,
) -> Result<Redeemed, StoreError> {
    const SQL: &str = "UPDATE authorization_code SET redeemed = $1
         WHERE hash = $2 AND redeemed IS NULL AND expires > $1";
    let won = tx.run(SQL, values![now, hash]).await? > 0;
    let Some(code) = tx.row::<CodeRow>(FIND, values![hash]).await? else { return Ok(Redeemed::Unknown) };
    let StoredCode { grant, redeemed, .. } = code.read()?;
    match (won, redeemed) {
        (true, _) => {}
        (false, true) => return Ok(Redeemed::Already { grant_id: grant.id }),
        (false, false) => return Ok(Redeemed::Unknown),
    }
    insert_grant(tx, &grant).await?;
    issue(tx, &grant.id, access, refresh).await?;
    mark_used(tx, &grant.client, now).await?;
    Ok(Redeemed::Now(Box::new(grant)))
}

/// Forgets the codes of a subject. To be done before its grants are revoked: a redemption that comes between is
/// waited for here, and its grant is seen there.
pub(crate) async fn forget_codes_of_subject(
    tx: &mut impl Statements,
    subject: &str,
) -> Result<(), StoreError> {
    tx.run("DELETE FROM authorization_code WHERE subject = $1", values![subject]).await?;
    Ok(())
}

/// Forgets the codes of a client; as [`forget_codes_of_subject`].
pub(crate) async fn forget_codes_of_client(tx: &mut impl Statements, client: &str) -> Result<(), StoreError> {
    tx.run("DELETE FROM authorization_code WHERE client = $1", values![client]).await?;
    Ok(())
}

impl CodeRow {
    fn read(self) -> Result<StoredCode, StoreError> {
        Ok(StoredCode {
            grant: self.grant.read()?,
            redirect_uri: self.redirect_uri,
            challenge: self.challenge,
            expires: Timestamp::from_micros(self.expires),
            redeemed: self.redeemed.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
