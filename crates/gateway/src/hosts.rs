//! Names of hosts that nobody else can claim.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

/// Whether an authority is a loopback name or address, with any port: no name server can make a browser
/// send one of these to somebody else's page.
pub(crate) fn is_loopback_authority(authority: &str) -> bool {
    // Nothing that a URL parser could read as more than host and port.
    if !authority.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'[' | b']' | b'-'))
    {
        return false;
    }
    let Ok(url) = Url::parse(&format!("http://{authority}/")) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether an authority is an IP address with or without a port.
pub(crate) fn is_address(authority: &str) -> bool {
    authority.parse::<IpAddr>().is_ok() || authority.parse::<SocketAddr>().is_ok()
}

/// An authority without its port, if it has one. What is no authority stays what it is.
pub(crate) fn without_port(authority: &str) -> &str {
    let is_port = |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    // The colons of a bare IPv6 address separate no port.
    match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (host.ends_with(']') || !host.contains(':')) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_taken_off_and_nothing_else() {
        for (authority, host) in [
            ("helper.example", "helper.example"),
            ("helper.example:8443", "helper.example"),
            ("[2001:db8::1]:8443", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
            ("helper.example:", "helper.example:"),
            ("helper.example:x", "helper.example:x"),
            ("helper.example:123456", "helper.example:123456"),
            ("a@helper.example:1", "a@helper.example"),
            ("", ""),
        ] {
            assert_eq!(without_port(authority), host);
        }
    }

    #[test]
    fn loopback_authorities() {
        for good in ["localhost", "localhost:1", "127.0.0.1:8420", "127.1.2.3", "[::1]:9"] {
            assert!(is_loopback_authority(good), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a@localhost",
            "localhost/..",
            "",
            "192.168.0.1",
            "localhost:99999",
        ] {
            assert!(!is_loopback_authority(bad), "{bad}");
        }
    }
}
