//! Who the caller is, in a header of Doorward's own: for agents that decide by it, beside the credential that lets
//! Doorward in.

use doorward_auth::{client::assertion, keys::hash};
use doorward_model::Caller;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::App;

/// What carries it. Never taken over from a caller.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("doorward-assertion");

/// Adds a signed assertion that names the caller to `audience`, good for a minute. Nothing, where nobody was asked.
pub(crate) fn attach(app: &App, caller: &Caller, audience: &str, headers: &mut HeaderMap) {
    let Some(identity) = caller.identity() else { return };
    let (now, id) = (app.clock().now(), hash::random_hex::<16>());
    let claims = assertion::caller(app.routes().origin(), identity, audience, now, &id);
    // A JWT is a header value.
    if let Ok(mut value) = HeaderValue::from_str(&app.signer().jwt(assertion::CALLER, &claims)) {
        value.set_sensitive(true);
        headers.insert(HEADER, value);
    }
}
