#![allow(missing_docs, clippy::all, clippy::pedantic)]
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
