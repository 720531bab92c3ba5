//! Scopes of other authorization servers, whose names mean nothing here (RFC 6749 section 3.3): which to ask for, and when
//! to ask for more.
//!
//! Doorward's own scopes are a closed set elsewhere; these are texts that are only told apart. What was asked how often is
//! remembered elsewhere.

use std::fmt;

use super::discovery::{AuthorizationServer, ProtectedResource};

/// The most scopes of a list.
const MAX_SCOPES: usize = 200;
/// The longest list as a text, in bytes: it has to fit into an address.
const MAX_BYTES: usize = 4 << 10;
/// Asks for a refresh token (OpenID Connect Core section 11), where a server has it.
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// Scopes in the order in which they were named, each of them once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeList(Vec<String>);

impl ScopeList {
    /// Reads a list with spaces between its scopes. `None` for a text that is none, or too long; an empty one is a list of
    /// nothing.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        Self::of(text.split(' ').filter(|scope| !scope.is_empty()))
    }

    /// The list of these names; `None` when one of them is none, or there are too many.
    pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Self> {
        let (mut list, mut bytes) = (Self::default(), 0);
        for name in names {
            if !is_scope(name) {
                return None;
            }
            if !list.contains(name) {
                bytes += name.len() + 1;
                list.0.push(name.to_owned());
            }
            if list.0.len() > MAX_SCOPES || bytes > MAX_BYTES + 1 {
                return None;
            }
        }
        Some(list)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a scope is in it, compared as text.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| known == scope)
    }

    /// Whether all of another list is in it.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.contains(scope))
    }

    /// This list, and what another has besides. Of two lists that are too long together, this one.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::of(self.iter().chain(other.iter())).unwrap_or_else(|| self.clone())
    }
}

impl fmt::Display for ScopeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// What to ask for at first: what the operator wrote, else what the challenge names, else all that the resource has, else
/// nothing in particular (MCP 2026-07-28, scope selection). A refresh token is asked for besides wherever the server says
/// that this is how.
pub fn choose(
    configured: Option<&ScopeList>,
    challenged: Option<&ScopeList>,
    resource: &ProtectedResource,
    server: &AuthorizationServer,
) -> ScopeList {
    let named = configured.or(challenged).or(resource.scopes.as_ref()).cloned().unwrap_or_default();
    if !server.offline_access {
        return named;
    }
    named.union(&ScopeList(vec![OFFLINE_ACCESS.to_owned()]))
}

/// RFC 6749 section 3.3.
fn is_scope(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

#[cfg(test)]
mod tests;
