//! What Doorward presents where it calls, for MCP servers and A2A agents alike: [`attach`].
//!
//! Tokens are asked for when they are first needed, once for all who wait, and kept until shortly before they expire;
//! a failure is kept for a moment, too. Memory is all there is: after a restart they are asked for again. No credential
//! of a caller comes in here. What is kept knows callers by name only.

mod ask;
pub(crate) mod assertion;
pub(crate) mod connection;
mod key;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use doorward_auth::client::{AnswerError, Granted};
use doorward_egress::Egress;
use doorward_model::{Caller, Clock, Credential, Identity, Name, Timestamp, TokenSource};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use lru::LruCache;
use tokio::sync::{Semaphore, watch};

use self::{
    ask::Endpoint,
    key::{Key, Source},
};
use crate::{
    App, bounded,
    connections::{self, NotConnected, Presented},
    signer::Signer,
};

/// How many tokens are kept.
const CAPACITY: usize = 10_000;
/// Of how many issuers it is remembered where they give tokens.
const ISSUERS: usize = 100;
/// How many requests for tokens are made at a time.
const TOGETHER: usize = 100;
/// For how long a failure is kept that goes away by itself, in seconds.
const PASSING: i64 = 2;
/// For how long another failure is kept, in seconds.
const PERMANENT: i64 = 30;
/// How old a token must be before it is given up because it was refused, in seconds: a new one would be refused, too.
const GIVEN_UP: i64 = 10;

/// The tokens that Doorward presents.
pub(crate) struct Credentials {
    egress: Egress,
    signer: Arc<Signer>,
    clock: Arc<dyn Clock>,
    known: Mutex<LruCache<Key, Slot>>,
    endpoints: Mutex<LruCache<String, Endpoint>>,
    places: Semaphore,
}

/// What is known of a token.
enum Slot {
    /// The last outcome, when it came, and until when it counts.
    Known { outcome: Outcome, since: Timestamp, until: Timestamp },
    /// It is being asked for. The channel closes with an outcome in it.
    Asking(watch::Receiver<Option<Outcome>>),
}

type Outcome = Result<Bearer, CredentialError>;

/// The value of an `Authorization` header.
#[derive(Clone)]
struct Bearer(HeaderValue);

/// Why there is nothing to present. Says nothing that an authorization server wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialError {
    /// What is configured cannot be sent.
    #[error("the credential is not a header value")]
    Header,
    /// The configuration names a secret that the store does not have.
    #[error("the secret `{0}` is not in the store; `doorward secret set {0}` puts it there")]
    Missing(Name),
    /// Nobody was asked who they are, and the token would be for them.
    #[error("there is no caller to get a token for")]
    Nobody,
    /// The authorization server answered, and gave none.
    #[error("no token from {0}: {1}")]
    Answer(String, AnswerError),
    /// The authorization server did not answer.
    #[error("no token from {0}: {1}")]
    Away(String, String),
    /// There is no connection, or none that will do. The way out is for the caller.
    #[error("{}", .0.reason())]
    NotConnected(Box<NotConnected>),
}

impl CredentialError {
    /// Whether the configuration is at fault, and nobody else was asked.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self, Self::Header | Self::Missing(_) | Self::Nobody)
    }

    /// Whether it goes away by itself.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Header | Self::Missing(_) | Self::Nobody | Self::NotConnected(_) => false,
            Self::Answer(_, error) => error.is_passing(),
            Self::Away(..) => true,
        }
    }
}

/// Adds what Doorward presents, on behalf of `caller` where the credential is for one. Says whose account that is, where
/// each caller may have their own.
pub(crate) async fn attach(
    app: &App,
    credential: &Credential,
    caller: &Caller,
    headers: &mut HeaderMap,
) -> Result<Option<Presented>, CredentialError> {
    let mut presented = None;
    let (name, value) = match (credential, caller) {
        (Credential::None, _) => return Ok(None),
        (Credential::Header { name, value }, _) => {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| CredentialError::Header)?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| CredentialError::Header)?;
            value.set_sensitive(true);
            (name, value)
        }
        (Credential::Missing(secret), _) => return Err(CredentialError::Missing(secret.clone())),
        (Credential::TokenExchange(_), Caller::Anonymous) => return Err(CredentialError::Nobody),
        (Credential::Connection(connecting), caller) => {
            let found = Box::pin(connection::token(app, connecting, caller)).await?;
            (header::AUTHORIZATION, presented.insert(found).bearer())
        }
        (Credential::IdentityAssertion(source), caller) => {
            let person = person(app, caller).ok_or_else(|| connection::no_person(app, &source.place))?;
            let source = Source::Assertion(Arc::clone(source));
            (header::AUTHORIZATION, Box::pin(token(app, source, Some(&person))).await?)
        }
        // Boxed, so that those who need no token do not carry the room for asking.
        (Credential::ClientCredentials(source), _) => {
            (header::AUTHORIZATION, Box::pin(token(app, endpoint(source), None)).await?)
        }
        (Credential::TokenExchange(source), Caller::Issued(identity)) => {
            (header::AUTHORIZATION, Box::pin(token(app, endpoint(source), Some(identity))).await?)
        }
    };
    headers.insert(name, value);
    Ok(presented)
}

/// Gives up a token that was refused where it was presented, unless it is quite new. Connections are asked for another
/// one instead: [`connection::refused`].
fn give_up(app: &App, credential: &Credential, caller: &Caller) {
    let key = match (credential, caller) {
        (Credential::ClientCredentials(source), _) => Key::new(endpoint(source), None),
        (Credential::TokenExchange(source), Caller::Issued(identity)) => {
            Key::new(endpoint(source), Some(identity))
        }
        (Credential::IdentityAssertion(source), caller) => {
            let Some(person) = person(app, caller) else { return };
            Key::new(Source::Assertion(Arc::clone(source)), Some(&person))
        }
        _ => return,
    };
    app.credentials().give_up(&key);
}

/// Where tokens are got at an endpoint that is configured.
fn endpoint(source: &Arc<TokenSource>) -> Source {
    Source::Endpoint(Arc::clone(source))
}

/// A caller as the person that they are at Doorward, who signs for no other name of theirs.
fn person(app: &App, caller: &Caller) -> Option<Arc<Identity>> {
    let routes = app.routes();
    let subject = connections::person_of(&routes.snapshot, caller)?;
    let client = caller.identity().and_then(|identity| identity.client.clone());
    let (scopes, groups, audiences) = (Vec::new(), Vec::new(), Vec::new());
    Some(Arc::new(Identity {
        issuer: routes.origin().to_owned(),
        subject,
        client,
        scopes,
        groups,
        audiences,
    }))
}

async fn token(
    app: &App,
    source: Source,
    caller: Option<&Arc<Identity>>,
) -> Result<HeaderValue, CredentialError> {
    app.credentials().token(source, caller, app.routes().origin()).await.map(|Bearer(value)| value)
}

impl Credentials {
    /// Knows no token yet.
    pub(crate) fn new(egress: Egress, signer: Arc<Signer>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (known, places) = (Mutex::new(bounded::cache(CAPACITY)), Semaphore::new(TOGETHER));
        let endpoints = Mutex::new(bounded::cache(ISSUERS));
        Arc::new(Self { egress, signer, clock, known, endpoints, places })
    }

    /// The token of a source, for a caller or for Doorward itself. `origin` is Doorward's.
    async fn token(
        self: &Arc<Self>,
        source: Source,
        caller: Option<&Arc<Identity>>,
        origin: &str,
    ) -> Outcome {
        let place = source.place();
        let key = Key::new(source, caller);
        let mut asking = {
            let mut known = self.known();
            match known.get(&key) {
                Some(Slot::Known { outcome, until, .. }) if self.clock.now() < *until => {
                    return outcome.clone();
                }
                // Closed without an outcome: whoever asked is gone.
                Some(Slot::Asking(asking)) if asking.has_changed().is_ok() => asking.clone(),
                _ => {
                    let asking = self.ask_apart(key.clone(), caller.map(Arc::clone), origin.to_owned());
                    known.put(key, Slot::Asking(asking.clone()));
                    asking
                }
            }
        };
        let broken_off = || CredentialError::Away(place, "the request was broken off".to_owned());
        let outcome = asking.wait_for(Option::is_some).await;
        outcome.ok().and_then(|outcome| outcome.clone()).unwrap_or_else(|| Err(broken_off()))
    }

    /// Asks in a task of its own, which a caller who leaves does not end for the others.
    fn ask_apart(
        self: &Arc<Self>,
        key: Key,
        caller: Option<Arc<Identity>>,
        origin: String,
    ) -> watch::Receiver<Option<Outcome>> {
        let (told, asking) = watch::channel(None);
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let granted = this.ask(&key.source, caller.as_deref(), &origin).await;
            let since = this.clock.now();
            let (outcome, lasts) = settled(granted);
            if let Err(error) = &outcome {
                tracing::warn!(%error, "cannot get a token to present");
            }
            let until = since.plus_secs(lasts);
            this.known().put(key, Slot::Known { outcome: outcome.clone(), since, until });
            told.send_replace(Some(outcome));
        });
        asking
    }

    fn give_up(&self, key: &Key) {
        let (mut known, now) = (self.known(), self.clock.now());
        if let Some(Slot::Known { outcome: Ok(_), since, .. }) = known.peek(key)
            && since.plus_secs(GIVEN_UP) <= now
        {
            known.pop(key);
        }
    }

    fn known(&self) -> MutexGuard<'_, LruCache<Key, Slot>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes of an answer, and for how many seconds it counts.
fn settled(granted: Result<Granted, CredentialError>) -> (Outcome, i64) {
    let outcome = granted.and_then(|granted| {
        let value = HeaderValue::from_str(&format!("Bearer {}", granted.token.expose()));
        let mut value = value.map_err(|_| CredentialError::Header)?;
        value.set_sensitive(true);
        Ok((Bearer(value), granted.usable))
    });
    match outcome {
        Ok((bearer, usable)) => (Ok(bearer), usable),
        Err(error) if error.is_passing() => (Err(error), PASSING),
        Err(error) => (Err(error), PERMANENT),
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

#[cfg(test)]
mod tests;
