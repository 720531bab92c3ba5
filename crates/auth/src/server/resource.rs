//! Which resource a request is about (RFC 8707): always exactly one, and one of Doorward's own.
//!
//! Compared whole, after writing scheme, host and port in one way. A resource is never recognised by a
//! prefix, and its path is never improved, but for one slash at the end that clients add or lose.

use doorward_model::Scopes;
use url::Url;

use super::{
    error::{OAuthError, invalid_target},
    uri::Parts,
};

/// A resource that Doorward gives tokens for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// As it is published.
    pub resource: String,
    /// What a token may do there, wholly.
    pub scopes: Scopes,
}

/// What knows the resources, by their canonical texts.
pub type Resources<'r> = &'r dyn Fn(&str) -> Option<Offered>;

/// One text for all spellings of a resource: scheme and host in lower case, no default port, no slash at the
/// end. `None` for what cannot be one: not `http` or `https`, with a fragment, a user, dot segments or
/// two slashes at the end.
pub fn canonical(text: &str) -> Option<String> {
    // Schemes are compared without regard to case here, since clients print what they were configured with.
    let colon = text.find(':')?;
    let lowered = text.get(..colon)?.to_ascii_lowercase() + text.get(colon..)?;
    let parts = Parts::of(&lowered)?;
    let url = Url::parse(&lowered).ok()?;
    let web = matches!(parts.scheme, "http" | "https") && parts.web_host(&url).is_some();
    if !web || lowered.contains('#') || !parts.keeps_its_path(&url) {
        return None;
    }
    let path = parts.path().strip_suffix('/').unwrap_or(parts.path());
    if path.ends_with('/') {
        return None;
    }
    let query = parts.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{path}{query}", url.origin().ascii_serialization()))
}

/// The one resource of a request: the one that it names, else the one that the client is bound to.
///
/// # Errors
/// `invalid_target` when there is none, when Doorward has no such resource, or the client is bound to another.
pub fn choose(
    asked: Option<&str>,
    bound: Option<&str>,
    resources: Resources<'_>,
) -> Result<Offered, OAuthError> {
    let asked = asked.or(bound).ok_or(invalid_target("the parameter resource is missing (RFC 8707)"))?;
    let unknown = invalid_target("there is no such resource");
    let asked = canonical(asked).ok_or(unknown)?;
    if bound.is_some_and(|bound| canonical(bound).as_ref() != Some(&asked)) {
        return Err(invalid_target("the client is bound to another resource"));
    }
    resources(&asked).ok_or(unknown)
}

/// Whether `asked`, if anything, is the resource that a code or token is bound to.
///
/// # Errors
/// `invalid_target` when it is another.
pub fn same(asked: Option<&str>, bound: &str) -> Result<(), OAuthError> {
    match asked {
        Some(asked) if canonical(asked) != canonical(bound) || canonical(asked).is_none() => {
            Err(invalid_target("the grant is for another resource"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_resource_are_one_text() {
        for (text, expected) in [
            ("https://gw.example.com/mcp/a", "https://gw.example.com/mcp/a"),
            ("HTTPS://GW.example.com:443/mcp/a/", "https://gw.example.com/mcp/a"),
            ("http://127.0.0.1:8420/mcp/a", "http://127.0.0.1:8420/mcp/a"),
            ("http://[::1]:80/mcp/a", "http://[::1]/mcp/a"),
            ("https://gw.example.com/", "https://gw.example.com"),
            ("https://gw.example.com", "https://gw.example.com"),
            ("https://gw.example.com/mcp/A?x=1", "https://gw.example.com/mcp/A?x=1"),
            ("https://gw.example.com/mcp/%61", "https://gw.example.com/mcp/%61"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_resource() {
        for bad in [
            "",
            "mcp/a",
            "//gw.example.com/mcp/a",
            "https:gw.example.com/mcp/a",
            "https://gw.example.com/mcp/a#x",
            "https://gw.example.com/mcp/a#",
            "https://user@gw.example.com/mcp/a",
            "https://gw.example.com/mcp/b/../a",
            "https://gw.example.com/mcp/%2e%2e/a",
            "https://gw.example.com/mcp/a//",
            "https://gw.example.com\\mcp\\a",
            "https://gw.example.com/mcp/ä",
            "https://gw.example.com/mcp/a\n",
            "urn:mcp:a",
            "javascript:alert(1)",
        ] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
    }

    fn offered(resource: &str) -> Option<Offered> {
        (resource == "https://gw/mcp/a").then(|| Offered { resource: resource.into(), scopes: Scopes::MCP })
    }

    #[test]
    fn exactly_one_resource_of_ours() {
        let choose = |asked, bound| choose(asked, bound, &offered).map(|chosen| chosen.resource).ok();
        let a = Some("https://gw/mcp/a".to_owned());
        assert_eq!(choose(Some("https://GW/mcp/a/"), None), a);
        assert_eq!(choose(None, Some("https://gw/mcp/a")), a);
        assert_eq!(choose(Some("https://gw/mcp/a"), Some("https://gw/mcp/a")), a);
        assert_eq!(choose(None, None), None);
        assert_eq!(choose(Some("https://gw/mcp/a"), Some("https://gw/mcp/b")), None);
        for other in
            ["https://gw/mcp", "https://gw/mcp/aa", "https://gw/mcp/a/b", "https://gw/mcp/a?x", "nonsense"]
        {
            assert_eq!(choose(Some(other), None), None, "{other}");
            assert!(same(Some(other), "https://gw/mcp/a").is_err(), "{other}");
        }
        assert_eq!(same(Some("https://gw:443/mcp/a/"), "https://gw/mcp/a"), Ok(()));
        assert_eq!(same(None, "https://gw/mcp/a"), Ok(()));
        assert!(same(Some("x"), "y").is_err());
    }

    proptest! {
        #[test]
        fn the_canonical_text_is_its_own(text in "(https?|HTTPS|x)://[a-zA-Z0-9.:\\[\\]@-]{0,12}(/[!-~]{0,6}){0,3}") {
            if let Some(once) = canonical(&text) {
                prop_assert_eq!(canonical(&once), Some(once));
            }
        }
    }
}
