//! Connections: what people's accounts at upstreams and agents gave Doorward, one for each person and place.
//!
//! Each change gets a number from one sequence, which is the connection's version from then on: whoever changes what they
//! read says which version that was, and loses when it is an earlier one. Running processes poll the same sequence with
//! a cursor, and forget what it tells; removals stay in it for a day.
//!
//! The tokens are sealed by whoever writes them; this module cannot read them.

mod refresh;

use std::fmt;

use doorward_model::Timestamp;
use sqlx::FromRow;

pub use refresh::{RefreshLease, Refreshed};

use crate::{
    LONGEST_ID, Store, StoreError,
    columns::{check_id, read_time},
    engine::{Statements, raise, values, writing},
};

/// Selects connections.
macro_rules! connection_query {
    ($which:literal) => {
        concat!(
            "SELECT place, person, issuer, client, resource, scopes, sealed, expires, broken, version,
                 refreshing_until, interrupted, created, refreshed FROM connection ",
            $which
        )
    };
}

/// Announces the removal of connections under the number `$1`, at the time `$2`.
macro_rules! removal_of {
    ($which:literal) => {
        concat!(
            "INSERT INTO removed_connection (place, person, change, removed)
             SELECT place, person, $1, $2 FROM connection ",
            $which,
            " ON CONFLICT (place, person) DO UPDATE SET change = excluded.change, removed = excluded.removed"
        )
    };
}

/// How long replicas can learn that a connection was removed.
pub(crate) const REMOVED_SECS: i64 = 24 * 3_600;

/// What a person connected.
#[derive(Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// Where: the key of a place, at most [`LONGEST_ID`] bytes.
    pub place: String,
    /// Whose it is: a subject, at most [`LONGEST_ID`] bytes; empty where one connection serves all.
    pub person: String,
    /// The authorization server: the exact string of its issuer.
    pub issuer: String,
    /// Doorward's client there.
    pub client: String,
    /// The protected resource (RFC 8707).
    pub resource: String,
    /// What was granted, with spaces between them.
    pub scopes: String,
    /// The tokens, sealed.
    pub sealed: String,
    /// When the access token expires, where that is known.
    pub expires: Option<Timestamp>,
    /// When it was connected.
    pub now: Timestamp,
}

/// A connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// Where: the key of a place.
    pub place: String,
    /// Whose it is: a subject; empty where one connection serves all.
    pub person: String,
    /// The authorization server: the exact string of its issuer.
    pub issuer: String,
    /// Doorward's client there.
    pub client: String,
    /// The protected resource (RFC 8707).
    pub resource: String,
    /// What was granted, with spaces between them.
    pub scopes: String,
    /// The tokens, sealed; empty when it is broken.
    pub sealed: String,
    /// When the access token expires, where that is known.
    pub expires: Option<Timestamp>,
    /// Why it is of no use any more: somebody has to connect again.
    pub broken: Option<String>,
    /// Rises with every change, across all connections.
    pub version: i64,
    /// Until when somebody may be refreshing it. When that is past, they were killed or cut off.
    pub refreshing_until: Option<Timestamp>,
    /// Whether an earlier refresh was begun of which nobody knows what came.
    pub interrupted: bool,
    /// When it was connected.
    pub created: Timestamp,
    /// When its tokens were last refreshed, or connected; of a broken one, when it broke.
    pub refreshed: Timestamp,
}

/// A place in the sequence of changes. The default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionCursor(i64);

#[derive(FromRow)]
struct ConnectionRow {
    place: String,
    person: String,
    issuer: String,
    client: String,
    resource: String,
    scopes: String,
    sealed: String,
    expires: Option<i64>,
    broken: Option<String>,
    version: i64,
    refreshing_until: Option<i64>,
    interrupted: i64,
    created: i64,
    refreshed: i64,
}

impl Connection {
    /// Whether the authorization server may hold other tokens for it than the store does: a refresh was begun, and the
    /// process ended, or the answer got lost, before its outcome was stored. A server that rotates refresh tokens then
    /// refuses the stored one (RFC 9700 section 4.14), and only connecting again helps.
    pub fn maybe_rotated(&self, now: Timestamp) -> bool {
        self.interrupted || self.refreshing_until.is_some_and(|until| until <= now)
    }
}

impl Store {
    /// The connection of a person at a place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connection(&self, place: &str, person: &str) -> Result<Option<Connection>, StoreError> {
        let sql = connection_query!("WHERE place = $1 AND person = $2");
        Ok(self.row::<ConnectionRow>(sql, values![place, person]).await?.map(ConnectionRow::read))
    }

    /// Stores a connection, in the place of the one that the person had there; says which version it is. Nothing is
    /// stored when another authorization server is the approved one of that place (see [`Store::note_authority`]); where
    /// none is approved, any may be connected.
    ///
    /// # Errors
    /// [`StoreError::BadId`] when the place, the person or the issuer cannot be stored, or when the database fails;
    /// trying again is safe then.
    pub async fn put_connection(&self, new: &NewConnection) -> Result<Option<i64>, StoreError> {
        self.put_connection_of(new, None).await
    }

    /// The same for what somebody connected in a browser in which they were signed in, under this hash of a cookie: nothing
    /// is stored when that session is over by now, as it is when its user was removed.
    ///
    /// # Errors
    /// As [`Store::put_connection`].
    pub async fn put_connection_in_session(
        &self,
        new: &NewConnection,
        session: &str,
    ) -> Result<Option<i64>, StoreError> {
        self.put_connection_of(new, Some(session)).await
    }

    async fn put_connection_of(
        &self,
        new: &NewConnection,
        session: Option<&str>,
    ) -> Result<Option<i64>, StoreError> {
        const ELSEWHERE: &str = "SELECT change FROM authority WHERE place = $1 AND issuer <> $2";
        const OPEN: &str = "SELECT created FROM browser_session WHERE hash = $1";
        check_id(&new.place)?;
        check_id(&new.issuer)?;
        check_person(&new.person)?;
        Ok(writing!(self, tx => {
            // First, so that no other one is approved before the commit; and whoever ends a session with its connections
            // waits here as well, and then finds this one.
            let version = raise(&mut *tx, "connection").await?;
            if let Some(session) = session
                && tx.row::<(i64,)>(OPEN, values![session]).await?.is_none()
            {
                return Ok(None);
            }
            if tx.row::<(i64,)>(ELSEWHERE, values![&new.place, &new.issuer]).await?.is_some() {
                return Ok(None);
            }
            put(&mut *tx, new, version).await?;
            Some(version)
        }))
    }

    /// Removes a connection; says what it was, if there was one. A refresh that is under way does not bring it back.
    ///
    /// # Errors
    /// When the database fails; removing again is safe.
    pub async fn remove_connection(
        &self,
        place: &str,
        person: &str,
        now: Timestamp,
    ) -> Result<Option<Connection>, StoreError> {
        const ANNOUNCE: &str = removal_of!("WHERE place = $3 AND person = $4");
        const SQL: &str = "DELETE FROM connection WHERE place = $1 AND person = $2";
        let query = connection_query!("WHERE place = $1 AND person = $2");
        if [place, person].iter().any(|id| id.contains('\0')) {
            return Ok(None);
        }
        Ok(writing!(self, tx => {
            let change = raise(&mut *tx, "connection").await?;
            let found: Option<ConnectionRow> = tx.row(query, values![place, person]).await?;
            if found.is_some() {
                tx.run(ANNOUNCE, values![change, now, place, person]).await?;
                tx.run(SQL, values![place, person]).await?;
            }
            found.map(ConnectionRow::read)
        }))
    }

    /// The connections of a person, in the order of places: there are as many as there were ever places.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connections_of(&self, person: &str) -> Result<Vec<Connection>, StoreError> {
        let sql = connection_query!("WHERE person = $1 ORDER BY place");
        let rows = self.rows::<ConnectionRow>(sql, values![person]).await?;
        Ok(rows.into_iter().map(ConnectionRow::read).collect())
    }

    /// The connections of all people, by place and person, after those of `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connections(
        &self,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Connection>, StoreError> {
        let sql = connection_query!("WHERE (place, person) > ($1, $2) ORDER BY place, person LIMIT $3");
        // No place is empty.
        let (place, person) = after.unwrap_or_default();
        let rows = self.rows::<ConnectionRow>(sql, values![place, person, i64::from(limit)]).await?;
        Ok(rows.into_iter().map(ConnectionRow::read).collect())
    }

    /// Where the sequence of changes ends now: for who remembers nothing yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_connection_change(&self) -> Result<ConnectionCursor, StoreError> {
        const SQL: &str = "SELECT value FROM counter WHERE name = 'connection'";
        let (value,) = self.row::<(i64,)>(SQL, &[]).await?.unwrap_or_default();
        Ok(ConnectionCursor(value))
    }

    /// The places and persons of the connections that were connected, refreshed, broken or removed after `cursor`, and
    /// where to go on. Removals are told for a day: whoever could not ask for so long should forget everything.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connections_changed(
        &self,
        cursor: ConnectionCursor,
    ) -> Result<(Vec<(String, String)>, ConnectionCursor), StoreError> {
        const SQL: &str = "SELECT version AS change, place, person FROM connection WHERE version > $1
             UNION ALL SELECT change, place, person FROM removed_connection WHERE change > $1
             ORDER BY change";
        let rows: Vec<(i64, String, String)> = self.rows(SQL, values![cursor.0]).await?;
        let last = rows.last().map_or(cursor, |(change, ..)| ConnectionCursor(*change));
        Ok((rows.into_iter().map(|(_, place, person)| (place, person)).collect(), last))
    }
}

/// Ends the connections of a place at all other authorization servers, under the number `change`.
pub(crate) async fn remove_of_other_issuers(
    tx: &mut impl Statements,
    place: &str,
    issuer: &str,
    change: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    const ANNOUNCE: &str = removal_of!("WHERE place = $3 AND issuer <> $4");
    const SQL: &str = "DELETE FROM connection WHERE place = $1 AND issuer <> $2";
    tx.run(ANNOUNCE, values![change, now, place, issuer]).await?;
    tx.run(SQL, values![place, issuer]).await?;
    Ok(())
}

/// Ends all connections of a person.
pub(crate) async fn remove_of_person(
    tx: &mut impl Statements,
    person: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const ANNOUNCE: &str = removal_of!("WHERE person = $3");
    const SQL: &str = "DELETE FROM connection WHERE person = $1";
    let change = raise(tx, "connection").await?;
    tx.run(ANNOUNCE, values![change, now, person]).await?;
    tx.run(SQL, values![person]).await?;
    Ok(())
}

async fn put(tx: &mut impl Statements, new: &NewConnection, version: i64) -> Result<(), StoreError> {
    const REPLACED: &str = "DELETE FROM connection WHERE place = $1 AND person = $2";
    const BACK: &str = "DELETE FROM removed_connection WHERE place = $1 AND person = $2";
    const SQL: &str =
        "INSERT INTO connection (place, person, issuer, client, resource, scopes, sealed, expires,
             version, interrupted, created, refreshed)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $10)";
    let NewConnection { place, person, issuer, client, resource, scopes, sealed, expires, now } = new;
    tx.run(REPLACED, values![place, person]).await?;
    tx.run(BACK, values![place, person]).await?;
    let values = values![place, person, issuer, client, resource, scopes, sealed, *expires, version, *now];
    tx.run(SQL, values).await?;
    Ok(())
}

/// Refuses a person that cannot be stored.
fn check_person(person: &str) -> Result<(), StoreError> {
    if person.len() > LONGEST_ID { Err(StoreError::BadId) } else { Ok(()) }
}

impl ConnectionRow {
    fn read(self) -> Connection {
        Connection {
            place: self.place,
            person: self.person,
            issuer: self.issuer,
            client: self.client,
            resource: self.resource,
            scopes: self.scopes,
            sealed: self.sealed,
            expires: read_time(self.expires),
            broken: self.broken,
            version: self.version,
            refreshing_until: read_time(self.refreshing_until),
            interrupted: self.interrupted != 0,
            created: Timestamp::from_micros(self.created),
            refreshed: Timestamp::from_micros(self.refreshed),
        }
    }
}

impl fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewConnection")
            .field("place", &self.place)
            .field("person", &self.person)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("place", &self.place)
            .field("person", &self.person)
            .field("issuer", &self.issuer)
            .field("broken", &self.broken)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
