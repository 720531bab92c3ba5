//! Which authorization server a place has, and what that says of itself: documents fetched in the order of MCP 2026-07-28,
//! judged by `doorward_auth::client::discovery`.
//!
//! What the operator's file names is reachable wherever it is; whatever a document leads to is guarded.

use std::time::Duration;

use bytes::Bytes;
use doorward_auth::client::{
    challenge::Challenge,
    discovery::{
        AuthorizationServer, DiscoveryError, MAX_DOCUMENT, ProtectedResource, resource_metadata_urls,
        server_metadata_urls,
    },
};
use doorward_egress::{BodyError, EgressError, Outbound, Protocol, Trust};
use doorward_model::{Connecting, Place};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::json;
use url::Url;

use super::ConnectError;
use crate::App;

/// How long a place may take to say that it wants a credential.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a place says about who may come in.
pub(super) struct Said {
    pub(super) resource: ProtectedResource,
    pub(super) challenge: Option<Challenge>,
}

/// Asks a place whose tokens it takes. An agent says nothing of the kind: the operator does.
pub(super) async fn resource(app: &App, connecting: &Connecting) -> Result<Said, ConnectError> {
    let (requested, declared) = (&connecting.resource, connecting.issuer.as_deref());
    if let (Place::Agent(_), Some(issuer)) = (&connecting.place, declared) {
        return Ok(Said { resource: ProtectedResource::declared(requested, issuer), challenge: None });
    }
    let challenge = challenge(app, requested).await?;
    for url in resource_metadata_urls(requested, challenge.as_ref()) {
        if let Some(document) = document(app, connecting, &url).await? {
            let resource = ProtectedResource::read(&document, &url, requested)?;
            return Ok(Said { resource, challenge });
        }
    }
    let issuer = declared.ok_or(DiscoveryError::NoResourceMetadata)?;
    Ok(Said { resource: ProtectedResource::declared(requested, issuer), challenge })
}

/// What an authorization server says of itself.
pub(super) async fn server(
    app: &App,
    connecting: &Connecting,
    issuer: &str,
) -> Result<AuthorizationServer, ConnectError> {
    let mut failed = None;
    for url in server_metadata_urls(issuer)? {
        match document(app, connecting, &url).await {
            Ok(Some(document)) => return Ok(AuthorizationServer::read(&document, issuer)?),
            Ok(None) => {}
            // Some servers break at addresses that they do not know; the next may be the right one.
            Err(ConnectError::Away(why)) => failed = failed.or(Some(why)),
            Err(error) => return Err(error),
        }
    }
    Err(failed.map_or(DiscoveryError::NoServerMetadata.into(), ConnectError::Away))
}

/// How far an address is trusted: the place itself and the issuer that the operator names are declared.
pub(super) fn trust(connecting: &Connecting, url: &Url) -> Trust {
    let named = connecting.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
    let is_declared = [Some(&connecting.resource), named.as_ref()].into_iter().flatten();
    let mut is_declared = is_declared.map(Url::origin);
    if is_declared.any(|origin| origin == url.origin()) { Trust::Declared } else { Trust::Guarded }
}

/// A document; none where there is nothing.
async fn document(app: &App, connecting: &Connecting, url: &Url) -> Result<Option<Bytes>, ConnectError> {
    match app.egress().fetch(url, trust(connecting, url), MAX_DOCUMENT).await {
        Ok((document, _)) => Ok(Some(document)),
        Err(EgressError::Status(400..=499)) => Ok(None),
        Err(EgressError::Body(BodyError::TooLarge(_))) => Err(DiscoveryError::TooLarge.into()),
        Err(error) => Err(ConnectError::Away(format!("{url}: {error}"))),
    }
}

/// What an upstream answers to somebody without a credential; none where it asks for nothing, or not in a way that can be
/// read. Some let everybody begin, and ask for a token when there is something to be had.
async fn challenge(app: &App, url: &Url) -> Result<Option<Challenge>, ConnectError> {
    for body in [hello(), list()] {
        if let Some(headers) = knock(app, url, body).await? {
            let challenges = headers.get_all(header::WWW_AUTHENTICATE);
            return Ok(Challenge::read(challenges.iter().map(HeaderValue::as_bytes)));
        }
    }
    Ok(None)
}

/// Asks an upstream without a credential; the headers of its answer if it wants one.
async fn knock(app: &App, url: &Url, body: Bytes) -> Result<Option<HeaderMap>, ConnectError> {
    let away = |why: String| ConnectError::Away(format!("{url}: {why}"));
    let json = HeaderValue::from_static("application/json");
    let both = HeaderValue::from_static("application/json, text/event-stream");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json), (header::ACCEPT, both)]);
    let uri: Uri = url.as_str().parse().map_err(|_| away("the URL cannot be requested".to_owned()))?;
    let (method, protocol, trust) = (Method::POST, Protocol::Http1OrAlpn, Trust::Declared);
    let outbound = Outbound { method, uri, headers, body, trust, protocol };
    let answer = app.egress().send(outbound, PATIENCE).await.map_err(|error| away(error.to_string()))?;
    Ok((answer.status() == StatusCode::UNAUTHORIZED).then(|| answer.headers().clone()))
}

/// What every MCP server understands, and nothing comes of.
fn hello() -> Bytes {
    let client = json!({ "name": "doorward", "version": env!("CARGO_PKG_VERSION") });
    let parameters = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": parameters });
    Bytes::from(hello.to_string())
}

/// What is worth a token to most of them.
fn list() -> Bytes {
    Bytes::from(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }).to_string())
}
