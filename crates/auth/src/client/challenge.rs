//! What a server says that wants a token (RFC 9110 section 11.6.1): of all the challenges in all the `WWW-Authenticate`
//! headers of an answer, the one for `Bearer` (RFC 6750 section 3, RFC 9728 section 5.1).
//!
//! Nothing else of a challenge is kept: descriptions are texts of the other side, and schemes that Doorward does not have
//! are passed over. A header that cannot be read to its end counts as far as it can.

use url::Url;

use super::scope::ScopeList;
use crate::server::web_address;

/// The most bytes of a header that are read; what follows is not looked at.
const MAX_BYTES: usize = 8 << 10;
/// The most headers that are read.
const MAX_HEADERS: usize = 8;
/// The most challenges of a header, and the most parameters of a challenge.
const MAX_PARTS: usize = 32;

/// A challenge for a bearer token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where the resource describes itself, so it says; absent also for what is no address. Not fetched without the
    /// checks of [`resource_metadata_urls`](super::discovery::resource_metadata_urls).
    pub resource_metadata: Option<Url>,
    /// The scopes that the request would have needed.
    pub scope: Option<ScopeList>,
    /// What was wrong with the token, if there was one.
    pub error: Option<ChallengeError>,
}

/// What was wrong with a token (RFC 6750 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeError {
    /// `invalid_request`: the request was wrong.
    InvalidRequest,
    /// `invalid_token`: it has expired, was revoked, or is for somewhere else.
    InvalidToken,
    /// `insufficient_scope`: more is needed than it may do.
    InsufficientScope,
    /// Something else.
    Other,
}

impl Challenge {
    /// The first readable `Bearer` challenge in the values of all `WWW-Authenticate` headers of an answer.
    ///
    /// A challenge that says one thing twice is passed over: two readers would disagree.
    pub fn read<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Option<Self> {
        values.into_iter().take(MAX_HEADERS).find_map(|value| {
            let mut rest = Reader(&value[..value.len().min(MAX_BYTES)]);
            let mut bearer = std::iter::from_fn(|| rest.challenge()).take(MAX_PARTS);
            bearer.find_map(|raw| raw.scheme.eq_ignore_ascii_case(b"bearer").then(|| raw.bearer())?)
        })
    }
}

/// Any challenge.
struct Raw<'v> {
    scheme: &'v [u8],
    /// None of a challenge that cannot be read.
    parameters: Option<Vec<(&'v [u8], Vec<u8>)>>,
}

impl Raw<'_> {
    fn bearer(self) -> Option<Challenge> {
        let mut challenge = Challenge::default();
        let mut seen = [false; 3];
        for (name, value) in self.parameters? {
            let known: [&[u8]; 3] = [b"resource_metadata", b"scope", b"error"];
            let Some(which) = known.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
                continue;
            };
            if std::mem::replace(&mut seen[which], true) {
                return None;
            }
            let value = std::str::from_utf8(&value).unwrap_or_default();
            match which {
                0 => challenge.resource_metadata = web_address(value),
                1 => challenge.scope = ScopeList::parse(value).filter(|scopes| !scopes.is_empty()),
                _ => challenge.error = Some(ChallengeError::of(value)),
            }
        }
        Some(challenge)
    }
}

impl ChallengeError {
    fn of(code: &str) -> Self {
        match code {
            "invalid_request" => Self::InvalidRequest,
            "invalid_token" => Self::InvalidToken,
            "insufficient_scope" => Self::InsufficientScope,
            _ => Self::Other,
        }
    }
}

/// What is left of a header.
#[derive(Clone, Copy)]
struct Reader<'v>(&'v [u8]);

impl<'v> Reader<'v> {
    /// The next challenge: a scheme, and then nothing, one token68, or parameters.
    fn challenge(&mut self) -> Option<Raw<'v>> {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b','));
        let scheme = self.token()?;
        if !self.ends_element() && !self.0.starts_with(b" ") {
            self.0 = &[];
            return Some(Raw { scheme, parameters: None });
        }
        if self.token68() {
            return Some(Raw { scheme, parameters: Some(Vec::new()) });
        }
        let mut parameters = Vec::new();
        loop {
            let before = *self;
            self.skip(|byte| matches!(byte, b' ' | b'\t' | b','));
            let Some(name) = self.token().filter(|_| self.takes(b'=')) else {
                // The scheme of the next challenge, or the end.
                *self = before;
                return Some(Raw { scheme, parameters: Some(parameters) });
            };
            let value = self.value().filter(|_| self.ends_element() && parameters.len() < MAX_PARTS);
            let Some(value) = value else {
                self.0 = &[];
                return Some(Raw { scheme, parameters: None });
            };
            parameters.push((name, value));
        }
    }

    /// Passes over a token68 that is all of its challenge, behind spaces.
    fn token68(&mut self) -> bool {
        let mut ahead = *self;
        ahead.skip(|byte| byte == b' ');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let any = ahead.skip(fits) > 0;
        ahead.skip(|byte| byte == b'=');
        let found = any && ahead.ends_element();
        if found {
            *self = ahead;
        }
        found
    }

    /// Whether an element of the list ends here.
    fn ends_element(&self) -> bool {
        let mut ahead = *self;
        ahead.skip(|byte| matches!(byte, b' ' | b'\t'));
        matches!(ahead.0.first(), None | Some(b','))
    }

    /// Takes a byte, with the white space around it that RFC 9110 calls bad.
    fn takes(&mut self, wanted: u8) -> bool {
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
        let Some(rest) = self.0.strip_prefix(&[wanted]) else { return false };
        self.0 = rest;
        self.skip(|byte| matches!(byte, b' ' | b'\t'));
        true
    }

    /// A token or a quoted string. Also an address without quotes, up to a space or a comma: some servers write them so,
    /// and the clients that they know read it.
    fn value(&mut self) -> Option<Vec<u8>> {
        let Some(quoted) = self.0.strip_prefix(b"\"") else {
            let bare = self.take(|byte| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\'));
            return (!bare.is_empty()).then(|| bare.to_vec());
        };
        let (mut value, mut bytes) = (Vec::new(), quoted.iter().enumerate());
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.0 = &quoted[at + 1..];
                    return Some(value);
                }
                b'\\' => value.push(*bytes.next()?.1),
                byte => value.push(*byte),
            }
        }
        None
    }

    /// RFC 9110 section 5.6.2.
    fn token(&mut self) -> Option<&'v [u8]> {
        let token = self.take(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        (!token.is_empty()).then_some(token)
    }

    fn take(&mut self, fits: impl Fn(u8) -> bool) -> &'v [u8] {
        let end = self.0.iter().position(|byte| !fits(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, fits: impl Fn(u8) -> bool) -> usize {
        self.take(fits).len()
    }
}

#[cfg(test)]
mod tests;
