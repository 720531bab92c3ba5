//! Credentials that are tokens: where Doorward gets them, as which client, and for what.

use std::sync::Arc;

use doorward_model::TokenSource;
use url::Url;

use super::super::issuer;
use crate::{address, mistake::Complaint, section::Section};

/// The token source of a credential. Absent after a mistake.
pub(super) fn source(table: &Section<'_>) -> Option<Arc<TokenSource>> {
    let token_endpoint = table
        .required_text("token_endpoint")
        .and_then(|text| table.context.accept(&text.at, address::protected(text.value)));
    table.require("client_id");
    let client_id = accepted(table, "client_id", present);
    let client_secret = table.secret_of_credential("client_secret");
    let (scope, resource) = (accepted(table, "scope", scopes), accepted(table, "resource", resource));
    let audience = accepted(table, "audience", present);
    Some(Arc::new(TokenSource {
        token_endpoint: token_endpoint?,
        client_id: client_id?,
        client_secret: client_secret.map(|secret| secret.value),
        scope,
        resource,
        audience,
    }))
}

/// What a key's text means. Absent without the key, and after a mistake.
pub(super) fn accepted<T>(
    table: &Section<'_>,
    key: &str,
    judge: impl FnOnce(&str) -> Result<T, Complaint>,
) -> Option<T> {
    table.text(key).and_then(|text| table.context.accept(&text.at, judge(text.value)))
}

pub(super) fn present(text: &str) -> Result<String, Complaint> {
    if text.is_empty() { Err("expected a text that is not empty".into()) } else { Ok(text.to_owned()) }
}

/// Scopes with one space between them (RFC 6749 section 3.3).
pub(super) fn scopes(text: &str) -> Result<String, Complaint> {
    if text.split(' ').all(|scope| issuer::scope(scope).is_ok()) {
        return Ok(text.to_owned());
    }
    Err("expected scopes with one space between them".into())
}

/// An absolute URI without fragment (RFC 8707 section 2), which counts as it is written.
pub(super) fn resource(text: &str) -> Result<String, Complaint> {
    let url = Url::parse(text).map_err(|_| "expected an absolute URI")?;
    if url.fragment().is_some() {
        return Err("a resource has no fragment (`#…`)".into());
    }
    Ok(text.to_owned())
}
