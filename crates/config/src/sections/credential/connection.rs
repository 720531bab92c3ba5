//! Credentials that go back to somebody's yes at another authorization server: connections, and identity assertions.

use std::sync::Arc;

use doorward_model::{AssertionSource, Connecting, OwnClient, Place};
use url::Url;

use super::{
    Holder,
    token::{accepted, present, resource, scopes},
};
use crate::{address, mistake::Complaint, section::Section};

/// How connections are made. Absent after a mistake.
pub(super) fn connecting(table: &Section<'_>, holder: Option<&Holder>) -> Option<Arc<Connecting>> {
    let shared = table.boolean("shared").unwrap_or(false);
    let (issuer, client) = (issuer(table), client(table));
    let scope = accepted(table, "scope", scopes);
    if table.has("client_id") && !table.has("issuer") {
        let hint = "name it with `issuer`, and the client's secret goes nowhere else";
        let text = "belongs to the authorization server that the upstream names when it is first asked";
        table.warn("client_id", Complaint::new(text).hint(hint));
    }
    let holder = holder?;
    let resource = match &holder.place {
        Place::Upstream(_) => {
            if table.has("resource") {
                table.mistake("resource", "is always the upstream's `url` in a credential of kind `oauth`");
            }
            holder.address.clone()
        }
        Place::Agent(_) => {
            if !table.has("issuer") {
                let complaint = Complaint::new("is missing");
                table.mistake("issuer", complaint.hint("an agent does not say who gives out its tokens"));
            }
            asked_for(table, holder)?
        }
    };
    Some(Arc::new(Connecting { place: holder.place.clone(), shared, resource, issuer, client, scope }))
}

/// Where tokens are got for an identity assertion. Absent after a mistake.
pub(super) fn assertion(table: &Section<'_>, holder: Option<&Holder>) -> Option<Arc<AssertionSource>> {
    for key in ["issuer", "client_id"] {
        table.require(key);
    }
    let (issuer, client) = (issuer(table), client(table));
    let token_endpoint = accepted(table, "token_endpoint", address::protected);
    let scope = accepted(table, "scope", scopes);
    let holder = holder?;
    let resource = asked_for(table, holder);
    let (place, issuer, client) = (holder.place.clone(), issuer?, client?);
    Some(Arc::new(AssertionSource { place, issuer, token_endpoint, client, scope, resource: resource? }))
}

/// The exact text of an issuer.
fn issuer(table: &Section<'_>) -> Option<String> {
    accepted(table, "issuer", |text| address::issuer(text).map(|()| text.to_owned()))
}

/// Doorward's client there.
fn client(table: &Section<'_>) -> Option<OwnClient> {
    let (id, secret) = (accepted(table, "client_id", present), table.secret_of_credential("client_secret"));
    if table.has("client_secret") && !table.has("client_id") {
        table.mistake("client_secret", "is the secret of no client: `client_id` is missing");
    }
    Some(OwnClient { id: id?, secret: secret.map(|secret| secret.value) })
}

/// The `resource` as it is written, or where the holder is.
fn asked_for(table: &Section<'_>, holder: &Holder) -> Option<Url> {
    if table.has("resource") {
        let text = accepted(table, "resource", resource)?;
        return Url::parse(&text).ok();
    }
    Some(holder.address.clone())
}
