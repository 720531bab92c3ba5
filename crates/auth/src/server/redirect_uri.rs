//! Where codes may be sent: one check for every way in which a client can come to be known, and one
//! comparison for every request.
//!
//! Compared byte for byte (RFC 9700 section 4.1.3); only the port of a loopback address is the client's to
//! choose, since native programs take whichever is free (RFC 8252 section 7.3).

use std::net::Ipv4Addr;

use url::{Url, form_urlencoded};

use super::uri::{MAX_BYTES, Parts};

/// Schemes without a dot that well-known clients answer to. RFC 8252 section 7.1 asks for a reversed domain
/// name, and they have none.
const KNOWN_SCHEMES: [&str; 12] = [
    "antigravity",
    "claude",
    "cursor",
    "goose",
    "kiro",
    "lmstudio",
    "raycast",
    "vscode",
    "vscode-insiders",
    "warp",
    "windsurf",
    "zed",
];

/// Parameters of an answer: a redirect URI that brings one along would make two of it.
const OURS: [&str; 7] = ["code", "error", "error_description", "error_uri", "iss", "response", "state"];

/// Why codes cannot be sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// More than 2,048 bytes.
    #[error("a redirect URI has at most 2048 bytes")]
    TooLong,
    /// Not an absolute URI in plain ASCII that a browser reads as it is written.
    #[error("a redirect URI is an absolute URI in ASCII, without dot segments and other spellings of a host")]
    Malformed,
    /// It has a fragment.
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// It has a `*`.
    #[error("a redirect URI has no wildcard")]
    Wildcard,
    /// It has a user or a password.
    #[error("a redirect URI names no user")]
    UserInfo,
    /// `http` to anywhere but this computer.
    #[error("a redirect URI with http leads to 127.0.0.0/8, [::1] or localhost")]
    NotLoopback,
    /// Neither `https` nor `http`, nor a private-use scheme.
    #[error("the scheme of a redirect URI is https, http for loopback, or has a dot as RFC 8252 asks")]
    Scheme,
    /// Its query has a parameter that the answer has too.
    #[error("the query of a redirect URI has no parameter that the answer has")]
    Query,
}

/// Whether codes may be sent there.
///
/// `https` to any host, `http` to this computer, or a private-use scheme (RFC 8252 section 7.1).
pub fn check(uri: &str) -> Result<(), RedirectUriError> {
    if uri.len() > MAX_BYTES {
        return Err(RedirectUriError::TooLong);
    }
    let parts = Parts::of(uri).ok_or(RedirectUriError::Malformed)?;
    let url = Url::parse(uri).map_err(|_| RedirectUriError::Malformed)?;
    if uri.contains('#') {
        return Err(RedirectUriError::Fragment);
    }
    if uri.contains('*') {
        return Err(RedirectUriError::Wildcard);
    }
    if parts.authority.is_some_and(|authority| authority.contains('@')) {
        return Err(RedirectUriError::UserInfo);
    }
    check_place(&parts, &url)?;
    if !parts.keeps_its_path(&url) {
        return Err(RedirectUriError::Malformed);
    }
    let query = parts.query().unwrap_or_default();
    if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| OURS.contains(&&*name)) {
        return Err(RedirectUriError::Query);
    }
    Ok(())
}

fn check_place(parts: &Parts, url: &Url) -> Result<(), RedirectUriError> {
    match parts.scheme {
        "https" => parts.web_host(url).map(|_| ()).ok_or(RedirectUriError::Malformed),
        "http" => match parts.web_host(url) {
            Some((host, _)) if is_this_computer(host) => Ok(()),
            Some(_) => Err(RedirectUriError::NotLoopback),
            None => Err(RedirectUriError::Malformed),
        },
        scheme if is_private_use(scheme) => {
            let somewhere = !parts.rest.is_empty() || parts.authority.is_some_and(|host| !host.is_empty());
            if somewhere { Ok(()) } else { Err(RedirectUriError::Malformed) }
        }
        _ => Err(RedirectUriError::Scheme),
    }
}

/// A reversed domain name, or a scheme of a client that is known to have none.
fn is_private_use(scheme: &str) -> bool {
    let reversed_domain = scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty());
    reversed_domain || KNOWN_SCHEMES.contains(&scheme)
}

fn is_this_computer(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether codes may go to `asked`: it is one of those registered, byte for byte, but for the port of a
/// loopback address.
pub fn matches(registered: &[String], asked: &str) -> bool {
    if registered.iter().any(|known| known == asked) {
        return true;
    }
    let Some(asked) = check(asked).ok().and_then(|()| without_port(asked)) else { return false };
    registered.iter().any(|known| without_port(known) == Some(asked))
}

/// Whether any program on the person's computer can receive what is sent there.
pub fn is_loopback(uri: &str) -> bool {
    without_port(uri).is_some()
}

/// Host and the rest of a loopback address.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let parts = Parts::of(uri).filter(|parts| parts.scheme == "http")?;
    let (host, _) = parts.web_host(&Url::parse(uri).ok()?)?;
    is_this_computer(host).then_some((host, parts.rest))
}

/// Scheme and host, for people: `https://app.example.com`, `http://localhost:8080`, `cursor://…`.
///
/// Only for a URI that passed [`check`]: others are shown as `?`.
pub fn origin_shown(uri: &str) -> String {
    match Parts::of(uri) {
        Some(Parts { scheme, authority: Some(authority), .. }) => format!("{scheme}://{authority}"),
        Some(Parts { scheme, .. }) => format!("{scheme}:"),
        None => "?".into(),
    }
}

/// The redirect's source for `form-action` of a Content-Security-Policy, without which browsers stop the
/// redirect that answers the form of consent.
///
/// Host sources have no form for IPv6 (CSP Level 3 section 2.3.1): `[::1]` becomes `http:`. What does not pass
/// [`check`] becomes `'none'`.
pub fn form_action_source(uri: &str) -> String {
    if check(uri).is_err() {
        return "'none'".into();
    }
    let url = Url::parse(uri).ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
    match (url, Parts::of(uri)) {
        (Some(url), _) if !url.authority().contains('[') => url.origin().ascii_serialization(),
        (_, Some(parts)) => format!("{}:", parts.scheme),
        (_, None) => "'none'".into(),
    }
}

#[cfg(test)]
mod tests;
