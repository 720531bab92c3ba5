//! Who a client id stands for.
//!
//! The operator's clients and those that registered themselves are in the store and read anew each time. A client
//! whose id is a URL describes itself there: the document is fetched through the guard, checked, and kept for as long
//! as its host allows, within bounds. What is wrong or not to be had is never kept.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use doorward_auth::{
    keys::KeySet,
    server::client_document::{self, DocumentClient},
};
use doorward_egress::Trust;
use doorward_model::{Client, ClientKeys, Timestamp, TooOften};
use doorward_store::StoreError;
use lru::LruCache;
use tokio::sync::Semaphore;
use url::Url;

use super::{Web, consent::seconds};
use crate::{bounded, hosts, rates::Counted};

/// How many documents are kept.
const CAPACITY: usize = 1_000;
/// Documents that are fetched at the same time, whoever asks: nobody uses Doorward to flood somebody else.
const AT_ONCE: usize = 8;
/// How long a fetch waits for its turn.
const TURN: Duration = Duration::from_secs(3);
/// Largest key set, in bytes.
const MAX_KEYS: usize = 64 << 10;
/// How long a client's keys are kept, in seconds.
const KEYS_KEPT: i64 = 300;

/// The documents that are known.
pub(crate) struct Clients {
    documents: Mutex<LruCache<String, (DocumentClient, Timestamp)>>,
    keys: Mutex<LruCache<String, (Arc<KeySet>, Timestamp)>>,
    fetching: Semaphore,
}

/// A client, and what goes with it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) client: Client,
    pub(crate) secret_hash: Option<String>,
    /// Changes when the client is no longer what a person consented to.
    pub(crate) digest: String,
    /// Whether it may also come without proof: its document names `none` beside `private_key_jwt`.
    pub(crate) or_none: bool,
}

impl Known {
    /// Whether nobody can pass for it without its secret or key.
    pub(crate) fn always_proves(&self) -> bool {
        self.client.is_confidential() && !self.or_none
    }
}

/// Why there is no such client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("no client has this id")]
    Unknown,
    #[error("the client's document cannot be used: {0}")]
    Document(String),
    #[error("too many documents were asked for")]
    TooOften(TooOften),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Clients {
    pub(crate) fn new() -> Self {
        let (documents, keys) = (Mutex::new(bounded::cache(CAPACITY)), Mutex::new(bounded::cache(CAPACITY)));
        Self { documents, keys, fetching: Semaphore::new(AT_ONCE) }
    }

    /// The client of an id. Fetches are counted by who asks.
    pub(crate) async fn find(&self, web: &Web<'_>, id: &str) -> Result<Known, ClientError> {
        if !client_document::is_address(id) {
            let stored = web.app.store().client(id).await?.ok_or(ClientError::Unknown)?;
            let digest = client_document::digest_of(&stored.client);
            return Ok(Known {
                client: stored.client,
                secret_hash: stored.secret_hash,
                digest,
                or_none: false,
            });
        }
        let url = client_document::check_id(id).map_err(|error| ClientError::Document(error.to_string()))?;
        if !web.routes.snapshot.tokens.client_documents.allows(&url) {
            return Err(ClientError::Document("this host's clients are not let in".into()));
        }
        let document = match kept(&self.documents, id, web.now()) {
            Some(document) => document,
            None => self.document(web, id, &url).await?,
        };
        let or_none = document.or_none;
        let digest = format!("{}{}", document.digest, if or_none { " or none" } else { "" });
        Ok(Known { client: document.client, secret_hash: None, digest, or_none })
    }

    async fn document(&self, web: &Web<'_>, id: &str, url: &Url) -> Result<DocumentClient, ClientError> {
        let now = web.now();
        web.app.rates().admit(Counted::DocumentFetch, &web.address, now).map_err(ClientError::TooOften)?;
        let (body, max_age) =
            self.fetch(web, url, client_document::MAX_BYTES).await.map_err(ClientError::Document)?;
        let document = client_document::read(id, &body, now)
            .map_err(|error| ClientError::Document(error.to_string()))?;
        keep(
            &self.documents,
            id,
            document.clone(),
            now.plus_secs(seconds(client_document::lifetime(max_age))),
        );
        Ok(document)
    }

    /// The public keys of a client; none when they are not to be had.
    pub(super) async fn keys(&self, web: &Web<'_>, keys: &ClientKeys) -> Option<Arc<KeySet>> {
        match keys {
            ClientKeys::Inline(text) => KeySet::parse(text.as_bytes()).ok().map(Arc::new),
            ClientKeys::Uri(url) => match kept(&self.keys, url.as_str(), web.now()) {
                Some(known) => Some(known),
                None => self.fetch_keys(web, url).await,
            },
        }
    }

    /// The same, fetched anew where an assertion names a key that is not among those that are known.
    pub(super) async fn newer_keys(&self, web: &Web<'_>, keys: &ClientKeys) -> Option<Arc<KeySet>> {
        let ClientKeys::Uri(url) = keys else { return None };
        self.fetch_keys(web, url).await
    }

    async fn fetch_keys(&self, web: &Web<'_>, url: &Url) -> Option<Arc<KeySet>> {
        count(web, url).ok()?;
        let fetched = self.fetch(web, url, MAX_KEYS).await;
        let set = fetched.and_then(|(body, _)| KeySet::parse(&body).map_err(|error| error.to_string()));
        match set {
            Ok(set) => {
                let set = Arc::new(set);
                keep(&self.keys, url.as_str(), Arc::clone(&set), web.now().plus_secs(KEYS_KEPT));
                Some(set)
            }
            Err(why) => {
                tracing::info!(%url, %why, "the keys of a client cannot be had");
                None
            }
        }
    }

    /// Fetches what a client says about itself. Where Doorward itself runs on loopback, clients may live there too.
    async fn fetch(&self, web: &Web<'_>, url: &Url, limit: usize) -> Result<(Bytes, Option<u64>), String> {
        let is_loopback = |url: &Url| url.host_str().is_some_and(hosts::is_loopback_authority);
        let both = is_loopback(&web.routes.snapshot.public_url) && is_loopback(url);
        let trust = if both { Trust::Declared } else { Trust::Guarded };
        let permit = tokio::time::timeout(TURN, self.fetching.acquire()).await;
        let _permit = permit.map_err(|_| "too many others are asked")?.map_err(|error| error.to_string())?;
        web.app.egress().fetch(url, trust, limit).await.map_err(|error| error.to_string())
    }
}

/// Counts a fetch, by who asks and by who is asked: nobody uses Doorward to flood somebody else.
fn count(web: &Web<'_>, url: &Url) -> Result<(), TooOften> {
    let (rates, now) = (web.app.rates(), web.now());
    rates.admit(Counted::DocumentFetch, &web.address, now)?;
    rates.admit(Counted::FetchFrom, url.host_str().unwrap_or_default(), now)
}

fn kept<T: Clone>(cache: &Mutex<LruCache<String, (T, Timestamp)>>, key: &str, now: Timestamp) -> Option<T> {
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    cache.get(key).filter(|(_, until)| now < *until).map(|(value, _)| value.clone())
}

fn keep<T>(cache: &Mutex<LruCache<String, (T, Timestamp)>>, key: &str, value: T, until: Timestamp) {
    cache.lock().unwrap_or_else(PoisonError::into_inner).put(key.to_owned(), (value, until));
}
