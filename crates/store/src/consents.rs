//! What people need not be asked again: that this client may do this at this resource, and be answered there.

use aws_lc_rs::digest::{Context, SHA256};
use doorward_model::{Scopes, Timestamp};
use sqlx::FromRow;

use crate::{
    Store, StoreError,
    columns::read_scopes,
    engine::{Statements, hex, values},
};

/// What a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub subject: String,
    /// For which client.
    pub client: String,
    /// Where its codes go.
    pub redirect_uri: String,
    /// At which resource.
    pub resource: String,
    /// What it may do there.
    pub scopes: Scopes,
    /// What the client was then: when it changes, people are asked again.
    pub client_digest: String,
    /// When.
    pub created: Timestamp,
}

#[derive(FromRow)]
struct ConsentRow {
    scopes: String,
    client_digest: String,
    created: i64,
}

impl Store {
    /// Remembers a consent, in the place of one for the same subject, client, redirect URI and resource.
    ///
    /// # Errors
    /// When the database fails; remembering again is safe.
    pub async fn remember_consent(&self, consent: &Consent) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO consent (id_hash, subject, client, redirect_uri, resource, scopes,
                 client_digest, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id_hash) DO UPDATE SET scopes = $6, client_digest = $7, created = $8";
        let id_hash = id_hash([&consent.subject, &consent.client, &consent.redirect_uri, &consent.resource]);
        let scopes = consent.scopes.to_string();
        let values = values![
            &id_hash,
            &consent.subject,
            &consent.client,
            &consent.redirect_uri,
            &consent.resource,
            &scopes,
            &consent.client_digest,
            consent.created,
        ];
        self.run(SQL, values).await?;
        Ok(())
    }

    /// What a subject agreed to for a client that is answered at this URI, at this resource.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consent(
        &self,
        subject: &str,
        client: &str,
        redirect_uri: &str,
        resource: &str,
    ) -> Result<Option<Consent>, StoreError> {
        const SQL: &str = "SELECT scopes, client_digest, created FROM consent WHERE id_hash = $1";
        let id_hash = id_hash([subject, client, redirect_uri, resource]);
        let Some(row) = self.row::<ConsentRow>(SQL, values![&id_hash]).await? else { return Ok(None) };
        Ok(Some(Consent {
            subject: subject.to_owned(),
            client: client.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            resource: resource.to_owned(),
            scopes: read_scopes(&row.scopes, "consent.scopes")?,
            client_digest: row.client_digest,
            created: Timestamp::from_micros(row.created),
        }))
    }

    /// Forgets what a subject agreed to for a client; says how many consents.
    ///
    /// # Errors
    /// When the database fails; forgetting again is safe.
    pub async fn forget_consents(&self, subject: &str, client: &str) -> Result<u64, StoreError> {
        self.run("DELETE FROM consent WHERE subject = $1 AND client = $2", values![subject, client]).await
    }
}

/// Forgets what a person agreed to.
pub(crate) async fn forget_consents_of_subject(
    tx: &mut impl Statements,
    subject: &str,
) -> Result<(), StoreError> {
    tx.run("DELETE FROM consent WHERE subject = $1", values![subject]).await?;
    Ok(())
}

/// Forgets what people agreed to for a client.
pub(crate) async fn forget_consents_of_client(
    tx: &mut impl Statements,
    client: &str,
) -> Result<(), StoreError> {
    tx.run("DELETE FROM consent WHERE client = $1", values![client]).await?;
    Ok(())
}

/// A hash of the four texts that make a consent this one. Lengths go in, so that no two fours are alike.
fn id_hash(parts: [&str; 4]) -> String {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(hash.finish().as_ref())
}

#[cfg(test)]
mod tests;
