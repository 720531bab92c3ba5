//! One request to an authorization server.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use doorward_auth::{
    client::{
        Grant, Granted, MAX_ANSWER, Proof, Target, TokenRequest, assertion,
        discovery::{AuthorizationServer, MAX_DOCUMENT, server_metadata_urls},
    },
    keys::hash,
};
use doorward_egress::{Outbound, Trust, read_capped};
use doorward_model::{AssertionSource, Identity, Secret, Timestamp, TokenSource};
use lru::LruCache;
use url::Url;

use super::{CredentialError, Credentials, key::Source};
use crate::token_endpoint;

/// How long an authorization server may take, from the wait for a place to the end of its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it is remembered where an issuer gives tokens, in seconds.
const REMEMBERED: i64 = 600;

impl Credentials {
    /// Asks for a token, for a caller or for Doorward itself.
    pub(super) async fn ask(
        &self,
        source: &Source,
        caller: Option<&Identity>,
        origin: &str,
    ) -> Result<Granted, CredentialError> {
        match (source, caller) {
            (Source::Endpoint(endpoint), caller) => {
                let subject = caller.map(|caller| self.speak_for(endpoint, caller, origin));
                let grant = subject.as_ref().map_or(Grant::ClientCredentials, Grant::Exchange);
                self.send(source, &self.asks(endpoint), grant).await
            }
            (Source::Assertion(_), None) => Err(CredentialError::Nobody),
            (Source::Assertion(assertion), Some(person)) => {
                let word = self.vouch_for(assertion, person, origin);
                let asked = self.asks_with_assertion(assertion).await?;
                self.send(source, &asked, Grant::Assertion(&word)).await
            }
        }
    }

    async fn send(
        &self,
        source: &Source,
        asked: &Asked<'_>,
        grant: Grant<'_>,
    ) -> Result<Granted, CredentialError> {
        let away = |why: String| CredentialError::Away(source.place(), why);
        let outbound = asked.outbound(grant).ok_or(CredentialError::Header)?;
        let answered = tokio::time::timeout(PATIENCE, async {
            let _place = self.places.acquire().await.map_err(|error| away(error.to_string()))?;
            let answer = self.egress.send(outbound, PATIENCE).await;
            let answer = answer.map_err(|error| away(error.to_string()))?;
            let status = answer.status().as_u16();
            let body = read_capped(answer.into_body(), MAX_ANSWER).await;
            Ok((status, body.map_err(|error| away(error.to_string()))?))
        });
        let (status, body) = answered.await.unwrap_or_else(|_| Err(away("it is too slow".to_owned())))?;
        Granted::read(status, &body, grant).map_err(|error| CredentialError::Answer(source.place(), error))
    }

    /// Doorward's own word about who the caller is, for the authorization server alone.
    fn speak_for(&self, source: &TokenSource, caller: &Identity, origin: &str) -> Secret {
        let (now, id) = (self.clock.now(), hash::random_hex::<16>());
        let claims = assertion::caller(origin, caller, source.token_endpoint.as_str(), now, &id);
        Secret::new(self.signer.jwt(assertion::CALLER, &claims))
    }

    /// The identity assertion of a person, for the authorization server alone (ID-JAG).
    fn vouch_for(&self, source: &AssertionSource, person: &Identity, origin: &str) -> Secret {
        let (now, id) = (self.clock.now(), hash::random_hex::<16>());
        let (issuer, client_id, resource) = (&source.issuer, &source.client.id, source.resource.as_str());
        let to = assertion::IdJag { issuer, client_id, resource, scope: source.scope.as_deref() };
        Secret::new(
            self.signer.jwt(assertion::ID_JAG, &assertion::id_jag(origin, &person.subject, &to, now, &id)),
        )
    }

    fn asks<'s>(&self, source: &'s TokenSource) -> Asked<'s> {
        let word = || {
            self.signer.client_assertion(&source.client_id, source.token_endpoint.as_str(), self.clock.now())
        };
        Asked {
            endpoint: source.token_endpoint.clone(),
            target: Target::of(source),
            trust: Trust::Declared,
            secret: source.client_secret.as_ref(),
            word: source.client_secret.is_none().then(word),
        }
    }

    async fn asks_with_assertion<'s>(
        &self,
        source: &'s AssertionSource,
    ) -> Result<Asked<'s>, CredentialError> {
        let (endpoint, trust) = match &source.token_endpoint {
            Some(endpoint) => (endpoint.clone(), Trust::Declared),
            None => self.discovered(&source.issuer).await?,
        };
        let (client_id, secret) = (source.client.id.as_str(), source.client.secret.as_ref());
        let (scope, resource) = (source.scope.as_deref(), Some(source.resource.as_str()));
        let word = || self.signer.client_assertion(client_id, &source.issuer, self.clock.now());
        let target = Target { client_id, scope, resource, audience: None };
        Ok(Asked { endpoint, target, trust, secret, word: secret.is_none().then(word) })
    }

    /// The token endpoint that an issuer of the operator's names.
    async fn discovered(&self, issuer: &str) -> Result<(Url, Trust), CredentialError> {
        let now = self.clock.now();
        let known = self.endpoints().get(issuer).filter(|known| now < known.until).cloned();
        if let Some(Endpoint { url, trust, .. }) = known {
            return Ok((url, trust));
        }
        let (url, trust) = self.discover(issuer).await?;
        let until = now.plus_secs(REMEMBERED);
        self.endpoints().put(issuer.to_owned(), Endpoint { url: url.clone(), trust, until });
        Ok((url, trust))
    }

    fn endpoints(&self) -> MutexGuard<'_, LruCache<String, Endpoint>> {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the issuer's metadata say. At another host the endpoint is not the operator's any more.
    async fn discover(&self, issuer: &str) -> Result<(Url, Trust), CredentialError> {
        let away = |why: String| CredentialError::Away(issuer.to_owned(), why);
        let urls = server_metadata_urls(issuer).map_err(|error| away(error.to_string()))?;
        let mut failed = away("it has no metadata".to_owned());
        for url in urls {
            match self.egress.fetch(&url, Trust::Declared, MAX_DOCUMENT).await {
                Ok((document, _)) => {
                    let server = AuthorizationServer::read(&document, issuer);
                    let token = server.map_err(|error| away(error.to_string()))?.token;
                    let is_own = token.origin() == url.origin();
                    return Ok((token, if is_own { Trust::Declared } else { Trust::Guarded }));
                }
                Err(error) => failed = away(error.to_string()),
            }
        }
        Err(failed)
    }
}

/// Where an issuer gives tokens, as it said itself.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    url: Url,
    trust: Trust,
    until: Timestamp,
}

/// Where a token is asked for, and as whom.
struct Asked<'s> {
    endpoint: Url,
    target: Target<'s>,
    trust: Trust,
    secret: Option<&'s Secret>,
    /// Doorward's own word about who it is, where it has no secret.
    word: Option<Secret>,
}

impl Asked<'_> {
    /// The request; absent when something in it is not a header value.
    fn outbound(&self, grant: Grant<'_>) -> Option<Outbound> {
        let proof = match (self.secret, &self.word) {
            (Some(secret), _) => Proof::Secret(secret),
            (None, Some(word)) => Proof::Assertion(word),
            (None, None) => Proof::None,
        };
        let request = TokenRequest::new(&self.target, grant, proof);
        token_endpoint::outbound(&self.endpoint, &request, self.trust).ok()
    }
}
