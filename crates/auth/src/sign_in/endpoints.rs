//! Where a provider does what: its discovery document (OpenID Connect Discovery section 3).

use url::Url;

use crate::metadata::Document;

/// A provider's endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where the browser is sent.
    pub authorization: Url,
    /// Where a code is exchanged.
    pub token: Url,
    /// Where the keys are that sign ID tokens.
    pub keys: Url,
    /// Whether answers always name their issuer (RFC 9207 section 3).
    pub names_issuer: bool,
    /// Whether a client's secret goes into the form (`client_secret_post`): it does where the provider does
    /// not take it in the header.
    pub secret_in_form: bool,
}

/// Why a document does not describe the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointsError {
    /// Not a JSON object without duplicate members.
    #[error("the provider's discovery document is not a JSON object")]
    Malformed,
    /// Its `issuer` is another (OpenID Connect Discovery section 4.3).
    #[error("the provider's discovery document is that of another issuer")]
    Issuer,
    /// An endpoint is missing or no address; it is `https` unless the issuer itself is not.
    #[error("the provider's discovery document has no usable `{0}`")]
    Endpoint(&'static str),
}

impl Endpoints {
    /// Reads the document that was fetched for `issuer`.
    pub fn read(document: &[u8], issuer: &str) -> Result<Self, EndpointsError> {
        let document = Document::read(document).ok_or(EndpointsError::Malformed)?;
        if !document.is_of(issuer) {
            return Err(EndpointsError::Issuer);
        }
        let secure = !issuer.starts_with("http://");
        let fits = |url: &Url| url.scheme() == "https" || !secure;
        let at = |name| document.address(name).filter(fits).ok_or(EndpointsError::Endpoint(name));
        Ok(Self {
            authorization: at("authorization_endpoint")?,
            token: at("token_endpoint")?,
            keys: at("jwks_uri")?,
            names_issuer: document.says("authorization_response_iss_parameter_supported"),
            secret_in_form: secret_in_form(&document),
        })
    }
}

/// Without a list, the header is what counts.
fn secret_in_form(document: &Document) -> bool {
    document.list("token_endpoint_auth_methods_supported").is_some_and(|methods| {
        methods.contains(&"client_secret_post") && !methods.contains(&"client_secret_basic")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://idp.example.com/tenant";

    fn read(changes: &[(&str, Value)]) -> Result<Endpoints, EndpointsError> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://login.example.com/authorize?tenant=1",
            "token_endpoint": "https://idp.example.com/token",
            "jwks_uri": "https://idp.example.com/keys",
        });
        for (name, value) in changes {
            document[*name] = value.clone();
        }
        Endpoints::read(document.to_string().as_bytes(), ISSUER)
    }

    #[test]
    fn endpoints_may_be_elsewhere_but_the_issuer_is_exact() {
        let endpoints = read(&[]).unwrap();
        assert_eq!(endpoints.authorization.as_str(), "https://login.example.com/authorize?tenant=1");
        assert!(!endpoints.names_issuer && !endpoints.secret_in_form);
        assert!(
            read(&[("authorization_response_iss_parameter_supported", true.into())]).unwrap().names_issuer
        );
        for other in
            [json!("https://idp.example.com/tenant/"), json!("https://IDP.example.com/tenant"), json!(null)]
        {
            assert_eq!(read(&[("issuer", other.clone())]), Err(EndpointsError::Issuer), "{other}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_and_as_safe_as_the_issuer() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for bad in [
                json!(null),
                json!(1),
                json!(""),
                json!("http://idp.example.com/x"),
                json!("javascript:alert(1)"),
                json!("https://user@idp.example.com/x"),
                json!("https://idp.example.com/x#y"),
                json!("https://idp.example.com/x\n"),
            ] {
                assert_eq!(read(&[(name, bad.clone())]), Err(EndpointsError::Endpoint(name)), "{bad}");
            }
        }
        let local = json!({
            "issuer": "http://127.0.0.1:9", "authorization_endpoint": "http://127.0.0.1:9/a",
            "token_endpoint": "http://127.0.0.1:9/t", "jwks_uri": "http://127.0.0.1:9/k",
        });
        assert!(Endpoints::read(local.to_string().as_bytes(), "http://127.0.0.1:9").is_ok());
    }

    #[test]
    fn how_the_secret_travels() {
        for (methods, form) in [
            (json!(["client_secret_post"]), true),
            (json!(["client_secret_post", "client_secret_basic"]), false),
            (json!(["private_key_jwt"]), false),
            (json!("client_secret_post"), false),
        ] {
            let endpoints = read(&[("token_endpoint_auth_methods_supported", methods.clone())]).unwrap();
            assert_eq!(endpoints.secret_in_form, form, "{methods}");
        }
    }

    proptest! {
        #[test]
        fn any_document_is_judged(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(Endpoints::read(&bytes, ISSUER).is_err());
        }
    }
}
