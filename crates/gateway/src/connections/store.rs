//! What is written of connections, for whoever makes and ends them.

use doorward_auth::client::scope::ScopeList;
use doorward_model::{Connecting, Place, Secret, Timestamp};
use doorward_store::{Connection, NewConnection, StoreError};

use super::{
    Connections, Key, NoToken, Presented,
    held::{Contents, Row, elsewhere},
};

/// What an authorization server granted.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    /// When the access token is no longer presented; none when nobody says.
    pub(crate) expires: Option<Timestamp>,
    /// With spaces between them.
    pub(crate) scopes: String,
}

/// How somebody stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    /// Not connected.
    None,
    /// Connected.
    Live {
        issuer: String,
        scopes: String,
        expires: Option<Timestamp>,
        since: Timestamp,
        refreshed: Timestamp,
    },
    /// Connected once; why no more, in words for the person.
    Broken { reason: String, since: Timestamp },
}

/// A connection that is gone: what there is to revoke (RFC 7009), and where.
#[derive(Debug)]
pub(crate) struct Revocable {
    pub(crate) issuer: String,
    pub(crate) client: String,
    pub(crate) access: Option<Secret>,
    pub(crate) refresh: Option<Secret>,
}

impl Connections {
    /// Stores what was granted to a person, in the place of what they had there. False: the place has another
    /// authorization server now, or the browser session with this hash, in which it was connected, is over. `client` is
    /// Doorward's name at the issuer.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn connected(
        &self,
        connecting: &Connecting,
        (person, session): (&str, &str),
        (issuer, client): (&str, &str),
        tokens: &Tokens,
    ) -> Result<bool, StoreError> {
        let place = connecting.place.key();
        let key = Key { place: place.clone(), person: person.to_owned() };
        // That the same scopes were asked for before is not forgotten by connecting again.
        let steps = match self.store.connection(&place, person).await? {
            Some(row) if row.broken.is_none() && is_of(connecting, &row) => {
                Contents::open(&self.envelope, Row::of(&row), &row.sealed).map(|contents| contents.steps)
            }
            _ => None,
        };
        let contents = Contents::new(&tokens.access, tokens.refresh.as_ref(), steps.unwrap_or_default());
        let resource = connecting.resource.as_str();
        let sealed = contents.seal(&self.envelope, Row { place: &place, person, issuer, resource });
        let new = NewConnection {
            place: place.clone(),
            person: person.to_owned(),
            issuer: issuer.to_owned(),
            client: client.to_owned(),
            resource: resource.to_owned(),
            scopes: tokens.scopes.clone(),
            sealed,
            expires: tokens.expires,
            now: self.clock.now(),
        };
        let stored = self.store.put_connection_in_session(&new, session).await?.is_some();
        self.forget([(key.place, key.person)]);
        Ok(stored)
    }

    /// Ends a connection; what it was.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn disconnect(
        &self,
        place: &Place,
        person: &str,
    ) -> Result<Option<Revocable>, StoreError> {
        let place = place.key();
        let removed = self.store.remove_connection(&place, person, self.clock.now()).await?;
        self.forget([(place, person.to_owned())]);
        Ok(removed.map(|row| {
            let contents = Contents::open(&self.envelope, Row::of(&row), &row.sealed);
            let (access, refresh) = contents.map(|it| (it.access, it.refresh)).unzip();
            Revocable { issuer: row.issuer, client: row.client, access, refresh: refresh.flatten() }
        }))
    }

    /// How somebody stands at a place.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn state(
        &self,
        connecting: &Connecting,
        person: &str,
    ) -> Result<ConnectionState, StoreError> {
        let Some(row) = self.store.connection(&connecting.place.key(), person).await? else {
            return Ok(ConnectionState::None);
        };
        let broken = row.broken.or_else(|| elsewhere(connecting, &row.resource, &row.issuer));
        Ok(match broken {
            Some(reason) => ConnectionState::Broken { reason, since: row.refreshed },
            None => ConnectionState::Live {
                issuer: row.issuer,
                scopes: row.scopes,
                expires: row.expires,
                since: row.created,
                refreshed: row.refreshed,
            },
        })
    }

    /// What to ask for beyond the usual: what the upstream asked for lately, together with what was granted. What was
    /// granted counts also when the connection has broken since, unless the configuration says what to ask for. A connection
    /// that was made for another address, or by another server, says nothing about this one.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn wished(
        &self,
        connecting: &Connecting,
        person: &str,
    ) -> Result<ScopeList, StoreError> {
        let Some(row) = self.store.connection(&connecting.place.key(), person).await? else {
            return Ok(ScopeList::default());
        };
        if !is_of(connecting, &row) {
            return Ok(ScopeList::default());
        }
        let contents = Contents::open(&self.envelope, Row::of(&row), &row.sealed);
        let steps = contents.map(|contents| contents.steps.wished(self.clock.now())).unwrap_or_default();
        if steps.is_empty() && connecting.scope.is_some() {
            return Ok(steps);
        }
        let granted = ScopeList::parse(&row.scopes).unwrap_or_default();
        Ok(granted.union(&steps))
    }

    /// Notes that an upstream asked for more scopes. False: it did so too often.
    pub(crate) async fn challenged(
        &self,
        presented: &Presented,
        scopes: &ScopeList,
    ) -> Result<bool, NoToken> {
        /// How often to try beside a renewal.
        const TRIES: u32 = 3;
        let key = &presented.key;
        for _ in 0..TRIES {
            let Some(row) = self.store.connection(&key.place, &key.person).await.map_err(NoToken::store)?
            else {
                return Err(NoToken::Never);
            };
            let held = self.open(key, Some(row.clone()))?;
            let (now, mut contents) = (self.clock.now(), held.contents);
            if !contents.steps.note(scopes, now) {
                return Ok(false);
            }
            // Under the lease of renewals: a renewal that finished meanwhile must not be overwritten, nor lose its own.
            let until = now.plus_secs(5);
            let lease = self.store.claim_refresh(&key.place, &key.person, row.version, now, until).await;
            let Some(lease) = lease.map_err(NoToken::store)? else {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                continue;
            };
            if lease.interrupted {
                // What explains a later refusal must stay; the wish is for one request then.
                let released = self.store.release_refresh(&key.place, &key.person, &lease, true).await;
                released.map_err(NoToken::store)?;
                return Ok(true);
            }
            let sealed = contents.seal(&self.envelope, Row::of(&row));
            let noted = doorward_store::Refreshed {
                scopes: row.scopes,
                sealed,
                expires: row.expires,
                now: row.refreshed,
            };
            self.store
                .finish_refresh(&key.place, &key.person, row.version, &noted)
                .await
                .map_err(NoToken::store)?;
            self.forget([(key.place.clone(), key.person.clone())]);
            return Ok(true);
        }
        Ok(true)
    }
}

/// Whether a row is a connection at the place as it is declared now.
fn is_of(connecting: &Connecting, row: &Connection) -> bool {
    elsewhere(connecting, &row.resource, &row.issuer).is_none()
}
