//! Browsers in which somebody is signed in: for consent, connections and the console alike.
//!
//! A session ends when nothing came from the browser for eight hours, at the end that it was given, or by a word.

use doorward_model::{Person, Timestamp};
use sqlx::FromRow;

use crate::{
    Store, StoreError,
    columns::{list, read_list},
    engine::{Statements, values},
};

/// How long a browser may say nothing.
pub(crate) const IDLE_SECS: i64 = 8 * 3_600;

/// How exactly the last word of a browser is known: a row is not written for every page.
const SEEN_STEP_SECS: i64 = 60;

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBrowserSession {
    /// SHA-256 of the cookie, in hex.
    pub hash: String,
    /// Who signed in.
    pub person: Person,
    /// By which sign-in provider; none for local users.
    pub provider: Option<String>,
    /// When they did.
    pub created: Timestamp,
    /// When the session ends, whatever happens.
    pub expires: Timestamp,
}

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSession {
    /// Who signed in.
    pub person: Person,
    /// By which sign-in provider; none for local users.
    pub provider: Option<String>,
    /// When they did.
    pub created: Timestamp,
    /// When the session ends, whatever happens.
    pub expires: Timestamp,
}

#[derive(FromRow)]
struct SessionRow {
    subject: String,
    name: String,
    groups: String,
    domain: Option<String>,
    administrator: i64,
    provider: Option<String>,
    created: i64,
    expires: i64,
    seen: i64,
}

impl Store {
    /// Begins a session.
    ///
    /// # Errors
    /// When the database fails, or has a session of this hash.
    pub async fn start_browser_session(&self, session: &NewBrowserSession) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO browser_session (hash, subject, name, groups, domain, administrator,
                 provider, created, expires, seen)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8)";
        let person = &session.person;
        let groups = list(&person.groups);
        let values = values![
            &session.hash,
            &person.subject,
            &person.name,
            &groups,
            &person.domain,
            person.administrator,
            &session.provider,
            session.created,
            session.expires,
        ];
        self.run(SQL, values).await?;
        Ok(())
    }

    /// The session of this hash, when it goes on at `now`, which is then its browser's last word. The person is as they
    /// signed in, but for what was changed of a local user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn browser_session(
        &self,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<BrowserSession>, StoreError> {
        const FIND: &str =
            "SELECT subject, name, groups, domain, administrator, provider, created, expires, seen
             FROM browser_session WHERE hash = $1 AND expires > $2 AND seen > $3";
        const SEEN: &str = "UPDATE browser_session SET seen = $1 WHERE hash = $2 AND seen < $1";
        let row: Option<SessionRow> = self.row(FIND, values![hash, now, now.plus_secs(-IDLE_SECS)]).await?;
        let Some(row) = row else { return Ok(None) };
        if row.seen <= now.plus_secs(-SEEN_STEP_SECS).as_micros() {
            self.run(SEEN, values![now, hash]).await?;
        }
        row.read().map(Some)
    }

    /// Ends a session. True for the one call that did.
    ///
    /// # Errors
    /// When the database fails; ending again is safe.
    pub async fn end_browser_session(&self, hash: &str) -> Result<bool, StoreError> {
        Ok(self.run("DELETE FROM browser_session WHERE hash = $1", values![hash]).await? > 0)
    }

    /// Ends all sessions of a person; says how many.
    ///
    /// # Errors
    /// When the database fails; ending again is safe.
    pub async fn end_browser_sessions_of(&self, subject: &str) -> Result<u64, StoreError> {
        self.run(END_OF, values![subject]).await
    }
}

const END_OF: &str = "DELETE FROM browser_session WHERE subject = $1";

/// Ends all sessions of a person.
pub(crate) async fn end_sessions_of(tx: &mut impl Statements, subject: &str) -> Result<(), StoreError> {
    tx.run(END_OF, values![subject]).await?;
    Ok(())
}

/// Changes what the sessions of a local user know about them.
pub(crate) async fn change_sessions_of_user(
    tx: &mut impl Statements,
    name: &str,
    administrator: Option<bool>,
    groups: Option<&str>,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE browser_session SET administrator = COALESCE($1, administrator),
             groups = COALESCE($2, groups) WHERE subject = $3 AND provider IS NULL";
    tx.run(SQL, values![administrator, groups, name]).await?;
    Ok(())
}

impl SessionRow {
    fn read(self) -> Result<BrowserSession, StoreError> {
        let person = Person {
            groups: read_list(&self.groups, "browser_session.groups")?,
            subject: self.subject,
            name: self.name,
            domain: self.domain,
            administrator: self.administrator != 0,
        };
        Ok(BrowserSession {
            person,
            provider: self.provider,
            created: Timestamp::from_micros(self.created),
            expires: Timestamp::from_micros(self.expires),
        })
    }
}

#[cfg(test)]
mod tests;
