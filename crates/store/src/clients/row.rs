//! A client as columns, and back.

use doorward_model::{
    Client, ClientAuthentication, ClientKeys, ClientKind, GrantTypes, SecretMethod, Timestamp,
};
use sqlx::FromRow;
use url::Url;

use super::StoredClient;
use crate::{
    StoreError,
    columns::{list, read_list, read_time},
    engine::{Statements, values},
};

/// The columns of a [`ClientRow`].
macro_rules! client_columns {
    () => {
        "id, kind, name, redirect_uris, authentication, jwks, jwks_uri, grant_types, resource, \
         secret_hash, created, used"
    };
}

pub(super) use client_columns;

#[derive(FromRow)]
pub(super) struct ClientRow {
    id: String,
    kind: String,
    name: Option<String>,
    redirect_uris: String,
    authentication: String,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    grant_types: String,
    resource: Option<String>,
    secret_hash: Option<String>,
    created: i64,
    used: Option<i64>,
}

/// Inserts a client; false when there is one of this id.
pub(super) async fn insert(
    tx: &mut impl Statements,
    client: &Client,
    secret_hash: Option<&str>,
) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO client (id, kind, name, redirect_uris, authentication, jwks, jwks_uri,
             grant_types, resource, secret_hash, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING";
    let (jwks, jwks_uri) = match &client.authentication {
        ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline(jwks)) => (Some(jwks.as_str()), None),
        ClientAuthentication::PrivateKeyJwt(ClientKeys::Uri(uri)) => (None, Some(uri.as_str())),
        ClientAuthentication::None | ClientAuthentication::Secret(_) => (None, None),
    };
    let (redirect_uris, grant_types) = (list(&client.redirect_uris), grant_types(client.grant_types));
    let values = values![
        &client.id,
        kind(client.kind),
        &client.name,
        &redirect_uris,
        authentication(&client.authentication),
        jwks,
        jwks_uri,
        &grant_types,
        &client.resource,
        secret_hash,
        client.created,
    ];
    Ok(tx.run(SQL, values).await? > 0)
}

impl ClientRow {
    pub(super) fn read(self) -> Result<StoredClient, StoreError> {
        let client = Client {
            kind: read_kind(&self.kind)?,
            redirect_uris: read_list(&self.redirect_uris, "client.redirect_uris")?,
            authentication: read_authentication(&self.authentication, self.jwks, self.jwks_uri)?,
            grant_types: read_grant_types(&self.grant_types)?,
            id: self.id,
            name: self.name,
            resource: self.resource,
            created: Timestamp::from_micros(self.created),
        };
        Ok(StoredClient { client, secret_hash: self.secret_hash, used: read_time(self.used) })
    }
}

fn kind(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Registered => "registered",
        ClientKind::Dynamic => "dynamic",
        ClientKind::Document => "document",
    }
}

fn read_kind(text: &str) -> Result<ClientKind, StoreError> {
    match text {
        "registered" => Ok(ClientKind::Registered),
        "dynamic" => Ok(ClientKind::Dynamic),
        "document" => Ok(ClientKind::Document),
        _ => Err(StoreError::Unreadable("client.kind")),
    }
}

fn authentication(authentication: &ClientAuthentication) -> &'static str {
    match authentication {
        ClientAuthentication::None => "none",
        ClientAuthentication::Secret(SecretMethod::Basic) => "client_secret_basic",
        ClientAuthentication::Secret(SecretMethod::Post) => "client_secret_post",
        ClientAuthentication::Secret(SecretMethod::Either) => "client_secret",
        ClientAuthentication::PrivateKeyJwt(_) => "private_key_jwt",
    }
}

fn read_authentication(
    text: &str,
    jwks: Option<String>,
    jwks_uri: Option<String>,
) -> Result<ClientAuthentication, StoreError> {
    let secret = |method| Ok(ClientAuthentication::Secret(method));
    match (text, jwks, jwks_uri) {
        ("none", None, None) => Ok(ClientAuthentication::None),
        ("client_secret_basic", None, None) => secret(SecretMethod::Basic),
        ("client_secret_post", None, None) => secret(SecretMethod::Post),
        ("client_secret", None, None) => secret(SecretMethod::Either),
        ("private_key_jwt", Some(jwks), None) => {
            Ok(ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline(jwks)))
        }
        ("private_key_jwt", None, Some(uri)) => {
            let uri = Url::parse(&uri).map_err(|_| StoreError::Unreadable("client.jwks_uri"))?;
            Ok(ClientAuthentication::PrivateKeyJwt(ClientKeys::Uri(uri)))
        }
        _ => Err(StoreError::Unreadable("client.authentication")),
    }
}

/// The grant types with their names, in the order of the model.
fn names(types: &mut GrantTypes) -> [(&'static str, &mut bool); 4] {
    [
        ("authorization_code", &mut types.authorization_code),
        ("refresh_token", &mut types.refresh_token),
        ("client_credentials", &mut types.client_credentials),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", &mut types.jwt_bearer),
    ]
}

fn grant_types(mut types: GrantTypes) -> String {
    let written = names(&mut types).into_iter().filter(|(_, has)| **has);
    list(&written.map(|(name, _)| name.to_owned()).collect::<Vec<_>>())
}

fn read_grant_types(text: &str) -> Result<GrantTypes, StoreError> {
    const COLUMN: &str = "client.grant_types";
    let mut types = GrantTypes::default();
    for written in read_list(text, COLUMN)? {
        let known = names(&mut types).into_iter().find(|(name, _)| *name == written);
        let (_, has) = known.ok_or(StoreError::Unreadable(COLUMN))?;
        *has = true;
    }
    Ok(types)
}
