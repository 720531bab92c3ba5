//! The parts of a URI as they are written (RFC 3986 section 3), for rules that compare text.
//!
//! The URL parser that browsers use repairs what it reads: it drops tabs, turns `\` into `/`, resolves `..`
//! and reads `0x7f.1` as an address. What it would repair is refused here instead, so that the text that was
//! judged is the place where a browser goes.

use url::{Position, Url};

/// The longest URI that is looked at, in bytes.
pub(super) const MAX_BYTES: usize = 2048;

/// A URI in pieces, all of them as they are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'u> {
    /// In lower case.
    pub(super) scheme: &'u str,
    /// User, host and port; absent without `//`.
    pub(super) authority: Option<&'u str>,
    /// From the path on.
    pub(super) rest: &'u str,
}

impl<'u> Parts<'u> {
    /// Takes a URI apart that has a scheme in lower case, and only characters that a URI has.
    pub(super) fn of(text: &'u str) -> Option<Self> {
        if text.len() > MAX_BYTES || !is_written_well(text.as_bytes()) {
            return None;
        }
        let (scheme, rest) = text.split_once(':')?;
        let begins_well = scheme.starts_with(|first: char| first.is_ascii_lowercase());
        let goes_on_well =
            scheme.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'));
        if !begins_well || !goes_on_well {
            return None;
        }
        let (authority, rest) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
                (Some(authority), rest)
            }
        };
        Some(Self { scheme, authority, rest })
    }

    /// Host and port as they are written, once a browser would read them just so: the host is a name or an
    /// address in its usual spelling, the port has digits. The other characters that RFC 3986 allows in a name
    /// (`;`, `,`, `'` …) are in no real one, and mean something in the headers where hosts end up.
    pub(super) fn web_host(&self, url: &Url) -> Option<(&'u str, Option<&'u str>)> {
        let authority = self.authority?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let named =
            host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        let same_host = url.host_str()?.eq_ignore_ascii_case(host) && (named || host.starts_with('['));
        let real_port =
            port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
        (same_host && real_port).then_some((host, port))
    }

    /// The path as it is written.
    pub(super) fn path(&self) -> &'u str {
        &self.rest[..self.rest.find(['?', '#']).unwrap_or(self.rest.len())]
    }

    /// The query as it is written, without its `?`.
    pub(super) fn query(&self) -> Option<&'u str> {
        let rest = self.rest.split_once('#').map_or(self.rest, |(rest, _)| rest);
        rest.split_once('?').map(|(_, query)| query)
    }

    /// Whether a browser would leave the path alone: no segment is `.` or `..`, in whatever spelling.
    pub(super) fn keeps_its_path(&self, url: &Url) -> bool {
        let read = &url[Position::BeforePath..Position::AfterPath];
        read == self.path() || (self.path().is_empty() && read == "/")
    }
}

/// Whether there are only the characters of RFC 3986 appendix A, and `%` only before two hexadecimal digits.
fn is_written_well(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => text.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        other => other.is_ascii_graphic(),
    })
}
