//! Which token is meant: of which source, and for whom.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use doorward_model::{Caller, CallerKey, Identity, Secret, TokenSource};

/// What a token is kept under. Sources that say the same are the same: a configuration that is read again and has not
/// changed here loses no tokens.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) source: Arc<TokenSource>,
    caller: Option<CallerKey>,
}

impl Key {
    pub(super) fn new(source: &Arc<TokenSource>, caller: Option<&Arc<Identity>>) -> Self {
        let caller = caller.map(|identity| Caller::Issued(Arc::clone(identity)).key());
        Self { source: Arc::clone(source), caller }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.caller == other.caller
            && (Arc::ptr_eq(&self.source, &other.source) || same(&self.source, &other.source))
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.token_endpoint.as_str().hash(state);
        self.source.client_id.hash(state);
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
