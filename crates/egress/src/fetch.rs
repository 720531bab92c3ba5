//! Fetching documents with GET: 200 only, no redirects, bounded in size and time.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use url::Url;

use crate::{Egress, EgressError, Outbound, Protocol, Trust, http::CONNECT_TIMEOUT, read_capped};

/// The longest entity tag that is kept, in bytes.
const MAX_TAG: usize = 1024;

/// How much a document may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Its size.
    pub bytes: usize,
    /// From the first look-up to its last byte.
    pub time: Duration,
}

/// What stands at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// What is known already (304).
    Same {
        /// `Cache-Control: max-age`, in seconds.
        max_age: Option<u64>,
    },
    /// A document.
    Document {
        /// Its text.
        body: Bytes,
        /// Its `ETag`, to ask with the next time (RFC 9110 section 8.8.3).
        etag: Option<String>,
        /// `Cache-Control: max-age`, in seconds.
        max_age: Option<u64>,
    },
}

impl Egress {
    /// Fetches a JSON document.
    ///
    /// Returns the text and its `Cache-Control: max-age`, in seconds.
    pub async fn fetch(
        &self,
        url: &Url,
        trust: Trust,
        limit: usize,
    ) -> Result<(Bytes, Option<u64>), EgressError> {
        let bounds = Bounds { bytes: limit, time: CONNECT_TIMEOUT };
        match self.fetch_if_changed(url, trust, bounds, None).await? {
            Fetched::Document { body, max_age, .. } => Ok((body, max_age)),
            Fetched::Same { .. } => Err(EgressError::Status(StatusCode::NOT_MODIFIED.as_u16())),
        }
    }

    /// Fetches a JSON document unless it is still the one that had `etag` (RFC 9110 section 13.1.2).
    pub async fn fetch_if_changed(
        &self,
        url: &Url,
        trust: Trust,
        bounds: Bounds,
        etag: Option<&str>,
    ) -> Result<Fetched, EgressError> {
        let uri: Uri =
            url.as_str().parse().map_err(|_| EgressError::Connect("the URL is not usable".into()))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let known = etag.and_then(|etag| HeaderValue::from_str(etag).ok());
        let asked = known.is_some();
        headers.extend(known.map(|etag| (header::IF_NONE_MATCH, etag)));
        let protocol = Protocol::Http1OrAlpn;
        let outbound = Outbound { method: Method::GET, uri, headers, body: Bytes::new(), trust, protocol };
        let fetched = tokio::time::timeout(bounds.time, async {
            let answer = self.send(outbound, bounds.time).await?;
            let max_age = max_age(answer.headers());
            match answer.status() {
                StatusCode::OK => {
                    let etag = tag(answer.headers());
                    let body = read_capped(answer.into_body(), bounds.bytes).await?;
                    Ok(Fetched::Document { body, etag, max_age })
                }
                StatusCode::NOT_MODIFIED if asked => Ok(Fetched::Same { max_age }),
                status => Err(EgressError::Status(status.as_u16())),
            }
        });
        fetched.await.unwrap_or(Err(EgressError::Timeout(bounds.time)))
    }
}

fn tag(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::ETAG)?.to_str().ok()?;
    (value.len() <= MAX_TAG).then(|| value.to_owned())
}

fn max_age(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CACHE_CONTROL)?.to_str().ok()?;
    value.split(',').find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok())
}

#[cfg(test)]
mod tests;
