//! Which token is meant: of which source, and for whom.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use doorward_model::{AssertionSource, Caller, CallerKey, Identity, Secret, TokenSource};

/// What a token is kept under. Sources that say the same are the same: a configuration that is read again and has not
/// changed here loses no tokens.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) source: Source,
    caller: Option<CallerKey>,
}

/// Where tokens are got.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// At an endpoint that is configured.
    Endpoint(Arc<TokenSource>),
    /// For an identity assertion.
    Assertion(Arc<AssertionSource>),
}

impl Source {
    /// The authorization server, for messages.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Endpoint(source) => source.token_endpoint.host_str().unwrap_or_default().to_owned(),
            Self::Assertion(source) => source.issuer.clone(),
        }
    }
}

impl Key {
    pub(super) fn new(source: Source, caller: Option<&Arc<Identity>>) -> Self {
        let caller = caller.map(|identity| Caller::Issued(Arc::clone(identity)).key());
        Self { source, caller }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.caller == other.caller
            && match (&self.source, &other.source) {
                (Source::Endpoint(one), Source::Endpoint(other)) => {
                    Arc::ptr_eq(one, other) || same(one, other)
                }
                (Source::Assertion(one), Source::Assertion(other)) => {
                    Arc::ptr_eq(one, other) || same_assertion(one, other)
                }
                _ => false,
            }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.source {
            Source::Endpoint(source) => (source.token_endpoint.as_str(), &source.client_id).hash(state),
            Source::Assertion(source) => (&source.issuer, &source.client.id).hash(state),
        }
        self.caller.hash(state);
    }
}

fn same(one: &TokenSource, other: &TokenSource) -> bool {
    // Whole, so that a member that is added cannot be forgotten.
    let TokenSource { token_endpoint, client_id, client_secret, scope, resource, audience } = one;
    let secrets = (client_secret.as_ref(), other.client_secret.as_ref());
    *token_endpoint == other.token_endpoint
        && *client_id == other.client_id
        && secrets.0.map(Secret::expose) == secrets.1.map(Secret::expose)
        && *scope == other.scope
        && *resource == other.resource
        && *audience == other.audience
}

fn same_assertion(one: &AssertionSource, other: &AssertionSource) -> bool {
    let AssertionSource { place, issuer, token_endpoint, client, scope, resource } = one;
    let secrets = (client.secret.as_ref(), other.client.secret.as_ref());
    *place == other.place
        && *issuer == other.issuer
        && *token_endpoint == other.token_endpoint
        && client.id == other.client.id
        && secrets.0.map(Secret::expose) == secrets.1.map(Secret::expose)
        && *scope == other.scope
        && *resource == other.resource
}
