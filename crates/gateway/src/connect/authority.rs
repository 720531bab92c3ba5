//! The authorization server of a place, and Doorward's client there: found out when it is needed, and kept for a while.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use doorward_auth::{
    client::{
        discovery::{AuthorizationServer, DiscoveryError},
        registration::{RegisteredClient, RegistrationError},
        scope::{self, ScopeList},
    },
    keys::hash,
};
use doorward_egress::Trust;
use doorward_model::{Connecting, Timestamp};
use doorward_store::{Observed, StoreError};
use lru::LruCache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::{
    discovery::{self, Said},
    registration,
};
use crate::{App, bounded};

/// How many places are kept.
const CAPACITY: usize = 1_000;
/// How long what a place and its server say is kept for renewals, in seconds.
const KEPT: i64 = 600;
/// Questions that are asked at the same time.
const TOGETHER: usize = 50;
/// How many of them may be at one server: one that is slow leaves room for the others.
const AT_ONE: usize = 10;
/// How long a question waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// Who approved an authorization server that the operator's file names.
const FILE: &str = "configuration";

/// What is known of authorization servers.
pub(crate) struct Authorities {
    known: Mutex<LruCache<String, Known>>,
    /// Places whose server was warned of.
    warned: Mutex<LruCache<String, ()>>,
    turns: Arc<Semaphore>,
    /// The turns at each server, by host and port.
    at: Mutex<LruCache<String, Arc<Semaphore>>>,
}

/// The right to ask one question, until it is dropped.
pub(super) struct Turn {
    _at: OwnedSemaphorePermit,
    _turn: OwnedSemaphorePermit,
}

/// What is known of one, since when, and how it was declared then.
#[derive(Clone)]
struct Known {
    authorized: Arc<Authorized>,
    since: Timestamp,
    declared: String,
}

/// Where connections at a place are made and renewed, and as which client.
#[derive(Debug)]
pub(crate) struct Authorized {
    /// What goes into `resource` of every request (RFC 8707), exactly so.
    pub(crate) resource: String,
    /// The authorization server.
    pub(crate) server: AuthorizationServer,
    /// Doorward's client there.
    pub(crate) client: RegisteredClient,
    /// The scopes to ask for.
    pub(crate) scopes: ScopeList,
    /// How the place was declared: what is trusted follows from it.
    connecting: Connecting,
}

/// Why nobody can be asked for a token. In words for operators: nothing of it is shown to callers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Somebody does not answer.
    #[error("{0}")]
    Away(String),
    /// What is said does not hold.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// There is no way to become a client.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The place names another authorization server than the approved one.
    #[error(
        "the authorization server was {approved} and now is {found}: `doorward connection approve` lets it"
    )]
    Changed {
        /// The approved one.
        approved: String,
        /// The other one.
        found: String,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ConnectError {
    /// Whether it goes away by itself.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Away(_) | Self::Store(_) => true,
            Self::Registration(error) => error.is_passing(),
            Self::Discovery(_) | Self::Changed { .. } => false,
        }
    }
}

impl Authorities {
    /// Knows none yet.
    pub(crate) fn new() -> Self {
        Self {
            known: Mutex::new(bounded::cache(CAPACITY)),
            warned: Mutex::new(bounded::cache(CAPACITY)),
            turns: Arc::new(Semaphore::new(TOGETHER)),
            at: Mutex::new(bounded::cache(CAPACITY)),
        }
    }

    /// Waits for a turn at a server, given as host and port; none when that takes too long. Who waits for a slow server
    /// has no turn meanwhile that others wait for.
    pub(super) async fn turn(&self, server: &str) -> Option<Turn> {
        let at = {
            let mut known = self.at.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Semaphore::new(AT_ONE));
            Arc::clone(known.get_or_insert(server.to_owned(), new))
        };
        let turn = async {
            let at = at.acquire_owned().await.ok()?;
            let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
            Some(Turn { _at: at, _turn: turn })
        };
        tokio::time::timeout(TURN, turn).await.ok().flatten()
    }

    /// What is known of a place that is declared like this, if it is not too old and not of another server than the
    /// approved one.
    fn get(&self, connecting: &Connecting, now: Timestamp, age: i64) -> Option<Arc<Authorized>> {
        let mut known = self.lock();
        let known = known.get(&connecting.place.key())?;
        let good = now < known.since.plus_secs(age)
            && known.declared == declared(connecting)
            && known.authorized.client.is_good_at(now);
        good.then(|| Arc::clone(&known.authorized))
    }

    fn put(&self, authorized: &Arc<Authorized>, since: Timestamp) {
        let declared = declared(&authorized.connecting);
        let known = Known { authorized: Arc::clone(authorized), since, declared };
        self.lock().put(authorized.connecting.place.key(), known);
    }

    /// Warns, once for each place, where nothing but the upstream says who its server is, and the server does not say
    /// which answers are its own (RFC 9207).
    fn warn(&self, connecting: &Connecting, server: &AuthorizationServer) {
        if server.names_issuer || connecting.issuer.is_some() {
            return;
        }
        let (place, issuer) = (connecting.place.key(), &server.issuer);
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.put(place.clone(), ()).is_none() {
            tracing::warn!(
                place,
                issuer,
                "the authorization server does not name itself in its answers (RFC 9207), and the upstream alone says \
                 that it is the one: `issuer` in the credential settles it"
            );
        }
    }

    fn forget(&self, connecting: &Connecting) {
        self.lock().pop(&connecting.place.key());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authorized {
    /// How far an address of the server's is trusted.
    pub(super) fn trust(&self, url: &Url) -> Trust {
        discovery::trust(&self.connecting, url)
    }
}

/// Where connections at a place are authorized. What is known is asked again after ten minutes.
///
/// # Errors
/// [`ConnectError`], of which [`ConnectError::Changed`] has sent nothing to the other server.
pub(crate) async fn authority(app: &App, connecting: &Connecting) -> Result<Arc<Authorized>, ConnectError> {
    authority_within(app, connecting, KEPT).await
}

/// The same, asked again after so many seconds.
pub(super) async fn authority_within(
    app: &App,
    connecting: &Connecting,
    age: i64,
) -> Result<Arc<Authorized>, ConnectError> {
    let now = app.clock().now();
    if let Some(known) = app.authorities().get(connecting, now, age) {
        return Ok(known);
    }
    // What no longer holds is not used for renewals either.
    app.authorities().forget(connecting);
    let Said { resource, challenge } = discovery::resource(app, connecting).await?;
    let named = &resource.authorization_servers;
    let issuer = approved(app, connecting, named, now).await?;
    let server = discovery::server(app, connecting, resource.issuer(issuer.as_deref())?).await?;
    if issuer.is_none() {
        // The first counts once it turned out to be one; somebody else may have been faster.
        note(app, connecting, &server.issuer, now).await?;
    }
    app.authorities().warn(connecting, &server);
    let client = registration::client(app, connecting, &server, &resource.resource).await?;
    let configured = connecting.scope.as_deref().and_then(ScopeList::parse);
    let challenged = challenge.as_ref().and_then(|challenge| challenge.scope.as_ref());
    let scopes = scope::choose(configured.as_ref(), challenged, &resource, &server);
    let (resource, connecting) = (resource.resource, connecting.clone());
    let authorized = Arc::new(Authorized { resource, server, client, scopes, connecting });
    app.authorities().put(&authorized, now);
    Ok(authorized)
}

/// Forgets what is kept of a place's authorization server, so that it is asked again. What is in the store stays.
pub(crate) fn ask_again(app: &App, connecting: &Connecting) {
    app.authorities().forget(connecting);
}

/// Forgets a client that Doorward registered, for all places of its server; true when there was one. Whatever was granted
/// to it goes with it: only for who asked twice.
///
/// # Errors
/// When the store fails.
pub(crate) async fn forget_client(app: &App, authorized: &Authorized) -> Result<bool, StoreError> {
    app.authorities().forget(&authorized.connecting);
    registration::forget(app, &authorized.server.issuer, &authorized.client.id).await
}

/// Which of the servers that a place names may be asked: the operator's, else the approved one. None, when there is none
/// yet, for the first of them.
async fn approved(
    app: &App,
    connecting: &Connecting,
    named: &[String],
    now: Timestamp,
) -> Result<Option<String>, ConnectError> {
    let (place, store) = (connecting.place.key(), app.store());
    if let Some(issuer) = &connecting.issuer {
        if store.declare_authority(&place, issuer, FILE, now).await? {
            tracing::info!(
                place,
                issuer,
                "the configuration names another authorization server: older connections ended"
            );
        }
        return Ok(Some(issuer.clone()));
    }
    let Some(before) = store.authority(&place).await? else { return Ok(None) };
    if named.contains(&before.issuer) {
        return Ok(Some(before.issuer));
    }
    let found = named.first().ok_or(DiscoveryError::NoServer)?;
    note(app, connecting, found, now).await?;
    Ok(Some(found.clone()))
}

/// Notes which server a place names. An error unless it is the approved one.
async fn note(app: &App, connecting: &Connecting, found: &str, now: Timestamp) -> Result<(), ConnectError> {
    let place = connecting.place.key();
    let (observed, authority) = app.store().note_authority(&place, found, now).await?;
    match observed {
        Observed::First | Observed::Approved => Ok(()),
        Observed::New | Observed::Waiting | Observed::Rejected => {
            if observed == Observed::New {
                let approved = &authority.issuer;
                tracing::warn!(
                    place,
                    approved,
                    found,
                    "another authorization server is named: nothing is sent to it"
                );
            }
            Err(ConnectError::Changed { approved: authority.issuer, found: found.to_owned() })
        }
    }
}

/// What of a declaration decides whom to ask, and as which client. Of the client's secret a hash: another one counts at
/// once, and none is kept.
fn declared(connecting: &Connecting) -> String {
    let Connecting { resource, issuer, client, scope, .. } = connecting;
    let client = client.as_ref().map(|client| {
        let secret = client.secret.as_ref();
        (&client.id, secret.map(|secret| hash::hex(&hash::sha256(secret.expose().as_bytes()))))
    });
    format!("{resource} {issuer:?} {client:?} {scope:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn, if there is one without waiting.
    async fn at_once(authorities: &Authorities, server: &str) -> Option<Turn> {
        tokio::time::timeout(Duration::ZERO, authorities.turn(server)).await.ok().flatten()
    }

    #[tokio::test]
    async fn a_slow_server_leaves_turns_to_the_others() {
        let authorities = Authorities::new();
        let mut held = Vec::new();
        for _ in 0..AT_ONE {
            held.push(at_once(&authorities, "slow.example:443").await.expect("a turn"));
        }
        assert!(at_once(&authorities, "slow.example:443").await.is_none(), "it has its share");
        for other in 1..TOGETHER / AT_ONE {
            for _ in 0..AT_ONE {
                held.push(at_once(&authorities, &format!("as{other}.example:443")).await.expect("a turn"));
            }
        }
        assert_eq!(held.len(), TOGETHER);
        assert!(at_once(&authorities, "quick.example:443").await.is_none(), "all together have theirs");
        drop(held.pop());
        assert!(at_once(&authorities, "quick.example:443").await.is_some());
        held.remove(0);
        assert!(at_once(&authorities, "slow.example:443").await.is_some());
    }
}
