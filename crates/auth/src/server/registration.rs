//! Clients that register themselves (RFC 7591): an object in, a client and an answer out.
//!
//! Anybody can register, so nothing that is said here is vouched for, and everything is bounded. What else a
//! client says of itself (addresses of its pages, contacts) is checked, said back and kept nowhere. How many
//! clients there may be, and for how long, is the store's business.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorward_model::{
    Client, ClientAuthentication, ClientKeys, ClientKind, GrantTypes, Secret, SecretMethod, Timestamp,
};
use serde_json::{Map, Value, json};

use super::{
    described::{Described, web_address, wrong},
    error::OAuthError,
    scope,
};
use crate::{keys::hash, shown::visible};

/// The largest registration, in bytes.
pub const MAX_BYTES: usize = 16 << 10;
/// The most redirect URIs.
const MAX_REDIRECT_URIS: usize = 10;
/// Addresses of pages, each also in other languages as `client_uri#de`.
const PAGES: [&str; 4] = ["client_uri", "logo_uri", "policy_uri", "tos_uri"];
/// Texts about the program.
const TEXTS: [&str; 3] = ["application_type", "software_id", "software_version"];

/// A client that may be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The client.
    pub client: Client,
    /// What else it said of itself, and hears back.
    echo: Map<String, Value>,
}

/// The id of a new client.
///
/// # Panics
/// When the operating system has no entropy to give.
pub fn new_id() -> String {
    format!("dcr_{}", URL_SAFE_NO_PAD.encode(hash::random::<16>()))
}

/// Reads a registration request (RFC 7591 section 3.1). `id` is from [`new_id`].
///
/// # Errors
/// `invalid_redirect_uri` and `invalid_client_metadata` (section 3.2.2).
pub fn register(body: &[u8], id: String, now: Timestamp) -> Result<Registration, OAuthError> {
    if body.len() > MAX_BYTES {
        return Err(wrong("a registration has at most 16 KiB"));
    }
    let described = Described::parse(body)?;
    described.check_response_types()?;
    if described.texts("response_types")?.is_some_and(|types| types != ["code"]) {
        return Err(wrong("the only response type is code"));
    }
    let client = Client {
        id,
        kind: ClientKind::Dynamic,
        name: described.name("client_name")?,
        redirect_uris: described.redirect_uris(MAX_REDIRECT_URIS)?,
        authentication: authentication(&described)?,
        grant_types: grant_types(&described)?,
        resource: None,
        created: now,
    };
    Ok(Registration { client, echo: echo(&described)? })
}

/// Codes and refresh tokens, for people who consent; never tokens in the client's own name.
fn grant_types(described: &Described) -> Result<GrantTypes, OAuthError> {
    let refused = ["implicit", "password"];
    let asked = described.texts("grant_types")?.unwrap_or_default();
    if asked.iter().any(|name| refused.contains(name)) {
        return Err(wrong("the grant types implicit and password do not exist in OAuth 2.1"));
    }
    let types = described.grant_types()?;
    if !types.authorization_code {
        return Err(wrong("grant_types must have authorization_code"));
    }
    Ok(GrantTypes { client_credentials: false, jwt_bearer: false, ..types })
}

fn authentication(described: &Described) -> Result<ClientAuthentication, OAuthError> {
    let keys = described.keys()?;
    Ok(match (described.text("token_endpoint_auth_method")?, keys) {
        // The default is `client_secret_basic`, but who does not say cannot be held to it.
        (None, _) => ClientAuthentication::Secret(SecretMethod::Either),
        (Some("client_secret_basic"), _) => ClientAuthentication::Secret(SecretMethod::Basic),
        (Some("client_secret_post"), _) => ClientAuthentication::Secret(SecretMethod::Post),
        (Some("none"), _) => ClientAuthentication::None,
        (Some("private_key_jwt"), Some(keys)) => ClientAuthentication::PrivateKeyJwt(keys),
        (Some("private_key_jwt"), None) => return Err(wrong("private_key_jwt needs jwks or jwks_uri")),
        (Some(_), _) => return Err(wrong("there is no such token_endpoint_auth_method here")),
    })
}

/// What a client hears back, beside what it is registered with.
fn echo(described: &Described) -> Result<Map<String, Value>, OAuthError> {
    let mut echo = Map::new();
    for member in described.names() {
        let (name, language) = member.split_once('#').map_or((member, None), |(name, tag)| (name, Some(tag)));
        if language.is_some_and(|tag| !is_language(tag)) {
            continue;
        }
        let value = if PAGES.contains(&name) {
            let page = described.text(member)?;
            if page.is_some_and(|page| web_address(page).is_none()) {
                return Err(wrong("the address of a page of the client is no http or https address"));
            }
            page.map(Value::from)
        } else if name == "client_name" && language.is_some() {
            described.name(member)?.map(Value::from)
        } else if TEXTS.contains(&member) {
            described.text(member)?.and_then(visible).map(Value::from)
        } else {
            None
        };
        echo.extend(value.map(|value| (member.to_owned(), value)));
    }
    if let Some(contacts) = described.texts("contacts")? {
        echo.insert("contacts".into(), contacts.into_iter().filter_map(visible).collect());
    }
    let scopes = scope::known(described.text("scope")?.unwrap_or_default())
        .map_err(|_| wrong("scope is not a list of scopes"))?;
    if !scopes.is_empty() {
        echo.insert("scope".into(), scopes.to_string().into());
    }
    Ok(echo)
}

/// RFC 5646, roughly.
fn is_language(tag: &str) -> bool {
    (1..=35).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Registration {
    /// Whether the client is to be given a secret.
    pub fn wants_secret(&self) -> bool {
        matches!(self.client.authentication, ClientAuthentication::Secret(_))
    }
}

/// The answer (RFC 7591 section 3.2.1): what the client is registered with, and its secret, which never
/// expires before the client does. With status 201.
pub fn response(registration: &Registration, secret: Option<&Secret>) -> Value {
    let Registration { client, echo } = registration;
    let mut answer = echo.clone();
    let mut say = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    say("client_id", client.id.clone().into());
    say("client_id_issued_at", client.created.as_secs().into());
    say("redirect_uris", client.redirect_uris.clone().into());
    say("response_types", json!(["code"]));
    let refresh = client.grant_types.refresh_token.then_some("refresh_token");
    say("grant_types", ["authorization_code"].into_iter().chain(refresh).collect());
    say("token_endpoint_auth_method", method(&client.authentication).into());
    if let Some(name) = &client.name {
        say("client_name", name.clone().into());
    }
    match &client.authentication {
        ClientAuthentication::PrivateKeyJwt(ClientKeys::Uri(uri)) => {
            say("jwks_uri", uri.as_str().into());
        }
        ClientAuthentication::PrivateKeyJwt(ClientKeys::Inline(keys)) => {
            say("jwks", serde_json::from_str(keys).unwrap_or_default());
        }
        ClientAuthentication::None | ClientAuthentication::Secret(_) => {}
    }
    if let Some(secret) = secret {
        say("client_secret", secret.expose().into());
        say("client_secret_expires_at", 0.into());
    }
    Value::Object(answer)
}

fn method(authentication: &ClientAuthentication) -> &'static str {
    match authentication {
        ClientAuthentication::None => "none",
        ClientAuthentication::Secret(SecretMethod::Basic | SecretMethod::Either) => "client_secret_basic",
        ClientAuthentication::Secret(SecretMethod::Post) => "client_secret_post",
        ClientAuthentication::PrivateKeyJwt(_) => "private_key_jwt",
    }
}

#[cfg(test)]
mod tests;
