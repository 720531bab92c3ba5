//! Which credential a request presents: exactly one, of the ways in that are open.
//!
//! What is no way in at an entrance is not looked at there. A client certificate belongs to the connection, not to the
//! request: it counts where the request brings nothing of its own, and never in place of something that is no good.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::invalid;
use crate::{
    listen::ClientCertificate,
    path::{Reason, Refusal},
    routes::Entrance,
};

/// Where API keys stand.
static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Where a request may carry a credential, and where it comes from.
#[derive(Clone, Copy)]
pub(in crate::path) struct Presented<'r> {
    pub(in crate::path) headers: &'r HeaderMap,
    /// A token in the URL, where none belongs.
    pub(in crate::path) query_has_token: bool,
    /// Whom the connection's certificate names.
    pub(in crate::path) certificate: Option<&'r ClientCertificate>,
    /// As far as proxies are trusted to tell it.
    pub(in crate::path) address: IpAddr,
}

/// The one credential of a request.
pub(super) enum Credential<'r> {
    /// What stands after `Bearer`.
    Token(&'r str),
    /// An API key.
    Key(&'r [u8]),
    Certificate(&'r ClientCertificate),
}

impl<'r> Presented<'r> {
    /// The credential, or why there is not exactly one.
    pub(super) fn credential(self, entrance: &Arc<Entrance>) -> Result<Credential<'r>, Refusal> {
        if self.query_has_token {
            return Err(Reason::CredentialInQuery(Arc::clone(entrance)).into());
        }
        let ambiguous = || Reason::CredentialAmbiguous(Arc::clone(entrance));
        let access = entrance.access();
        let given = |is_open: bool, name: &HeaderName| {
            if is_open { one(self.headers, name).map_err(|Several| ambiguous()) } else { Ok(None) }
        };
        let token = given(entrance.takes_tokens(), &header::AUTHORIZATION)?;
        let key = given(access.api_keys.is_some(), &API_KEY)?;
        match (token, key) {
            (Some(_), Some(_)) => Err(ambiguous().into()),
            (Some(value), None) => Ok(Credential::Token(bearer(value, entrance)?)),
            (None, Some(value)) => Ok(Credential::Key(value.as_bytes())),
            (None, None) => self
                .certificate
                .filter(|_| access.mtls)
                .map(Credential::Certificate)
                .ok_or_else(|| Reason::CredentialMissing(Arc::clone(entrance)).into()),
        }
    }
}

/// A header that may come once came several times.
struct Several;

fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Several> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Several),
    }
}

/// The token of an Authorization header (RFC 6750 section 2.1; the scheme in any case).
fn bearer<'h>(value: &'h HeaderValue, entrance: &Arc<Entrance>) -> Result<&'h str, Refusal> {
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token.map(|(_, token)| token.trim()) {
        Some(token) if !token.is_empty() => Ok(token),
        _ => Err(invalid(entrance, "token_malformed")),
    }
}
