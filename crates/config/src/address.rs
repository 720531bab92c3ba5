//! Addresses as the file writes them: listeners, networks, origins, URLs of declared destinations.
//!
//! Only the text is judged: names are not resolved. What a name leads to is judged where connections are made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use url::{Host, Url};

use crate::{context::shown, mistake::Complaint};

/// An IP address and a port.
pub(crate) fn socket(text: &str) -> Result<SocketAddr, Complaint> {
    text.parse().map_err(|_| {
        let hint = match text.rsplit_once(':') {
            Some(("", port)) => format!("every interface is \"0.0.0.0:{}\"", shown(port)),
            Some(("localhost", port)) => format!("\"127.0.0.1:{}\"", shown(port)),
            _ => "such as \"127.0.0.1:8420\" or \"[::1]:8420\"".to_owned(),
        };
        Complaint::new("expected an IP address and a port").hint(hint)
    })
}

/// A network in CIDR notation, or one address.
pub(crate) fn network(text: &str) -> Result<IpNet, Complaint> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    let network: IpNet =
        text.parse().map_err(|_| Complaint::new("expected a network").hint("such as \"10.0.0.0/8\""))?;
    if network.addr() == network.network() {
        return Ok(network);
    }
    Err(Complaint::new("this address is inside a network, not the network's own")
        .hint(format!("the network is \"{}\"", network.trunc())))
}

/// Whether every address of the network is private, shared, loopback or link-local.
pub(crate) fn is_private(network: &IpNet) -> bool {
    const PRIVATE: [&str; 9] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    ];
    PRIVATE
        .iter()
        .filter_map(|private| private.parse::<IpNet>().ok())
        .any(|private| private.contains(network))
}

/// `public_url`: an `http` or `https` origin, exactly as RFC 6454 section 6.2 writes it.
pub(crate) fn public_url(text: &str) -> Result<Url, Complaint> {
    let url =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            Complaint::new("expected scheme://host[:port]").hint("such as \"https://gateway.example.com\"")
        })?;
    let origin = url.origin().ascii_serialization();
    if origin == text {
        return Ok(url);
    }
    Err(Complaint::new("expected exactly scheme://host[:port], nothing more")
        .hint(format!("write \"{origin}\"")))
}

/// The host of a URL as [`Url::host_str`] gives it: in lower case, without a port. Of several labels, so that no
/// slip of a word passes for one.
pub(crate) fn host(text: &str) -> Result<String, Complaint> {
    let url = Url::parse(&format!("https://{text}/")).ok();
    let parsed = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let whole = (parsed.contains(['.', ':']) || parsed == "localhost") && !parsed.contains('*');
    if whole && parsed.eq_ignore_ascii_case(text) && !text.ends_with('.') {
        return Ok(parsed.to_owned());
    }
    let hint = whole.then(|| format!("such as \"{parsed}\""));
    Err(Complaint::new("expected the name of a host").hint_if(hint))
}

/// A browser origin as a request's `Origin` header writes it (RFC 6454 section 6.2); other schemes than
/// `http` and `https` are those of programs that embed a browser.
pub(crate) fn origin(text: &str) -> Result<String, Complaint> {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "http" | "https") || scheme.is_empty() || has_upper_case(scheme) {
        return public_url(text).map(|_| text.to_owned());
    }
    let url = Url::parse(text).map_err(|_| "expected scheme://host[:port]")?;
    let bare = url.path().is_empty() && url.query().is_none() && url.fragment().is_none();
    if bare && url.has_host() && !has_userinfo(&url) && url.as_str() == text {
        return Ok(text.to_owned());
    }
    Err("expected exactly scheme://host[:port], nothing more".into())
}

/// The address of a declared destination: `http` or `https`, without user information and fragment, and never a
/// cloud's metadata service.
pub(crate) fn destination(text: &str) -> Result<Url, Complaint> {
    destination_like("https://tools.example.com/mcp", text)
}

/// A [`destination`], of which this is an example.
pub(crate) fn destination_like(example: &str, text: &str) -> Result<Url, Complaint> {
    let url = Url::parse(text)
        .map_err(|_| Complaint::new("expected a URL").hint(format!("such as \"{example}\"")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Complaint::new(format!(
            "expected an http or https URL, found `{}:`",
            shown(url.scheme())
        )));
    }
    if has_userinfo(&url) {
        return Err(Complaint::new("a URL holds no user name or password").hint("use `credential`"));
    }
    if url.fragment().is_some() {
        return Err("a URL that is called has no fragment (`#…`)".into());
    }
    if is_metadata_service(&url) {
        return Err("a cloud metadata address is never a destination".into());
    }
    Ok(url)
}

/// A [`destination`] that is `https`, or `http` on a loopback address.
pub(crate) fn protected(text: &str) -> Result<Url, Complaint> {
    let url = destination(text)?;
    if url.scheme() == "https" || is_loopback(&url) {
        Ok(url)
    } else {
        Err("expected https (http only on a loopback address)".into())
    }
}

/// An issuer identifier: [`protected`], and without query (RFC 8414 section 2). The text itself is what counts.
pub(crate) fn issuer(text: &str) -> Result<(), Complaint> {
    let url = protected(text)?;
    if url.query().is_some() {
        return Err("an issuer has no query (`?…`)".into());
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("an issuer has no white space".into());
    }
    Ok(())
}

/// Whether the host is loopback by its text: 127.0.0.0/8, `::1` or `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn has_upper_case(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The metadata services of the large clouds, by address and by name.
fn is_metadata_service(url: &Url) -> bool {
    const V4: [Ipv4Addr; 3] = [
        Ipv4Addr::new(169, 254, 169, 254),
        Ipv4Addr::new(169, 254, 170, 2),
        Ipv4Addr::new(100, 100, 100, 200),
    ];
    const V6: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    const NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];
    match url.host() {
        Some(Host::Ipv4(address)) => V4.contains(&address),
        Some(Host::Ipv6(address)) => {
            V6.contains(&address) || embedded_v4(address).is_some_and(|inner| V4.contains(&inner))
        }
        Some(Host::Domain(name)) => NAMES.contains(&name.trim_end_matches('.')),
        None => false,
    }
}

/// The IPv4 address inside a mapped (RFC 4291), compatible or translated (RFC 6052) IPv6 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let translated = segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let low = || {
        let [a, b] = segments[6].to_be_bytes();
        let [c, d] = segments[7].to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    if translated { Some(low()) } else { address.to_ipv4() }
}

#[cfg(test)]
mod tests;
