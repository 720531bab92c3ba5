#![allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod token_request {
    use doorward_model::*;
    use super::super::{error::OAuthError, form::Parameters};
    use serde_json::Value;
    pub const FIELDS: [&str; 3] = ["a","b","c"];
    pub enum TokenRequest { AuthorizationCode(AuthorizationCode), Refresh(Refresh), ClientCredentials(ClientCredentials), JwtBearer(JwtBearer) }
    pub struct AuthorizationCode { pub code: Secret }
    pub struct Refresh { pub token: Secret }
    pub struct ClientCredentials { pub resource: Option<String>, pub scopes: Option<Scopes> }
    pub struct JwtBearer { pub assertion: Secret, pub scopes: Option<Scopes> }
    impl TokenRequest { pub fn parse(_: &Parameters, _: &Client) -> Result<Self, OAuthError> { todo!() } }
    pub struct CodeView<'a> { pub client: &'a str, pub redirect_uri: &'a str, pub challenge: &'a str, pub resource: &'a str }
    pub fn check_code(_: &AuthorizationCode, _: &str, _: &CodeView<'_>) -> Result<(), OAuthError> { todo!() }
    pub fn check_refresh(_: &Refresh, _: &ClientGrant) -> Result<Scopes, OAuthError> { todo!() }
    pub fn response(_: &Secret, _: Option<&Secret>, _: i64, _: Scopes, _: &str) -> Value { todo!() }
}
pub mod client_auth {
    use doorward_model::*;
    use super::super::{error::OAuthError, form::Parameters};
    use crate::keys::KeySet;
    pub struct Presented { pub id: String }
    pub struct Once { pub jti: String, pub expires: Timestamp }
    pub fn presented(_: Option<&str>, _: &Parameters) -> Result<Presented, OAuthError> { todo!() }
    pub fn authenticate(_: &Client, _: Option<&str>, _: &Presented, _: Option<&KeySet>, _: &str, _: Timestamp) -> Result<Option<Once>, OAuthError> { todo!() }
}
pub mod registration {
    use doorward_model::*;
    use super::super::error::OAuthError;
    pub struct Registration { pub client: Client, pub wants_secret: bool }
    pub fn register(_: &[u8], _: String, _: Timestamp) -> Result<Registration, OAuthError> { todo!() }
    pub fn response(_: &Registration, _: Option<&Secret>) -> serde_json::Value { todo!() }
}
pub mod client_document {
    use doorward_model::*;
    #[derive(Debug, thiserror::Error)] #[error("x")] pub struct E;
    #[derive(Clone, Debug)] pub struct DocumentClient { pub client: Client, pub digest: String }
    pub fn check_id(_: &str) -> Result<url::Url, E> { todo!() }
    pub fn read(_: &str, _: &[u8], _: Timestamp) -> Result<DocumentClient, E> { todo!() }
    pub fn lifetime(_: Option<u64>) -> std::time::Duration { todo!() }
    pub fn digest_of(_: &Client) -> String { todo!() }
}
pub mod metadata {
    pub struct Options { pub registration: bool, pub client_documents: bool, pub id_jag: bool }
    pub fn authorization_server(_: &str, _: &Options) -> serde_json::Value { todo!() }
}
pub mod assertion {
    use doorward_model::*;
    use crate::keys::KeySet;
    use crate::verify::TokenError;
    pub struct IdJag { pub subject: String, pub groups: Vec<String>, pub resource: String, pub scopes: Option<Scopes>, pub jti: String, pub expires: Timestamp }
    pub struct U; 
    pub fn peek(_: &str) -> Result<U, TokenError> { todo!() }
    impl U { pub fn issuer(&self) -> &str { todo!() }
      pub fn verify(&self, _: &Issuer, _: &KeySet, _: &str, _: &str, _: Timestamp) -> Result<IdJag, TokenError> { todo!() } }
}
pub mod password {
    use doorward_model::Secret;
    pub const MIN_LENGTH: usize = 8;
    #[derive(Debug)] pub struct E;
    pub fn hash(_: &Secret) -> Result<String, E> { todo!() }
    pub fn verify(_: &Secret, _: &str) -> bool { todo!() }
    pub fn decoy() -> &'static str { "" }
}
pub mod sign_in {
    use doorward_model::*;
    use crate::keys::KeySet;
    use crate::verify::TokenError;
    use url::Url;
    #[derive(Debug, thiserror::Error)] #[error("x")] pub struct E;
    pub struct Endpoints { pub token: Url, pub jwks: Url, pub sends_issuer: bool }
    impl Endpoints { pub fn read(_: &[u8], _: &str) -> Result<Self, E> { todo!() } }
    pub struct Form { pub body: Secret, pub authorization: Option<Secret> }
    pub fn authorization_url(_: &SignInProvider, _: &Endpoints, _: &str, _: &str, _: &str, _: &str) -> Url { todo!() }
    pub fn token_form(_: &SignInProvider, _: &Endpoints, _: &str, _: &str, _: &str) -> Form { todo!() }
    pub fn id_token(_: &[u8]) -> Result<Secret, E> { todo!() }
    pub fn callback(_: &str, _: &str, _: bool) -> Result<String, E> { todo!() }
    pub struct SignedIn { pub subject: String, pub name: Option<String>, pub groups: Vec<String> }
    impl SignedIn { pub fn verified_domain(&self) -> Option<String> { todo!() } }
    pub fn verify_id_token(_: &str, _: &SignInProvider, _: &KeySet, _: &str, _: Timestamp) -> Result<SignedIn, TokenError> { todo!() }
}
