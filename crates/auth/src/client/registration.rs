//! How Doorward becomes a client of another authorization server (MCP 2026-07-28, client registration): registered by hand,
//! else known by its document (OAuth Client ID Metadata Document), else registered by request (RFC 7591).
//!
//! A client belongs to one issuer. Nothing here keeps it; whoever does keeps it under the issuer, and never takes it to
//! another.
//!
//! In the order in which they are needed: [`choose`], [`client_document`] or [`request`], [`RegisteredClient`].

mod answer;

use doorward_model::{Algorithm, OwnClient, Secret, Timestamp};
use serde_json::{Value, json};
use url::Url;

use super::{Proof, discovery::AuthorizationServer};
use crate::server::{client_document::check_id, token_request::JWT_BEARER};

pub use answer::RegistrationError;

/// Where people come back to, below the public URL: the one redirect URI, at whatever authorization server.
pub const CALLBACK: &str = "/oauth/callback";
/// Where Doorward's own client document is, below the public URL.
pub const DOCUMENT: &str = "/client-metadata.json";
/// Where Doorward's public keys are, below the public URL.
const KEYS: &str = "/.well-known/jwks.json";
/// What others call the client.
const NAME: &str = "Doorward";

/// How a client proves who it is at a token endpoint (RFC 7591 section 2, `token_endpoint_auth_method`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientMethod {
    /// `none`: not at all.
    None,
    /// `client_secret_basic`: by a secret in HTTP Basic.
    Basic,
    /// `client_secret_post`: by a secret in the form.
    Post,
    /// `private_key_jwt`: by an assertion that it signed (RFC 7523 section 2.2).
    PrivateKeyJwt,
}

impl ClientMethod {
    const ALL: [Self; 4] = [Self::None, Self::Basic, Self::Post, Self::PrivateKeyJwt];

    /// As it travels and is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// What [`ClientMethod::name`] wrote; `None` for all other methods.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    const fn needs_secret(self) -> bool {
        matches!(self, Self::Basic | Self::Post)
    }

    /// The first of these that a server takes.
    fn first(methods: &[Self], server: &AuthorizationServer) -> Option<Self> {
        methods.iter().copied().find(|method| server.methods.contains(method))
    }
}

/// The addresses that Doorward has as a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAddresses {
    /// The public URL's origin.
    pub origin: String,
    /// Its document: also the client's id where documents are taken.
    pub document: String,
    /// Where people come back to.
    pub redirect_uri: String,
    /// Its public keys.
    pub keys: String,
}

impl OwnAddresses {
    /// The addresses below a public URL's origin, which has no slash at the end.
    pub fn at(origin: &str) -> Self {
        let at = |path| format!("{origin}{path}");
        Self { origin: origin.to_owned(), document: at(DOCUMENT), redirect_uri: at(CALLBACK), keys: at(KEYS) }
    }

    /// Whether others may fetch what is there. Whether they can is theirs to find out.
    fn are_public(&self) -> bool {
        check_id(&self.document).is_ok()
    }
}

/// How to become a client.
#[derive(Debug, Clone, Copy)]
pub enum Way<'a> {
    /// The operator registered it: [`RegisteredClient::configured`].
    PreRegistered(&'a OwnClient),
    /// By Doorward's document: [`RegisteredClient::document`].
    Document,
    /// By a [`request`] to this address: [`RegisteredClient::read`].
    Dynamic(&'a Url),
}

/// How to become a client at a server.
///
/// # Errors
/// [`RegistrationError::Closed`] or [`RegistrationError::NotPublic`] when only the operator can.
pub fn choose<'a>(
    configured: Option<&'a OwnClient>,
    server: &'a AuthorizationServer,
    own: &OwnAddresses,
) -> Result<Way<'a>, RegistrationError> {
    match (configured, &server.registration) {
        (Some(client), _) => Ok(Way::PreRegistered(client)),
        _ if server.client_documents && own.are_public() => Ok(Way::Document),
        (_, Some(endpoint)) => Ok(Way::Dynamic(endpoint)),
        _ if server.client_documents => Err(RegistrationError::NotPublic),
        _ => Err(RegistrationError::Closed),
    }
}

/// What Doorward says of itself as a client, at [`DOCUMENT`].
///
/// It has keys and no secret. That it may come without proof, too, is for servers that take nothing else of clients with
/// documents (OpenID Connect RP Metadata Choices).
pub fn client_document(own: &OwnAddresses) -> Value {
    let mut document = described(own, ClientMethod::PrivateKeyJwt);
    document["client_id"] = own.document.as_str().into();
    document["grant_types"] = json!(["authorization_code", "refresh_token", JWT_BEARER]);
    document["token_endpoint_auth_methods_supported"] =
        json!([ClientMethod::PrivateKeyJwt.name(), ClientMethod::None.name()]);
    document
}

/// What Doorward registers with (RFC 7591 section 3.1): the body of a POST, as JSON.
///
/// No scopes are named: the client is for all resources of that server.
pub fn request(server: &AuthorizationServer, own: &OwnAddresses) -> Value {
    described(own, asked(server, own))
}

fn described(own: &OwnAddresses, method: ClientMethod) -> Value {
    let mut document = json!({
        "client_name": NAME,
        "client_uri": own.origin,
        "redirect_uris": [own.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": method.name(),
    });
    if method == ClientMethod::PrivateKeyJwt {
        document["jwks_uri"] = own.keys.as_str().into();
        document["token_endpoint_auth_signing_alg"] = Algorithm::Es256.name().into();
    }
    document
}

/// The method to register with: a secret before keys, which the server would have to fetch, and those before nothing.
fn asked(server: &AuthorizationServer, own: &OwnAddresses) -> ClientMethod {
    use ClientMethod::{Basic, None, Post, PrivateKeyJwt};
    let methods = [Basic, Post, PrivateKeyJwt, None];
    let possible = methods.into_iter().filter(|method| *method != PrivateKeyJwt || own.are_public());
    ClientMethod::first(&possible.collect::<Vec<_>>(), server).unwrap_or(Basic)
}

/// A client of Doorward's at one issuer.
#[derive(Debug, Clone)]
pub struct RegisteredClient {
    /// Doorward's name there.
    pub id: String,
    /// Doorward's secret there.
    pub secret: Option<Secret>,
    /// How it proves who it is.
    pub method: ClientMethod,
    /// When its secret ends to be good, if it does.
    pub secret_expires: Option<Timestamp>,
}

impl RegisteredClient {
    /// The client that the operator registered. Its secret goes where the server takes it; without one it proves nothing
    /// where that is possible, else it signs.
    pub fn configured(client: &OwnClient, server: &AuthorizationServer) -> Self {
        use ClientMethod::{Basic, None, Post, PrivateKeyJwt};
        let method = match client.secret {
            Some(_) => ClientMethod::first(&[Basic, Post], server).unwrap_or(Basic),
            Option::None => ClientMethod::first(&[None, PrivateKeyJwt], server).unwrap_or(None),
        };
        Self { id: client.id.clone(), secret: client.secret.clone(), method, secret_expires: Option::None }
    }

    /// The client of Doorward's document: it signs where the server reads that, and wherever the server does not say.
    pub fn document(server: &AuthorizationServer, own: &OwnAddresses) -> Self {
        use ClientMethod::{None, PrivateKeyJwt};
        let method = ClientMethod::first(&[PrivateKeyJwt, None], server).unwrap_or(PrivateKeyJwt);
        Self { id: own.document.clone(), secret: Option::None, method, secret_expires: Option::None }
    }

    /// Whether its secret, if it has one, is still good.
    pub fn is_good_at(&self, now: Timestamp) -> bool {
        self.secret_expires.is_none_or(|end| now < end)
    }

    /// What goes along with a request to the token endpoint. `None` when it signs, and there is no assertion; or when it
    /// has lost its secret.
    pub fn proof<'a>(&'a self, assertion: Option<&'a Secret>) -> Option<Proof<'a>> {
        match self.method {
            ClientMethod::None => Some(Proof::None),
            ClientMethod::Basic => self.secret.as_ref().map(Proof::Secret),
            ClientMethod::Post => self.secret.as_ref().map(Proof::Form),
            ClientMethod::PrivateKeyJwt => assertion.map(Proof::Assertion),
        }
    }
}

#[cfg(test)]
mod tests;
