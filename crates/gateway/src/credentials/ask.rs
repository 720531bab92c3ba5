//! One request to an authorization server.

use std::time::Duration;

use bytes::Bytes;
use doorward_auth::{
    client::{Grant, Granted, MAX_ANSWER, Proof, Target, TokenRequest, assertion},
    keys::hash,
};
use doorward_egress::{Outbound, Protocol, Trust, read_capped};
use doorward_model::{Identity, Secret, TokenSource};
use http::{HeaderMap, HeaderValue, Method, Uri, header};

use super::{CredentialError, Credentials};

/// How long an authorization server may take, from the wait for a place to the end of its answer.
const PATIENCE: Duration = Duration::from_secs(10);

impl Credentials {
    /// Asks for a token, for a caller or for Doorward itself.
    pub(super) async fn ask(
        &self,
        source: &TokenSource,
        caller: Option<&Identity>,
        origin: &str,
    ) -> Result<Granted, CredentialError> {
        let away = |why: String| CredentialError::Away(place(source), why);
        let subject = caller.map(|caller| self.speak_for(source, caller, origin));
        let grant = subject.as_ref().map_or(Grant::ClientCredentials, Grant::Exchange);
        let outbound = self.outbound(source, grant).ok_or(CredentialError::Header)?;
        let answered = tokio::time::timeout(PATIENCE, async {
            let _place = self.places.acquire().await.map_err(|error| away(error.to_string()))?;
            let answer = self.egress.send(outbound, PATIENCE).await;
            let answer = answer.map_err(|error| away(error.to_string()))?;
            let status = answer.status().as_u16();
            let body = read_capped(answer.into_body(), MAX_ANSWER).await;
            Ok((status, body.map_err(|error| away(error.to_string()))?))
        });
        let (status, body) = answered.await.unwrap_or_else(|_| Err(away("it is too slow".to_owned())))?;
        Granted::read(status, &body, grant).map_err(|error| CredentialError::Answer(place(source), error))
    }

    /// Doorward's own word about who the caller is, for the authorization server alone.
    fn speak_for(&self, source: &TokenSource, caller: &Identity, origin: &str) -> Secret {
        let (now, id) = (self.clock.now(), hash::random_hex::<16>());
        let claims = assertion::caller(origin, caller, source.token_endpoint.as_str(), now, &id);
        Secret::new(self.signer.jwt(assertion::CALLER, &claims))
    }

    /// Doorward's own word about who it is, for the authorization server alone.
    fn speak_for_itself(&self, source: &TokenSource) -> Secret {
        let (now, id) = (self.clock.now(), hash::random_hex::<16>());
        let claims = assertion::client(&source.client_id, source.token_endpoint.as_str(), now, &id);
        Secret::new(self.signer.jwt(assertion::CLIENT, &claims))
    }

    /// The request; absent when something in it is not a header value.
    fn outbound(&self, source: &TokenSource, grant: Grant<'_>) -> Option<Outbound> {
        let word;
        let proof = if let Some(secret) = &source.client_secret {
            Proof::Secret(secret)
        } else {
            word = self.speak_for_itself(source);
            Proof::Assertion(&word)
        };
        let request = TokenRequest::new(&Target::of(source), grant, proof);
        let mut headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        if let Some(basic) = &request.authorization {
            let mut value = HeaderValue::from_str(basic.expose()).ok()?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let uri: Uri = source.token_endpoint.as_str().parse().ok()?;
        let body = Bytes::from(request.form.expose().to_owned());
        let (method, trust, protocol) = (Method::POST, Trust::Declared, Protocol::Http1OrAlpn);
        Some(Outbound { method, uri, headers, body, trust, protocol })
    }
}

/// An authorization server, for messages.
pub(super) fn place(source: &TokenSource) -> String {
    source.token_endpoint.host_str().unwrap_or_default().to_owned()
}
