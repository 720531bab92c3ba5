//! Requests to token and revocation endpoints of others, as HTTP has them. Whoever asks decides when, and what an answer
//! means.

use bytes::Bytes;
use doorward_auth::client::TokenRequest;
use doorward_egress::{Outbound, Protocol, Trust};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use url::Url;

/// Why a request cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsendable {
    #[error("the address cannot be requested")]
    Address,
    #[error("the secret is not a header value")]
    Secret,
}

/// The request: a form by POST, with the proof of who asks where that is a header.
pub(crate) fn outbound(endpoint: &Url, request: &TokenRequest, trust: Trust) -> Result<Outbound, Unsendable> {
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        (header::ACCEPT, HeaderValue::from_static("application/json")),
    ]);
    if let Some(basic) = &request.authorization {
        let mut value = HeaderValue::from_str(basic.expose()).map_err(|_| Unsendable::Secret)?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let uri: Uri = endpoint.as_str().parse().map_err(|_| Unsendable::Address)?;
    let body = Bytes::from(request.form.expose().to_owned());
    Ok(Outbound { method: Method::POST, uri, headers, body, trust, protocol: Protocol::Http1OrAlpn })
}
