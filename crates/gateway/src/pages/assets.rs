//! The files that pages refer to: compiled in, the same for everybody.

use doorward_auth::keys::hash;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// A file that never changes while the program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asset {
    /// Its media type.
    pub(crate) content_type: &'static str,
    /// All of it.
    pub(crate) bytes: &'static [u8],
    /// Its entity tag, with quotation marks, to compare with `If-None-Match`.
    pub(crate) etag: String,
}

const ASSETS: [(&str, &str, &[u8]); 2] = [
    ("/console/assets/app.css", "text/css; charset=utf-8", include_bytes!("../../assets/app.css")),
    ("/console/assets/icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")),
];

/// The file at a path, exactly as written.
pub(crate) fn assets(path: &str) -> Option<Asset> {
    let (_, content_type, bytes) = *ASSETS.iter().find(|(at, ..)| *at == path)?;
    Some(Asset { content_type, bytes, etag: format!("\"{}\"", hash::hex(&hash::sha256(bytes)[..8])) })
}

impl Asset {
    /// Its headers. Browsers ask again each time, and get 304 as long as `etag` is the same: a new version of the
    /// program never meets an old style.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers: HeaderMap = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, "public, no-cache"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ]
        .into_iter()
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect();
        if let Ok(etag) = HeaderValue::try_from(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        headers
    }
}
