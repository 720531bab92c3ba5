//! As which client Doorward comes to an authorization server: the operator's, the one of its own document, or one that it
//! registers and keeps, under that issuer alone.

use doorward_auth::client::{
    discovery::AuthorizationServer,
    registration::{ClientMethod, OwnAddresses, RegisteredClient, RegistrationError, Way, choose, request},
};
use doorward_egress::{Outbound, Protocol};
use doorward_model::{Connecting, Secret, Timestamp};
use doorward_store::{OwnRegistration, StoreError};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use url::Url;

use super::{ConnectError, ask, discovery};
use crate::App;

/// Doorward's client at a server; registers one where that is what the server wants.
///
/// Nothing is registered at a server that nobody could then be sent to for this resource.
pub(super) async fn client(
    app: &App,
    connecting: &Connecting,
    server: &AuthorizationServer,
    resource: &str,
) -> Result<RegisteredClient, ConnectError> {
    let own = OwnAddresses::at(app.routes().origin());
    match choose(connecting.client.as_ref(), server, &own)? {
        Way::PreRegistered(client) => Ok(RegisteredClient::configured(client, server)),
        Way::Document => Ok(RegisteredClient::document(server, &own)),
        Way::Dynamic(endpoint) => {
            if let Some(client) = kept(app, server, &own).await? {
                return Ok(client);
            }
            server.authorizes(resource)?;
            register(app, connecting, server, &own, endpoint).await
        }
    }
}

/// Forgets a client that its server does not know any more, so that the next one is registered anew.
pub(super) async fn forget(app: &App, issuer: &str, client: &str) -> Result<bool, StoreError> {
    let own = OwnAddresses::at(app.routes().origin());
    app.store().forget_own_registration(issuer, &own.redirect_uri, client).await
}

/// The client that was registered before, as long as its secret is good.
async fn kept(
    app: &App,
    server: &AuthorizationServer,
    own: &OwnAddresses,
) -> Result<Option<RegisteredClient>, StoreError> {
    let Some(row) = app.store().own_registration(&server.issuer, &own.redirect_uri).await? else {
        return Ok(None);
    };
    let id = row.client_id.clone();
    let client = opened(app, row).filter(|client| client.is_good_at(app.clock().now()));
    if client.is_none() {
        forget(app, &server.issuer, &id).await?;
    }
    Ok(client)
}

async fn register(
    app: &App,
    connecting: &Connecting,
    server: &AuthorizationServer,
    own: &OwnAddresses,
    endpoint: &Url,
) -> Result<RegisteredClient, ConnectError> {
    let unusable = |_| RegistrationError::Unusable("its address cannot be requested");
    let uri: Uri = endpoint.as_str().parse().map_err(unusable)?;
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json.clone()), (header::ACCEPT, json)]);
    let body = request(server, own).to_string().into();
    let (trust, protocol) = (discovery::trust(connecting, endpoint), Protocol::Http1OrAlpn);
    let outbound = Outbound { method: Method::POST, uri, headers, body, trust, protocol };
    let (status, body) =
        ask::send(app, outbound).await.map_err(|error| ConnectError::Away(error.to_string()))?;
    let now = app.clock().now();
    let client = RegisteredClient::read(status, &body, server, own)?;
    // Whoever was first stands: another replica may have registered meanwhile.
    let row = app.store().put_own_registration(&row(app, server, own, &client, now)).await?;
    tracing::info!(issuer = server.issuer, client = row.client_id, "registered as a client");
    Ok(opened(app, row).unwrap_or(client))
}

fn row(
    app: &App,
    server: &AuthorizationServer,
    own: &OwnAddresses,
    client: &RegisteredClient,
    now: Timestamp,
) -> OwnRegistration {
    let sealed = |secret: &Secret| {
        app.envelope().seal(secret.expose().as_bytes(), &place(&server.issuer, &own.redirect_uri))
    };
    OwnRegistration {
        issuer: server.issuer.clone(),
        redirect_uri: own.redirect_uri.clone(),
        client_id: client.id.clone(),
        sealed_secret: client.secret.as_ref().map(sealed),
        method: client.method.name().to_owned(),
        secret_expires: client.secret_expires,
        created: now,
    }
}

/// The client of a row. None when it was not sealed for this place, or is of a kind that this version does not know.
fn opened(app: &App, row: OwnRegistration) -> Option<RegisteredClient> {
    let secret = match &row.sealed_secret {
        Some(sealed) => {
            let opened = app.envelope().open(sealed, &place(&row.issuer, &row.redirect_uri)).ok()?;
            Some(Secret::new(String::from_utf8(opened.to_vec()).ok()?))
        }
        None => None,
    };
    let method = ClientMethod::parse(&row.method)?;
    Some(RegisteredClient { id: row.client_id, secret, method, secret_expires: row.secret_expires })
}

fn place<'a>(issuer: &'a str, redirect_uri: &'a str) -> [&'a [u8]; 4] {
    [b"own_registration", b"sealed_secret", issuer.as_bytes(), redirect_uri.as_bytes()]
}
