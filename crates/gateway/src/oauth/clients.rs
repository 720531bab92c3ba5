//! Who a client id stands for.
//!
//! The operator's clients and those that registered themselves are in the store and read anew each time. A client
//! whose id is a URL describes itself there: the document is fetched through the guard, checked, and kept for as long
//! as its host allows, within bounds. What is wrong or not to be had is never kept.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use doorward_auth::server::client_document::{self, DocumentClient};
use doorward_egress::{Egress, Trust};
use doorward_model::{Client, Timestamp, TooOften};
use doorward_store::StoreError;
use lru::LruCache;
use tokio::sync::Semaphore;
use url::Url;

use super::Web;
use crate::{hosts, rates::Counted};

/// How many documents are kept.
const CAPACITY: usize = 1_000;
/// Documents that are fetched at the same time, whoever asks: nobody uses Doorward to flood somebody else.
const AT_ONCE: usize = 8;
/// Largest document, in bytes.
const MAX_DOCUMENT: usize = 5 << 10;

/// The documents that are known.
pub(crate) struct Clients {
    kept: Mutex<LruCache<String, Kept>>,
    fetching: Semaphore,
}

#[derive(Clone)]
struct Kept {
    document: DocumentClient,
    until: Timestamp,
}

/// A client, and what goes with it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) client: Client,
    pub(crate) secret_hash: Option<String>,
    /// Changes when the client is no longer what a person consented to.
    pub(crate) digest: String,
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
        let mut kept = LruCache::unbounded();
        kept.resize(NonZeroUsize::new(CAPACITY).unwrap_or(NonZeroUsize::MIN));
        Self { kept: Mutex::new(kept), fetching: Semaphore::new(AT_ONCE) }
    }

    /// The client of an id. `asker` is whose wish it is, for counting fetches.
    pub(crate) async fn find(&self, web: &Web<'_>, id: &str, asker: &str) -> Result<Known, ClientError> {
        if !id.starts_with("https://") {
            let stored = web.app.store().client(id).await?.ok_or(ClientError::Unknown)?;
            let digest = client_document::digest_of(&stored.client);
            return Ok(Known { client: stored.client, secret_hash: stored.secret_hash, digest });
        }
        let url = client_document::check_id(id).map_err(|error| ClientError::Document(error.to_string()))?;
        if !web.routes.snapshot.tokens.client_documents.allows(&url) {
            return Err(ClientError::Document("this host's clients are not let in".into()));
        }
        let document = match self.kept(id, web.now()) {
            Some(document) => document,
            None => self.fetch(web, id, &url, asker).await?,
        };
        Ok(Known { client: document.client, secret_hash: None, digest: document.digest })
    }

    fn kept(&self, id: &str, now: Timestamp) -> Option<DocumentClient> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(id).filter(|kept| now < kept.until).map(|kept| kept.document.clone())
    }

    async fn fetch(
        &self,
        web: &Web<'_>,
        id: &str,
        url: &Url,
        asker: &str,
    ) -> Result<DocumentClient, ClientError> {
        let now = web.now();
        web.app.rates().admit(Counted::DocumentFetch, asker, now).map_err(ClientError::TooOften)?;
        let _permit = self.fetching.acquire().await.map_err(|_| ClientError::Unknown)?;
        let fetched = fetch(web.app.egress(), web, url).await;
        let (body, max_age) = fetched.map_err(ClientError::Document)?;
        let document = client_document::read(id, &body, now)
            .map_err(|error| ClientError::Document(error.to_string()))?;
        let lifetime = i64::try_from(client_document::lifetime(max_age).as_secs()).unwrap_or(i64::MAX);
        let kept = Kept { document: document.clone(), until: now.plus_secs(lifetime) };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).put(id.to_owned(), kept);
        Ok(document)
    }
}

/// Fetches what a client says about itself. Where Doorward itself runs on loopback, clients may live there too.
pub(super) async fn fetch(
    egress: &Egress,
    web: &Web<'_>,
    url: &Url,
) -> Result<(bytes::Bytes, Option<u64>), String> {
    let is_loopback = |url: &Url| url.host_str().is_some_and(hosts::is_loopback_authority);
    let both = is_loopback(&web.routes.snapshot.public_url) && is_loopback(url);
    let trust = if both { Trust::Declared } else { Trust::Guarded };
    egress.fetch(url, trust, MAX_DOCUMENT).await.map_err(|error| error.to_string())
}
