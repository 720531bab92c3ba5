//! The keys of trusted issuers: found by discovery, fetched once for all who wait, kept for a while.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use doorward_auth::{
    keys::KeySet,
    verify::{KeyCache, State},
};
use doorward_egress::{Egress, Trust};
use doorward_model::{Clock, Issuer};
use url::Url;

/// Largest discovery document or key set, in bytes.
const MAX_DOCUMENT: usize = 256 << 10;

/// Keys by issuer.
#[derive(Clone)]
pub(crate) struct Issuers {
    egress: Egress,
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<HashMap<String, Arc<Keys>>>>,
}

/// One issuer's keys.
struct Keys {
    cache: Mutex<KeyCache>,
    /// One fetch at a time; who waits uses what the first one brought.
    fetching: tokio::sync::Mutex<()>,
}

/// Why an issuer's keys are not there.
#[derive(Debug, thiserror::Error)]
#[error("the keys of issuer `{issuer}` cannot be had: {why}")]
pub(crate) struct KeysError {
    issuer: String,
    why: String,
}

impl Issuers {
    /// Knows nothing yet; fetches on first use.
    pub(crate) fn new(egress: Egress, clock: Arc<dyn Clock>) -> Self {
        Self { egress, clock, known: Arc::default() }
    }

    /// The keys of an issuer. Stale keys are used while new ones are not to be had.
    pub(crate) async fn keys(&self, issuer: &Issuer) -> Result<Arc<KeySet>, KeysError> {
        let keys = self.of(issuer);
        match keys.lookup(&*self.clock) {
            State::Fresh(set) => Ok(set),
            State::Stale(set) => {
                if lock(&keys.cache).may_refresh(self.clock.now()) {
                    let (this, issuer, keys) = (self.clone(), issuer.clone(), Arc::clone(&keys));
                    tokio::spawn(async move { this.fetch_into(&issuer, &keys).await });
                }
                Ok(set)
            }
            State::Missing => self.refresh(issuer, &keys).await,
        }
    }

    /// The keys after a look for new ones, when a token names a key that is not among `tried`. At most once a
    /// minute and issuer; who waited for another's look uses what that one brought; else none.
    pub(crate) async fn newer_keys(&self, issuer: &Issuer, tried: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let keys = self.of(issuer);
        let _one_at_a_time = keys.fetching.lock().await;
        match keys.lookup(&*self.clock) {
            State::Fresh(set) | State::Stale(set) if !Arc::ptr_eq(&set, tried) => return Some(set),
            _ => {}
        }
        let may = lock(&keys.cache).may_refresh(self.clock.now());
        if may { self.fetch_apart(issuer, &keys).await.ok() } else { None }
    }

    fn of(&self, issuer: &Issuer) -> Arc<Keys> {
        let mut known = lock(&self.known);
        // The address of the keys is part of the identity: changed configuration starts afresh.
        let place = format!("{}\n{}", issuer.issuer, issuer.jwks_uri.as_ref().map_or("", Url::as_str));
        let keys = known.entry(place).or_insert_with(|| {
            Arc::new(Keys { cache: Mutex::new(KeyCache::new()), fetching: tokio::sync::Mutex::new(()) })
        });
        Arc::clone(keys)
    }

    async fn refresh(&self, issuer: &Issuer, keys: &Arc<Keys>) -> Result<Arc<KeySet>, KeysError> {
        let _one_at_a_time = keys.fetching.lock().await;
        match keys.lookup(&*self.clock) {
            State::Fresh(set) => Ok(set),
            State::Stale(_) | State::Missing if !lock(&keys.cache).may_refresh(self.clock.now()) => {
                Err(KeysError { issuer: issuer.name.to_string(), why: "the last attempt failed".into() })
            }
            State::Stale(_) | State::Missing => self.fetch_apart(issuer, keys).await,
        }
    }

    /// Fetches in a task of its own: with a caller that leaves, the fetch would end and its claim stay.
    async fn fetch_apart(&self, issuer: &Issuer, keys: &Arc<Keys>) -> Result<Arc<KeySet>, KeysError> {
        let (this, issuer, keys) = (self.clone(), issuer.clone(), Arc::clone(keys));
        let name = issuer.name.to_string();
        let fetch = tokio::spawn(async move { this.fetch_into(&issuer, &keys).await });
        fetch.await.unwrap_or_else(|error| Err(KeysError { issuer: name, why: error.to_string() }))
    }

    async fn fetch_into(&self, issuer: &Issuer, keys: &Keys) -> Result<Arc<KeySet>, KeysError> {
        let fetched = self.fetch(issuer).await;
        let now = self.clock.now();
        let mut cache = lock(&keys.cache);
        match fetched {
            Ok((set, max_age)) => {
                cache.store(set, now, max_age);
                match cache.lookup(now) {
                    State::Fresh(set) | State::Stale(set) => Ok(set),
                    State::Missing => {
                        Err(KeysError { issuer: issuer.name.to_string(), why: "no keys".into() })
                    }
                }
            }
            Err(why) => {
                cache.failed(now);
                tracing::warn!(issuer = %issuer.name, %why, "cannot fetch keys");
                Err(KeysError { issuer: issuer.name.to_string(), why })
            }
        }
    }

    async fn fetch(&self, issuer: &Issuer) -> Result<(KeySet, Option<u64>), String> {
        let (url, trust) = match &issuer.jwks_uri {
            Some(url) => (url.clone(), Trust::Declared),
            None => self.discover(issuer).await?,
        };
        let (text, max_age) =
            self.egress.fetch(&url, trust, MAX_DOCUMENT).await.map_err(|error| format!("{url}: {error}"))?;
        let set = KeySet::parse(&text).map_err(|error| format!("{url}: {error}"))?;
        Ok((set, max_age))
    }

    /// The key address by discovery: RFC 8414 and OpenID locations in turn, `issuer` compared exactly.
    async fn discover(&self, issuer: &Issuer) -> Result<(Url, Trust), String> {
        let base = Url::parse(&issuer.issuer).map_err(|_| "the issuer is not a URL".to_owned())?;
        let mut last = String::from("no discovery document");
        for url in discovery_urls(&base) {
            let text = match self.egress.fetch(&url, Trust::Declared, MAX_DOCUMENT).await {
                Ok((text, _)) => text,
                Err(error) => {
                    last = format!("{url}: {error}");
                    continue;
                }
            };
            return jwks_uri(&text, issuer, &base).map_err(|why| format!("{url}: {why}"));
        }
        Err(last)
    }
}

impl Keys {
    fn lookup(&self, clock: &dyn Clock) -> State {
        lock(&self.cache).lookup(clock.now())
    }
}

/// Where an issuer's metadata may be (RFC 8414 section 3.1, OpenID Discovery section 4).
pub(crate) fn discovery_urls(base: &Url) -> Vec<Url> {
    let path = base.path().trim_end_matches('/').to_owned();
    let with_path = |path: String| {
        let mut url = base.clone();
        url.set_path(&path);
        url.set_query(None);
        url
    };
    let mut urls = vec![with_path(format!("{path}/.well-known/openid-configuration"))];
    urls.push(with_path(format!("/.well-known/oauth-authorization-server{path}")));
    if !path.is_empty() {
        urls.push(with_path(format!("/.well-known/openid-configuration{path}")));
    }
    urls
}

/// `jwks_uri` of a discovery document. On the issuer's own origin it is as declared as the issuer itself.
fn jwks_uri(text: &[u8], issuer: &Issuer, base: &Url) -> Result<(Url, Trust), String> {
    let document: serde_json::Value = serde_json::from_slice(text).map_err(|_| "not JSON".to_owned())?;
    if document.get("issuer").and_then(|value| value.as_str()) != Some(&issuer.issuer) {
        return Err("the document's issuer is another one".into());
    }
    let uri = document.get("jwks_uri").and_then(|value| value.as_str()).ok_or("no jwks_uri")?;
    let uri = Url::parse(uri).map_err(|_| "jwks_uri is not a URL".to_owned())?;
    if uri.scheme() != "https" && uri.origin() != base.origin() {
        return Err("jwks_uri is not https".into());
    }
    let trust = if uri.origin() == base.origin() { Trust::Declared } else { Trust::Guarded };
    Ok((uri, trust))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_looks_where_the_standards_say() {
        let urls = |base: &str| {
            let base = Url::parse(base).expect("a URL");
            discovery_urls(&base).iter().map(Url::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            urls("https://a.example/tenant/"),
            [
                "https://a.example/tenant/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server/tenant",
                "https://a.example/.well-known/openid-configuration/tenant",
            ]
        );
        assert_eq!(
            urls("https://a.example"),
            [
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ]
        );
    }
}
