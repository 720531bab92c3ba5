//! The lock on a protected upstream: its metadata, its challenges, and which tokens open it.

use std::sync::Arc;

use serde_json::json;

use super::{Shared, State, path_of};
use crate::recorder::{Lock, Recorded, Reply};

const METADATA: &str = "/.well-known/oauth-protected-resource";

/// What stands before an upstream.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) shared: Arc<Shared>,
    /// The upstream's address.
    pub(super) resource: String,
}

impl Lock for Door {
    fn judge(&self, request: &Recorded) -> Option<Reply> {
        let state = self.shared.lock();
        if path_of(request).starts_with(METADATA) {
            return Some(self.metadata(&state));
        }
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let Some(token) = token else { return Some(self.challenge(&state, None)) };
        let Some(grant) = state.tickets.access.get(token) else {
            return Some(self.challenge(&state, Some("invalid_token")));
        };
        let required = state.manners.required_scope.as_deref().unwrap_or_default();
        let holds = |scope: &str| grant.scope.split(' ').any(|held| held == scope);
        if required.split_whitespace().all(holds) {
            return None;
        }
        Some(self.challenge(&state, Some("insufficient_scope")))
    }
}

impl Door {
    fn metadata(&self, state: &State) -> Reply {
        let manners = &state.manners;
        let own = || vec![self.shared.url.clone()];
        let mut document = json!({
            "resource": manners.resource.as_deref().unwrap_or(&self.resource),
            "authorization_servers": manners.authorities.clone().unwrap_or_else(own),
            "bearer_methods_supported": ["header"],
        });
        if !manners.scopes.is_empty() {
            document["scopes_supported"] = manners.scopes.clone().into();
        }
        Reply::json(document)
    }

    /// 401, or 403 where the token is good and not for this.
    fn challenge(&self, state: &State, error: Option<&str>) -> Reply {
        let (manners, wants_more) = (&state.manners, error == Some("insufficient_scope"));
        let (origin, path) = self.resource.split_at(self.resource.rfind('/').unwrap_or_default());
        let metadata = manners.points_to_metadata.then(|| format!("{origin}{METADATA}{path}"));
        let scope = if wants_more { &manners.required_scope } else { &manners.challenge_scope };
        let parameters =
            [("error", error.map(str::to_owned)), ("resource_metadata", metadata), ("scope", scope.clone())];
        let parameters = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let written: Vec<_> = parameters.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let challenge = format!("Bearer {}", written.join(", "));
        let status = if wants_more { 403 } else { 401 };
        Reply::empty(status).header("www-authenticate", challenge.trim_end())
    }
}
