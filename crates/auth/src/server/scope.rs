//! What a token may do, of what was asked for (RFC 6749 section 3.3).
//!
//! Real clients ask for scopes that they made up or remember from elsewhere. Names that Doorward does not have
//! are dropped, and a request that names nothing of the resource's gets what the resource has: the person sees
//! it before consenting, and the answer says what was given.

use doorward_model::{Scope, Scopes};

use super::error::{ErrorCode, OAuthError};

/// What is given of `asked` at a resource that has `offered`.
///
/// # Errors
/// `invalid_scope` when the text is not a list of scopes.
pub fn granted(asked: Option<&str>, offered: Scopes) -> Result<Scopes, OAuthError> {
    let asked = known(asked.unwrap_or_default())?;
    let both = asked.and(offered);
    let given = if both.is_empty() { offered } else { both };
    Ok(if asked.has(Scope::OfflineAccess) { given.with(Scope::OfflineAccess) } else { given })
}

/// What is given of `asked` when `granted` is what there is (RFC 6749 section 6): the whole of it when nothing
/// is asked for.
///
/// # Errors
/// `invalid_scope` when more is asked for than was granted, or the text is not a list of scopes.
pub fn narrowed(asked: Option<&str>, granted: Scopes) -> Result<Scopes, OAuthError> {
    let asked = known(asked.unwrap_or_default())?.without(Scope::OfflineAccess);
    if asked.is_empty() {
        return Ok(granted);
    }
    if !asked.within(granted) {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "more is asked for than was granted"));
    }
    Ok(granted.and(asked.with(Scope::OfflineAccess)))
}

/// Nothing is left of what was asked for.
pub(super) const fn nothing() -> OAuthError {
    OAuthError::new(ErrorCode::InvalidScope, "no scope of the resource is allowed")
}

/// The scopes of Doorward's in a list.
pub(super) fn known(list: &str) -> Result<Scopes, OAuthError> {
    if !list.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        return Err(OAuthError::new(ErrorCode::InvalidScope, "scope is not a list of scopes"));
    }
    let each = list.split(' ').filter_map(|word| word.parse::<Scopes>().ok());
    Ok(each.fold(Scopes::NONE, Scopes::or))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(scopes: Result<Scopes, OAuthError>) -> Option<String> {
        scopes.ok().map(|scopes| scopes.to_string())
    }

    #[test]
    fn what_clients_ask_for_and_what_they_get() {
        for (asked, given) in [
            (None, "mcp:read mcp:call"),
            (Some("mcp:read"), "mcp:read"),
            (Some("mcp:call mcp:read"), "mcp:read mcp:call"),
            // Claude Code
            (Some("mcp:tools offline_access"), "mcp:read mcp:call offline_access"),
            (Some("offline_access"), "mcp:read mcp:call offline_access"),
            (Some("mcp:read mcp:admin"), "mcp:read"),
            (Some("a2a:send"), "mcp:read mcp:call"),
            (Some("mcp:read a2a:send"), "mcp:read"),
            (Some("  *  "), "mcp:read mcp:call"),
        ] {
            assert_eq!(text(granted(asked, Scopes::MCP)).as_deref(), Some(given), "{asked:?}");
        }
        for bad in ["mcp:read\tmcp:call", "\"", "a\\b", "ä", "\n"] {
            assert_eq!(
                granted(Some(bad), Scopes::MCP).map_err(|error| error.code),
                Err(ErrorCode::InvalidScope)
            );
        }
    }

    #[test]
    fn a_refresh_can_ask_for_less_and_not_for_more() {
        let all = Scopes::MCP.with(Scope::OfflineAccess);
        let read = Scopes::NONE.with(Scope::McpRead);
        assert_eq!(text(narrowed(None, all)).as_deref(), Some("mcp:read mcp:call offline_access"));
        assert_eq!(text(narrowed(Some("mcp:read"), all)).as_deref(), Some("mcp:read offline_access"));
        assert_eq!(text(narrowed(Some("mcp:tools offline_access"), read)).as_deref(), Some("mcp:read"));
        assert!(narrowed(Some("mcp:read mcp:call"), read).is_err());
        assert!(narrowed(Some("a2a:read"), all).is_err());
    }
}
