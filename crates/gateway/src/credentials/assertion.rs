//! Who the caller is, in a header of Doorward's own: for agents that decide by it, beside the credential that lets
//! Doorward in.

use doorward_auth::{client::assertion, keys::hash};
use doorward_model::{Caller, Identity, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{App, signer::Signer};

/// What carries it. Never taken over from a caller.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("doorward-assertion");

/// Adds a signed assertion that names the caller to `audience`, good for a minute. Nothing, where nobody was asked.
pub(crate) fn attach(app: &App, caller: &Caller, audience: &str, headers: &mut HeaderMap) {
    let Some(identity) = caller.identity() else { return };
    let (routes, now) = (app.routes(), app.clock().now());
    if let Some(value) = value(app.signer(), (routes.origin(), now), identity, audience) {
        headers.insert(HEADER, value);
    }
}

/// The value of the header.
pub(super) fn value(
    signer: &Signer,
    (origin, now): (&str, Timestamp),
    identity: &Identity,
    audience: &str,
) -> Option<HeaderValue> {
    let claims = assertion::caller(origin, identity, audience, now, &hash::random_hex::<16>());
    // A JWT is a header value.
    let mut value = HeaderValue::from_str(&signer.jwt(assertion::CALLER, &claims)).ok()?;
    value.set_sensitive(true);
    Some(value)
}
