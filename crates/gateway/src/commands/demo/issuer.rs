//! The demo's token issuer: it plays the identity provider of a company, without people and passwords.
//!
//! It publishes a discovery document and its keys, as OpenID Connect providers do, and mints what the story
//! asks for, also tokens that must not be believed.

use bytes::Bytes;
use doorward_auth::keys::{SigningKey, hash};
use doorward_model::{Algorithm, Clock as _, SystemClock};
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::serving::{self, Serving};

/// Base64url of `{"alg":"none","typ":"at+jwt"}`.
const HEADER_WITHOUT_ALGORITHM: &str = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
/// How long its tokens are good for, in seconds.
const LIFETIME: i64 = 300;

/// A running issuer.
pub(super) struct Issuer {
    url: String,
    key: SigningKey,
    _serving: Serving,
}

impl Issuer {
    /// Starts with a new key.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let key = SigningKey::generate(Algorithm::Es256)?;
        let (listener, url) = serving::bind().await?;
        let metadata = json!({
            "issuer": url, "jwks_uri": format!("{url}/jwks.json"),
            "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        let documents = [metadata, json!({ "keys": [key.jwk()] })].map(|document| document.to_string());
        let serving = serving::serve(listener, move |request| {
            let answer = answer(&request, &documents);
            async move { answer }
        });
        Ok(Self { url, key, _serving: serving })
    }

    /// The issuer identifier: where its documents are.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A good token for `subject` at `resource`.
    pub(super) fn token(&self, subject: &str, resource: &str) -> String {
        self.key.sign_jwt("at+jwt", &self.claims(subject, resource))
    }

    /// A token that was good until an hour ago.
    pub(super) fn expired(&self, subject: &str, resource: &str) -> String {
        let mut claims = self.claims(subject, resource);
        let now = SystemClock.now().as_secs();
        claims["iat"] = (now - 3600 - LIFETIME).into();
        claims["exp"] = (now - 3600).into();
        self.key.sign_jwt("at+jwt", &claims)
    }

    /// A token that names this issuer and was signed by somebody else.
    pub(super) fn forged(&self, subject: &str, resource: &str) -> anyhow::Result<String> {
        let key = SigningKey::generate(Algorithm::Es256)?;
        Ok(key.sign_jwt("at+jwt", &self.claims(subject, resource)))
    }

    /// The signature of a good token under the claims of another.
    pub(super) fn altered(&self, subject: &str, other: &str, resource: &str) -> String {
        let (good, wanted) = (self.token(subject, resource), self.token(other, resource));
        let signature = good.rsplit('.').next().unwrap_or_default();
        let message = wanted.rsplit_once('.').map_or("", |(message, _)| message);
        format!("{message}.{signature}")
    }

    /// A token that says that it needs no signature, and has none.
    pub(super) fn unsigned(&self, subject: &str, resource: &str) -> String {
        let good = self.token(subject, resource);
        let claims = good.split('.').nth(1).unwrap_or_default();
        format!("{HEADER_WITHOUT_ALGORITHM}.{claims}.")
    }

    /// A token that is sound in itself, of an issuer that nobody here trusts.
    pub(super) fn stranger(&self, subject: &str, resource: &str) -> anyhow::Result<String> {
        let mut claims = self.claims(subject, resource);
        claims["iss"] = "https://issuer.example".into();
        Ok(SigningKey::generate(Algorithm::Es256)?.sign_jwt("at+jwt", &claims))
    }

    fn claims(&self, subject: &str, resource: &str) -> Value {
        let now = SystemClock.now().as_secs();
        json!({
            "iss": self.url, "sub": subject, "aud": resource, "client_id": "demo-agent",
            "iat": now, "exp": now + LIFETIME, "jti": hash::random_hex::<16>(),
        })
    }
}

fn answer(request: &Request<Incoming>, [metadata, keys]: &[String; 2]) -> Response<Full<Bytes>> {
    let document = match request.uri().path() {
        "/.well-known/openid-configuration" => Some(metadata),
        "/jwks.json" => Some(keys),
        _ => None,
    };
    let mut response = Response::new(Full::from(document.cloned().unwrap_or_default()));
    if document.is_none() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
