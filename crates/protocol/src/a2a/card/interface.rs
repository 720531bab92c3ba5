//! Where an agent is reached: addresses as cards write them, read leniently.

use url::Url;

use crate::a2a::{Binding, Version};

/// A way to reach an agent: `AgentInterface` of 1.0, the address and transport of 0.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The address as the card writes it.
    pub url: String,
    /// The binding; none when it is one that Doorward does not speak.
    pub binding: Option<Binding>,
    /// The version; none when it is one that Doorward does not speak.
    pub version: Option<Version>,
    /// What the agent wants to be told in every request, exactly as it is.
    pub tenant: Option<String>,
}

impl Interface {
    /// Whether Doorward speaks the binding and the version, and understands the address.
    pub fn usable(&self) -> bool {
        self.version.is_some() && self.target(true).is_some()
    }

    /// Where requests go: an `http` or `https` URL without user, query and fragment; for gRPC without a path.
    ///
    /// `host:port` of a gRPC interface does not say whether TLS is spoken: `tls` decides it. What an address says itself
    /// counts first.
    pub fn target(&self, tls: bool) -> Option<Url> {
        let url = match self.binding? {
            Binding::Grpc => grpc(&self.url, tls)?,
            Binding::JsonRpc | Binding::HttpJson => web(&self.url)?,
        };
        (url.query().is_none() && url.fragment().is_none()).then_some(url)
    }
}

/// An `http` or `https` URL with a host and without a user.
pub(super) fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then_some(url)
}

/// `host:port`, `http(s)://`, `grpc(s)://` or `dns:///host:port` (gRPC name resolution).
fn grpc(text: &str, tls: bool) -> Option<Url> {
    let unsaid = if tls { "https" } else { "http" };
    let text = text.strip_prefix("dns:///").unwrap_or(text);
    let (scheme, rest) = match text.split_once("://") {
        None => (unsaid, text),
        Some(("http" | "grpc", rest)) => ("http", rest),
        Some(("https" | "grpcs", rest)) => ("https", rest),
        Some(_) => return None,
    };
    let url = web(&format!("{scheme}://{rest}"))?;
    (url.path() == "/").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(binding: Binding, url: &str, tls: bool) -> Option<String> {
        let version = Some(Version::V1_0);
        let interface = Interface { url: url.to_owned(), binding: Some(binding), version, tenant: None };
        assert_eq!(interface.usable(), interface.target(tls).is_some());
        interface.target(tls).map(String::from)
    }

    #[test]
    fn grpc_addresses_come_in_many_spellings() {
        for (written, clear, tls) in [
            ("agent.example:50051", "http://agent.example:50051/", "https://agent.example:50051/"),
            ("[::1]:50051", "http://[::1]:50051/", "https://[::1]:50051/"),
            ("dns:///agent.example:50051", "http://agent.example:50051/", "https://agent.example:50051/"),
            ("http://agent.example:50051", "http://agent.example:50051/", "http://agent.example:50051/"),
            ("grpc://agent.example:50051/", "http://agent.example:50051/", "http://agent.example:50051/"),
            ("grpcs://agent.example", "https://agent.example/", "https://agent.example/"),
            ("https://agent.example:8443", "https://agent.example:8443/", "https://agent.example:8443/"),
        ] {
            assert_eq!(target(Binding::Grpc, written, false).as_deref(), Some(clear), "{written}");
            assert_eq!(target(Binding::Grpc, written, true).as_deref(), Some(tls), "{written}");
        }
        for bad in
            ["", "ftp://a:1", "a:b", "http://", "user@a:1", "a:1/path", "a:1?q", "unix:/a", "dns:///a:99999"]
        {
            assert_eq!(target(Binding::Grpc, bad, true), None, "{bad}");
        }
    }

    #[test]
    fn the_other_bindings_have_web_addresses() {
        for good in ["https://agent.example/a2a", "http://127.0.0.1:9999/"] {
            assert_eq!(target(Binding::JsonRpc, good, true).as_deref(), Some(good));
        }
        for bad in [
            "/a2a",
            "agent.example:80",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://u:p@a/",
            "https://a/?q",
            "https://a/#f",
        ] {
            assert_eq!(target(Binding::HttpJson, bad, true), None, "{bad}");
        }
    }
}
